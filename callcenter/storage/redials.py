"""The calls of the last minutes read back, for the places in line that their callers left."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import RowMapping, or_, select

from callcenter.callbacks.redial import PastCall, Stretch, came_of, queue_of
from callcenter.calls.call import Direction, EndReason, Stage
from callcenter.calls.number import NumberKind
from callcenter.ids import CallId, QueueName
from callcenter.storage.database import Database
from callcenter.storage.tables import calls, segments

MOST_CALLS = 20_000
"""The newest; places of more callers are not kept."""


class StoredPastCalls:
    """The ``PastCalls``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def past_calls(self, since: dt.datetime) -> list[PastCall]:
        """Those of known numbers that ended since then, and those that still go on, in the order of their arrival.
        May raise ``DatabaseAway``."""
        which = (
            select(calls)
            .where(
                calls.c.number_kind == NumberKind.E164.value,
                or_(calls.c.ended_at >= since, calls.c.ended_at.is_(None)),
            )
            .order_by(calls.c.arrived_at.desc(), calls.c.id)
            .limit(MOST_CALLS)
        )
        chosen = which.subquery()
        query = (
            select(segments.c.call_id, segments.c.stage, segments.c.queue, segments.c.duration_ms)
            .join(chosen, chosen.c.id == segments.c.call_id)
            .order_by(segments.c.call_id, segments.c.position)
        )
        stretches: dict[str, list[Stretch]] = defaultdict(list)
        async with self._database.reading() as connection:
            rows = (await connection.execute(which)).mappings().all()
            for part in (await connection.execute(query)).mappings():
                stretches[part["call_id"]].append(_stretch(part))
        return [_past_call(row, stretches[row["id"]]) for row in reversed(rows)]


def _stretch(part: RowMapping) -> Stretch:
    return Stretch(Stage(part["stage"]), (part["duration_ms"] or 0) / 1000, _queue(part["queue"]))


def _past_call(row: RowMapping, stretches: Sequence[Stretch]) -> PastCall:
    reason = None if row["end_reason"] is None else EndReason(row["end_reason"])
    return PastCall(
        call_id=CallId(row["id"]),
        number=row["number_key"],
        direction=Direction(row["direction"]),
        queue=queue_of(stretches, _queue(row["queue"])),
        arrived_at=row["arrived_at"],
        ended_at=row["ended_at"],
        came=came_of(reason, stretches),
        resumed="resumed" in row["marks"],
    )


def _queue(name: str | None) -> QueueName | None:
    return None if name is None else QueueName(name)
