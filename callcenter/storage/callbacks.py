"""Callbacks read back; they are written through the recorder."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, select

from callcenter.callbacks.callback import OPEN, Callback, CallbackState
from callcenter.calls.skills import levels_of
from callcenter.ids import AgentId, CallId, CustomerId, QueueName
from callcenter.storage.database import Database
from callcenter.storage.tables import callbacks

_OPEN = [state.value for state in CallbackState if state in OPEN]
_OVER = [state.value for state in CallbackState if state not in OPEN]


class StoredCallbacks:
    """The ``KeptCallbacks``. Both methods may raise ``DatabaseAway``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_callbacks(self) -> list[Callback]:
        """Those that are to be made, the earliest place in line first."""
        return await self._read(_in_states(_OPEN).order_by(callbacks.c.arrived_at, callbacks.c.id))

    async def recent(self, queues: frozenset[QueueName] | None, limit: int = 200) -> list[Callback]:
        """Open ones first (the earliest place in line first), then the latest asked for; of these queues, or of
        all (None)."""
        which = _of_queues(queues)
        still_open = _in_states(_OPEN).where(*which).order_by(callbacks.c.arrived_at, callbacks.c.id)
        found = await self._read(still_open.limit(limit))
        over = _in_states(_OVER).where(*which).order_by(callbacks.c.asked_at.desc(), callbacks.c.id)
        return found if len(found) >= limit else found + await self._read(over.limit(limit - len(found)))

    async def _read(self, query: Select[Any]) -> list[Callback]:
        async with self._database.reading() as connection:
            return [_callback(row) for row in (await connection.execute(query)).mappings()]


def _in_states(states: Sequence[str]) -> Select[Any]:
    return select(callbacks).where(callbacks.c.state.in_(states))


def _of_queues(queues: frozenset[QueueName] | None) -> list[ColumnElement[bool]]:
    return [] if queues is None else [callbacks.c.queue.in_(sorted(queues))]


def _callback(row: RowMapping) -> Callback:
    return Callback(
        id=row["id"],
        number=row["number"],
        queue=QueueName(row["queue"]),
        tier=row["tier"],
        language=row["language"],
        call_id=CallId(row["call_id"]),
        customer_id=None if row["customer_id"] is None else CustomerId(row["customer_id"]),
        arrived_at=row["arrived_at"],
        asked_at=row["asked_at"],
        not_before=row["not_before"],
        expires_at=row["expires_at"],
        state=CallbackState(row["state"]),
        tries=row["tries"],
        agent_id=None if row["agent_id"] is None else AgentId(row["agent_id"]),
        ended_at=row["ended_at"],
        skills=levels_of(row["skills"]),
    )
