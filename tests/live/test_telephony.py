"""Telephony on a real Asterisk: what happens to callers and phones becomes the right events, in the right order.

Phones and callers are simulated in this process and speak real SIP; a small dialogue of this module stands in for
the caller's journey.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from callcenter.asterisk.agi.server import AgiServer
from callcenter.asterisk.agi.session import AgiSession
from callcenter.asterisk.ami.connection import AmiTarget
from callcenter.bus import Bus
from callcenter.calls import events as seen
from callcenter.calls.ports import DialResult, PhoneBook
from callcenter.clock import SystemClock
from callcenter.errors import ActionFailed, BadInput, CallerGone
from callcenter.ids import CallId, Extension, new_id
from callcenter.rig.asterisk_config import AsteriskPlan, fresh_plan
from callcenter.rig.asterisk_install import find_launcher
from callcenter.rig.asterisk_server import PrivateAsterisk
from callcenter.rig.phone import Behaviour, Kind, PhoneSettings
from callcenter.rig.phones import Phones, Settings
from callcenter.rig.sip_leg import Leg
from callcenter.rig.user_agent import UserAgent
from callcenter.tasks import Tasks
from callcenter.telephony.caller_line import AgiCallerLine
from callcenter.telephony.link import Telephony
from callcenter.telephony.outbound_line import AgiOutboundLine
from callcenter.telephony.switch import AsteriskSwitch

pytestmark = [pytest.mark.live, pytest.mark.timeout(40)]

E = TypeVar("E")
CLOCK = SystemClock()
NUMBER = "13800138000"
BOOK = PhoneBook(
    dial="PJSIP/{extension}",
    device="PJSIP/{extension}",
    predial="callcenter-leg^s^1",
    outbound="PJSIP/{number}@customers",
)
KINDS = (
    seen.PartyRinging,
    seen.PartyAnswered,
    seen.PartyHeld,
    seen.PartyResumed,
    seen.PartyGone,
    seen.CallerLeft,
    seen.DirectCallRinging,
    seen.OutboundFailed,
    seen.PhoneStateChanged,
    seen.TelephonyUp,
    seen.TelephonyLost,
)
DIALPLAN = """
[arrivals]
exten => 7000,1,Goto(callcenter-inbound,7000,1)
exten => _1XXX,1,Dial(PJSIP/${EXTEN},20)
exten => 8000,1,Queue(pbx,,,,20)
[from-queue]
exten => _1XXX,1,Dial(PJSIP/${EXTEN},20)
"""
QUEUE = """
[pbx]
strategy = ringall
timeout = 10
ringinuse = no
member => Local/1001@from-queue/n,0,Anna,PJSIP/1001
"""
Dialogue = Callable[[AgiCallerLine, CallId], Awaitable[None]]


@dataclass
class Centre:
    """A private Asterisk, its phones and callers, and the telephony that watches it."""

    plan: AsteriskPlan
    asterisk: PrivateAsterisk
    telephony: Telephony
    switch: AsteriskSwitch
    phones: Phones
    callers: UserAgent
    tasks: Tasks
    happened: list[object]
    calls: list[CallId] = field(default_factory=list)
    dialogue: Dialogue | None = None
    faults: list[BaseException] = field(default_factory=list)
    refused: int = 0
    """Dialogues whose channel AMI did not confirm."""

    async def serve(self, session: AgiSession) -> None:
        """One caller's dialogue, as the test wants it."""
        call_id = CallId(new_id(CLOCK))
        line = AgiCallerLine(session, CLOCK, self.telephony.answered_at)
        await self._run(line, call_id)

    async def serve_outbound(self, session: AgiSession) -> None:
        """The dialogue on an agent's channel."""
        line = AgiOutboundLine(session, CLOCK, self.telephony.answered_at, BOOK)
        await self._run(line, CallId((await line.read_variables("CC_CALL"))["CC_CALL"]))

    async def _run(self, line: AgiCallerLine, call_id: CallId) -> None:
        self.calls.append(call_id)
        try:
            if not await self.telephony.confirms(line.channel_id):
                self.refused += 1
                return
            assert self.dialogue is not None
            await self.dialogue(line, call_id)
        except CallerGone:
            raise
        except BaseException as fault:
            self.faults.append(fault)
            raise

    def phone(self, extension: str, **behaviour: object) -> None:
        """From the next call on this phone does so."""
        self.phones.phones[extension].behaviour = Behaviour.model_validate(behaviour)

    async def call(self, number: str) -> Leg:
        """A customer calls; returns the leg at once."""
        leg = self.callers.leg(NUMBER, number, from_value=f'"Li Wei" <sip:{NUMBER}@127.0.0.1>')
        _ = self.tasks.start(leg.call((("X-Caller", "yes"),)), "caller")
        return leg

    def of(self, kind: type[E]) -> list[E]:
        """What happened of this kind."""
        return [event for event in self.happened if isinstance(event, kind)]

    def story(self, call_id: CallId) -> list[str]:
        """The names of what happened to one call, in order."""
        return [type(e).__name__ for e in self.happened if getattr(e, "call_id", None) == call_id]

    async def until(self, true: Callable[[], object], limit: float = 5.0) -> None:
        """Wait until something is so; say what happened when it is not."""
        try:
            async with asyncio.timeout(limit):
                while not true():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            pytest.fail(
                f"not within {limit} s; faults {self.faults}; happened:\n"
                + "\n".join(map(str, self.happened))
            )


