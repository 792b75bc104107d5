"""Callers who hang up, one class, first come first served: M/M/n+M, "Erlang A".

C. Palm, "Research on telephone traffic carried by full availability groups", Tele 1957 (in Swedish 1943 to 1946);
O. Garnett, A. Mandelbaum and M. Reiman, "Designing a call center with impatient customers", Manufacturing & Service
Operations Management 4(3), 2002; A. Mandelbaum and S. Zeltyn, "Service engineering in action: the Palm/Erlang-A queue,
with applications to call centers", 2007; the offered wait as in F. Baccelli and G. Hebuterne, "On queues with impatient
customers", Performance '81.

With ``c = n / service`` (calls per second that busy agents end), ``theta = 1 / patience`` and the chain's steady state
``pi``, a caller who would never hang up waits ``x`` with the density::

    v(x) = pi(n) c exp( rate (1 - exp(-theta x)) / theta  -  c x )

which is the sum, over the callers ahead, of the chain's states times the time that each takes to drain. Every measure
is an integral of ``v``; the exponent is concave, so each is found to nearly machine precision at any size and
patience.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from callcenter.rehearsal.theory.erlang_c import erlang_b
from callcenter.rehearsal.theory.given import check_line, check_not_negative, check_positive, check_share
from callcenter.rehearsal.theory.quadrature import integral

NEGLIGIBLE = 50.0
"""What is e**-50 of the peak doesn't count."""


@dataclass(frozen=True)
class ErlangA:
    """The line M/M/n+M; ``patience``: mean seconds after which a caller who still waits hangs up, exponential. It has a
    steady state under any load."""

    agents: int
    rate: float
    service: float
    patience: float

    def __post_init__(self) -> None:
        """Nonsense has no answers."""
        check_line(self.agents, self.rate, self.service)
        check_positive("patience", self.patience)

    # ------------------------------------------------------------ what people ask

    @cached_property
    def wait_probability(self) -> float:
        """Share of callers who aren't answered at once, ``P(W > 0)``."""
        return self._offered(lambda _: 1.0)

    @cached_property
    def mean_wait(self) -> float:
        """Seconds, of all callers, those who hang up included: the mean of the smaller of offered wait and patience."""
        return self._offered(lambda x: -math.expm1(-x / self.patience) * self.patience)

    @property
    def abandon_probability(self) -> float:
        """Share of callers who hang up: ``mean wait / patience``, which holds exactly."""
        return min(1.0, self.mean_wait / self.patience)

    @property
    def mean_queue(self) -> float:
        """Callers waiting on average (Little)."""
        return self.rate * self.mean_wait

    @property
    def occupancy(self) -> float:
        """Share of their time that agents are busy: only those who don't hang up are served."""
        return self.rate * (1.0 - self.abandon_probability) * self.service / self.agents

    @property
    def mean_wait_of_served(self) -> float:
        """Seconds, of those who are answered."""
        if self.abandon_probability >= 1.0:
            return 0.0
        return self._offered(lambda x: x * math.exp(-x / self.patience)) / (1.0 - self.abandon_probability)

    def served_within(self, seconds: float) -> float:
        """Share of all callers who are answered within so many seconds."""
        check_not_negative("seconds", seconds)
        at_once = 1.0 - self.wait_probability
        return min(1.0, at_once + self._offered(lambda x: math.exp(-x / self.patience), upto=seconds))

    def served_of_waiting(self, seconds: float) -> float:
        """Of the callers who aren't answered at once, the share who are answered within so many seconds."""
        check_not_negative("seconds", seconds)
        answered = self._shape(lambda x: math.exp(-x / self.patience), 0.0, seconds)
        return answered / self._shape(lambda _: 1.0, 0.0, math.inf)

    def wait_exceeds(self, seconds: float) -> float:
        """Share of all callers who still wait after so many seconds (neither answered nor gone)."""
        check_not_negative("seconds", seconds)
        return math.exp(-seconds / self.patience) * self._offered(lambda _: 1.0, since=seconds)

    def percentile(self, share: float) -> float:
        """Seconds that this share of all callers waits at most, until the answer or the hang-up."""
        check_share("share", share)
        left = 1.0 - share
        if self.wait_probability <= left:
            return 0.0
        low, high = 0.0, -self.patience * math.log(left)
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.wait_exceeds(middle) > left else (low, middle)
        return high

    # ------------------------------------------------------------ the offered wait

    def _offered(
        self, function: Callable[[float], float], *, since: float = 0.0, upto: float = math.inf
    ) -> float:
        """The integral of a function of the offered wait, over waits between ``since`` and ``upto``."""
        return self._scale * self._shape(function, since, upto)

    @property
    def _ends(self) -> float:
        return self.agents / self.service

    @property
    def _quickest(self) -> float:
        """Seconds in which nothing changes much."""
        return 1 / (self.rate + self._ends + 1 / self.patience)

    @cached_property
    def _peak(self) -> float:
        """Where the density is highest; above 0 only in overload."""
        return max(0.0, math.log(self.rate / self._ends) * self.patience) if self.rate > self._ends else 0.0

    def _exponent(self, beyond: float) -> float:
        """The density's logarithm so many seconds beyond its peak, the peak's own taken off."""
        still = min(self.rate, self._ends)
        return -still * self.patience * math.expm1(-beyond / self.patience) - self._ends * beyond

    @cached_property
    def _width(self) -> tuple[float, float]:
        """Seconds before and after the peak beyond which nothing counts."""
        step = self._quickest
        after = step
        while self._exponent(after) > -NEGLIGIBLE:
            after *= 2
        before = min(step, self._peak)
        while before < self._peak and self._exponent(-before) > -NEGLIGIBLE:
            before = min(2 * before, self._peak)
        return before, after

    def _shape(self, function: Callable[[float], float], since: float, upto: float) -> float:
        """Like ``_offered``, but for a density whose peak is ``c``."""
        before, after = self._width
        peak = self._peak

        def weighted(beyond: float) -> float:
            return function(peak + beyond) * math.exp(self._exponent(beyond))

        first, last = max(since - peak, -before), min(upto - peak, after)
        below = integral(weighted, (first, min(last, 0.0)), fine_at=min(last, 0.0), scale=self._quickest)
        above = integral(weighted, (max(first, 0.0), last), fine_at=max(first, 0.0), scale=self._quickest)
        return self._ends * (below + above)

    @cached_property
    def _scale(self) -> float:
        """``pi(n)`` times the exponential of the peak's exponent. ``B`` of all states up to n is state n, so
        ``pi(n) = B / (1 - B + B shape)`` where the shape is not yet scaled by its peak."""
        blocked = erlang_b(self.agents, self.rate * self.service)
        over = self.rate - self._ends
        peak = 0.0
        if over > 0:
            peak = self.patience * (over - self._ends * math.log1p(over / self._ends))
        whole = self._shape(lambda _: 1.0, 0.0, math.inf)
        return blocked / ((1.0 - blocked) * math.exp(-peak) + blocked * whole)
