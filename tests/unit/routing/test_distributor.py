"""The distributor: one offer for one call and one agent, whatever happens around it."""

import asyncio

import pytest

from callcenter.agents.states import RoutingState
from callcenter.calls.call import Direction
from callcenter.calls.events import CallOffered, OfferResult, PhoneState
from callcenter.customers.customer import Tier
from callcenter.errors import ReleasedToFallback
from callcenter.ids import AgentId, CallId
from callcenter.routing.decision import explained, rerun
from callcenter.routing.words import words
from tests.fakes.floor import SALES, SUPPORT, Floor

pytestmark = pytest.mark.unit

S = RoutingState


def refused(event: CallOffered) -> dict[int, str]:
    """Why the others not, from the record of the decision, which gives the same agent again."""
    assert event.decision is not None
    record = event.decision.packed()
    assert rerun(record) == event.agent_id
    return {agent_id: words(reason) for agent_id, reason in explained(record).rejected}


async def test_one_call_one_offer() -> None:
    """Three free agents and one caller: one is reserved, the other two stay ready."""
    floor = Floor()
    agents = [floor.agent(n) for n in (1, 2, 3)]
    place = floor.joins("a")
    assert floor.pairs() == [("a", 1)]
    assert [agent.state for agent in agents] == [S.RESERVED, S.READY, S.READY]
    offer = await place.offer()
    assert (offer.agent_id, offer.extension, offer.until) == (1, "1001", floor.clock.now() + 25)
    assert floor.d.offer_of(CallId("a")) is offer
    assert len(floor.line) == 0


async def test_one_agent_one_offer() -> None:
    """Three callers and one agent: the most urgent is offered, the others wait."""
    floor = Floor()
    places = [
        floor.joins("a", waited=5),
        floor.joins("b", waited=20),
        floor.joins("v", tier=Tier.VIP, waited=9),
    ]
    floor.agent(1)
    assert floor.pairs() == [("v", 1)]
    assert [place.pending for place in places] == [True, True, False]


async def test_longest_idle_goes_first() -> None:
    """Among the free; the offer says why, and why not the others."""
    floor = Floor()
    for number in (1, 2, 3):
        floor.agent(number)
        floor.pass_time(10)
    floor.roster.not_ready(AgentId(1), "LUNCH")
    floor.agent(4, SUPPORT)
    floor.joins("a")
    assert floor.pairs() == [("a", 2)]
    assert floor.offered[0].why == "idle longest (20 s)"
    assert refused(floor.offered[0]) == {1: "not ready: LUNCH", 3: "idle only 10 s"}


async def test_queues_do_not_block_each_other() -> None:
    """The most urgent caller has no agent: the next queue's caller is served all the same."""
    floor = Floor()
    floor.joins("a", SUPPORT, tier=Tier.VIP, waited=100)
    floor.joins("b", SALES)
    floor.agent(1, SALES)
    assert floor.pairs() == [("b", 1)]
    floor.agent(2, SALES, SUPPORT)
    assert floor.pairs() == [("b", 1), ("a", 2)]


async def test_match_when_an_agent_changes() -> None:
    """Ready, a phone that becomes free, a screen that opens, a new queue: each lets the caller be served."""
    for change in range(4):
        floor = Floor()
        agent = floor.agent(1, ready=False)
        extension = agent.extension
        if change != 0:
            floor.roster.phone_changed(extension, PhoneState.BUSY) if change == 1 else None
            floor.roster.screen_closed(agent.id) if change == 2 else None
            floor.roster.log_in(agent.id, "n", extension, frozenset({SUPPORT})) if change == 3 else None
            floor.roster.ready(agent.id)
        floor.joins("a")
        assert floor.pairs() == []
        match change:
            case 0:
                floor.roster.ready(agent.id)
            case 1:
                floor.roster.phone_changed(extension, PhoneState.IDLE)
            case 2:
                floor.roster.screen_opened(agent.id)
            case _:
                floor.roster.log_in(agent.id, "n", extension, frozenset({SALES}))
        assert floor.pairs() == [("a", 1)], change