class Proxy:
    """Between telephony and AMI: can be cut in the middle of an event, or go silent."""

    def __init__(self) -> None:
        self.upstream = 0
        self.silent = False
        self.cut_after: int | None = None
        self.tasks = Tasks("proxy")
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """End."""
        if self._server is not None:
            self._server.close()
        await self.tasks.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            writer.close()
            return
        down = self.tasks.start(self._pump(up_reader, writer, cuts=True), "down")
        up = self.tasks.start(self._pump(reader, up_writer, cuts=False), "up")
        await asyncio.wait({down, up}, return_when=asyncio.FIRST_COMPLETED)
        up_writer.close()
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, cuts: bool) -> None:
        while data := await reader.read(4096):
            if self.silent:
                continue
            if cuts and self.cut_after is not None:
                writer.write(data[: self.cut_after])
                self.cut_after = None
                return
            writer.write(data)


@asynccontextmanager
async def centre_on(proxy: Proxy | None = None) -> AsyncIterator[Centre]:
    """``proxy``: through which AMI is reached."""
    folder = Path(tempfile.mkdtemp(prefix="cct"))
    plan = fresh_plan(folder, extra_dialplan=DIALPLAN, extra_queues=QUEUE, caller_context="arrivals")
    asterisk, tasks, bus = PrivateAsterisk(find_launcher(), plan), Tasks("test"), Bus()
    happened: list[object] = []
    for kind in KINDS:
        bus.subscribe(kind, happened.append)
    if proxy is not None:
        proxy.upstream = plan.ami_port
    ami_port = proxy.port if proxy is not None else plan.ami_port
    target = AmiTarget("127.0.0.1", ami_port, plan.ami_user, plan.ami_secret)
    telephony = Telephony(target, bus, CLOCK, BOOK, "callcenter-fallback", reconcile_every=3600)
    phones = Phones(
        Settings(
            sip_port=plan.sip_port,
            events=folder / "phones.jsonl",
            rtp=False,
            phones=tuple(
                PhoneSettings(
                    extension=p.extension,
                    password=p.secret,
                    behaviour=Behaviour(kind=Kind.AUTO, answer_after=(0.2, 0.2), talk=None),
                )
                for p in plan.phones
            ),
        )
    )
    callers = UserAgent(("127.0.0.1", plan.sip_port), media=False)
    centre = Centre(
        plan, asterisk, telephony, AsteriskSwitch(telephony, CLOCK), phones, callers, tasks, happened
    )
    server = AgiServer(
        "127.0.0.1",
        plan.agi_port,
        {"call": centre.serve, "outbound": centre.serve_outbound},
        frozenset({"127.0.0.1"}),
        CLOCK,
    )
    try:
        await asterisk.start()
        await callers.open()
        await server.start()
        await phones.start()
        _ = tasks.start(telephony.run(), "telephony")
        await centre.until(lambda: telephony.up and all(p.registered for p in phones.phones.values()))
        yield centre
        assert not centre.faults
    finally:
        await server.stop()
        await phones.stop()
        await callers.close()
        await tasks.close()
        asterisk.kill()
        await asterisk.stop()
        shutil.rmtree(folder)


