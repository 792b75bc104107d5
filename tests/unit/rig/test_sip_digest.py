"""Digest answers against the vectors of RFC 2617 and RFC 7616; challenges that can't be used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.rig.sip_digest import Challenge, Credentials, answer, parse_challenge
from callcenter.rig.sip_message import BadSip

pytestmark = pytest.mark.unit


def test_rfc_2617() -> None:
    """The example of RFC 2617, section 3.5."""
    challenge = parse_challenge(
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    value = answer(challenge, Credentials("Mufasa", "Circle Of Life"), "GET", "/dir/index.html", "0a4f113b")
    assert 'response="6629fae49393a05397450978507c4ef1"' in value
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in value


def test_rfc_7616() -> None:
    """The SHA-256 example of RFC 7616, section 3.9.1."""
    challenge = Challenge(
        "http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "SHA-256", qop_auth=True
    )
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    value = answer(challenge, Credentials("Mufasa", "Circle of Life"), "GET", "/dir/index.html", cnonce)
    assert "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" in value


def test_without_qop() -> None:
    """The oldest form: no counter and no nonce of ours."""
    value = answer(parse_challenge('Digest realm="r", nonce="n"'), Credentials("u", "p"), "REGISTER", "sip:h")
    assert "qop" not in value
    assert "cnonce" not in value


@pytest.mark.parametrize(
    "value",
    [
        'Basic realm="r"',
        'Digest realm="r"',
        'Digest nonce="n"',
        'Digest realm="r", nonce="n", algorithm=SHA-512-256',
        'Digest realm="r" nonce=',
        'Digest realm="r, nonce="n"',
        "",
    ],
)
def test_refused(value: str) -> None:
    """What can't be answered is refused, not guessed."""
    with pytest.raises(BadSip):
        parse_challenge(value)


@given(st.text(max_size=80))
def test_never_another_error(text: str) -> None:
    """Whatever the registrar says, it is a challenge or BadSip."""
    try:
        parse_challenge(f"Digest {text}")
    except BadSip:
        return
