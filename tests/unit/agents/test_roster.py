"""The roster: every transition of an agent's states, the screen's lease, phones, offers and wrap-up."""

import math

import pytest

from callcenter.agents.events import AgentChanged, AgentLoggedOut, WrapUpEnded, WrapUpStarted
from callcenter.agents.roster import Roster, RosterRules
from callcenter.agents.states import (
    LOGIN,
    SYSTEM_LEASE_LOST,
    SYSTEM_RONA,
    Agent,
    Presence,
    RoutingState,
    effective,
    lease_ends,
)
from callcenter.agents.work import Work
from callcenter.bus import Bus
from callcenter.calls.events import PhoneState
from callcenter.clock import ManualClock
from callcenter.errors import Conflict, NotFound
from callcenter.ids import AgentId, CallId, Extension, OfferId, QueueName
from callcenter.routing.facts import Reason, facts_of, unavailable
from callcenter.timers import ManualTimers

pytestmark = pytest.mark.unit

S = RoutingState
SALES, SUPPORT = QueueName("sales"), QueueName("support")
A, B = AgentId(1), AgentId(2)
OFFER, CALL, OTHER = OfferId("o1"), CallId("c1"), CallId("c2")


def why_not(agent: Agent, now: float = 0.0) -> Reason | None:
    """Why this agent is not free for any call."""
    return unavailable(facts_of(agent), now)


class Desk:
    """A roster on a clock that is moved by hand."""

    def __init__(self, *, missed_limit: int = 1) -> None:
        self.clock = ManualClock()
        self.timers = ManualTimers()
        self.bus = Bus()
        self.told: list[object] = []
        for kind in (AgentChanged, AgentLoggedOut, WrapUpStarted, WrapUpEnded):
            self.bus.subscribe(kind, self.told.append)
        self.roster = Roster(self.bus, self.clock, self.timers, RosterRules(15, missed_limit))

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and timers fire."""
        self.clock.move(seconds)
        self.timers.fire(self.clock.now())

    def agent(self, agent_id: AgentId = A, extension: str = "1001", *, ready: bool = True) -> Agent:
        """Logged in, a screen open, the phone free."""
        agent = self.roster.log_in(agent_id, f"Agent {agent_id}", Extension(extension), frozenset({SALES}))
        self.roster.screen_opened(agent_id)
        self.roster.phone_changed(Extension(extension), PhoneState.IDLE)
        if ready:
            self.roster.ready(agent_id)
        return agent

    def state(self, agent_id: AgentId = A) -> RoutingState:
        """The routing state."""
        return self.roster.get(agent_id).state

    def reserve(self, seconds: float = 25) -> None:
        """Hold agent A for the offer."""
        self.roster.reserve(A, OFFER, CALL, self.clock.now() + seconds)


def test_logging_in() -> None:
    """Not ready at first; the phone is theirs; nobody else gets it; somebody unknown has words."""
    desk = Desk()
    agent = desk.agent(ready=False)
    assert (agent.state, agent.reason, agent.presence) == (S.NOT_READY, LOGIN, Presence.NOT_READY)
    assert desk.roster.by_extension(Extension("1001")) is agent
    with pytest.raises(Conflict) as refused:
        desk.agent(B)
    assert refused.value.code == "phone_in_use"
    assert "Agent 1" in refused.value.message
    with pytest.raises(NotFound) as unknown:
        desk.roster.ready(AgentId(9))
    assert unknown.value.code == "not_logged_in"
    assert len(desk.roster) == 1


def test_logging_in_again() -> None:
    """The same phone changes nothing but the queues and the skills; another phone only when there is no call."""
    desk = Desk()
    agent = desk.agent()
    assert agent.skills == {}
    desk.roster.log_in(A, "Agent 1", Extension("1001"), frozenset({SUPPORT}), {"spanish": 2})
    assert (agent.state, agent.queues, agent.skills) == (
        S.READY,
        frozenset({SUPPORT}),
        {"spanish": 2},
    )
    desk.roster.phone_changed(Extension("1002"), PhoneState.BUSY)
    desk.roster.log_in(A, "Agent 1", Extension("1002"), frozenset({SUPPORT}))
    assert (agent.extension, agent.phone) == ("1002", PhoneState.BUSY)
    desk.reserve()
    with pytest.raises(Conflict):
        desk.roster.log_in(A, "Agent 1", Extension("1001"), frozenset({SUPPORT}))


def test_the_way_of_a_call() -> None:
    """Ready, reserved, on call, wrap-up, ready: each announced with the old state."""
    desk = Desk()
    desk.agent()
    desk.told.clear()
    desk.reserve()
    desk.roster.talk_begun(A, CALL)
    desk.clock.move(60)
    desk.roster.talk_ended(A, CALL, 30)
    desk.pass_time(29.9)
    assert desk.state() is S.WRAP_UP
    desk.pass_time(0.2)
    changes = [(event.old, event.agent) for event in desk.told if isinstance(event, AgentChanged)]
    assert [old for old, _ in changes] == [S.READY, S.RESERVED, S.ON_CALL, S.WRAP_UP]
    assert desk.state() is S.READY
    ended = [event for event in desk.told if isinstance(event, WrapUpEnded)]
    assert [(event.call_id, event.timed_out) for event in ended] == [(CALL, True)]


def test_wrap_up_finished_early() -> None:
    """The timer that was set for it does nothing more, also not to the next wrap-up."""
    desk = Desk()
    desk.agent()
    desk.roster.talk_begun(A, CALL)
    desk.roster.talk_ended(A, CALL, 30)
    desk.pass_time(20)
    assert desk.roster.finish_wrap_up(A) == CALL
    assert desk.roster.finish_wrap_up(A) is None
    desk.roster.talk_begun(A, OTHER)
    desk.roster.talk_ended(A, OTHER, 30)
    desk.pass_time(20)
    assert desk.state() is S.WRAP_UP
    desk.pass_time(10)
    assert desk.state() is S.READY
    assert len([event for event in desk.told if isinstance(event, WrapUpEnded)]) == 2


def test_a_call_during_wrap_up() -> None:
    """It ends the wrap-up at once; the old timer does not end the new call's state."""
    desk = Desk()
    desk.agent()
    desk.roster.talk_begun(A, CALL)
    desk.roster.talk_ended(A, CALL, 30)
    desk.told.clear()
    desk.roster.talk_begun(A, OTHER)
    states = [event.agent.state for event in desk.told if isinstance(event, AgentChanged)]
    assert states == [S.ON_CALL]
    desk.pass_time(60)
    assert desk.state() is S.ON_CALL
    desk.roster.talk_ended(A, OTHER, 0)
    assert desk.state() is S.READY


