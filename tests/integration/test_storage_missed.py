"""Calls that went by without us, through the recorder into a real database."""

import datetime as dt
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcenter.bus import Bus
from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.live_calls import LiveCalls
from callcenter.calls.number import normalise
from callcenter.calls.ports import MissedCall
from callcenter.clock import ManualClock, SystemClock
from callcenter.history.ports import PresenceRow
from callcenter.ids import AgentId, CallId, QueueName, new_id
from callcenter.storage import sample
from callcenter.storage.database import Database, upgrade
from callcenter.storage.recorder import DatabaseRecorder, Limits

pytestmark = pytest.mark.integration

ARRIVED = 1_767_603_600
NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


class Ground:
    """A filled database and a running recorder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "callcenter.db"
        self.database = Database(f"sqlite+aiosqlite:///{self.path}")
        self.recorder = DatabaseRecorder(
            self.database, folder / "journal", SystemClock(), limits=Limits(gather=0.0001)
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What another program sees in the file."""
        connection = sqlite3.connect(self.path)
        found = connection.execute(query).fetchall()
        connection.close()
        return found


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    """With the sample's users and twenty customers, without calls."""
    ground = Ground(tmp_path)
    await upgrade(ground.database.url)
    await sample.fill(ground.database, ManualClock(NOW), lambda _: "x", customers=20)
    connection = sqlite3.connect(ground.path)
    for table in ("wrap_ups", "segments", "calls"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608  names of our own
    connection.commit()
    connection.close()
    await ground.recorder.start()
    yield ground
    await ground.recorder.close()
    await ground.database.close()


def note(**facts: Any) -> MissedCall:
    """A caller who was served by the fallback, changed by ``facts``."""
    base: dict[str, Any] = {
        "key": "sys-1.1", "call_id": None, "did": "4001", "number": "", "arrived": ARRIVED, "stage": "fallback",
        "queue": "", "dial_status": "", "answered": ARRIVED + 20, "agent_phone": "PJSIP/1002",
        "queue_status": "", "ended": ARRIVED + 60,
    }  # fmt: skip
    return MissedCall(**{**base, **facts})


async def test_a_missed_call_is_a_call_of_its_customer_and_agent(ground: Ground) -> None:
    """The number finds the one customer, the phone finds the agent, by default or as taken last."""
    (key, customer), *_ = ground.rows(
        "SELECT number_key, customer_id FROM customer_numbers WHERE position = 0 AND customer_id > 5"
    )
    ground.recorder.missed(note(number=key), CallId("a" * 32))
    await ground.recorder.settled()
    [(agent,)] = ground.rows("SELECT id FROM users WHERE extension = '1002'")
    assert ground.rows("SELECT id, customer_id, served_by, end_reason FROM calls") == [
        ("a" * 32, customer, agent, "fallback_served")
    ]
    ground.recorder.presence(PresenceRow(AgentId(1), "1002", "ready", "", NOW))
    ground.recorder.missed(note(key="sys-1.2", number=sample.SHARED_NUMBER), CallId("b" * 32))
    await ground.recorder.settled()
    assert ground.rows("SELECT customer_id, served_by FROM calls WHERE id LIKE 'b%'") == [(None, 1)]


async def test_the_same_note_twice_is_one_call(ground: Ground) -> None:
    """Also under another fresh id, and also when the second reading knows the end that the first did not."""
    ground.recorder.missed(note(answered=0, ended=0), CallId("a" * 32))
    await ground.recorder.settled()
    assert ground.rows("SELECT ended_at FROM calls") == [(None,)]
    for fresh in "bcd":
        ground.recorder.missed(note(), CallId(fresh * 32))
        await ground.recorder.settled()
    assert ground.rows("SELECT id, end_reason, talked_ms FROM calls") == [
        ("a" * 32, "fallback_served", 40_000)
    ]
    assert len(ground.rows("SELECT * FROM segments")) == 3
    assert ground.rows("SELECT key, complete FROM missed_imports") == [("sys-1.1", 1)]


async def test_a_call_that_ended_properly_stays_as_it_is(ground: Ground) -> None:
    """The note of a call that we saw to its end changes nothing, in whichever order they come."""
    call = an_open_call()
    call.end(EndReason.CALLER_HANGUP, call.arrived + 500)
    ground.recorder.call(call)
    ground.recorder.missed(note(), call.id)
    await ground.recorder.settled()
    assert ground.rows("SELECT end_reason, marks FROM calls") == [("caller_hangup", "[]")]
    [(length,)] = ground.rows("SELECT ended_at - arrived_at FROM calls")
    assert length == 500_000_000


async def test_an_open_call_is_completed_and_a_late_guess_changes_nothing(ground: Ground) -> None:
    """The core died in the wait; the note completes it; LOST_TRACK said afterwards, or before, does not win."""
    call = an_open_call()
    ground.recorder.call(call)
    await ground.recorder.settled()
    ground.recorder.missed(note(call_id=call.id), call.id)
    await ground.recorder.settled()
    call.end(EndReason.LOST_TRACK, call.arrived + 9999)
    ground.recorder.call(call)
    await ground.recorder.settled()
    [(reason, marks, length)] = ground.rows("SELECT end_reason, marks, ended_at - arrived_at FROM calls")
    assert (reason, json.loads(marks)) == ("fallback_served", ["fallback", "reconstructed"])
    assert length == 60_000_000
    other = an_open_call()
    other.end(EndReason.LOST_TRACK, other.arrived + 9999)
    ground.recorder.call(other)
    ground.recorder.missed(note(key="sys-1.9"), other.id)
    await ground.recorder.settled()
    assert ground.rows(
        f"SELECT end_reason, ended_at - arrived_at FROM calls WHERE id = '{other.id}'"  # noqa: S608  our own id
    ) == [("fallback_served", 60_000_000)]


def an_open_call() -> Call:
    """Arrived at the second of the notes, waiting for a second."""
    clock = ManualClock(dt.datetime.fromtimestamp(ARRIVED, dt.UTC))
    live = LiveCalls(Bus(), clock)
    call = Call(
        CallId(new_id(clock)), Direction.INBOUND, normalise("", "CN"), "", "1", clock.now(), clock.wall()
    )
    live.add(call)
    clock.move(1)
    live.enter(call, Stage.WAITING, queue=QueueName("sales"))
    return call


STEPS = st.lists(
    st.tuples(st.sampled_from([stage for stage in Stage if stage is not Stage.ENDED]), st.floats(0, 5000)),
    max_size=12,
)


@given(steps=STEPS, last=st.floats(0, 100), jump=st.floats(-4000, 4000), tell_every=st.integers(1, 5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
async def test_segments_add_up_to_the_call(
    ground: Ground, steps: list[tuple[Stage, float]], last: float, jump: float, tell_every: int
) -> None:
    """Whatever the stages, however long, told as often as may be, with the wall clock jumping: exactly."""
    clock = ManualClock()
    live = LiveCalls(Bus(), clock)
    call = Call(
        CallId(new_id(clock)), Direction.INBOUND, normalise("", "CN"), "", "1", clock.now(), clock.wall()
    )
    clock.move(0.25)
    live.add(call)
    for place, (stage, seconds) in enumerate(steps):
        clock.move(seconds)
        clock.set_wall(clock.wall() + dt.timedelta(seconds=jump))
        live.enter(call, stage)
        if place % tell_every == 0:
            ground.recorder.call(call)
    clock.move(last)
    live.end(call, EndReason.CALLER_HANGUP)
    ground.recorder.call(call)
    await ground.recorder.settled()
    where = f"WHERE call_id = '{call.id}'"
    [(total, count)] = ground.rows(f"SELECT sum(duration_ms), count(*) FROM segments {where}")  # noqa: S608
    [(length,)] = ground.rows(f"SELECT ended_at - arrived_at FROM calls WHERE id = '{call.id}'")  # noqa: S608
    assert total * 1000 == length
    assert count == len(steps) + 1
    assert call.ended is not None
    assert abs(length / 1e6 - (call.ended - call.arrived)) <= 0.001
    [(least,)] = ground.rows(f"SELECT min(duration_ms) FROM segments {where}")  # noqa: S608
    assert least >= 0
