"""Planned follow-up calls. Their attempts come through the recorder."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import exc, insert, select

from callcenter.clock import Clock
from callcenter.errors import NotFound
from callcenter.follow_ups.follow_up import NewFollowUp
from callcenter.ids import AgentId, CustomerId, FollowUpId
from callcenter.storage.database import Database
from callcenter.storage.tables import customer_numbers, customers, follow_ups


@dataclass(frozen=True, slots=True)
class DueFollowUp:
    """A plan in an owner's list."""

    id: FollowUpId
    customer_id: CustomerId
    customer_name: str
    reason: str
    note: str
    due_at: dt.datetime
    attempts: int


class StoredFollowUps:
    """The ``FollowUps``. Every method may raise ``DatabaseAway``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def plan(self, follow_up: NewFollowUp) -> FollowUpId:
        """Keep a plan; raises ``NotFound`` for a customer or an owner who isn't there."""
        row = {
            "customer_id": follow_up.customer_id,
            "owner_id": follow_up.owner_id,
            "call_id": follow_up.call_id,
            "reason": follow_up.reason,
            "note": follow_up.note,
            "due_at": follow_up.due_at,
            "state": "planned",
            "attempts": 0,
            "created_at": self._clock.wall(),
        }
        try:
            async with self._database.writing() as connection:
                statement = insert(follow_ups).values(row).returning(follow_ups.c.id)
                return FollowUpId(int((await connection.execute(statement)).scalar_one()))
        except exc.IntegrityError as error:
            raise NotFound("There is no such customer or agent.") from error

    async def target(self, follow_up_id: FollowUpId) -> tuple[CustomerId, str] | None:
        """Whom a plan is for, and the number to dial; None if it is gone or done, or nobody has a number."""
        query = (
            select(follow_ups.c.customer_id, customer_numbers.c.number_key)
            .join(customer_numbers, customer_numbers.c.customer_id == follow_ups.c.customer_id)
            .where(follow_ups.c.id == follow_up_id, follow_ups.c.state == "planned")
            .order_by(customer_numbers.c.position)
            .limit(1)
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else (CustomerId(row.customer_id), row.number_key)

    async def number_of(self, customer_id: CustomerId) -> str | None:
        """The customer's first number."""
        query = (
            select(customer_numbers.c.number_key)
            .where(customer_numbers.c.customer_id == customer_id)
            .order_by(customer_numbers.c.position)
            .limit(1)
        )
        async with self._database.reading() as connection:
            number: str | None = await connection.scalar(query)
        return number

    async def due_of(self, owner_id: AgentId, limit: int = 50) -> list[DueFollowUp]:
        """An owner's plans, the most urgent first."""
        plan = follow_ups.c
        query = (
            select(
                plan.id,
                plan.customer_id,
                customers.c.name.label("customer_name"),
                plan.reason,
                plan.note,
                plan.due_at,
                plan.attempts,
            )
            .join(customers, customers.c.id == plan.customer_id)
            .where(plan.owner_id == owner_id, plan.state == "planned")
            .order_by(plan.due_at)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            found = await connection.execute(query)
            return [DueFollowUp(**row) for row in found.mappings()]
