"""What a walk needs of others, by hand: answers are written down beforehand, what was asked is kept."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from callcenter.calls.call import Call, Direction
from callcenter.calls.number import normalise
from callcenter.clock import ManualClock
from callcenter.complaints.status import Status
from callcenter.customers.customer import CustomerRecord, Tier
from callcenter.customers.lookup import Match, MatchKind
from callcenter.customers.pins import PinResult
from callcenter.errors import CallcenterError, LookupFailed
from callcenter.ids import CallId, CustomerId, QueueName
from callcenter.ivr.counting import Counter
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.nodes import AnyNode, prompts_of
from callcenter.ivr.flow.texts import Language
from callcenter.ivr.front import FlowVisit
from callcenter.ivr.ports import FlowSet, Row
from callcenter.ivr.walk.services import Services
from tests.fakes.fake_line import FakeLine
from tests.fakes.memory_recorder import MemoryRecorder

STRANGER = Match(MatchKind.UNKNOWN)


def customer(number: int = 7, *, tier: Tier = Tier.VIP, name: str = "Li Wei") -> CustomerRecord:
    """One who is known."""
    return CustomerRecord(
        id=CustomerId(number),
        name=name,
        company="Riverside",
        tier=tier,
        language="zh",
        owner_id=None,
        owner="",
        numbers=("+8613800138000",),
        notes="",
        orders_count=3,
        orders_total="12.00 CNY",
    )


class DatabaseAway(CallcenterError):
    """As the storage raises it; flows don't import the storage."""

    code = "database_away"
    retryable = True


class FakePrompts:
    """A sound's path is its prompt and language; texts and values are kept."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, dict[str, Any]]] = []

    async def sound(self, name: str, text: str, language: Language, values: Row) -> str:
        self.asked.append((name, text, language, dict(values)))
        return f"{name}/{language}"


class FakeKnowing:
    """Knows one match; ``customers`` are those that a PIN leads to."""

    def __init__(self, match: Match = STRANGER) -> None:
        self.match = match
        self.customers: list[CustomerId] = []

    async def wait(self, call: Call, limit: float) -> Match:
        del limit
        return self.of(call.id)

    def of(self, call_id: CallId) -> Match:
        del call_id
        return self.match

    async def as_customer(self, call: Call, customer_id: CustomerId) -> Match:
        self.customers.append(customer_id)
        call.customer_id = customer_id
        self.match = Match(MatchKind.KNOWN, customer(int(customer_id)))
        return self.match


class FakeIdentities:
    """PINs by customer number; the third wrong one locks."""

    def __init__(self) -> None:
        self.pins = {"7001": ("4821", CustomerId(7))}
        self.wrong = 0
        self.error: CallcenterError | None = None
        self.hangs = False

    async def verify(self, customer_number: str, pin: str) -> PinResult:
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        known = self.pins.get(customer_number)
        if known is not None and known[0] == pin:
            return PinResult("known", known[1])
        self.wrong += 1
        return PinResult("locked" if self.wrong >= 3 else "wrong")


class FakeLookups:
    """Answers by name; a name without one hangs for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {}
        self.asked: list[tuple[str, dict[str, Any], float]] = []

    async def query(self, name: str, values: Row, seconds: float) -> Row | None:
        answer = await self._answer(name, values, seconds)
        assert answer is None or isinstance(answer, Mapping)
        return answer

    async def service(self, name: str, values: Row, seconds: float) -> object | None:
        return await self._answer(name, values, seconds)

    async def _answer(self, name: str, values: Row, seconds: float) -> object | None:
        self.asked.append((name, dict(values), seconds))
        if name not in self.answers:
            await asyncio.Event().wait()
        answer = self.answers[name]
        if isinstance(answer, CallcenterError):
            raise answer
        return answer


class FakeCases:
    """Statuses by (of, customer, number), and complaints that were spoken."""

    def __init__(self) -> None:
        self.statuses: dict[tuple[str, int, str | None], Status] = {}
        self.complaints: list[tuple[str, str, str, float]] = []
        self.error: CallcenterError | None = None

    async def status(self, of: str, customer_id: CustomerId, number: str | None) -> Status | None:
        if self.error is not None:
            raise self.error
        return self.statuses.get((of, int(customer_id), number))

    async def complain(self, call: Call, category: str, severity: str, recording: str, seconds: float) -> str:
        del call
        if self.error is not None:
            raise self.error
        self.complaints.append((category, severity, recording, seconds))
        return "C-000123"


