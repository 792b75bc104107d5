"""SIP messages: what is read, what is refused, and that nothing a caller sends breaks the reader."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.rig.sip_message import (
    MOST_HEADERS,
    BadSip,
    Request,
    Response,
    encode,
    parameters,
    parse,
    parse_address,
    parse_uri,
    quoted,
)

pytestmark = pytest.mark.unit

INVITE = (
    b"INVITE sip:1001@127.0.0.1:26100 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 127.0.0.1:25062;rport;branch=z9hG4bKPj1\r\n"
    b'From: "Li Lei" <sip:13800000000@127.0.0.1>;tag=as1\r\n'
    b"To: <sip:1001@127.0.0.1>\r\n"
    b"Contact: <sip:asterisk@127.0.0.1:25062>\r\n"
    b"Call-ID: abc@127.0.0.1\r\n"
    b"CSeq: 102 INVITE\r\n"
    b"X-Callcenter-Call: cafe\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: 5\r\n"
    b"\r\n"
    b"v=0\r\n"
)


def with_line(line: bytes) -> bytes:
    """The INVITE with one more header line."""
    return INVITE.replace(b"Content-Type:", line + b"\r\nContent-Type:")


def test_a_request() -> None:
    """Method, address, headers whatever their case, branch, CSeq and body come out as they were sent."""
    message = parse(INVITE)
    assert isinstance(message, Request)
    assert (message.method, message.uri) == ("INVITE", "sip:1001@127.0.0.1:26100")
    assert message.get("x-callcenter-call") == "cafe"
    assert message.branch == "z9hG4bKPj1"
    assert message.cseq == (102, "INVITE")
    assert message.body == b"v=0\r\n"
    assert message.get("nothing") is None


def test_a_response_in_compact_form() -> None:
    """Short header names mean the long ones, and an answer needs no reason."""
    lines = ["v: SIP/2.0/UDP h;branch=b", "f: <sip:a@h>", "t: <sip:b@h>", "i: 1", "CSeq: 1 BYE", "l: 0"]
    message = parse("\r\n".join(["SIP/2.0 200 ", *lines, "", ""]).encode())
    assert isinstance(message, Response)
    assert (message.status, message.reason, message.call_id) == (200, "", "1")


def test_cut_at_every_position() -> None:
    """A message that is cut short anywhere is refused, never taken for a shorter one."""
    for length in range(len(INVITE)):
        with pytest.raises(BadSip):
            parse(INVITE[:length])


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        (INVITE.replace(b"INVITE sip", b"invite sip"), "neither"),
        (INVITE.replace(b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia"), "neither"),
        (INVITE.replace(b"102 INVITE", b"102 BYE"), "another method"),
        (INVITE.replace(b"102 INVITE", b"x INVITE"), "CSeq"),
        (INVITE.replace(b"102 INVITE", b"4294967296 INVITE"), "too large"),
        (INVITE.replace(b"Content-Length: 5", b"Content-Length: -5"), "no number"),
        (INVITE.replace(b"Content-Length: 5", b"Content-Length: 6"), "cut short"),
        (INVITE.replace(b"Call-ID: abc@127.0.0.1\r\n", b""), "call-id"),
        (with_line(b"To: <sip:other@h>"), "to twice"),
        (with_line(b"t: <sip:other@h>"), "to twice"),
        (with_line(b"Content-Length: 0"), "content-length twice"),
        (with_line(b"X-A: a\nX-B: b"), "line break"),
        (with_line(b"X-A: a\rX-B: b"), "line break"),
        (with_line(b"X-A: a\0"), "NUL"),
        (with_line(b" folded"), "no header"),
        (with_line(b"no colon here"), "no header"),
        (with_line(b"X A: b"), "no header"),
        (with_line(b"\r\n".join(b"X-%d: 1" % n for n in range(MOST_HEADERS))), "too many"),
        (b"x" * 65_536, "longer"),
        (b"", "do not end"),
    ],
)
def test_refused(datagram: bytes, why: str) -> None:
    """Each way to break the framing is refused, with its reason."""
    with pytest.raises(BadSip, match=re.escape(why)):
        parse(datagram)


def test_more_than_promised_is_left() -> None:
    """What follows the promised length is not the message's."""
    assert parse(INVITE + b"and more").body == b"v=0\r\n"