@pytest.fixture
async def centre() -> AsyncIterator[Centre]:
    """A running centre with nobody in it."""
    async with centre_on() as running:
        yield running


def acd(results: list[DialResult], phone: str = "PJSIP/1001", ring_seconds: int = 10) -> Dialogue:
    """Answer, wait a moment on music, ring one phone, say goodbye."""

    async def dialogue(line: AgiCallerLine, call_id: CallId) -> None:
        await line.set_variables(CC_CALL=call_id, CC_QUEUE="sales")
        await line.answer()
        await line.start_music()
        results.append(
            await line.dial(phone, ring_seconds=ring_seconds, call_id=call_id, predial=BOOK.predial)
        )
        await line.finish()

    return dialogue


async def test_a_whole_call_and_its_hold(centre: Centre) -> None:
    """One ACD call tells ringing, answered, held, resumed, gone and left, once each, with the call's own id."""
    results: list[DialResult] = []
    centre.dialogue = acd(results)
    caller = await centre.call("7000")
    await centre.until(lambda: centre.of(seen.PartyAnswered))
    await centre.phones.phones["1001"].hold()
    await centre.phones.phones["1001"].unhold()
    await caller.hang_up()
    await centre.until(lambda: results and centre.of(seen.CallerLeft))
    (call_id,) = centre.calls
    story = centre.story(call_id)
    assert story[:4] == ["PartyRinging", "PartyAnswered", "PartyHeld", "PartyResumed"]
    assert sorted(story[4:]) == ["CallerLeft", "PartyGone"]
    assert centre.of(seen.PartyRinging)[0].extension == "1001"
    (result,) = results
    assert (result.outcome, result.caller_gone) == ("answered", True)
    assert 0.1 < result.ring_seconds < 0.4
    assert result.talk_seconds < 2
    states = [e.state for e in centre.of(seen.PhoneStateChanged) if e.extension == "1001"]
    assert states[-4:] == ["idle", "ringing", "busy", "idle"]
    assert centre.of(seen.DirectCallRinging) == []


async def test_phones_behind_local_channels(centre: Centre) -> None:
    """Dialled as on a FreePBX, through a Local channel, our call still rings its phone once and ends once; an AGI
    session is confirmed by asking when its event was never seen, and a made-up one is not."""
    results: list[DialResult] = []
    dialogue = acd(results, "Local/1001@from-queue/n")

    async def asked(line: AgiCallerLine, call_id: CallId) -> None:
        centre.telephony.table.clear()
        confirms = centre.telephony.confirms
        real, made_up = await asyncio.gather(confirms(line.channel_id), confirms(f"{line.channel_id}9"))
        assert real
        assert not made_up
        await dialogue(line, call_id)

    centre.dialogue = asked
    centre.phone("1001", kind="auto", answer_after=(0.2, 0.2), talk=(0.6, 0.6))
    await centre.call("7000")
    await centre.until(lambda: results and centre.of(seen.CallerLeft))
    assert centre.story(centre.calls[0]) == ["PartyRinging", "PartyAnswered", "PartyGone", "CallerLeft"]
    assert (results[0].outcome, results[0].caller_gone) == ("answered", False)
    assert 0.5 < results[0].talk_seconds < 0.9


