"""Complaints, and the log of each, which only grows."""

from sqlalchemy import exc, insert

from callcenter.clock import Clock
from callcenter.complaints.complaint import ComplaintState, NewComplaint
from callcenter.errors import NotFound
from callcenter.ids import ComplaintId
from callcenter.storage.database import Database
from callcenter.storage.tables import complaint_events, complaints

CLOSED = (ComplaintState.CLOSED_UNCONFIRMED.value, ComplaintState.CLOSED_CONFIRMED.value)


def complaint_number(complaint_id: int) -> str:
    """What a customer is told: ``C-000123``."""
    return f"C-{complaint_id:06d}"


class StoredComplaints:
    """The ``Complaints``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, complaint: NewComplaint, recording: str | None = None) -> tuple[ComplaintId, str]:
        """Keep it, with its first log entry; gives its id and its number. ``recording``: the id of one that was
        spoken. Raises ``NotFound`` for a customer who isn't there, and ``DatabaseAway``."""
        now = self._clock.wall()
        row = {
            "customer_id": complaint.customer_id,
            "call_id": complaint.call_id,
            "category": complaint.category,
            "severity": complaint.severity.value,
            "subject": complaint.subject,
            "text": complaint.text,
            "state": ComplaintState.RECEIVED.value,
            "opened_at": now,
            "recording": recording,
        }
        try:
            async with self._database.writing() as connection:
                statement = insert(complaints).values(row).returning(complaints.c.id)
                complaint_id = int((await connection.execute(statement)).scalar_one())
                entry = {
                    "complaint_id": complaint_id,
                    "at": now,
                    "by_id": complaint.by,
                    "state": ComplaintState.RECEIVED.value,
                    "text": complaint.subject,
                }
                await connection.execute(insert(complaint_events), entry)
        except exc.IntegrityError as error:
            raise NotFound("There is no such customer.") from error
        return ComplaintId(complaint_id), complaint_number(complaint_id)
