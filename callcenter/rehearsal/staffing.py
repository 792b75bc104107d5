"""The adviser: how many agents a half hour needs so that every tier's promise holds, and agents aren't worn out.

What it assures: with so many agents at work from before the half hour on, Poisson calls, exponential handle times (and
patience) of the given means, equal agents who may serve every call, and offers that are taken at once, each tier's
share answered in time is at least the one promised, in the steady state. Under ``Order.STRICT`` the shares are exact;
under ``Order.AGING`` they are bounds that are proved (``theory.assurance``), so the advice may be too careful by some
agents, and is never too low. How many at the most, ``Advice.fewest`` says: fewer can't do under any order, even if
the tier that asks for most always went first. Where nobody hangs up the mean waits are exact (Cobham, Kleinrock; but
for the ceiling).

What it doesn't: skills that split the agents, a line that was long before the half hour began, calls that come in
waves, handle times that vary more than exponential ones, missed offers, redials, several queues with weights. Those
are what a rehearsal is for, and it is the judge. Answered in time is a share of all who called, those who hung up
included.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from callcenter.customers.customer import Tier
from callcenter.errors import BadInput
from callcenter.rehearsal.theory import assurance
from callcenter.rehearsal.theory.erlang_a import ErlangA
from callcenter.rehearsal.theory.given import MOST_AGENTS, check_not_negative, check_positive, check_share
from callcenter.rehearsal.theory.priorities import cobham, kleinrock
from callcenter.routing.rules import Order, Promise, RoutingRules

HALF_HOUR = 1800.0


@dataclass(frozen=True, slots=True)
class Interval:
    """What is expected: ``calls`` offered in ``seconds``; ``handle_time``, mean seconds that a call keeps an agent
    (ring, talk and wrap-up); ``mix``: each tier's share of the calls (any positive weights)."""

    calls: float
    handle_time: float
    mix: Mapping[Tier, float]
    seconds: float = HALF_HOUR


@dataclass(frozen=True, slots=True)
class Need:
    """What counts besides the promises: mean ``patience`` in seconds (``None``: nobody hangs up), the share of their
    time that agents are busy at the most, and the share of paid time that they aren't at work (``shrinkage``)."""

    patience: float | None = None
    most_occupancy: float = 0.9
    shrinkage: float = 0.0


@dataclass(frozen=True, slots=True)
class TierOutlook:
    """What a tier gets with the advised agents: ``within``, the share answered within the promise, at the least;
    ``mean_wait`` in seconds, ``None`` where callers hang up (no formula)."""

    promise: Promise
    within: float
    mean_wait: float | None


@dataclass(frozen=True, slots=True)
class Advice:
    """``agents`` at work, ``rostered`` to have so many at work, ``fewest``: with fewer a promise breaks under any
    order; the rest is what comes of ``agents``. ``because``: what isn't assured with one agent fewer: tiers' names,
    ``occupancy``, ``load`` (the line would grow for ever, or more callers hang up than all promises together allow)."""

    agents: int
    rostered: int
    fewest: int
    erlangs: float
    occupancy: float
    wait_probability: float
    mean_wait: float
    abandoned: float
    tiers: Mapping[Tier, TierOutlook] = field(default_factory=dict)
    because: tuple[str, ...] = ()


def advise(intervals: Iterable[Interval], rules: RoutingRules, need: Need = Need()) -> tuple[Advice, ...]:
    """The advice for each interval in turn. Raises ``BadInput`` for what makes no sense, for a promise to every single
    caller, and where more than ``MOST_AGENTS`` were needed."""
    _check(rules, need)
    return tuple(_advice(_Question(interval, rules, need)) for interval in intervals)


def _check(rules: RoutingRules, need: Need) -> None:
    if need.patience is not None:
        check_positive("patience", need.patience)
    check_share("shrinkage", need.shrinkage)
    if not 0 < need.most_occupancy <= 1:
        raise BadInput(f"most_occupancy must be more than 0 and at most 1, not {need.most_occupancy:g}")
    for tier, promise in rules.promises.items():
        if not 0 < promise.share < 1:
            raise BadInput(
                f"{tier.value}: no number of agents answers a share of {promise.share:g} in time; try 0.99"
            )