async def test_the_agent_hangs_up_first(centre: Centre) -> None:
    """Dial returns with the talk's length, counted from the agent's answer, and the caller is still there."""
    results: list[DialResult] = []
    still_here: list[str] = []

    async def dialogue(line: AgiCallerLine, call_id: CallId) -> None:
        await line.set_variables(CC_CALL=call_id)
        await line.answer()
        await line.start_music()
        await asyncio.sleep(0.5)
        results.append(await line.dial("PJSIP/1001", ring_seconds=5, call_id=call_id))
        variables = await line.read_variables("CC_STAGE", "CC_CALL", "CC_NONE")
        still_here.extend(variables.values())
        results.append(await line.dial("PJSIP/1002", ring_seconds=1, call_id=call_id))
        still_here.append((await line.read_variables("CC_STAGE"))["CC_STAGE"])
        await line.finish()
        await line.hang_up()

    centre.dialogue = dialogue
    centre.phone("1001", kind="auto", answer_after=(0.2, 0.2), talk=(0.6, 0.6))
    centre.phone("1002", kind="never")
    caller = await centre.call("7000")
    async with asyncio.timeout(8):
        await caller.over.wait()
    await centre.until(lambda: len(results) == 2)
    first, second = results
    assert (first.outcome, first.caller_gone) == ("answered", False)
    assert 0.5 < first.talk_seconds < 0.9
    assert still_here == ["offered", centre.calls[0], "", "waiting"]
    assert (second.outcome, second.caller_gone, second.talk_seconds) == ("no_answer", False, 0.0)
    await centre.until(lambda: centre.of(seen.CallerLeft))
    assert centre.story(centre.calls[0]) == [
        "PartyRinging",
        "PartyAnswered",
        "PartyGone",
        "PartyRinging",
        "PartyGone",
        "CallerLeft",
    ]


async def test_the_caller_hangs_up_while_the_phone_rings(centre: Centre) -> None:
    """The phone stops within 300 ms, the result says that the caller has gone, nobody was answered (F18)."""
    results: list[DialResult] = []
    centre.dialogue = acd(results)
    centre.phone("1001", kind="never")
    caller = await centre.call("7000")
    await centre.until(lambda: centre.phones.phones["1001"].legs and centre.of(seen.PartyRinging))
    ringing = centre.phones.phones["1001"].legs[0]
    await asyncio.sleep(0.6)  # until the caller's own answer is through
    await caller.hang_up()
    async with asyncio.timeout(0.3):
        await ringing.over.wait()
    await centre.until(lambda: results and centre.of(seen.CallerLeft))
    assert (results[0].outcome, results[0].caller_gone) == ("cancelled", True)
    assert sorted(centre.story(centre.calls[0])[1:]) == ["CallerLeft", "PartyGone"]


async def test_how_a_ring_can_end(centre: Centre) -> None:
    """Busy, rejected, no such phone, and our own hang-up of the phone each have their word."""
    outcomes: list[str] = []

    async def dialogue(line: AgiCallerLine, call_id: CallId) -> None:
        await line.answer()
        for extension in ("1001", "1002", "1999"):
            result = await line.dial(f"PJSIP/{extension}", ring_seconds=2, call_id=call_id)
            outcomes.append(result.outcome)
        centre.phone("1001", kind="never")
        result = await line.dial("PJSIP/1001", ring_seconds=9, call_id=call_id, predial=BOOK.predial)
        outcomes.append(result.outcome)
        with pytest.raises(BadInput):
            await line.dial("PJSIP/1001&PJSIP/1002", ring_seconds=2, call_id=call_id)
        await line.finish()

    centre.dialogue = dialogue
    centre.phone("1001", kind="busy")
    centre.phone("1002", kind="reject")
    await centre.call("7000")
    await centre.until(lambda: len(outcomes) == 3)
    await centre.until(lambda: centre.phones.phones["1001"].legs)
    await centre.until(
        lambda: centre.of(seen.PartyRinging)[-1].extension == "1001" and len(centre.of(seen.PartyRinging)) > 2
    )
    await centre.switch.hang_up_phone(centre.calls[0], "PJSIP/1001")
    await centre.until(lambda: len(outcomes) == 4)
    assert outcomes[:3] == ["busy", "rejected", "failed"]
    assert outcomes[3] != "answered"


async def test_prompts_and_keys(centre: Centre) -> None:
    """A prompt can be cut from the switch; a missing one is said to fail and the caller stays."""
    said: list[object] = []

    async def dialogue(line: AgiCallerLine, call_id: CallId) -> None:
        await line.answer()
        playing = centre.tasks.start(line.play("demo-congrats", interrupt_keys="12"), "play")
        await asyncio.sleep(0.3)
        before = CLOCK.now()
        await centre.switch.cut_announcement(line.channel_id)
        said.append(await playing)
        said.append(CLOCK.now() - before < 0.2)
        said.append(await line.read_key(0.05))
        with pytest.raises(ActionFailed):
            await line.play("no-such-sound")
        await line.record(str(centre.plan.recordings_folder / "a.wav"))
        await line.stop_music()
        await line.finish()
        said.append("end")

    centre.dialogue = dialogue
    await centre.call("7000")
    await centre.until(lambda: "end" in said)
    assert said == ["", True, "", "end"]


