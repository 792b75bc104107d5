"""The ideal line: what each single caller waits where nothing is ever lost between an agent and the next caller."""

import heapq
from collections.abc import Iterable, Iterator

from callcenter.errors import BadInput
from callcenter.rehearsal.theory.given import check_agents, check_not_negative


def kiefer_wolfowitz(arrivals: Iterable[float], services: Iterable[float], agents: int) -> Iterator[float]:
    """The wait of each caller in turn, first come first served before equal agents, whatever the distributions
    (G/G/n): whoever arrives takes the agent who is free first.

    ``arrivals`` are instants in seconds, in order; ``services`` the seconds that each call keeps its agent. The n
    instants at which the agents are free are the state, kept in a heap: log n per call. J. Kiefer and J. Wolfowitz,
    "On the theory of queues with many servers", Transactions of the American Mathematical Society 78, 1955.
    ``BadInput`` where arrivals aren't in order, a time is none, or there are not as many of both.
    """
    check_agents(agents)
    return _waits(arrivals, services, agents)


def _waits(arrivals: Iterable[float], services: Iterable[float], agents: int) -> Iterator[float]:
    free = [float("-inf")] * agents
    before = float("-inf")
    try:
        for arrived, service in zip(arrivals, services, strict=True):
            check_not_negative("service", service)
            if not before <= arrived < float("inf"):
                raise BadInput(f"an arrival at {arrived:g} s comes after one at {before:g} s")
            before = arrived
            start = max(arrived, free[0])
            heapq.heapreplace(free, start + service)
            yield start - arrived
    except ValueError as error:
        raise BadInput("there must be as many service times as arrivals") from error
