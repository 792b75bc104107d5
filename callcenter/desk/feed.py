"""Keeps the agents' screens true: every change of an agent or of their call goes to them, and nothing else does."""

from callcenter.agents.events import AgentChanged, AgentLoggedOut, WrapUpEnded, WrapUpStarted
from callcenter.agents.roster import Roster
from callcenter.agents.states import RoutingState
from callcenter.calls.call import Stage
from callcenter.calls.events import (
    CallChanged,
    CallEnded,
    OfferEnded,
    OfferResult,
    TelephonyLost,
    TelephonyUp,
)
from callcenter.calls.live_calls import LiveCalls
from callcenter.clock import Clock
from callcenter.desk.views import agent_view, call_view, wrap_up_view
from callcenter.ids import AgentId, CallId, CustomerId
from callcenter.screen_pop.current import CurrentPops
from callcenter.screen_pop.ports import Screens


class Feed:
    """Handlers on the bus."""

    def __init__(
        self, screens: Screens, roster: Roster, calls: LiveCalls, pops: CurrentPops, clock: Clock
    ) -> None:
        self._screens = screens
        self._roster = roster
        self._calls = calls
        self._pops = pops
        self._clock = clock
        self.telephony_up = False
        self._with_call: set[AgentId] = set()
        """Whose screens show a call."""

    def agent_changed(self, event: AgentChanged) -> None:
        """The agent's own state. A talk that is over for the agent may go on without, with another or in a survey."""
        agent = event.agent
        self._screens.update(agent.id, "agent", {"agent": agent_view(agent, self._clock.now())})
        if event.old is RoutingState.ON_CALL and agent.state is not RoutingState.ON_CALL:
            self._no_call(agent.id)
            pop = self._pops.of(agent.id)
            if pop is not None and agent.wrap_up_call is None:
                self._close_pop(agent.id, pop.call_id)

    def agent_logged_out(self, event: AgentLoggedOut) -> None:
        """The last word to a screen."""
        view = agent_view(event.agent, self._clock.now())
        self._screens.update(event.agent.id, "agent", {"agent": view})

    def call_changed(self, event: CallChanged) -> None:
        """The call that the agent has or is offered."""
        if event.call.agent_id is not None and event.call.stage is not Stage.ENDED:
            self._with_call.add(event.call.agent_id)
            self._screens.update(
                event.call.agent_id, "call", {"call": call_view(event.call, self._clock.now())}
            )

    def call_ended(self, event: CallEnded) -> None:
        """No call any more; the pop stays as long as the wrap-up does."""
        agent_id = event.call.agent_id
        if agent_id is None:
            return
        self._no_call(agent_id)
        agent = self._roster.find(agent_id)
        if agent is None or agent.wrap_up_call != event.call.id:
            self._close_pop(agent_id, event.call.id)

    def offer_ended(self, event: OfferEnded) -> None:
        """An offer that came to nothing leaves the screen."""
        if event.result is not OfferResult.ANSWERED:
            self._no_call(event.agent_id)
            self._close_pop(event.agent_id, event.call.id)

    def wrap_up_started(self, event: WrapUpStarted) -> None:
        """Time to write."""
        agent = self._roster.find(event.agent_id)
        if agent is not None:
            view = wrap_up_view(agent, self._customer(event.agent_id), self._clock.now())
            self._screens.update(event.agent_id, "wrap_up", {"wrap_up": view})

    def wrap_up_ended(self, event: WrapUpEnded) -> None:
        """Done."""
        self._screens.update(event.agent_id, "wrap_up", {"wrap_up": None})
        self._close_pop(event.agent_id, event.call_id)

    def telephony_lost(self, _event: TelephonyLost) -> None:
        """Say so on every screen."""
        self._telephony(up=False)

    def telephony_back(self, _event: TelephonyUp) -> None:
        """And when it is back."""
        self._telephony(up=True)

    def _telephony(self, *, up: bool) -> None:
        self.telephony_up = up
        for agent in self._roster:
            self._screens.update(agent.id, "telephony", {"telephony": "up" if up else "down"})

    def _no_call(self, agent_id: AgentId) -> None:
        if agent_id in self._with_call:
            self._with_call.discard(agent_id)
            self._screens.update(agent_id, "call", {"call": None})

    def _customer(self, agent_id: AgentId) -> CustomerId | None:
        pop = self._pops.of(agent_id)
        return pop.customer.id if pop and pop.customer else None

    def _close_pop(self, agent_id: AgentId, call_id: CallId) -> None:
        if self._pops.close(agent_id, call_id):
            self._screens.update(agent_id, "pop", {"pop": None})
