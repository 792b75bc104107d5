"""A complaint that can be logged, and those that can't."""

import dataclasses

import pytest

from callcenter.complaints.complaint import SUBJECT_LIMIT, TEXT_LIMIT, NewComplaint, Severity, checked
from callcenter.errors import BadInput
from callcenter.ids import AgentId, CallId, CustomerId

pytestmark = pytest.mark.unit

GOOD = NewComplaint(CustomerId(1), CallId("c"), AgentId(1), "delivery", Severity.HIGH, "late", "since May")

WRONG = {
    "subject": {"subject": " \t\n"},
    "longer": {"subject": "x" * (SUBJECT_LIMIT + 1)},
    "text": {"text": "x" * (TEXT_LIMIT + 1)},
    "customer or a call": {"customer_id": None, "call_id": None},
}


@pytest.mark.parametrize("words", WRONG)
def test_refused_with_words(words: str) -> None:
    """The agent reads what is missing."""
    with pytest.raises(BadInput, match=words):
        checked(dataclasses.replace(GOOD, **WRONG[words]))  # type: ignore[arg-type]


def test_enough_is_enough() -> None:
    """A customer or a call is enough; the longest texts fit."""
    for change in (
        {},
        {"customer_id": None},
        {"call_id": None},
        {"subject": "x" * SUBJECT_LIMIT},
        {"text": "x" * TEXT_LIMIT},
    ):
        complaint = dataclasses.replace(GOOD, **change)
        assert checked(complaint) is complaint
