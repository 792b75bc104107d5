"""Shows a pop, and takes it away again."""

from collections.abc import Mapping

import structlog

from callcenter.calls.call import Call
from callcenter.clock import Clock
from callcenter.customers.lookup import Match
from callcenter.ids import AgentId, CallId, OfferId, QueueName
from callcenter.screen_pop.current import CurrentPops
from callcenter.screen_pop.pop import Why, compose
from callcenter.screen_pop.ports import Screens

log = structlog.get_logger(__name__)


class Presenter:
    """``titles``: each queue's title in English and Chinese; ``ack_limit``: seconds to wait for a screen."""

    def __init__(
        self,
        screens: Screens,
        current: CurrentPops,
        clock: Clock,
        titles: Mapping[QueueName, tuple[str, str]],
        ack_limit: float,
    ) -> None:
        self._screens = screens
        self._current = current
        self._clock = clock
        self._titles = titles
        self._ack_limit = ack_limit

    async def show(
        self,
        agent_id: AgentId,
        call: Call,
        match: Match,
        *,
        why: Why,
        offer_id: OfferId | None = None,
        why_seconds: float | None = None,
        put_through_by: str = "",
    ) -> bool:
        """Show the pop; True when a screen confirmed it in time. A slow screen delays the phone by no more
        than the limit."""
        titles = self._titles.get(call.queue, ("", "")) if call.queue else ("", "")
        pop = compose(
            call,
            match,
            self._clock.now(),
            offer_id=offer_id,
            titles=titles,
            why=why,
            why_seconds=why_seconds,
            put_through_by=put_through_by,
        )
        self._current.set(agent_id, pop)
        shown = await self._screens.show_pop(agent_id, pop, self._ack_limit)
        if not shown:
            log.info("pop not confirmed in time", call_id=call.id, agent_id=agent_id, limit=self._ack_limit)
        return shown

    def close(self, agent_id: AgentId, call_id: CallId) -> None:
        """The call is not this agent's any more."""
        if self._current.close(agent_id, call_id):
            self._screens.update(agent_id, "pop", {"pop": None})
