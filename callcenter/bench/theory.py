"""The rehearsal against queueing theory, long: what the routing that serves calls does to drawn callers, held against
what Erlang, Cobham, Kleinrock, Palm, Smith and Whitt, and Adan and Weiss say of them.

Each case is a plan of ``callcenter.rehearsal`` with 30 independent replications after its warm-up; each row one figure
of it, with its standard error, the value of the theory, and the distance in standard errors (``z``). Where theory is
right and the standard error is, z is spread like Student's t with 29 degrees of freedom: of n rows, ``chance_beyond``
times n lie beyond 3 by mere chance. Each case has a seed of its own, always the same, so a run can be repeated.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from callcenter.customers.customer import Tier
from callcenter.ids import QueueName
from callcenter.rehearsal.figures import Estimate, Result
from callcenter.rehearsal.plan import Group, Plan, Stream
from callcenter.rehearsal.replications import REPLICATIONS, planned, replicate
from callcenter.rehearsal.theory import pooling
from callcenter.rehearsal.theory.erlang_a import ErlangA
from callcenter.rehearsal.theory.erlang_c import ErlangC
from callcenter.rehearsal.theory.matching import matched_waits
from callcenter.rehearsal.theory.priorities import cobham, kleinrock
from callcenter.routing.rules import Order, RoutingRules

SEED = 7
LIMIT = 3.0
"""Standard errors within which a figure should lie."""
TALK = 180.0
PATIENCE = 120.0
QUEUE = QueueName("support")
ONE_TIER = {Tier.REGULAR: 1.0}
TWO_TIERS = {Tier.VIP: 0.2, Tier.REGULAR: 0.8}
FOUR_TIERS = {Tier.VIP: 0.1, Tier.KEY: 0.2, Tier.REGULAR: 0.5, Tier.SMALL: 0.2}
STRICT = RoutingRules(order=Order.STRICT)
AGEING = RoutingRules(ceiling=1e12)
"""The shipped rule, its ceiling out of reach: the formula knows none."""


class Load(NamedTuple):
    """So many agents, so busy; ``calls`` are measured in each case."""

    agents: int
    load: float
    calls: int

    @property
    def rate(self) -> float:
        """Calls per second."""
        return self.load * self.agents / TALK


LOADS = (Load(5, 0.7, 60_000), Load(20, 0.9, 100_000), Load(50, 0.95, 130_000), Load(100, 0.95, 130_000))


@dataclass(frozen=True, slots=True)
class Check:
    """One figure of a case: ``measure`` takes it, ``theory`` is what it should be."""

    figure: str
    theory: float
    measure: Callable[[Result], Estimate]


@dataclass(frozen=True, slots=True)
class Case:
    """One plan with what is checked in it."""

    theory: str
    load: Load
    plan: Plan
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A figure, seconds or a share."""

    theory: str
    agents: int
    load: float
    figure: str
    calls: int
    expected: float
    simulated: float
    error: float
    z: float

    @property
    def within(self) -> bool:
        """As close as it should be."""
        return abs(self.z) <= LIMIT


@dataclass(frozen=True, slots=True)
class SharedAgents:
    """Mean waits of all calls where so many of the agents of two queues serve both; ``gain``: the share of pooling's
    gain. ``expected``: at both ends, Erlang C of two lines and of one; in between nobody has a formula."""

    load: float
    agents: int
    flexible: float
    wait: float
    error: float
    gain: float
    expected: float | None = None

    @property
    def z(self) -> float | None:
        """Standard errors above what is expected."""
        return None if self.expected is None else Estimate(self.wait, self.error).z(self.expected)


