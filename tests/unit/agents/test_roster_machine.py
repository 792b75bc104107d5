"""Everything that can happen to agents, in any order: what must never be, never is."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from callcenter.agents.events import AgentChanged, AgentLoggedOut, WrapUpEnded, WrapUpStarted
from callcenter.agents.roster import Roster, RosterRules
from callcenter.agents.states import Presence, RoutingState, effective
from callcenter.bus import Bus
from callcenter.calls.events import PhoneState
from callcenter.clock import ManualClock
from callcenter.errors import CallcenterError
from callcenter.ids import AgentId, CallId, Extension, OfferId, QueueName
from callcenter.routing.facts import facts_of, unavailable
from callcenter.timers import ManualTimers

pytestmark = pytest.mark.unit

QUEUE = QueueName("sales")
agents = st.sampled_from([AgentId(n) for n in (1, 2, 3)])
phones = st.sampled_from([Extension(name) for name in ("1001", "1002")])
calls = st.sampled_from([CallId(f"c{n}") for n in range(4)])


class Roving(RuleBasedStateMachine):
    """Orders and events in any order; refusals are fine, contradictions are not."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.timers, bus = ManualClock(), ManualTimers(), Bus()
        self.roster = Roster(bus, self.clock, self.timers, RosterRules(15, 2))
        self.shown: dict[AgentId, RoutingState] = {}
        self.wrapping: set[AgentId] = set()
        self.offers: dict[AgentId, OfferId] = {}
        self.count = 0
        bus.subscribe(AgentChanged, self._changed)
        bus.subscribe(AgentLoggedOut, lambda event: self._gone(event.agent.id))
        bus.subscribe(WrapUpStarted, lambda event: self.wrapping.add(event.agent_id))
        bus.subscribe(WrapUpEnded, lambda event: self.wrapping.remove(event.agent_id))

    def _changed(self, event: AgentChanged) -> None:
        self.shown[event.agent.id] = event.agent.state
        # Whoever hears of a ready agent may reserve them at once, as the distributor does.
        if event.agent.id in self.eager and unavailable(facts_of(event.agent), self.clock.now()) is None:
            self.eager.discard(event.agent.id)
            self._reserve(event.agent.id, CallId("eager"))

    eager: set[AgentId] = set()  # noqa: RUF012  replaced for each run

    def _gone(self, agent_id: AgentId) -> None:
        assert agent_id not in self.wrapping
        self.shown.pop(agent_id, None)
        self.offers.pop(agent_id, None)

    def _reserve(self, agent_id: AgentId, call_id: CallId) -> None:
        self.count += 1
        offer = OfferId(f"o{self.count}")
        before = self.roster.get(agent_id)
        held = before.offer_id
        try:
            self.roster.reserve(agent_id, offer, call_id, self.clock.now() + 25)
        except CallcenterError:
            assert self.roster.get(agent_id).offer_id == held
            return
        assert held is None
        self.offers[agent_id] = offer

    @rule(agent=agents)
    def somebody_waits_for(self, agent: AgentId) -> None:
        """The next time this agent becomes free, an offer is made in that very moment."""
        self.eager = self.eager | {agent}

    @rule(agent=agents, phone=phones)
    def log_in(self, agent: AgentId, phone: Extension) -> None:
        """Maybe refused."""
        try:
            self.roster.log_in(agent, f"Agent {agent}", phone, frozenset({QUEUE}))
        except CallcenterError:
            return

    @rule(agent=agents)
    def log_out(self, agent: AgentId) -> None:
        """Never out of a call or an offer."""
        known = self.roster.find(agent)
        try:
            self.roster.log_out(agent)
        except CallcenterError:
            return
        assert known is not None
        assert known.offer_id is None
        assert known.call_id is None

    @rule(agent=agents, ready=st.booleans())
    def choose(self, agent: AgentId, ready: bool) -> None:
        """Presence."""
        if self.roster.find(agent) is None:
            return
        if ready:
            self.roster.ready(agent)
        else:
            self.roster.not_ready(agent, "BREAK")

    @rule(agent=agents, opened=st.booleans())
    def screen(self, agent: AgentId, opened: bool) -> None:
        """A socket comes or goes."""
        (self.roster.screen_opened if opened else self.roster.screen_closed)(agent)

    @rule(phone=phones, state=st.sampled_from(PhoneState))
    def phone(self, phone: Extension, state: PhoneState) -> None:
        """A device state."""
        self.roster.phone_changed(phone, state)

    @rule(agent=agents, call=calls)
    def reserve(self, agent: AgentId, call: CallId) -> None:
        """An offer."""
        if self.roster.find(agent) is not None:
            self._reserve(agent, call)

    @rule(agent=agents, missed=st.booleans(), mine=st.booleans())
    def release(self, agent: AgentId, missed: bool, mine: bool) -> None:
        """The end of the offer, or of one that is long over."""
        offer = self.offers.get(agent, OfferId("none")) if mine else OfferId("old")
        self.roster.release(agent, offer, missed=missed)

    @rule(agent=agents, call=calls)
    def talk_begins(self, agent: AgentId, call: CallId) -> None:
        """Whoever arranged it."""
        self.roster.talk_begun(agent, call)

    @rule(agent=agents, call=calls, wrap_up=st.sampled_from([0, 30]))
    def talk_ends(self, agent: AgentId, call: CallId, wrap_up: int) -> None:
        """Maybe one that they don't have."""
        self.roster.talk_ended(agent, call, wrap_up)

    @rule(agent=agents)
    def finish(self, agent: AgentId) -> None:
        """The wrap-up."""
        if self.roster.find(agent) is not None:
            self.roster.finish_wrap_up(agent)

    @rule(seconds=st.sampled_from([1, 14, 15, 31, 100]))
    def time(self, seconds: int) -> None:
        """Passes."""
        self.clock.move(seconds)
        self.timers.fire(self.clock.now())

    @invariant()
    def states_are_what_the_facts_give(self) -> None:
        """Settled after every step, and what was told last is what is."""
        for agent in self.roster:
            assert agent.state is effective(agent)
            assert self.shown[agent.id] is agent.state
            assert (agent.offer_id is None) == (agent.offer_call is None)

    @invariant()
    def one_thing_at_a_time(self) -> None:
        """Ready without any work; a call leaves no offer and no wrap-up standing."""
        for agent in self.roster:
            if agent.state is RoutingState.READY:
                assert (agent.call_id, agent.offer_id, agent.wrap_up_call) == (None, None, None)
                assert agent.presence is Presence.READY
            if agent.state is RoutingState.ON_CALL:
                assert (agent.offer_id, agent.wrap_up_call) == (None, None)
            assert agent.screens >= 0
            assert (agent.wrap_up_call is not None) == (agent.id in self.wrapping)

    @invariant()
    def a_phone_has_one_holder(self) -> None:
        """And is found by it."""
        held = [agent.extension for agent in self.roster]
        assert len(held) == len(set(held))

    @invariant()
    def nobody_is_offered_without_screen_and_phone(self) -> None:
        """Eligible only with all three: state, screen, free phone."""
        for agent in self.roster:
            if unavailable(facts_of(agent), self.clock.now()) is None:
                assert agent.state is RoutingState.READY
                assert agent.screens > 0
                assert agent.phone is PhoneState.IDLE


TestRoving = Roving.TestCase
TestRoving.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
