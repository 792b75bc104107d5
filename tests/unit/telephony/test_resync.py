"""Snapshot and reconcile: only differences are told, and no list is believed twice as old as an event."""

import itertools

import pytest

from callcenter.asterisk.ami.messages import Event
from callcenter.calls import events as seen
from callcenter.calls.events import PhoneState
from callcenter.calls.ports import PhoneBook
from callcenter.errors import ActionFailed
from callcenter.ids import CallId, Extension
from callcenter.telephony import resync
from callcenter.telephony.channels import ChannelTable
from callcenter.telephony.phone_states import PhoneStates
from callcenter.telephony.resync import Resync
from callcenter.telephony.translate import Translator
from tests.fakes.fake_ami_connection import FakeAmiConnection

pytestmark = pytest.mark.unit

BOOK = PhoneBook("PJSIP/{extension}", "PJSIP/{extension}", "", "PJSIP/{number}@trunk")
CALL = CallId("a" * 32)


def channel(
    uniqueid: str, name: str, application: str, state: str = "Up", call: str = CALL, **more: str
) -> Event:
    """One CoreShowChannel."""
    return Event(
        "CoreShowChannel",
        {
            "Uniqueid": uniqueid, "Channel": name, "Linkedid": "s-1.1", "Application": application,
            "ChannelStateDesc": state, "ChanVariable": {"CC_CALL": call}, **more,
        },
    )  # fmt: skip


CALLER = channel("s-1.1", "PJSIP/trunk-00000001", "AGI")
LEG = channel("s-1.2", "PJSIP/1001-00000002", "AppDial")
RINGING = channel("s-1.2", "PJSIP/1001-00000002", "AppDial", "Ringing")


def device(name: str, state: str) -> Event:
    """One device of the list."""
    return Event("DeviceStateChange", {"Device": name, "State": state})


class Scene:
    """A table under resync, with lists that the test writes."""

    def __init__(self) -> None:
        self.table, self.phones, self.ami = ChannelTable(), PhoneStates(BOOK), FakeAmiConnection()
        counted = itertools.count(1)
        self.translator = Translator(BOOK, lambda: CallId(f"{next(counted):032x}"))
        self.resync = Resync(self.table, self.phones, self.translator, BOOK)

    async def snapshot(self, *listed: Event, fresh: bool = False) -> list[object]:
        """Take one."""
        self.ami.lists["CoreShowChannels"] = [list(listed)]
        return await self.resync.snapshot(
            self.ami.listing, "callcenter-fallback", fresh=fresh, now=lambda: 5.0
        )

    async def reconcile(self, *lists: list[Event]) -> list[object]:
        """Look again; each list is one answer."""
        self.ami.lists["CoreShowChannels"] = list(lists)
        return await self.resync.reconcile(self.ami.listing, lambda: 6.0)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resync, "SECOND_LOOK", 0.0)


async def test_the_first_snapshot() -> None:
    """Living calls, phones and the fallback queue are known; the facts are there for adopting calls."""
    scene = Scene()
    scene.ami.lists["DeviceStateList"] = [[device("PJSIP/1001", "INUSE"), device("Queue:x", "INUSE")]]
    scene.ami.lists["QueueStatus"] = [
        [Event("QueueMember", {"Location": "PJSIP/1001"}), Event("QueueEntry", {"Channel": "x"})]
    ]
    happened = await scene.snapshot(LEG, CALLER, Event("CoreShowChannel", {}), fresh=True)
    assert seen.PhoneStateChanged(Extension("1001"), PhoneState.BUSY, 5.0) in happened
    assert scene.table.live_calls() == {CALL}
    assert [c.channel_id for c in scene.resync.channels] == ["s-1.2", "s-1.1"]
    assert scene.resync.fallback.members == {"PJSIP/1001"}
    assert scene.resync.fallback.waiting == 1


