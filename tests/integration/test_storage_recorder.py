"""The recorder on a real database: what is told is kept, once, in its last form."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from callcenter.bus import Bus
from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.live_calls import LiveCalls
from callcenter.calls.number import normalise
from callcenter.clock import ManualClock, SystemClock
from callcenter.follow_ups.follow_up import Attempt, AttemptResult
from callcenter.history.ports import GapRow, OfferRow, PresenceRow, Recorder, WrapUpRow
from callcenter.ids import AgentId, CallId, FollowUpId, OfferId, QueueName, new_id
from callcenter.storage import tables
from callcenter.storage.database import Database, upgrade
from callcenter.storage.recorder import DatabaseRecorder, Limits

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
FAST = Limits(gather=0.001)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database of the latest version."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'callcenter.db'}"
    await upgrade(url)
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture
async def recorder(database: Database, tmp_path: Path) -> AsyncIterator[DatabaseRecorder]:
    """A running recorder."""
    recorder = DatabaseRecorder(database, tmp_path / "journal.jsonl", SystemClock(), limits=FAST)
    await recorder.start()
    yield recorder
    await recorder.close()
    assert recorder.rejected == 0


async def rows_of(database: Database, table: Table) -> list[dict[str, Any]]:
    """All rows, in the order of the primary key."""
    async with database.reading() as connection:
        found = await connection.execute(select(table).order_by(*table.primary_key.columns))
        return [dict(row) for row in found.mappings()]


def a_call(clock: ManualClock, number: str = "+8613800138000", name: str = "") -> Call:
    """A call that has just arrived."""
    return Call(
        CallId(new_id(clock)),
        Direction.INBOUND,
        normalise(number, "CN"),
        name,
        "4001",
        clock.now(),
        clock.wall(),
    )


async def test_a_call_written_at_every_stage_is_one_row(
    database: Database, recorder: DatabaseRecorder
) -> None:
    """Its row has the last state, its segments are each there once, and add up to its length."""
    clock = ManualClock()
    live = LiveCalls(Bus(), clock)
    call = a_call(clock)
    live.add(call)
    port: Recorder = recorder
    steps: list[tuple[Stage, float, int | None]] = [
        (Stage.IVR, 1.2345, None),
        (Stage.WAITING, 7.7777, None),
        (Stage.RINGING, 30.0005, 7),
        (Stage.TALKING, 2.25, 7),
        (Stage.HELD, 60, 7),
        (Stage.TALKING, 5, 7),
    ]
    port.call(call)
    for stage, after, agent in steps:
        clock.move(after)
        live.enter(call, stage, queue=QueueName("sales"), agent_id=None if agent is None else AgentId(agent))
        port.call(call)
        await recorder.settled()
    clock.move(100)
    call.marks.add("gap")
    call.keys.append(("menu", "1"))
    live.end(call, EndReason.AGENT_HANGUP)
    port.call(call)
    await recorder.settled()
    [row] = await rows_of(database, tables.calls)
    parts = await rows_of(database, tables.segments)
    assert (row["stage"], row["end_reason"], row["served_by"]) == ("ended", "agent_hangup", 7)
    assert (row["marks"], row["keys"], row["number_key"]) == (["gap"], [["menu", "1"]], "+8613800138000")
    assert [part["stage"] for part in parts] == ["arrived", *(stage.value for stage, _, _ in steps)]
    assert [part["id"] for part in parts] == [segment.id for segment in call.segments]
    total = sum((dt.timedelta(milliseconds=part["duration_ms"]) for part in parts), dt.timedelta())
    assert total == row["ended_at"] - row["arrived_at"]
    assert abs((row["ended_at"] - call.arrived_at).total_seconds() - 206.2627) < 0.001
    assert row["talked_ms"] == pytest.approx(165_000, abs=2)
    assert row["waited_ms"] == pytest.approx(32_250, abs=2)


async def test_an_ended_call_is_not_reopened_by_a_stale_fact(
    database: Database, recorder: DatabaseRecorder
) -> None:
    """An earlier state or a lost track that comes late changes nothing; a real later end does."""
    clock = ManualClock()
    call = a_call(clock)
    call.enter(Stage.ARRIVED, clock.now(), new_segment(clock))
    early = a_copy(call)
    lost = a_copy(call)
    call.end(EndReason.ABANDONED, clock.now() + 5)
    lost.end(EndReason.LOST_TRACK, clock.now() + 50)
    for state in (call, early, lost):
        recorder.call(state)
        await recorder.settled()
    [row] = await rows_of(database, tables.calls)
    assert (row["end_reason"], row["stage"]) == ("abandoned", "ended")
    [part] = await rows_of(database, tables.segments)
    assert part["duration_ms"] == 5000


async def test_a_lost_call_that_comes_back_is_open_again(
    database: Database, recorder: DatabaseRecorder
) -> None:
    """LOST_TRACK was a guess: the caller whom the fallback hands back goes on in the same row."""
    clock = ManualClock()
    call = a_call(clock)
    call.enter(Stage.ARRIVED, clock.now(), new_segment(clock))
    call.enter(Stage.WAITING, clock.now() + 1, new_segment(clock))
    back = a_copy(call)
    call.end(EndReason.LOST_TRACK, clock.now() + 5)
    recorder.call(call)
    await recorder.settled()
    back.segments.pop()
    recorder.call(back)
    await recorder.settled()
    [row] = await rows_of(database, tables.calls)
    assert (row["ended_at"], row["end_reason"]) == (None, None)
    assert len(await rows_of(database, tables.segments)) == 1


def new_segment(clock: ManualClock) -> Any:
    """A segment's id."""
    return new_id(clock)


