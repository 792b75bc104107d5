"""The recursion of Kiefer and Wolfowitz, and pooling."""

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.errors import BadInput
from callcenter.rehearsal.theory.erlang_c import ErlangC
from callcenter.rehearsal.theory.pooling import Group, chain, gain_reached, pooled_wait, separate_wait
from callcenter.rehearsal.theory.recursion import kiefer_wolfowitz

pytestmark = pytest.mark.unit

calls_drawn = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 60)), max_size=60)


def waits_by_hand(arrivals: list[float], services: list[float], agents: int) -> list[float]:
    """Second by second: agents work off what they have, then free ones take whoever is next."""
    busy = [0] * agents
    line: list[int] = []
    waits = [0.0] * len(arrivals)
    second, served, coming = 0, 0, 0
    while served < len(arrivals):
        while coming < len(arrivals) and arrivals[coming] == second:
            line.append(coming)
            coming += 1
        while line and 0 in busy:
            number = line.pop(0)
            waits[number] = second - arrivals[number]
            served += 1
            if services[number]:
                busy[busy.index(0)] = int(services[number])
        busy = [max(0, left - 1) for left in busy]
        second += 1
    return waits


@given(calls=calls_drawn, agents=st.integers(1, 5))
def test_recursion_is_the_line_by_hand(calls: list[tuple[int, int]], agents: int) -> None:
    """Whatever the calls, bursts and empty services too: each caller waits as in a line walked second by second."""
    arrivals, clock = [], 0.0
    for gap, _ in calls:
        clock += gap
        arrivals.append(clock)
    services = [float(service) for _, service in calls]
    assert list(kiefer_wolfowitz(arrivals, services, agents)) == waits_by_hand(arrivals, services, agents)


def test_recursion_gives_erlang_c() -> None:
    """Poisson calls and exponential services: the mean wait is Erlang C's within 3 standard errors."""
    means = []
    for seed in range(12):
        draw = random.Random(seed)
        clock, arrivals = 0.0, []
        for _ in range(8000):
            clock += draw.expovariate(16.0)
            arrivals.append(clock)
        waits = list(kiefer_wolfowitz(arrivals, [draw.expovariate(1.0) for _ in arrivals], 20))
        means.append(statistics.mean(waits[1000:]))
    error = statistics.stdev(means) / len(means) ** 0.5
    expected = ErlangC(20, 16.0, 1.0).mean_wait
    assert abs(statistics.mean(means) - expected) < 3 * error
    assert error < 0.1 * expected


@pytest.mark.parametrize(
    ("arrivals", "services", "agents"),
    [
        ([1.0, 0.5], [1.0, 1.0], 1),
        ([1.0], [-1.0], 1),
        ([float("nan")], [1.0], 1),
        ([float("inf")], [1.0], 1),
        ([1.0], [float("nan")], 1),
        ([1.0, 2.0], [1.0], 1),
        ([1.0], [1.0], 0),
    ],
)
def test_recursion_refuses_nonsense(arrivals: list[float], services: list[float], agents: int) -> None:
    """Arrivals out of order, times that are none, uneven lists, nobody there."""
    with pytest.raises(BadInput):
        list(kiefer_wolfowitz(arrivals, services, agents))


@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0.05, 0.97)), min_size=1, max_size=6))
def test_pooling_never_hurts(drawn: list[tuple[int, float]]) -> None:
    """Smith and Whitt: one line before all agents is at least as good as separate ones, at any sizes and loads."""
    groups = [Group(agents, busy * agents) for agents, busy in drawn]
    assert pooled_wait(groups, 1.0) <= separate_wait(groups, 1.0) * (1 + 1e-9)


def test_gain_of_pooling() -> None:
    """Six queues of 15 agents at 14 erlangs each, or 90 agents for all: the wait falls to a small part; a wait between
    the two is a share of the gain."""
    groups = [Group(15, 14.0)] * 6
    apart, together = separate_wait(groups, 1.0), pooled_wait(groups, 1.0)
    assert apart == pytest.approx(ErlangC(15, 14.0, 1.0).mean_wait)
    assert together == pytest.approx(ErlangC(90, 84.0, 1.0).mean_wait)
    assert together < apart / 8
    assert gain_reached(groups, 1.0, apart) == pytest.approx(0.0)
    assert gain_reached(groups, 1.0, together) == pytest.approx(1.0)
    assert gain_reached(groups, 1.0, (apart + together) / 2) == pytest.approx(0.5)


def test_chain_is_closed() -> None:
    """Each queue is the first skill of one group and the second of another."""
    assert chain(["a", "b", "c"]) == (("a", "b"), ("b", "c"), ("c", "a"))
    for queues in ([], ["a"], ["a", "a"]):
        with pytest.raises(BadInput):
            chain(queues)


def test_pooling_refuses_nonsense() -> None:
    """No groups, no calls, one group only, negative rates."""
    for groups in ([], [Group(3, 0.0)], [Group(3, -1.0), Group(3, 2.0)], [Group(2, 2.0), Group(2, 0.1)]):
        with pytest.raises(BadInput):
            separate_wait(groups, 1.0)
    with pytest.raises(BadInput, match="nothing to gain"):
        gain_reached([Group(3, 1.0)], 1.0, 0.1)
