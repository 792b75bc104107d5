"""The table of channels: bounded, patient with half-truths, never brought back to life by an old list."""

import asyncio

import pytest

from callcenter.asterisk.ami.messages import Event
from callcenter.telephony import channels
from callcenter.telephony.channels import ChannelTable, device_of, live_channel

pytestmark = pytest.mark.unit

OURS = "a" * 32


def listed(uniqueid: str = "s-1.1", **more: object) -> Event:
    """One CoreShowChannel."""
    keys: dict[str, object] = {
        "Uniqueid": uniqueid,
        "Channel": "PJSIP/1001-0000001f",
        "Linkedid": "s-1.1",
        "ChannelStateDesc": "Up",
        "ChanVariable": {"CC_CALL": OURS},
        "Application": "AppDial",
        "BridgeId": "b1",
        "Duration": "01:02:03",
        "CallerIDNum": "<unknown>",
    }
    return Event("CoreShowChannel", keys | more)


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("PJSIP/1001-0000001f", "PJSIP/1001"),
        ("PJSIP/a-b-0000001f", "PJSIP/a-b"),
        ("Local/1001@from-queue-0000001f;1", "Local/1001@from-queue"),
        ("PJSIP/1001", ""),
        ("PJSIP/1001-0000001F", ""),
        ("-0000001f", ""),
        ("", ""),
    ],
)
def test_devices(name: str, device: str) -> None:
    """The device is the channel's name without Asterisk's counter; anything else is no channel."""
    assert device_of(name) == device


def test_a_listed_channel() -> None:
    """A list tells what a channel is, and the fact for others has its seconds and no words for nothing."""
    table = ChannelTable()
    channel = table.note_listed(listed())
    assert channel is not None
    assert (channel.leg, channel.carries, channel.bridge, channel.call_id) == (True, False, "b1", OURS)
    live = live_channel(listed())
    assert live is not None
    assert (live.phone, live.seconds, live.bridged, live.call_id) == ("PJSIP/1001", 3723, True, OURS)
    assert live.caller_number == ""
    odd = live_channel(listed(Duration="99:99:99", ChanVariable="x", BridgeId=""))
    assert odd is not None
    assert (odd.seconds, odd.call_id, odd.bridged) == (0, None, False)
    assert live_channel(listed("a b")) is None


def test_an_old_list_revives_nobody() -> None:
    """A list that was made before a hangup must not bring the channel back."""
    table = ChannelTable()
    table.note(listed())
    assert table.remove("s-1.1") is not None
    assert table.note_listed(listed()) is None
    assert len(table) == 0
    assert table.remove("s-1.1") is None


def test_live_calls() -> None:
    """The caller's channel keeps a call alive; the phone's leg alone does not."""
    table = ChannelTable()
    table.note_listed(listed())
    assert table.live_calls() == frozenset()
    table.note_listed(listed("s-1.2", Channel="PJSIP/trunk-00000001", Application="Queue"))
    assert table.live_calls() == {OURS}


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of channels is counted and left out; what is known stays."""
    monkeypatch.setattr(channels, "MOST_CHANNELS", 10)
    table = ChannelTable()
    for number in range(30):
        table.note(listed(f"s-1.{number}"))
    assert (len(table), table.left_out) == (10, 20)
    assert table.get("s-1.0") is not None


async def test_waiting_for_a_channel() -> None:
    """Who waits is told when the channel appears, and gives up in time; nothing is left behind."""
    table = ChannelTable()
    waiting = asyncio.gather(
        table.appears("s-1.1", 1.0), table.appears("s-1.1", 1.0), table.appears("x", 0.01)
    )
    await asyncio.sleep(0)
    table.note(listed())
    assert list(await waiting) == [True, True, False]
    assert await table.appears("s-1.1", 0.0)
    assert not table._awaited
