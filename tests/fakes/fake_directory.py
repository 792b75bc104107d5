"""Customers in memory; the look-up can be slow, hang or fail."""

import asyncio
import dataclasses
from typing import Any

from callcenter.customers.customer import CustomerRecord, Tier
from callcenter.customers.ports import Recognised
from callcenter.errors import CallcenterError
from callcenter.ids import CustomerId


def customer(
    number: int, name: str, tier: Tier = Tier.REGULAR, *numbers: str, **facts: Any
) -> CustomerRecord:
    """A record with little on it but these ``facts``, such as ``owner_id``."""
    one = CustomerRecord(CustomerId(number), name, "", tier, "en", None, "", numbers, "", 0, "0.00 CNY")
    return dataclasses.replace(one, **facts)


class FakeDirectory:
    """A ``CustomerDirectory``. ``delay``: seconds of each look-up; ``away``: the database is."""

    def __init__(self, *records: CustomerRecord) -> None:
        self.records = {record.id: record for record in records}
        self.delay = 0.0
        self.away = False
        self.asked: list[str] = []

    async def recognise(self, key: str, limit: int = 10) -> Recognised:
        self.asked.append(key)
        await self._answer()
        found = [record for record in self.records.values() if key in record.numbers]
        cards = sorted((one.card() for one in found), key=lambda card: (list(Tier).index(card.tier), card.id))
        return Recognised(tuple(cards[:limit]), found[0] if len(found) == 1 else None)

    async def record(self, customer_id: CustomerId) -> CustomerRecord | None:
        await self._answer()
        return self.records.get(customer_id)

    async def _answer(self) -> None:
        await asyncio.sleep(self.delay)
        if self.away:
            raise CallcenterError("the database is away")
