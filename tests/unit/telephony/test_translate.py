"""AMI events become call events: whole calls as tables, then anything in any order."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.asterisk.ami.messages import Event
from callcenter.calls import events as seen
from callcenter.calls.ports import PhoneBook
from callcenter.ids import CallId
from callcenter.telephony.channels import MOST_DIRECT, ChannelTable
from callcenter.telephony.phone_states import PhoneStates
from callcenter.telephony.translate import Translator

pytestmark = pytest.mark.unit

BOOK = PhoneBook("PJSIP/{extension}", "PJSIP/{extension}", "callcenter-leg^s^1", "PJSIP/{number}@customers")
OURS = "a" * 32
CALLER, PHONE, OTHER = "PJSIP/trunk-00000001", "PJSIP/1001-00000002", "PJSIP/1002-00000003"
NAMES = {CALLER: "s-1.1", PHONE: "s-1.2", OTHER: "s-1.3"}
LOCAL1, LOCAL2 = "Local/1001@from-queue-0000000a;1", "Local/1001@from-queue-0000000a;2"
NAMES |= {LOCAL1: "s-1.4", LOCAL2: "s-1.5"}


class Watch:
    """A table and a translator; ``see`` feeds one event, ``told`` is all that came out."""

    def __init__(self) -> None:
        self.table = ChannelTable()
        self.phones = PhoneStates(BOOK)
        counted = itertools.count(1)
        self.translator = Translator(BOOK, lambda: CallId(f"{next(counted):032x}"))
        self.told: list[object] = []
        self.now = 100.0

    def see(self, name: str, channel: str = "", dest: str = "", call: str = "", **more: str) -> None:
        """One event of ``channel``, and of ``dest`` if one is dialled; ``call`` is CC_CALL on both."""
        keys: dict[str, object] = dict(more)
        for prefix, which in (("", channel), ("Dest", dest)):
            if which:
                keys |= {
                    f"{prefix}Channel": which,
                    f"{prefix}Uniqueid": NAMES[which],
                    f"{prefix}Linkedid": "s-1.1",
                }
                keys[f"{prefix}ChanVariable"] = {"CC_CALL": call}
        self.now += 1
        self.told += self.translator.apply(self.table, self.phones, Event(name, keys), self.now)

    def story(self) -> list[tuple[str, str, str]]:
        """(kind, call, extension) of all that was told."""
        return [(type(e).__name__, getattr(e, "call_id", ""), getattr(e, "extension", "")) for e in self.told]


def test_an_answered_call_of_ours() -> None:
    """Ringing, answered, hold and its end, gone, left: once each."""
    watch = Watch()
    watch.see("Newchannel", CALLER)
    watch.see("Newstate", CALLER, call=OURS)
    watch.see("Newchannel", PHONE)
    watch.see("DialBegin", CALLER, PHONE, call=OURS)
    watch.see("DialState", CALLER, PHONE, call=OURS)
    watch.see("DialEnd", CALLER, PHONE, call=OURS, DialStatus="ANSWER")
    watch.see("BridgeEnter", PHONE, call=OURS, BridgeUniqueid="b1")
    watch.see("BridgeEnter", CALLER, call=OURS, BridgeUniqueid="b1")
    for name in ("Hold", "Hold", "Unhold"):
        watch.see(name, PHONE, call=OURS)
    for name in ("BridgeLeave", "Hangup", "Hangup"):
        watch.see(name, PHONE, call=OURS, BridgeUniqueid="b1")
    watch.see("Hangup", CALLER, call=OURS)
    assert watch.story() == [
        ("PartyRinging", OURS, "1001"),
        ("PartyAnswered", OURS, "1001"),
        ("PartyHeld", OURS, ""),
        ("PartyResumed", OURS, ""),
        ("PartyGone", OURS, "1001"),
        ("CallerLeft", OURS, ""),
    ]
    assert len(watch.table) == 0


def test_offered_twice() -> None:
    """A second phone rings after the first did not answer; nobody answered, so nobody is said to have."""
    watch = Watch()
    watch.see("DialBegin", CALLER, PHONE, call=OURS)
    watch.see("DialEnd", CALLER, PHONE, call=OURS, DialStatus="NOANSWER")
    watch.see("Hangup", PHONE, call=OURS)
    watch.see("DialBegin", CALLER, OTHER, call=OURS)
    watch.see("Hangup", CALLER, call=OURS)
    watch.see("DialEnd", CALLER, OTHER, call=OURS, DialStatus="CANCEL")
    watch.see("Hangup", OTHER, call=OURS)
    assert watch.story() == [
        ("PartyRinging", OURS, "1001"),
        ("PartyGone", OURS, "1001"),
        ("PartyRinging", OURS, "1002"),
        ("CallerLeft", OURS, ""),
        ("PartyGone", OURS, "1002"),
    ]


def test_a_missed_dial_end() -> None:
    """The bridge proves the answer when DialEnd fell into a gap."""
    watch = Watch()
    watch.see("DialBegin", CALLER, PHONE, call=OURS)
    watch.see("BridgeEnter", PHONE, call=OURS, BridgeUniqueid="b1")
    watch.see("DialEnd", CALLER, PHONE, call=OURS, DialStatus="ANSWER")
    assert [kind for kind, _, _ in watch.story()] == ["PartyRinging", "PartyAnswered"]


def test_a_direct_call() -> None:
    """A call without our id gets one, raw number and name go along, and all that follows has the same id."""
    watch = Watch()
    watch.see("DialBegin", CALLER, PHONE, CallerIDNum="<b>1\u202e", CallerIDName="<unknown>")
    watch.see("DialEnd", CALLER, PHONE, DialStatus="ANSWER")
    watch.see("Hold", PHONE)
    watch.see("Unhold", PHONE)
    watch.see("Hangup", CALLER)
    watch.see("Hangup", PHONE)
    (direct,) = [e for e in watch.told if isinstance(e, seen.DirectCallRinging)]
    assert (direct.number, direct.name, direct.channel_id) == ("<b>1\u202e", "", "s-1.1")
    assert [kind for kind, _, _ in watch.story()] == [
        "DirectCallRinging",
        "PartyAnswered",
        "PartyHeld",
        "PartyResumed",
        "CallerLeft",
        "PartyGone",
    ]
    assert {call for _, call, _ in watch.story()} == {direct.call_id}


@pytest.mark.parametrize("call", ["", OURS])
def test_local_members_ring_once(call: str) -> None:
    """Through Local channels the phone's own leg is the one that rings: once per phone and call."""
    watch = Watch()
    watch.see("Newchannel", CALLER, call=call)
    watch.see("DialBegin", CALLER, LOCAL1, call=call)
    watch.see("DialBegin", LOCAL2, PHONE, call=call)
    watch.see("DialEnd", LOCAL2, PHONE, call=call, DialStatus="ANSWER")
    watch.see("DialEnd", CALLER, LOCAL1, call=call, DialStatus="ANSWER")
    for bridge, channel in (("b1", PHONE), ("b1", LOCAL2), ("b2", LOCAL1), ("b2", CALLER)):
        watch.see("BridgeEnter", channel, call=call, BridgeUniqueid=bridge)
    for channel in (LOCAL1, LOCAL2, PHONE, CALLER):
        watch.see("Hangup", channel, call=call)
    kinds = [kind for kind, _, _ in watch.story()]
    assert kinds == [
        "PartyRinging" if call else "DirectCallRinging",
        "PartyAnswered",
        "PartyGone",
        "CallerLeft",
    ]
    assert len({call_id for _, call_id, _ in watch.story()}) == 1


