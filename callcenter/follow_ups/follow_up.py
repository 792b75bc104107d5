"""A planned follow-up call, and an attempt to make one."""

import datetime as dt
import enum
from dataclasses import dataclass

from callcenter.errors import BadInput
from callcenter.ids import AgentId, CallId, CustomerId, FollowUpId

NOTE_LIMIT = 2000


class AttemptResult(enum.StrEnum):
    """What came of dialling a customer."""

    DIALLING = "dialling"
    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    FAILED = "failed"
    AGENT_NOT_REACHED = "agent_not_reached"
    """Our own agent's phone was not picked up."""


@dataclass(frozen=True, slots=True)
class NewFollowUp:
    """A follow-up call to be made; ``due_at`` is aware UTC."""

    customer_id: CustomerId
    owner_id: AgentId
    reason: str
    note: str
    due_at: dt.datetime
    call_id: CallId | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One outbound call, with or without a plan behind it. Its ``call_id`` is its identity."""

    call_id: CallId
    agent_id: AgentId
    customer_id: CustomerId | None
    follow_up_id: FollowUpId | None
    number: str
    dialled_at: dt.datetime
    result: AttemptResult


def checked(plan: NewFollowUp, now: dt.datetime) -> NewFollowUp:
    """The plan, if it can be kept; raises ``BadInput``."""
    if not plan.reason.strip():
        raise BadInput("A follow-up call needs a reason.")
    if len(plan.note) > NOTE_LIMIT:
        raise BadInput(f"The note is longer than {NOTE_LIMIT} characters.")
    if plan.due_at.tzinfo is None:
        raise BadInput("The due date needs a time zone.")
    if plan.due_at < now - dt.timedelta(minutes=5):
        raise BadInput("The follow-up call is due in the past: choose a later time.")
    return plan
