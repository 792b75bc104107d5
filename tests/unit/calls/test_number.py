"""Numbers as trunks send them: national styles, prefixes, short codes, and texts that are no numbers."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callcenter.calls.number import SAFE, NumberKind, normalise

pytestmark = pytest.mark.unit

E164, SHORT, WITHHELD, MALFORMED = (
    NumberKind.E164,
    NumberKind.SHORT,
    NumberKind.WITHHELD,
    NumberKind.MALFORMED,
)

CASES = [
    # region, as sent, kind, key
    ("CN", "13800138000", E164, "+8613800138000"),
    ("CN", "013800138000", E164, "+8613800138000"),
    ("CN", "+8613800138000", E164, "+8613800138000"),
    ("CN", "008613800138000", E164, "+8613800138000"),
    ("CN", "01062345678", E164, "+861062345678"),
    ("CN", "4008123123", E164, "+864008123123"),
    ("CN", "00442079460000", E164, "+442079460000"),
    ("CN", "+12125550123", E164, "+12125550123"),
    ("US", "2125550123", E164, "+12125550123"),
    ("US", "12125550123", E164, "+12125550123"),
    ("US", "0112125550123", MALFORMED, ""),
    ("US", "01144 2079460000", MALFORMED, ""),
    ("US", "011442079460000", E164, "+442079460000"),
    ("US", "00442079460000", E164, "+442079460000"),
    ("GB", "02079460000", E164, "+442079460000"),
    ("GB", "07700900123", E164, "+447700900123"),
    ("GB", "008613800138000", E164, "+8613800138000"),
    ("CN", "10086", SHORT, "10086"),
    ("CN", "1001", SHORT, "1001"),
    ("CN", "*98", SHORT, "*98"),
    ("CN", "  13800138000 ", E164, "+8613800138000"),
    ("CN", "", WITHHELD, ""),
    ("CN", "anonymous", WITHHELD, ""),
    ("CN", "Anonymous", WITHHELD, ""),
    ("CN", "Restricted", WITHHELD, ""),
    ("CN", "+999123456789", MALFORMED, ""),
    ("CN", "1234567890123456789012345678901", MALFORMED, ""),
    ("CN", "1" * 40, MALFORMED, ""),
    ("CN", "sip:13800138000", MALFORMED, ""),
    ("CN", "138-0013-8000", MALFORMED, ""),
    ("CN", "++8613800138000", MALFORMED, ""),
    ("CN", "+", MALFORMED, ""),
    ("CN", "13800138000;ext=5", MALFORMED, ""),
    ("CN", "１３８００１３８０００", MALFORMED, ""),
    ("CN", "13800138000%0d%0a", MALFORMED, ""),
    ("CN", "138001*38000", MALFORMED, ""),
    ("CN", "#13800138000", MALFORMED, ""),
    ("ZZ", "+8613800138000", E164, "+8613800138000"),
    ("ZZ", "13800138000", MALFORMED, ""),
]


@pytest.mark.parametrize(("region", "raw", "kind", "key"), CASES)
def test_number(region: str, raw: str, kind: NumberKind, key: str) -> None:
    """Each form is read as the people of its region mean it."""
    number = normalise(raw, region)
    assert (number.kind, number.key) == (kind, key)


def test_masked() -> None:
    """Two digits are shown, or nothing."""
    assert normalise("13800138000", "CN").masked() == "***00"
    assert normalise("anonymous", "CN").masked() == ""


hostile = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="+0123456789*#", max_size=40),
    st.text(alphabet="0123456789\r\n\x00%+,&${}()/;: ", max_size=40),
)


@example("000000000", "CN")
@example("0126064000280", "CN")
@example("+390612345678", "CN")
@given(hostile, st.sampled_from(["CN", "US", "GB", "ZZ", "??", ""]))
def test_never_raises_and_is_always_safe(raw: str, region: str) -> None:
    """Whatever comes: a number that can be shown, looked up and dialled, or none."""
    number = normalise(raw, region)
    for text in (number.raw, number.key):
        assert text == "" or SAFE.fullmatch(text)
    assert (number.key != "") == (number.kind in {E164, SHORT})
    if number.kind is E164:
        assert number.key.startswith("+")
        assert number.key[1:].isdecimal()
        again = normalise(number.key, region)
        assert (again.kind, again.key) == (E164, number.key)


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_the_styles_of_one_number_are_one_key(mobile: str) -> None:
    """With and without country code, trunk zero and international prefix, a caller is the same customer."""
    keys = {normalise(style + mobile, "CN").key for style in ("", "0", "86", "+86", "0086")}
    assert keys == {f"+86{mobile}"}
