"""Classes of callers: Cobham, Kleinrock and the assured shares, against a plain simulation and against each other."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.errors import BadInput
from callcenter.rehearsal.theory import assurance
from callcenter.rehearsal.theory.assurance import Competition, Staffed
from callcenter.rehearsal.theory.erlang_a import ErlangA
from callcenter.rehearsal.theory.erlang_c import ErlangC
from callcenter.rehearsal.theory.inversion import tail
from callcenter.rehearsal.theory.priorities import cobham, kleinrock, strict_wait_exceeds
from tests.unit.rehearsal.naive_line import Seen, Urgency, simulate

pytestmark = pytest.mark.unit

RATES, SERVICE, PROMISES = (0.05, 0.1, 0.1), 15.0, (10.0, 20.0, 60.0)
SLOPES = tuple(1 / seconds for seconds in PROMISES)

shares = st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5)


def strictly(which: int, waited: float) -> float:
    """The better class first, then who came first."""
    return waited - 1e9 * which


def ageing(which: int, waited: float) -> float:
    """The shipped rule."""
    return waited * SLOPES[which]


def replications(agents: int, urgency: Urgency, *, patience: float | None = None) -> list[list[Seen]]:
    """Eight days of the same line."""
    return [
        simulate(agents, RATES, SERVICE, urgency, calls=6000, seed=seed, patience=patience)
        for seed in range(8)
    ]


def errors_off(found: list[float], expected: float) -> float:
    """How many standard errors the replications' mean lies above what was expected."""
    return (statistics.mean(found) - expected) / (statistics.stdev(found) / math.sqrt(len(found)))


def overall(waits: list[float]) -> float:
    """The mean wait of all calls."""
    return sum(rate * wait for rate, wait in zip(RATES, waits, strict=True)) / sum(RATES)


@pytest.mark.parametrize(("agents", "service"), [(1, 3.0), (5, 15.0)])
def test_kleinrock_and_cobham_as_simulated(agents: int, service: float) -> None:
    """For one agent and for five, each class's mean wait in proportion to all callers' is what the formulas say, within
    3 standard errors, and those are small (the proportion, since luck with the load moves all classes alike)."""
    ways = {strictly: cobham(agents, RATES, service), ageing: kleinrock(agents, RATES, SLOPES, service)}
    for urgency, expected in ways.items():
        days = [simulate(agents, RATES, service, urgency, calls=6000, seed=seed) for seed in range(8)]
        means = [[seen.mean_wait for seen in day] for day in days]
        for p, wait in enumerate(expected):
            share = wait / overall(list(expected))
            off = [day[p] - share * overall(day) for day in means]
            assert abs(errors_off(off, 0.0)) < 3
            assert statistics.stdev(off) / math.sqrt(len(off)) < 0.06 * wait


@given(agents=st.integers(1, 50), busy=st.floats(0.05, 0.98), mix=shares)
def test_no_order_changes_the_mean_of_all(agents: int, busy: float, mix: list[float]) -> None:
    """Kleinrock's conservation law: whoever goes first, all callers together wait as long as in Erlang C."""
    rates = [busy * agents * share / sum(mix) for share in mix]
    slopes = [1 / (10 * (i + 1)) for i in range(len(mix))]
    line = ErlangC(agents, sum(rates), 1.0)
    for waits in (cobham(agents, rates, 1.0), kleinrock(agents, rates, slopes, 1.0)):
        together = sum(rate * wait for rate, wait in zip(rates, waits, strict=True)) / sum(rates)
        assert together == pytest.approx(line.mean_wait, rel=1e-9, abs=1e-15)
        assert list(waits) == sorted(waits)


@given(agents=st.integers(1, 50), busy=st.floats(0.05, 0.98), mix=shares)
def test_limits_of_ageing(agents: int, busy: float, mix: list[float]) -> None:
    """Equal slopes are no classes (Erlang C); slopes very far apart are strict order (Cobham)."""
    rates = [busy * agents * share / sum(mix) for share in mix]
    line = ErlangC(agents, sum(rates), 1.0)
    same = kleinrock(agents, rates, [0.1] * len(mix), 1.0)
    assert list(same) == pytest.approx([line.mean_wait] * len(mix), rel=1e-9)
    apart = kleinrock(agents, rates, [1e-9**i for i in range(len(mix))], 1.0)
    assert list(apart) == pytest.approx(list(cobham(agents, rates, 1.0)), rel=1e-5)


def test_strict_distribution_has_the_mean_of_cobham() -> None:
    """Each class's tail integrates to Cobham's mean, and the first one's is the known exponential."""
    step, means = 0.25, [0.0, 0.0, 0.0]
    for i in range(800):
        tails = strict_wait_exceeds(5, RATES, SERVICE, (i + 0.5) * step)
        means = [mean + step * one for mean, one in zip(means, tails, strict=True)]
    assert means == pytest.approx(list(cobham(5, RATES, SERVICE)), rel=2e-3)
    first = ErlangC(5, sum(RATES), SERVICE).wait_probability * math.exp(-(5 / SERVICE - RATES[0]) * 7)
    assert strict_wait_exceeds(5, RATES, SERVICE, 7.0)[0] == pytest.approx(first, abs=1e-7)


