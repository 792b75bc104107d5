"""The record read back: what was open when the core stopped, one call's story, and the recent calls."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import RowMapping, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from callcenter.calls.call import Call, Direction, EndReason, Segment, Stage
from callcenter.calls.number import CallerNumber, NumberKind
from callcenter.clock import Clock
from callcenter.history.ports import OpenCall, PresenceRow
from callcenter.history.story import CallStory, OfferLine, SegmentLine, WrapUpLine
from callcenter.ids import AgentId, CallId, CustomerId, FollowUpId, QueueName, SegmentId
from callcenter.recordings.files import Recorded
from callcenter.storage.call_parts import CallParts, parts_of, recorded
from callcenter.storage.complaints import complaint_number
from callcenter.storage.database import Database
from callcenter.storage.decisions import names_in
from callcenter.storage.tables import (
    agent_presence,
    calls,
    complaints,
    customers,
    follow_up_attempts,
    offers,
    segments,
    users,
    wrap_ups,
)


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call in a list; times of waiting and talking are seconds."""

    call_id: CallId
    direction: str
    number: str
    customer_id: CustomerId | None
    customer_name: str
    tier: str
    queue: str
    agent: str
    arrived_at: dt.datetime
    ended_at: dt.datetime | None
    end_reason: str
    waited: float
    talked: float
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallComplaint:
    """A complaint that was received in a call."""

    number: str
    subject: str
    severity: str
    state: str
    opened_at: dt.datetime
    recording_id: str | None = None


@dataclass(frozen=True, slots=True)
class CallAttempt:
    """What came of dialling, when the call was one of ours."""

    agent: str
    number: str
    dialled_at: dt.datetime
    result: str
    follow_up_id: FollowUpId | None


class StoredHistory:
    """The ``History``: what a starting core must know. Both methods may raise ``DatabaseAway``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def open_calls(self) -> list[OpenCall]:
        """Calls without an end, oldest first. Their monotonic times are on this process's clock."""
        query = select(calls).where(calls.c.ended_at.is_(None)).order_by(calls.c.arrived_at)
        parts_query = (
            select(segments)
            .join(calls, calls.c.id == segments.c.call_id)
            .where(calls.c.ended_at.is_(None))
            .order_by(segments.c.call_id, segments.c.position)
        )
        async with self._database.reading() as connection:
            rows = await _all(connection, query)
            parts: dict[str, list[RowMapping]] = defaultdict(list)
            for part in await _all(connection, parts_query):
                parts[part["call_id"]].append(part)
        return [OpenCall(self._call(row, parts[row["id"]]), row["seen_at"]) for row in rows]

    async def presences(self) -> list[PresenceRow]:
        """The last presence of each agent who is not logged out."""
        query = select(agent_presence).where(agent_presence.c.presence != "logged_out")
        async with self._database.reading() as connection:
            return [PresenceRow(**row) for row in await _all(connection, query)]

    def _call(self, row: RowMapping, parts: Sequence[RowMapping]) -> Call:
        """``arrived`` lies as far back on the monotonic clock as the arrival does on the wall's."""
        arrived_at: dt.datetime = row["arrived_at"]
        arrived = self._clock.now() - (self._clock.wall() - arrived_at).total_seconds()
        return Call(
            id=CallId(row["id"]),
            direction=Direction(row["direction"]),
            number=CallerNumber(NumberKind(row["number_kind"]), row["number_raw"], row["number_key"]),
            caller_name=row["caller_name"],
            did=row["did"],
            arrived=arrived,
            arrived_at=arrived_at,
            channel_id=row["channel_id"],
            stage=Stage(row["stage"]),
            language=row["language"],
            queue=None if row["queue"] is None else QueueName(row["queue"]),
            tier=row["tier"],
            customer_id=_known(CustomerId, row["customer_id"]),
            follow_up_id=_known(FollowUpId, row["follow_up_id"]),
            agent_id=_known(AgentId, row["agent_id"]),
            keys=[(node, pressed) for node, pressed in row["keys"]],
            segments=[_segment(part, arrived, arrived_at) for part in parts],
            marks=set(row["marks"]),
            recording=row["recording"],
            end_reason=None if row["end_reason"] is None else EndReason(row["end_reason"]),
        )