async def test_direct_calls(centre: Centre) -> None:
    """A call that isn't ours gets one id for its whole life; through a queue with Local members the phone is
    told once."""
    for times, number in enumerate(("1001", "8000"), 1):
        caller = await centre.call(number)
        await centre.until(lambda: len(centre.of(seen.PartyAnswered)) == times)  # noqa: B023  awaited here
        await caller.hang_up()
        await centre.until(lambda: len(centre.of(seen.CallerLeft)) == times)  # noqa: B023  awaited here
        await centre.until(lambda: len(centre.of(seen.PartyGone)) == times)  # noqa: B023  awaited here
        direct = centre.of(seen.DirectCallRinging)[-1]
        assert (direct.extension, direct.number, direct.name) == ("1001", NUMBER, "Li Wei")
        story = centre.story(direct.call_id)
        assert story[:2] == ["DirectCallRinging", "PartyAnswered"]
        assert sorted(story[2:]) == ["CallerLeft", "PartyGone"]
    assert len(centre.of(seen.DirectCallRinging)) == 2
    assert len(centre.of(seen.PartyRinging)) == 0


async def test_click_to_call(centre: Centre) -> None:
    """Answered, the agent's channel enters the outbound dialogue and carries the call; not answered, it fails."""
    results: list[DialResult] = []

    async def dialogue(line: AgiCallerLine, call_id: CallId) -> None:
        assert isinstance(line, AgiOutboundLine)
        assert line.did == "+8613900139000"
        results.append(await line.dial_number(line.did, ring_seconds=5, call_id=call_id))
        await line.finish()

    centre.dialogue = dialogue
    customer = UserAgent(
        ("127.0.0.1", centre.plan.sip_port),
        media=False,
        on_invite=lambda _user, leg: leg.answer(),
    )
    await customer.open(port=centre.plan.trunk_port)
    try:
        call_id = CallId(new_id(CLOCK))
        await centre.switch.click_to_call(
            call_id, "PJSIP/1001", "+8613900139000", ring_seconds=5, variables={"CC_AGENT": "7"}
        )
        await centre.until(lambda: len(centre.of(seen.PartyAnswered)) == 2)
        await centre.phones.phones["1001"].hang_up()
        await centre.until(lambda: results and centre.of(seen.CallerLeft))
        assert centre.story(call_id) == [
            "PartyRinging", "PartyAnswered", "PartyAnswered", "PartyGone", "CallerLeft",
        ]  # fmt: skip
        assert [e.extension for e in centre.of(seen.PartyAnswered)] == ["1001", ""]
        assert (results[0].outcome, results[0].caller_gone) == ("answered", True)
        centre.phone("1001", kind="never")
        unanswered = CallId(new_id(CLOCK))
        await centre.switch.click_to_call(unanswered, "PJSIP/1001", "100", ring_seconds=1, variables={})
        await centre.until(lambda: centre.of(seen.OutboundFailed))
        await centre.until(lambda: len(centre.of(seen.PartyGone)) == 2)
        assert centre.of(seen.OutboundFailed)[0].reason == "no_answer"
        assert sorted(centre.story(unanswered)) == ["OutboundFailed", "PartyGone", "PartyRinging"]
        await centre.switch.click_to_call(CallId("f" * 32), "PJSIP/1999", "100", ring_seconds=1, variables={})
        await centre.until(lambda: len(centre.of(seen.OutboundFailed)) == 2)
    finally:
        await customer.close()


