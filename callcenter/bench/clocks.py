"""From Asterisk's wall clock to the machine's monotonic clock, on which the simulated people tell the time."""

import time
from collections.abc import Callable
from dataclasses import dataclass

TRIES = 50


@dataclass(frozen=True)
class ClockPair:
    """Both clocks at one moment, in nanoseconds."""

    wall: int
    monotonic: int


def read_both(
    wall: Callable[[], int] = time.time_ns, monotonic: Callable[[], int] = time.monotonic_ns
) -> ClockPair:
    """The wall clock, read between two looks at the other; of many tries the one with the shortest gap."""
    best: tuple[int, ClockPair] | None = None
    for _ in range(TRIES):
        before, middle, after = monotonic(), wall(), monotonic()
        if best is None or after - before < best[0]:
            best = after - before, ClockPair(middle, (before + after) // 2)
    if best is None:
        raise ValueError("no try, no reading")
    return best[1]


@dataclass(frozen=True)
class Conversion:
    """Between two readings: clocks drift apart, evenly for so short a time."""

    start: ClockPair
    end: ClockPair

    @property
    def drift_ms(self) -> float:
        """By how much they drifted apart, milliseconds; a jump of the wall clock shows here."""
        offset = [pair.wall - pair.monotonic for pair in (self.start, self.end)]
        return (offset[1] - offset[0]) / 1e6

    def monotonic(self, wall: int) -> int:
        """The monotonic time of a moment on the wall clock."""
        span = self.end.wall - self.start.wall
        if span <= 0:
            return wall - self.start.wall + self.start.monotonic
        # Whole numbers: nanoseconds since 1970 are more than a float can hold.
        passed = wall - self.start.wall
        return self.start.monotonic + passed * (self.end.monotonic - self.start.monotonic) // span


def stamp(text: str) -> int | None:
    """An AMI ``Timestamp`` (seconds with six decimals) in nanoseconds; None if it is none."""
    seconds, _, fraction = text.partition(".")
    if not (seconds.isdecimal() and (fraction or "0").isdecimal()):
        return None
    return int(seconds) * 1_000_000_000 + int((fraction + "000000000")[:9])