def test_ring_all_gives_each_phone_its_own() -> None:
    """Two phones ring for one stranger: two direct calls, and both callers leave when the one caller does."""
    watch = Watch()
    watch.see("DialBegin", CALLER, PHONE)
    watch.see("DialBegin", CALLER, OTHER)
    watch.see("DialEnd", CALLER, PHONE, DialStatus="ANSWER")
    watch.see("Hangup", OTHER)
    watch.see("Hangup", CALLER)
    one, two = (e.call_id for e in watch.told if isinstance(e, seen.DirectCallRinging))
    assert one != two
    assert [(k, c) for k, c, _ in watch.story()][2:] == [
        ("PartyAnswered", one),
        ("PartyGone", two),
        ("CallerLeft", one),
        ("CallerLeft", two),
    ]


def test_click_to_call() -> None:
    """The agent's own phone carries the call; whom it reaches is outside; its end is the call's end."""
    watch = Watch()
    watch.see("DialBegin", dest=PHONE, call=OURS)
    watch.see("DialEnd", dest=PHONE, call=OURS, DialStatus="ANSWER")
    watch.see("DialBegin", PHONE, CALLER, call=OURS)
    watch.see("DialEnd", PHONE, CALLER, call=OURS, DialStatus="ANSWER")
    watch.see("BridgeEnter", PHONE, call=OURS, BridgeUniqueid="b1")
    watch.see("Hangup", CALLER, call=OURS)
    watch.see("Hangup", PHONE, call=OURS)
    assert watch.story() == [
        ("PartyRinging", OURS, "1001"),
        ("PartyAnswered", OURS, "1001"),
        ("PartyAnswered", OURS, ""),
        ("PartyGone", OURS, "1001"),
        ("CallerLeft", OURS, ""),
    ]


