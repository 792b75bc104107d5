"""What is written, and where to.

Writes are queued and idempotent: the same id twice is one row, and the later one wins.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

from callcenter.callbacks.callback import Callback
from callcenter.calls.call import Call
from callcenter.calls.ports import MissedCall
from callcenter.follow_ups.follow_up import Attempt
from callcenter.ids import AgentId, CallId, OfferId
from callcenter.surveys.answer import SurveyAnswer
from callcenter.voicemails.voicemail import Voicemail


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One offer: who was reserved for which call, from when to when, and how it ended. ``decision``: JSON of
    ``routing.decision``, all that it was decided from; empty when nobody chose."""

    offer_id: OfferId
    call_id: CallId
    agent_id: AgentId
    offered_at: dt.datetime
    ended_at: dt.datetime | None
    result: str
    why: str
    decision: str = ""


@dataclass(frozen=True, slots=True)
class WrapUpRow:
    """What the agent said of a call."""

    call_id: CallId
    agent_id: AgentId
    disposition: str
    note: str
    started_at: dt.datetime
    ended_at: dt.datetime
    timed_out: bool


@dataclass(frozen=True, slots=True)
class GapRow:
    """An interval in which we did not see Asterisk."""

    started_at: dt.datetime
    ended_at: dt.datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PresenceRow:
    """What an agent chose last, so that a restarted core gives them their state back."""

    agent_id: AgentId
    extension: str
    presence: str
    reason: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that the record has as not ended, at the start of the core."""

    call: Call
    last_seen: dt.datetime


@dataclass(frozen=True, slots=True)
class StepRow:
    """One node that a caller passed. ``way``: how it was left (``next``, ``key 1``, ``no_input``, ``wrong_input``,
    ``failure``, ``gone``, ...). ``no_input``, ``wrong_input``: how often that happened there."""

    flow: str
    version: int
    node: str
    entered_at: dt.datetime
    seconds: float
    way: str
    no_input: int
    wrong_input: int


@dataclass(frozen=True, slots=True)
class VisitRow:
    """One caller's way through a flow, written when it is over. ``end``: ``queue``, ``transfer``, ``hangup``, ``gone``.
    ``contained``: the caller never waited for, or talked to, a person."""

    call_id: CallId
    flow: str
    version: int
    started_at: dt.datetime
    ended_at: dt.datetime
    end: str
    contained: bool
    steps: tuple[StepRow, ...]


class Recorder(Protocol):
    """Takes what happened and keeps it; never waits, never fails: with the database away it journals."""

    def call(self, call: Call) -> None:
        """The call with its segments, as it is now."""

    def offer(self, row: OfferRow) -> None:
        """An offer began or ended."""

    def wrap_up(self, row: WrapUpRow) -> None:
        """A wrap-up ended."""

    def attempt(self, attempt: Attempt) -> None:
        """An outbound attempt began or ended."""

    def presence(self, row: PresenceRow) -> None:
        """An agent logged in, out, ready or not ready."""

    def gap(self, row: GapRow) -> None:
        """We were blind for a while."""

    def missed(self, missed: MissedCall, call_id: CallId) -> None:
        """A call, or its rest, that went by without us; updates the call of that id or makes it."""

    def visit(self, row: VisitRow) -> None:
        """A caller's way through a flow is over."""

    def callback(self, callback: Callback) -> None:
        """A callback as it is now."""

    def voicemail(self, voicemail: Voicemail) -> None:
        """A message was left. Written again it changes nothing: people may have worked on it."""

    def survey_answer(self, answer: SurveyAnswer) -> None:
        """A customer answered; a later answer to the same question counts."""

    async def safe(self) -> None:
        """Return when all that was told is in the database or in the journal."""


class History(Protocol):
    """Reads the record back."""

    async def open_calls(self) -> list[OpenCall]:
        """Calls without an end, with their segments."""

    async def presences(self) -> list[PresenceRow]:
        """The last presence of each agent who is not logged out."""
