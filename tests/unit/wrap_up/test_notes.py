"""What agents say of their calls is on record when the wrap-up ends, however it ends."""

import datetime as dt

import pytest

from callcenter.agents.events import WrapUpEnded, WrapUpStarted
from callcenter.clock import ManualClock
from callcenter.errors import BadInput
from callcenter.ids import AgentId, CallId
from callcenter.wrap_up.dispositions import DEFAULTS, NONE_GIVEN
from callcenter.wrap_up.notes import NOTE_LIMIT, WrapUps
from tests.fakes.memory_recorder import MemoryRecorder

pytestmark = pytest.mark.unit

A, B, CALL = AgentId(1), AgentId(2), CallId("c")


def wrapped(said: tuple[CallId, str, str] | None, *, timed_out: bool) -> MemoryRecorder:
    """A wrap-up of 40 s in which the agent said this."""
    recorder, clock = MemoryRecorder(), ManualClock()
    notes = WrapUps(recorder, clock)
    notes.started(WrapUpStarted(A, CALL, clock.now(), clock.now() + 60))
    if said:
        notes.say(A, *said)
    clock.move(40)
    notes.ended(WrapUpEnded(A, CALL, clock.now(), timed_out))
    return recorder


def test_the_row() -> None:
    """Who, which call, what, from when to when, and whether the timer ended it."""
    [row] = wrapped((CALL, "RESOLVED", "问题已解决"), timed_out=False).wrap_ups
    assert (row.agent_id, row.call_id, row.disposition, row.note) == (A, CALL, "RESOLVED", "问题已解决")
    assert row.ended_at - row.started_at == dt.timedelta(seconds=40)
    assert row.timed_out is False


def test_nothing_said_in_time() -> None:
    """The timer ended it: on record as such."""
    [row] = wrapped(None, timed_out=True).wrap_ups
    assert (row.disposition, row.note, row.timed_out) == (NONE_GIVEN, "", True)


def test_a_word_about_another_call() -> None:
    """It is not written under this one, nor kept for the next."""
    [row] = wrapped((CallId("other"), "RESOLVED", "x"), timed_out=True).wrap_ups
    assert row.disposition == NONE_GIVEN


def test_the_last_word_counts_and_agents_are_apart() -> None:
    """Said twice: the later; said by two: each their own."""
    recorder, clock = MemoryRecorder(), ManualClock()
    notes = WrapUps(recorder, clock)
    notes.say(A, CALL, "RESOLVED", "first")
    notes.say(A, CALL, "COMPLAINT", "second")
    notes.say(B, CALL, "INFORMATION", "other")
    for agent in (A, B, A):
        notes.ended(WrapUpEnded(agent, CALL, clock.now(), timed_out=False))
    assert [row.disposition for row in recorder.wrap_ups] == ["COMPLAINT", "INFORMATION", NONE_GIVEN]


def test_refusals_have_words() -> None:
    """An unknown code, an endless note."""
    notes = WrapUps(MemoryRecorder(), ManualClock())
    with pytest.raises(BadInput) as unknown:
        notes.say(A, CALL, "NO_SUCH", "")
    assert unknown.value.code == "unknown_disposition"
    with pytest.raises(BadInput, match=str(NOTE_LIMIT)):
        notes.say(A, CALL, "RESOLVED", "x" * (NOTE_LIMIT + 1))
    notes.say(A, CALL, "RESOLVED", "x" * NOTE_LIMIT)


def test_the_codes_that_ship() -> None:
    """Each has both titles; none is the one for silence."""
    assert len({one.code for one in DEFAULTS}) == len(DEFAULTS)
    assert all(one.title_en and one.title_zh and one.code != NONE_GIVEN for one in DEFAULTS)