class StoredCalls:
    """Calls for people to look at; the web's ``CallStories``. Every method may raise ``DatabaseAway``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def story(self, call_id: CallId) -> CallStory | None:
        """One call with all that happened in it, or None."""
        query = (
            select(calls, customers.c.name.label("customer_name"))
            .outerjoin(customers, customers.c.id == calls.c.customer_id)
            .where(calls.c.id == call_id)
        )
        async with self._database.reading() as connection:
            found = await _all(connection, query)
            if not found:
                return None
            parts = await _all(connection, _of_call(segments, call_id, segments.c.position))
            offered = await _all(connection, _of_call(offers, call_id, offers.c.offered_at))
            said = await _all(connection, _of_call(wrap_ups, call_id, wrap_ups.c.ended_at))
            beside = await parts_of(connection, call_id)
            names = await names_in(connection, (one["decision"] for one in offered))
        return replace(self._story(found[0], parts, offered, said, beside), names=names)

    async def complaints_of(self, call_id: CallId) -> list[CallComplaint]:
        """Complaints received in this call."""
        query = select(complaints).where(complaints.c.call_id == call_id).order_by(complaints.c.id)
        async with self._database.reading() as connection:
            return [
                CallComplaint(
                    complaint_number(row["id"]),
                    row["subject"],
                    row["severity"],
                    row["state"],
                    row["opened_at"],
                    row["recording"],
                )
                for row in await _all(connection, query)
            ]

    async def attempt_of(self, call_id: CallId) -> CallAttempt | None:
        """The outbound attempt that this call was, if it was one."""
        query = _of_call(follow_up_attempts, call_id, follow_up_attempts.c.dialled_at)
        async with self._database.reading() as connection:
            for row in await _all(connection, query):
                plan = _known(FollowUpId, row["follow_up_id"])
                return CallAttempt(
                    row["agent_name"] or "", row["number"], row["dialled_at"], row["result"], plan
                )
        return None

    async def recorded(self, recording_id: str) -> Recorded | None:
        """What a recording is of, and whose; None when nothing on record has it."""
        async with self._database.reading() as connection:
            return await recorded(connection, recording_id)

    async def recent(
        self, limit: int = 50, *, before: dt.datetime | None = None, agent_id: AgentId | None = None
    ) -> list[CallLine]:
        """The last calls, newest first: those that arrived ``before``, those served by ``agent_id``."""
        query = (
            select(calls, customers.c.name.label("customer_name"), users.c.display_name.label("agent_name"))
            .outerjoin(customers, customers.c.id == calls.c.customer_id)
            .outerjoin(users, users.c.id == calls.c.served_by)
            .order_by(calls.c.arrived_at.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(calls.c.arrived_at < before)
        if agent_id is not None:
            query = query.where(calls.c.served_by == agent_id)
        async with self._database.reading() as connection:
            return [_line(row) for row in await _all(connection, query)]

    def _story(
        self,
        row: RowMapping,
        parts: Sequence[RowMapping],
        offered: Sequence[RowMapping],
        said: Sequence[RowMapping],
        beside: CallParts,
    ) -> CallStory:
        now = self._clock.wall()
        return CallStory(
            call_id=CallId(row["id"]),
            direction=row["direction"],
            number=row["number_key"] or row["number_raw"],
            did=row["did"],
            customer_id=_known(CustomerId, row["customer_id"]),
            customer_name=row["customer_name"] or "",
            tier=row["tier"],
            queue=row["queue"] or "",
            arrived_at=row["arrived_at"],
            ended_at=row["ended_at"],
            end_reason=row["end_reason"] or "",
            marks=tuple(row["marks"]),
            keys=tuple((node, pressed) for node, pressed in row["keys"]),
            agent_ids=frozenset(_agents((*parts, *offered, *said))),
            segments=tuple(_segment_line(part, now) for part in parts),
            offers=tuple(_offer_line(one) for one in offered),
            wrap_ups=tuple(
                WrapUpLine(
                    one["agent_name"] or "",
                    one["disposition"],
                    one["note"],
                    one["ended_at"],
                    one["timed_out"],
                )
                for one in said
            ),
            recording_id=row["recording"],
            steps=beside.steps,
            survey=beside.survey,
            voicemails=beside.voicemails,
            callbacks=beside.callbacks,
        )


async def _all(connection: AsyncConnection, query: Select[Any]) -> Sequence[RowMapping]:
    rows: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
    return rows


def _of_call(table: Any, call_id: CallId, order: Any) -> Select[Any]:
    """The rows of one call, with the agent's name beside each."""
    return (
        select(table, users.c.display_name.label("agent_name"))
        .outerjoin(users, users.c.id == table.c.agent_id)
        .where(table.c.call_id == call_id)
        .order_by(order)
    )


def _known(kind: Any, value: int | None) -> Any:
    return None if value is None else kind(value)


def _agents(rows: Iterable[RowMapping]) -> Iterable[int]:
    return (row["agent_id"] for row in rows if row["agent_id"] is not None)


def _segment(part: RowMapping, arrived: float, arrived_at: dt.datetime) -> Segment:
    def monotonic(moment: dt.datetime | None) -> float | None:
        return None if moment is None else arrived + (moment - arrived_at).total_seconds()

    return Segment(
        id=SegmentId(part["id"]),
        stage=Stage(part["stage"]),
        started=arrived + (part["started_at"] - arrived_at).total_seconds(),
        started_at=part["started_at"],
        queue=None if part["queue"] is None else QueueName(part["queue"]),
        agent_id=_known(AgentId, part["agent_id"]),
        ended=monotonic(part["ended_at"]),
        ended_at=part["ended_at"],
    )


def _segment_line(part: RowMapping, now: dt.datetime) -> SegmentLine:
    """An open segment counts up to now."""
    milliseconds = part["duration_ms"]
    seconds = (now - part["started_at"]).total_seconds() if milliseconds is None else milliseconds / 1000
    return SegmentLine(
        part["stage"], part["queue"] or "", part["agent_name"] or "", part["started_at"], max(0.0, seconds)
    )


def _offer_line(row: RowMapping) -> OfferLine:
    return OfferLine(
        agent=row["agent_name"] or "",
        offered_at=row["offered_at"],
        ended_at=row["ended_at"],
        result=row["result"],
        why=row["why"],
        decision=row["decision"],
    )


def _line(row: RowMapping) -> CallLine:
    return CallLine(
        call_id=CallId(row["id"]),
        direction=row["direction"],
        number=row["number_key"] or row["number_raw"],
        customer_id=_known(CustomerId, row["customer_id"]),
        customer_name=row["customer_name"] or "",
        tier=row["tier"],
        queue=row["queue"] or "",
        agent=row["agent_name"] or "",
        arrived_at=row["arrived_at"],
        ended_at=row["ended_at"],
        end_reason=row["end_reason"] or "",
        waited=row["waited_ms"] / 1000,
        talked=row["talked_ms"] / 1000,
        marks=tuple(row["marks"]),
    )