def test_what_the_agent_chose_in_a_call_holds_after_it() -> None:
    """Not ready during a call: not ready after it, and back again the same way; each word is told to the screen."""
    desk = Desk()
    desk.agent()
    desk.roster.talk_begun(A, CALL)
    desk.told.clear()
    desk.roster.not_ready(A, "LUNCH")
    desk.roster.ready(A)
    desk.roster.not_ready(A, "LUNCH")
    assert len(desk.told) == 3
    assert desk.state() is S.ON_CALL
    desk.roster.talk_ended(A, CALL, 0)
    assert (desk.state(), desk.roster.get(A).reason) == (S.NOT_READY, "LUNCH")


def test_leaving() -> None:
    """Not while a call is offered or goes on; out of a wrap-up that is put on record; then the phone is free."""
    desk = Desk()
    agent = desk.agent()
    desk.reserve()
    for _ in range(2):
        with pytest.raises(Conflict) as refused:
            desk.roster.log_out(A)
        assert refused.value.code == "busy"
        desk.roster.talk_begun(A, CALL)
    desk.roster.talk_ended(A, CALL, 30)
    desk.told.clear()
    desk.roster.log_out(A)
    assert [type(event) for event in desk.told] == [WrapUpEnded, AgentChanged, AgentLoggedOut]
    assert agent.state is S.LOGGED_OUT
    assert desk.roster.find(A) is None
    desk.agent(B)
    desk.pass_time(100)
    assert desk.state(B) is S.READY


# ------------------------------------------------------------ the screen's lease


def test_a_screen_back_within_the_grace() -> None:
    """A reload: no offers while it is away, the same state when it is back."""
    desk = Desk()
    agent = desk.agent()
    desk.roster.screen_closed(A)
    assert (agent.state, why_not(agent)) == (S.READY, Reason("screen"))
    assert lease_ends(agent, 15) == desk.clock.now() + 15
    desk.pass_time(14.9)
    desk.roster.screen_opened(A)
    assert lease_ends(agent, 15) is None
    desk.pass_time(60)
    assert agent.state is S.READY
    assert why_not(agent) is None