@dataclass(frozen=True, slots=True)
class TheoryFigures:
    """All of it. ``chance_beyond``: the probability that one true row lies beyond the limit."""

    rows: Sequence[Row]
    shared: Sequence[SharedAgents] = field(default_factory=tuple)
    replications: int = REPLICATIONS
    seed: int = SEED

    @property
    def beyond(self) -> int:
        """Rows further from theory than the limit."""
        return sum(not row.within for row in self.rows)

    @property
    def chance_beyond(self) -> float:
        """Of one row."""
        return student_beyond(LIMIT, self.replications - 1)

    @property
    def chi_square(self) -> float:
        """The mean of z squared: about 1 (29/27) where theory and standard errors are right."""
        return math.fsum(row.z**2 for row in self.rows) / len(self.rows)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "rows": [asdict(row) for row in self.rows],
            "shared_agents": [asdict(one) for one in self.shared],
            "beyond": self.beyond,
            "chance_beyond": self.chance_beyond,
            "mean_z_squared": self.chi_square,
            "replications": self.replications,
            "seed": self.seed,
        }


def measure(
    scale: float = 1.0, progress: Callable[[str], None] = lambda _: None, loads: Sequence[Load] = LOADS
) -> TheoryFigures:
    """Run all cases with ``scale`` times the calls; about 6 minutes on two cores. ``progress`` hears what is run."""
    rows: list[Row] = []
    for number, case in enumerate(cases(loads)):
        progress(f"{case.theory}: {case.load.agents} agents at {case.load.load:g}")
        rows.extend(_rows(case, scale, SEED + number))
    progress("shared agents")
    return TheoryFigures(rows, list(_shared(scale)))


def cases(loads: Sequence[Load] = LOADS) -> Iterator[Case]:
    """What is run."""
    for load in loads:
        yield _erlang_c(load)
        yield _tiers("Cobham, 2 tiers", load, TWO_TIERS, STRICT, cobham(*_priorities(load, TWO_TIERS), TALK))
        yield _tiers(
            "Cobham, 4 tiers", load, FOUR_TIERS, STRICT, cobham(*_priorities(load, FOUR_TIERS), TALK)
        )
        slopes = [1 / AGEING.promises[tier].seconds for tier in FOUR_TIERS]
        agents, rates = _priorities(load, FOUR_TIERS)
        yield _tiers("Kleinrock, 4 tiers", load, FOUR_TIERS, AGEING, kleinrock(agents, rates, slopes, TALK))
        yield _erlang_a(load)
    yield from _skills()


def student_beyond(limit: float, degrees: int, steps: int = 20_000) -> float:
    """The probability that Student's t lies beyond the limit on either side (Simpson's rule)."""
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)

    def density(t: float) -> float:
        return scale * math.pow(1 + t * t / degrees, -(degrees + 1) / 2)

    width = limit / steps
    inner: float = density(0) + density(limit)
    inner += sum((4 if i % 2 else 2) * density(i * width) for i in range(1, steps))
    return 1 - 2 * inner * width / 3


# ------------------------------------------------------------ cases


def _plan(load: Load, tiers: dict[Tier, float], rules: RoutingRules, patience: float = math.inf) -> Plan:
    stream = Stream(QUEUE, tiers, (load.rate,), TALK, patience=patience)
    return Plan((Group((load.agents,), frozenset({QUEUE})),), (stream,), rules)


def _erlang_c(load: Load) -> Case:
    theory = ErlangC(load.agents, load.rate, TALK)
    checks = (
        Check("mean wait", theory.mean_wait, Result.mean_wait),
        Check("share that waits", theory.wait_probability, Result.delayed),
    )
    return Case("Erlang C", load, _plan(load, ONE_TIER, RoutingRules()), checks)


def _erlang_a(load: Load) -> Case:
    theory = ErlangA(load.agents, load.rate, TALK, PATIENCE)
    checks = (
        Check("mean wait", theory.mean_wait, Result.mean_wait),
        Check("share that hangs up", theory.abandon_probability, Result.abandoned),
    )
    return Case("Erlang A", load, _plan(load, ONE_TIER, RoutingRules(), PATIENCE), checks)


def _tiers(
    name: str, load: Load, tiers: dict[Tier, float], rules: RoutingRules, waits: Sequence[float]
) -> Case:
    checks = tuple(
        Check(f"mean wait, {tier.value}", wait, _mean_wait_of(tier))
        for tier, wait in zip(tiers, waits, strict=True)
    )
    return Case(name, load, _plan(load, tiers, rules), checks)