async def test_the_caller_leaves_while_reserved() -> None:
    """The agent is free at once, for the next caller; leaving twice is harmless."""
    floor = Floor()
    agent = floor.agent(1)
    place = floor.joins("a")
    floor.joins("b")
    floor.d.leave(place)
    floor.d.leave(place)
    assert floor.pairs() == [("a", 1), ("b", 1)]
    assert [event.result for event in floor.ended] == [OfferResult.CALLER_GONE]
    assert (agent.offer_call, agent.missed_in_row) == ("b", 0)


async def test_an_offer_in_the_last_instant() -> None:
    """The caller's wait is given up in the moment the offer comes: the offer isn't lost, nor is the agent."""
    floor = Floor()
    place = floor.joins("a")
    waiting = asyncio.ensure_future(place.offer())
    await asyncio.sleep(0)
    agent = floor.agent(1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert (await place.offer()).agent_id == agent.id
    floor.d.leave(place)
    assert agent.state is S.READY


async def test_the_first_word_counts() -> None:
    """An offer ends once: what is said afterwards changes neither agent nor record."""
    floor = Floor()
    agent = floor.agent(1)
    place = floor.joins("a")
    offer = await place.offer()
    floor.d.end(offer, OfferResult.ANSWERED)
    floor.roster.talk_begun(agent.id, CallId("a"))
    floor.d.end(offer, OfferResult.NO_ANSWER)
    floor.d.leave(place)
    floor.pass_time(100)
    assert [event.result for event in floor.ended] == [OfferResult.ANSWERED]
    assert agent.state is S.ON_CALL


async def test_back_to_the_same_place() -> None:
    """Nobody answered: before who came later, behind who came earlier, and not to the same agent again."""
    floor = Floor()
    floor.agent(1)
    place = floor.joins("b", waited=10)
    offer = await place.offer()
    floor.joins("c", waited=5)
    floor.d.end(offer, OfferResult.NO_ANSWER)
    floor.d.back(place)
    floor.joins("a", waited=20)
    assert [head.call_id for head in floor.line.heads(floor.clock.now())] == ["a"]
    floor.agent(2)
    floor.agent(3)
    assert floor.pairs() == [("b", 1), ("a", 2), ("b", 3)]
    assert place.pending is False


async def test_back_after_leaving() -> None:
    """Who has left has no place to come back to."""
    floor = Floor()
    place = floor.joins("a")
    floor.d.leave(place)
    floor.d.back(place)
    assert len(floor.line) == 0


async def test_the_lease_ends() -> None:
    """No word came in time (F21): the agent is not ready, the offer is over, and the caller may come back."""
    floor = Floor()
    agent = floor.agent(1)
    place = floor.joins("a")
    floor.pass_time(24.9)
    assert agent.state is S.RESERVED
    floor.pass_time(0.2)
    assert (agent.state, agent.reason) == (S.NOT_READY, "SYSTEM_RONA")
    assert [event.result for event in floor.ended] == [OfferResult.LEASE_LOST]
    floor.agent(2)
    floor.d.back(place)
    assert floor.pairs() == [("a", 1), ("a", 2)]


async def test_the_lease_waits_for_telephony() -> None:
    """While Asterisk can't be seen the phone may be in a talk: the lease ends only when it can be seen again."""
    floor = Floor()
    agent = floor.agent(1)
    floor.joins("a")
    floor.d.telephony(up=False)
    floor.pass_time(100)
    assert agent.state is S.RESERVED
    floor.d.telephony(up=True)
    floor.pass_time(5)
    assert [event.result for event in floor.ended] == [OfferResult.LEASE_LOST]


async def test_no_offers_without_telephony() -> None:
    """Nobody is offered while the link is away; all that can be are as soon as it is back."""
    floor = Floor()
    floor.d.telephony(up=False)
    floor.agent(1)
    floor.agent(2)
    floor.joins("a")
    floor.joins("b")
    assert floor.pairs() == []
    floor.d.telephony(up=True)
    assert sorted(floor.pairs()) == [("a", 1), ("b", 2)]


async def test_release_all() -> None:
    """Who waits hears of it; who is offered already is not touched; who comes now is let go too."""
    floor = Floor()
    floor.agent(1)
    offered = floor.joins("a", waited=10)
    waiting = floor.joins("b")
    floor.d.telephony(up=False)
    assert floor.d.release_all() == 1
    with pytest.raises(ReleasedToFallback):
        await waiting.offer()
    offer = await offered.offer()
    with pytest.raises(ReleasedToFallback):
        await floor.joins("c").offer()
    floor.d.end(offer, OfferResult.NO_ANSWER)
    floor.d.back(offered)
    with pytest.raises(ReleasedToFallback):
        await offered.offer()
    for place in (offered, waiting):
        floor.d.leave(place)
    floor.d.telephony(up=True)
    assert floor.joins("d").pending
    assert floor.d.release_all() == 2 - 1


async def test_an_agent_leaves_while_others_wait() -> None:
    """Out of a wrap-up, with callers in the line: none of them is offered to who is leaving."""
    floor = Floor()
    agent = floor.agent(1)
    place = floor.joins("a")
    offer = await place.offer()
    floor.d.end(offer, OfferResult.ANSWERED)
    floor.roster.talk_begun(agent.id, CallId("a"))
    floor.d.leave(place)
    floor.roster.talk_ended(agent.id, CallId("a"), 30)
    floor.joins("b")
    floor.roster.log_out(agent.id)
    assert floor.pairs() == [("a", 1)]
    assert len(floor.line) == 1


async def test_skills() -> None:
    """Only who has all of them is offered the call; nobody waits behind somebody whose skill is away."""
    floor = Floor()
    spanish, both = {"spanish": 1}, {"spanish": 1, "billing": 3}
    floor.agent(1, skills=spanish)
    place = floor.joins("b", skills=both, waited=100)
    assert place.pending
    floor.joins("a")
    assert floor.pairs() == [("a", 1)]
    floor.agent(2, skills={**both, "german": 1})
    assert floor.pairs() == [("a", 1), ("b", 2)]
    floor.agent(3)
    floor.agent(4, skills=spanish)
    floor.joins("c", skills=spanish)
    assert floor.offered[-1].why == "the only one free (idle 0 s)"
    assert refused(floor.offered[-1]) == {
        1: "reserved for another call",
        2: "reserved for another call",
        3: "spanish 0 < 1",
    }
    agent = floor.roster.get(AgentId(3))
    floor.joins("d", skills=both)
    floor.roster.log_in(agent.id, agent.name, agent.extension, agent.queues, both)
    assert floor.pairs()[-1] == ("d", 3)


async def test_position_and_expected_wait() -> None:
    """Of those in line; who is being offered is in no place of it."""
    floor = Floor()
    for _ in range(1000):
        floor.d.handle_times.add(SALES, 60)
    first, second = floor.joins("a", waited=20), floor.joins("b", waited=10)
    floor.joins("v", tier=Tier.VIP, waited=6)
    ids = [CallId(name) for name in "vab"]
    assert [floor.d.position(each) for each in ids] == [2, 1, 3]
    assert floor.d.waiting_in(SALES) == 3
    assert floor.d.waiting_in(SUPPORT) == 0
    assert floor.d.expected_wait(ids[0]) is None
    floor.agent(1)
    floor.agent(2, ready=False)
    assert floor.pairs() == [("a", 1)]
    assert (floor.d.position(first.call.id), floor.d.expected_wait(first.call.id)) == (None, None)
    assert floor.d.expected_wait(ids[0]) == pytest.approx(60, rel=0.05)
    assert floor.d.expected_wait(second.call.id) == pytest.approx(120, rel=0.05)
    assert floor.d.expected_wait(CallId("nobody")) is None


async def test_callbacks_are_not_let_go() -> None:
    """Nobody is on the phone: they wait on, also those who join meanwhile, and are served when it is over."""
    floor = Floor()
    caller, callback = floor.joins("a"), floor.joins("b", waited=5, direction=Direction.OUTBOUND)
    floor.d.telephony(up=False)
    assert floor.d.release_all() == 1
    late = floor.joins("c", waited=9, direction=Direction.OUTBOUND)
    floor.agent(1)
    with pytest.raises(ReleasedToFallback):
        await caller.offer()
    assert (callback.pending, late.pending, floor.pairs()) == (True, True, [])
    floor.d.telephony(up=True)
    assert floor.pairs() == [("c", 1)]
