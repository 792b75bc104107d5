"""Callers and phones on virtual time: lines that press, hang up and are dialled, and what telephony tells of it.

A ``Trunk`` joins them. It publishes on the bus what the telephony stage would have seen on Asterisk, and can be
told to see less (``blind``) or to see it late.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from callcenter.bus import Bus
from callcenter.calls.events import (
    CallerLeft,
    PartyAnswered,
    PartyGone,
    PartyRinging,
    PhoneState,
    PhoneStateChanged,
)
from callcenter.calls.ports import Departure, DialOutcome, DialResult, RecordedMessage
from callcenter.clock import Clock
from callcenter.errors import ActionFailed, CallerGone
from callcenter.ids import CallId, Extension

OUTSIDE = Extension("")
ALL_KEYS = "0123456789*#"
PROMPT_SECONDS = 2.0


@dataclass
class Phone:
    """A telephone somebody may pick up. ``moves`` wakes whoever rings it or talks to it."""

    extension: str
    state: PhoneState = PhoneState.IDLE
    answered: bool = False
    reaction: DialOutcome | None = None
    moves: asyncio.Event = field(default_factory=asyncio.Event)

    def move(self, *, answered: bool = False, reaction: DialOutcome | None = None) -> None:
        """Somebody does something with it."""
        self.answered, self.reaction = answered, reaction
        self.moves.set()

    def forget(self) -> None:
        """A new ring begins."""
        self.moves.clear()
        self.answered, self.reaction = False, None


@dataclass
class Rung:
    """One time that a phone was rung."""

    at: float
    extension: str
    call_id: CallId


class Trunk:
    """All phones, by dial string."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self.bus = bus
        self.clock = clock
        self.phones: dict[str, Phone] = {}
        self.rung: list[Rung] = []
        self.lines: dict[str, ScriptedLine] = {}
        """By channel id."""
        self.blind = False
        """Nothing is seen: our link to Asterisk's events is down."""
        self.late = 0.0
        """Seconds by which events come after the dialogue's own word."""
        self._later: list[asyncio.TimerHandle] = []

    def phone(self, dial_string: str) -> Phone:
        """The phone that this dial string reaches."""
        name = dial_string.removeprefix("PJSIP/").removesuffix("@trunk")
        return self.phones.setdefault(name, Phone(name))

    def see(self, event: object) -> None:
        """Telephony sees something."""
        if self.blind:
            return
        if self.late:
            handle = asyncio.get_running_loop().call_later(self.late, self.bus.publish, event)
            self._later.append(handle)
        else:
            self.bus.publish(event)

    def cut(self, channel_id: str, kind: str) -> None:
        """Asterisk is told to end what a line plays (``play``) or waits for (``read_key``)."""
        line = self.lines[channel_id]
        if line.busy_with != kind:
            raise ActionFailed("nothing to cut")
        line.cuts.set()

    def set_state(self, phone: Phone, state: PhoneState) -> None:
        """A device state."""
        phone.state = state
        if phone.extension.isalnum():
            self.see(PhoneStateChanged(Extension(phone.extension), state, self.clock.now()))


