"""How far the announced wait is from the real one: simulated, through the line and the distributor that serve calls.

Callers arrive at random (Poisson), in one tier or in the four tiers with their ageing, and never hang up; talks are
exponential, or log-normal with the same mean and a standard deviation of three quarters of it, as measured talks are.
Each caller who has to wait is told ``distributor.expected_wait`` in the instant of joining the line; the error is what
was told minus what it came to be, in seconds. The mean handle time is learned on the way, as in life. The first tenth
of the calls is not counted. Nothing waits in real time: a clock is moved from event to event.

At a load of 1.05 the line grows as long as the run lasts, so those figures belong to this number of calls.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from statistics import fmean
from typing import Any

from callcenter.bench.spread import percentile
from callcenter.customers.customer import Tier
from callcenter.ids import CallId, QueueName
from callcenter.rehearsal.draws import contacts
from callcenter.rehearsal.floor import Done, Floor
from callcenter.rehearsal.plan import Contact, Group, Plan, Stream, TalkKind

QUEUE = QueueName("support")
FOUR_TIERS = {Tier.VIP: 0.1, Tier.KEY: 0.2, Tier.REGULAR: 0.5, Tier.SMALL: 0.2}
ONE_TIER = {Tier.REGULAR: 1.0}
TALK = 180.0
WARM_UP = 0.1


@dataclass(frozen=True, slots=True)
class Scenario:
    """``load``: offered work over what the agents can do."""

    load: float
    talk: TalkKind = TalkKind.EXPONENTIAL
    tiers: dict[Tier, float] = field(default_factory=lambda: ONE_TIER)
    agents: int = 20
    calls: int = 10_000

    @property
    def name(self) -> str:
        """As it is printed."""
        return f"load {self.load:g}, {self.talk} talks, {len(self.tiers)} tier{'s' * (len(self.tiers) > 1)}"

    @property
    def plan(self) -> Plan:
        """Under the shipped rules."""
        stream = Stream(QUEUE, self.tiers, (self.load * self.agents / TALK,), TALK, self.talk)
        return Plan((Group((self.agents,), frozenset({QUEUE})),), (stream,))


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


def simulate(scenario: Scenario, seed: int) -> list[Told]:
    """Those who waited, and what they were told, in the order of being served."""
    told: list[Told] = []
    announced: dict[int, float] = {}

    def served(one: Done) -> None:
        if one.number in announced and one.number > WARM_UP * scenario.calls:
            told.append(Told(one.contact.tier, announced[one.number], one.waited))

    plan = scenario.plan
    floor = Floor(plan.groups, plan.rules, served)
    for contact in _first(scenario, seed):
        floor.until(contact.at)
        number = floor.arrive(contact)
        wait = floor.distributor.expected_wait(CallId(f"{number:032x}"))
        if wait is not None:
            announced[number] = wait
    while floor.step():
        pass  # the last callers are served, too
    return told


def _first(scenario: Scenario, seed: int) -> Iterator[Contact]:
    return islice(contacts(scenario.plan, seed, 0), scenario.calls)


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
        for talk in TalkKind
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
