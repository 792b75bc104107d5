"""The one place that reads time. Durations come from ``now`` (monotonic), dates from ``wall``."""

import asyncio
import datetime as dt
import time
from typing import Protocol


class Clock(Protocol):
    """What the rest of the program knows of time."""

    def now(self) -> float:
        """Seconds on a clock that never jumps; only differences mean something."""

    def wall(self) -> dt.datetime:
        """The date and time, aware, in UTC; it may jump when somebody sets the machine's clock."""


class SystemClock:
    """The machine's clocks. Inside a running loop ``now`` is the loop's own time, so that a loop with
    virtual time moves the policies with it."""

    def now(self) -> float:
        """Seconds on the monotonic clock."""
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return time.monotonic()  # noqa: TID251  the one allowed place

    def wall(self) -> dt.datetime:
        """Now, in UTC."""
        return dt.datetime.now(dt.UTC)  # noqa: TID251  the one allowed place


class ManualClock:
    """A clock that stands still until it is moved: for tests and for rehearsals."""

    def __init__(self, start: dt.datetime | None = None) -> None:
        self._now = 1000.0
        self._wall = start or dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)

    def now(self) -> float:
        """Seconds since an arbitrary start."""
        return self._now

    def wall(self) -> dt.datetime:
        """The wall clock, moved together with ``now``."""
        return self._wall

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
        self._wall += dt.timedelta(seconds=seconds)

    def set_wall(self, wall: dt.datetime) -> None:
        """Jump the wall clock alone, as an administrator or a bad NTP server does."""
        self._wall = wall
