"""One call as its page tells it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from callcenter.ids import AgentId, CallId, CustomerId


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """One stretch of a call on its page; the seconds of all add up to the call's."""

    stage: str
    queue: str
    agent: str
    started_at: dt.datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One offer of the call to an agent. ``decision``: the record that ``routing.decision`` explains, if one was
    made."""

    agent: str
    offered_at: dt.datetime
    ended_at: dt.datetime | None
    result: str
    why: str
    decision: str = ""


@dataclass(frozen=True, slots=True)
class WrapUpLine:
    """What an agent said of the call."""

    agent: str
    disposition: str
    note: str
    ended_at: dt.datetime
    timed_out: bool


@dataclass(frozen=True, slots=True)
class StepLine:
    """One node of a flow that the caller passed. ``way``: how it was left, as in ``StepRow``."""

    flow: str
    node: str
    way: str
    seconds: float


@dataclass(frozen=True, slots=True)
class SurveyLine:
    """One answer of the caller afterwards: ``score`` is the key pressed; a comment has a recording instead."""

    question: str
    score: int | None
    recording_id: str | None
    survey: str


@dataclass(frozen=True, slots=True)
class VoicemailLine:
    """A message that the caller left in this call; its id is its recording's. ``owner``: who has taken it."""

    recording_id: str
    queue: str
    seconds: float
    state: str
    owner: str


@dataclass(frozen=True, slots=True)
class CallbackLine:
    """A callback that was asked for in this call, as it is now."""

    queue: str
    number: str
    state: str
    tries: int
    agent: str
    asked_at: dt.datetime
    ended_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class CallStory:
    """A call as its page tells it. ``agent_ids`` are all who were offered it or spoke in it; ``names``: of all agents
    whom the offers' decisions speak of, ``1001 Li Na``."""

    call_id: CallId
    direction: str
    number: str
    did: str
    customer_id: CustomerId | None
    customer_name: str
    tier: str
    queue: str
    arrived_at: dt.datetime
    ended_at: dt.datetime | None
    end_reason: str
    marks: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    agent_ids: frozenset[int] = frozenset()
    segments: tuple[SegmentLine, ...] = ()
    offers: tuple[OfferLine, ...] = ()
    wrap_ups: tuple[WrapUpLine, ...] = ()
    recording_id: str | None = None
    steps: tuple[StepLine, ...] = ()
    survey: tuple[SurveyLine, ...] = ()
    voicemails: tuple[VoicemailLine, ...] = ()
    callbacks: tuple[CallbackLine, ...] = ()
    names: Mapping[AgentId, str] = field(default_factory=dict)


class CallStories(Protocol):
    """The kept record of single calls."""

    async def story(self, call_id: CallId) -> CallStory | None:
        """One call, or None."""