def _mean_wait_of(tier: Tier) -> Callable[[Result], Estimate]:
    return lambda result: result.mean_wait(tier)


def _priorities(load: Load, tiers: dict[Tier, float]) -> tuple[int, list[float]]:
    return load.agents, [share * load.rate for share in tiers.values()]


def _rows(case: Case, scale: float, seed: int) -> Iterator[Row]:
    load = case.load
    calls = max(REPLICATIONS, round(load.calls * scale))
    result = replicate(planned(case.plan, calls, seed))
    for check in case.checks:
        value, error = found = check.measure(result)
        z = found.z(check.theory)
        yield Row(case.theory, load.agents, load.load, check.figure, calls, check.theory, value, error, z)


# ------------------------------------------------------------ agents who serve more than one queue


PATTERNS = {
    "Adan and Weiss, N": ((0,), (0,), (0, 1), (0, 1), (0, 1), (1,)),
    "Adan and Weiss, chain": ((0, 1), (0, 1), (1, 2), (1, 2), (2, 0), (2, 0)),
}
"""Of each agent, the queues served: first come first served, longest idle first, exactly solved."""
PATTERN_LOAD, PATTERN_CALLS = 0.8, 60_000


def _skills() -> Iterator[Case]:
    for name, pattern in PATTERNS.items():
        load = Load(len(pattern), PATTERN_LOAD, PATTERN_CALLS)
        kinds = sorted({kind for served in pattern for kind in served})
        shares = [sum(kind in served for served in pattern) for kind in kinds]
        rates = [load.rate * share / sum(shares) for share in shares]
        waits = matched_waits([frozenset(served) for served in pattern], rates, TALK)
        queues = [QueueName(f"queue{kind + 1}") for kind in kinds]
        groups = [Group((1,), frozenset(queues[kind] for kind in served)) for served in pattern]
        streams = [Stream(queue, ONE_TIER, (rate,), TALK) for queue, rate in zip(queues, rates, strict=True)]
        checks = tuple(
            Check(f"mean wait, {queue}", wait, _mean_wait_in(queue))
            for queue, wait in zip(queues, waits, strict=True)
        )
        yield Case(name, load, Plan(tuple(groups), tuple(streams)), checks)


def _mean_wait_in(queue: QueueName) -> Callable[[Result], Estimate]:
    return lambda result: result.mean_wait(None, queue)


SHARED_AGENTS, SHARED_LOAD, SHARED_CALLS = 20, 0.9, 100_000
FLEXIBLE = (0.0, 0.2, 0.4, 1.0)
"""Shares of the agents who serve both queues."""


def _shared(scale: float) -> Iterator[SharedAgents]:
    """Two queues with half of the calls each: agents of their own, some who serve both, all."""
    rate = SHARED_LOAD * SHARED_AGENTS / TALK / 2
    alone = [pooling.Group(SHARED_AGENTS // 2, rate)] * 2
    ends = {0.0: pooling.separate_wait(alone, TALK), 1.0: pooling.pooled_wait(alone, TALK)}
    queues = [QueueName("billing"), QueueName("support")]
    streams = tuple(Stream(queue, ONE_TIER, (rate,), TALK) for queue in queues)
    for share in FLEXIBLE:
        both = round(share * SHARED_AGENTS)
        groups = [Group(((SHARED_AGENTS - both) // 2,), frozenset({queue})) for queue in queues if share < 1]
        groups += [Group((both,), frozenset(queues))] if both else []
        calls = max(REPLICATIONS, round(SHARED_CALLS * scale))
        wait = replicate(planned(Plan(tuple(groups), streams), calls, SEED)).mean_wait()
        gain = pooling.gain_reached(alone, TALK, wait.value)
        yield SharedAgents(SHARED_LOAD, SHARED_AGENTS, share, wait.value, wait.error, gain, ends.get(share))
