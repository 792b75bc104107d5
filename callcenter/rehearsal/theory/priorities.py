"""Several classes of callers before the same agents, none of whom hangs up; a talk is never broken off.

``rates`` are calls per second of each class, the better class first; the mean service time is the same for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from callcenter.errors import BadInput
from callcenter.rehearsal.theory.erlang_c import ErlangC
from callcenter.rehearsal.theory.given import check_not_negative, check_positive, check_rates
from callcenter.rehearsal.theory.inversion import tail


def cobham(agents: int, rates: Sequence[float], service: float) -> tuple[float, ...]:
    """Each class's mean wait where a better class always goes first::

        W_p = W0 / ((1 - s(p-1)) (1 - s(p))),   W0 = C service / n,   s(p) = service (rate_1 + ... + rate_p) / n

    with Erlang's C of all calls. A. Cobham, "Priority assignment in waiting line problems", Operations Research 2(1),
    1954, and its correction in 3(4), 1955; with the proof for n agents in O. Kella and U. Yechiali, "Waiting times in
    the non-preemptive priority M/M/c queue", Stochastic Models 1(2), 1985. ``BadInput`` where all together are too
    much.
    """
    line = _line(agents, rates, service)
    start = line.wait_probability * service / agents
    found = []
    better = 0.0
    for rate in rates:
        upto = better + rate * service / agents
        found.append(start / ((1.0 - better) * (1.0 - upto)))
        better = upto
    return tuple(found)


def kleinrock(
    agents: int, rates: Sequence[float], slopes: Sequence[float], service: float
) -> tuple[float, ...]:
    """Each class's mean wait where everybody ages: next is who has the greatest ``slope * seconds waited``::

               W - sum over slopes b_i < b_p of  r_i W_i (1 - b_i / b_p)
        W_p = -----------------------------------------------------------,   r_i = rate_i service / n
               1 - sum over slopes b_i > b_p of  r_i (1 - b_p / b_i)

    with ``W`` the mean wait of the line without classes (Erlang C), the smallest slope first. L. Kleinrock, "A delay
    dependent queue discipline", Naval Research Logistics Quarterly 11, 1964, for one server; for n agents it holds with
    the Erlang C wait, since while all are busy the line drains like one server's. Equal slopes give Erlang C, slopes
    far apart Cobham. It is the shipped rule with slopes 1 / promise, but for the ceiling.
    """
    line = _line(agents, rates, service)
    if len(slopes) != len(rates):
        raise BadInput(f"{len(rates)} rates need as many slopes, not {len(slopes)}")
    for slope in slopes:
        check_positive("slope", slope)
    loads = [rate * service / agents for rate in rates]
    waits = [0.0] * len(rates)
    for p in sorted(range(len(rates)), key=lambda i: slopes[i]):
        slower = (i for i in range(len(rates)) if slopes[i] < slopes[p])
        faster = (i for i in range(len(rates)) if slopes[i] > slopes[p])
        above = line.mean_wait - sum(loads[i] * waits[i] * (1 - slopes[i] / slopes[p]) for i in slower)
        waits[p] = above / (1 - sum(loads[i] * (1 - slopes[p] / slopes[i]) for i in faster))
    return tuple(waits)


def strict_wait_exceeds(
    agents: int, rates: Sequence[float], service: float, seconds: float
) -> tuple[float, ...]:
    """The share of each class that waits longer, where a better class always goes first.

    A caller of class p who must wait is behind those of classes up to p who wait already (with the agents' next free
    moment a geometric number, ratio ``s(p)``), and each of them is followed by all better callers who arrive meanwhile:
    a geometric sum of busy periods of the better classes. The transform as in Kella and Yechiali (see ``cobham``).
    """
    check_not_negative("seconds", seconds)
    line = _line(agents, rates, service)
    found = []
    better = 0.0
    for rate in rates:
        drain = Drain(agents / service, better, (better + rate) * service / agents)
        found.append(line.wait_probability * drain.exceeds(seconds))
        better += rate
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Drain:
    """How long it takes until all who are ahead of a caller are served: a geometric number of them, at least one (one
    more with chance ``ratio``), served at ``ends`` per second, while others step in ahead at ``overtakers`` per
    second."""

    ends: float
    overtakers: float
    ratio: float

    def transform(self, s: complex) -> complex:
        """Laplace and Stieltjes' transform: the busy period's is the smaller root of
        ``overtakers b^2 - (overtakers + ends + s) b + ends = 0``."""
        whole = self.overtakers + self.ends + s
        edge: float = 2 * (self.overtakers * self.ends) ** 0.5
        root: complex = (whole - edge) ** 0.5 * (whole + edge) ** 0.5
        busy = 2 * self.ends / (whole + root)
        return (1 - self.ratio) * busy / (1 - self.ratio * busy)

    def exceeds(self, seconds: float) -> float:
        """The chance that it takes longer."""
        return tail(self.transform, seconds)


def _line(agents: int, rates: Sequence[float], service: float) -> ErlangC:
    check_rates(rates)
    return ErlangC(agents, sum(rates), service)
