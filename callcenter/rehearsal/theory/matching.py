"""Calls and agents with skills: first come first served, to the agent who has been idle longest (FCFS-ALIS).

This is what the routing does in one tier: an agent who becomes free takes the caller who waited longest of those whom
the agent may serve; a caller who finds several free gets the one who has been idle longest. Its steady state has a
product form, so the mean waits of any pattern of skills are exact: I. Adan and G. Weiss, "A skill based parallel
service system under FCFS-ALIS: steady state, overloads, and abandonments", Stochastic Systems 4(1), 2014; and with
J. Visschers, "A product form solution to a system with multi-type jobs and multi-type servers", Queueing Systems 70,
2012.

With the busy agents ``s1 .. si`` in the order of the arrival of the calls they serve, ``n_j`` callers who wait between
the calls of ``s_j`` and the next (all of them can be served by nobody but ``s1 .. sj``), and the others in the order of
their idle time, a state has the weight::

    product over the busy of  U_j^n_j / (j mu)^(n_j + 1)    U_j: calls per second that only s1 .. sj can serve
    product over the idle of  1 / L_j                      L_j: calls per second that anybody of s_j .. sn can serve

All orders of all agents are gone through, so it is for a few agents (up to ``MOST``).
"""

import math
from collections.abc import Iterator, Sequence
from itertools import permutations

from callcenter.errors import BadInput
from callcenter.rehearsal.theory.given import check_positive, check_rates

MOST = 7


def matched_waits(
    agents: Sequence[frozenset[int]], rates: Sequence[float], service: float
) -> tuple[float, ...]:
    """Each kind of call's mean wait, seconds. ``agents``: of each, which kinds (0, 1, ...) may be served; ``rates``:
    calls per second of each kind; ``service``: mean seconds, exponential, the same everywhere. ``BadInput`` where some
    kinds are too much for those who serve them, or nobody does."""
    check_rates(rates)
    check_positive("service", service)
    if not 0 < len(agents) <= MOST:
        raise BadInput(f"between 1 and {MOST} agents, not {len(agents)}")
    if any(rate > 0 and not any(kind in agent for agent in agents) for kind, rate in enumerate(rates)):
        raise BadInput("some calls are served by nobody")
    total = 0.0
    waits = [0.0] * len(rates)
    for order in permutations(agents):
        for busy in range(len(order) + 1):
            weight, delays = _state(order, busy, rates, service)
            total += weight
            for kind, delay in enumerate(delays):
                waits[kind] += weight * delay
    return tuple(wait / total for wait in waits)


def _state(
    order: Sequence[frozenset[int]], busy: int, rates: Sequence[float], service: float
) -> tuple[float, list[float]]:
    """The weight of all states with these agents in this order, the first so many busy; and by kind, the mean number
    waiting over its rate."""
    weight = 1.0
    delays = [0.0] * len(rates)
    for j in range(1, busy + 1):
        only = [kind for kind in range(len(rates)) if not any(kind in agent for agent in order[j:])]
        slack = j / service - math.fsum(rates[kind] for kind in only)
        if slack <= 0:
            raise BadInput("some calls are too much for those who serve them", code="unstable")
        weight /= slack
        for kind in only:
            delays[kind] += 1 / slack
    for calls in _servable(order[busy:], rates):
        weight /= calls
    return weight, delays


def _servable(idle: Sequence[frozenset[int]], rates: Sequence[float]) -> Iterator[float]:
    """Calls per second for all who are idle, for all but the first of them, and so on."""
    for j in range(len(idle)):
        kinds = frozenset[int]().union(*idle[j:])
        calls = math.fsum(rates[kind] for kind in kinds)
        if calls <= 0:
            raise BadInput("an agent serves no calls at all: leave such agents out")
        yield calls
