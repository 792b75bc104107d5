"""A private Asterisk with phones and callers in this process, and the telephony that watches it.

They speak real SIP; a small dialogue of the test stands in for the caller's journey.
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
from callcenter.calls.ports import PhoneBook
from callcenter.clock import SystemClock
from callcenter.errors import CallerGone
from callcenter.ids import CallId, new_id
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
