"""Orders to Asterisk, judged by the bytes that would go out."""

import re
from typing import cast

import pytest

from callcenter.asterisk.ami.connection import AmiConnection, AmiTarget
from callcenter.asterisk.ami.messages import Event
from callcenter.bus import Bus
from callcenter.calls import events as seen
from callcenter.calls.ports import PhoneBook, Switch
from callcenter.clock import ManualClock
from callcenter.errors import ActionFailed, BadInput, TelephonyDown
from callcenter.ids import CallId
from callcenter.telephony.link import Telephony
from callcenter.telephony.switch import AsteriskSwitch
from tests.fakes.fake_ami_connection import FakeAmiConnection

pytestmark = pytest.mark.unit

CALL = CallId("a" * 32)
PJSIP = PhoneBook("PJSIP/{extension}", "PJSIP/{extension}", "", "PJSIP/{number}@trunk")
LOCAL = PhoneBook("Local/{extension}@from-queue/n", "PJSIP/{extension}", "", "PJSIP/{number}@trunk")
HOSTILE = [
    "",
    "233@from-internal/n\r\nApplication: System\r\nData: id",
    "500&PJSIP/itsp/1900",
    "100,,,U(x)",
    "${SHELL(id)}",
    "Local/1@x",
    "../x",
    "1\x00",
    "1" * 40,
    "１２３",
]


class Scene:
    """A switch on a telephony whose connection is a fake one."""

    def __init__(self, book: PhoneBook = PJSIP, *, up: bool = True) -> None:
        self.told: list[object] = []
        bus, clock = Bus(), ManualClock()
        bus.subscribe(seen.OutboundFailed, self.told.append)
        self.telephony = Telephony(
            AmiTarget("127.0.0.1", 1, "u", "s"), bus, clock, book, "callcenter-fallback"
        )
        self.ami = FakeAmiConnection()
        self.telephony._connection = cast("AmiConnection", self.ami)
        self.telephony._up = up
        self.switch = AsteriskSwitch(self.telephony, clock, caller_id="Centre <100>")

    def see(self, name: str, **keys: object) -> None:
        """An event from Asterisk."""
        self.telephony._on_event(Event(name, dict(keys)))

    def ringing(self, channel: str = "PJSIP/1001-00000002") -> None:
        """A caller of our call rings this phone."""
        ours = {"CC_CALL": CALL}
        self.see(
            "DialBegin",
            Channel="PJSIP/trunk-00000001", Uniqueid="s-1.1", Linkedid="s-1.1", ChanVariable=ours,
            DestChannel=channel, DestUniqueid="s-1.2", DestLinkedid="s-1.1", DestChanVariable=ours,
        )  # fmt: skip

    def orders(self) -> list[str]:
        """What was sent, without the ids of the actions."""
        return [re.sub(r"ActionID: \w+\r\n", "", sent).strip().replace("\r\n", "|") for sent in self.ami.sent]


async def test_click_to_call() -> None:
    """Ring the agent's phone, with our id on its channel and no other action's bytes."""
    scene = Scene()
    switch: Switch = scene.switch
    await switch.click_to_call(
        CALL, "PJSIP/1001", "+8613800138000", ring_seconds=20, variables={"CC_AGENT": "7"}
    )
    (order,) = scene.orders()
    assert order == (
        "Action: Originate|Channel: PJSIP/1001|Context: callcenter-agent|Exten: +8613800138000|Priority: 1"
        "|Timeout: 20000|Async: true|CallerID: Centre <100>"
        f"|Variable: __CC_CALL={CALL}|Variable: __CC_AGENT=7"
    )
    scene.see("OriginateResponse", ActionID="x0", Response="Failure", Reason="5")
    assert scene.told == [seen.OutboundFailed(CALL, "busy", 1000.0)]


async def test_a_failure_faster_than_the_answer() -> None:
    """OriginateResponse before the action's own answer is not lost (F31)."""
    scene = Scene()
    scene.ami.on_action = lambda action_id: scene.see(
        "OriginateResponse", ActionID=action_id, Response="Failure", Reason="3"
    )
    await scene.switch.click_to_call(CALL, "PJSIP/1001", "100", ring_seconds=20, variables={})
    assert scene.told == [seen.OutboundFailed(CALL, "no_answer", 1000.0)]


