"""The rules at work on a floor: people who are waited for, rings, hard calls, work below callers, rules that change."""

import pytest

from callcenter.calls.events import OfferResult
from callcenter.customers.customer import Tier
from callcenter.ids import AgentId, CallId
from callcenter.routing.demand import Wanted
from callcenter.routing.facts import Reason
from callcenter.routing.offer import Offer
from callcenter.routing.rules import Order, Promise, QueueRules, Relationship, RingRule, RoutingRules
from tests.fakes.floor import SALES, SUPPORT, Floor

pytestmark = pytest.mark.unit

OWNER, LAST = AgentId(8), AgentId(9)
BONDS = RoutingRules(relationship=Relationship(owner_wait=20, last_agent_wait=10))


def busy(floor: Floor, agent_id: AgentId) -> None:
    """In a talk that the line knows nothing of."""
    floor.roster.talk_begun(agent_id, CallId(f"talk {agent_id}"))


def free(floor: Floor, agent_id: AgentId) -> None:
    """The talk is over."""
    floor.roster.talk_ended(agent_id, CallId(f"talk {agent_id}"), 0)


def test_the_owner_is_waited_for() -> None:
    """While somebody else is free; as soon as the owner is, the call is the owner's."""
    floor = Floor(BONDS)
    floor.agent(1)
    floor.agent(OWNER, SUPPORT)
    busy(floor, OWNER)
    floor.joins("a", wanted=Wanted(OWNER))
    floor.pass_time(10)
    assert floor.pairs() == []
    free(floor, OWNER)
    assert floor.pairs() == [("a", 8)]
    assert floor.offered[0].why == "the customer's own account manager"


def test_the_owner_is_waited_for_no_longer_than_set() -> None:
    """Then the last agent, then anybody."""
    floor = Floor(BONDS)
    floor.agent(1)
    for agent in (OWNER, LAST):
        floor.agent(agent)
        busy(floor, agent)
    floor.joins("a", wanted=Wanted(OWNER, LAST))
    floor.pass_time(29.9)
    assert floor.pairs() == []
    floor.pass_time(0.1)
    assert floor.pairs() == [("a", 1)]


@pytest.mark.parametrize("way", ["break", "out", "screen", "missed"])
def test_only_while_that_helps(way: str) -> None:
    """The owner goes on a break, logs out, loses the screen, or misses the call: the caller does not wait in vain."""
    floor = Floor(BONDS)
    floor.agent(OWNER)
    if way != "missed":
        busy(floor, OWNER)
    place = floor.joins("a", wanted=Wanted(OWNER))
    floor.agent(1)
    match way:
        case "break":
            floor.roster.not_ready(OWNER, "LUNCH")
        case "out":
            floor.roster.talk_ended(OWNER, CallId(f"talk {OWNER}"), 30)
            floor.roster.log_out(OWNER)
        case "screen":
            floor.roster.screen_closed(OWNER)
        case _:
            offer = place.taken()
            assert offer is not None
            floor.d.back(place)
            floor.d.end(offer, OfferResult.NO_ANSWER)
    assert floor.pairs()[-1] == ("a", 1)


def test_others_are_served_meanwhile() -> None:
    """A VIP who waits for the owner holds up nobody."""
    floor = Floor(BONDS)
    floor.agent(OWNER)
    busy(floor, OWNER)
    floor.joins("v", tier=Tier.VIP, waited=60, wanted=Wanted(OWNER))
    floor.joins("a")
    floor.agent(1)
    assert floor.pairs() == [("a", 1)]


def test_rings_let_more_people_in_over_time() -> None:
    """First the able, then the less able, then another queue's."""
    rules = RoutingRules(
        queues={
            SALES: QueueRules(
                rings=(RingRule(20, lower=3), RingRule(40, lower=3, also=frozenset({SUPPORT})))
            ),
            SUPPORT: QueueRules(),
        }
    )
    floor = Floor(rules)
    floor.agent(1, skills={"billing": 2})
    floor.agent(2, SUPPORT, skills={"billing": 2})
    floor.joins("a", skills={"billing": 5})
    floor.joins("b", skills={"billing": 5})
    floor.pass_time(19.9)
    assert floor.pairs() == []
    floor.pass_time(0.1)
    assert floor.pairs() == [("a", 1)]
    floor.pass_time(20)
    assert floor.pairs() == [("a", 1), ("b", 2)]


