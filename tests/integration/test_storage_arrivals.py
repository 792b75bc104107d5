"""Recorded arrivals on a real database: who joined the line, when, and what came of it."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.number import normalise
from callcenter.clock import ManualClock
from callcenter.history.ports import WrapUpRow
from callcenter.ids import AgentId, CallId, QueueName, SegmentId
from callcenter.rehearsal.plan import Group, Plan
from callcenter.rehearsal.recorded import day_of, read_day, write_day
from callcenter.rehearsal.replications import planned, replicate
from callcenter.storage.arrivals import Arrival, StoredArrivals
from callcenter.storage.database import Database, upgrade
from callcenter.storage.recorder import DatabaseRecorder, Limits

pytestmark = pytest.mark.integration

NOON = dt.datetime(2026, 11, 20, 4, 0, tzinfo=dt.UTC)
"""In Shanghai."""
SHANGHAI = ZoneInfo("Asia/Shanghai")
MIDNIGHT = dt.datetime(2026, 11, 20, tzinfo=SHANGHAI)
DAY = dt.timedelta(days=1)
SUPPORT, BILLING = QueueName("support"), QueueName("billing")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty one."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'callcenter.db'}", busy_seconds=0.05)
    await upgrade(database.url)
    yield database
    await database.close()


@pytest.fixture
async def recorder(database: Database, tmp_path: Path) -> AsyncIterator[DatabaseRecorder]:
    """Writes calls as the core does."""
    recorder = DatabaseRecorder(database, tmp_path / "j", ManualClock(NOON), limits=Limits(gather=0.001))
    await recorder.start()
    yield recorder
    await recorder.close()


class Told:
    """Calls told stage by stage: ``(stage, seconds, queue, agent)``."""

    def __init__(self, recorder: DatabaseRecorder) -> None:
        self.recorder, self.number = recorder, 0

    def call(
        self,
        after: float,
        *stages: tuple[Stage, float, QueueName | None, int | None],
        end: EndReason | None = EndReason.CALLER_HANGUP,
        tier: str = "regular",
        direction: Direction = Direction.INBOUND,
    ) -> CallId:
        """A call that arrives ``after`` noon; without an ``end`` it goes on."""
        self.number += 1
        call = Call(
            CallId(f"{self.number:032x}"),
            direction,
            normalise("anonymous", "CN"),
            "",
            "4001",
            1000.0 + after,
            NOON + dt.timedelta(seconds=after),
            tier=tier,
        )
        now = call.arrived
        for number, (stage, seconds, queue, agent) in enumerate(stages):
            agent_id = AgentId(agent) if agent is not None else None
            call.enter(stage, now, SegmentId(f"{call.id}{number}"), queue=queue, agent_id=agent_id)
            now += seconds
        if end is not None:
            call.end(end, now)
        self.recorder.call(call)
        return call.id

    def wrap_up(self, call_id: CallId, agent: int, seconds: float) -> None:
        """An agent's, of a call."""
        ended = NOON + dt.timedelta(seconds=seconds)
        self.recorder.wrap_up(
            WrapUpRow(call_id, AgentId(agent), "RESOLVED", "", NOON, ended, timed_out=False)
        )


async def test_what_came_of_each(database: Database, recorder: DatabaseRecorder) -> None:
    """Served with talk, hold and all wrap-ups; hung up while waiting; left for a voicemail. In the order of joining the
    line, which is not that of arriving."""
    told = Told(recorder)
    served = told.call(
        0,
        (Stage.IVR, 30, None, None),
        (Stage.WAITING, 8, SUPPORT, None),
        (Stage.RINGING, 2, SUPPORT, 1),
        (Stage.TALKING, 60, None, 1),
        (Stage.HELD, 5, None, 1),
        tier="vip",
    )
    told.wrap_up(served, 1, 20)
    told.wrap_up(served, 2, 10)
    told.call(10, (Stage.WAITING, 40, SUPPORT, None), end=EndReason.ABANDONED)
    told.call(50, (Stage.WAITING, 90, BILLING, None), (Stage.IVR, 20, None, None), end=EndReason.IVR_END)
    await recorder.settled()
    found = await StoredArrivals(database).between(MIDNIGHT, MIDNIGHT + DAY)
    second = dt.timedelta(seconds=1)
    assert found == [
        Arrival(NOON + 10 * second, SUPPORT, "regular", 40.0, None, 0.0, abandoned=True),
        Arrival(NOON + 30 * second, SUPPORT, "vip", 10.0, 65.0, 30.0, abandoned=False),
        Arrival(NOON + 50 * second, BILLING, "regular", 90.0, None, 0.0, abandoned=False),
    ]


async def test_who_is_left_out(database: Database, recorder: DatabaseRecorder) -> None:
    """Calls of other days, calls that go on, that never waited, or that we made."""
    told = Told(recorder)
    waiting = (Stage.WAITING, 5.0, SUPPORT, None)
    kept = told.call(0, waiting)
    told.call(0, waiting, end=None)
    told.call(0, (Stage.IVR, 5.0, None, None))
    told.call(0, waiting, direction=Direction.OUTBOUND)
    told.call(-13 * 3600, waiting)
    told.call(12 * 3600, waiting)
    before_midnight = told.call(-12 * 3600 - 60, (Stage.IVR, 60.0, None, None), waiting)
    await recorder.settled()
    found = await StoredArrivals(database).between(MIDNIGHT, MIDNIGHT + DAY)
    assert [one.joined for one in found] == [MIDNIGHT, NOON]
    assert before_midnight != kept


async def test_replayed(database: Database, recorder: DatabaseRecorder, tmp_path: Path) -> None:
    """The day, from the database or from the file it was saved in, through the routing: with one agent the second of
    two callers hangs up as it did; with two agents she is served."""
    told = Told(recorder)
    talk = (Stage.TALKING, 100.0, None, 1)
    told.call(0, (Stage.WAITING, 0.0, SUPPORT, None), (Stage.RINGING, 0.0, SUPPORT, 1), talk)
    told.call(10, (Stage.WAITING, 40.0, SUPPORT, None), end=EndReason.ABANDONED, tier="vip")
    await recorder.settled()
    arrivals = await StoredArrivals(database).between(MIDNIGHT, MIDNIGHT + DAY)
    day = day_of("2026-11-20", arrivals, SHANGHAI, dt.time(9))
    assert [one.at for one in day.contacts] == [3 * 3600, 3 * 3600 + 10]
    assert day.mean_patience == 40
    path = tmp_path / "day.csv"
    await asyncio.to_thread(write_day, path, arrivals, SHANGHAI)
    assert (await asyncio.to_thread(read_day, path, dt.time(9))).contacts == day.contacts
    for agents, waits in ((1, [0.0, 40.0]), (2, [0.0, 0.0])):
        plan = Plan((Group((agents,), frozenset({SUPPORT})),), days=(day,))
        result = replicate(planned(plan, 0, 7))
        found = [wait for kind in result.kinds for wait in result.replications[0].samples[kind].waits]
        assert sorted(found) == waits
        assert result.figures().abandoned == (0.5 if agents == 1 else 0.0)
