"""The announced wait: exact where theory is, fair to tiers and skills, and close in simulation."""

import datetime as dt
from collections import Counter
from statistics import fmean

import pytest

from callcenter.agents.events import WrapUpEnded, WrapUpStarted
from callcenter.bench.waiting import FOUR_TIERS, Scenario, figures, simulate
from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.events import CallEnded
from callcenter.calls.number import normalise
from callcenter.calls.skills import Levels
from callcenter.customers.customer import Tier
from callcenter.ids import AgentId, CallId, QueueName, SegmentId
from callcenter.rehearsal.plan import TalkKind
from callcenter.routing.arrival_rates import MEMORY, ArrivalRates
from callcenter.routing.demand import Demand, Ring
from callcenter.routing.expected_wait import Staff, expected_wait
from callcenter.routing.handle_times import PRIOR_SECONDS, HandleTimes
from callcenter.routing.line import ClassKey, Line
from callcenter.routing.policy import Waiting
from callcenter.routing.rules import RoutingRules

pytestmark = pytest.mark.unit

RULES = RoutingRules()
SALES, SUPPORT = QueueName("sales"), QueueName("support")
NONE: Levels = {}
SPANISH: Levels = {"spanish": 1}
NOW = 10_000.0
SECONDS = 120.0


def asks(queue: QueueName, skills: Levels) -> Demand:
    """What a call of this queue needs."""
    return Demand(frozenset({queue}), tuple(sorted(skills.items())))


class Hall:
    """A line and a staff."""

    def __init__(self, staff: Staff) -> None:
        self.line, self.staff = Line(RULES), staff
        self.coming: dict[ClassKey, float] = {}

    def joins(
        self,
        name: str,
        waited: float = 0,
        queue: QueueName = SALES,
        skills: Levels = NONE,
        tier: Tier = Tier.REGULAR,
    ) -> Waiting:
        """Somebody who has waited so long."""
        rings = (Ring(NOW - waited, asks(queue, skills)),)
        waiting = Waiting(CallId(name), queue, tier, NOW - waited, rings)
        self.line.join(waiting)
        return waiting

    def told(self, waiting: Waiting) -> float | None:
        """What this caller is told."""
        return expected_wait(waiting, NOW, self.line, self.staff, lambda _: SECONDS, self.coming)


def hall(*agents: tuple[int, set[QueueName], Levels]) -> Hall:
    """``agents``: (how many, their queues, their skills)."""
    return Hall(Counter({(frozenset(queues), frozenset(skills.items())): n for n, queues, skills in agents}))


@pytest.mark.parametrize(("agents", "ahead"), [(1, 0), (1, 7), (20, 0), (20, 40)])
def test_one_queue(agents: int, ahead: int) -> None:
    """(k + 1) s / m, exactly."""
    floor = hall((agents, {SALES}, NONE))
    for number in range(ahead):
        floor.joins(f"a{number}", waited=10)
    assert floor.told(floor.joins("me", waited=5)) == pytest.approx((ahead + 1) * SECONDS / agents)


def test_nobody_serves() -> None:
    """Nothing can be told when nobody has the skill, or serves the queue."""
    floor = hall((5, {SUPPORT}, SPANISH), (5, {SALES}, NONE))
    assert floor.told(floor.joins("a", skills=SPANISH)) is None
    assert floor.told(floor.joins("b", queue=SUPPORT, skills={"german": 1})) is None
    assert floor.told(floor.joins("c", queue=QueueName("none"))) is None


def test_skills() -> None:
    """Two of ten speak Spanish: of those ahead who don't need it a fifth falls to them, of those who do, all."""
    floor = hall((8, {SALES}, NONE), (2, {SALES}, SPANISH))
    for number in range(10):
        floor.joins(f"a{number}", waited=20)
    floor.joins("s", waited=20, skills=SPANISH)
    me = floor.joins("me", waited=5, skills=SPANISH)
    assert floor.told(me) == pytest.approx((1 + 10 * 2 / 10 + 1) * SECONDS / 2)
    anybody = floor.joins("anybody", waited=5)
    assert floor.told(anybody) == pytest.approx(
        (1 + 10 + 1 + 1 * (anybody.call_id > me.call_id)) * SECONDS / 10
    )


def test_shared_agents() -> None:
    """Four serve both queues, one sales only: those ahead in support take the part of the four that is theirs."""
    floor = hall((4, {SALES, SUPPORT}, NONE), (1, {SALES}, NONE))
    for number in range(6):
        floor.joins(f"b{number}", waited=30, queue=SUPPORT)
    assert floor.told(floor.joins("me", waited=5)) == pytest.approx((1 + 6) * SECONDS / 5)
    apart = hall((4, {SUPPORT}, NONE), (1, {SALES}, NONE))
    apart.joins("b", waited=30, queue=SUPPORT)
    assert apart.told(apart.joins("me")) == pytest.approx(SECONDS)


def test_a_better_tier_overtakes() -> None:
    """A VIP who joins last is told less than a regular customer who joins last; a small one, when VIPs come often,
    more; beyond the ceiling nobody overtakes."""

    def last(tier: Tier, coming: float = 0.0, waited: float = 0.0) -> float:
        floor = hall((20, {SALES}, NONE))
        floor.coming = {ClassKey(SALES, Tier.VIP, asks(SALES, NONE)): coming}
        for number in range(20):
            floor.joins(f"a{number:02}", waited=1.0 + number + waited)
        told = floor.told(floor.joins("me", tier=tier, waited=waited))
        assert told is not None
        return told

    assert last(Tier.VIP) < 0.6 * last(Tier.REGULAR)
    assert last(Tier.SMALL, coming=0.05) > 1.2 * last(Tier.SMALL)
    assert last(Tier.VIP, coming=0.05) == last(Tier.VIP)
    assert last(Tier.SMALL, coming=0.05, waited=300) == last(Tier.REGULAR, waited=300)


