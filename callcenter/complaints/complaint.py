"""A complaint as it is received."""

import enum
from dataclasses import dataclass

from callcenter.errors import BadInput
from callcenter.ids import AgentId, CallId, CustomerId

SUBJECT_LIMIT = 200
TEXT_LIMIT = 4000


class ComplaintState(enum.StrEnum):
    """The stages of ISO 10002 in the field's words."""

    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    ASSESSED = "assessed"
    INVESTIGATING = "investigating"
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DISPUTED = "disputed"
    CLOSED_UNCONFIRMED = "closed_unconfirmed"
    CLOSED_CONFIRMED = "closed_confirmed"
    REOPENED = "reopened"


class Severity(enum.StrEnum):
    """How bad it is for the customer."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class NewComplaint:
    """What the agent logged. ``call_id`` ties it to the call it was received in."""

    customer_id: CustomerId | None
    call_id: CallId | None
    by: AgentId
    category: str
    severity: Severity
    subject: str
    text: str


def checked(complaint: NewComplaint) -> NewComplaint:
    """The complaint, if it can be logged; raises ``BadInput`` saying what is missing."""
    if not complaint.subject.strip():
        raise BadInput("A complaint needs a subject: one line that says what is wrong.")
    if len(complaint.subject) > SUBJECT_LIMIT:
        raise BadInput(f"The subject is longer than {SUBJECT_LIMIT} characters: put the rest into the text.")
    if len(complaint.text) > TEXT_LIMIT:
        raise BadInput(f"The text is longer than {TEXT_LIMIT} characters.")
    if complaint.customer_id is None and complaint.call_id is None:
        raise BadInput("A complaint needs a customer or a call that it belongs to.")
    return complaint