def test_a_screen_that_stays_away() -> None:
    """Not ready with that reason; it is no missed call; coming back does not make ready by itself."""
    desk = Desk()
    agent = desk.agent()
    desk.roster.screen_closed(A)
    desk.pass_time(15)
    assert (agent.state, agent.reason, agent.missed_in_row) == (S.NOT_READY, SYSTEM_LEASE_LOST, 0)
    desk.roster.screen_opened(A)
    assert agent.state is S.NOT_READY
    desk.roster.ready(A)
    assert why_not(agent) is None


def test_a_screen_lost_in_a_talk() -> None:
    """The call goes on untouched; after it the agent is not ready."""
    desk = Desk()
    desk.agent()
    desk.roster.talk_begun(A, CALL)
    desk.roster.screen_closed(A)
    desk.pass_time(60)
    assert desk.state() is S.ON_CALL
    desk.roster.talk_ended(A, CALL, 0)
    assert (desk.state(), desk.roster.get(A).reason) == (S.NOT_READY, SYSTEM_LEASE_LOST)


def test_two_tabs() -> None:
    """One tab closed is no loss; closing more than were opened is none either."""
    desk = Desk()
    agent = desk.agent()
    desk.roster.screen_opened(A)
    desk.roster.screen_closed(A)
    desk.pass_time(60)
    assert why_not(agent) is None
    for _ in range(5):
        desk.roster.screen_closed(A)
    assert agent.screens == 0
    desk.roster.screen_opened(A)
    assert agent.screens == 1
    for screen in (desk.roster.screen_opened, desk.roster.screen_closed):
        screen(AgentId(77))


def test_a_reason_that_the_agent_chose_stays() -> None:
    """Who is at lunch when the screen goes is still at lunch."""
    desk = Desk()
    desk.agent()
    desk.roster.not_ready(A, "LUNCH")
    desk.roster.screen_closed(A)
    desk.pass_time(60)
    assert desk.roster.get(A).reason == "LUNCH"


def test_restored_after_our_restart() -> None:
    """The state is given back, the screen has the usual grace to return."""
    for back, state in ((5.0, S.READY), (16.0, S.NOT_READY)):
        desk = Desk()
        desk.roster.log_in(A, "Agent 1", Extension("1001"), frozenset({SALES}))
        desk.roster.restore(A, Presence.READY, "")
        assert why_not(desk.roster.get(A)) is not None
        desk.pass_time(back)
        desk.roster.screen_opened(A)
        desk.pass_time(60)
        assert desk.state() is state


# ------------------------------------------------------------ offers


def test_only_one_offer() -> None:
    """Reserved means held: a second reservation is refused, whatever the state is."""
    desk = Desk()
    agent = desk.agent()
    desk.reserve()
    assert (agent.offer_id, agent.offer_call) == (OFFER, CALL)
    with pytest.raises(Conflict):
        desk.reserve()
    desk.roster.talk_begun(A, CALL)
    with pytest.raises(Conflict):
        desk.reserve()
    desk.roster.talk_ended(A, CALL, 30)
    with pytest.raises(Conflict):
        desk.reserve()
    desk.roster.not_ready(A, "LUNCH")
    desk.roster.finish_wrap_up(A)
    with pytest.raises(Conflict):
        desk.reserve()


def test_ring_no_answer() -> None:
    """Missed: not ready with that reason; not missed: ready again; another offer's end changes nothing."""
    desk = Desk()
    agent = desk.agent()
    desk.reserve()
    desk.roster.release(A, OfferId("another"), missed=True)
    assert agent.state is S.RESERVED
    desk.roster.release(A, OFFER, missed=False)
    assert (desk.state(), agent.missed_in_row) == (S.READY, 0)
    desk.reserve()
    desk.roster.release(A, OFFER, missed=True)
    assert (desk.state(), agent.reason) == (S.NOT_READY, SYSTEM_RONA)
    desk.roster.release(A, OFFER, missed=True)
    desk.roster.release(AgentId(9), OFFER, missed=True)
    assert agent.missed_in_row == 1


def test_the_limit_of_missed_offers() -> None:
    """Only in a row; a talk, and being ready again by hand, begin the count anew."""
    desk = Desk(missed_limit=2)
    agent = desk.agent()
    for _ in range(3):
        desk.reserve()
        desk.roster.release(A, OFFER, missed=True)
        assert desk.state() is S.READY
        desk.roster.talk_begun(A, CALL)
        desk.roster.talk_ended(A, CALL, 0)
    for _ in range(2):
        desk.reserve()
        desk.roster.release(A, OFFER, missed=True)
    assert (desk.state(), agent.reason) == (S.NOT_READY, SYSTEM_RONA)
    desk.roster.ready(A)
    assert agent.missed_in_row == 0


