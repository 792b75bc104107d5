"""Puts on record what happens to calls, as it happens."""

from dataclasses import replace

from callcenter.agents.events import AgentChanged, AgentLoggedOut
from callcenter.agents.states import Agent
from callcenter.calls.events import CallChanged, CallEnded, CallOffered, OfferEnded
from callcenter.clock import Clock
from callcenter.history.ports import OfferRow, PresenceRow, Recorder
from callcenter.ids import AgentId, OfferId


class Keeper:
    """Handlers on the bus."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock
        self._offers: dict[OfferId, OfferRow] = {}
        self._presences: dict[AgentId, tuple[str, str, str]] = {}

    def call_changed(self, event: CallChanged) -> None:
        """The call as it is now."""
        self._recorder.call(event.call)

    def call_ended(self, event: CallEnded) -> None:
        """The call as it was."""
        self._recorder.call(event.call)

    def call_offered(self, event: CallOffered) -> None:
        """An offer begins."""
        row = OfferRow(
            event.offer_id,
            event.call.id,
            event.agent_id,
            self._clock.wall(),
            None,
            "offered",
            event.why,
            event.decision.packed() if event.decision is not None else "",
        )
        self._offers[event.offer_id] = row
        self._recorder.offer(row)

    def offer_ended(self, event: OfferEnded) -> None:
        """An offer ends."""
        began = self._offers.pop(event.offer_id, None)
        if began is None:
            return
        self._recorder.offer(replace(began, ended_at=self._clock.wall(), result=event.result.value))

    def agent_changed(self, event: AgentChanged) -> None:
        """What the agent chose, or what was chosen for them (a call that was missed, a screen that is gone)."""
        self._keep(event.agent)

    def agent_logged_out(self, event: AgentLoggedOut) -> None:
        """Nothing to give back any more."""
        self._keep(event.agent)

    def _keep(self, agent: Agent) -> None:
        now = (agent.extension, agent.presence.value, agent.reason)
        if self._presences.get(agent.id) == now:
            return
        self._presences[agent.id] = now
        self._recorder.presence(
            PresenceRow(agent.id, agent.extension, agent.presence.value, agent.reason, self._clock.wall())
        )
