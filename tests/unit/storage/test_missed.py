"""From a note of the fallback to a call's rows."""

import datetime as dt
from typing import Any

import pytest

from callcenter.calls.call import EndReason
from callcenter.calls.number import normalise
from callcenter.calls.ports import MissedCall
from callcenter.ids import AgentId, CallId, CustomerId
from callcenter.storage.missed import Known, completed, end_reason, ended_properly, extension_of

pytestmark = pytest.mark.unit

ARRIVED = 1_767_603_600
AT = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
ID = CallId("a" * 32)
KNOWN = Known(normalise("+8613800138000", "CN"), CustomerId(5), "vip", AgentId(7))


def note(**facts: Any) -> MissedCall:
    """A caller who hung up in the fallback after 60 s, changed by ``facts``."""
    base: dict[str, Any] = {
        "key": "sys-1767603600.1", "call_id": None, "did": "4001", "number": "+8613800138000",
        "arrived": ARRIVED, "stage": "fallback", "queue": "", "dial_status": "", "answered": 0,
        "agent_phone": "", "queue_status": "", "ended": ARRIVED + 60,
    }  # fmt: skip
    return MissedCall(**{**base, **facts})


def stretches(parts: list[dict[str, Any]]) -> list[tuple[str, int | None]]:
    """(Stage, whole seconds) of each segment."""
    return [
        (part["stage"], None if part["duration_ms"] is None else part["duration_ms"] // 1000)
        for part in parts
    ]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, EndReason.ABANDONED),
        ({"queue_status": "TIMEOUT"}, EndReason.FALLBACK_LOST),
        ({"queue_status": "JOINEMPTY"}, EndReason.FALLBACK_LOST),
        ({"answered": ARRIVED + 9, "agent_phone": "PJSIP/1001"}, EndReason.FALLBACK_SERVED),
        ({"stage": "offered", "answered": ARRIVED + 9, "dial_status": "ANSWER"}, EndReason.AGENT_HANGUP),
        ({"stage": "offered", "dial_status": "NOANSWER"}, EndReason.ABANDONED),
        ({"stage": "waiting"}, EndReason.ABANDONED),
        ({"stage": "arrived"}, EndReason.ABANDONED),
        ({"stage": "outbound", "dial_status": "BUSY"}, EndReason.BUSY),
        ({"stage": "outbound", "dial_status": "NOANSWER"}, EndReason.NO_ANSWER),
        ({"stage": "outbound", "dial_status": "CHANUNAVAIL"}, EndReason.FAILED),
        ({"stage": "outbound", "answered": ARRIVED + 9, "dial_status": "ANSWER"}, EndReason.AGENT_HANGUP),
        ({"stage": "nonsense"}, EndReason.ABANDONED),
    ],
)
def test_the_note_tells_how_it_ended(facts: dict[str, Any], reason: EndReason) -> None:
    """Each way a call can go by without us has its own end."""
    assert end_reason(note(**facts)) is reason


def test_a_call_that_we_never_saw_is_made_from_the_note() -> None:
    """Arrived, waited in the fallback, was served: marked as put together afterwards."""
    missed = note(answered=ARRIVED + 20, agent_phone="PJSIP/1001")
    row, parts = completed(missed, ID, KNOWN, AT, None)
    assert stretches(parts) == [("arrived", 0), ("fallback", 20), ("talking", 40)]
    assert row["marks"] == ["fallback", "reconstructed"]
    assert (row["direction"], row["end_reason"], row["stage"]) == ("inbound", "fallback_served", "ended")
    assert (row["customer_id"], row["tier"], row["served_by"], row["talked_ms"]) == (5, "vip", 7, 40_000)
    assert row["ended_at"] - row["arrived_at"] == dt.timedelta(seconds=60)
    assert parts[-1]["agent_id"] == 7


def test_a_call_that_hung_up_before_any_fallback_has_no_such_mark() -> None:
    """Only what was in the fallback says so."""
    row, parts = completed(note(stage="arrived"), ID, KNOWN, AT, None)
    assert row["marks"] == ["reconstructed"]
    assert stretches(parts) == [("arrived", 60)]


def test_an_outbound_call_is_one() -> None:
    """The agent dialled: the number is the one that was called."""
    row, parts = completed(note(stage="outbound", dial_status="BUSY"), ID, KNOWN, AT, None)
    assert (row["direction"], row["did"], row["number_key"]) == ("outbound", "", "+8613800138000")
    assert stretches(parts) == [("arrived", 0), ("dialling", 60)]


def test_a_call_that_is_still_there_stays_open() -> None:
    """No end in the note: none in the record."""
    row, parts = completed(note(ended=0), ID, KNOWN, AT, None)
    assert (row["ended_at"], row["end_reason"], row["stage"]) == (None, None, "fallback")
    assert stretches(parts) == [("arrived", 0), ("fallback", None)]
    row, parts = completed(note(answered=ARRIVED + 5), ID, KNOWN, AT, (row, parts))
    assert stretches(parts) == [("arrived", 0), ("fallback", 5), ("talking", 55)]