def test_phones() -> None:
    """Who may be rung, in words: only a phone that is free; unknown again when the link is lost."""
    desk = Desk()
    agent = desk.agent()
    for state in PhoneState:
        desk.roster.phone_changed(Extension("1001"), state)
        assert (why_not(agent) is None) == (state is PhoneState.IDLE)
    desk.roster.phone_changed(Extension("1001"), PhoneState.IDLE)
    desk.roster.phones_unknown()
    assert why_not(agent) == Reason("phone", {"state": "unknown"})
    desk.roster.phone_changed(Extension("1002"), PhoneState.IDLE)
    assert desk.agent(B, "1002").phone is PhoneState.IDLE


def test_why_an_agent_is_not_free() -> None:
    """Each state has its own reason."""
    desk = Desk()
    agent = desk.agent(ready=False)
    assert why_not(agent) == Reason("not_ready", {"reason": "LOGIN"})
    desk.roster.ready(A)
    assert why_not(agent) is None
    desk.reserve()
    assert why_not(agent) == Reason("reserved")
    desk.roster.talk_begun(A, CALL)
    assert why_not(agent) == Reason("on_call")
    desk.roster.talk_ended(A, CALL, 30)
    assert why_not(agent, desk.clock.now() + 10) == Reason("wrap_up", {"left": 20.0})


def test_work_counts_what_was_busy() -> None:
    """From the reservation to the end of the wrap-up, and half an hour later a third of it."""
    desk = Desk()
    agent = desk.agent()
    assert agent.work.seconds(desk.clock.now()) == 0
    desk.reserve()
    desk.pass_time(10)
    desk.roster.talk_begun(A, CALL)
    desk.pass_time(100)
    desk.roster.talk_ended(A, CALL, 30)
    desk.pass_time(30)
    assert agent.state is S.READY
    assert agent.work.seconds(desk.clock.now()) == pytest.approx(140)
    assert agent.work.seconds(desk.clock.now() + 1800) == pytest.approx(140 / 2.718281828)


def test_work_orders_agents_as_long_as_they_are_idle() -> None:
    """Who worked less lately stays so, whenever one looks; an hour's talk long ago weighs less than a short one now."""
    long_ago, lately = Work().plus(3600, 0.0), Work().plus(60, 10_000.0)
    assert long_ago.rank < lately.rank
    for now in (10_000.0, 20_000.0):
        assert long_ago.seconds(now) < lately.seconds(now)
    assert long_ago.plus(5, 10_000.0).seconds(10_000.0) == pytest.approx(3600 * math.exp(-10_000 / 1800) + 5)
    assert Work().plus(0, 5.0) == Work()


def test_idle_counts_from_the_last_contact_or_the_first_ready() -> None:
    """An hour between log-in and the first ready is not idle; a break between two calls changes nothing."""
    desk = Desk()
    agent = desk.agent(ready=False)
    desk.pass_time(3600)
    desk.roster.ready(A)
    assert agent.idle_since == desk.clock.now()
    desk.roster.talk_begun(A, CALL)
    desk.pass_time(60)
    desk.roster.talk_ended(A, CALL, 30)
    desk.pass_time(30)
    ended = desk.clock.now()
    desk.roster.not_ready(A, "LUNCH")
    desk.pass_time(600)
    desk.roster.ready(A)
    assert agent.idle_since == ended


def test_effective_is_the_strongest_fact() -> None:
    """A talk over an offer, an offer over a wrap-up, all over presence."""
    agent = Agent(A, "n", Extension("1001"), frozenset())
    for presence, state in (
        (Presence.LOGGED_OUT, S.LOGGED_OUT),
        (Presence.NOT_READY, S.NOT_READY),
        (Presence.READY, S.READY),
    ):
        agent.presence = presence
        assert effective(agent) is state
    agent.wrap_up_call = CALL
    assert effective(agent) is S.WRAP_UP
    agent.offer_id = OFFER
    assert effective(agent) is S.RESERVED
    agent.call_id = CALL
    assert effective(agent) is S.ON_CALL


def test_words_about_nobody_change_nothing() -> None:
    """Events for agents who are not logged in, or for calls they don't have, pass by."""
    desk = Desk()
    desk.agent()
    desk.told.clear()
    desk.roster.talk_begun(AgentId(9), CALL)
    desk.roster.talk_ended(AgentId(9), CALL, 30)
    desk.roster.talk_ended(A, OTHER, 30)
    desk.roster.talk_begun(A, CALL)
    desk.roster.talk_begun(A, CALL)
    assert len(desk.told) == 1
