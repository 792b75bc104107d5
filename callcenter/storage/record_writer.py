"""Entries into tables: one transaction for many, in their order where order matters."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, bindparam, case, delete, exc, func, select, update

from callcenter.callbacks.callback import OPEN
from callcenter.calls.call import EndReason
from callcenter.calls.number import normalise
from callcenter.calls.ports import MissedCall
from callcenter.follow_ups.follow_up import AttemptResult
from callcenter.ids import AgentId, CallId, CustomerId
from callcenter.storage import entries as kinds
from callcenter.storage.database import Database
from callcenter.storage.entries import Entry, Row
from callcenter.storage.missed import Known, completed, ended_properly, extension_of
from callcenter.storage.tables import (
    agent_presence,
    audit,
    callbacks,
    calls,
    customer_numbers,
    customers,
    flow_steps,
    flow_visits,
    follow_up_attempts,
    follow_ups,
    gaps,
    journal_positions,
    missed_imports,
    offers,
    segments,
    survey_answers,
    users,
    voicemails,
    wrap_ups,
)
from callcenter.storage.upsert import Proposed, insert_missing, upsert

log = structlog.get_logger(__name__)

Rejected = list[tuple[Entry, str]]
UNWRITABLE = (exc.StatementError, OverflowError, ValueError, TypeError, KeyError)
"""What a row raises that no database will ever take; ``DatabaseAway`` is not among them."""


_CUT = delete(segments).where(
    segments.c.call_id == bindparam("of_call"), segments.c.position >= bindparam("length")
)
"""A call that was put together anew may have fewer segments than the guess that it replaces."""


_CUT_STEPS = delete(flow_steps).where(
    flow_steps.c.call_id == bindparam("of_call"),
    flow_steps.c.visit_flow == bindparam("of_flow"),
    flow_steps.c.visit_at == bindparam("of_start"),
    flow_steps.c.position >= bindparam("length"),
)
_OPEN_CALLBACKS = [state.value for state in OPEN]


def _callback_not_undone(proposed: Proposed) -> ColumnElement[bool]:
    return proposed["state"].not_in(_OPEN_CALLBACKS) | callbacks.c.state.in_(_OPEN_CALLBACKS)


def _answer_newer(proposed: Proposed) -> ColumnElement[bool]:
    return proposed["at"] >= survey_answers.c.at


def _offer_not_undone(proposed: Proposed) -> ColumnElement[bool]:
    return proposed["ended_at"].is_not(None) | offers.c.ended_at.is_(None)


def _presence_newer(proposed: Proposed) -> ColumnElement[bool]:
    return proposed["at"] >= agent_presence.c.at


def _attempt_not_undone(proposed: Proposed) -> ColumnElement[bool]:
    return (proposed["result"] != AttemptResult.DIALLING) | (
        follow_up_attempts.c.result == AttemptResult.DIALLING
    )


class RecordWriter:
    """Writes batches of entries. Each method is one transaction and may raise ``DatabaseAway``."""

    def __init__(self, database: Database, region: str) -> None:
        self._database = database
        self._region = region

    async def write(self, batch: Sequence[Entry], position: tuple[str, int] | None = None) -> Rejected:
        """Write all; gives those that can't be written by anybody. ``position``: a journal's id, and how many
        of its lines are in the database after this batch."""
        try:
            await self._database.transact(lambda connection: self._write_all(connection, batch, position))
        except UNWRITABLE:
            return await self._database.transact(
                lambda connection: self._write_singly(connection, batch, position)
            )
        return []

    async def position(self, journal_id: str) -> int:
        """How many lines of this journal are in the database."""
        query = select(journal_positions.c.position).where(journal_positions.c.journal_id == journal_id)
        async with self._database.reading() as connection:
            return int(await connection.scalar(query) or 0)

    def _write_all(
        self, connection: Connection, batch: Sequence[Entry], position: tuple[str, int] | None
    ) -> None:
        self._apply(connection, batch)
        self._note_position(connection, position)

    def _write_singly(
        self, connection: Connection, batch: Sequence[Entry], position: tuple[str, int] | None
    ) -> Rejected:
        rejected: Rejected = []
        for entry in batch:
            try:
                with connection.begin_nested():
                    self._apply(connection, [entry])
            except UNWRITABLE as error:
                reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
                log.warning("record rejected by the database", kind=entry.kind, reason=reason[:200])
                rejected.append((entry, reason))
        self._note_position(connection, position)
        return rejected

    def _apply(self, connection: Connection, batch: Sequence[Entry]) -> None:
        """Kinds don't depend on each other, but for a missed call, which completes what was written before."""
        stretch: dict[str, list[Row]] = {}
        for entry in batch:
            if entry.kind == kinds.MISSED:
                self._apply_stretch(connection, stretch)
                stretch = {}
                self._missed(connection, entry.data)
            else:
                stretch.setdefault(entry.kind, []).append(entry.data)
        self._apply_stretch(connection, stretch)

    def _apply_stretch(self, connection: Connection, stretch: dict[str, list[Row]]) -> None:
        for kind, rows in stretch.items():
            self._appliers()[kind](connection, rows)

    def _appliers(self) -> dict[str, Callable[[Connection, list[Row]], None]]:
        return {
            kinds.CALL: self._calls,
            kinds.OFFER: self._offers,
            kinds.WRAP_UP: self._wrap_ups,
            kinds.ATTEMPT: self._attempts,
            kinds.PRESENCE: self._presences,
            kinds.GAP: self._gaps,
            kinds.AUDIT: self._audit,
            kinds.VISIT: self._visits,
            kinds.CALLBACK: self._callbacks,
            kinds.VOICEMAIL: self._voicemails,
            kinds.SURVEY_ANSWER: self._survey_answers,
        }

    def _calls(self, connection: Connection, rows: list[Row]) -> None:
        latest = {row["call"]["id"]: row for row in rows}
        query = select(calls.c.id).where(
            calls.c.id.in_(latest), calls.c.ended_at.is_not(None), calls.c.end_reason != EndReason.LOST_TRACK
        )
        over = set(connection.scalars(query))
        self._put_calls(
            connection,
            [
                (row["call"], row["segments"])
                for call_id, row in latest.items()
                if call_id not in over or ended_properly(row["call"])
            ],
        )

    def _put_calls(self, connection: Connection, kept: Sequence[tuple[Row, list[Row]]]) -> None:
        if not kept:
            return
        rows = [call for call, _ in kept]
        connection.execute(upsert(self._database.dialect, calls, ("id",), tuple(rows[0])), rows)
        parts = [part for _, call_segments in kept for part in call_segments]
        if parts:
            key = ("call_id", "position")
            connection.execute(upsert(self._database.dialect, segments, key, tuple(parts[0])), parts)
        cuts = [{"of_call": call["id"], "length": len(call_segments)} for call, call_segments in kept]
        connection.execute(_CUT, cuts)

    def _offers(self, connection: Connection, rows: list[Row]) -> None:
        rows = [{"decision": "", **row} for row in rows]  # a journal of before decisions were kept has none
        statement = upsert(
            self._database.dialect,
            offers,
            ("id",),
            tuple(rows[0]),
            only_if=_offer_not_undone,
        )
        connection.execute(statement, rows)

    def _wrap_ups(self, connection: Connection, rows: list[Row]) -> None:
        key = ("call_id", "agent_id")
        connection.execute(upsert(self._database.dialect, wrap_ups, key, tuple(rows[0])), rows)

    def _presences(self, connection: Connection, rows: list[Row]) -> None:
        statement = upsert(
            self._database.dialect,
            agent_presence,
            ("agent_id",),
            tuple(rows[0]),
            only_if=_presence_newer,
        )
        connection.execute(statement, rows)

    def _gaps(self, connection: Connection, rows: list[Row]) -> None:
        connection.execute(upsert(self._database.dialect, gaps, ("started_at",), tuple(rows[0])), rows)

    def _audit(self, connection: Connection, rows: list[Row]) -> None:
        connection.execute(upsert(self._database.dialect, audit, ("id",), tuple(rows[0])), rows)

    def _visits(self, connection: Connection, rows: list[Row]) -> None:
        dialect, visits = self._database.dialect, [row["visit"] for row in rows]
        key: tuple[str, ...] = ("call_id", "flow", "started_at")
        connection.execute(upsert(dialect, flow_visits, key, tuple(visits[0])), visits)
        steps = [step for row in rows for step in row["steps"]]
        if steps:
            key = ("call_id", "visit_flow", "visit_at", "position")
            connection.execute(upsert(dialect, flow_steps, key, tuple(steps[0])), steps)
        cuts = [
            {
                "of_call": row["visit"]["call_id"],
                "of_flow": row["visit"]["flow"],
                "of_start": row["visit"]["started_at"],
                "length": len(row["steps"]),
            }
            for row in rows
        ]
        connection.execute(_CUT_STEPS, cuts)

    def _callbacks(self, connection: Connection, rows: list[Row]) -> None:
        statement = upsert(
            self._database.dialect, callbacks, ("id",), tuple(rows[0]), only_if=_callback_not_undone
        )
        connection.execute(statement, rows)

    def _voicemails(self, connection: Connection, rows: list[Row]) -> None:
        connection.execute(insert_missing(self._database.dialect, voicemails, ("id",)), rows)

    def _survey_answers(self, connection: Connection, rows: list[Row]) -> None:
        key = ("call_id", "survey", "question")
        statement = upsert(self._database.dialect, survey_answers, key, tuple(rows[0]), only_if=_answer_newer)
        connection.execute(statement, rows)

    def _attempts(self, connection: Connection, rows: list[Row]) -> None:
        statement = upsert(
            self._database.dialect,
            follow_up_attempts,
            ("call_id",),
            tuple(rows[0]),
            only_if=_attempt_not_undone,
        )
        connection.execute(statement, rows)
        for plan in sorted({row["follow_up_id"] for row in rows if row["follow_up_id"] is not None}):
            self._count_attempts(connection, plan)

    def _count_attempts(self, connection: Connection, plan: int) -> None:
        """The number is counted anew, never added to: so writing an attempt twice changes nothing."""
        made = follow_up_attempts.c
        finished = select(func.count()).where(
            made.follow_up_id == plan, made.result != AttemptResult.DIALLING
        )
        connection.execute(
            update(follow_ups).where(follow_ups.c.id == plan).values(attempts=finished.scalar_subquery())
        )
        answered = select(func.min(made.dialled_at)).where(
            made.follow_up_id == plan, made.result == AttemptResult.ANSWERED
        )
        done_at = connection.scalar(answered)
        if done_at is not None:
            connection.execute(
                update(follow_ups)
                .where(follow_ups.c.id == plan, follow_ups.c.state == "planned")
                .values(state="done", done_at=done_at)
            )

    def _missed(self, connection: Connection, data: Row) -> None:
        missed, now = MissedCall(**data["missed"]), data["at"]
        imported = (
            (connection.execute(select(missed_imports).where(missed_imports.c.key == missed.key)))
            .mappings()
            .first()
        )
        if imported and imported["complete"]:
            return
        call_id = CallId(imported["call_id"] if imported else data["call_id"])
        row = (connection.execute(select(calls).where(calls.c.id == call_id))).mappings().first()
        if row is None or not ended_properly(dict(row)):
            query = select(segments).where(segments.c.call_id == call_id).order_by(segments.c.position)
            parts = [dict(part) for part in (connection.execute(query)).mappings()]
            known = self._known(connection, missed)
            kept = (dict(row), parts) if row else None
            self._put_calls(connection, [completed(missed, call_id, known, now, kept)])
        note = {"key": missed.key, "call_id": call_id, "complete": missed.ended > 0, "at": now}
        connection.execute(upsert(self._database.dialect, missed_imports, ("key",), tuple(note)), note)

    def _known(self, connection: Connection, missed: MissedCall) -> Known:
        """Whose number it is, if it is one customer's, and who has the phone that answered."""
        outbound = missed.stage == "outbound"
        number = normalise(missed.did if outbound else missed.number, self._region)
        query = (
            select(customers.c.id, customers.c.tier)
            .join(customer_numbers, customer_numbers.c.customer_id == customers.c.id)
            .where(customer_numbers.c.number_key == number.key)
            .limit(2)
        )
        found = (connection.execute(query)).all() if number.key else []
        agent_id = self._holder(connection, extension_of(missed.agent_phone))
        if len(found) != 1:
            return Known(number, agent_id=agent_id)
        return Known(number, CustomerId(found[0].id), found[0].tier, agent_id)

    def _holder(self, connection: Connection, extension: str) -> AgentId | None:
        """The agent who took this phone last, else the one whose usual phone it is."""
        if not extension:
            return None
        took = select(agent_presence.c.agent_id, agent_presence.c.at).where(
            agent_presence.c.extension == extension
        )
        last: Any = connection.scalar(
            took.order_by(
                case((agent_presence.c.presence == "logged_out", 1), else_=0), agent_presence.c.at.desc()
            ).limit(1)
        )
        if last is None:
            last = connection.scalar(select(users.c.id).where(users.c.extension == extension).limit(1))
        return None if last is None else AgentId(int(last))

    def _note_position(self, connection: Connection, position: tuple[str, int] | None) -> None:
        if position is not None:
            row = {"journal_id": position[0], "position": position[1]}
            statement = upsert(self._database.dialect, journal_positions, ("journal_id",), tuple(row))
            connection.execute(statement, row)
