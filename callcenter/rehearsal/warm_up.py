"""How a steady rehearsal begins: near its steady state, and then so long unmeasured that the rest is forgotten.

*Beginning.* The number of callers in the building is drawn from the stationary distribution of M/M/n+M with the plan's
load and patience; talks that go on have their equilibrium residual, callers who wait have waited as long as it takes so
many to come, and the first caller comes at that instant. For exponential talks, one patience and agents who serve
everybody that is exact for all callers together, whatever the order of the line; otherwise it is a good guess.

*Warm-up.* ``TIMES`` the relaxation time of the floor, in which what the beginning got wrong (who of which tier waits,
and whatever the guess missed) falls to 1/e: 1 / (n mu (1 - sqrt(rho))^2) for M/M/n (P. M. Morse, "Stochastic properties
of waiting lines", Operations Research 3, 1955), at most the longer of a mean handle time and the mean patience when
callers hang up, and never less than a mean handle time.
"""

import math
import random
from itertools import accumulate

from callcenter.rehearsal.draws import maker, rest_of_talk
from callcenter.rehearsal.plan import Contact, Plan, Stream

TIMES = 3.0
MOST_CALLS = 20_000
"""A warm-up may take at most so many calls of each replication: with a load next to 1 it would never end."""
MOST_WAITING = 100_000
NEGLIGIBLE = 1e-12


def warm_up(plan: Plan) -> float:
    """Seconds that a steady plan runs unmeasured."""
    if plan.endless:
        return 0.0
    rate, handle, theta = _whole(plan)
    return min(TIMES * relaxation(plan.agents, rate, handle, theta), MOST_CALLS / rate)


def cut_short(plan: Plan) -> bool:
    """Is the load so near 1 that the warm-up is shorter than it should be?"""
    if plan.endless or not plan.steady:
        return False
    rate, handle, theta = _whole(plan)
    return warm_up(plan) < TIMES * relaxation(plan.agents, rate, handle, theta)


def relaxation(agents: int, rate: float, handle: float, theta: float) -> float:
    """Seconds, as above. ``theta``: hang-ups per second of a caller's waiting."""
    load = rate * handle / agents
    longest = math.inf if theta == 0 else max(handle, 1 / theta)
    if load >= 1:
        return longest
    return max(handle, min(handle / (agents * (1 - math.sqrt(load)) ** 2), longest))


def present_at_start(plan: Plan, source: random.Random) -> list[Contact]:
    """Those who are in the building already, the first to come first: served in their turn before all others."""
    if plan.endless:
        return []
    agents = plan.agents
    rate, handle, theta = _whole(plan)
    inside = _drawn(stationary(agents, rate, handle, theta), source)
    streams = [stream for stream in plan.streams if stream.rate(0) > 0]
    found: list[Contact] = []
    waiting = max(0, inside - agents)
    for number in range(inside):
        stream = source.choices(streams, [stream.rate(0) for stream in streams])[0]
        if number < agents:
            found.append(_busy(stream, source))
        else:
            # As many again as still wait behind have come since.
            at = -(waiting - (number - agents)) / rate
            drawn = maker(stream, source)(at)
            found.append(drawn._replace(patience=drawn.patience - at))
    return found


def stationary(agents: int, rate: float, handle: float, theta: float) -> list[float]:
    """The probabilities of 0, 1, 2, ... callers in M/M/n+M: birth and death."""
    weights, weight, largest = [1.0], 1.0, 1.0
    for number in range(1, agents + MOST_WAITING):
        weight *= rate / (min(number, agents) / handle + max(0, number - agents) * theta)
        weights.append(weight)
        largest = max(largest, weight)
        if number > agents and weight < largest * NEGLIGIBLE:
            break
    total = math.fsum(weights)
    return [one / total for one in weights]


def _drawn(probabilities: list[float], source: random.Random) -> int:
    wanted = source.random()
    return next((n for n, sum_ in enumerate(accumulate(probabilities)) if wanted < sum_), 0)


def _busy(stream: Stream, source: random.Random) -> Contact:
    """Somebody whom an agent serves already."""
    contact = maker(stream, source)(-1.0 / stream.rate(0))
    if stream.wrap_up and source.random() < stream.wrap_up / stream.handle:
        return contact._replace(talk=1e-9, wrap_up=source.random() * stream.wrap_up, patience=math.inf)
    return contact._replace(talk=rest_of_talk(stream, source), patience=math.inf)


def _whole(plan: Plan) -> tuple[float, float, float]:
    """All streams as one: calls per second, mean handle time, hang-ups per second of waiting."""
    rate = math.fsum(stream.rate(0) for stream in plan.streams)
    handle = math.fsum(stream.rate(0) * stream.handle for stream in plan.streams) / rate
    theta = math.fsum(stream.rate(0) / stream.patience for stream in plan.streams) / rate
    return rate, handle, theta
