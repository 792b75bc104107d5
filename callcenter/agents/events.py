"""What happens to agents. [the agent, supervisors]"""

from dataclasses import dataclass

from callcenter.agents.states import Agent, RoutingState
from callcenter.ids import AgentId, CallId


@dataclass(frozen=True, slots=True)
class AgentChanged:
    """The routing state, the reason, the phone or the screens of an agent changed."""

    agent: Agent
    old: RoutingState
    at: float


@dataclass(frozen=True, slots=True)
class AgentLoggedOut:
    """The agent is gone from the roster."""

    agent: Agent
    at: float


@dataclass(frozen=True, slots=True)
class WrapUpStarted:
    """The agent has time to note what the call was about; it ends by itself."""

    agent_id: AgentId
    call_id: CallId
    at: float
    until: float


@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    """The wrap-up is over, by the agent or by the timer."""

    agent_id: AgentId
    call_id: CallId
    at: float
    timed_out: bool
