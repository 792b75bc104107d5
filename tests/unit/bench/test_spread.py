"""The statistics of the benches."""

import pytest

from callcenter.bench.spread import Spread, percentile, share_above, spread

pytestmark = pytest.mark.unit


def test_a_percentile_is_a_value_that_was_measured() -> None:
    """By nearest rank, in any order, also at both ends, and where 0.99 times 100 is a little more than 99."""
    hundred = list(range(100, 0, -1))
    assert [percentile(hundred, share) for share in (0.0, 0.01, 0.5, 0.99, 1.0)] == [1, 1, 50, 99, 100]
    assert percentile([1.0, 10.0], 0.5) == 1.0
    assert percentile([1.0, 10.0], 0.51) == 10.0
    assert percentile([7.0], 0.99) == 7.0


def test_nothing_has_no_percentile() -> None:
    """No values are not a fast run."""
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)
    assert spread([]) is None


def test_a_spread() -> None:
    """Rounded, with the worst at its end."""
    assert spread([3.004, 1.0, 2.0]) == Spread(3, 2.0, 3.0, 3.0)


def test_the_share_above_a_limit() -> None:
    """The limit itself is not above it."""
    assert share_above([50.0, 50.1, 10.0, 60.0], 50.0) == 0.5
    assert share_above([], 50.0) == 0.0
