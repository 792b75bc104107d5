"""A callback: the place in the line that a caller keeps without waiting on the telephone.

::

    QUEUED ─> RESERVED ─> DIALLING ─> CONNECTED
      ^           └──────────┴─> QUEUED again (not reached: tries left) ─> NO_ANSWER (none left)
      └─> EXPIRED, MERGED (the customer rang again and took the place), CANCELLED
"""

import datetime as dt
import enum
from dataclasses import dataclass, field

from callcenter.calls.skills import Levels
from callcenter.ids import AgentId, CallId, CustomerId, QueueName


class CallbackState(enum.StrEnum):
    """Where a callback is."""

    QUEUED = "queued"
    RESERVED = "reserved"
    DIALLING = "dialling"
    CONNECTED = "connected"
    NO_ANSWER = "no_answer"
    EXPIRED = "expired"
    MERGED = "merged"
    CANCELLED = "cancelled"


OPEN = frozenset({CallbackState.QUEUED, CallbackState.RESERVED, CallbackState.DIALLING})


@dataclass(frozen=True, slots=True)
class Callback:
    """``id`` is made by us (``new_id``); ``number`` is the key to dial (E.164). ``arrived_at``: when the caller came
    into the line, which is the place that is kept. ``tries``: calls made so far. Dates are UTC."""

    id: str
    number: str
    queue: QueueName
    tier: str
    language: str
    call_id: CallId
    """The call in which it was asked for."""
    customer_id: CustomerId | None
    arrived_at: dt.datetime
    asked_at: dt.datetime
    not_before: dt.datetime
    expires_at: dt.datetime
    state: CallbackState = CallbackState.QUEUED
    tries: int = 0
    agent_id: AgentId | None = None
    ended_at: dt.datetime | None = None
    skills: Levels = field(default_factory=dict, hash=False)
    """What the agent must have, as it was for the call."""
