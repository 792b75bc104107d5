"""Looks, by a way of its own, whether somebody waits while an agent who could serve is free: that must not be.

The distributor keeps ready what it decides from; this looks at everybody. Found twice, ``LONGEST`` seconds apart, it is
an alarm, and the distributor looks at everything anew.
"""

import asyncio
from collections.abc import Iterator

import structlog

from callcenter.agents.roster import Roster
from callcenter.agents.states import Agent, RoutingState
from callcenter.clock import Clock
from callcenter.ids import AgentId, CallId
from callcenter.routing.demand import Demand
from callcenter.routing.distributor import Distributor
from callcenter.routing.facts import AgentFacts, facts_of, why_not

log = structlog.get_logger(__name__)

LOOK_EVERY = 1.0
"""Seconds."""
LONGEST = 2.0
"""Seconds that a caller may wait beside a free agent before it is an alarm."""


class Watch:
    """``run`` looks each second, for ever. ``alarms``: how many there were."""

    def __init__(self, distributor: Distributor, roster: Roster, clock: Clock) -> None:
        self._distributor = distributor
        self._roster = roster
        self._clock = clock
        self._seen: dict[tuple[CallId, AgentId], float] = {}
        self.alarms = 0

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self.look()

    def look(self) -> bool:
        """True when there was an alarm."""
        now = self._clock.now()
        pairs = set(self._overlooked(now)) if self._distributor.offering else set()
        self._seen = {pair: self._seen.get(pair, now) for pair in pairs}
        late = next((pair for pair, since in self._seen.items() if now - since >= LONGEST), None)
        if late is None:
            return False
        self.alarms += 1
        log.error("a caller waits while an agent is free", call_id=late[0], agent_id=late[1])
        self._seen.clear()
        self._distributor.rebuild()
        return True

    def _overlooked(self, now: float) -> Iterator[tuple[CallId, AgentId]]:
        """The first of each class that an agent is free for, and that agent."""
        free = [facts_of(agent) for agent in self._roster if _might_be_free(agent)]
        if not free:
            return
        line = self._distributor.line
        for demand in line.demands():
            agent = next((one for one in free if _serves(one, demand, now)), None)
            if agent is not None:
                yield from ((head.call_id, agent.id) for head in line.heads_of([demand]))


def _might_be_free(agent: Agent) -> bool:
    return agent.state is RoutingState.READY and agent.screens > 0


def _serves(agent: AgentFacts, demand: Demand, now: float) -> bool:
    return why_not(agent, demand, now) is None
