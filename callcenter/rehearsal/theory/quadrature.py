"""Integrals of smooth functions that may change much faster at one end than elsewhere."""

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

POINTS = 16


def integral(
    function: Callable[[float], float], ends: tuple[float, float], *, fine_at: float, scale: float
) -> float:
    """Over ``ends``, with panels that are halved towards ``fine_at`` (one of the ends) until they are shorter than
    ``scale``, so that a thin layer at that end is seen; in each panel by Gauss and Legendre's rule."""
    low, high = ends
    if high <= low:
        return 0.0
    total = 0.0
    for begin, end in _panels(low, high, scale, at_low=fine_at == low):
        half, middle = (end - begin) / 2, (end + begin) / 2
        total += half * sum(weight * function(middle + half * node) for node, weight in _rule())
    return total


def _panels(low: float, high: float, scale: float, *, at_low: bool) -> Iterator[tuple[float, float]]:
    width = high - low
    far = 1.0
    while far * width > scale:
        near = far / 2
        yield (low + near * width, low + far * width) if at_low else (high - far * width, high - near * width)
        far = near
    yield (low, low + far * width) if at_low else (high - far * width, high)


@lru_cache(maxsize=1)
def _rule() -> tuple[tuple[float, float], ...]:
    """Nodes and weights on -1..1: the zeros of Legendre's polynomial, by Newton's method."""
    found = []
    for i in range(POINTS):
        x = math.cos(math.pi * (i + 0.75) / (POINTS + 0.5))
        slope = 0.0
        for _ in range(20):
            before, value = 1.0, x
            for k in range(2, POINTS + 1):
                before, value = value, ((2 * k - 1) * x * value - (k - 1) * before) / k
            slope = POINTS * (x * value - before) / (x * x - 1)
            x -= value / slope
        found.append((x, 2 / ((1 - x * x) * slope * slope)))
    return tuple(found)
