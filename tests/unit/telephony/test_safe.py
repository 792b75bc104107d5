"""What may be sent to Asterisk."""

import pytest

from callcenter.errors import BadInput
from callcenter.telephony import safe

pytestmark = pytest.mark.unit

INJECTIONS = [
    "",
    " ",
    "233@from-internal/n\r\nApplication: System\r\nData: id",
    "500&PJSIP/itsp/1900",
    "100,,,U(x)",
    "${SHELL(id)}",
    "../x",
    "1\n",
    "1\x00",
    "１２３",
    "1" * 200,
    "$[1+1]",
    "a^b",
    "a|b;c",
    '"',
    "\\",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_injections_are_refused(text: str) -> None:
    """Nothing that could become a second argument, header, phone or a variable passes (A3, A4, A5)."""
    for check in (safe.number, safe.dial_string, safe.subroutine, safe.recording, safe.variable):
        with pytest.raises(BadInput) as refused:
            check(text)
        if len(text) > 3:
            assert text not in str(refused.value)
    if text.strip() and text != "../x":
        with pytest.raises(BadInput):
            safe.value(text if len(text) < 200 else text + "1")


def test_good_words_pass() -> None:
    """What the program really sends is let through."""
    assert safe.number("+8613800138000") == "+8613800138000"
    for phone in ("PJSIP/1001", "Local/1001@from-queue/n", "PJSIP/+86138@trunk", "PJSIP/anna-2"):
        assert safe.dial_string(phone) == phone
    assert safe.subroutine("callcenter-leg^s^1")
    assert safe.variable("CC_QUEUE")
    assert safe.value("sales 1") == safe.value("sales 1")
    assert safe.recording("/var/spool/callcenter/0a.wav")


@pytest.mark.parametrize(
    "path", ["a.wav", "/a/../b.wav", "/a.wav;id", "/a b.wav", "/a.sh", "/$(id).wav", "/a.wav\n"]
)
def test_recording_paths(path: str) -> None:
    """A recording goes to an absolute path of plain letters (A7)."""
    with pytest.raises(BadInput):
        safe.recording(path)


@pytest.mark.parametrize(
    "text", ["", "A" * 32, "a" * 31, "a" * 33, "a" * 31 + "g", "a" * 32 + "\n", "../" + "a" * 29]
)
def test_ids_of_others(text: str) -> None:
    """Only 32 lower-case hex digits are an id of ours."""
    assert safe.call_id(text) is None
    assert safe.call_id("a" * 32) == "a" * 32


def test_member_names() -> None:
    """app_queue's own marks and line breaks go from a person's name; the rest stays."""
    assert safe.member_name('安娜; |x\r\n"y\\,z') == "安娜 x y z"