async def test_what_happened_in_a_gap() -> None:
    """A phone answered, another call ended, a third began to ring: told after the gap, and nothing else."""
    scene = Scene()
    await scene.snapshot(CALLER, RINGING)
    other = "b" * 32
    leaving = channel("s-2.1", "PJSIP/trunk-00000007", "AGI", call=other, Linkedid="s-2.1")
    await scene.snapshot(CALLER, RINGING, leaving)
    third = channel("s-1.3", "PJSIP/1002-00000003", "AppDial", "Ringing")
    happened = await scene.snapshot(third, LEG, CALLER)
    assert happened == [
        seen.CallerLeft(CallId(other), 5.0),
        *[e for e in happened if isinstance(e, seen.PartyAnswered | seen.PartyRinging)],
    ]
    assert {(type(e).__name__, getattr(e, "extension", "")) for e in happened[1:]} == {
        ("PartyAnswered", "1001"),
        ("PartyRinging", "1002"),
    }
    assert await scene.snapshot(third, LEG, CALLER) == []


async def test_direct_calls_outlive_a_gap() -> None:
    """The id that a direct call was given is kept, and it counts as living."""
    scene = Scene()
    scene.translator.apply(
        scene.table,
        scene.phones,
        Event(
            "DialBegin",
            {
                "Channel": "PJSIP/trunk-00000001", "Uniqueid": "s-1.1", "Linkedid": "s-1.1",
                "DestChannel": "PJSIP/1001-00000002", "DestUniqueid": "s-1.2", "DestLinkedid": "s-1.1",
            },
        ),
        1.0,
    )  # fmt: skip
    caller = channel("s-1.1", "PJSIP/trunk-00000001", "Dial", call="")
    leg = channel("s-1.2", "PJSIP/1001-00000002", "AppDial", "Up", call="")
    happened = await scene.snapshot(caller, leg)
    assert [type(e).__name__ for e in happened] == ["PartyAnswered"]
    assert scene.table.live_calls() == {CallId(f"{1:032x}")}


async def test_a_new_asterisk() -> None:
    """After a restart nothing from before counts."""
    scene = Scene()
    await scene.snapshot(CALLER, LEG)
    assert await scene.snapshot(fresh=True) == []
    assert len(scene.table) == 0


async def test_half_a_snapshot_is_none() -> None:
    """A list that fails fails the snapshot; only the fallback queue may be missing."""
    scene = Scene()
    await scene.snapshot(CALLER)
    scene.ami.refusals["DeviceStateList"] = ["no"]
    with pytest.raises(ActionFailed):
        await scene.snapshot(CALLER, LEG)
    assert len(scene.table) == 1
    scene.ami.refusals["QueueStatus"] = ["no"]
    await scene.snapshot(CALLER, LEG)
    assert scene.resync.fallback.members == frozenset()


async def test_a_missed_hangup_is_found() -> None:
    """A channel that two lists lack has ended; one that only the first lacks has not."""
    scene = Scene()
    await scene.snapshot(CALLER, LEG)
    assert await scene.reconcile([CALLER], [CALLER, LEG]) == []
    happened = await scene.reconcile([CALLER], [CALLER])
    assert [type(e).__name__ for e in happened] == ["PartyGone"]
    assert [type(e).__name__ for e in await scene.reconcile([], [])] == ["CallerLeft"]


async def test_a_stale_device_state() -> None:
    """A phone said to be in use that has no channel is free (F22); one with a channel is busy."""
    scene = Scene()
    scene.ami.lists["DeviceStateList"] = [[device("PJSIP/1001", "INUSE"), device("PJSIP/1002", "RINGING")]]
    happened = await scene.reconcile([CALLER, LEG])
    states = {e.extension: e.state for e in happened if isinstance(e, seen.PhoneStateChanged)}
    assert states == {"1001": PhoneState.BUSY, "1002": PhoneState.IDLE}
    again = await scene.reconcile([CALLER, LEG])
    assert again == []