class ScriptedLine:
    """A ``CallerLine``. What it was told is in ``variables``, ``recorded``, ``finished`` and ``hung_up``."""

    def __init__(
        self,
        trunk: Trunk,
        *,
        number: str = "13800138000",
        name: str = "",
        did: str = "4001",
        channel_id: str = "node7f-1.1",
        own: str = "",
    ) -> None:
        self.trunk = trunk
        self.channel_id = channel_id
        self.caller_number = number
        self.caller_name = name
        self.did = did
        self.own = own
        """For an agent's channel of an outbound call: the agent's own extension."""
        self.variables: dict[str, str] = {}
        self.recorded: list[str] = []
        self.forgotten: list[str] = []
        self.finished = False
        self.hung_up = False
        self.music = False
        self.music_class = ""
        self.heard: list[tuple[float, str]] = []
        """Each prompt, and when it began."""
        self.missing: set[str] = set()
        """Prompts whose sound isn't there."""
        self.listened: list[float] = []
        """The seconds of each wait for a key."""
        self.busy_with = ""
        """The command in flight that may be cut short."""
        self.cuts = asyncio.Event()
        self.messages: list[str] = []
        self.left = asyncio.Event()
        self.went: Departure = "hung_up"
        """Why it is left."""
        self.fails: set[str] = set()
        """Methods which Asterisk does not answer from now on."""
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._turn = asyncio.Lock()
        """One command at a time, as in the dialogue with Asterisk."""
        trunk.lines[channel_id] = self

    # ------------------------------------------------------------ what the caller does

    def press(self, key: str) -> None:
        """A key."""
        self._keys.put_nowait(key)

    def leave(self, *, seen: bool = True) -> None:
        """Hang up. Asterisk says so in the dialogue and, unless it goes unseen, among its events."""
        self.left.set()
        call_id = self.variables.get("CC_CALL")
        if seen and call_id:
            self.trunk.see(CallerLeft(CallId(call_id), self.trunk.clock.now()))

    def move(self, target: str | None) -> "ScriptedLine":
        """The caller is taken out of this dialogue: to a number that an agent put the caller through to, or (None) to
        a part of the dialplan that isn't ours. Gives the line that comes back to us, for ``Centre.serve``."""
        self.went = "elsewhere" if target is None else "put_through"
        self.left.set()
        line = ScriptedLine(
            self.trunk, number=self.caller_number, did=target or "", channel_id=self.channel_id
        )
        line.variables.update(self.variables, CC_TARGET=target or "", CC_STAGE="transferred")
        return line

    # ------------------------------------------------------------ what the dialogue asks

    async def answer(self) -> None:
        await self._command("answer")

    async def read_variables(self, *names: str) -> Mapping[str, str]:
        await self._command("read_variables")
        return {name: self.variables.get(name, "") for name in names}

    async def set_variables(self, **values: str) -> None:
        await self._command("set_variables")
        self.variables.update(values)

    async def play(self, prompt: str, *, interrupt_keys: str = "") -> str:
        async with self._turn:
            await self._check("play")
            if prompt in self.missing:
                raise ActionFailed("no such file", code="agi_failed")
            self.music = False
            self.heard.append((self.trunk.clock.now(), prompt))
            return await self._pass("play", PROMPT_SECONDS, interrupt_keys)

    async def read_key(self, seconds: float) -> str:
        async with self._turn:
            await self._check("read_key")
            self.listened.append(seconds)
            return await self._pass("read_key", seconds, ALL_KEYS)

    async def record_message(
        self, path: str, *, max_seconds: int, silence: int, finish: str
    ) -> RecordedMessage:
        async with self._turn:
            await self._check("record_message")
            self.messages.append(path)
            began = self.trunk.clock.now()
            key = await self._pass("record_message", max_seconds, finish)
            return RecordedMessage(self.trunk.clock.now() - began, key)

    async def start_music(self, music: str = "") -> None:
        await self._command("start_music")
        self.music, self.music_class = True, music

    async def stop_music(self) -> None:
        await self._command("stop_music")
        self.music = False

    async def gone(self) -> None:
        await self.left.wait()

    async def record(self, path: str) -> None:
        await self._command("record")
        self.recorded.append(path)

    async def departure(self) -> Departure:
        return self.went

    async def finish(self) -> None:
        if "finish" in self.fails:
            raise ActionFailed("no answer", code="line_lost" if "line" in self.fails else None)
        self.finished = True

    async def hang_up(self) -> None:
        await self._command("hang_up")
        self.hung_up = True
        self.leave()

    async def forget_missed(self, key: str) -> None:
        self.forgotten.append(key)

    async def dial(
        self, phone: str, *, ring_seconds: int, call_id: CallId, predial: str = "", answered: str = ""
    ) -> DialResult:
        """Ring, and stay for the talk; then say what telephony would have seen."""
        del predial, answered
        if "dial" in self.fails:
            raise ActionFailed("no answer")
        self.variables["CC_STAGE"] = "offered"
        ringing = self.trunk.phone(phone)
        began = self.trunk.clock.now()
        self.trunk.rung.append(Rung(began, ringing.extension, call_id))
        if self.left.is_set():
            return DialResult("cancelled", 0.0, 0.0, caller_gone=True)
        if ringing.state is not PhoneState.IDLE:
            return DialResult("busy", 0.0, 0.0, caller_gone=False)
        try:
            return await self._ring(ringing, ring_seconds, call_id, began)
        finally:
            self.trunk.set_state(ringing, PhoneState.IDLE)
            self.variables["CC_STAGE"] = "waiting"

    async def _ring(self, phone: Phone, ring_seconds: int, call_id: CallId, began: float) -> DialResult:
        trunk, party = self.trunk, Extension(phone.extension)
        phone.forget()
        if not self.own:
            trunk.see(PartyRinging(call_id, party, began))
        trunk.set_state(phone, PhoneState.RINGING)
        await self._either(phone, ring_seconds)
        rang = trunk.clock.now() - began
        if not phone.answered:
            if self.left.is_set():
                return DialResult("cancelled", rang, 0.0, caller_gone=True)
            return DialResult(phone.reaction or "no_answer", rang, 0.0, caller_gone=False)
        trunk.set_state(phone, PhoneState.BUSY)
        trunk.see(PartyAnswered(call_id, OUTSIDE if self.own else party, trunk.clock.now()))
        while not self._over(phone):
            phone.moves.clear()
            await self._either(phone, None)
        if "talk" in self.fails:
            raise ActionFailed("the dialogue is broken, the talk goes on")
        if not self.own:
            trunk.see(PartyGone(call_id, party, trunk.clock.now()))
        talked = trunk.clock.now() - began - rang
        return DialResult("answered", rang, talked, caller_gone=self.left.is_set())

    # ------------------------------------------------------------ inside

    def _over(self, phone: Phone) -> bool:
        """Somebody put the phone down, or our part of the talk broke."""
        return not phone.answered or self.left.is_set() or "talk" in self.fails

    async def _either(self, phone: Phone, limit: float | None) -> None:
        """Until the caller or the phone's owner does something, or the time is over."""
        moves, gone = asyncio.create_task(phone.moves.wait()), asyncio.create_task(self.left.wait())
        try:
            await asyncio.wait({moves, gone}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _drop(moves, gone)

    async def _pass(self, name: str, seconds: float, keys: str) -> str:
        """Time passes until a key of these, a cut, or the hang-up; other keys are lost."""
        self.cuts.clear()
        self.busy_with = name
        until = self.trunk.clock.now() + seconds
        try:
            while (left := until - self.trunk.clock.now()) > 0:
                key = await self._key(left)
                if self.cuts.is_set() or key in keys:
                    return "" if self.cuts.is_set() else key
            return ""
        finally:
            self.busy_with = ""

    async def _key(self, seconds: float) -> str:
        key, gone = asyncio.create_task(self._keys.get()), asyncio.create_task(self.left.wait())
        cut = asyncio.create_task(self.cuts.wait())
        try:
            await asyncio.wait({key, gone, cut}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                raise CallerGone("hung up")
            return key.result() if key.done() else ""
        finally:
            await _drop(key, gone, cut)

    async def _command(self, name: str) -> None:
        async with self._turn:
            await self._check(name)

    async def _check(self, name: str) -> None:
        await asyncio.sleep(0)
        if self.left.is_set():
            raise CallerGone("hung up")
        if name in self.fails:
            raise ActionFailed("no answer")


async def _drop(*tasks: "asyncio.Task[str] | asyncio.Task[bool]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
