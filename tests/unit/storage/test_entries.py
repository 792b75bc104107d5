"""What the recorder is told of flows, callbacks, messages, answers and decisions survives the journal's text."""

import datetime as dt

import pytest

from callcenter.callbacks.callback import Callback, CallbackState
from callcenter.history.ports import OfferRow, StepRow, VisitRow
from callcenter.ids import AgentId, CallId, CustomerId, OfferId, QueueName
from callcenter.storage import entries
from callcenter.storage.entries import Entry, from_line
from callcenter.surveys.answer import SurveyAnswer
from callcenter.voicemails.voicemail import Voicemail, VoicemailState
from tests.fakes.fake_routing import decision

pytestmark = pytest.mark.unit

NOW = dt.datetime(2026, 1, 5, 9, 0, 0, 123456, tzinfo=dt.UTC)
CALL = CallId("c" * 32)
STEPS = (
    StepRow("main", 1, "menu", NOW, 1.2345, "key 1", 1, 2),
    StepRow("pin", 4, "who", NOW, -0.001, "gone", 0, 0),
)
CALLBACK = Callback(
    "a", "+8613800138000", QueueName("sales"), "key", "zh", CALL, None, NOW, NOW, NOW, NOW,
    CallbackState.NO_ANSWER, 3, AgentId(1), NOW, {"billing": 3, "a": 1},
)  # fmt: skip
MESSAGE = Voicemail(
    "b", CALL, QueueName("sales"), CustomerId(1), "", 12.3456, "zh", NOW, VoicemailState.NEW, customer="李雷"
)
ANSWER = SurveyAnswer(CALL, "csat", "friendly", None, None, 5, None, NOW)
OFFER = OfferRow(OfferId("d"), CALL, AgentId(3), NOW, None, "offered", "words", decision().packed())
ALL = {
    "visit": entries.visit_entry(VisitRow(CALL, "main", 1, NOW, NOW, "gone", contained=True, steps=STEPS)),
    "callback": entries.callback_entry(CALLBACK),
    "voicemail": entries.voicemail_entry(MESSAGE),
    "answer": entries.survey_answer_entry(ANSWER),
    "offer": entries.offer_entry(OFFER),
}


@pytest.mark.parametrize("entry", ALL.values(), ids=ALL)
def test_a_line_of_the_journal_is_the_same_entry(entry: Entry) -> None:
    """Dates, numbers, truth and nothing come back as they were, each in one line."""
    line = entry.to_line()
    assert "\n" not in line
    assert from_line(line) == entry


def test_steps_are_numbered_within_their_visit() -> None:
    """Also those in subflows, which keep their own flow and version; time is whole milliseconds, never below zero."""
    rows = ALL["visit"].data["steps"]
    assert [(row["visit_flow"], row["position"], row["flow"], row["version"]) for row in rows] == [
        ("main", 0, "main", 1),
        ("main", 1, "pin", 4),
    ]
    assert [row["duration_ms"] for row in rows] == [1234, 0]
    assert {row["visit_at"] for row in rows} == {NOW}


def test_names_for_pages_are_not_kept_with_a_message() -> None:
    """They are looked up when it is read: names change."""
    row = ALL["voicemail"].data
    assert not {"customer", "owner", "seconds"} & row.keys()
    assert (row["duration_ms"], row["state"]) == (12346, "new")
