"""The agents who are logged in. Each change is one synchronous step, announced with the old state."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from callcenter.agents.events import AgentChanged, AgentLoggedOut, WrapUpEnded, WrapUpStarted
from callcenter.agents.states import (
    BUSY,
    LOGIN,
    SYSTEM_LEASE_LOST,
    SYSTEM_RONA,
    Agent,
    Presence,
    RoutingState,
    effective,
)
from callcenter.bus import Bus
from callcenter.calls.events import PhoneState
from callcenter.calls.skills import Levels
from callcenter.clock import Clock
from callcenter.errors import Conflict, NotFound
from callcenter.ids import AgentId, CallId, Extension, OfferId, QueueName
from callcenter.timers import Timers


@dataclass(frozen=True, slots=True)
class RosterRules:
    """``screen_grace``: seconds for a lost screen to come back; ``missed_limit``: offers missed in a row
    before the agent is set to not ready."""

    screen_grace: float = 15.0
    missed_limit: int = 1


class Roster:
    """By id and by phone. Raises ``NotFound`` for somebody who is not logged in, ``Conflict`` when the
    present state does not allow what is asked."""

    def __init__(self, bus: Bus, clock: Clock, timers: Timers, rules: RosterRules) -> None:
        self._bus = bus
        self._clock = clock
        self._timers = timers
        self._rules = rules
        self._agents: dict[AgentId, Agent] = {}
        self._holders: dict[Extension, AgentId] = {}
        """Who holds which phone."""
        self._phones: dict[Extension, PhoneState] = {}

    def __iter__(self) -> Iterator[Agent]:
        return iter(self._agents.values())

    def __len__(self) -> int:
        return len(self._agents)

    def find(self, agent_id: AgentId) -> Agent | None:
        """The agent, if logged in."""
        return self._agents.get(agent_id)

    def get(self, agent_id: AgentId) -> Agent:
        """The agent; raises ``NotFound`` when not logged in."""
        if (agent := self._agents.get(agent_id)) is None:
            raise NotFound("You are not logged in to a phone: log in first.", code="not_logged_in")
        return agent

    def by_extension(self, extension: Extension) -> Agent | None:
        """Who holds this phone."""
        agent_id = self._holders.get(extension)
        return self._agents.get(agent_id) if agent_id is not None else None

    # -------------------------------------------------------- presence

    def log_in(
        self,
        agent_id: AgentId,
        name: str,
        extension: Extension,
        queues: frozenset[QueueName],
        skills: Levels | None = None,
    ) -> Agent:
        """Take a phone. Coming back with the same phone changes nothing but the queues and the skills."""
        holder = self.by_extension(extension)
        if holder is not None and holder.id != agent_id:
            raise Conflict(
                f"Phone {extension} is in use by {holder.name}: choose another.", code="phone_in_use"
            )
        agent = self._agents.get(agent_id)
        if agent is not None and agent.extension != extension:
            if agent.state not in {RoutingState.NOT_READY, RoutingState.READY}:
                raise Conflict("Finish the call and the wrap-up before you change the phone.", code="busy")
            del self._holders[agent.extension]
            agent.extension, agent.phone = extension, self._phones.get(extension, PhoneState.UNKNOWN)
        if agent is None:
            now = self._clock.now()
            phone = self._phones.get(extension, PhoneState.UNKNOWN)
            agent = Agent(agent_id, name, extension, queues, since=now, idle_since=now, phone=phone)
            self._agents[agent_id] = agent
        self._holders[extension] = agent_id
        agent.queues, agent.skills = queues, dict(skills or {})
        self._announce(agent, RoutingState.LOGGED_OUT)
        return agent

    def restore(self, agent_id: AgentId, presence: Presence, reason: str) -> None:
        """Give a restarted core's agent their state back; the screen has the usual grace to return."""
        agent = self.get(agent_id)
        agent.presence, agent.reason = presence, reason
        agent.screen_lost = self._clock.now()
        self._watch_lease(agent)
        self._settle(agent)

    def log_out(self, agent_id: AgentId) -> None:
        """Leave. Not while a call is offered or going on."""
        agent = self.get(agent_id)
        if agent.state in {RoutingState.RESERVED, RoutingState.ON_CALL}:
            raise Conflict("Finish the call before you log out.", code="busy")
        # Not ready first: the end of the wrap-up must not make an agent who leaves free for the next caller.
        agent.presence = Presence.NOT_READY
        if agent.wrap_up_call is not None:
            self.finish_wrap_up(agent_id)
        self._timers.cancel(("lease", agent_id))
        del self._agents[agent_id], self._holders[agent.extension]
        agent.presence, agent.state = Presence.LOGGED_OUT, RoutingState.LOGGED_OUT
        self._bus.publish(AgentLoggedOut(agent, self._clock.now()))

    def ready(self, agent_id: AgentId) -> None:
        """The agent wants calls; takes effect after a call or wrap-up that is still going on."""
        agent = self.get(agent_id)
        if agent.reason == LOGIN:
            agent.idle_since = self._clock.now()
        agent.presence, agent.reason, agent.missed_in_row = Presence.READY, "", 0
        self._settle(agent, force=True)

    def not_ready(self, agent_id: AgentId, reason: str) -> None:
        """The agent wants none for now; a call that is offered already stays offered."""
        agent = self.get(agent_id)
        agent.presence, agent.reason = Presence.NOT_READY, reason
        self._settle(agent, force=True)

    # -------------------------------------------------------- signs of life

    def screen_opened(self, agent_id: AgentId) -> None:
        """A screen's socket is there."""
        if (agent := self._agents.get(agent_id)) is not None:
            agent.screens += 1
            agent.screen_lost = None
            self._timers.cancel(("lease", agent_id))
            self._settle(agent, force=True)

    def screen_closed(self, agent_id: AgentId) -> None:
        """A socket went. The last one gone stops offers at once; the state is kept for the grace time."""
        agent = self._agents.get(agent_id)
        if agent is None or agent.screens == 0:
            return
        agent.screens -= 1
        if agent.screens == 0:
            agent.screen_lost = self._clock.now()
            self._watch_lease(agent)
        self._settle(agent, force=True)

    def phone_changed(self, extension: Extension, state: PhoneState) -> None:
        """Asterisk says what a phone does."""
        self._phones[extension] = state
        agent = self.by_extension(extension)
        if agent is not None and agent.phone is not state:
            agent.phone = state
            self._settle(agent, force=True)

    def phones_unknown(self) -> None:
        """The link to Asterisk is down: nobody can be rung."""
        for extension in list(self._phones):
            self.phone_changed(extension, PhoneState.UNKNOWN)

    # -------------------------------------------------------- offers and talks

    def reserve(self, agent_id: AgentId, offer_id: OfferId, call_id: CallId, until: float) -> Agent:
        """Hold the agent for one offer; raises ``Conflict`` unless READY, so that two can't happen."""
        agent = self.get(agent_id)
        if agent.state is not RoutingState.READY:
            raise Conflict(f"{agent.name} is {agent.state.value}", code="not_ready")
        agent.offer_id, agent.offer_call, agent.offer_until = offer_id, call_id, until
        self._settle(agent)
        return agent

    def release(self, agent_id: AgentId, offer_id: OfferId, *, missed: bool) -> None:
        """The offer is over without a talk; a missed one counts towards not ready. An offer that is not the
        agent's present one changes nothing."""
        agent = self._agents.get(agent_id)
        if agent is None or agent.offer_id != offer_id:
            return
        agent.offer_id = agent.offer_call = None
        if missed:
            agent.missed_in_row += 1
            if agent.missed_in_row >= self._rules.missed_limit and agent.presence is Presence.READY:
                agent.presence, agent.reason = Presence.NOT_READY, SYSTEM_RONA
        self._settle(agent)

    def took(self, agent_id: AgentId, *, hard: bool) -> None:
        """The agent took a call of the line; hard ones wear out."""
        if (agent := self._agents.get(agent_id)) is not None:
            agent.last_hard = hard

    def talk_begun(self, agent_id: AgentId, call_id: CallId) -> None:
        """The agent has a call, whoever arranged it."""
        agent = self._agents.get(agent_id)
        if agent is None or agent.call_id == call_id:
            return
        # The call first: the end of the wrap-up must not make the agent free for another in between.
        agent.offer_id = agent.offer_call = None
        agent.call_id, agent.missed_in_row = call_id, 0
        agent.recent_calls.append(call_id)
        if agent.wrap_up_call is not None:
            self.finish_wrap_up(agent_id)
        self._settle(agent)

    def talk_ended(self, agent_id: AgentId, call_id: CallId, wrap_up_seconds: float) -> None:
        """The talk is over; wrap-up begins unless it has no time."""
        agent = self._agents.get(agent_id)
        if agent is None or agent.call_id != call_id:
            return
        now = self._clock.now()
        agent.call_id, agent.idle_since = None, now
        if wrap_up_seconds > 0:
            agent.wrap_up_call, agent.wrap_up_until = call_id, now + wrap_up_seconds
            self._timers.at(
                ("wrap-up", agent_id), agent.wrap_up_until, self._wrap_up_timer(agent_id, call_id)
            )
        self._settle(agent)
        if wrap_up_seconds > 0:
            self._bus.publish(WrapUpStarted(agent_id, call_id, now, agent.wrap_up_until))

    def finish_wrap_up(self, agent_id: AgentId, *, timed_out: bool = False) -> CallId | None:
        """End the wrap-up; gives the call it was for, None when there was none."""
        agent = self.get(agent_id)
        call_id = agent.wrap_up_call
        if call_id is None:
            return None
        self._timers.cancel(("wrap-up", agent_id))
        now = self._clock.now()
        agent.wrap_up_call, agent.idle_since = None, now
        self._bus.publish(WrapUpEnded(agent_id, call_id, now, timed_out))
        self._settle(agent)
        return call_id

    # -------------------------------------------------------- inside

    def _wrap_up_timer(self, agent_id: AgentId, call_id: CallId) -> Callable[[], None]:
        def ended() -> None:
            agent = self._agents.get(agent_id)
            if agent is not None and agent.wrap_up_call == call_id:
                self.finish_wrap_up(agent_id, timed_out=True)

        return ended

    def _watch_lease(self, agent: Agent) -> None:
        lost = agent.screen_lost if agent.screen_lost is not None else self._clock.now()

        def lapsed() -> None:
            if (
                self._agents.get(agent.id) is agent
                and agent.screens == 0
                and agent.presence is Presence.READY
            ):
                agent.presence, agent.reason = Presence.NOT_READY, SYSTEM_LEASE_LOST
                self._settle(agent, force=True)

        self._timers.at(("lease", agent.id), lost + self._rules.screen_grace, lapsed)

    def _settle(self, agent: Agent, *, force: bool = False) -> None:
        """Work out the state that the facts give, and tell if it changed (``force``: tell anyway)."""
        old, agent.state = agent.state, effective(agent)
        if agent.state is not old:
            agent.since = self._clock.now()
            if old not in BUSY and agent.state in BUSY:
                agent.busy_since = agent.since
            elif old in BUSY and agent.state not in BUSY:
                agent.work = agent.work.plus(agent.since - agent.busy_since, agent.since)
        if force or agent.state is not old:
            self._announce(agent, old)

    def _announce(self, agent: Agent, old: RoutingState) -> None:
        self._bus.publish(AgentChanged(agent, old, self._clock.now()))
