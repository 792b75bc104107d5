"""How many join the line, of each class: a mean that forgets, so it follows the day."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from callcenter.routing.line import ClassKey

MEMORY = 900.0
"""Seconds after which an arrival counts a third (1/e)."""
TOO_RARE = 0.01
"""Weight below which a class is forgotten."""


@dataclass(slots=True)
class _Weight:
    weight: float
    at: float

    def now(self, now: float) -> float:
        return self.weight * math.exp((self.at - now) / MEMORY)


class ArrivalRates:
    """Counting begins with the first arrival, which is not counted; until the memory is full it is the plain mean."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._weights: dict[ClassKey, _Weight] = {}

    def arrived(self, key: ClassKey, now: float) -> None:
        """Somebody joined."""
        if self._since is None:
            self._since = now
            return
        known = self._weights.get(key)
        self._weights[key] = _Weight(1.0 + (known.now(now) if known is not None else 0.0), now)

    def per_second(self, now: float) -> Mapping[ClassKey, float]:
        """Of each class that came lately."""
        if self._since is None or now <= self._since:
            return {}
        seen = MEMORY * -math.expm1((self._since - now) / MEMORY)
        weights = {key: weight.now(now) for key, weight in self._weights.items()}
        self._weights = {key: self._weights[key] for key, weight in weights.items() if weight > TOO_RARE}
        return {key: weight / seen for key, weight in weights.items()}
