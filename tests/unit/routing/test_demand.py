"""Who may serve as the wait grows: rings that widen, people who are waited for, hard calls that wait for the rested."""

import pytest

from callcenter.ids import AgentId, QueueName
from callcenter.routing.demand import ANYBODY, Ring, Wanted, rings
from callcenter.routing.rules import QueueRules, Relationship, RingRule, RoutingRules

pytestmark = pytest.mark.unit

SALES, SUPPORT = QueueName("sales"), QueueName("support")
OWNER, LAST, TARGET = AgentId(1), AgentId(2), AgentId(3)
NOW = 1000.0
EVERYBODY = frozenset({OWNER, LAST, TARGET})


def made(
    queue: QueueRules | None = None,
    *,
    wanted: Wanted = ANYBODY,
    waited: float = 0.0,
    at_work: frozenset[AgentId] = EVERYBODY,
    needs: dict[str, int] | None = None,
) -> list[tuple[float, object]]:
    """(seconds from now, what tells the ring apart) of a call of sales, with 20 s for owners and 10 s for the last."""
    rules = RoutingRules(
        queues={SALES: queue or QueueRules(), SUPPORT: QueueRules()}, relationship=Relationship(20, 10)
    )
    found = rings(
        SALES, needs or {}, wanted, rules=rules, arrived=NOW - waited, now=NOW, at_work=at_work.__contains__
    )
    return [(ring.at - NOW, told(ring)) for ring in found]


def told(ring: Ring) -> object:
    """The bond, or the levels needed, the queues, and whether only rested agents."""
    demand = ring.demand
    if demand.only is not None:
        return demand.bond, demand.only
    return dict(demand.needs), sorted(demand.queues), demand.rested


ANY: object = ({}, ["sales"], False)


def test_usual() -> None:
    """One ring, for all of the queue."""
    assert made() == [(0, ANY)]


def test_people_first() -> None:
    """Target, owner, last agent, each for their time; then anybody."""
    wanted = Wanted(OWNER, LAST, TARGET, 25)
    assert made(wanted=wanted) == [
        (0, ("target", TARGET)),
        (25, ("owner", OWNER)),
        (45, ("last_agent", LAST)),
        (55, ANY),
    ]


def test_nobody_waits_for_who_is_away_or_twice() -> None:
    """Who is not at work is left out; the owner who also spoke last is waited for once."""
    assert made(wanted=Wanted(OWNER, LAST), at_work=frozenset({LAST})) == [
        (0, ("last_agent", LAST)),
        (10, ANY),
    ]
    assert made(wanted=Wanted(OWNER, OWNER)) == [(0, ("owner", OWNER)), (20, ANY)]
    assert made(wanted=Wanted(OWNER, LAST), at_work=frozenset()) == [(0, ANY)]


def test_rings_widen() -> None:
    """Levels fall, never below 1, skills are dropped, other queues' agents come in."""
    queue = QueueRules(
        rings=(
            RingRule(20, lower=2),
            RingRule(60, lower=4, drop=frozenset({"cantonese"}), also=frozenset({SUPPORT})),
        )
    )
    needs = {"billing": 4, "cantonese": 2}
    assert made(queue, needs=needs) == [
        (0, (needs, ["sales"], False)),
        (20, ({"billing": 2, "cantonese": 1}, ["sales"], False)),
        (60, ({"billing": 1}, ["sales", "support"], False)),
    ]


def test_who_has_waited_begins_in_a_wider_ring() -> None:
    """A place that was kept does not begin again at the smallest ring."""
    queue = QueueRules(rings=(RingRule(20, lower=2), RingRule(60, lower=4)))
    assert made(queue, needs={"billing": 5}, waited=30) == [
        (0, ({"billing": 3}, ["sales"], False)),
        (30, ({"billing": 1}, ["sales"], False)),
    ]


def test_rings_widen_while_somebody_is_waited_for() -> None:
    """After the owner's time the ring is as wide as the whole wait makes it."""
    queue = QueueRules(rings=(RingRule(5, lower=1), RingRule(30, lower=2)))
    assert made(queue, wanted=Wanted(OWNER), needs={"billing": 5}) == [
        (0, ("owner", OWNER)),
        (20, ({"billing": 4}, ["sales"], False)),
        (30, ({"billing": 3}, ["sales"], False)),
    ]


def test_hard_calls_wait_for_the_rested() -> None:
    """For ``rest`` seconds of the wait, across rings; then anybody."""
    assert made(QueueRules(hard=True, rest=15)) == [(0, ({}, ["sales"], True)), (15, ANY)]
    assert made(QueueRules(hard=True, rest=15), waited=20) == [(0, ANY)]
    wide = QueueRules(hard=True, rest=15, rings=(RingRule(10, also=frozenset({SUPPORT})),))
    assert made(wide) == [
        (0, ({}, ["sales"], True)),
        (10, ({}, ["sales", "support"], True)),
        (15, ({}, ["sales", "support"], False)),
    ]
    assert made(QueueRules(hard=True)) == [(0, ANY)]
