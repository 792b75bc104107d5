"""What is rehearsed: who comes, who answers, and by which rules.

A plan is *steady* (``intervals`` is 0: the same load for ever, for averages), or a *day* of so many half hours, from an
empty line until the last caller is served, or recorded ``days``.
"""

import datetime as dt
import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from callcenter.calls.skills import Levels
from callcenter.customers.customer import Tier
from callcenter.errors import BadInput
from callcenter.ids import QueueName
from callcenter.routing.rules import RoutingRules

INTERVAL = 1800.0
"""Seconds; arrivals and staff are planned by the half hour."""
ROUNDING = 1e-6
"""Shares may miss 1 by so much."""
MOST_AGENTS = 10_000


class TalkKind(enum.StrEnum):
    """How the lengths of talks are spread."""

    EXPONENTIAL = "exponential"
    LOG_NORMAL = "log-normal"


class Contact(NamedTuple):
    """One caller: arrives ``at`` (seconds from the beginning), talks so long, hangs up after waiting ``patience``."""

    at: float
    queue: QueueName
    tier: Tier
    talk: float
    wrap_up: float = 0.0
    patience: float = math.inf
    needs: Levels | None = None


class Recorded(NamedTuple):
    """A contact as it was. ``talk``: None for one who was not served; ``waited``: until served, or until hanging up."""

    at: float
    queue: QueueName
    tier: Tier
    talk: float | None
    wrap_up: float
    waited: float


@dataclass(frozen=True, slots=True)
class Day:
    """Recorded contacts in the order of their arrival; ``mean_patience`` is what they show of it, in seconds."""

    name: str
    contacts: tuple[Recorded, ...]
    mean_patience: float


@dataclass(frozen=True, slots=True)
class Stream:
    """Callers of one queue who come at random (Poisson). ``rates``: per second, of each interval (one: of all);
    ``tiers``: their shares; ``talk`` and ``patience``: mean seconds (patience is exponential; infinite: nobody hangs
    up); ``wrap_up``: seconds, always the same. Raises ``BadInput`` for what can't be drawn."""

    queue: QueueName
    tiers: Mapping[Tier, float]
    rates: tuple[float, ...]
    talk: float
    talk_kind: TalkKind = TalkKind.EXPONENTIAL
    wrap_up: float = 0.0
    patience: float = math.inf
    needs: Levels = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check it."""
        _check_shares(self.tiers, self.queue)
        if not self.rates or not all(0 <= rate < math.inf for rate in self.rates):
            raise BadInput(f"{self.queue}: the number of calls must be 0 or more.")
        if not 0 < self.talk < math.inf:
            raise BadInput(f"{self.queue}: a talk must take more than 0 s, not {self.talk:g}.")
        if not 0 <= self.wrap_up < math.inf:
            raise BadInput(f"{self.queue}: wrap-up must take 0 s or more, not {self.wrap_up:g}.")
        if not self.patience > 0:
            raise BadInput(f"{self.queue}: patience must be more than 0 s, not {self.patience:g}.")

    @property
    def handle(self) -> float:
        """Mean seconds that a contact keeps an agent."""
        return self.talk + self.wrap_up

    def rate(self, interval: int) -> float:
        """Calls per second."""
        return self.rates[min(interval, len(self.rates) - 1)]


@dataclass(frozen=True, slots=True)
class Group:
    """Agents alike. ``counts``: how many are ready in each interval (one: in all). Raises ``BadInput``."""

    counts: tuple[int, ...]
    queues: frozenset[QueueName]
    skills: Levels = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check it."""
        if not self.counts or not all(0 <= count <= MOST_AGENTS for count in self.counts):
            raise BadInput(f"The number of agents must be between 0 and {MOST_AGENTS} in each half hour.")
        if not self.queues:
            raise BadInput("Agents must serve at least one queue.")

    def count(self, interval: int) -> int:
        """How many are ready then; before the first as in the first, after the last as in the last."""
        return self.counts[min(max(interval, 0), len(self.counts) - 1)]


@dataclass(frozen=True, slots=True)
class Plan:
    """``days``, each replayed on a floor of its own, stand in the place of ``streams``. ``begins``: the time of day of
    the first interval. Raises ``BadInput`` for a plan in which nobody answers or nobody comes."""

    groups: tuple[Group, ...]
    streams: tuple[Stream, ...] = ()
    rules: RoutingRules = field(default_factory=RoutingRules)
    intervals: int = 0
    days: tuple[Day, ...] = ()
    begins: dt.time = dt.time(0)

    def __post_init__(self) -> None:
        """Check it."""
        if not any(sum(group.counts) for group in self.groups):
            raise BadInput("Nobody answers: at least one agent is needed.")
        if not self.days and not any(sum(stream.rates) for stream in self.streams):
            raise BadInput("Nobody calls: there are no arrivals.")
        served = frozenset[QueueName]().union(*(group.queues for group in self.groups if sum(group.counts)))
        for queue in sorted(self.queues - served):
            if not any(ring.also & served for ring in self.rules.queue(queue).rings):
                raise BadInput(f"No agent serves the queue {queue}: give it some, or leave its calls out.")

    @property
    def steady(self) -> bool:
        """The same load for ever."""
        return self.intervals == 0 and not self.days

    @property
    def queues(self) -> frozenset[QueueName]:
        """All that callers wait in."""
        recorded = {one.queue for day in self.days for one in day.contacts}
        return frozenset(stream.queue for stream in self.streams if not self.days) | recorded

    @property
    def agents(self) -> int:
        """The most that are there at once."""
        longest = max(len(group.counts) for group in self.groups)
        return max(sum(group.count(i) for group in self.groups) for i in range(longest))

    @property
    def load(self) -> float | None:
        """Offered work over what the agents can do, of the whole day when it has intervals; None for recorded days."""
        if self.days:
            return None
        intervals = range(max(self.intervals, 1))
        work = sum(stream.rate(i) * stream.handle for stream in self.streams for i in intervals)
        able = sum(group.count(i) for group in self.groups for i in intervals)
        return work / able if able else math.inf

    @property
    def endless(self) -> bool:
        """The line grows as long as the run lasts: no average exists."""
        load = self.load
        patient = any(math.isinf(stream.patience) and sum(stream.rates) > 0 for stream in self.streams)
        return self.steady and load is not None and load >= 1 and patient


def _check_shares(tiers: Mapping[Tier, float], queue: QueueName) -> None:
    if not tiers or any(not 0 <= share <= 1 for share in tiers.values()):
        raise BadInput(f"{queue}: each tier's share must be between 0 and 1.")
    if abs(sum(tiers.values()) - 1) > ROUNDING:
        raise BadInput(f"{queue}: the shares of the tiers must add up to 1, not {sum(tiers.values()):g}.")