async def test_the_fallback_queue(centre: Centre) -> None:
    """Agents are mirrored and dropped, twice each without error; a waiting caller is withdrawn, comes back to us
    and keeps the arrival; what the fallback noted is read."""
    back: list[str] = []

    async def dialogue(line: AgiCallerLine, call_id: CallId) -> None:
        known = await line.read_variables("CC_CALL", "CC_ARRIVED")
        back.append(known["CC_ARRIVED"])
        if len(back) == 1:
            await line.set_variables(CC_CALL=call_id)
            return  # ends without "finish": the fallback takes the caller
        back.append(known["CC_CALL"])
        await line.finish()

    switch = centre.switch
    for ready in (False, False, True, False):
        await switch.mirror_agent("PJSIP/1001", "安娜; |x", ready=ready)
    centre.dialogue = dialogue
    caller = await centre.call("7000")
    withdrawn = 0
    for _ in range(100):
        withdrawn = withdrawn or await switch.withdraw_waiting()
        if withdrawn:
            break
        await asyncio.sleep(0.05)
    assert withdrawn == 1
    await centre.until(lambda: len(back) == 3)
    assert back[0] == back[1] != ""
    assert back[2] == centre.calls[0]
    await centre.until(caller.over.is_set)
    assert await switch.missed_calls() == []
    await switch.mirror_agent("PJSIP/1001", "安娜", ready=True)
    back.clear()
    centre.happened.clear()
    caller = await centre.call("7000")
    await centre.until(lambda: centre.of(seen.PartyAnswered))
    assert centre.story(centre.calls[-1]) == ["PartyRinging", "PartyAnswered"]
    await switch.hang_up_call(centre.calls[-1])
    await centre.until(lambda: centre.of(seen.CallerLeft))
    (note,) = await switch.missed_calls()
    assert (note.call_id, note.agent_phone, note.stage) == (centre.calls[-1], "PJSIP/1001", "fallback")
    assert note.did == "7000"
    assert note.number == NUMBER
    assert 0 < note.arrived <= note.answered <= note.ended
    for _ in range(2):
        await switch.drop_agent("PJSIP/1001")


async def test_the_link_is_cut_and_goes_silent() -> None:
    """Cut inside an event, and silent: the loss is told at once, or within 10 s; afterwards the living calls are
    right, and what ended unseen isn't among them (F1, F2, F3)."""
    proxy = Proxy()
    await proxy.open()
    try:
        async with centre_on(proxy) as centre:
            results: list[DialResult] = []
            centre.dialogue = acd(results)
            staying = await centre.call("7000")
            await centre.until(lambda: centre.of(seen.PartyAnswered))
            proxy.cut_after = 40
            leaving = await centre.call("7000")  # its first event is the one that is cut
            await centre.until(lambda: centre.of(seen.TelephonyLost), 1.0)
            await centre.until(lambda: len(centre.of(seen.TelephonyUp)) == 2)
            again = centre.of(seen.TelephonyUp)[1]
            assert not again.restarted
            assert 0 < again.gap_seconds < 3
            assert centre.calls[0] in again.live_calls
            await centre.until(lambda: len(centre.calls) == 2)
            proxy.silent = True
            began = CLOCK.now()
            await leaving.hang_up()
            await centre.until(lambda: len(centre.of(seen.TelephonyLost)) == 2, 10.0)
            assert CLOCK.now() - began < 10
            assert not centre.telephony.up
            assert not await centre.telephony.confirms("x-1.1")
            proxy.silent = False
            await centre.until(lambda: len(centre.of(seen.TelephonyUp)) == 3)
            assert centre.of(seen.TelephonyUp)[2].live_calls == {centre.calls[0]}
            assert {c.call_id for c in centre.telephony.live_channels()} == {centre.calls[0]}
            await staying.hang_up()
            await centre.until(lambda: "CallerLeft" in centre.story(centre.calls[0]))
            await centre.until(lambda: len(results) >= 1)
    finally:
        await proxy.close()


async def test_asterisk_restarts(centre: Centre) -> None:
    """A new Asterisk is noticed: no earlier call lives, and phones are told anew (F6)."""
    results: list[DialResult] = []
    centre.dialogue = acd(results)
    await centre.call("7000")
    await centre.until(lambda: centre.of(seen.PartyAnswered))
    # Asterisk tells its start in whole seconds.
    await asyncio.sleep(1.0)
    await centre.asterisk.restart()
    await centre.until(lambda: len(centre.of(seen.TelephonyUp)) == 2, 10.0)
    again = centre.of(seen.TelephonyUp)[1]
    assert again.restarted
    assert again.live_calls == frozenset()
    assert len(centre.telephony.table) == 0
    assert centre.of(seen.PhoneStateChanged)[-1].extension in {Extension("1001"), Extension("1002")}