@pytest.mark.parametrize("text", HOSTILE)
async def test_nothing_hostile_is_sent(text: str) -> None:
    """A number, phone or value that could be more than itself sends not one byte (A3, A4, A5)."""
    scene = Scene()
    scene.ringing()
    with pytest.raises(BadInput):
        await scene.switch.click_to_call(CALL, "PJSIP/1001", text, ring_seconds=20, variables={})
    phone = f"PJSIP/{text}"
    with pytest.raises(BadInput):
        await scene.switch.click_to_call(CALL, phone + "\n", "100", ring_seconds=20, variables={})
    with pytest.raises(BadInput):
        await scene.switch.click_to_call(
            CALL, "PJSIP/1001", "100", ring_seconds=20, variables={"X": text + "\r\n"}
        )
    with pytest.raises(BadInput):
        await scene.switch.click_to_call(
            CALL, "PJSIP/1001", "100", ring_seconds=20, variables={text + "(": "1"}
        )
    for order in (scene.switch.drop_agent(text), scene.switch.mirror_agent(text, "x", ready=True)):
        if text == "Local/1@x":
            order.close()
            continue
        with pytest.raises(BadInput):
            await order
    with pytest.raises(ActionFailed):
        await scene.switch.hang_up_call(CallId(text))
    with pytest.raises(BadInput):
        await scene.switch.put_through(CALL, text)
    with pytest.raises(ActionFailed):
        await scene.switch.put_through(CallId(text), "1001")
    assert scene.ami.sent == []


@pytest.mark.parametrize("book", [PJSIP, LOCAL])
async def test_hang_ups_name_known_channels_only(book: PhoneBook) -> None:
    """The caller's channel, or the phone's leg, by the name that Asterisk gave it."""
    scene = Scene(book)
    phone = book.dial.format(extension="1001")
    for order in (scene.switch.hang_up_call(CALL), scene.switch.hang_up_phone(CALL, phone)):
        with pytest.raises(ActionFailed, match="no such channel"):
            await order
    scene.ringing()
    await scene.switch.hang_up_call(CALL)
    await scene.switch.hang_up_phone(CALL, phone)
    scene.ami.refusals["Hangup"] = ["No such channel"]
    await scene.switch.hang_up_phone(CALL, phone)
    assert scene.orders() == [
        "Action: Hangup|Channel: PJSIP/trunk-00000001|Cause: 16",
        "Action: Hangup|Channel: PJSIP/1001-00000002|Cause: 16",
        "Action: Hangup|Channel: PJSIP/1001-00000002|Cause: 16",
    ]
    with pytest.raises(ActionFailed):
        await scene.switch.hang_up_phone(CALL, book.dial.format(extension="1002"))
    with pytest.raises(ActionFailed):
        await scene.switch.hang_up_call(CallId("b" * 32))
    assert len(scene.ami.sent) == 3


async def test_a_caller_is_put_through() -> None:
    """The caller's own channel is redirected, by the name that Asterisk gave it, to the context of transfers."""
    scene = Scene()
    with pytest.raises(ActionFailed, match="no such channel"):
        await scene.switch.put_through(CALL, "1002")
    scene.ringing()
    await scene.switch.put_through(CALL, "*")
    assert scene.orders() == [
        "Action: Redirect|Channel: PJSIP/trunk-00000001|Context: callcenter-transfer|Exten: *|Priority: 1"
    ]


async def test_an_agents_own_channel_is_never_put_through() -> None:
    """A call to the outside is carried by the agent's channel."""
    scene = Scene()
    ours = {"CC_CALL": CALL}
    scene.see(
        "DialBegin", DestChannel="PJSIP/1001-00000002", DestUniqueid="s-1.2", DestLinkedid="s-1.2",
        DestChanVariable=ours,
    )  # fmt: skip
    with pytest.raises(ActionFailed, match="no such channel"):
        await scene.switch.put_through(CALL, "1002")
    assert scene.ami.sent == []


async def test_a_direct_call_is_hung_up_at_its_caller() -> None:
    """The id that we gave a direct call leads to the caller's channel."""
    scene = Scene()
    scene.see(
        "DialBegin",
        Channel="PJSIP/trunk-00000001", Uniqueid="s-1.1", Linkedid="s-1.1",
        DestChannel="PJSIP/1001-00000002", DestUniqueid="s-1.2", DestLinkedid="s-1.1",
    )  # fmt: skip
    leg = scene.telephony.table.get("s-1.2")
    assert leg is not None
    assert leg.call_id is not None
    await scene.switch.hang_up_call(leg.call_id)
    assert scene.orders() == ["Action: Hangup|Channel: PJSIP/trunk-00000001|Cause: 16"]