class _Question:
    """One interval, and what each number of agents would do in it."""

    def __init__(self, interval: Interval, rules: RoutingRules, need: Need) -> None:
        check_not_negative("calls", interval.calls)
        check_positive("seconds", interval.seconds)
        check_positive("handle_time", interval.handle_time)
        for share in interval.mix.values():
            check_not_negative("mix", share)
        whole = sum(interval.mix.values())
        if not 0 < whole < math.inf:
            raise BadInput("the mix must give at least one tier a share")
        self.need = need
        self.strict = rules.order is Order.STRICT
        self.service = interval.handle_time
        self.rate = interval.calls / interval.seconds
        self.tiers = [tier for tier in Tier if interval.mix.get(tier, 0.0) > 0]
        self.promises = [rules.promises[tier] for tier in self.tiers]
        self.rates = [self.rate * interval.mix[tier] / whole for tier in self.tiers]
        in_time = sum(rate * promise.share for rate, promise in zip(self.rates, self.promises, strict=True))
        self.least_answered = in_time / self.rate if self.rate else 0.0
        if in_time * self.service >= MOST_AGENTS:
            raise BadInput(f"that needs more than {MOST_AGENTS} agents in one line")
        self.slopes = [1 / promise.seconds for promise in self.promises]
        self.meets = assurance.strict(self.rates) if self.strict else assurance.aging(self.rates, self.slopes)

    def staffed(self, agents: int) -> assurance.Staffed:
        """The line with so many."""
        return assurance.Staffed(agents, self.rate, self.service, self.need.patience)

    def within(self, staffed: assurance.Staffed, *, alone: bool = False) -> Iterator[float]:
        """Each tier's share in time; ``alone``: if each were the one that always goes first."""
        meets = [assurance.Competition(rate, 0.0) for rate in self.rates] if alone else self.meets
        for one, promise in zip(meets, self.promises, strict=True):
            yield staffed.answered_within(one, promise.seconds)

    def mean_waits(self, agents: int) -> list[float | None]:
        """Each tier's mean wait, where there is a formula."""
        if self.need.patience is not None:
            return [None for _ in self.tiers]
        if self.strict:
            return list(cobham(agents, self.rates, self.service))
        return list(kleinrock(agents, self.rates, self.slopes, self.service))

    def lacks(self, agents: int, *, alone: bool = False) -> Iterator[str]:
        """What isn't assured with so many, one after the other, since each costs time; ``alone`` as in ``within``: then
        what can't be."""
        if agents < 1 or (self.need.patience is None and self.rate * self.service >= agents):
            yield "load"
            return
        staffed = self.staffed(agents)
        if 1.0 - hang_ups(staffed) < self.least_answered:
            yield "load"
            return
        if staffed.line.occupancy > self.need.most_occupancy:
            yield "occupancy"
        for tier, promise, within in zip(
            self.tiers, self.promises, self.within(staffed, alone=alone), strict=True
        ):
            if within < promise.share:
                yield tier.value

    def enough(self, agents: int, *, alone: bool = False) -> bool:
        """Whether nothing lacks."""
        return next(self.lacks(agents, alone=alone), None) is None


def hang_ups(staffed: assurance.Staffed) -> float:
    """The share of callers who hang up, whatever the order."""
    return staffed.line.abandon_probability if isinstance(staffed.line, ErlangA) else 0.0


def _advice(question: _Question) -> Advice:
    if question.rate == 0:
        return Advice(0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    start = max(1, int(question.rate * question.service))
    agents = _smallest(question.enough, start)
    staffed = question.staffed(agents)
    line = staffed.line
    outlooks = zip(question.promises, question.within(staffed), question.mean_waits(agents), strict=True)
    return Advice(
        agents=agents,
        rostered=math.ceil(agents / (1 - question.need.shrinkage) - 1e-9),
        fewest=_smallest(lambda n: question.enough(n, alone=True), start),
        erlangs=question.rate * question.service,
        occupancy=line.occupancy,
        wait_probability=line.wait_probability,
        mean_wait=line.mean_wait,
        abandoned=hang_ups(staffed),
        tiers={tier: TierOutlook(*one) for tier, one in zip(question.tiers, outlooks, strict=True)},
        because=tuple(question.lacks(agents - 1)),
    )


def _smallest(enough: Callable[[int], bool], start: int) -> int:
    """The smallest number that is enough (from there on all are), sought from ``start`` in growing steps."""
    step = max(1, math.isqrt(start) // 2)
    low, high = 0, min(start, MOST_AGENTS)
    while not enough(high):
        if high == MOST_AGENTS:
            raise BadInput(f"that needs more than {MOST_AGENTS} agents in one line")
        low, high, step = high, min(high + step, MOST_AGENTS), 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
