"""How far the announced wait is from the real one: simulated, through the line and the distributor that serve calls.

Callers arrive at random (Poisson), in one tier or in the four tiers with their ageing, and never hang up; talks are
exponential, or log-normal with the same mean and a standard deviation of three quarters of it, as measured talks are.
Each caller who has to wait is told ``distributor.expected_wait`` in the instant of joining the line; the error is what
was told minus what it came to be, in seconds. The mean handle time is learned on the way, as in life. The first tenth
of the calls is not counted. Nothing waits in real time: a clock is moved from event to event.

At a load of 1.05 the line grows as long as the run lasts, so those figures belong to this number of calls.
"""

import asyncio
import heapq
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from callcenter.agents.roster import Roster, RosterRules
from callcenter.bench.spread import percentile
from callcenter.bus import Bus
from callcenter.calls.call import Call, Direction
from callcenter.calls.events import CallOffered, OfferResult, PhoneState
from callcenter.calls.number import CallerNumber, NumberKind
from callcenter.clock import ManualClock
from callcenter.customers.customer import Tier
from callcenter.ids import AgentId, CallId, Extension, QueueName
from callcenter.routing.distributor import Distributor, OfferTimes, Place
from callcenter.routing.line import Line
from callcenter.routing.policy import LinePolicy
from callcenter.timers import ManualTimers

QUEUE = QueueName("support")
POLICY = LinePolicy({Tier.VIP: 10, Tier.KEY: 20, Tier.REGULAR: 30, Tier.SMALL: 60}, ceiling=300)
"""As shipped."""
FOUR_TIERS = {Tier.VIP: 0.1, Tier.KEY: 0.2, Tier.REGULAR: 0.5, Tier.SMALL: 0.2}
ONE_TIER = {Tier.REGULAR: 1.0}
TALK = 180.0
VARIATION = 0.75
"""Standard deviation over mean, of the log-normal talks."""
WARM_UP = 0.1
NOBODY = CallerNumber(NumberKind.WITHHELD, "", "")


@dataclass(frozen=True, slots=True)
class Scenario:
    """``load``: offered work over what the agents can do; ``talk``: ``exponential`` or ``log-normal``."""

    load: float
    talk: str = "exponential"
    tiers: dict[Tier, float] = field(default_factory=lambda: ONE_TIER)
    agents: int = 20
    calls: int = 10_000

    @property
    def name(self) -> str:
        """As it is printed."""
        return f"load {self.load:g}, {self.talk} talks, {len(self.tiers)} tier{'s' * (len(self.tiers) > 1)}"


@dataclass(frozen=True, slots=True)
class Told:
    """One caller who waited: what was announced and what came of it, in seconds."""

    tier: Tier
    announced: float
    waited: float

    @property
    def error(self) -> float:
        """Positive: told too much."""
        return self.announced - self.waited


@dataclass(slots=True)
class _Caller:
    place: Place
    announced: float | None
    number: int


