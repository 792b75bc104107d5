"""What this stage needs of the screens."""

from typing import Any, Protocol

from callcenter.ids import AgentId
from callcenter.screen_pop.pop import Pop


class Screens(Protocol):
    """The open pages of the agents. Nothing here waits on a slow page but ``show_pop``, and that not long."""

    async def show_pop(self, agent_id: AgentId, pop: Pop, limit: float) -> bool:
        """Send the pop to all screens of an agent; True as soon as one of them acknowledged it, False when
        none did within ``limit`` seconds. The pop stays the agent's current pop for later snapshots."""

    def update(self, agent_id: AgentId, kind: str, data: dict[str, Any]) -> None:
        """Send a small change (``agent``, ``call``, ``wrap_up``) to the agent's screens."""
