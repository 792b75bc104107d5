"""The record in memory: each row by its id, the later write wins, as in the database."""

import copy
import datetime as dt

from callcenter.callbacks.callback import Callback
from callcenter.calls.call import Call
from callcenter.calls.ports import MissedCall
from callcenter.errors import CallcenterError
from callcenter.follow_ups.follow_up import Attempt
from callcenter.history.ports import GapRow, OfferRow, OpenCall, PresenceRow, VisitRow, WrapUpRow
from callcenter.ids import AgentId, CallId, OfferId
from callcenter.surveys.answer import SurveyAnswer
from callcenter.voicemails.voicemail import Voicemail


class MemoryRecorder:
    """A ``Recorder`` and a ``History``."""

    def __init__(self) -> None:
        self.calls: dict[CallId, Call] = {}
        self.offers: dict[OfferId, OfferRow] = {}
        self.wrap_ups: list[WrapUpRow] = []
        self.attempts: dict[CallId, Attempt] = {}
        self.attempt_writes: list[Attempt] = []
        self.presence_of: dict[AgentId, PresenceRow] = {}
        self.gaps: list[GapRow] = []
        self.missed_rows: list[tuple[MissedCall, CallId]] = []
        self.visits: dict[tuple[CallId, str, dt.datetime], VisitRow] = {}
        self.callbacks: dict[str, Callback] = {}
        self.callback_writes: list[Callback] = []
        self.voicemails: dict[str, Voicemail] = {}
        self.survey_answers: dict[tuple[CallId, str, str], SurveyAnswer] = {}
        self.ended: list[CallId] = []
        """Each time a call was written as ended for the first time."""
        self.open: list[tuple[Call, dt.datetime]] = []
        self.away = False

    def call(self, call: Call) -> None:
        before = self.calls.get(call.id)
        if call.ended is not None and (before is None or before.ended is None):
            self.ended.append(call.id)
        self.calls[call.id] = copy.deepcopy(call)

    def offer(self, row: OfferRow) -> None:
        self.offers[row.offer_id] = row

    def wrap_up(self, row: WrapUpRow) -> None:
        self.wrap_ups.append(row)

    def attempt(self, attempt: Attempt) -> None:
        self.attempts[attempt.call_id] = attempt
        self.attempt_writes.append(attempt)

    def presence(self, row: PresenceRow) -> None:
        self.presence_of[row.agent_id] = row

    def gap(self, row: GapRow) -> None:
        self.gaps.append(row)

    def missed(self, missed: MissedCall, call_id: CallId) -> None:
        self.missed_rows.append((missed, call_id))

    def visit(self, row: VisitRow) -> None:
        self.visits[row.call_id, row.flow, row.started_at] = row

    def callback(self, callback: Callback) -> None:
        self.callbacks[callback.id] = callback
        self.callback_writes.append(callback)

    def voicemail(self, voicemail: Voicemail) -> None:
        self.voicemails.setdefault(voicemail.id, voicemail)

    def survey_answer(self, answer: SurveyAnswer) -> None:
        self.survey_answers[answer.call_id, answer.survey, answer.question] = answer

    async def open_calls(self) -> list[OpenCall]:
        if self.away:
            raise CallcenterError("the database is away")
        return [OpenCall(call, seen) for call, seen in self.open]

    async def presences(self) -> list[PresenceRow]:
        return list(self.presence_of.values())

    async def safe(self) -> None:
        """Memory is safe enough."""
