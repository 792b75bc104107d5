"""Messages as work: who takes one has it alone. They come in through the recorder."""

from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, Update, and_, or_, select, update

from callcenter.clock import Clock
from callcenter.errors import BadInput, Conflict, NotFound
from callcenter.ids import AgentId, CallId, CustomerId, QueueName
from callcenter.storage.database import Database
from callcenter.storage.tables import customers, users, voicemails
from callcenter.voicemails.voicemail import Voicemail, VoicemailState

NOTE_LIMIT = 4000
"""Characters."""
_UNDONE = [VoicemailState.NEW.value, VoicemailState.TAKEN.value]


class StoredVoicemails:
    """The ``Voicemails``. Every method may raise ``DatabaseAway``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def recent(self, queues: frozenset[QueueName] | None, limit: int = 200) -> list[Voicemail]:
        """Undone ones first (oldest first), then the latest done; of these queues, or of all (None)."""
        which = _of_queues(queues)
        undone = _messages().where(voicemails.c.state.in_(_UNDONE), *which).order_by(voicemails.c.left_at)
        found = await self._read(undone.limit(limit))
        done = _messages().where(voicemails.c.state == VoicemailState.DONE.value, *which)
        latest = done.order_by(voicemails.c.done_at.desc())
        return found if len(found) >= limit else found + await self._read(latest.limit(limit - len(found)))

    async def one(self, voicemail_id: str) -> Voicemail | None:
        """A message by its id."""
        found = await self._read(_messages().where(voicemails.c.id == voicemail_id))
        return found[0] if found else None

    async def take(self, voicemail_id: str, agent_id: AgentId) -> Voicemail:
        """Make it this agent's work; taking it again changes nothing. ``Conflict`` when somebody else has it or
        it is done, ``NotFound``."""
        mine = and_(voicemails.c.state == VoicemailState.TAKEN.value, voicemails.c.owner_id == agent_id)
        free = or_(voicemails.c.state == VoicemailState.NEW.value, mine)
        values = {"state": VoicemailState.TAKEN.value, "owner_id": agent_id}
        return await self._change(voicemail_id, update(voicemails).where(free).values(values))

    async def finish(self, voicemail_id: str, agent_id: AgentId, note: str) -> Voicemail:
        """Seen to, by whoever has it; one that nobody has may be finished at once. ``Conflict`` when somebody else
        has it or it is done, ``NotFound``, ``BadInput`` for an endless note."""
        if len(note) > NOTE_LIMIT:
            raise BadInput(f"The note is longer than {NOTE_LIMIT} characters.")
        nobody_elses = or_(voicemails.c.owner_id.is_(None), voicemails.c.owner_id == agent_id)
        values = {
            "state": VoicemailState.DONE.value,
            "owner_id": agent_id,
            "note": note,
            "done_at": self._clock.wall(),
        }
        change = update(voicemails).where(voicemails.c.state.in_(_UNDONE), nobody_elses).values(values)
        return await self._change(voicemail_id, change)

    async def _change(self, voicemail_id: str, change: Update) -> Voicemail:
        """Compare and set in one statement: of two at once, one gets it."""
        async with self._database.writing() as connection:
            done = await connection.execute(change.where(voicemails.c.id == voicemail_id))
        now = await self.one(voicemail_id)
        if now is None:
            raise NotFound("There is no such message.")
        if done.rowcount != 1:
            if now.state is VoicemailState.DONE:
                raise Conflict(f"{now.owner or 'Somebody'} has seen to this message already.")
            raise Conflict(f"{now.owner or 'Somebody else'} has this message.")
        return now

    async def _read(self, query: Select[Any]) -> list[Voicemail]:
        async with self._database.reading() as connection:
            return [_voicemail(row) for row in (await connection.execute(query)).mappings()]


def _messages() -> Select[Any]:
    return (
        select(voicemails, customers.c.name.label("customer"), users.c.display_name.label("owner"))
        .outerjoin(customers, customers.c.id == voicemails.c.customer_id)
        .outerjoin(users, users.c.id == voicemails.c.owner_id)
    )


def _of_queues(queues: frozenset[QueueName] | None) -> list[ColumnElement[bool]]:
    return [] if queues is None else [voicemails.c.queue.in_(sorted(queues))]


def _voicemail(row: RowMapping) -> Voicemail:
    return Voicemail(
        id=row["id"],
        call_id=CallId(row["call_id"]),
        queue=QueueName(row["queue"]),
        customer_id=None if row["customer_id"] is None else CustomerId(row["customer_id"]),
        number=row["number"],
        seconds=row["duration_ms"] / 1000,
        language=row["language"],
        left_at=row["left_at"],
        state=VoicemailState(row["state"]),
        owner_id=None if row["owner_id"] is None else AgentId(row["owner_id"]),
        note=row["note"],
        done_at=row["done_at"],
        customer=row["customer"] or "",
        owner=row["owner"] or "",
    )