def kept(*stages: tuple[str, int], seen: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the core had written: (stage, second at which it began), last seen at ``seen``."""
    row, _ = completed(note(ended=0, stage="arrived"), ID, KNOWN, AT, None)
    starts = [AT + dt.timedelta(seconds=second) for _, second in stages]
    row |= {"arrived_at": AT, "seen_at": AT + dt.timedelta(seconds=seen), "marks": ["gap"]}
    parts = [
        {
            "call_id": ID, "position": place, "id": f"s{place}", "stage": stage, "queue": "sales", "agent_id": None,
            "started_at": starts[place], "ended_at": None, "duration_ms": None,
        }
        for place, (stage, _) in enumerate(stages)
    ]  # fmt: skip
    return row, parts


def test_a_call_that_we_saw_begin_is_completed() -> None:
    """The core died while the caller waited: what it wrote is kept, the fallback follows what it saw last."""
    before = kept(("arrived", 0), ("ivr", 2), ("waiting", 10), seen=12)
    row, parts = completed(note(answered=ARRIVED + 30), ID, KNOWN, AT, before)
    assert stretches(parts) == [("arrived", 2), ("ivr", 8), ("waiting", 2), ("fallback", 18), ("talking", 30)]
    assert [part["id"] for part in parts[:3]] == ["s0", "s1", "s2"]
    assert row["marks"] == ["fallback", "gap", "reconstructed"]
    again, same = completed(note(answered=ARRIVED + 30), ID, KNOWN, AT, (row, parts))
    assert (again, same) == (row, parts)


def test_a_talk_that_went_on_without_us_is_only_longer() -> None:
    """The core died in the talk: one segment of talk, up to its end."""
    before = kept(("arrived", 0), ("waiting", 2), ("ringing", 5), ("talking", 9), seen=9)
    missed = note(stage="offered", dial_status="ANSWER", answered=ARRIVED + 9, agent_phone="PJSIP/1001")
    row, parts = completed(missed, ID, KNOWN, AT, before)
    assert stretches(parts) == [("arrived", 2), ("waiting", 3), ("ringing", 4), ("talking", 51)]
    assert row["marks"] == ["gap", "reconstructed"]


def test_an_answer_that_we_did_not_see_is_added() -> None:
    """The core died while the phone rang."""
    before = kept(("arrived", 0), ("ringing", 5), seen=5)
    missed = note(stage="offered", dial_status="ANSWER", answered=ARRIVED + 9)
    _, parts = completed(missed, ID, KNOWN, AT, before)
    assert stretches(parts) == [("arrived", 5), ("ringing", 4), ("talking", 51)]


def test_a_second_stay_in_the_fallback_is_a_second_segment() -> None:
    """Taken back from the fallback, and left to it again."""
    before = kept(("arrived", 0), ("fallback", 5), ("waiting", 20), seen=25)
    _, parts = completed(note(), ID, KNOWN, AT, before)
    assert stretches(parts) == [("arrived", 5), ("fallback", 15), ("waiting", 5), ("fallback", 35)]


@pytest.mark.parametrize(
    "facts",
    [
        {"arrived": 0},
        {"arrived": -5, "ended": 2**62, "answered": 3},
        {"ended": ARRIVED - 100},
        {"answered": ARRIVED + 900, "ended": ARRIVED + 60},
        {"arrived": 2**63, "ended": 0},
    ],
)
def test_impossible_times_make_no_negative_time(facts: dict[str, Any]) -> None:
    """Clocks jump and notes can be damaged: segments are never negative and still add up."""
    row, parts = completed(note(**facts), ID, KNOWN, AT, None)
    assert all(part["duration_ms"] is None or part["duration_ms"] >= 0 for part in parts)
    if row["ended_at"] is not None:
        total = sum(part["duration_ms"] for part in parts)
        assert dt.timedelta(milliseconds=total) == row["ended_at"] - row["arrived_at"]


def test_only_a_lost_track_is_no_proper_end() -> None:
    """It is our guess, and the note knows better."""
    assert ended_properly({"ended_at": AT, "end_reason": "abandoned"})
    assert not ended_properly({"ended_at": AT, "end_reason": "lost_track"})
    assert not ended_properly({"ended_at": None, "end_reason": None})


@pytest.mark.parametrize(
    ("phone", "extension"),
    [
        ("PJSIP/1001", "1001"), ("Local/1001@from-queue/n", "1001"), ("SIP/a.b-c", "a.b-c"), ("1001", ""), ("", ""),
        ("PJSIP/" + "1" * 99, ""), ("PJSIP/1001\nX", ""),
    ],
)  # fmt: skip
def test_the_extension_of_a_phone(phone: str, extension: str) -> None:
    """The part that agents know it by; nothing of what is no phone."""
    assert extension_of(phone) == extension
