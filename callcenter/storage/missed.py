"""From what the fallback noted of a call to its rows. Pure functions.

The notes are in whole seconds of Asterisk's wall clock; the record says so by its mark ``reconstructed``.
"""

import datetime as dt
import hashlib
import re
from dataclasses import dataclass

from callcenter.calls.call import Direction, EndReason, Segment, Stage
from callcenter.calls.number import CallerNumber
from callcenter.calls.ports import MissedCall
from callcenter.ids import AgentId, CallId, CustomerId, QueueName, SegmentId
from callcenter.storage.entries import TALKED, Row, segment_row, sums

EARLIEST = 946_684_800
LATEST = 4_102_444_800
"""Years 2000 and 2100: what lies outside is no date, whoever wrote it."""

_PHONE = re.compile(r"[A-Za-z0-9]+/([A-Za-z0-9_.-]{1,32})(@.*)?")
_DIAL_REASONS = {"BUSY": EndReason.BUSY, "NOANSWER": EndReason.NO_ANSWER, "CANCEL": EndReason.NO_ANSWER}
_MILLISECOND = dt.timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What else is known of a missed call: whose number it is, and who has the phone that answered."""

    number: CallerNumber
    customer_id: CustomerId | None = None
    tier: str = "regular"
    agent_id: AgentId | None = None


@dataclass(slots=True)
class Boundary:
    """A segment and the millisecond since the arrival at which it begins."""

    segment: Segment
    start: int


def extension_of(phone: str) -> str:
    """``1001`` of ``PJSIP/1001`` or ``Local/1001@from-queue/n``; empty when it is none of these."""
    found = _PHONE.fullmatch(phone)
    return found.group(1) if found else ""


def end_reason(missed: MissedCall) -> EndReason:
    """How it ended, as the note tells. Who of two talkers hung up first it does not tell."""
    if missed.stage == "fallback":
        if missed.answered:
            return EndReason.FALLBACK_SERVED
        return EndReason.FALLBACK_LOST if missed.queue_status else EndReason.ABANDONED
    if missed.answered:
        return EndReason.AGENT_HANGUP
    if missed.stage == "outbound":
        return _DIAL_REASONS.get(missed.dial_status, EndReason.FAILED)
    return EndReason.ABANDONED


def ended_properly(row: Row) -> bool:
    """Has the record an end that is better than our guess?"""
    return row["ended_at"] is not None and row["end_reason"] != EndReason.LOST_TRACK


def completed(
    missed: MissedCall, call_id: CallId, known: Known, now: dt.datetime, kept: tuple[Row, list[Row]] | None
) -> tuple[Row, list[Row]]:
    """The call's row and its segments, from the note and from what is ``kept`` of it already."""
    if kept is None:
        row = _fresh(missed, call_id, known, now)
        boundaries = _first_boundaries(missed, row)
    else:
        row = dict(kept[0])
        boundaries = _kept_boundaries(row, kept[1])
    end = _extend(missed, row, boundaries, known)
    segments = _rows(call_id, row["arrived_at"], boundaries, end)
    row["marks"] = sorted({*row["marks"], "reconstructed", *(["fallback"] if _in_fallback(missed) else [])})
    last = boundaries[-1].segment
    row["agent_id"] = last.agent_id
    row["seen_at"] = max(now, row["seen_at"])
    row["stage"], row["ended_at"], row["end_reason"] = last.stage.value, None, None
    if end is not None:
        row["stage"], row["ended_at"] = Stage.ENDED.value, segments[-1]["ended_at"]
        row["end_reason"] = end_reason(missed).value
    return {**row, **sums(segments)}, segments


def _in_fallback(missed: MissedCall) -> bool:
    return missed.stage == "fallback"


def _date(seconds: int) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if EARLIEST < seconds < LATEST else None