class _Offers(Bus):
    """Hears what is offered; nobody else listens here."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[CallOffered] = []

    def publish(self, event: object) -> None:
        if isinstance(event, CallOffered):
            self.made.append(event)


class Simulation:
    """One run. ``told`` has those who waited, in the order of being served."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._s = scenario
        self._random = random.Random(seed)
        self._clock, self._offers = ManualClock(), _Offers()
        timers = ManualTimers()
        self._roster = Roster(self._offers, self._clock, timers, RosterRules())
        times = OfferTimes({QUEUE: 20}, 5)
        self.distributor = Distributor(Line(POLICY), self._roster, self._offers, self._clock, timers, times)
        self._ends: list[tuple[float, CallId, AgentId, float]] = []
        self._callers: dict[CallId, _Caller] = {}
        self.told: list[Told] = []
        for number in range(1, scenario.agents + 1):
            self._agent(AgentId(number), Extension(str(1000 + number)))

    def run(self) -> list[Told]:
        """Let all callers come and be served. To be called inside a running loop, which it never waits for."""
        arrivals = self._arrivals()
        arrival = next(arrivals, None)
        while arrival is not None or self._ends:
            if arrival is not None and (not self._ends or arrival[0] <= self._ends[0][0]):
                self._to(arrival[0])
                self._arrive(*arrival)
                arrival = next(arrivals, None)
            else:
                self._end(*heapq.heappop(self._ends))
            self._serve()
        return self.told

    # -------------------------------------------------------- inside

    def _agent(self, agent_id: AgentId, extension: Extension) -> None:
        self._roster.log_in(agent_id, f"Agent {agent_id}", extension, frozenset({QUEUE}))
        self._roster.phone_changed(extension, PhoneState.IDLE)
        self._roster.screen_opened(agent_id)
        self._roster.ready(agent_id)

    def _arrivals(self) -> Iterator[tuple[float, int, Tier]]:
        rate, at = self._s.load * self._s.agents / TALK, self._clock.now()
        tiers, weights = list(self._s.tiers), list(self._s.tiers.values())
        for number in range(self._s.calls):
            at += self._random.expovariate(rate)
            yield at, number, self._random.choices(tiers, weights)[0]

    def _to(self, instant: float) -> None:
        self._clock.move(instant - self._clock.now())

    def _arrive(self, at: float, number: int, tier: Tier) -> None:
        call = Call(
            id=CallId(f"{number:032x}"),
            direction=Direction.INBOUND,
            number=NOBODY,
            caller_name="",
            did="",
            arrived=at,
            arrived_at=self._clock.wall(),
            tier=tier.value,
        )
        place = self.distributor.join(call, QUEUE, at)
        self._callers[call.id] = _Caller(place, self.distributor.expected_wait(call.id), number)

    def _serve(self) -> None:
        """Every agent who was reserved answers at once."""
        while self._offers.made:
            event = self._offers.made.pop()
            caller, now = self._callers.pop(event.call.id), self._clock.now()
            offer = caller.place.taken()
            if offer is None:
                raise RuntimeError("an offer was announced that nobody has")
            self.distributor.end(offer, OfferResult.ANSWERED)
            self._roster.talk_begun(event.agent_id, event.call.id)
            self.distributor.leave(caller.place)
            seconds = self._talk()
            heapq.heappush(self._ends, (now + seconds, event.call.id, event.agent_id, seconds))
            if caller.announced is not None and caller.number >= WARM_UP * self._s.calls:
                self.told.append(Told(Tier(event.call.tier), caller.announced, now - event.call.arrived))

    def _end(self, at: float, call_id: CallId, agent_id: AgentId, seconds: float) -> None:
        self._to(at)
        self.distributor.handle_times.add(QUEUE, seconds)
        self._roster.talk_ended(agent_id, call_id, 0)
        self.distributor.match()

    def _talk(self) -> float:
        if self._s.talk == "exponential":
            return self._random.expovariate(1 / TALK)
        sigma = math.sqrt(math.log(1 + VARIATION**2))
        return self._random.lognormvariate(math.log(TALK) - sigma**2 / 2, sigma)


def simulate(scenario: Scenario, seed: int) -> list[Told]:
    """Those who waited, and what they were told."""

    async def run() -> list[Told]:
        return Simulation(scenario, seed).run()

    return asyncio.run(run())


def figures(told: list[Told]) -> dict[str, float]:
    """Errors in seconds, and the mean wait to hold them against."""
    if not told:
        return {"n": 0}
    errors = sorted(abs(one.error) for one in told)
    return {
        "n": len(told),
        "mean_wait": round(fmean(one.waited for one in told), 1),
        "mean_error": round(fmean(one.error for one in told), 1),
        "mean_abs_error": round(fmean(errors), 1),
        "p50_abs_error": round(percentile(errors, 0.5), 1),
        "p90_abs_error": round(percentile(errors, 0.9), 1),
    }


def scenarios(agents: int, calls: int) -> list[Scenario]:
    """What is measured."""
    return [
        Scenario(load, talk, tiers, agents, calls)
        for tiers in (ONE_TIER, FOUR_TIERS)
        for talk in ("exponential", "log-normal")
        for load in (0.8, 0.95, 1.05)
    ]


def measure_waits(*, agents: int = 20, calls: int = 10_000, seed: int = 7) -> dict[str, Any]:
    """By scenario: the figures of all who waited, and under ``tiers`` of each tier."""
    measured: dict[str, Any] = {}
    for scenario in scenarios(agents, calls):
        told = simulate(scenario, seed)
        measured[scenario.name] = figures(told) | {
            "tiers": {
                tier.value: figures([one for one in told if one.tier is tier]) for tier in scenario.tiers
            }
        }
    return measured
