"""A follow-up that can be planned, and those that can't."""

import dataclasses
import datetime as dt

import pytest

from callcenter.errors import BadInput
from callcenter.follow_ups.follow_up import NOTE_LIMIT, NewFollowUp, checked
from callcenter.ids import AgentId, CustomerId

pytestmark = pytest.mark.unit

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
GOOD = NewFollowUp(CustomerId(1), AgentId(1), "confirm the repair", "", NOW + dt.timedelta(days=1))

WRONG = {
    "reason": {"reason": "  "},
    "note": {"note": "x" * (NOTE_LIMIT + 1)},
    "time zone": {"due_at": dt.datetime(2026, 1, 6, 9, 0)},  # noqa: DTZ001  that is the fault
    "past": {"due_at": NOW - dt.timedelta(minutes=6)},
}


@pytest.mark.parametrize("words", WRONG)
def test_refused_with_words(words: str) -> None:
    """The agent reads what is wrong."""
    with pytest.raises(BadInput, match=words):
        checked(dataclasses.replace(GOOD, **WRONG[words]), NOW)  # type: ignore[arg-type]


def test_a_form_that_was_open_a_while() -> None:
    """Due a few minutes ago is still due now; other time zones are times too."""
    beijing = dt.timezone(dt.timedelta(hours=8))
    for due in (NOW - dt.timedelta(minutes=4), (NOW + dt.timedelta(hours=1)).astimezone(beijing)):
        plan = dataclasses.replace(GOOD, due_at=due)
        assert checked(plan, NOW) is plan