def _fresh(missed: MissedCall, call_id: CallId, known: Known, now: dt.datetime) -> Row:
    outbound = missed.stage == "outbound"
    arrived_at = _date(missed.arrived) or _date(missed.answered) or _date(missed.ended) or now
    return {
        "id": call_id,
        "direction": (Direction.OUTBOUND if outbound else Direction.INBOUND).value,
        "number_kind": known.number.kind.value,
        "number_raw": known.number.raw,
        "number_key": known.number.key,
        "caller_name": "",
        "did": "" if outbound else missed.did,
        "channel_id": missed.key,
        "language": "en",
        "queue": missed.queue or None,
        "tier": known.tier,
        "customer_id": known.customer_id,
        "follow_up_id": None,
        "keys": [],
        "marks": [],
        "recording": None,
        "arrived_at": arrived_at,
        "seen_at": arrived_at,
    }


def _first_boundaries(missed: MissedCall, row: Row) -> list[Boundary]:
    stages = [Stage.ARRIVED, Stage.DIALLING] if row["direction"] == Direction.OUTBOUND else [Stage.ARRIVED]
    return [Boundary(_segment(missed, row, stage, None), 0) for stage in stages]


def _kept_boundaries(row: Row, segments: list[Row]) -> list[Boundary]:
    """The segments so far; the last one is open again, wherever a guess had closed it."""
    if not segments:
        opening = Segment(SegmentId(f"{row['id']}"), Stage.ARRIVED, 0.0, row["arrived_at"])
        return [Boundary(opening, 0)]
    return [
        Boundary(
            Segment(
                id=SegmentId(one["id"]),
                stage=Stage(one["stage"]),
                started=0.0,
                started_at=one["started_at"],
                queue=one["queue"],
                agent_id=one["agent_id"],
            ),
            _offset(row, one["started_at"]),
        )
        for one in segments
    ]


def _extend(missed: MissedCall, row: Row, boundaries: list[Boundary], known: Known) -> int | None:
    """Add what happened without us; gives the end in milliseconds since the arrival, if there was one."""
    answered, ended = _date(missed.answered), _date(missed.ended)
    limit = answered or ended
    if _in_fallback(missed) and not _fallback_is_kept(boundaries):
        # The moment at which the core went is not known; it was after the last thing that it wrote.
        start = _offset(row, min(row["seen_at"], limit) if limit else row["seen_at"])
        _append(boundaries, _segment(missed, row, Stage.FALLBACK, None), start)
    if answered is not None and boundaries[-1].segment.stage not in TALKED:
        _append(boundaries, _segment(missed, row, Stage.TALKING, known.agent_id), _offset(row, answered))
    return None if ended is None else max(_offset(row, ended), boundaries[-1].start)


def _fallback_is_kept(boundaries: list[Boundary]) -> bool:
    """Has an earlier reading of the note put the fallback (and the talk after it) at the end already?"""
    stages = [boundary.segment.stage for boundary in boundaries]
    return stages[-1] is Stage.FALLBACK or (stages[-2:-1] == [Stage.FALLBACK] and stages[-1] in TALKED)


def _append(boundaries: list[Boundary], segment: Segment, start: int) -> None:
    boundaries.append(Boundary(segment, max(start, boundaries[-1].start)))


def _segment(missed: MissedCall, row: Row, stage: Stage, agent_id: AgentId | None) -> Segment:
    """Its id follows from the note, so that reading the note twice makes it once."""
    name = hashlib.sha256(f"{missed.key} {stage.value}".encode()).hexdigest()[:32]
    queue = QueueName(row["queue"]) if row["queue"] and stage is not Stage.ARRIVED else None
    return Segment(SegmentId(name), stage, 0.0, row["arrived_at"], queue, agent_id)


def _offset(row: Row, at: dt.datetime) -> int:
    arrived_at: dt.datetime = row["arrived_at"]
    return max(0, round((at - arrived_at) / _MILLISECOND))


def _rows(call_id: CallId, arrived_at: dt.datetime, boundaries: list[Boundary], end: int | None) -> list[Row]:
    stops = [*(boundary.start for boundary in boundaries[1:]), end]
    return [
        segment_row(call_id, position, boundary.segment, arrived_at, boundary.start, stop)
        for position, (boundary, stop) in enumerate(zip(boundaries, stops, strict=True))
    ]