def test_click_to_call_not_picked_up() -> None:
    """The phone stops; that nobody was called is OutboundFailed's to tell, not CallerLeft's."""
    watch = Watch()
    watch.see("DialBegin", dest=PHONE, call=OURS)
    watch.see("Hangup", PHONE, call=OURS)
    assert [kind for kind, _, _ in watch.story()] == ["PartyRinging", "PartyGone"]


def test_strangers_tell_nothing() -> None:
    """Phones that are not ours, originates of others, ids that are not ours, ends of what was never seen."""
    watch = Watch()
    watch.see("DialBegin", dest=PHONE)
    watch.see("DialEnd", dest=PHONE, DialStatus="ANSWER")
    watch.see("Hangup", PHONE)
    watch.see("Hangup", CALLER, call=OURS)
    watch.see("DialBegin", CALLER, LOCAL1, call=OURS)
    watch.see("Newstate", OTHER, call="A" * 32)
    watch.see("Hangup", OTHER)
    watch.see("NoSuchEvent", OTHER)
    assert watch.story() == []


def test_a_queue_that_rings_for_ever() -> None:
    """A caller's channel remembers no endless list of direct calls."""
    watch = Watch()
    for number in range(100):
        NAMES[PHONE] = f"s-2.{number}"
        watch.see("DialBegin", CALLER, PHONE)
        watch.see("Hangup", PHONE)
    NAMES[PHONE] = "s-1.2"
    watch.see("Hangup", CALLER)
    assert sum(isinstance(e, seen.CallerLeft) for e in watch.told) == MOST_DIRECT


def test_when_the_agent_answered() -> None:
    """The caller's channel knows when it reached somebody, and a new dial begins anew."""
    watch = Watch()
    watch.see("DialBegin", CALLER, PHONE, call=OURS)
    watch.see("DialEnd", CALLER, PHONE, call=OURS, DialStatus="ANSWER")
    caller = watch.table.get("s-1.1")
    assert caller is not None
    assert caller.reached_at == watch.now
    watch.see("DialBegin", CALLER, OTHER, call=OURS)
    assert caller.reached_at is None


ASKING, ASKED = "PJSIP/1001-00000004", "PJSIP/1002-00000005"
NAMES |= {ASKING: "s-1.6", ASKED: "s-1.7"}


def asked_somebody(watch: Watch, *, phone: str = ASKED) -> None:
    """The agent of our call has asked a colleague on a second line of the phone."""
    watch.see("DialBegin", CALLER, PHONE, call=OURS)
    watch.see("DialEnd", CALLER, PHONE, call=OURS, DialStatus="ANSWER")
    watch.see("DialBegin", ASKING, phone)
    watch.see("DialEnd", ASKING, phone, DialStatus="ANSWER")


@pytest.mark.parametrize("mine_first", [True, False])
def test_an_attended_transfer(mine_first: bool) -> None:
    """Whichever line the phone asks it of: the colleague's phone belongs to our call from then on, and its end is that
    of our call."""
    watch = Watch()
    asked_somebody(watch)
    legs = [NAMES[PHONE], NAMES[ASKING]]
    orig, second = legs if mine_first else reversed(legs)
    watch.told.clear()
    watch.see(
        "AttendedTransfer", Result="Success", OrigTransfererUniqueid=orig, SecondTransfererUniqueid=second
    )
    [joined] = watch.told
    assert isinstance(joined, seen.PartyTransferred)
    assert (joined.call_id, joined.by, joined.to, joined.asked) == (OURS, "1001", "1002", f"{1:032x}")
    watch.told.clear()
    for channel in (ASKING, PHONE, ASKED, CALLER):
        watch.see("Hangup", channel)
    assert watch.story() == [
        ("CallerLeft", f"{1:032x}", ""),
        ("PartyGone", OURS, "1001"),
        ("PartyGone", OURS, "1002"),
        ("CallerLeft", OURS, ""),
    ]