class FakeDialling:
    """Extensions 1000 to 1099, and numbers in China."""

    def extension(self, text: str) -> str | None:
        return text if len(text) == 4 and text.startswith("10") and text.isdecimal() else None

    def outside(self, text: str) -> str | None:
        return text if text.startswith("+86") else None


class FakeCallbacks:
    """Says what it is told to."""

    def __init__(self) -> None:
        self.says = "kept"
        self.asked: list[tuple[str, str, float]] = []

    def ask(self, call: Call, queue: QueueName, number: str, arrived: float) -> str:
        del call
        self.asked.append((queue, number, arrived))
        return self.says


@dataclass
class FakeLines:
    """How many wait."""

    waiting: int = 0

    def waiting_in(self, queue: QueueName) -> int:
        del queue
        return self.waiting


@dataclass
class Ground:
    """All of it, and one caller."""

    line: FakeLine
    recordings: Path = Path("/nowhere")
    prompts: FakePrompts = field(default_factory=FakePrompts)
    knowing: FakeKnowing = field(default_factory=FakeKnowing)
    identities: FakeIdentities = field(default_factory=FakeIdentities)
    lookups: FakeLookups = field(default_factory=FakeLookups)
    cases: FakeCases = field(default_factory=FakeCases)
    dialling: FakeDialling = field(default_factory=FakeDialling)
    callbacks: FakeCallbacks = field(default_factory=FakeCallbacks)
    lines: FakeLines = field(default_factory=FakeLines)
    counter: Counter = field(default_factory=Counter)
    recorder: MemoryRecorder = field(default_factory=MemoryRecorder)

    @property
    def clock(self) -> ManualClock:
        """The line moves it."""
        return self.line.clock

    def services(self) -> Services:
        """As a walk wants them."""
        return Services(
            clock=self.clock,
            recordings=self.recordings,
            prompts=self.prompts,
            identification=self.knowing,
            identities=self.identities,
            lookups=self.lookups,
            cases=self.cases,
            dialling=self.dialling,
            callbacks=self.callbacks,
            lines=self.lines,
            counting=self.counter,
            recorder=self.recorder,
            zone=dt.timezone(dt.timedelta(hours=8)),
        )

    def visit(self, *flows: Flow) -> FlowVisit:
        """The caller's, in the first of these flows."""
        return FlowVisit(self.line, self.call(), flow_set(*flows), self.services())

    def call(self) -> Call:
        """The caller's, as reception makes it."""
        return Call(
            id=CallId("0" * 32),
            direction=Direction.INBOUND,
            number=normalise(self.line.caller_number, "CN"),
            caller_name="",
            did=self.line.did,
            arrived=self.clock.now(),
            arrived_at=self.clock.wall(),
        )


_NODES: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, AnyNode])


def a_flow(nodes: str, *, name: str = "try", queue: str | None = "support", **more: Any) -> Flow:
    """A flow of these nodes (YAML), unchecked, which starts at the first; every prompt that they name says so."""
    plain = yaml.safe_load(nodes)
    written = {"flow": name, "start": next(iter(plain)), "nodes": plain, **more}
    if queue is not None:
        written["default_queue"] = queue
    named = {prompt for node in _NODES.validate_python(plain).values() for prompt in prompts_of(node)}
    named |= {text for text in more.get("defaults", {}).values() if text.startswith("say_")}
    spoken = {prompt: {"en": f"Say {prompt}.", "zh": f"说{prompt}。"} for prompt in named}
    written["prompts"] = spoken | more.get("prompts", {})
    return Flow.model_validate(written)


def flow_set(*flows: Flow) -> FlowSet:
    """These flows, the first one first; each in version 3."""
    return FlowSet(flows[0].flow, {flow.flow: flow for flow in flows}, {flow.flow: 3 for flow in flows})


def passed(visit: FlowVisit) -> list[str]:
    """The nodes that were left, each with its way."""
    return [f"{step.node}: {step.way}" for step in visit.walk.steps]


@dataclass
class OneShelf:
    """The same flows for every number."""

    flows: FlowSet

    def entrance(self, did: str) -> FlowSet:
        del did
        return self.flows


LOOKUP_DOWN = LookupFailed("the fake service is down")
