"""Who leaves a place behind: a caller who gave up in line or was cut off, and may ring again.

What counts is what came after the caller was in line for the last time:

* nothing, and the caller hung up or we lost the call: the place is left;
* a talk of less than ``SERVED`` seconds, whoever ended it: cut off, the place is left;
* anything else (a longer talk, a voicemail, another number, a callback that was asked for): nothing is left.

Whoever has talked for ``SERVED`` seconds in a call has been served: places that were left before are gone with it.
"""

import datetime as dt
import enum
from collections.abc import Sequence
from dataclasses import dataclass

from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.ids import CallId, QueueName

SERVED = 10.0
"""Seconds of talk."""
IN_LINE = frozenset({Stage.WAITING, Stage.RINGING, Stage.FALLBACK})
TALK = frozenset({Stage.TALKING, Stage.HELD})
GAVE_UP = frozenset({EndReason.ABANDONED, EndReason.LOST_TRACK, EndReason.FALLBACK_LOST, EndReason.FAILED})
ELSEWHERE = frozenset({EndReason.TRANSFERRED, EndReason.FALLBACK_SERVED})


class Came(enum.StrEnum):
    """What a call came to, as far as the place in line goes."""

    LEFT = "left"
    SERVED = "served"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Stretch:
    """One segment of a call."""

    stage: Stage
    seconds: float
    queue: QueueName | None = None


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call on record. ``ended_at`` None: it goes on, as far as is known. ``queue``: that of its place. ``resumed``:
    it had the place of a call before it."""

    call_id: CallId
    number: str
    direction: Direction
    queue: QueueName | None
    arrived_at: dt.datetime
    ended_at: dt.datetime | None
    came: Came
    resumed: bool = False


def came_of(reason: EndReason | None, stretches: Sequence[Stretch]) -> Came:
    """What a call with these segments and this end came to."""
    last = max((i for i, one in enumerate(stretches) if one.stage in IN_LINE), default=None)
    if last is not None and _is_left(reason, stretches[last + 1 :]):
        return Came.LEFT
    talked = sum(one.seconds for one in stretches if one.stage in TALK)
    return Came.SERVED if talked >= SERVED else Came.NOTHING


def _is_left(reason: EndReason | None, after: Sequence[Stretch]) -> bool:
    if not after:
        return reason in GAVE_UP
    cut_off = all(one.stage in TALK for one in after) and sum(one.seconds for one in after) < SERVED
    return cut_off and reason is not None and reason not in ELSEWHERE


def was_cut_off(call: Call, now: float) -> bool:
    """Was the talk of this call, which has ended, too short to be one?"""
    return came_of(call.end_reason, stretches_of(call, now)) is Came.LEFT


def stretches_of(call: Call, now: float) -> list[Stretch]:
    """The segments of a call; ``now`` is monotonic."""
    return [Stretch(one.stage, one.seconds(now), one.queue) for one in call.segments]


def queue_of(stretches: Sequence[Stretch], otherwise: QueueName | None) -> QueueName | None:
    """The queue that the call was in line for the last time."""
    return next((one.queue for one in reversed(stretches) if one.stage in IN_LINE and one.queue), otherwise)
