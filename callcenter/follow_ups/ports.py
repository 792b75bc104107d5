"""What this stage needs of the storage."""

from typing import Protocol

from callcenter.follow_ups.follow_up import NewFollowUp
from callcenter.ids import CustomerId, FollowUpId


class FollowUps(Protocol):
    """The kept plans."""

    async def plan(self, follow_up: NewFollowUp) -> FollowUpId:
        """Keep a plan."""

    async def target(self, follow_up_id: FollowUpId) -> tuple[CustomerId, str] | None:
        """Whom a plan is for: customer and the number to dial (E.164); None if it is gone or done."""

    async def number_of(self, customer_id: CustomerId) -> str | None:
        """The customer's first number (E.164)."""
