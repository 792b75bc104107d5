"""Timers with names: setting one again replaces it, and its owner can cancel them all."""

import asyncio
import heapq
from collections.abc import Callable, Hashable
from typing import Protocol

from callcenter.clock import Clock


class Timers(Protocol):
    """What policies need of timers."""

    def at(self, key: Hashable, when: float, act: Callable[[], None]) -> None:
        """Call ``act`` at the monotonic instant ``when`` (at once if it has passed), replacing ``key``."""

    def cancel(self, key: Hashable) -> None:
        """Forget a timer; one that is not set is no error."""


class LoopTimers:
    """Timers on the running event loop, whose time is the clock's ``now``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._handles: dict[Hashable, asyncio.TimerHandle] = {}

    def at(self, key: Hashable, when: float, act: Callable[[], None]) -> None:
        """Set or move a timer."""
        self.cancel(key)
        delay = max(0.0, when - self._clock.now())

        def fire() -> None:
            self._handles.pop(key, None)
            act()

        self._handles[key] = asyncio.get_running_loop().call_later(delay, fire)

    def cancel(self, key: Hashable) -> None:
        """Forget a timer."""
        if (handle := self._handles.pop(key, None)) is not None:
            handle.cancel()

    def close(self) -> None:
        """Forget all."""
        for key in list(self._handles):
            self.cancel(key)


class ManualTimers:
    """Timers that fire when they are told the time: for tests and rehearsals without a loop."""

    def __init__(self) -> None:
        self._due: dict[Hashable, tuple[float, int, Callable[[], None]]] = {}
        self._heap: list[tuple[float, int, Hashable]] = []
        self._set = 0

    def at(self, key: Hashable, when: float, act: Callable[[], None]) -> None:
        """Set or move a timer."""
        self._set += 1
        self._due[key] = (when, self._set, act)
        heapq.heappush(self._heap, (when, self._set, key))

    def cancel(self, key: Hashable) -> None:
        """Forget a timer."""
        self._due.pop(key, None)

    def next_at(self) -> float | None:
        """When the next one is due; None when none is set."""
        while self._heap:
            when, number, key = self._heap[0]
            if key in self._due and self._due[key][1] == number:
                return when
            heapq.heappop(self._heap)  # cancelled, or moved
        return None

    def fire(self, now: float) -> None:
        """Run what is due by ``now``, earliest first, those that this sets included; of one instant, set first."""
        while (when := self.next_at()) is not None and when <= now:
            _, _, key = heapq.heappop(self._heap)
            _, _, act = self._due.pop(key)
            act()