def test_slowest_class_has_the_mean_of_kleinrock() -> None:
    """While all age, what is assured of the slowest class is exact: its tail integrates to Kleinrock's mean. For the
    others it is careful: theirs integrate to no less."""
    line, step = Staffed(5, sum(RATES), SERVICE), 0.25
    competitions = assurance.aging(RATES, SLOPES)
    tails = [[1 - line.answered_within(one, (i + 0.5) * step) for i in range(800)] for one in competitions]
    first, second, last = (step * math.fsum(tail) for tail in tails)
    means = kleinrock(5, RATES, SLOPES, SERVICE)
    assert last == pytest.approx(means[2], rel=2e-3)
    assert means[0] < first < 2 * means[0]
    assert means[1] < second < 2 * means[1]


def test_inversion_of_a_known_transform() -> None:
    """An exponential and a sum of three come back."""
    for seconds in (0.01, 0.5, 2.0, 9.0):
        assert tail(lambda s: 1 / (1 + s), seconds) == pytest.approx(math.exp(-seconds), abs=1e-7)
        three = math.exp(-seconds) * (1 + seconds + seconds**2 / 2)
        assert tail(lambda s: 1 / (1 + s) ** 3, seconds) == pytest.approx(three, abs=1e-7)
    assert tail(lambda s: 1 / (1 + s), 0.0) == 1.0


@pytest.mark.parametrize("patience", [None, 20.0])
def test_strict_shares_as_simulated(patience: float | None) -> None:
    """Strict order: the shares answered in time are exact, with hang-ups and without."""
    line = Staffed(5, sum(RATES), SERVICE, patience)
    days = replications(5, strictly, patience=patience)
    for p, competition in enumerate(assurance.strict(RATES)):
        expected = line.answered_within(competition, 8.0)
        found = [day[p].within(8.0) for day in days]
        assert abs(errors_off(found, expected)) < 3
        assert statistics.stdev(found) / math.sqrt(len(found)) < 0.015


@pytest.mark.parametrize("patience", [None, 20.0])
def test_aging_shares_are_bounds(patience: float | None) -> None:
    """While all age the shares answered in time are never below what is assured, and not far above it; for the slowest
    class without hang-ups the bound is the truth."""
    line = Staffed(5, sum(RATES), SERVICE, patience)
    days = replications(5, ageing, patience=patience)
    for p, competition in enumerate(assurance.aging(RATES, SLOPES)):
        assured = line.answered_within(competition, PROMISES[p])
        found = [day[p].within(PROMISES[p]) for day in days]
        assert errors_off(found, assured) > -3
        assert statistics.mean(found) < assured + 0.12
        if p == len(RATES) - 1 and patience is None:
            assert abs(errors_off(found, assured)) < 3


@given(
    agents=st.integers(1, 40),
    busy=st.floats(0.1, 1.6),
    patience=st.floats(0.3, 30.0),
    seconds=st.floats(0.0, 3.0),
)
def test_one_class_is_erlang_a(agents: int, busy: float, patience: float, seconds: float) -> None:
    """The chain that is stepped through says of a single class what Erlang A's integral says."""
    line = ErlangA(agents, busy * agents, 1.0, patience)
    stepped = Staffed(agents, busy * agents, 1.0, patience)._served_of_waiting(
        Competition(busy * agents, 0.0), seconds, 1 / patience
    )
    waits = line.wait_probability
    assert 1 - waits + waits * stepped == pytest.approx(line.served_within(seconds), abs=1e-7)


def test_hardly_any_hang_ups_are_none() -> None:
    """The two ways of reckoning, with hang-ups and without, meet where patience has hardly an end."""
    for competition in (*assurance.strict(RATES), *assurance.aging(RATES, SLOPES)):
        without = Staffed(5, sum(RATES), SERVICE).answered_within(competition, 12.0)
        hardly = Staffed(5, sum(RATES), SERVICE, 1e7).answered_within(competition, 12.0)
        assert hardly == pytest.approx(without, abs=1e-5)


def test_nonsense_is_refused() -> None:
    """No classes, negative rates, slopes that are none or too few, a load that is too much."""
    with pytest.raises(BadInput, match="at least one class"):
        cobham(3, [], 1.0)
    with pytest.raises(BadInput, match="rate"):
        cobham(3, [1.0, -0.1], 1.0)
    with pytest.raises(BadInput, match="grow for ever"):
        cobham(3, [1.0, 2.0], 1.0)
    with pytest.raises(BadInput, match="as many slopes"):
        kleinrock(3, [1.0, 0.5], [1.0], 1.0)
    with pytest.raises(BadInput, match="slope"):
        kleinrock(3, [1.0, 0.5], [1.0, 0.0], 1.0)
    with pytest.raises(BadInput, match="slope"):
        assurance.aging([1.0], [-1.0])
    with pytest.raises(BadInput, match="patience"):
        Staffed(3, 1.0, 1.0, 0.0)
    with pytest.raises(BadInput, match="grow for ever"):
        Staffed(3, 3.0, 1.0).answered_within(Competition(3.0, 0.0), 1.0)
    with pytest.raises(BadInput, match="seconds"):
        strict_wait_exceeds(3, [1.0], 1.0, math.nan)
