"""An event loop whose clock jumps: when nothing can run, time moves to the next timer instead of passing.

``@pytest.mark.virtual_time`` gives a test such a loop. Minutes of waiting take no time, and what is due first runs
first. It is for tests without sockets: while a socket is awaited the clock would race ahead of it. Work in the
loop's executor is waited for in real time, with the clock standing still.
"""

import asyncio
import datetime as dt
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

START = 1000.0
"""Where the clock begins; not 0, so that a time forgotten as 0 shows."""
LONGEST = 7 * 86400.0
"""Virtual seconds after which a test is taken to be waiting for what never comes."""
REAL_PATIENCE = 1.0
"""Real seconds that a loop without any timer waits for a thread's word."""


class NothingWillHappen(RuntimeError):
    """The test waits for something that no timer and no thread will bring."""


class _JumpingSelector(selectors.SelectSelector):
    """Asks for what is ready now; where the real one would sleep, the clock is moved."""

    loop: "VirtualTimeLoop"

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.loop.threads_at_work:
            return super().select(REAL_PATIENCE)
        if timeout is None:
            ready = super().select(REAL_PATIENCE)
            if not ready:
                raise NothingWillHappen("no timer is set and nothing is ready")
            return ready
        self.loop.jump(timeout)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """``time()`` is virtual; everything else is asyncio's own."""

    def __init__(self) -> None:
        selector = _JumpingSelector()
        selector.loop = self
        self._virtual = START
        self.threads_at_work = 0
        super().__init__(selector)

    def time(self) -> float:
        """Virtual seconds."""
        return self._virtual

    def jump(self, seconds: float) -> None:
        """Let time pass at once."""
        self._virtual += seconds
        if self._virtual > START + LONGEST:
            raise NothingWillHappen(f"the test has waited for {LONGEST / 86400:.0f} days")

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """As usual, without its limit: threads end in real time, and a jump would use the limit up at once."""
        del timeout
        self.threads_at_work += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self.threads_at_work -= 1

    def run_in_executor(
        self, executor: Executor | None, func: "Callable[[Unpack[Ts]], T]", *args: "Unpack[Ts]"
    ) -> asyncio.Future[T]:
        """As usual; the clock stands still until the work is done."""
        future = super().run_in_executor(executor, func, *args)
        self.threads_at_work += 1

        def done(_: object) -> None:
            self.threads_at_work -= 1

        future.add_done_callback(done)
        return future


class LoopClock:
    """A ``Clock`` whose wall moves with the running loop's (virtual) time, and can be made to jump."""

    def __init__(self, wall: dt.datetime | None = None) -> None:
        self._wall = wall or dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
        self._from = START

    def now(self) -> float:
        """The loop's time."""
        return asyncio.get_running_loop().time()

    def wall(self) -> dt.datetime:
        """The date."""
        return self._wall + dt.timedelta(seconds=self.now() - self._from)

    def jump_wall(self, seconds: float) -> None:
        """Somebody sets the machine's clock."""
        self._wall += dt.timedelta(seconds=seconds)


async def settle(turns: int = 20) -> None:
    """Let everything that is ready run, without time passing."""
    for _ in range(turns):
        await asyncio.sleep(0)
