"""One fact on its way to the record: plain rows, so that it can wait in memory or in the journal.

Every fact is idempotent: written twice, or written again in a later form, it is one row.
"""

import datetime as dt
import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from callcenter.callbacks.callback import Callback
from callcenter.calls.call import Call, Segment, Stage
from callcenter.calls.ports import MissedCall
from callcenter.follow_ups.follow_up import Attempt
from callcenter.history.ports import GapRow, OfferRow, PresenceRow, VisitRow, WrapUpRow
from callcenter.ids import CallId
from callcenter.storage.columns import from_micros, to_micros
from callcenter.surveys.answer import SurveyAnswer
from callcenter.voicemails.voicemail import Voicemail

CALL: Final = "call"
OFFER: Final = "offer"
WRAP_UP: Final = "wrap_up"
ATTEMPT: Final = "attempt"
PRESENCE: Final = "presence"
GAP: Final = "gap"
MISSED: Final = "missed"
AUDIT: Final = "audit"
VISIT: Final = "visit"
CALLBACK: Final = "callback"
VOICEMAIL: Final = "voicemail"
SURVEY_ANSWER: Final = "survey_answer"

Row = dict[str, Any]
_DATE = "$at"
"""The key that marks a date in the journal's JSON."""

WAITED = frozenset({Stage.WAITING, Stage.RINGING})
TALKED = frozenset({Stage.TALKING, Stage.HELD})


@dataclass(frozen=True, slots=True)
class Entry:
    """``kind`` is one of the constants above; ``data`` holds JSON values and aware dates."""

    kind: str
    data: Row

    def to_line(self) -> str:
        """One line of JSON, without line breaks inside, ASCII only."""
        return json.dumps([self.kind, self.data], default=_encode, separators=(",", ":"))


def from_line(line: str) -> Entry:
    """Read a line back; raises ``ValueError`` for one that is no entry."""
    match json.loads(line, object_hook=_decode):
        case [str(kind), dict(data)]:
            return Entry(kind, data)
        case _:
            raise ValueError("not an entry of the journal")


def _encode(value: object) -> Row | str:
    """What has no place in an entry is described: the database will refuse it, and a human can read it."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return {_DATE: to_micros(value)}
    return repr(value)


def _decode(value: Row) -> Any:
    return from_micros(value[_DATE]) if value.keys() == {_DATE} else value


def call_entry(call: Call, seen_at: dt.datetime) -> Entry:
    """The call with its segments, as it is now."""
    segments = _segment_rows(call)
    ended_at = segments[-1]["ended_at"] if segments else call.ended_at
    row = {
        "id": call.id,
        "direction": call.direction.value,
        "number_kind": call.number.kind.value,
        "number_raw": call.number.raw,
        "number_key": call.number.key,
        "caller_name": call.caller_name,
        "did": call.did,
        "channel_id": call.channel_id,
        "stage": call.stage.value,
        "language": call.language,
        "queue": call.queue,
        "tier": call.tier,
        "customer_id": call.customer_id,
        "follow_up_id": call.follow_up_id,
        "agent_id": call.agent_id,
        "keys": [list(pressed) for pressed in call.keys],
        "marks": sorted(call.marks),
        "recording": call.recording,
        "arrived_at": call.arrived_at,
        "ended_at": ended_at,
        "end_reason": call.end_reason.value if call.end_reason else None,
        "seen_at": seen_at,
        **sums(segments),
    }
    return Entry(CALL, {"call": row, "segments": segments})


def sums(segments: list[Row]) -> Row:
    """What a call's row repeats of its segments, so that lists need not read them."""
    served = [row["agent_id"] for row in segments if row["stage"] in TALKED and row["agent_id"] is not None]
    return {
        "waited_ms": sum(row["duration_ms"] or 0 for row in segments if row["stage"] in WAITED),
        "talked_ms": sum(row["duration_ms"] or 0 for row in segments if row["stage"] in TALKED),
        "served_by": served[-1] if served else None,
    }


