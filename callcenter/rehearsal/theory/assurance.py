"""The share of each class of callers who are answered in time, at the least, however the classes compete.

Under strict order the shares are exact. While everybody ages nobody has a formula for n agents and hang-ups, but this
much can be proved. Let a caller with slope b arrive at 0 and still wait at t. Until then every agent who got free took
somebody who was ahead of this caller at that instant v: somebody who waited already at 0, or a later caller with a
slope b' > b who arrived before ``v (1 - b / b')``, as only those have caught up. The first are the line that an arrival
finds, the second a Poisson stream thinned to ``rate' (1 - b / b')``. So the wait is no longer than the time in which a
line that starts with the first, is fed by the second, and is drained by the agents (and by hang-ups) gets empty; and
for that time there is a formula. The ceiling doesn't spoil it: beyond it, too, only who came earlier goes first. The
bound counts those of lower tiers whom the caller passes as if they stayed ahead: so it is exact for one class, and
careful for several.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from callcenter.errors import BadInput
from callcenter.rehearsal.theory.erlang_a import ErlangA
from callcenter.rehearsal.theory.erlang_c import ErlangC
from callcenter.rehearsal.theory.given import check_line, check_not_negative, check_positive, check_rates
from callcenter.rehearsal.theory.priorities import Drain

UNLIKELY = 1e-13


@dataclass(frozen=True, slots=True)
class Competition:
    """What one class meets: calls per second that are ``ahead`` of a caller who arrives (all who fill the line that it
    finds), and that ``overtake`` it later."""

    ahead: float
    overtake: float


def strict(rates: Sequence[float]) -> tuple[Competition, ...]:
    """What each class meets where the better always goes first; the better first."""
    check_rates(rates)
    return tuple(Competition(sum(rates[: p + 1]), sum(rates[:p])) for p in range(len(rates)))


def aging(rates: Sequence[float], slopes: Sequence[float]) -> tuple[Competition, ...]:
    """What each class meets at the most where all age with these slopes."""
    check_rates(rates)
    if len(slopes) != len(rates):
        raise BadInput(f"{len(rates)} rates need as many slopes, not {len(slopes)}")
    for slope in slopes:
        check_positive("slope", slope)
    found = []
    for own in slopes:
        faster = ((rate, slope) for rate, slope in zip(rates, slopes, strict=True) if slope > own)
        found.append(Competition(sum(rates), sum(rate * (1 - own / slope) for rate, slope in faster)))
    return tuple(found)


@dataclass(frozen=True)
class Staffed:
    """A line with its agents; ``patience``: mean seconds until a caller hangs up (exponential), ``None``: never."""

    agents: int
    rate: float
    service: float
    patience: float | None = None

    def __post_init__(self) -> None:
        """Nonsense has no answers."""
        check_line(self.agents, self.rate, self.service)
        if self.patience is not None:
            check_positive("patience", self.patience)

    def answered_within(self, competition: Competition, seconds: float) -> float:
        """At least this share of a class's callers is answered within so many seconds; 0 where nothing is sure. Raises
        ``BadInput`` where nobody hangs up and the agents can't keep up."""
        check_not_negative("seconds", seconds)
        line, waits = self.line, self.line.wait_probability
        if isinstance(line, ErlangC):
            drain = Drain(self._ends, competition.overtake, competition.ahead / self._ends)
            return 1.0 - waits * drain.exceeds(seconds)
        if competition.overtake == 0:
            # The line that is found, and the time in which it drains, are those of these callers alone.
            in_time = replace(line, rate=competition.ahead).served_of_waiting(seconds)
        else:
            in_time = self._served_of_waiting(competition, seconds, 1 / line.patience)
        return 1.0 - waits + waits * in_time

    @cached_property
    def line(self) -> ErlangA | ErlangC:
        """All callers as one class, which is what doesn't depend on the order."""
        if self.patience is None:
            return ErlangC(self.agents, self.rate, self.service)
        return ErlangA(self.agents, self.rate, self.service, self.patience)

    @property
    def _ends(self) -> float:
        return self.agents / self.service

    def _served_of_waiting(self, competition: Competition, seconds: float, gone: float) -> float:
        """Share of those who wait at all who are answered in time: the line ahead as a birth and death chain, with
        uniformisation (A. Jensen, "Markoff chains as an aid in the study of Markoff processes", Skandinavisk
        Aktuarietidskrift 36, 1953). A step's chances are rates over ``pace``; whoever overflows the table is lost."""
        line = _line_found(competition.ahead, self._ends, gone)
        most = len(line) - 1
        pace = competition.overtake + self._ends + (most + 1) * gone
        up, own = competition.overtake / pace, gone / pace
        down = [(self._ends + j * gone) / pace for j in range(most + 1)]
        stay = [1.0 - up - own - leaving for leaving in down]
        served = total = 0.0
        for chance in _poisson(pace * seconds):
            total += chance * served
            served += line[0] * down[0]
            fed = [0.0, *(share * up for share in line[:-1])]
            drained = [*(share * leaving for share, leaving in zip(line[1:], down[1:], strict=True)), 0.0]
            line = [s * k + f + d for s, k, f, d in zip(line, stay, fed, drained, strict=True)]
        return total


def _line_found(ahead: float, ends: float, gone: float) -> list[float]:
    """How many wait already whom a caller who must wait finds: shares of 0, 1, 2 ... Each of them is ``ahead`` over
    ``ends + j gone`` of the one before, whatever the order of the line (each cut of the chain is in balance)."""
    logs = [0.0]
    highest = 0.0
    while logs[-1] > highest + math.log(UNLIKELY) and ahead > 0:
        logs.append(logs[-1] + math.log(ahead / (ends + len(logs) * gone)))
        highest = max(highest, logs[-1])
    weights = [math.exp(value - highest) for value in logs]
    whole = sum(weights)
    return [weight / whole for weight in weights]


def _poisson(mean: float) -> list[float]:
    """The chances of 0, 1, 2 ... events, up to where hardly any is left."""
    if mean == 0:
        return [1.0]
    last = int(mean + 9 * math.sqrt(mean) + 30)
    return [math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(last + 1)]
