"""Erlang's formulas against published values, exact fractions, and a chain that is solved by brute force."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.errors import BadInput
from callcenter.rehearsal.theory.erlang_a import ErlangA
from callcenter.rehearsal.theory.erlang_c import ErlangC, erlang_b

pytestmark = pytest.mark.unit

agents_drawn = st.integers(1, 200)
occupancies = st.floats(0.05, 0.99)


def waits_by_hand(agents: int, load: Fraction) -> Fraction:
    """Erlang's C from its definition, in exact fractions."""
    terms = [load**k / math.factorial(k) for k in range(agents)]
    last = load**agents / math.factorial(agents) * Fraction(agents) / (agents - load)
    return last / (sum(terms) + last)


def chain_by_hand(agents: int, rate: float, service: float, patience: float) -> tuple[float, float]:
    """Share who wait, and mean wait, from the chain's balance, state after state."""
    logs, highest = [0.0], 0.0
    while len(logs) <= agents or logs[-1] > highest - 50:
        k = len(logs)
        logs.append(logs[-1] + math.log(rate / (min(k, agents) / service + max(k - agents, 0) / patience)))
        highest = max(highest, logs[-1])
    weights = [math.exp(value - highest) for value in logs]
    whole = math.fsum(weights)
    queue = math.fsum((k - agents) * w for k, w in enumerate(weights) if k > agents) / whole
    return math.fsum(weights[agents:]) / whole, queue / rate


def test_published_erlang_c() -> None:
    """100 calls in 30 minutes of 180 s before 14 agents: the example in the manuals of pyworkforce and R's ErlangC."""
    line = ErlangC(14, 100 / 1800, 180.0)
    assert line.wait_probability == pytest.approx(0.1741319335950498, abs=1e-12)
    assert line.served_within(20) == pytest.approx(0.8883500191794669, abs=1e-12)
    assert line.mean_wait == pytest.approx(7.83593701177724, abs=1e-9)
    assert line.occupancy == pytest.approx(0.7142857142857143)


def test_published_erlang_a_beside_erlang_c() -> None:
    """50 agents, 48 calls a minute of 1 minute, patience 2 minutes: the comparison of Garnett, Mandelbaum and Reiman
    (20.8 s, nine of ten within 58.1 s, 96 % busy; with hang-ups 3.1 %, 3.7 s, 93 %)."""
    patient = ErlangC(50, 48 / 60, 60.0)
    assert round(patient.mean_wait, 1) == 20.8
    assert round(patient.percentile(0.9), 1) == 58.1
    assert round(patient.mean_queue) == 17
    assert patient.occupancy == pytest.approx(0.96)
    impatient = ErlangA(50, 48 / 60, 60.0, 120.0)
    assert round(impatient.abandon_probability, 3) == 0.031
    assert round(impatient.mean_wait, 1) == 3.7
    assert round(impatient.mean_queue) == 3
    assert round(impatient.occupancy, 2) == 0.93


def test_published_erlang_b() -> None:
    """30 lines at 25 erlangs lose about 5 % (Wolfram's example); one line loses a / (1 + a)."""
    assert round(erlang_b(30, 25.0), 4) == 0.0526
    assert erlang_b(1, 3.0) == pytest.approx(0.75)


@pytest.mark.parametrize(("agents", "load"), [(1, "1/2"), (5, "7/2"), (20, "18"), (100, "95"), (400, "399")])
def test_erlang_c_is_its_definition(agents: int, load: str) -> None:
    """The recursion gives what the sum of powers over factorials gives in exact fractions."""
    exact = float(waits_by_hand(agents, Fraction(load)))
    assert ErlangC(agents, float(Fraction(load)), 1.0).wait_probability == pytest.approx(exact, rel=1e-11)


def test_wait_distribution_fits_its_mean() -> None:
    """The tail integrates to the mean, and percentiles are its inverse."""
    line = ErlangC(20, 18.0, 1.0)
    step = 0.001
    area = step * math.fsum(line.wait_exceeds((i + 0.5) * step) for i in range(20_000))
    assert area == pytest.approx(line.mean_wait, rel=1e-4)
    assert line.wait_exceeds(line.percentile(0.9)) == pytest.approx(0.1)
    assert line.percentile(0.1) == 0.0


def test_ten_thousand_agents() -> None:
    """Nothing overflows at the largest size: Halfin and Whitt's limit (1981) holds there to a hundredth,
    and hang-ups agree with the chain."""
    beta = (10_000 - 9_900) / math.sqrt(9_900)
    density = math.exp(-beta * beta / 2) / math.sqrt(2 * math.pi)
    below = (1 + math.erf(beta / math.sqrt(2))) / 2
    limit = 1 / (1 + beta * below / density)
    assert ErlangC(10_000, 9_900.0, 1.0).wait_probability == pytest.approx(limit, rel=1e-2)
    waits, mean = chain_by_hand(10_000, 100.0, 99.9, 60.0)
    line = ErlangA(10_000, 100.0, 99.9, 60.0)
    assert line.wait_probability == pytest.approx(waits, rel=1e-8)
    assert line.mean_wait == pytest.approx(mean, rel=1e-8)


@given(
    agents=st.integers(1, 60),
    load=st.floats(0.05, 3.0),
    patience=st.floats(0.01, 100.0),
)
def test_erlang_a_is_its_chain(agents: int, load: float, patience: float) -> None:
    """At any load, overload too, and any patience: the integrals give what the solved chain gives."""
    line = ErlangA(agents, load * agents, 1.0, patience)
    waits, mean = chain_by_hand(agents, load * agents, 1.0, patience)
    assert line.wait_probability == pytest.approx(waits, rel=1e-8, abs=1e-15)
    assert line.mean_wait == pytest.approx(mean, rel=1e-8, abs=1e-15)


