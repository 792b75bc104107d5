"""What belongs to a call beside its segments: the flow's steps, the survey, messages, callbacks; and recordings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from callcenter.history.story import CallbackLine, StepLine, SurveyLine, VoicemailLine
from callcenter.ids import AgentId, CallId, QueueName
from callcenter.recordings.files import Recorded
from callcenter.storage.tables import (
    callbacks,
    calls,
    complaints,
    flow_steps,
    survey_answers,
    users,
    voicemails,
)


@dataclass(frozen=True, slots=True)
class CallParts:
    """In the order in which they happened."""

    steps: tuple[StepLine, ...]
    survey: tuple[SurveyLine, ...]
    voicemails: tuple[VoicemailLine, ...]
    callbacks: tuple[CallbackLine, ...]


async def parts_of(connection: AsyncConnection, call_id: CallId) -> CallParts:
    """All of one call; each query reads an index by the call."""
    step, answer = flow_steps.c, survey_answers.c
    steps = select(step.flow, step.node, step.way, step.duration_ms).where(step.call_id == call_id)
    answers = select(answer.question, answer.score, answer.recording, answer.survey).where(
        answer.call_id == call_id
    )
    messages = _with_name(voicemails, voicemails.c.owner_id).where(voicemails.c.call_id == call_id)
    asked = _with_name(callbacks, callbacks.c.agent_id).where(callbacks.c.call_id == call_id)
    return CallParts(
        tuple(
            StepLine(row["flow"], row["node"], row["way"], row["duration_ms"] / 1000)
            for row in await _all(connection, steps.order_by(step.visit_at, step.visit_flow, step.position))
        ),
        tuple(
            SurveyLine(row["question"], row["score"], row["recording"], row["survey"])
            for row in await _all(connection, answers.order_by(answer.at, answer.question))
        ),
        tuple(map(_voicemail, await _all(connection, messages.order_by(voicemails.c.left_at)))),
        tuple(map(_callback, await _all(connection, asked.order_by(callbacks.c.asked_at)))),
    )


async def recorded(connection: AsyncConnection, recording_id: str) -> Recorded | None:
    """What a recording is of: a call, a message, a complaint that was spoken, a word after a survey."""
    for kind, query in (
        ("call", select(calls.c.id).where(calls.c.recording == recording_id)),
        (
            "voicemail",
            select(voicemails.c.call_id.label("id"), voicemails.c.queue, voicemails.c.owner_id).where(
                voicemails.c.id == recording_id
            ),
        ),
        (
            "complaint",
            select(complaints.c.call_id.label("id"), complaints.c.owner_id).where(
                complaints.c.recording == recording_id
            ),
        ),
        (
            "survey",
            select(survey_answers.c.call_id.label("id")).where(survey_answers.c.recording == recording_id),
        ),
    ):
        for row in await _all(connection, query.limit(1)):
            return _recorded(kind, row)
    return None


def _recorded(kind: Any, row: RowMapping) -> Recorded:
    queue, owner = row.get("queue"), row.get("owner_id")
    return Recorded(
        kind,
        None if row["id"] is None else CallId(row["id"]),
        queue=None if queue is None else QueueName(queue),
        owner_id=None if owner is None else AgentId(owner),
    )


def _with_name(table: Any, agent: Any) -> Select[Any]:
    return select(table, users.c.display_name).outerjoin(users, users.c.id == agent)


async def _all(connection: AsyncConnection, query: Select[Any]) -> Sequence[RowMapping]:
    rows: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
    return rows


def _voicemail(row: RowMapping) -> VoicemailLine:
    return VoicemailLine(
        row["id"], row["queue"], row["duration_ms"] / 1000, row["state"], row["display_name"] or ""
    )


def _callback(row: RowMapping) -> CallbackLine:
    return CallbackLine(
        queue=row["queue"],
        number=row["number"],
        state=row["state"],
        tries=row["tries"],
        agent=row["display_name"] or "",
        asked_at=row["asked_at"],
        ended_at=row["ended_at"],
    )
