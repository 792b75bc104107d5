"""What came of a rehearsal, in figures.

``mean_wait`` and the percentiles are of all callers measured: of those who were served until they were, of the others
until they hung up. ``within_promise`` is the share of all who came that were served within their tier's promise,
``abandoned`` the share that hung up. ``occupancy`` is the share of the agents' time (ready, talking, in wrap-up) that
they worked; for one tier or queue, the part of it that went there.

Replications are independent, so their spread gives the standard errors: of the ratio of two sums, as they don't hold
the same number of callers of each tier (W. G. Cochran, "Sampling Techniques", 1977, chapter 6).
"""

import math
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from callcenter.customers.customer import Tier
from callcenter.ids import QueueName


class Kind(NamedTuple):
    """Callers alike."""

    queue: QueueName
    tier: Tier


@dataclass(slots=True)
class Sample:
    """Of one kind, in one replication: each caller's wait in seconds, in the order of being served or hanging up."""

    waits: "array[float]" = field(default_factory=lambda: array("d"))
    in_time: int = 0
    abandoned: int = 0
    work: float = 0.0
    """Agents' seconds."""

    def add(self, other: "Sample") -> None:
        """Take in another kind of the same replication."""
        self.waits.extend(other.waits)
        self.in_time += other.in_time
        self.abandoned += other.abandoned
        self.work += other.work


@dataclass(slots=True)
class Replication:
    """One of them. ``staffed``: agents' seconds, ready or at work."""

    samples: dict[Kind, Sample] = field(default_factory=lambda: defaultdict(Sample))
    staffed: float = 0.0
    seconds: float = 0.0
    """How long it was measured."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds and shares, as the module says; None where there is nothing to tell."""

    n: int
    mean_wait: float | None
    standard_error: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    within_promise: float | None
    abandoned: float | None
    occupancy: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain data, rounded to what it is worth."""
        return {
            key: value if value is None or isinstance(value, int) else round(value, 6)
            for key, value in asdict(self).items()
        }


class Estimate(NamedTuple):
    """A value and its standard error."""

    value: float
    error: float

    def z(self, theory: float) -> float:
        """How many standard errors it lies above what theory says."""
        return (self.value - theory) / self.error if self.error > 0 else math.inf


class Result:
    """All replications of one plan."""

    def __init__(self, replications: Sequence[Replication]) -> None:
        self.replications = tuple(replications)
        self.kinds = sorted({kind for one in replications for kind in one.samples})

    @property
    def tiers(self) -> list[Tier]:
        """Of those who came, the best first."""
        return [tier for tier in Tier if any(kind.tier is tier for kind in self.kinds)]

    @property
    def queues(self) -> list[QueueName]:
        """Where they came."""
        return sorted({kind.queue for kind in self.kinds})

    def figures(self, queue: QueueName | None = None, tier: Tier | None = None) -> Figures:
        """Of all, or of a queue, of a tier."""
        samples = self._samples(queue, tier)
        waits = sorted(wait for sample in samples for wait in sample.waits)
        n = len(waits)
        staffed = sum(one.staffed for one in self.replications)
        occupancy = sum(sample.work for sample in samples) / staffed if staffed else None
        if n == 0:
            return Figures(0, *(None,) * 7, occupancy=occupancy)
        mean = ratio([(math.fsum(sample.waits), len(sample.waits)) for sample in samples])
        return Figures(
            n=n,
            mean_wait=mean.value,
            standard_error=mean.error if math.isfinite(mean.error) else None,
            p50=_rank(waits, 0.5),
            p90=_rank(waits, 0.9),
            p99=_rank(waits, 0.99),
            within_promise=sum(sample.in_time for sample in samples) / n,
            abandoned=sum(sample.abandoned for sample in samples) / n,
            occupancy=occupancy,
        )

    def mean_wait(self, tier: Tier | None = None, queue: QueueName | None = None) -> Estimate:
        """Seconds."""
        return self._estimate(tier, lambda sample: math.fsum(sample.waits), queue)

    def abandoned(self, tier: Tier | None = None) -> Estimate:
        """A share."""
        return self._estimate(tier, lambda sample: sample.abandoned)

    def delayed(self, tier: Tier | None = None) -> Estimate:
        """The share of those who had to wait at all."""
        return self._estimate(tier, lambda sample: sum(wait > 0 for wait in sample.waits))

    def to_json(self) -> dict[str, Any]:
        """Under ``all`` and ``tiers``; under ``queues`` too when there are several."""
        data: dict[str, Any] = {"all": self.figures().to_json(), "tiers": self._tiers_json(None)}
        if len(self.queues) > 1:
            data["queues"] = {
                queue: {"all": self.figures(queue).to_json(), "tiers": self._tiers_json(queue)}
                for queue in self.queues
            }
        return data

    # -------------------------------------------------------- inside

    def _tiers_json(self, queue: QueueName | None) -> Mapping[str, Any]:
        found = {tier.value: self.figures(queue, tier) for tier in self.tiers}
        return {name: figures.to_json() for name, figures in found.items() if figures.n}

    def _samples(self, queue: QueueName | None, tier: Tier | None) -> list[Sample]:
        """One of each replication."""
        found = []
        for one in self.replications:
            whole = Sample()
            for kind, sample in one.samples.items():
                if (queue is None or kind.queue == queue) and (tier is None or kind.tier is tier):
                    whole.add(sample)
            found.append(whole)
        return found

    def _estimate(
        self, tier: Tier | None, value: Callable[[Sample], float], queue: QueueName | None = None
    ) -> Estimate:
        return ratio([(value(sample), len(sample.waits)) for sample in self._samples(queue, tier)])


def ratio(pairs: Iterable[tuple[float, float]]) -> Estimate:
    """The sum of the first over the sum of the second, and its standard error from one pair of each replication."""
    pairs = list(pairs)
    count, total = len(pairs), math.fsum(size for _, size in pairs)
    value = math.fsum(part for part, _ in pairs) / total if total else math.nan
    if count < 2 or not total:
        return Estimate(value, math.nan)
    spread = math.fsum((part - value * size) ** 2 for part, size in pairs) / (count - 1)
    return Estimate(value, math.sqrt(spread * count) / total)


def _rank(ordered: Sequence[float], share: float) -> float:
    """Nearest rank: a wait that was."""
    return ordered[max(math.ceil(round(share * len(ordered), 9)), 1) - 1]
