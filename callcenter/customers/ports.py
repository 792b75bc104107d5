"""What this stage needs of the storage."""

from typing import Protocol

from callcenter.customers.customer import CustomerCard, CustomerRecord
from callcenter.ids import CustomerId


class CustomerDirectory(Protocol):
    """Finds customers; every method may raise ``CallcenterError`` when the database is away."""

    async def find_by_number(self, key: str, limit: int = 10) -> list[CustomerCard]:
        """Customers with exactly this number (E.164 or short code), best tier first, then by id."""

    async def record(self, customer_id: CustomerId) -> CustomerRecord | None:
        """The record with its open complaints, due follow-ups, promises and last contacts."""
