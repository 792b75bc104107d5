"""How long a routing decision takes, by agents, callers who wait, and skills; against looking at everybody.

Through the roster and the distributor that serve calls, on a clock that stands still: all agents are busy, so many
callers of four tiers wait, each needing one of the skills at some level; then, again and again, an agent becomes free
(which is one decision: whom to serve, its offer, its record's facts), takes the call, and another caller joins at the
end. Timed is what happens from the agent's being free to the offer.

The plain way, for comparison, is the same rule without anything kept ready: of all who wait, the most urgent whom the
agent may serve; of all agents, the best for that call.
"""

import datetime as dt
import gc
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from callcenter.agents.events import AgentChanged, AgentLoggedOut
from callcenter.agents.roster import Roster, RosterRules
from callcenter.agents.states import RoutingState
from callcenter.bench.spread import percentile
from callcenter.bus import Bus
from callcenter.calls.call import Call, Direction
from callcenter.calls.events import CallOffered, OfferResult, PhoneState
from callcenter.calls.number import CallerNumber, NumberKind
from callcenter.clock import ManualClock
from callcenter.customers.customer import Tier
from callcenter.ids import AgentId, CallId, Extension, QueueName
from callcenter.routing.choose import choose
from callcenter.routing.distributor import Distributor, OfferTimes, Place
from callcenter.routing.facts import facts_of, why_not
from callcenter.routing.line import Line
from callcenter.routing.policy import order_key
from callcenter.routing.rules import RoutingRules
from callcenter.timers import ManualTimers

QUEUE = QueueName("support")
AGENTS = (100, 1_000, 10_000)
WAITING = (10, 100, 1_000, 10_000, 100_000)
SKILLS = (1, 3, 10)
ROUNDS = 400
"""Decisions timed in each scene; the first tenth more are not counted."""
PLAIN_ROUNDS = 3
PLAIN_AT_MOST = 10_000
"""Of agents and of callers, for the plain way: beyond it there is nothing new to see."""
NOBODY = CallerNumber(NumberKind.WITHHELD, "", "")
SPACING = 0.01
"""Seconds between arrivals."""


@dataclass(frozen=True)
class DecisionFigures:
    """Microseconds, but ``per_second``. ``plain``: looking at everybody, None where that was not tried. ``pack``:
    making the record of one decision. ``record``: its bytes."""

    agents: int
    waiting: int
    skills: int
    p50: float
    p99: float
    per_second: float
    plain: float | None
    pack: float
    record: int

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


