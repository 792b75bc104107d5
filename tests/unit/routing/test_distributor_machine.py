"""Joins, offers, answers, misses, log-outs, cuts of the link in any order: no double offer, no caller lost."""

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from callcenter.agents.states import RoutingState
from callcenter.calls.events import OfferResult, PhoneState
from callcenter.customers.customer import Tier
from callcenter.errors import CallcenterError
from callcenter.ids import AgentId, CallId, Extension
from callcenter.routing.distributor import Place
from callcenter.routing.facts import facts_of, why_not
from callcenter.routing.offer import Offer
from tests.fakes.floor import SALES, SUPPORT, Floor

pytestmark = pytest.mark.unit

agents = st.sampled_from([AgentId(n) for n in (1, 2, 3)])
picks = st.integers(0, 20)


class Traffic(RuleBasedStateMachine):
    """Each caller is waiting, offered, talking, released or gone; the test keeps its own books."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.floor = Floor()
        self.places: list[Place] = []
        self.talking: dict[CallId, AgentId] = {}
        self.count = 0
        self.link = True

    def teardown(self) -> None:
        """The futures are all that the loop held."""
        self.loop.close()

    def do(self, act: "object") -> None:
        """Run a synchronous step inside the loop, as the product does."""

        async def step() -> None:
            act()  # type: ignore[operator]

        self.loop.run_until_complete(step())

    def offered(self, pick: int) -> tuple[Place, Offer] | None:
        """One of the offers that stand."""
        standing = [
            (place, offer)
            for place in self.places
            if (offer := place.taken()) is not None and self.floor.d.offer_of(place.call.id) is offer
        ]
        return standing[pick % len(standing)] if standing else None

    @rule(tier=st.sampled_from(Tier), queue=st.sampled_from([SALES, SUPPORT]), waited=st.integers(0, 400))
    def joins(self, tier: Tier, queue: "object", waited: int) -> None:
        """A caller."""
        self.count += 1
        name = f"c{self.count}"
        self.do(lambda: self.places.append(self.floor.joins(name, queue, tier=tier, waited=waited)))  # type: ignore[arg-type]

    @rule(pick=picks)
    def leaves(self, pick: int) -> None:
        """Gone, wherever they are."""
        if self.places:
            place = self.places.pop(pick % len(self.places))
            self.do(lambda: self.floor.d.leave(place))

    @rule(pick=picks)
    def answers(self, pick: int) -> None:
        """The agent has the call; the caller's coroutine leaves the line when the talk is over."""
        if found := self.offered(pick):
            place, offer = found

            def talk() -> None:
                self.floor.d.end(offer, OfferResult.ANSWERED)
                self.floor.roster.talk_begun(offer.agent_id, offer.call.id)
                self.floor.d.leave(place)

            self.do(talk)
            self.places.remove(place)
            self.talking[offer.call.id] = offer.agent_id

    @rule(pick=picks, result=st.sampled_from([OfferResult.NO_ANSWER, OfferResult.BUSY, OfferResult.FAILED]))
    def comes_back(self, pick: int, result: OfferResult) -> None:
        """The offer came to nothing."""
        if found := self.offered(pick):
            place, offer = found
            self.do(lambda: self.floor.d.end(offer, result))
            self.do(lambda: self.floor.d.back(place))

    @rule(wrap_up=st.sampled_from([0, 30]))
    def talk_ends(self, wrap_up: int) -> None:
        """The oldest."""
        if self.talking:
            call, agent = next(iter(self.talking.items()))
            del self.talking[call]
            self.do(lambda: self.floor.roster.talk_ended(agent, call, wrap_up))

    @rule(agent=agents)
    def logs_in(self, agent: AgentId) -> None:
        """Ready at once."""
        if self.floor.roster.find(agent) is None:
            self.do(lambda: self.floor.agent(agent, SALES, *([SUPPORT] if agent > 1 else [])))

    @rule(agent=agents)
    def logs_out(self, agent: AgentId) -> None:
        """Maybe refused."""

        def out() -> None:
            try:
                self.floor.roster.log_out(agent)
            except CallcenterError:
                return

        self.do(out)

    @rule(agent=agents, ready=st.booleans())
    def chooses(self, agent: AgentId, ready: bool) -> None:
        """Presence."""
        if self.floor.roster.find(agent) is not None:
            roster = self.floor.roster
            self.do(lambda: roster.ready(agent) if ready else roster.not_ready(agent, "BREAK"))

    @rule(agent=agents, free=st.booleans())
    def phone(self, agent: AgentId, free: bool) -> None:
        """A device state."""
        state = PhoneState.IDLE if free else PhoneState.BUSY
        self.do(lambda: self.floor.roster.phone_changed(Extension(str(1000 + agent)), state))

    @rule(seconds=st.sampled_from([1, 10, 26, 40]))
    def time(self, seconds: int) -> None:
        """Leases and wrap-ups end."""
        self.do(lambda: self.floor.pass_time(seconds))
        self._take_back()

    @rule(up=st.booleans(), release=st.booleans())
    def link_changes(self, up: bool, release: bool) -> None:
        """Asterisk's events go and come; the waiting may be released meanwhile."""
        self.link = up
        self.do(lambda: self.floor.d.telephony(up=up))
        if not up and release:
            self.do(self.floor.d.release_all)
            for place in [one for one in self.places if not one.pending and one.taken() is None]:
                self.places.remove(place)
                self.do(lambda place=place: self.floor.d.leave(place))

    def _take_back(self) -> None:
        """A lease ended: the caller's ring ends too, and the caller comes back."""
        for place in self.places:
            offer = place.taken()
            if offer is not None and self.floor.d.offer_of(place.call.id) is None:
                self.do(lambda place=place: self.floor.d.back(place))

    @invariant()
    def nobody_is_offered_twice(self) -> None:
        """One call one agent, one agent one call."""
        standing = list(self.floor.d._offers._offers.values())
        assert len({offer.call.id for offer in standing}) == len(standing)
        assert len({offer.agent_id for offer in standing}) == len(standing)
        for offer in standing:
            agent = self.floor.roster.get(offer.agent_id)
            assert (agent.offer_id, agent.offer_call) == (offer.id, offer.call.id)

    @invariant()
    def nobody_is_held_for_nothing(self) -> None:
        """A reserved agent has an offer that stands."""
        for agent in self.floor.roster:
            if agent.state is RoutingState.RESERVED:
                assert agent.offer_id in self.floor.d._offers._offers

    @invariant()
    def nobody_is_lost(self) -> None:
        """A caller with a place is in the line, or offered, or told to go."""
        in_line = {waiting.call_id for waiting in self.floor.line}
        for place in self.places:
            offered = self.floor.d.offer_of(place.call.id) is not None
            released = not place.pending and place.taken() is None
            assert (place.call.id in in_line) + offered + released == 1
        assert in_line <= {place.call.id for place in self.places}

    @invariant()
    def nobody_waits_while_an_agent_is_free(self) -> None:
        """Every offer that can be made has been made."""
        if not self.link:
            return
        now = self.floor.clock.now()
        for waiting in self.floor.line:
            assert not any(
                why_not(facts_of(agent), waiting.demand, now) is None for agent in self.floor.roster
            )


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