def a_copy(call: Call) -> Call:
    """The same call at this moment."""
    copy = Call(
        call.id, call.direction, call.number, call.caller_name, call.did, call.arrived, call.arrived_at
    )
    for segment in call.segments:
        copy.enter(segment.stage, segment.started, segment.id)
    return copy


async def test_offers_wrap_ups_presences_and_gaps_are_kept_in_their_last_form(
    database: Database, recorder: DatabaseRecorder
) -> None:
    """Each is one row by its identity; an offer's end and a newer presence are never undone."""
    later = NOW + dt.timedelta(seconds=20)
    call_id, agent = CallId("c" * 32), AgentId(7)
    begun = OfferRow(OfferId("f" * 32), call_id, agent, NOW, None, "", "longest idle")
    ended = OfferRow(OfferId("f" * 32), call_id, agent, NOW, later, "no_answer", "longest idle")
    for offer in (begun, ended, begun):
        recorder.offer(offer)
        await recorder.settled()
    first = WrapUpRow(call_id, agent, "NONE_GIVEN", "", NOW, later, timed_out=True)
    second = WrapUpRow(call_id, agent, "RESOLVED", "已退款", NOW, later, timed_out=False)
    recorder.wrap_up(first)
    recorder.wrap_up(second)
    recorder.presence(PresenceRow(agent, "1001", "ready", "", later))
    await recorder.settled()
    recorder.presence(PresenceRow(agent, "1002", "not_ready", "LUNCH", NOW))
    recorder.gap(GapRow(NOW, NOW, "ami"))
    recorder.gap(GapRow(NOW, later, "ami"))
    await recorder.settled()
    [offer_row] = await rows_of(database, tables.offers)
    assert (offer_row["result"], offer_row["ended_at"], offer_row["why"]) == (
        "no_answer",
        later,
        "longest idle",
    )
    [wrap_up] = await rows_of(database, tables.wrap_ups)
    assert (wrap_up["disposition"], wrap_up["note"], wrap_up["timed_out"]) == ("RESOLVED", "已退款", False)
    [presence] = await rows_of(database, tables.agent_presence)
    assert (presence["extension"], presence["presence"], presence["at"]) == ("1001", "ready", later)
    [gap] = await rows_of(database, tables.gaps)
    assert (gap["started_at"], gap["ended_at"]) == (NOW, later)


