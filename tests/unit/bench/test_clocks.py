"""From Asterisk's time stamps to the monotonic clock."""

import pytest

from callcenter.bench.clocks import ClockPair, Conversion, read_both, stamp

pytestmark = pytest.mark.unit

EPOCH = 1_795_368_429_000_000_000


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1795368429.326105", EPOCH + 326_105_000),
        ("1795368429", EPOCH),
        ("1795368429.000001", EPOCH + 1_000),
        ("", None),
        ("soon", None),
        ("-1.5", None),
        ("1.x", None),
    ],
)
def test_stamps(text: str, nanoseconds: int | None) -> None:
    """To the microsecond, which a float of that size could not hold; anything else is none."""
    assert stamp(text) == nanoseconds


def test_clocks_that_drift_apart() -> None:
    """A moment half way is corrected by half of the drift."""
    clocks = Conversion(ClockPair(EPOCH, 5_000), ClockPair(EPOCH + 10_002_000, 5_000 + 10_000_000))
    assert clocks.drift_ms == pytest.approx(0.002)
    assert clocks.monotonic(EPOCH) == 5_000
    assert clocks.monotonic(EPOCH + 5_001_000) == 5_000 + 5_000_000
    assert clocks.monotonic(EPOCH + 10_002_000) == 5_000 + 10_000_000


def test_two_readings_at_the_same_moment() -> None:
    """Nothing to divide by: the offset alone counts."""
    pair = ClockPair(EPOCH, 7_000)
    assert Conversion(pair, pair).monotonic(EPOCH + 50) == 7_050


def test_the_tightest_of_many_readings_counts() -> None:
    """A reading that was interrupted in its middle is not taken."""
    times = iter([0, 900, *(t for n in range(1, 50) for t in (n * 1000, n * 1000 + (10 if n == 7 else 400)))])
    walls = iter(range(50))
    assert read_both(lambda: next(walls), lambda: next(times)) == ClockPair(7, 7_005)
