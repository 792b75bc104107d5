"""Is anybody there who serves a queue? Nobody is missed for a moment: who logs out and in again, or comes a little
after our start, keeps callers in the line."""

from callcenter.clock import Clock
from callcenter.ids import QueueName
from callcenter.routing.distributor import Distributor

GRACE = 10.0
"""Seconds without anybody until nobody is there."""
LOOK_EVERY = 15.0
"""Seconds between two looks of one who waits: log-outs are few, and those who wait may be many."""
UNSEEN = GRACE + LOOK_EVERY
"""Seconds since somebody was seen, after which who comes need not wait to know that nobody is there."""


class Staffing:
    """Remembers how each queue was when somebody looked last."""

    def __init__(self, distributor: Distributor, clock: Clock) -> None:
        self._distributor = distributor
        self._clock = clock
        self._started = clock.now()
        self._seen: dict[QueueName, float] = {}
        """When somebody was seen."""
        self._missed: dict[QueueName, float] = {}
        """When it was seen first that nobody is there."""

    def deserted_at(self, queue: QueueName) -> float | None:
        """When who waits in this queue gives up, if nobody comes before (monotonic); None while somebody is logged
        in."""
        now = self._clock.now()
        if self._distributor.staffed(queue):
            self._seen[queue] = now
            self._missed.pop(queue, None)
            return None
        return self._missed.setdefault(queue, now) + GRACE

    def nobody(self, queue: QueueName) -> bool:
        """Need who comes now not wait?"""
        at, now = self.deserted_at(queue), self._clock.now()
        return at is not None and (now >= at or now >= self._seen.get(queue, self._started) + UNSEEN)
