"""Work that several callers want at once is done once, goes on when one can't wait, and rests when it failed."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from callcenter.clock import Clock
from callcenter.errors import PartMissing
from callcenter.ivr.speech.engine import SpeechFailed
from callcenter.tasks import Tasks

T = TypeVar("T")
MAX_FLIGHTS = 64
"""At once; two children speak so many texts in two seconds, and nobody waits longer."""
FAILED_FOR = 60.0
"""Seconds for which what failed is not tried again: a text that hangs the engine shall not hang it for every caller."""
_MAX_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class _Failed:
    problem: str


class Flights(Generic[T]):
    """Work under way, by a key that says what it makes."""

    def __init__(self, owner: str, clock: Clock) -> None:
        self._tasks = Tasks(owner)
        self._clock = clock
        self._flying: dict[Hashable, asyncio.Task[T | _Failed]] = {}
        self._failed: dict[Hashable, tuple[float, str]] = {}
        self._closed = False

    async def join(
        self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]], *, again: bool = False
    ) -> T:
        """What the work under this key comes to; it is begun unless it is under way. ``again``: also when it has
        failed a moment ago. Who stops waiting does not stop the work.

        Raises:
            SpeechFailed: it failed, whatever the reason, or there is too much at once.
        """
        task = self._flying.get(key) or self._begin(key, work, again=again)
        await asyncio.wait({task})
        if task.cancelled():
            raise SpeechFailed("given up: the program ends")
        if (error := task.exception()) is not None:
            raise SpeechFailed(type(error).__name__)
        result = task.result()
        if isinstance(result, _Failed):
            raise SpeechFailed(result.problem)
        return result

    async def close(self) -> None:
        """Give up what is under way."""
        self._closed = True
        await self._tasks.close()

    def _begin(
        self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]], *, again: bool
    ) -> "asyncio.Task[T | _Failed]":
        until, problem = self._failed.get(key, (0.0, ""))
        if not again and self._clock.now() < until:
            raise SpeechFailed(problem)
        if self._closed:
            raise SpeechFailed("the program ends")
        if len(self._flying) >= MAX_FLIGHTS:
            raise SpeechFailed("too many texts at once")
        task = self._tasks.start(self._fly(key, work), "flight")
        self._flying[key] = task
        task.add_done_callback(lambda _: self._flying.pop(key, None))
        return task

    async def _fly(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T | _Failed:
        try:
            result = await work()
        except (SpeechFailed, PartMissing) as error:
            return self._remember(key, error.message)
        except OSError as error:
            return self._remember(key, error.strerror or type(error).__name__)
        self._failed.pop(key, None)
        return result

    def _remember(self, key: Hashable, problem: str) -> _Failed:
        now = self._clock.now()
        if len(self._failed) >= _MAX_REMEMBERED:
            self._failed = {one: kept for one, kept in self._failed.items() if now < kept[0]}
        if len(self._failed) < _MAX_REMEMBERED:
            self._failed[key] = (now + FAILED_FOR, problem)
        return _Failed(problem)