def test_a_flood_has_an_answer() -> None:
    """More come than can be served: the ceiling bounds what the caller is told."""
    floor = hall((1, {SALES}, NONE))
    floor.coming = {ClassKey(SALES, Tier.VIP, asks(SALES, NONE)): 5.0}
    for number in range(500):
        floor.joins(f"a{number}", waited=number / 100)
    told = floor.told(floor.joins("me", tier=Tier.SMALL))
    assert told is not None
    assert 500 * SECONDS * 0.7 < told <= 86400.0


@pytest.mark.parametrize("load", [0.8, 0.95, 1.05])
@pytest.mark.parametrize("talk", list(TalkKind))
def test_in_simulation(load: float, talk: TalkKind) -> None:
    """Through the real line and distributor: hardly biased, and off by no more than talks of random length explain."""
    told = simulate(Scenario(load, talk, agents=10, calls=1500), seed=3)
    told_of = figures(told)
    assert told_of["n"] > 150
    assert abs(told_of["mean_error"]) < 0.15 * told_of["mean_wait"]
    assert told_of["mean_abs_error"] < 0.5 * told_of["mean_wait"]


def test_tiers_in_simulation() -> None:
    """Each tier is told its own wait, on average: the best waits shortest, and none is told another's."""
    told = simulate(Scenario(0.95, TalkKind.LOG_NORMAL, FOUR_TIERS, agents=10, calls=3000), seed=5)
    waits = {}
    for tier in Tier:
        own = [one for one in told if one.tier is tier]
        waits[tier] = fmean(one.waited for one in own)
        assert abs(fmean(one.error for one in own)) < 0.3 * waits[tier]
    assert sorted(Tier, key=waits.__getitem__) == list(Tier)


# ------------------------------------------------------------ what it rests on


def ended(name: str, *, queue: QueueName | None = SALES, talk: float = 100.0) -> CallEnded:
    """A call: 50 s in line, a ring of 20 s at agent 1 in vain, 5 s at agent 2, then the talk with 10 s of hold."""
    call = Call(
        CallId(name),
        Direction.INBOUND,
        normalise("anonymous", "CN"),
        "",
        "4001",
        NOW,
        dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
    )
    at = NOW
    stages = [(Stage.WAITING, None, 50.0), (Stage.RINGING, 1, 20.0), (Stage.RINGING, 2, 5.0)]
    if talk:
        stages += [(Stage.TALKING, 2, talk), (Stage.HELD, 2, 10.0)]
    for number, (stage, agent, seconds) in enumerate(stages):
        agent_id = AgentId(agent) if agent else None
        call.enter(stage, at, SegmentId(f"{name}{number}"), queue=queue, agent_id=agent_id)
        at += seconds
    call.end(EndReason.CALLER_HANGUP, at)
    return CallEnded(call, at)


def test_handle_times_are_learned() -> None:
    """From the ring that was answered to the end of the wrap-up, whichever ends last; other queues keep the prior."""
    times = HandleTimes()
    assert times.mean(SALES) == PRIOR_SECONDS
    for number in range(1000):
        event = ended(f"c{number}")
        call_id = event.call.id
        times.wrap_up_started(WrapUpStarted(AgentId(2), call_id, event.at, event.at + 60))
        over = WrapUpEnded(AgentId(2), call_id, event.at + 30, timed_out=False)
        if number % 2:
            times.wrap_up_ended(over)
            times.call_ended(event)
        else:
            times.call_ended(event)
            times.wrap_up_ended(over)
    assert times.mean(SALES) == pytest.approx(100 + 5 + 10 + 30, rel=0.01)
    assert times.mean(SUPPORT) == PRIOR_SECONDS


def test_handle_times_begin_at_the_prior_and_follow() -> None:
    """One odd call does not turn it; without a wrap-up the call alone counts; calls without a talk or a queue don't."""
    times = HandleTimes(prior=200)
    times.call_ended(ended("a", talk=2000))
    assert 200 < times.mean(SALES) < 400
    before = times.mean(SALES)
    times.call_ended(ended("b", talk=0))
    times.call_ended(ended("c", queue=None))
    times.wrap_up_ended(WrapUpEnded(AgentId(2), CallId("never begun"), NOW, timed_out=False))
    assert times.mean(SALES) == before
    for _ in range(300):
        times.add(SALES, 50)
    assert times.mean(SALES) == pytest.approx(50, rel=0.1)
    for _ in range(300):
        times.add(SALES, 500)
    assert times.mean(SALES) == pytest.approx(500, rel=0.1)


def test_arrival_rates() -> None:
    """A steady stream is counted right from early on; one that has stopped is forgotten."""
    key = ClassKey(SALES, Tier.VIP, asks(SALES, NONE))
    rates = ArrivalRates()
    assert rates.per_second(0.0) == {}
    for second in range(0, 300, 3):
        rates.arrived(key, float(second))
        assert rates.per_second(0.0) == {}
    assert rates.per_second(300.0)[key] == pytest.approx(1 / 3, rel=0.05)
    for second in range(300, 9000, 3):
        rates.arrived(key, float(second))
    assert rates.per_second(9000.0)[key] == pytest.approx(1 / 3, rel=0.05)
    assert rates.per_second(9000.0 + MEMORY * 20)[key] < 1e-8
    assert rates.per_second(9000.0 + MEMORY * 20) == {}