async def test_mirroring_is_idempotent() -> None:
    """Added, else paused; removed, or already gone: no error. A missing queue is one."""
    scene = Scene(LOCAL)
    await scene.switch.mirror_agent("Local/1001@from-queue/n", "安娜;", ready=True)
    scene.ami.refusals["QueueAdd"] = ["Unable to add interface: Already there", "No such queue"]
    await scene.switch.mirror_agent("Local/1001@from-queue/n", "安娜", ready=False)
    scene.ami.refusals["QueueRemove"] = ["Unable to remove interface: Not there", "No such queue"]
    await scene.switch.drop_agent("Local/1001@from-queue/n")
    member = "Queue: callcenter-fallback|Interface: Local/1001@from-queue/n"
    who = "MemberName: 安娜|StateInterface: PJSIP/1001"
    assert scene.orders() == [
        f"Action: QueueAdd|{member}|Paused: false|{who}",
        f"Action: QueueAdd|{member}|Paused: true|{who}",
        f"Action: QueuePause|{member}|Paused: true",
        f"Action: QueueRemove|{member}",
    ]
    with pytest.raises(ActionFailed):
        await scene.switch.mirror_agent("Local/1001@from-queue/n", "安娜", ready=True)
    with pytest.raises(ActionFailed):
        await scene.switch.drop_agent("Local/1001@from-queue/n")


async def test_withdrawing() -> None:
    """First come first; who can't be withdrawn any more isn't counted and stops nobody."""
    scene = Scene()
    waiting = [
        Event("QueueEntry", {"Position": place, "Channel": f"PJSIP/trunk-0000000{place}"})
        for place in ("10", "2", "1")
    ]
    scene.ami.lists["QueueStatus"] = [[Event("QueueMember", {"Location": "PJSIP/1001"}), *waiting]]
    scene.ami.refusals["QueueWithdrawCaller"] = ["", "Already requested"]
    assert await scene.switch.withdraw_waiting() == 2
    assert [order.rpartition("Caller: PJSIP/trunk-0000000")[2] for order in scene.orders()[1:]] == [
        "1",
        "2",
        "10",
    ]


async def test_missed_calls() -> None:
    """Notes in our form are given, others left; an empty tree is no error, a refusal is."""
    scene = Scene()
    value = "v1|call=|did=|number=|arrived=5|stage=|queue=|dial=|answered=|agent=|queuestatus=|ended="
    good = Event("DBGetTreeResponse", {"Key": "/callcenter/missed/s-1.1", "Val": value})
    scene.ami.lists["DBGetTree"] = [[good, Event("DBGetTreeResponse", {"Key": "x", "Val": value})]]
    assert [note.arrived for note in await scene.switch.missed_calls()] == [5]
    scene.ami.refusals["DBGetTree"] = ["Database entry not found", "Permission denied"]
    assert await scene.switch.missed_calls() == []
    with pytest.raises(ActionFailed):
        await scene.switch.missed_calls()


async def test_without_a_link() -> None:
    """While AMI is down nothing is sent, nothing is confirmed and nothing is known to live."""
    scene = Scene(up=False)
    scene.ringing()
    for order in (
        scene.switch.hang_up_call(CALL),
        scene.switch.drop_agent("PJSIP/1001"),
        scene.switch.click_to_call(CALL, "PJSIP/1001", "100", ring_seconds=9, variables={}),
    ):
        with pytest.raises(TelephonyDown):
            await order
    assert not await scene.telephony.confirms("s-1.1")
    assert scene.telephony.live_channels() == []
    assert scene.ami.sent == []


async def test_confirming_a_dialogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that AMI told of is confirmed; else it is asked for, and only its own id counts."""
    monkeypatch.setattr("callcenter.telephony.link.CONFIRM_LIMIT", 0.01)
    scene = Scene()
    scene.ringing()
    assert await scene.telephony.confirms("s-1.1")
    assert scene.ami.sent == []
    assert not await scene.telephony.confirms("s-9.9\r\nAction: x")
    assert scene.ami.sent == []
    assert not await scene.telephony.confirms("s-9.9")
    scene.ami.lists["Status"] = [
        [Event("Status", {"Uniqueid": "s-8.8"})],
        [Event("Status", {"Uniqueid": "s-9.9"})],
    ]
    assert not await scene.telephony.confirms("s-9.9")
    assert await scene.telephony.confirms("s-9.9")
    scene.ami.refusals["Status"] = ["No such channel"]
    assert not await scene.telephony.confirms("s-9.9")


async def test_cutting_an_announcement() -> None:
    """By the channel's own name, and only for a channel that is known."""
    scene = Scene()
    with pytest.raises(ActionFailed):
        await scene.switch.cut_announcement("s-1.1")
    scene.ringing()
    await scene.switch.cut_announcement("s-1.1")
    assert scene.orders() == ["Action: ControlPlayback|Channel: PJSIP/trunk-00000001|Control: stop"]


async def test_cutting_a_wait_for_keys() -> None:
    """A key that no telephone has ends it; only on a channel that is known."""
    scene = Scene()
    with pytest.raises(ActionFailed):
        await scene.switch.cut_listening("s-1.1")
    scene.ringing()
    await scene.switch.cut_listening("s-1.1")
    assert scene.orders() == ["Action: PlayDTMF|Channel: PJSIP/trunk-00000001|Digit: D|Receive: true"]
