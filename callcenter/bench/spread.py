"""Many measured values in a few figures. Pure."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Spread:
    """In the unit of the values; ``worst`` is the largest."""

    count: int
    p50: float
    p99: float
    worst: float

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0 to 1) of all don't exceed (nearest rank): one that was measured,
    never one between two. Raises ValueError when there is none."""
    if not values:
        raise ValueError("no values, no percentile")
    ordered = sorted(values)
    # Rounded first: 0.99 times 100 is a little more than 99 to a computer.
    rank = math.ceil(round(share * len(ordered), 9))
    return ordered[min(max(rank, 1), len(ordered)) - 1]


def spread(values: Sequence[float], digits: int = 2) -> Spread | None:
    """Their spread, None when there are no values."""
    if not values:
        return None
    p50, p99, worst = (round(percentile(values, share), digits) for share in (0.5, 0.99, 1.0))
    return Spread(len(values), p50, p99, worst)


def share_above(values: Sequence[float], limit: float) -> float:
    """The share (0 to 1) of values above the limit; 0 when there are none."""
    return sum(value > limit for value in values) / len(values) if values else 0.0
