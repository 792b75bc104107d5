"""Timers with names: setting one again replaces it, and its owner can cancel them all."""

import asyncio
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
        self._due: dict[Hashable, tuple[float, Callable[[], None]]] = {}

    def at(self, key: Hashable, when: float, act: Callable[[], None]) -> None:
        """Set or move a timer."""
        self._due[key] = (when, act)

    def cancel(self, key: Hashable) -> None:
        """Forget a timer."""
        self._due.pop(key, None)

    def fire(self, now: float) -> None:
        """Run what is due by ``now``, earliest first, those that this sets included."""
        while True:
            due = [(when, n, key) for n, (key, (when, _)) in enumerate(self._due.items()) if when <= now]
            if not due:
                return
            _, act = self._due.pop(min(due, key=lambda entry: entry[:2])[2])
            act()
