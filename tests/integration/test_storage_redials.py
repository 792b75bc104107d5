"""The calls of the last minutes read back from the record: what their callers left in line."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callcenter.callbacks.redial import Came
from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.number import normalise
from callcenter.calls.ports import MissedCall
from callcenter.clock import ManualClock
from callcenter.ids import CallId, QueueName, SegmentId
from callcenter.storage import redials
from callcenter.storage.database import Database, upgrade
from callcenter.storage.recorder import DatabaseRecorder, Limits
from callcenter.storage.redials import StoredPastCalls

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
SINCE = NOW - dt.timedelta(seconds=600)
SUPPORT = QueueName("support")
FAST = Limits(batch=50, gather=0.001, patience=0.3, retry=0.05)


class Ground:
    """A database and a running recorder."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(NOW)
        self.url = f"sqlite+aiosqlite:///{folder / 'callcenter.db'}"
        self.database = Database(self.url, busy_seconds=0.05)
        self.recorder = DatabaseRecorder(self.database, folder / "journal", self.clock, limits=FAST)
        self.past = StoredPastCalls(self.database)

    def call(
        self,
        name: str,
        *stages: tuple[Stage, float],
        ago: float,
        reason: EndReason | None = None,
        number: str = "13800138000",
        marks: frozenset[str] = frozenset(),
    ) -> CallId:
        """A call that arrived so many seconds ago, with these stretches."""
        arrived = self.clock.now() - ago
        call = Call(
            id=CallId(name * 32),
            direction=Direction.INBOUND,
            number=normalise(number, "CN"),
            caller_name="",
            did="",
            arrived=arrived,
            arrived_at=NOW - dt.timedelta(seconds=ago),
            marks=set(marks),
        )
        at = arrived
        for number_of, (stage, seconds) in enumerate(stages):
            call.enter(stage, at, SegmentId(f"{name}{number_of}"), queue=SUPPORT)
            at += seconds
        if reason is not None:
            call.end(reason, at)
        self.recorder.call(call)
        return call.id


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    """A new database."""
    made = Ground(tmp_path)
    await upgrade(made.url)
    await made.recorder.start()
    try:
        yield made
    finally:
        await made.recorder.close()
        await made.database.close()


async def test_what_calls_came_to(ground: Ground) -> None:
    """Each with its place, in the order of arrival; those who go on are among them, hidden numbers are not."""
    wait = (Stage.WAITING, 100.0)
    abandoned = ground.call("a", wait, ago=300, reason=EndReason.ABANDONED)
    served = ground.call("b", wait, (Stage.TALKING, 60.0), ago=290, reason=EndReason.AGENT_HANGUP)
    cut_off = ground.call("c", wait, (Stage.TALKING, 2.5), ago=280, reason=EndReason.AGENT_HANGUP)
    living = ground.call("d", wait, ago=50, marks=frozenset({"resumed"}))
    ground.call("e", wait, ago=300, reason=EndReason.ABANDONED, number="anonymous")
    ground.call("f", wait, ago=900, reason=EndReason.ABANDONED)
    await ground.recorder.safe()
    found = await ground.past.past_calls(SINCE)
    assert [(one.call_id, one.came, one.resumed) for one in found] == [
        (abandoned, Came.LEFT, False),
        (served, Came.SERVED, False),
        (cut_off, Came.LEFT, False),
        (living, Came.NOTHING, True),
    ]
    first = found[0]
    assert (first.number, first.queue, first.direction) == ("+8613800138000", SUPPORT, Direction.INBOUND)
    assert first.arrived_at == NOW - dt.timedelta(seconds=300)
    assert first.ended_at == NOW - dt.timedelta(seconds=200)
    assert found[-1].ended_at is None


@pytest.mark.parametrize(("answered", "came"), [(0, Came.LEFT), (60, Came.SERVED)])
async def test_what_the_fallback_wrote_down(ground: Ground, answered: float, came: Came) -> None:
    """A caller who was released and whom only the fallback saw: lost there, or served."""
    call_id = ground.call("a", (Stage.WAITING, 20.0), (Stage.FALLBACK, 30.0), ago=200)
    ended = int(NOW.timestamp()) - 50
    note = MissedCall(
        "k", call_id, "", "13800138000", ended - 150, "fallback", "support", "",
        ended - int(answered) if answered else 0, "", "TIMEOUT" if not answered else "", ended,
    )  # fmt: skip
    ground.recorder.missed(note, call_id)
    await ground.recorder.safe()
    [found] = await ground.past.past_calls(SINCE)
    assert (found.call_id, found.came) == (call_id, came)


async def test_too_many_calls(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are read."""
    monkeypatch.setattr(redials, "MOST_CALLS", 2)
    for place, name in enumerate("abc"):
        ground.call(name, (Stage.WAITING, 10.0), ago=300 - place, reason=EndReason.ABANDONED)
    await ground.recorder.safe()
    assert [one.call_id[0] for one in await ground.past.past_calls(SINCE)] == ["b", "c"]