def test_hard_calls_go_round() -> None:
    """After a hard call the next one waits for somebody else, for the set time; soft ones don't."""
    floor = Floor(RoutingRules(queues={SALES: QueueRules(hard=True, rest=15), SUPPORT: QueueRules()}))
    agent = floor.agent(1, SALES, SUPPORT)
    place = floor.joins("hard")
    offer = place.taken()
    assert offer is not None
    floor.d.end(offer, OfferResult.ANSWERED)
    floor.roster.talk_begun(agent.id, offer.call.id)
    floor.d.leave(place)
    floor.joins("next")
    floor.roster.talk_ended(agent.id, offer.call.id, 0)
    floor.pass_time(14.9)
    assert floor.pairs() == [("hard", 1)]
    floor.joins("soft", SUPPORT)
    assert floor.pairs() == [("hard", 1), ("soft", 1)]
    floor.agent(2, SALES)
    assert floor.pairs()[-1] == ("next", 2)


def test_below_all_callers() -> None:
    """A follow-up that has waited for hours comes after a caller of this second, and is served when nobody calls."""
    floor = Floor()
    floor.joins("follow-up", tier=Tier.VIP, waited=9000, below=True)
    floor.joins("caller", tier=Tier.SMALL)
    floor.agent(1)
    floor.agent(2)
    assert floor.pairs() == [("caller", 1), ("follow-up", 2)]


def test_what_we_owe_counts_as_waited() -> None:
    """A late promise is an earlier arrival in the order; the wait that is told stays the true one."""
    floor = Floor()
    floor.joins("a", waited=50)
    floor.joins("b", waited=5, boost=60)
    assert floor.line.longest_wait(SALES, floor.clock.now()) == 5 or floor.d.position(CallId("b")) == 1
    floor.agent(1)
    assert floor.pairs() == [("b", 1)]


def test_who_missed_a_call_is_not_asked_again_first() -> None:
    """With a limit of several misses the same phone stays ready: another agent is asked before it."""
    floor = Floor()
    floor.roster._rules = type(floor.roster._rules)(15.0, 3)
    floor.agent(1)
    floor.pass_time(10)
    floor.agent(2)
    place = floor.joins("a")
    for _ in range(2):
        offer = place.taken()
        assert offer is not None
        floor.d.end(offer, OfferResult.NO_ANSWER)
        floor.d.back(place)
    assert floor.pairs() == [("a", 1), ("a", 2), ("a", 1)]
    assert place.missed == 2


def test_claim() -> None:
    """Just this agent, now, or the reason; the line can't take the same one."""
    floor = Floor()
    floor.agent(1)
    call = floor.joins("x").call
    floor.agent(2, SUPPORT)
    claimed = floor.d.claim(call, AgentId(2))
    assert isinstance(claimed, Offer)
    assert floor.d.claim(call, AgentId(2)) == Reason("reserved")
    assert floor.d.claim(call, AgentId(77)) == Reason("logged_out")
    floor.joins("b", SUPPORT)
    assert floor.pairs()[-1] == ("x", 2)
    floor.d.end(claimed, OfferResult.FAILED)
    assert floor.pairs()[-1] == ("b", 2)


def test_new_rules_in_the_middle() -> None:
    """Promises, order and rings change while people wait: nobody loses the arrival, nobody is offered twice."""
    floor = Floor()
    floor.joins("small", tier=Tier.SMALL, waited=60)
    floor.joins("vip", tier=Tier.VIP, waited=5)
    floor.joins("able", skills={"billing": 5}, waited=30)
    strict = RoutingRules(order=Order.STRICT, queues={SALES: QueueRules(rings=(RingRule(20, lower=4),))})
    floor.d.apply(strict, 7)
    assert (floor.d.rules, floor.d.version, len(floor.line)) == (strict, 7, 3)
    floor.agent(1, skills={"billing": 1})
    floor.agent(2, skills={"billing": 1})
    assert floor.pairs() == [("vip", 1), ("able", 2)]
    patient = {**RoutingRules().promises, Tier.SMALL: Promise(3000)}
    floor.joins("regular", waited=1)
    floor.d.apply(RoutingRules(promises=patient, ceiling=5000), 8)
    floor.agent(3)
    assert floor.pairs()[-1] == ("regular", 3)


def test_staffed() -> None:
    """Somebody of this queue is logged in, ready or not."""
    floor = Floor()
    assert not floor.d.staffed(SALES)
    agent = floor.agent(1, ready=False)
    assert floor.d.staffed(SALES)
    assert not floor.d.staffed(SUPPORT)
    floor.roster.log_out(agent.id)
    assert not floor.d.staffed(SALES)
