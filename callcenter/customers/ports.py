"""What this stage needs of the storage."""

from dataclasses import dataclass
from typing import Protocol

from callcenter.customers.customer import CustomerCard, CustomerRecord
from callcenter.ids import CustomerId


@dataclass(frozen=True, slots=True)
class Recognised:
    """``cards``: the customers with a number, best tier first, then by id; ``record`` when there is just one."""

    cards: tuple[CustomerCard, ...]
    record: CustomerRecord | None


class CustomerDirectory(Protocol):
    """Finds customers; every method may raise ``CallcenterError`` when the database is away."""

    async def recognise(self, key: str, limit: int = 10) -> Recognised:
        """Who has exactly this number (E.164 or short code)."""

    async def record(self, customer_id: CustomerId) -> CustomerRecord | None:
        """The record with its open complaints, due follow-ups, promises and last contacts."""
