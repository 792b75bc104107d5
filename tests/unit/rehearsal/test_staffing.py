"""The adviser: what it advises is enough, one fewer is not assured, and a plain simulation agrees."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.customers.customer import Tier
from callcenter.errors import BadInput
from callcenter.rehearsal.staffing import Advice, Interval, Need, advise
from callcenter.rehearsal.theory.erlang_a import ErlangA
from callcenter.rehearsal.theory.erlang_c import ErlangC
from callcenter.routing.rules import Order, Promise, RoutingRules
from tests.unit.rehearsal.naive_line import simulate

pytestmark = pytest.mark.unit

MIX = {Tier.VIP: 0.05, Tier.KEY: 0.15, Tier.REGULAR: 0.6, Tier.SMALL: 0.2}
BUSY_IS_FINE = Need(most_occupancy=1.0)


def one(interval: Interval, rules: RoutingRules | None = None, need: Need = BUSY_IS_FINE) -> Advice:
    """The advice for one half hour."""
    (advice,) = advise([interval], rules or RoutingRules(), need)
    return advice


def test_one_tier_is_the_textbook() -> None:
    """One tier, 80 % within 20 s, 100 calls of 180 s in half an hour: 14 agents, as pyworkforce's manual says."""
    rules = RoutingRules(promises={tier: Promise(20, 0.8) for tier in Tier})
    advice = one(Interval(100, 180.0, {Tier.REGULAR: 1.0}), rules, Need(most_occupancy=0.85, shrinkage=0.3))
    assert (advice.agents, advice.rostered) == (14, 20)
    assert advice.tiers[Tier.REGULAR].within == pytest.approx(0.8883500191794669, abs=1e-6)
    assert advice.occupancy == pytest.approx(10 / 14)
    assert advice.erlangs == pytest.approx(10)


@given(
    calls=st.floats(1, 600),
    order=st.sampled_from(Order),
    patience=st.one_of(st.none(), st.floats(20, 600)),
    occupancy=st.floats(0.5, 1.0),
)
def test_enough_and_no_more(calls: float, order: Order, patience: float | None, occupancy: float) -> None:
    """Every promise and the occupancy hold with what is advised; why fewer won't do is said; the bracket is one."""
    rules = RoutingRules(order=order)
    advice = one(Interval(calls, 200.0, MIX), rules, Need(patience, occupancy))
    assert list(advice.tiers) == list(MIX)
    assert all(outlook.within >= outlook.promise.share for outlook in advice.tiers.values())
    assert advice.occupancy <= occupancy
    assert advice.because
    assert 1 <= advice.fewest <= advice.agents <= advice.rostered
    assert (advice.abandoned > 0) == (patience is not None)


def test_as_simulated() -> None:
    """The shipped order with 19 agents for 100 calls keeps every promise in a simulation; with one fewer than
    ``fewest`` a promise is broken."""
    advice = one(Interval(100, 240.0, MIX))
    rates = [100 / 1800 * share for share in MIX.values()]
    promises = [outlook.promise for outlook in advice.tiers.values()]

    def urgency(which: int, waited: float) -> float:
        return waited / promises[which].seconds

    def kept(agents: int) -> list[bool]:
        seen = simulate(agents, rates, 240.0, urgency, calls=25_000, seed=5)
        return [
            one.within(promise.seconds) > promise.share for one, promise in zip(seen, promises, strict=True)
        ]

    assert all(kept(advice.agents))
    assert not all(kept(advice.fewest - 1))
    assert advice.agents - advice.fewest <= 1


def test_hang_ups_need_fewer_agents() -> None:
    """Callers who hang up make room; the advice says how many do."""
    patient, impatient = one(Interval(300, 240.0, MIX)), one(Interval(300, 240.0, MIX), need=Need(120.0, 1.0))
    assert impatient.agents < patient.agents
    assert impatient.abandoned == pytest.approx(
        ErlangA(impatient.agents, 1 / 6, 240.0, 120.0).abandon_probability
    )
    assert impatient.tiers[Tier.VIP].mean_wait is None
    assert patient.mean_wait == pytest.approx(ErlangC(patient.agents, 1 / 6, 240.0).mean_wait)
    waits = [outlook.mean_wait for outlook in patient.tiers.values() if outlook.mean_wait is not None]
    assert len(waits) == 4
    assert waits == sorted(waits)


def test_what_decides_is_said() -> None:
    """The tier, the occupancy, or the load."""
    assert one(Interval(300, 240.0, MIX)).because == ("vip",)
    assert one(Interval(3000, 240.0, MIX), need=Need(most_occupancy=0.8)).because == ("occupancy",)
    easy = RoutingRules(promises={tier: Promise(1e5, 0.01) for tier in Tier}, ceiling=1e6)
    assert one(Interval(300, 240.0, MIX), easy).because == ("load",)


def test_a_day_in_turn() -> None:
    """Each half hour has its own advice, a quiet one needs nobody."""
    day = [Interval(calls, 180.0, {Tier.VIP: 1.0}) for calls in (0, 10, 200)]
    night, morning, noon = advise(day, RoutingRules())
    assert (night.agents, night.rostered, night.fewest, night.tiers) == (0, 0, 0, {})
    assert 0 < morning.agents < noon.agents


def test_a_large_floor() -> None:
    """A line of two thousand agents is advised on, and a mix of any weights is its shares."""
    advice = one(Interval(20_000, 180.0, {tier: share * 40 for tier, share in MIX.items()}))
    assert 2000 < advice.agents < 2060


@pytest.mark.parametrize(
    ("interval", "need"),
    [
        (Interval(-1, 180.0, MIX), Need()),
        (Interval(math.nan, 180.0, MIX), Need()),
        (Interval(10, 0.0, MIX), Need()),
        (Interval(10, 180.0, {}), Need()),
        (Interval(10, 180.0, {Tier.VIP: -1.0, Tier.KEY: 2.0}), Need()),
        (Interval(10, 180.0, MIX, seconds=0.0), Need()),
        (Interval(1e9, 180.0, MIX), Need()),
        (Interval(1e9, 180.0, MIX), Need(patience=60.0)),
        (Interval(10, 180.0, MIX), Need(patience=0.0)),
        (Interval(10, 180.0, MIX), Need(most_occupancy=0.0)),
        (Interval(10, 180.0, MIX), Need(most_occupancy=1.5)),
        (Interval(10, 180.0, MIX), Need(shrinkage=1.0)),
    ],
)
def test_nonsense_is_refused(interval: Interval, need: Need) -> None:
    """What can't be is told before anything is reckoned."""
    with pytest.raises(BadInput):
        advise([interval], RoutingRules(), need)


def test_a_promise_to_everybody_is_refused() -> None:
    """No number of agents answers all callers in time."""
    promises = {**RoutingRules().promises, Tier.KEY: Promise(20, 1.0)}
    with pytest.raises(BadInput, match=r"key.*0\.99"):
        advise([Interval(10, 180.0, MIX)], RoutingRules(promises=promises))
