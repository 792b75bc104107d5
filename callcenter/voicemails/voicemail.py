"""A message on the machine."""

import datetime as dt
import enum
from dataclasses import dataclass

from callcenter.ids import AgentId, CallId, CustomerId, QueueName


class VoicemailState(enum.StrEnum):
    """``NEW`` until somebody takes it, ``DONE`` when somebody has seen to it."""

    NEW = "new"
    TAKEN = "taken"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Voicemail:
    """``id`` is also the recording's name. ``number``: the caller's (E.164), or empty."""

    id: str
    call_id: CallId
    queue: QueueName
    customer_id: CustomerId | None
    number: str
    seconds: float
    language: str
    left_at: dt.datetime
    state: VoicemailState = VoicemailState.NEW
    owner_id: AgentId | None = None
    note: str = ""
    done_at: dt.datetime | None = None
    customer: str = ""
    """The customer's name, when read back for a page."""
    owner: str = ""
