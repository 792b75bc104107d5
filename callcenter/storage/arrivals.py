"""Recorded arrivals: who joined the line when, and what came of it, for a rehearsal to replay.

Only callers from outside who joined the line of a queue. A caller who was in several queues counts for the one that was
joined last, from the instant at which the first wait began. What agents did beside it (calls that they made, callbacks)
is not in here.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Subquery, func, select

from callcenter.calls.call import Direction, EndReason, Stage
from callcenter.ids import QueueName
from callcenter.storage.database import Database
from callcenter.storage.tables import calls, segments, wrap_ups

LONGEST_BEFORE = dt.timedelta(hours=12)
"""Nobody is in a menu for longer before joining the line."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One contact: ``joined`` the line (UTC) and ``waited`` seconds, ringing included. ``talked``: None when nobody
    served it; ``wrap_up``: seconds of all agents who had it."""

    joined: dt.datetime
    queue: QueueName
    tier: str
    waited: float
    talked: float | None
    wrap_up: float
    abandoned: bool


class StoredArrivals:
    """Reads them. May raise ``DatabaseAway``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def between(self, begin: dt.datetime, end: dt.datetime) -> list[Arrival]:
        """Of the calls that joined the line from ``begin`` until before ``end`` (aware), in that order. Calls that have
        not ended are left out."""
        joined = _joined(begin, end)
        async with self._database.reading() as connection:
            rows = (await connection.execute(_contacts(joined, begin, end))).mappings().all()
            wrapped: dict[str, float] = {}
            for call_id, started, ended in (await connection.execute(_notes(joined, begin, end))).all():
                wrapped[call_id] = wrapped.get(call_id, 0.0) + max(0.0, (ended - started).total_seconds())
        return [
            Arrival(
                joined=row["joined"],
                queue=QueueName(row["queue"]),
                tier=row["tier"],
                waited=row["waited_ms"] / 1000,
                talked=row["talked_ms"] / 1000 if row["served_by"] is not None else None,
                wrap_up=wrapped.get(row["id"], 0.0),
                abandoned=row["end_reason"] == EndReason.ABANDONED.value,
            )
            for row in rows
        ]


def _joined(begin: dt.datetime, end: dt.datetime) -> Subquery:
    """When each call first waited; of calls that may have done so in time."""
    return (
        select(segments.c.call_id, func.min(segments.c.started_at).label("joined"))
        .join(calls, calls.c.id == segments.c.call_id)
        .where(
            segments.c.stage == Stage.WAITING.value,
            segments.c.queue.is_not(None),
            calls.c.direction == Direction.INBOUND.value,
            calls.c.arrived_at >= begin - LONGEST_BEFORE,
            calls.c.arrived_at < end,
        )
        .group_by(segments.c.call_id)
        .subquery()
    )


def _contacts(joined: Subquery, begin: dt.datetime, end: dt.datetime) -> Select[Any]:
    return (
        select(
            joined.c.joined,
            calls.c.id,
            calls.c.queue,
            calls.c.tier,
            calls.c.waited_ms,
            calls.c.talked_ms,
            calls.c.served_by,
            calls.c.end_reason,
        )
        .join(calls, calls.c.id == joined.c.call_id)
        .where(
            joined.c.joined >= begin,
            joined.c.joined < end,
            calls.c.ended_at.is_not(None),
            calls.c.queue.is_not(None),
        )
        .order_by(joined.c.joined, calls.c.id)
    )


def _notes(joined: Subquery, begin: dt.datetime, end: dt.datetime) -> Select[Any]:
    return select(wrap_ups.c.call_id, wrap_ups.c.started_at, wrap_ups.c.ended_at).where(
        wrap_ups.c.call_id.in_(
            select(joined.c.call_id).where(joined.c.joined >= begin, joined.c.joined < end)
        )
    )
