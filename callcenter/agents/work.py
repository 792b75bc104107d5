"""How much an agent has worked lately: a sum that forgets, so that the last half hour or so counts.

``seconds(now)`` is the sum of the busy seconds, each weighed by exp(-age / ``MEMORY``). While two agents are idle, both
sums shrink by the same factor, so who has less never changes meanwhile: agents can be kept in that order (``rank``).
"""

import math
from dataclasses import dataclass

MEMORY = 1800.0
"""Seconds after which a second of work counts a third (1/e)."""


@dataclass(frozen=True, slots=True)
class Work:
    """``rank``: log of the sum, grown to what it would be at the instant 0 of the clock plus its age; orders agents who
    are idle, least work first. Minus infinity: none yet."""

    rank: float = -math.inf

    def plus(self, seconds: float, now: float) -> "Work":
        """With so many busy seconds that have just ended."""
        if seconds <= 0:
            return self
        added = math.log(seconds) + now / MEMORY
        high, low = max(self.rank, added), min(self.rank, added)
        return Work(high + math.log1p(math.exp(low - high)))

    def seconds(self, now: float) -> float:
        """The sum, as it counts now."""
        return math.exp(self.rank - now / MEMORY) if self.rank > -math.inf else 0.0


NO_WORK = Work()