@given(
    agents=agents_drawn, busy=st.floats(0.05, 2.0), patience=st.floats(0.05, 50.0), seconds=st.floats(0, 20)
)
def test_everybody_is_answered_gone_or_waiting(
    agents: int, busy: float, patience: float, seconds: float
) -> None:
    """The shares of Erlang A fit together: in the end each is answered or gone, nobody is counted twice."""
    line = ErlangA(agents, busy * agents, 1.0, patience)
    answered, waiting = line.served_within(seconds), line.wait_exceeds(seconds)
    assert answered + waiting <= 1 + 1e-9
    assert 1 - answered - waiting <= line.abandon_probability + 1e-9
    assert line.served_within(0.0) == pytest.approx(1 - line.wait_probability)
    assert line.wait_exceeds(0.0) == pytest.approx(line.wait_probability)
    assert line.served_within(1e6) == pytest.approx(1 - line.abandon_probability, abs=1e-9)
    assert 0 <= line.occupancy <= 1 + 1e-9
    if line.wait_probability > 0.5:
        assert line.wait_exceeds(line.percentile(0.6)) == pytest.approx(0.4, abs=1e-6)
    mix = line.mean_wait_of_served * (1 - line.abandon_probability)
    assert mix <= line.mean_wait + 1e-9


@given(agents=agents_drawn, busy=st.floats(0.05, 0.95))
def test_endless_patience_is_erlang_c(agents: int, busy: float) -> None:
    """Where callers hardly ever hang up Erlang A is Erlang C, its distribution too."""
    patient = ErlangC(agents, busy * agents, 1.0)
    line = ErlangA(agents, busy * agents, 1.0, 1e9)
    assert line.wait_probability == pytest.approx(patient.wait_probability, rel=1e-5, abs=1e-12)
    assert line.mean_wait == pytest.approx(patient.mean_wait, rel=1e-5, abs=1e-12)
    assert line.served_within(0.5) == pytest.approx(patient.served_within(0.5), abs=1e-6)


@given(agents=agents_drawn, busy=st.floats(0.05, 3.0))
def test_no_patience_is_erlang_b(agents: int, busy: float) -> None:
    """Where everybody hangs up at once, those who find all agents busy are lost: Erlang's B."""
    line = ErlangA(agents, busy * agents, 1.0, 1e-9)
    blocked = erlang_b(agents, busy * agents)
    assert line.wait_probability == pytest.approx(blocked, rel=1e-4, abs=1e-12)
    assert line.abandon_probability == pytest.approx(blocked, rel=1e-4, abs=1e-12)


@given(agents=st.integers(1, 100), busy=occupancies)
def test_more_agents_or_fewer_calls_help(agents: int, busy: float) -> None:
    """Waits fall with agents and grow with load; impatience shortens them."""
    rate = busy * agents
    line = ErlangC(agents, rate, 1.0)
    assert ErlangC(agents + 1, rate, 1.0).mean_wait < line.mean_wait
    assert ErlangC(agents, rate * 0.9, 1.0).mean_wait < line.mean_wait
    impatient = ErlangA(agents, rate, 1.0, 2.0)
    assert impatient.mean_wait < line.mean_wait
    assert ErlangA(agents, rate, 1.0, 1.0).mean_wait <= impatient.mean_wait
    assert ErlangA(agents + 1, rate, 1.0, 2.0).abandon_probability < impatient.abandon_probability


@pytest.mark.parametrize(
    ("agents", "rate", "service", "patience"),
    [
        (0, 1.0, 1.0, 1.0),
        (-3, 1.0, 1.0, 1.0),
        (10_001, 1.0, 1.0, 1.0),
        (5, -1.0, 1.0, 1.0),
        (5, math.nan, 1.0, 1.0),
        (5, math.inf, 1.0, 1.0),
        (5, 1.0, 0.0, 1.0),
        (5, 1.0, -2.0, 1.0),
        (5, 1e300, 1e300, 1.0),
    ],
)
def test_nonsense_is_refused(agents: int, rate: float, service: float, patience: float) -> None:
    """Lines that can't be are told, never answered."""
    with pytest.raises(BadInput):
        ErlangC(agents, rate, service)
    with pytest.raises(BadInput):
        ErlangA(agents, rate, service, patience)


def test_what_has_no_steady_state_is_refused() -> None:
    """Too much load for Erlang C, no patience or an unending one for Erlang A, shares and times that are none."""
    with pytest.raises(BadInput, match="grow for ever") as raised:
        ErlangC(10, 10.0, 1.0)
    assert raised.value.code == "unstable"
    for patience in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(BadInput, match="patience"):
            ErlangA(10, 5.0, 1.0, patience)
    line = ErlangC(10, 5.0, 1.0)
    for share in (-0.1, 1.0, math.nan):
        with pytest.raises(BadInput, match="share"):
            line.percentile(share)
    with pytest.raises(BadInput, match="seconds"):
        line.wait_exceeds(-1.0)
    with pytest.raises(BadInput, match="load"):
        erlang_b(3, -1.0)


def test_no_calls() -> None:
    """A line without calls has no waits."""
    assert ErlangC(3, 0.0, 60.0).mean_wait == 0.0
    idle = ErlangA(3, 0.0, 60.0, 30.0)
    assert (idle.wait_probability, idle.mean_wait, idle.occupancy, idle.served_within(0.0)) == (
        0.0,
        0.0,
        0.0,
        1.0,
    )
