"""Is anybody there who serves a queue? Nobody is missed for a moment: who logs out and in again, or comes a little
after our start, keeps callers in the line."""

from callcenter.clock import Clock
from callcenter.ids import QueueName
from callcenter.routing.distributor import Distributor

GRACE = 10.0
"""Seconds without anybody until nobody is there."""
LOOK_EVERY = 15.0
"""Seconds between two looks of one who waits: log-outs are few, and those who wait may be many."""


class Staffing:
    """Remembers when each queue was last seen with somebody logged in; it is seen when somebody asks."""

    def __init__(self, distributor: Distributor, clock: Clock) -> None:
        self._distributor = distributor
        self._clock = clock
        self._started = clock.now()
        self._seen: dict[QueueName, float] = {}

    def deserted_at(self, queue: QueueName) -> float | None:
        """When this queue is given up, if nobody comes before (monotonic); None while somebody is logged in."""
        if self._distributor.staffed(queue):
            self._seen[queue] = self._clock.now()
            return None
        return self._seen.get(queue, self._started) + GRACE

    def nobody(self, queue: QueueName) -> bool:
        """Has nobody been there for a while?"""
        at = self.deserted_at(queue)
        return at is not None and self._clock.now() >= at
