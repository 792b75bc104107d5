"""Callers who wait as long as it takes, one class, first come first served: M/M/n.

A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone
exchanges", Post Office Electrical Engineers' Journal 10, 1917; the formulas as in R. B. Cooper, Introduction to
Queueing Theory, 2nd ed., 1981, section 3.4.
"""

import math
from dataclasses import dataclass
from functools import cached_property

from callcenter.errors import BadInput
from callcenter.rehearsal.theory.given import (
    check_agents,
    check_line,
    check_not_negative,
    check_share,
)


def erlang_b(agents: int, load: float) -> float:
    """Share of calls that find all agents busy where nobody can wait; ``load`` in erlangs (rate times service).

    By the recursion ``B(0) = 1; B(k) = load B(k-1) / (k + load B(k-1))``: no factorial, so no overflow.
    """
    check_agents(agents)
    check_not_negative("load", load)
    blocked = 1.0
    for k in range(1, agents + 1):
        blocked = load * blocked / (k + load * blocked)
    return blocked


@dataclass(frozen=True)
class ErlangC:
    """The line M/M/n; ``BadInput`` where the agents can't keep up (``rate * service >= agents``)."""

    agents: int
    rate: float
    service: float

    def __post_init__(self) -> None:
        """A line without a steady state has no answers."""
        check_line(self.agents, self.rate, self.service)
        if self.load >= self.agents:
            raise BadInput(
                f"{self.load:g} erlangs are too much for {self.agents} agents: the line would grow for ever",
                code="unstable",
            )

    @property
    def load(self) -> float:
        """Erlangs: the agents that would be busy on average."""
        return self.rate * self.service

    @property
    def occupancy(self) -> float:
        """Share of their time that agents are busy: load / agents."""
        return self.load / self.agents

    @cached_property
    def wait_probability(self) -> float:
        """Share of callers who wait at all, Erlang's C: ``n B / (n - a (1 - B))`` with Erlang's B and load ``a``."""
        blocked = erlang_b(self.agents, self.load)
        return self.agents * blocked / (self.agents - self.load * (1.0 - blocked))

    @property
    def _drain(self) -> float:
        """How fast the line of those who wait gets shorter, calls per second: ``(n - a) / service``."""
        return (self.agents - self.load) / self.service

    @property
    def mean_wait(self) -> float:
        """Seconds, of all callers: ``C service / (n - a)``."""
        return self.wait_probability / self._drain

    @property
    def mean_queue(self) -> float:
        """Callers waiting on average (Little)."""
        return self.rate * self.mean_wait

    def wait_exceeds(self, seconds: float) -> float:
        """Share of callers who wait longer: ``C exp(-(n - a) t / service)``."""
        check_not_negative("seconds", seconds)
        return self.wait_probability * math.exp(-self._drain * seconds)

    def served_within(self, seconds: float) -> float:
        """Share of callers who are answered within so many seconds."""
        return 1.0 - self.wait_exceeds(seconds)

    def percentile(self, share: float) -> float:
        """Seconds that this share of callers waits at most; 0 where so many don't wait at all."""
        check_share("share", share)
        if self.wait_probability <= 1.0 - share:
            return 0.0
        return math.log(self.wait_probability / (1.0 - share)) / self._drain
