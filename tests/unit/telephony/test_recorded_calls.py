"""Bytes that a real Asterisk sent, through framing and translation."""

from pathlib import Path

import pytest

from callcenter.asterisk.ami.framing import AmiFramer
from callcenter.asterisk.ami.messages import Event
from callcenter.calls.ports import PhoneBook
from callcenter.ids import CallId
from callcenter.telephony.channels import ChannelTable
from callcenter.telephony.phone_states import PhoneStates
from callcenter.telephony.translate import Translator

pytestmark = pytest.mark.unit

RECORDINGS = Path("tests/recordings")
BOOK = PhoneBook("PJSIP/{extension}", "PJSIP/{extension}", "", "")


def story(name: str) -> list[object]:
    """What the recording tells of calls."""
    framer, table, phones = AmiFramer(), ChannelTable(), PhoneStates(BOOK)
    framer.feed(b"Asterisk Call Manager/11.0.0\r\n")
    translator = Translator(BOOK, lambda: CallId("d" * 32))
    told: list[object] = []
    for frame in framer.feed((RECORDINGS / name).read_bytes()):
        if isinstance(frame, Event):
            told += translator.apply(table, phones, frame, 0.0)
    return told


@pytest.mark.parametrize(
    ("name", "call_id", "kinds"),
    [
        ("queue_call.ami", "d" * 32, ["DirectCallRinging", "PartyAnswered", "CallerLeft", "PartyGone"]),
        (
            "dialled_call.ami",
            "0123456789abcdef" * 2,
            ["PartyRinging", "PartyAnswered", "PartyGone", "CallerLeft"],
        ),
    ],
)
def test_a_recorded_call(name: str, call_id: str, kinds: list[str]) -> None:
    """A queue's call gets an id of ours, a dialled one keeps its own; each rings, is answered and ends once."""
    told = [event for event in story(name) if hasattr(event, "call_id")]
    assert [type(event).__name__ for event in told] == kinds
    assert {getattr(event, "call_id", "") for event in told} == {call_id}
