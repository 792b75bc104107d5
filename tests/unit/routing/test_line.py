"""The order of the line: total, fair, ageing, the same as comparing everybody with everybody."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.calls.skills import Levels
from callcenter.customers.customer import Tier
from callcenter.ids import CallId, QueueName
from callcenter.routing.demand import Demand, Ring
from callcenter.routing.line import Line
from callcenter.routing.policy import Waiting, order_key, urgency
from callcenter.routing.rules import RoutingRules

pytestmark = pytest.mark.unit

RULES = RoutingRules()
SALES, SUPPORT = QueueName("sales"), QueueName("support")
NOW = 10_000.0


def waiting(
    call: str,
    waited: float,
    tier: Tier = Tier.REGULAR,
    queue: QueueName = SALES,
    skills: Levels | None = None,
    *,
    below: bool = False,
) -> Waiting:
    """Somebody who has waited so long at NOW."""
    demand = Demand(frozenset({queue}), tuple(sorted((skills or {}).items())))
    return Waiting(CallId(call), queue, tier, NOW - waited, (Ring(NOW - waited, demand),), below=below)


callers = st.lists(
    st.builds(
        waiting,
        st.uuids().map(str),
        st.one_of(st.floats(0, 1000), st.integers(0, 40).map(float)),
        st.sampled_from(Tier),
        st.sampled_from([SALES, SUPPORT]),
        st.sampled_from([{}, {"spanish": 1}, {"spanish": 1, "billing": 4}]),
    ),
    max_size=40,
)


def served(line: Line, now: float) -> list[CallId]:
    """Everybody, in the order of being served at one instant."""
    order = []
    while heads := line.heads(now):
        order.append(heads[0].call_id)
        line.leave(heads[0].call_id)
    return order


@given(callers, st.randoms())
def test_heads_are_the_full_sort(people: list[Waiting], random: "object") -> None:
    """Comparing only the heads of the classes serves as sorting everybody does, whoever joined first."""
    line = Line(RULES)
    shuffled = list(people)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for one in shuffled:
        line.join(one)
    assert len(line) == len(people)
    expected = sorted(people, key=lambda one: order_key(one, NOW, RULES))
    assert served(line, NOW) == [one.call_id for one in expected]
    assert len(line) == 0


@given(callers, st.floats(0, 2000))
def test_the_order_is_total_and_blind_to_the_queues_name(people: list[Waiting], later: float) -> None:
    """No two keys are equal, and a queue's name is in none of them."""
    keys = [order_key(one, NOW + later, RULES) for one in people]
    assert len(set(keys)) == len(keys)
    other = [replace(one, queue=QueueName("x")) for one in people]
    assert [order_key(one, NOW + later, RULES) for one in other] == keys


@given(callers, st.floats(0, 2000))
def test_within_a_class_the_order_never_changes(people: list[Waiting], later: float) -> None:
    """Who came first in a tier stays first, at every later time."""
    for tier in Tier:
        members = [one for one in people if one.tier is tier]
        now = sorted(members, key=lambda one: order_key(one, NOW, RULES))
        assert now == sorted(members, key=lambda one: order_key(one, NOW + later, RULES))
        assert [one.arrived for one in now] == sorted(one.arrived for one in now)


@given(callers)
def test_nobody_starves(people: list[Waiting]) -> None:
    """Beyond the ceiling nobody who came later goes first, of whatever tier."""
    line = Line(RULES)
    for one in people:
        line.join(one)
    arrived = {one.call_id: one.arrived for one in people}
    order = served(line, NOW)
    for place, call_id in enumerate(order):
        if NOW - arrived[call_id] >= RULES.ceiling:
            assert all(arrived[before] <= arrived[call_id] for before in order[:place])


@given(st.sampled_from(Tier), st.floats(0, 5000), st.floats(0.01, 5000))
def test_waiting_never_makes_less_urgent(tier: Tier, waited: float, more: float) -> None:
    """Ageing only goes one way, over the ceiling too."""
    one = waiting("a", waited, tier)
    assert urgency(one, NOW + more, RULES) >= urgency(one, NOW, RULES)


@given(callers, st.floats(0, 2000))
def test_the_position_is_the_rank_in_the_full_sort(people: list[Waiting], later: float) -> None:
    """Of the own queue, as the policy would serve now; who is ahead in all queues adds up to the rank in the line."""
    line, now = Line(RULES), NOW + later
    for one in people:
        line.join(one)
    order = sorted(people, key=lambda one: order_key(one, now, RULES))
    for rank, one in enumerate(order):
        own = [other for other in order[:rank] if other.queue == one.queue]
        assert line.position(one.call_id, now) == len(own) + 1
        assert sum(line.ahead(one, now).values()) == rank
    for queue in (SALES, SUPPORT):
        assert line.waiting_in(queue) == sum(one.queue == queue for one in people)
        assert sum(line.counts(queue).values()) == line.waiting_in(queue)
    assert line.position(CallId("nobody"), now) is None


def test_the_promise() -> None:
    """A VIP at half the promise goes before a regular at 40 % of theirs and after one at two thirds."""
    vip, early, late = waiting("v", 5, Tier.VIP), waiting("e", 12), waiting("l", 20)
    order = sorted([vip, early, late], key=lambda one: order_key(one, NOW, RULES))
    assert order == [late, vip, early]


def test_equal_urgency() -> None:
    """The earlier arrival, then the call's id."""
    line = Line(RULES)
    for one in (waiting("b", 30), waiting("a", 30), waiting("v", 10, Tier.VIP), waiting("s", 60, Tier.SMALL)):
        line.join(one)
    assert served(line, NOW) == ["s", "a", "b", "v"]


def test_a_place_is_kept() -> None:
    """Leaving and joining with the same arrival is the same place; joining twice is one place."""
    line = Line(RULES)
    first, second = waiting("a", 50), waiting("b", 40)
    for one in (first, second):
        line.join(one)
    assert line.leave(CallId("a")) == first
    assert line.leave(CallId("a")) is None
    line.join(first)
    line.join(first)
    assert len(line) == 2
    assert [head.call_id for head in line.heads(NOW)] == ["a"]
    moved = replace(first, queue=SUPPORT, tier=Tier.VIP)
    line.join(moved)
    assert sorted(one.call_id for one in line) == ["a", "b"]
    assert line.counts(SALES)[Tier.REGULAR] == 1
    assert line.counts(SUPPORT)[Tier.VIP] == 1


def test_counts_and_longest_wait() -> None:
    """By tier, and the first to come of any tier."""
    line = Line(RULES)
    assert line.longest_wait(SALES, NOW) == 0
    for one in (waiting("a", 50), waiting("b", 90, Tier.SMALL), waiting("c", 200, Tier.VIP, SUPPORT)):
        line.join(one)
    assert line.counts(SALES) == {Tier.VIP: 0, Tier.KEY: 0, Tier.REGULAR: 1, Tier.SMALL: 1}
    assert line.longest_wait(SALES, NOW) == 90
    assert line.heads(NOW)[0].call_id == "c"
