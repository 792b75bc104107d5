"""The policy of an agent's states, as pure functions.

Presence is what the person chose: READY, or NOT_READY with a reason. The routing state is what the core knows::

    LOGGED_OUT ─> NOT_READY <─> READY ─> RESERVED ─> ON_CALL <─> (hold is the call's) ─> WRAP_UP ─┐
                      ^           ^          │                                                    │
                      └───────────┴──────────┴────────────────────────────────────────────────────┘

The functions that hold policy: ``effective`` (which state follows from the facts), ``at_work`` (is waiting for this
agent any use), ``lease_ends`` (when a lost screen counts). Who may be offered which call is ``routing``'s.
"""

import enum
from collections import deque
from dataclasses import dataclass, field

from callcenter.agents.work import NO_WORK, Work
from callcenter.calls.events import PhoneState
from callcenter.calls.skills import Levels
from callcenter.ids import AgentId, CallId, Extension, OfferId, QueueName


class Presence(enum.StrEnum):
    """What the agent chose."""

    LOGGED_OUT = "logged_out"
    NOT_READY = "not_ready"
    READY = "ready"


class RoutingState(enum.StrEnum):
    """What the core knows."""

    LOGGED_OUT = "logged_out"
    NOT_READY = "not_ready"
    READY = "ready"
    RESERVED = "reserved"
    ON_CALL = "on_call"
    WRAP_UP = "wrap_up"


SYSTEM_RONA = "SYSTEM_RONA"
"""Not ready because an offer was not answered."""
SYSTEM_LEASE_LOST = "SYSTEM_LEASE_LOST"
"""Not ready because the screen was gone too long."""
LOGIN = "LOGIN"
"""Not ready yet: just logged in."""
SYSTEM_REASONS = frozenset({SYSTEM_RONA, SYSTEM_LEASE_LOST, LOGIN})


@dataclass(slots=True)
class Agent:
    """One agent who is logged in. Times are monotonic seconds."""

    id: AgentId
    name: str
    extension: Extension
    queues: frozenset[QueueName]
    skills: Levels = field(default_factory=dict)
    presence: Presence = Presence.NOT_READY
    reason: str = LOGIN
    since: float = 0.0
    """When the present routing state began."""
    idle_since: float = 0.0
    """When the last contact ended or the agent first became ready: longest idle is counted from here."""
    phone: PhoneState = PhoneState.UNKNOWN
    screens: int = 0
    """Open screen sockets."""
    screen_lost: float | None = None
    """When the last socket went, while none has come back."""
    offer_id: OfferId | None = None
    offer_call: CallId | None = None
    offer_until: float = 0.0
    """The reservation's lease: it ends by then, whatever happens."""
    call_id: CallId | None = None
    wrap_up_call: CallId | None = None
    wrap_up_until: float = 0.0
    missed_in_row: int = 0
    busy_since: float = 0.0
    """When the agent was last reserved or called, after having been free."""
    work: Work = NO_WORK
    """What the agent did lately."""
    last_hard: bool = False
    """The last call taken from the line was a hard one."""
    recent_calls: deque[CallId] = field(default_factory=lambda: deque(maxlen=20))
    """The agent's last talks: forms begun in one may be sent after it."""
    state: RoutingState = RoutingState.NOT_READY


BUSY = frozenset({RoutingState.RESERVED, RoutingState.ON_CALL, RoutingState.WRAP_UP})
"""States that are work."""


def effective(agent: Agent) -> RoutingState:
    """The routing state that follows from the facts, strongest fact first."""
    if agent.call_id is not None:
        return RoutingState.ON_CALL
    if agent.offer_id is not None:
        return RoutingState.RESERVED
    if agent.wrap_up_call is not None:
        return RoutingState.WRAP_UP
    match agent.presence:
        case Presence.READY:
            return RoutingState.READY
        case Presence.NOT_READY:
            return RoutingState.NOT_READY
        case Presence.LOGGED_OUT:
            return RoutingState.LOGGED_OUT


def at_work(agent: Agent) -> bool:
    """Ready, or busy and ready after it: whoever waits for this agent does not wait in vain."""
    return agent.presence is Presence.READY and agent.screens > 0


def lease_ends(agent: Agent, grace: float) -> float | None:
    """When a screen that is away counts as lost (monotonic), or None while one is open."""
    return None if agent.screen_lost is None else agent.screen_lost + grace