@pytest.mark.parametrize(
    ("results", "state", "attempts"),
    [
        ([AttemptResult.DIALLING], "planned", 0),
        ([AttemptResult.DIALLING, AttemptResult.BUSY], "planned", 1),
        ([AttemptResult.BUSY, AttemptResult.BUSY, AttemptResult.DIALLING], "planned", 1),
        ([AttemptResult.DIALLING, AttemptResult.ANSWERED], "done", 1),
    ],
)
async def test_an_attempt_moves_its_plan(
    database: Database, recorder: DatabaseRecorder, results: list[AttemptResult], state: str, attempts: int
) -> None:
    """Answered: done. Else the plan stays and the attempt counts, once, however often it is told."""
    async with database.writing() as connection:
        user = {
            "username": "a", "username_key": "a", "display_name": "A", "role": "agent", "password_hash": "",
            "extension": "1001", "queues": [], "language": "en", "active": True, "created_at": NOW,
        }  # fmt: skip
        await connection.execute(tables.users.insert(), user)
        customer = {
            "name": "李雷", "company": "", "tier": "key", "language": "zh", "notes": "", "extra": {},
            "created_at": NOW,
        }  # fmt: skip
        await connection.execute(tables.customers.insert(), customer)
        plan = {
            "customer_id": 1, "owner_id": 1, "reason": "?", "note": "", "due_at": NOW, "state": "planned",
            "attempts": 0, "created_at": NOW,
        }  # fmt: skip
        await connection.execute(tables.follow_ups.insert(), plan)
    for result in results:
        recorder.attempt(
            Attempt(CallId("d" * 32), AgentId(1), None, FollowUpId(1), "+8613800138000", NOW, result)
        )
    await recorder.settled()
    [kept] = await rows_of(database, tables.follow_ups)
    assert (kept["state"], kept["attempts"]) == (state, attempts)
    assert kept["done_at"] == (NOW if state == "done" else None)


async def test_hostile_text_is_stored_and_returned_as_it_is(
    database: Database, recorder: DatabaseRecorder
) -> None:
    """SQL, quotes, control characters, 4 KB of them: nothing is run, nothing is cut."""
    clock = ManualClock()
    names = [
        "'); DROP TABLE calls; --",
        '" OR ""="',
        "\\'; PRAGMA writable_schema=1;\r\n\x1b[31m%s%n :name ?",
        "王" * 4096,
        "x" * 4096 + "'\"",
    ]
    for name in names:
        recorder.call(a_call(clock, name=name))
    await recorder.settled()
    kept = await rows_of(database, tables.calls)
    assert sorted(row["caller_name"] for row in kept) == sorted(names)


async def test_many_facts_share_a_transaction(database: Database, tmp_path: Path) -> None:
    """2,000 calls told at once arrive in a few transactions."""
    recorder = DatabaseRecorder(database, tmp_path / "j", SystemClock(), limits=FAST)
    await recorder.start()
    clock = ManualClock()
    async with database.reading() as connection:
        before = await connection.scalar(select(func.count()).select_from(tables.calls))
    for _ in range(2000):
        call = a_call(clock)
        call.enter(Stage.ARRIVED, clock.now(), new_segment(clock))
        recorder.call(call)
    assert recorder.waiting == 2000
    await recorder.close()
    assert before == 0
    assert len(await rows_of(database, tables.calls)) == 2000
    assert recorder.lost == 0


async def test_a_full_queue_loses_loudly_and_never_waits(database: Database, tmp_path: Path) -> None:
    """Memory is bounded: with nobody writing, what finds the queue full is counted."""
    recorder = DatabaseRecorder(database, tmp_path / "j", SystemClock(), limits=Limits(queue=3))
    for second in range(5):
        recorder.gap(GapRow(NOW + dt.timedelta(seconds=second), NOW, "x"))
    assert (recorder.waiting, recorder.lost) == (3, 2)


async def test_a_fact_that_no_database_takes_is_set_aside(database: Database, tmp_path: Path) -> None:
    """The facts around it are written; it is kept beside the journal for a human."""
    recorder = DatabaseRecorder(database, tmp_path / "j", SystemClock(), limits=FAST)
    await recorder.start()
    naive = dt.datetime(2026, 1, 1)  # noqa: DTZ001  a programming error elsewhere
    recorder.gap(GapRow(NOW, NOW, "good"))
    recorder.presence(PresenceRow(AgentId(2**70), "1001", "ready", "", NOW))
    recorder.wrap_up(WrapUpRow(CallId("c"), AgentId(1), "RESOLVED", "", NOW, NOW, timed_out=False))
    await recorder.settled()
    assert recorder.rejected == 1
    recorder.gap(GapRow(NOW + dt.timedelta(1), naive, "bad"))
    await recorder.settled()
    await recorder.close()
    assert len(await rows_of(database, tables.gaps)) == 1
    assert len(await rows_of(database, tables.wrap_ups)) == 1
    aside = (tmp_path / "j.rejected").read_text()
    assert str(2**70) in aside
