"""An offer: one call for one agent, who is reserved for it."""

from dataclasses import dataclass

from callcenter.calls.call import Call
from callcenter.ids import AgentId, Extension, OfferId
from callcenter.routing.decision import Decision
from callcenter.routing.facts import Reason
from callcenter.routing.words import words


@dataclass(frozen=True, slots=True)
class Offer:
    """``until``: monotonic end of the reservation's lease; ``because``: what decided for this agent; ``decision``: all
    that it was decided from, None when nobody chose (the agent was claimed)."""

    id: OfferId
    call: Call
    agent_id: AgentId
    extension: Extension
    until: float
    because: Reason
    decision: Decision | None = None

    @property
    def why(self) -> str:
        """What decided, in words."""
        return words(self.because)

    @property
    def hard(self) -> bool:
        """Is the call of a kind that wears people out?"""
        return self.decision is not None and self.decision.waiting.demand.hard