def _segment_rows(call: Call) -> list[Row]:
    """Boundaries are whole milliseconds since the arrival, the first at the arrival itself: so the durations
    add up to the call's length exactly, not only within rounding."""
    starts: list[int] = []
    for segment in call.segments:
        starts.append(max(starts[-1], _offset(call, segment.started)) if starts else 0)
    if not starts:
        return []
    end = None if call.ended is None else max(starts[-1], _offset(call, call.ended))
    return [
        segment_row(call.id, position, segment, call.arrived_at, start, stop)
        for position, (segment, start, stop) in enumerate(
            zip(call.segments, starts, [*starts[1:], end], strict=True)
        )
    ]


def _offset(call: Call, at: float) -> int:
    return max(0, round((at - call.arrived) * 1000))


def segment_row(
    call_id: CallId, position: int, segment: Segment, arrived_at: dt.datetime, start: int, stop: int | None
) -> Row:
    """A segment from ``start`` to ``stop``, in milliseconds since the arrival."""
    return {
        "call_id": call_id,
        "position": position,
        "id": segment.id,
        "stage": segment.stage.value,
        "queue": segment.queue,
        "agent_id": segment.agent_id,
        "started_at": arrived_at + dt.timedelta(milliseconds=start),
        "ended_at": None if stop is None else arrived_at + dt.timedelta(milliseconds=stop),
        "duration_ms": None if stop is None else stop - start,
    }


def offer_entry(row: OfferRow) -> Entry:
    """An offer as it is now."""
    data = {name: getattr(row, name) for name in OfferRow.__dataclass_fields__}
    data["id"] = data.pop("offer_id")
    return Entry(OFFER, data)


def wrap_up_entry(row: WrapUpRow) -> Entry:
    """A wrap-up that ended."""
    return Entry(WRAP_UP, asdict(row))


def attempt_entry(attempt: Attempt) -> Entry:
    """An outbound attempt as it is now."""
    return Entry(ATTEMPT, {**asdict(attempt), "result": attempt.result.value})


def presence_entry(row: PresenceRow) -> Entry:
    """What an agent chose."""
    return Entry(PRESENCE, asdict(row))


def gap_entry(row: GapRow) -> Entry:
    """An interval without sight of Asterisk."""
    return Entry(GAP, asdict(row))


def missed_entry(missed: MissedCall, call_id: CallId, at: dt.datetime) -> Entry:
    """A call that went by without us, read back at ``at``."""
    return Entry(MISSED, {"missed": asdict(missed), "call_id": call_id, "at": at})


def visit_entry(row: VisitRow) -> Entry:
    """A caller's way through a flow, with its steps."""
    visit = asdict(row)
    del visit["steps"]
    steps = []
    for position, step in enumerate(row.steps):
        kept = {
            "call_id": row.call_id,
            "visit_flow": row.flow,
            "visit_at": row.started_at,
            "position": position,
            **asdict(step),
        }
        kept["duration_ms"] = _milliseconds(kept.pop("seconds"))
        steps.append(kept)
    return Entry(VISIT, {"visit": visit, "steps": steps})


def callback_entry(callback: Callback) -> Entry:
    """A callback as it is now."""
    row = {**asdict(callback), "state": callback.state.value, "skills": dict(callback.skills)}
    return Entry(CALLBACK, row)


def voicemail_entry(voicemail: Voicemail) -> Entry:
    """A message that was left. The names are for pages: they are looked up when it is read."""
    row = {**asdict(voicemail), "state": voicemail.state.value}
    del row["customer"], row["owner"]
    row["duration_ms"] = _milliseconds(row.pop("seconds"))
    return Entry(VOICEMAIL, row)


def survey_answer_entry(answer: SurveyAnswer) -> Entry:
    """An answer to one question."""
    return Entry(SURVEY_ANSWER, asdict(answer))


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))
