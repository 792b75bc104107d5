"""Decisions read back: the latest ones, and the names of those whom decisions speak of."""

import asyncio
from collections.abc import Iterable
from typing import Any

from sqlalchemy import RowMapping, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from callcenter.errors import BadInput
from callcenter.history.decisions import DecisionLine
from callcenter.ids import AgentId, CallId
from callcenter.routing.decision import explained
from callcenter.storage.database import Database
from callcenter.storage.tables import calls, customers, offers, users

LOOKED_AT = 20
"""Times as many of the latest offers are looked at as decisions are wanted: some offers need none."""
AT_ONCE = 500
"""Agents asked for in one query."""


class StoredDecisions:
    """The ``Decisions``. May raise ``DatabaseAway``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self, limit: int) -> list[DecisionLine]:
        """The latest ones, newest first."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(latest_decisions(limit))).mappings().all()
        return [_line(row) for row in rows]


def latest_decisions(limit: int) -> Select[Any]:
    """Offers' ids sort by their time of birth, so this reads the end of the key and nothing else."""
    late = select(offers).order_by(offers.c.id.desc()).limit(limit * LOOKED_AT).subquery("late")
    return (
        select(
            late,
            calls.c.number_key,
            calls.c.number_raw,
            customers.c.name.label("customer_name"),
            users.c.display_name.label("agent_name"),
        )
        .outerjoin(calls, calls.c.id == late.c.call_id)
        .outerjoin(customers, customers.c.id == calls.c.customer_id)
        .outerjoin(users, users.c.id == late.c.agent_id)
        .where(late.c.decision != "")
        .order_by(late.c.id.desc())
        .limit(limit)
    )


async def names_in(connection: AsyncConnection, decisions: Iterable[str]) -> dict[AgentId, str]:
    """Extension and name of everybody whom these decisions speak of, ``1001 Li Na``."""
    people: set[AgentId] = set()
    for decision in decisions:
        await asyncio.sleep(0)  # one among a thousand agents takes some milliseconds
        people |= people_in(decision)
    wanted = sorted(people)
    found: dict[AgentId, str] = {}
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        query = select(users.c.id, users.c.extension, users.c.display_name).where(users.c.id.in_(some))
        for row in (await connection.execute(query)).mappings():
            found[AgentId(row["id"])] = f"{row['extension']} {row['display_name']}".strip()
    return found


def people_in(decision: str) -> set[AgentId]:
    """The agents whom a decision speaks of; nobody when it is empty or can't be read."""
    if not decision:
        return set()
    try:
        told = explained(decision)
    except BadInput:
        return set()
    reasons = (told.because, *(reason for _, reason in told.rejected))
    wanted = {AgentId(int(reason.values["agent"])) for reason in reasons if "agent" in reason.values}
    return wanted | {told.chosen} | {agent_id for agent_id, _ in told.rejected}


def _line(row: RowMapping) -> DecisionLine:
    return DecisionLine(
        call_id=CallId(row["call_id"]),
        at=row["offered_at"],
        caller=row["customer_name"] or row["number_key"] or row["number_raw"] or "",
        agent=row["agent_name"] or "",
        result=row["result"],
        decision=row["decision"],
    )