def test_strange_names_pass() -> None:
    """A name with control characters, bad UTF-8 or markup is read, and goes back as it came."""
    name = b'"\x1b[31m\xff<img src=x>\xe2\x80\xae"'
    message = parse(INVITE.replace(b'"Li Lei"', name))
    assert name in encode(message)
    assert parse_address(message.need("From")).user == "13800000000"


@given(st.binary(max_size=400))
def test_never_another_error(data: bytes) -> None:
    """Whatever comes, it is a message or BadSip."""
    try:
        parse(data)
    except BadSip:
        return


@settings(max_examples=300)
@given(st.integers(0, len(INVITE) - 1), st.binary(min_size=1, max_size=6))
def test_any_damage(place: int, damage: bytes) -> None:
    """A damaged message is refused, or read as something that can be written again."""
    try:
        message = parse(INVITE[:place] + damage + INVITE[place + len(damage) :])
        assert parse(encode(message)) == parse(encode(parse(encode(message))))
        message.branch  # noqa: B018  must not fail
        parse_address(message.need("From"))
    except BadSip:
        return


_TEXT = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=40)


@given(_TEXT)
def test_names_survive(name: str) -> None:
    """Any name that is quoted is read back as it was."""
    address = parse_address(f"{quoted(name)} <sip:1@h>;tag=x")
    assert (address.display_name, address.uri, address.parameters) == (name, "sip:1@h", {"tag": "x"})


@given(_TEXT)
def test_names_survive_a_message(name: str) -> None:
    """A name goes through a whole message and comes out the same, header by header."""
    message = parse(INVITE)
    headers = tuple(
        (key, f"{quoted(name)} <sip:1@h>" if key == "From" else value) for key, value in message.headers
    )
    again = parse(encode(Request(headers, b"", "INVITE", "sip:1@h")))
    assert len(again.headers) == len(headers)
    assert parse_address(again.need("From")).display_name == name


@pytest.mark.parametrize("value", ["a\r\nX: 1", "a\n", "\0"])
def test_encode_refuses(value: str) -> None:
    """Our own side can't be made to send a line that nobody meant."""
    with pytest.raises(BadSip):
        encode(Request((("X", value),), b"", "OPTIONS", "sip:h"))


@pytest.mark.parametrize(
    ("value", "name", "uri", "tag"),
    [
        ('"A \\"b\\" \\\\" <sip:1@h>;tag=t', 'A "b" \\', "sip:1@h", "t"),
        ("Plain Name <sip:1@h;user=phone>;tag=t;x", "Plain Name", "sip:1@h;user=phone", "t"),
        ("sip:1@h;tag=t", "", "sip:1@h", "t"),
        ('"<sip:9@evil>;tag=no" <sip:1@h>;tag=t', "<sip:9@evil>;tag=no", "sip:1@h", "t"),
    ],
)
def test_addresses(value: str, name: str, uri: str, tag: str) -> None:
    """Names in quotes hide nothing: neither an address nor a tag."""
    address = parse_address(value)
    assert (address.display_name, address.uri, address.parameters["tag"]) == (name, uri, tag)


@pytest.mark.parametrize("value", ['"open <sip:1@h', '"a" sip:1@h', "<sip:1@h"])
def test_bad_addresses(value: str) -> None:
    """An address that does not end is refused."""
    with pytest.raises(BadSip):
        parse_address(value)


def test_uris() -> None:
    """User, host and port; the user stays percent-encoded."""
    uri = parse_uri("sip:+86%0d%0a@127.0.0.1:5060;ob")
    assert (uri.user, uri.host, uri.port, uri.rest) == ("+86%0d%0a", "127.0.0.1", 5060, ";ob")
    assert parse_uri("tel:+861;phone-context=x").user == "+861"
    for bad in ("http://h", "sip:a b@h", "sip:a@h:99999", "sip:a@h:x", ""):
        with pytest.raises(BadSip):
            parse_uri(bad)


def test_parameters_outside_the_brackets() -> None:
    """Only what follows the address counts as its parameters."""
    assert parameters("<sip:a@h;tag=inside>;tag=out") == {"tag": "out"}
    assert parameters("SIP/2.0/UDP h;rport;branch=b") == {"rport": "", "branch": "b"}
    assert parameters("<sip:a@h>") == {}