class Floor:
    """All agents busy, so many callers in line."""

    def __init__(self, agents: int, waiting: int, skills: int, seed: int = 7) -> None:
        self._random, self._skills = random.Random(seed), [f"skill{n}" for n in range(skills)]
        self.clock, bus, timers = ManualClock(), Bus(), ManualTimers()
        self.roster = Roster(bus, self.clock, timers, RosterRules())
        self.rules = RoutingRules()
        self.line = Line(self.rules)
        self.d = Distributor(self.line, self.roster, bus, self.clock, timers, OfferTimes({QUEUE: 20}, 5))
        self.offered: list[CallOffered] = []
        bus.subscribe(AgentChanged, self.d.agent_changed)
        bus.subscribe(AgentLoggedOut, self.d.agent_gone)
        bus.subscribe(CallOffered, self.offered.append)
        self._places: dict[CallId, Place] = {}
        self._count = 0
        for number in range(1, agents + 1):
            self._agent(AgentId(number))
        for _ in range(waiting):
            self.joins()

    def joins(self) -> None:
        """One more caller, after all others."""
        self._count += 1
        self.clock.move(SPACING)
        call = Call(
            id=CallId(f"{self._count:032x}"),
            direction=Direction.INBOUND,
            number=NOBODY,
            caller_name="",
            did="",
            arrived=self.clock.now(),
            arrived_at=dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
            tier=self._random.choices(list(Tier), (0.1, 0.2, 0.5, 0.2))[0].value,
            skills={self._random.choice(self._skills): self._random.randint(1, 3)},
        )
        self._places[call.id] = self.d.join(call, QUEUE, call.arrived)

    def becomes_free(self) -> float:
        """Some agent's talk ends; gives the seconds until the offer was made. The call is taken at once."""
        agent_id = AgentId(self._random.randint(1, len(self.roster)))
        talk = self.roster.get(agent_id).call_id
        began = time.perf_counter()
        self.roster.talk_ended(agent_id, talk or CallId(""), 0)
        took = time.perf_counter() - began
        if self.offered:
            self._take(self.offered.pop())
            self.joins()
        else:  # nobody in line whom this agent may serve
            self.roster.talk_begun(agent_id, CallId("elsewhere"))
        return took

    def plainly(self) -> float:
        """The same decision, looking at everybody; gives the seconds. Nothing changes."""
        now = self.clock.now()
        agent = replace(facts_of(self.roster.get(AgentId(1))), state=RoutingState.READY)
        began = time.perf_counter()
        able = [one for one in self.line if why_not(agent, one.demand, now) is None]
        first = min(able, key=lambda one: order_key(one, now, self.rules), default=None)
        if first is not None:
            choose([facts_of(one) for one in self.roster], first.demand, now)
        return time.perf_counter() - began

    def packing(self) -> tuple[float, int]:
        """Seconds that the record of a decision takes to make, and its bytes."""
        self.roster.talk_ended(AgentId(1), self.roster.get(AgentId(1)).call_id or CallId(""), 0)
        decision = self.offered[-1].decision if self.offered else None
        if decision is None:
            return 0.0, 0
        began = time.perf_counter()
        text = decision.packed()
        return time.perf_counter() - began, len(text.encode())

    def _agent(self, agent_id: AgentId) -> None:
        extension = Extension(str(100_000 + agent_id))
        skills = {name: self._random.randint(1, 5) for name in self._skills if self._random.random() < 0.7}
        self.roster.log_in(agent_id, f"Agent {agent_id}", extension, frozenset({QUEUE}), skills)
        self.roster.talk_begun(agent_id, CallId("elsewhere"))
        self.roster.phone_changed(extension, PhoneState.IDLE)
        self.roster.screen_opened(agent_id)
        self.roster.ready(agent_id)

    def _take(self, event: CallOffered) -> None:
        place = self._places.pop(event.call.id)
        offer = place.taken()
        if offer is None:
            raise RuntimeError("an offer was announced that nobody has")
        self.d.end(offer, OfferResult.ANSWERED)
        self.roster.talk_begun(event.agent_id, event.call.id)
        self.d.leave(place)


def measure_scene(agents: int, waiting: int, skills: int, rounds: int = ROUNDS) -> DecisionFigures:
    """One scene."""
    floor = Floor(agents, waiting, skills)
    for _ in range(rounds // 10):
        floor.becomes_free()
    gc.collect()
    gc.disable()
    try:
        taken = [floor.becomes_free() for _ in range(rounds)]
    finally:
        gc.enable()
    plain = None
    if agents <= PLAIN_AT_MOST and waiting <= PLAIN_AT_MOST:
        plain = round(min(floor.plainly() for _ in range(PLAIN_ROUNDS)) * 1e6, 1)
    pack, size = floor.packing()
    mean = sum(taken) / len(taken)
    return DecisionFigures(
        agents,
        waiting,
        skills,
        round(percentile(taken, 0.5) * 1e6, 1),
        round(percentile(taken, 0.99) * 1e6, 1),
        round(1 / mean),
        plain,
        round(pack * 1e6, 1),
        size,
    )


def measure(
    progress: Callable[[str], None],
    *,
    agents: Sequence[int] = AGENTS,
    waiting: Sequence[int] = WAITING,
    skills: Sequence[int] = SKILLS,
) -> list[DecisionFigures]:
    """The whole grid."""
    found = []
    for size in agents:
        for callers in waiting:
            for kinds in skills:
                progress(f"decisions: {size:,} agents, {callers:,} waiting, {kinds} skills")
                found.append(measure_scene(size, callers, kinds))
    return found
