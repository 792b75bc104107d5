"""The fallback's notes are read strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.asterisk.ami.messages import Event
from callcenter.telephony import missed

pytestmark = pytest.mark.unit

CALL = "0123456789abcdef" * 2
NOTE = (
    f"v1|call={CALL}|did=7000|number=+8613800138000|arrived=1795368572|stage=fallback|queue=sales|dial=|"
    "answered=1795368580|agent=PJSIP/1001|queuestatus=|ended=1795368590"
)


def item(value: str, key: str = "/callcenter/missed/sys-1795368572.3") -> Event:
    """One item of Asterisk's answer."""
    return Event("DBGetTreeResponse", {"Key": key, "Val": value})


def test_a_whole_note() -> None:
    """Each field of a note comes out, and the key is the one to delete."""
    note = missed.parse(item(NOTE))
    assert note is not None
    assert note.key == "missed/sys-1795368572.3"
    assert note.call_id == CALL
    assert (note.did, note.number, note.stage, note.queue) == ("7000", "+8613800138000", "fallback", "sales")
    assert (note.arrived, note.answered, note.ended) == (1795368572, 1795368580, 1795368590)
    assert (note.dial_status, note.agent_phone, note.queue_status) == ("", "PJSIP/1001", "")


def test_an_empty_note() -> None:
    """What Asterisk did not know is empty, 0 or None."""
    note = missed.parse(
        item("v1|call=|did=|number=|arrived=|stage=|queue=|dial=|answered=|agent=|queuestatus=|ended=")
    )
    assert note is not None
    assert (note.call_id, note.arrived, note.answered, note.ended) == (None, 0, 0, 0)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "v2" + NOTE[2:],
        NOTE + "|more=1",
        NOTE + "\n",
        NOTE.replace("7000", "70|00"),
        NOTE.replace("7000", "70;00"),
        NOTE.replace("7000", "７０００"),
        NOTE.replace("1795368572", "-5"),
        NOTE.replace("1795368572", "1" * 40),
        NOTE.replace(CALL, CALL.upper()),
        NOTE.replace("PJSIP/1001", "PJSIP/1001&PJSIP/x"),
        NOTE.replace("|queue=sales", ""),
    ],
)
def test_hostile_notes(value: str) -> None:
    """A note in any other form is no note."""
    assert missed.parse(item(value)) is None


@pytest.mark.parametrize(
    "key", ["", "missed/a-1", "/callcenter/missed/", "/callcenter/missed/../x", "/other/missed/a"]
)
def test_hostile_keys(key: str) -> None:
    """A record under another key is no note, whatever it holds."""
    assert missed.parse(item(NOTE, key)) is None


@given(st.text())
def test_any_text(text: str) -> None:
    """No text raises."""
    assert missed.parse(item(text)) is None
    assert missed.parse(item(NOTE, text)) is None
