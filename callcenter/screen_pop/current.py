"""Which pop each agent has on the screen now: for reloads, and so that one call pops once."""

from callcenter.ids import AgentId, CallId
from callcenter.screen_pop.pop import Pop


class CurrentPops:
    """One pop an agent; a new one replaces the old."""

    def __init__(self) -> None:
        self._pops: dict[AgentId, Pop] = {}

    def set(self, agent_id: AgentId, pop: Pop) -> None:
        """This is what the agent sees."""
        self._pops[agent_id] = pop

    def of(self, agent_id: AgentId) -> Pop | None:
        """What the agent sees."""
        return self._pops.get(agent_id)

    def close(self, agent_id: AgentId, call_id: CallId) -> bool:
        """Take the pop of this call away; False when another one is shown."""
        pop = self._pops.get(agent_id)
        if pop is None or pop.call_id != call_id:
            return False
        del self._pops[agent_id]
        return True
