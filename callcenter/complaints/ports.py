"""What this stage needs of the storage."""

from typing import Protocol

from callcenter.complaints.complaint import NewComplaint
from callcenter.ids import ComplaintId


class Complaints(Protocol):
    """The kept complaints."""

    async def add(self, complaint: NewComplaint) -> tuple[ComplaintId, str]:
        """Keep it, with its first log entry; gives its id and its number (such as ``C-000123``)."""
