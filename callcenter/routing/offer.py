"""An offer: one call for one agent, who is reserved for it."""

from dataclasses import dataclass

from callcenter.calls.call import Call
from callcenter.ids import AgentId, Extension, OfferId


@dataclass(frozen=True, slots=True)
class Offer:
    """``until``: monotonic end of the reservation's lease; ``why``: the reason, in words."""

    id: OfferId
    call: Call
    agent_id: AgentId
    extension: Extension
    until: float
    why: str
    idle_seconds: float
    """How long the agent has been idle, which is what decided."""
