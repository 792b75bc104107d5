"""A small flow without the engine: one question, and answers to what the wait or the transfer came back with."""

import asyncio
from collections.abc import Mapping

from callcenter.calls.call import Call
from callcenter.calls.ports import CallerLine
from callcenter.ids import QueueName
from callcenter.reception.visit import HungUp, Outcome, ToQueue, Value, Visit, VisitEnd, WaitPlan

SALES, SUPPORT = QueueName("sales"), QueueName("support")


class FakeIvr:
    """Asks one thing: 1 sales, 2 support, 9 goodbye; silence is support. ``plan`` and ``survey`` are both queues';
    ``ends`` has what other keys lead to, and ``ways`` where an outcome leads: hanging up when it isn't there."""

    seconds = 5.0

    def __init__(self) -> None:
        self.plan = WaitPlan()
        self.asks_afterwards: str | None = None
        self.ends: dict[str, VisitEnd] = {}
        self.ways: dict[Outcome, VisitEnd | Exception] = {}
        self.rendering = 0.0
        """Seconds that a prompt's sound takes."""
        self.survey_fault: Exception | None = None
        self.visits: list[FakeVisit] = []

    def visit(self, line: CallerLine, call: Call) -> Visit:
        self.visits.append(FakeVisit(self, line, call))
        return self.visits[-1]


class FakeVisit:
    """A ``Visit``."""

    def __init__(self, ivr: FakeIvr, line: CallerLine, call: Call) -> None:
        self._ivr, self._line, self._call = ivr, line, call
        self.outcomes: list[Outcome] = []
        self.rejoined: list[QueueName] = []
        self.surveyed: list[str] = []
        self.times_over = 0

    async def start(self) -> VisitEnd:
        await self._line.answer()
        key = await self._line.read_key(self._ivr.seconds)
        self._call.keys.append(("menu", key))
        if key in self._ivr.ends:
            return self._ivr.ends[key]
        if key == "9":
            return HungUp("goodbye")
        return ToQueue(SALES if key == "1" else SUPPORT, self._ivr.plan, survey=self._ivr.asks_afterwards)

    async def resume(self, outcome: Outcome) -> VisitEnd:
        self.outcomes.append(outcome)
        way = self._ivr.ways.get(outcome, HungUp(outcome))
        if isinstance(way, Exception):
            raise way
        return way

    async def rejoin(self, queue: QueueName) -> ToQueue:
        self.rejoined.append(queue)
        return ToQueue(queue, self._ivr.plan, self._call.skills, self._ivr.asks_afterwards)

    async def sound(self, prompt: str, values: Mapping[str, Value]) -> str:
        if self._ivr.rendering:
            await asyncio.sleep(self._ivr.rendering)
        return " ".join([prompt, *map(str, values.values())])

    async def survey(self, name: str) -> None:
        self.surveyed.append(name)
        if self._ivr.survey_fault is not None:
            raise self._ivr.survey_fault
        self._call.keys.append((name, await self._line.read_key(self._ivr.seconds)))

    def over(self) -> None:
        self.times_over += 1
