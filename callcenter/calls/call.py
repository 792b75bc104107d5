"""A call and its segments.

::

    ARRIVED ─> IVR <─> WAITING <─> RINGING ─> TALKING <─> HELD ─> (SURVEY) ─> ENDED
                │          └──────────────> FALLBACK (our core let go, or was away)
                └─> DIALLING ─> OUTSIDE ─> IVR (the flow put the caller through to somebody who is no agent of ours)

Segments follow one another without a gap: opening one closes the one before at the same instant, so the
segments of a call add up to its wall-clock time by construction.
"""

import datetime as dt
import enum
from dataclasses import dataclass, field

from callcenter.calls.number import CallerNumber
from callcenter.calls.skills import Levels
from callcenter.ids import AgentId, CallId, CustomerId, FollowUpId, QueueName, SegmentId


class Direction(enum.StrEnum):
    """Who rang whom: ``DIRECT`` is a call that reached an agent's phone past our line."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    DIRECT = "direct"


class Stage(enum.StrEnum):
    """Where a call is now; also the kind of the segment that is open."""

    ARRIVED = "arrived"
    IVR = "ivr"
    WAITING = "waiting"
    RINGING = "ringing"
    TALKING = "talking"
    HELD = "held"
    FALLBACK = "fallback"
    DIALLING = "dialling"
    OUTSIDE = "outside"
    SURVEY = "survey"
    ENDED = "ended"


class EndReason(enum.StrEnum):
    """How a call ended, as the core saw it; the agent's outcome (disposition) is another thing."""

    CALLER_HANGUP = "caller_hangup"
    AGENT_HANGUP = "agent_hangup"
    ABANDONED = "abandoned"
    IVR_END = "ivr_end"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    FAILED = "failed"
    FALLBACK_SERVED = "fallback_served"
    FALLBACK_LOST = "fallback_lost"
    LOST_TRACK = "lost_track"
    TRANSFERRED = "transferred"


@dataclass(slots=True)
class Segment:
    """One stretch of a call: ``started``/``ended`` are monotonic seconds, the dates are UTC."""

    id: SegmentId
    stage: Stage
    started: float
    started_at: dt.datetime
    queue: QueueName | None = None
    agent_id: AgentId | None = None
    ended: float | None = None
    ended_at: dt.datetime | None = None

    def seconds(self, now: float) -> float:
        """Its length so far."""
        return (self.ended if self.ended is not None else now) - self.started


@dataclass(slots=True)
class Call:
    """What the core knows of one call. Changed only through its methods, in one synchronous step each."""

    id: CallId
    direction: Direction
    number: CallerNumber
    caller_name: str
    did: str
    arrived: float
    arrived_at: dt.datetime
    channel_id: str = ""
    """Asterisk's unique id of the caller's channel; never leaves the server."""
    stage: Stage = Stage.ARRIVED
    language: str = "en"
    queue: QueueName | None = None
    tier: str = "regular"
    skills: Levels = field(default_factory=dict)
    customer_id: CustomerId | None = None
    follow_up_id: FollowUpId | None = None
    agent_id: AgentId | None = None
    keys: list[tuple[str, str]] = field(default_factory=list)
    """What the caller pressed: (IVR node, keys)."""
    segments: list[Segment] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)
    """``reconstructed``, ``gap``, ``fallback``, ``unrecorded``: what the record must admit; ``resumed``: an earlier
    call's place in line was found."""
    recording: str | None = None
    """The recording's id (a server-made name), when there is one."""
    end_reason: EndReason | None = None
    ended: float | None = None
    ended_at: dt.datetime | None = None

    def wall_at(self, now: float) -> dt.datetime:
        """The date of a monotonic instant, counted from the arrival so that a clock jump can't bend it."""
        return self.arrived_at + dt.timedelta(seconds=now - self.arrived)

    def enter(
        self,
        stage: Stage,
        now: float,
        segment_id: SegmentId,
        *,
        queue: QueueName | None = None,
        agent_id: AgentId | None = None,
    ) -> Segment:
        """Close the open segment and open the next one."""
        at = self.wall_at(now)
        self._close_segment(now, at)
        segment = Segment(segment_id, stage, now, at, queue, agent_id)
        self.segments.append(segment)
        self.stage = stage
        self.agent_id = agent_id
        if queue is not None:
            self.queue = queue
        return segment

    def end(self, reason: EndReason, now: float) -> bool:
        """End the call once; a second end (both sides hang up at once) changes nothing and gives False."""
        if self.stage is Stage.ENDED:
            return False
        at = self.wall_at(now)
        self._close_segment(now, at)
        self.stage, self.end_reason, self.ended, self.ended_at = Stage.ENDED, reason, now, at
        return True

    def waited(self, now: float) -> float:
        """Seconds in line so far, ringing included."""
        return sum(s.seconds(now) for s in self.segments if s.stage in (Stage.WAITING, Stage.RINGING))

    def talked(self, now: float) -> float:
        """Seconds of talk and hold so far."""
        return sum(s.seconds(now) for s in self.segments if s.stage in (Stage.TALKING, Stage.HELD))

    def stage_since(self) -> float:
        """When the present stage began (monotonic)."""
        return self.segments[-1].started if self.segments else self.arrived

    def _close_segment(self, now: float, at: dt.datetime) -> None:
        if self.segments and self.segments[-1].ended is None:
            self.segments[-1].ended, self.segments[-1].ended_at = now, at