def test_joined_with_somebody_outside() -> None:
    """Nobody of ours: their line has no extension."""
    watch = Watch()
    NAMES.setdefault("PJSIP/trunk_a-00000009", "s-1.9")
    asked_somebody(watch, phone="PJSIP/trunk_a-00000009")
    watch.told.clear()
    watch.see(
        "AttendedTransfer",
        Result="Success", OrigTransfererUniqueid=NAMES[PHONE], SecondTransfererUniqueid=NAMES[ASKING],
    )  # fmt: skip
    [joined] = watch.told
    assert isinstance(joined, seen.PartyTransferred)
    assert joined.to == ""


@pytest.mark.parametrize(
    ("result", "orig", "second"),
    [
        ("Fail", "s-1.2", "s-1.6"),
        ("Success", "s-1.2", "s-9.9"),
        ("Success", "s-9.9", "s-1.6"),
        ("Success", "", ""),
        ("Success", "s-1.6", "s-1.7"),
    ],
)
def test_transfers_that_tell_nothing(result: str, orig: str, second: str) -> None:
    """One that failed, of channels that nobody knows, or between strangers."""
    watch = Watch()
    asked_somebody(watch)
    watch.told.clear()
    watch.see("AttendedTransfer", Result=result, OrigTransfererUniqueid=orig, SecondTransfererUniqueid=second)
    assert watch.told == []


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        **{
            f"{prefix}{name}": values
            for prefix in ("", "Dest")
            for name, values in {
                "Uniqueid": st.sampled_from(["s-1.1", "s-1.2", "s-1.3", "", "../x", "a\u2028b"]),
                "Linkedid": st.sampled_from(["s-1.1", "s-1.2", ""]),
                "Channel": st.sampled_from(
                    [CALLER, PHONE, OTHER, LOCAL1, LOCAL2, "", "x", "PJSIP/-00000001"]
                ),
                "ChannelStateDesc": st.sampled_from(["Up", "Ring", ""]),
                "Context": st.sampled_from(["callcenter-agent", "x"]),
                "ChanVariable": st.dictionaries(
                    st.just("CC_CALL"), st.sampled_from([OURS, "b" * 32, "", "x"])
                ),
            }.items()
        },
        "DialStatus": st.sampled_from(["ANSWER", "BUSY", ""]),
        "Result": st.sampled_from(["Success", "Fail", ""]),
        "OrigTransfererUniqueid": st.sampled_from(["s-1.1", "s-1.2", "s-1.3", ""]),
        "SecondTransfererUniqueid": st.sampled_from(["s-1.1", "s-1.2", "s-1.3", ""]),
        "BridgeUniqueid": st.sampled_from(["b1", "b2", ""]),
        "Device": st.sampled_from(["PJSIP/1001", "PJSIP/", "", "Queue:x"]),
        "State": st.sampled_from(["INUSE", "RINGING", "NOT_INUSE", "", "?"]),
        "CallerIDNum": st.text(max_size=5),
        "Newname": st.text(max_size=5),
    },
)
KINDS = (
    "Newchannel", "Newstate", "Rename", "DialBegin", "DialEnd", "BridgeEnter", "BridgeLeave", "Hold", "Unhold",
    "Hangup", "DeviceStateChange", "AgentCalled", "AttendedTransfer",
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(KINDS), HEADERS), max_size=40))
def test_anything_in_any_order(stream: list[tuple[str, dict[str, object]]]) -> None:
    """No event in any order with any header missing raises; what is told always names a call and is never told
    of a channel twice."""
    watch = Watch()
    for name, keys in stream:
        told = watch.translator.apply(watch.table, watch.phones, Event(name, dict(keys)), 1.0)
        for event in told:
            if not isinstance(event, seen.PhoneStateChanged):
                assert len(getattr(event, "call_id", "")) == 32
        if name == "Hangup":
            again = watch.translator.apply(watch.table, watch.phones, Event(name, dict(keys)), 1.0)
            assert again == []
    assert len(watch.table) <= 4
