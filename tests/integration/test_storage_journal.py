"""F34: the database is locked or away, we are killed: nothing is lost, nothing waits, all is replayed once."""

import asyncio
import datetime as dt
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.number import normalise
from callcenter.clock import ManualClock, SystemClock
from callcenter.history.ports import GapRow
from callcenter.ids import CallId, SegmentId, new_id
from callcenter.storage.calls import StoredHistory
from callcenter.storage.database import Database, upgrade
from callcenter.storage.recorder import DatabaseRecorder, Limits

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
QUICK = Limits(batch=50, gather=0.001, patience=0.3, retry=0.05)
BUSY = 0.05


class Ground:
    """A database file, its journal, and a log of every write to ``gaps``, kept by the database itself."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "callcenter.db"
        self.journal = folder / "journal.jsonl"
        self.url = f"sqlite+aiosqlite:///{self.path}"
        self.database = Database(self.url, busy_seconds=BUSY)

    def recorder(self, limits: Limits = QUICK) -> DatabaseRecorder:
        """A recorder that has not started."""
        return DatabaseRecorder(self.database, self.journal, SystemClock(), limits=limits)

    def watch(self) -> None:
        """Let the database count how often each gap is written."""
        connection = sqlite3.connect(self.path)
        connection.execute("CREATE TABLE written (reason TEXT)")
        log = "BEGIN INSERT INTO written VALUES (new.reason); END"
        connection.execute("CREATE TRIGGER log_insert AFTER INSERT ON gaps " + log)
        connection.execute("CREATE TRIGGER log_update AFTER UPDATE ON gaps " + log)
        connection.commit()
        connection.close()

    def written(self) -> list[str]:
        """The reasons of all writes so far, in order."""
        connection = sqlite3.connect(self.path)
        found = [row[0] for row in connection.execute("SELECT reason FROM written ORDER BY rowid")]
        connection.close()
        return found

    def lock(self, *, readers: bool = False) -> sqlite3.Connection:
        """Another program takes the database for itself; with ``readers``, nobody can even read."""
        other = sqlite3.connect(self.path, isolation_level=None)
        if readers:
            other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        return other


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    """An empty database that is watched."""
    ground = Ground(tmp_path)
    await upgrade(ground.url)
    ground.watch()
    yield ground
    await ground.database.close()


def gap(number: int) -> GapRow:
    """A fact that can be told from the others."""
    return GapRow(NOW + dt.timedelta(seconds=number), NOW, str(number))


async def until_journalled(recorder: DatabaseRecorder, lines: int) -> None:
    """Wait for facts to be on the disk."""
    async with asyncio.timeout(10):
        while recorder.journalled < lines or recorder.waiting:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("readers", [False, True])
async def test_a_locked_database_loses_and_delays_nothing(ground: Ground, readers: bool) -> None:
    """While it is locked all goes to the journal; afterwards all is there, once, in order, and the file is
    gone."""
    await hold_and_release(ground, QUICK, seconds=0.6, readers=readers)


@pytest.mark.long
@pytest.mark.timeout(90)
async def test_a_database_locked_for_thirty_seconds(ground: Ground) -> None:
    """The same with the times of the product."""
    ground.database = Database(ground.url)
    await hold_and_release(ground, Limits(), seconds=30, readers=False)


async def hold_and_release(ground: Ground, limits: Limits, *, seconds: float, readers: bool) -> None:
    """Tell facts before, during and after a lock of so many seconds."""
    recorder = ground.recorder(limits)
    await recorder.start()
    for number in range(10):
        recorder.gap(gap(number))
    await recorder.settled()
    if readers:
        await ground.database.close()  # nobody gets the database alone while we have it open
    other = ground.lock(readers=readers)
    for number in range(10, 110):
        recorder.gap(gap(number))
        await asyncio.sleep(seconds / 100)
    await until_journalled(recorder, 100)
    assert ground.journal.exists()
    other.close()
    for number in range(110, 120):
        recorder.gap(gap(number))
    async with asyncio.timeout(10):
        await recorder.settled()
    assert [int(reason) for reason in ground.written()] == list(range(120))
    assert not ground.journal.exists()
    assert (recorder.lost, recorder.rejected, recorder.journalled) == (0, 0, 0)
    recorder.gap(gap(120))
    await recorder.settled()
    assert ground.written()[-1] == "120"
    await recorder.close()


async def test_a_call_that_lives_through_the_outage_keeps_its_last_state(ground: Ground) -> None:
    """Told at stages before, during and after the lock: one call, all segments, the last state."""
    recorder, clock = ground.recorder(), ManualClock()
    await recorder.start()
    call = Call(
        CallId(new_id(clock)), Direction.INBOUND, normalise("10086", "CN"), "", "1", clock.now(), clock.wall()
    )
    stages = [Stage.ARRIVED, Stage.IVR, Stage.WAITING, Stage.RINGING, Stage.TALKING, Stage.HELD]
    other: sqlite3.Connection | None = None
    for place, stage in enumerate(stages):
        clock.move(1)
        call.enter(stage, clock.now(), SegmentId(new_id(clock)))
        recorder.call(call)
        await asyncio.sleep(0.15)
        if place == 1:
            other = ground.lock()
        if place == 3 and other is not None:
            other.close()
    call.end(EndReason.CALLER_HANGUP, clock.now() + 1)
    recorder.call(call)
    await recorder.settled()
    await recorder.close()
    connection = sqlite3.connect(ground.path)
    assert connection.execute("SELECT stage, end_reason FROM calls").fetchall() == [
        ("ended", "caller_hangup")
    ]
    kept = connection.execute("SELECT stage FROM segments ORDER BY position").fetchall()
    connection.close()
    assert [row[0] for row in kept] == stages


async def test_what_is_left_at_the_stop_is_kept_for_the_next_start(ground: Ground) -> None:
    """Closing with the database locked is quick, and the next run replays."""
    recorder = ground.recorder()
    await recorder.start()
    other = ground.lock()
    for number in range(10):
        recorder.gap(gap(number))
    async with asyncio.timeout(3):
        await recorder.safe()
        assert recorder.journalled == 10
        for number in range(10, 20):
            recorder.gap(gap(number))
        await recorder.close()
    assert ground.journal.exists()
    other.close()
    second = ground.recorder()
    await second.start()
    second.gap(gap(20))
    await second.settled()
    await second.close()
    assert [int(reason) for reason in ground.written()] == list(range(21))


async def test_a_broken_line_is_set_aside_and_the_rest_replayed(ground: Ground) -> None:
    """Damage in the middle of the file costs that line only, and is kept for a human."""
    recorder = ground.recorder()
    await recorder.start()
    other = ground.lock()
    for number in range(4):
        recorder.gap(gap(number))
    await until_journalled(recorder, 4)
    await recorder.close()
    other.close()
    lines = ground.journal.read_bytes().split(b"\n")
    lines[2] = b'["gap",{"started_at"'
    lines[3] = b'["nonsense",{"a":1}]'
    ground.journal.write_bytes(b"\n".join(lines)[:-5])
    second = ground.recorder()
    await second.start()
    await second.settled()
    await second.close()
    assert ground.written() == ["0"]
    assert second.rejected == 2
    assert "nonsense" in (ground.journal.parent / "journal.jsonl.rejected").read_text()


async def test_without_a_journal_facts_wait_in_memory(ground: Ground) -> None:
    """Database locked and journal unwritable: nothing fails, and all is there when the lock is gone."""
    ground.journal.parent.joinpath("file").write_text("")
    ground.journal = ground.journal.parent / "file" / "journal.jsonl"
    recorder = ground.recorder()
    try:
        await recorder.start()
    except OSError:
        pytest.fail("a journal that can't be opened must not stop the start")
    other = ground.lock()
    for number in range(5):
        recorder.gap(gap(number))
    await asyncio.sleep(0.4)
    assert ground.written() == []
    other.close()
    await recorder.settled()
    await recorder.close()
    assert [int(reason) for reason in ground.written()] == list(range(5))


# ------------------------------------------------------------ kill -9

CHILD = """
import asyncio, datetime as dt, sys
from pathlib import Path
from callcenter import log
from callcenter.clock import SystemClock
from callcenter.history.ports import GapRow
from callcenter.storage.database import Database
from callcenter.storage.recorder import DatabaseRecorder, Limits

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)

async def main(url, journal, facts, batch):
    log.configure("ERROR")
    database = Database(url, busy_seconds=0.05)
    limits = Limits(batch=batch, gather=0.001, patience=0.3, retry=0.05)
    recorder = DatabaseRecorder(database, Path(journal), SystemClock(), limits=limits)
    await recorder.start()
    for number in range(facts):
        recorder.gap(GapRow(NOW + dt.timedelta(seconds=number), NOW, str(number)))
        if number % 10 == 9:
            while recorder.waiting:
                await asyncio.sleep(0.001)
            print(number, recorder.journalled, flush=True)
    print("told", flush=True)
    await asyncio.sleep(3600)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
"""


@asynccontextmanager
async def child_of(ground: Ground, facts: int, batch: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of ours that records, until the block ends: then it dies as when the power fails."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, ground.url, str(ground.journal), str(facts), str(batch),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(15):
            yield child
    finally:
        child.send_signal(signal.SIGKILL)
        await child.communicate()


async def test_killed_while_journalling_then_killed_while_replaying(ground: Ground) -> None:
    """What the journal had counted is in the database after the third start: each fact once, in order."""
    other = ground.lock()
    safe = 0
    async with child_of(ground, facts=100_000, batch=50) as child:
        assert child.stdout is not None
        while safe < 400:
            _, journalled = (await child.stdout.readline()).split()
            safe = int(journalled)
    other.close()
    assert ground.written() == []

    async with child_of(ground, facts=0, batch=2):
        while len(ground.written()) < 20:
            await asyncio.sleep(0.005)
    cut = len(ground.written())

    recorder = ground.recorder()
    await recorder.start()
    left = recorder.journalled
    await recorder.settled()
    await recorder.close()
    kept = [int(reason) for reason in ground.written()]
    assert kept == list(range(len(kept)))
    assert len(kept) >= safe
    assert cut < len(kept) == left
    assert not ground.journal.exists()


async def test_calls_open_at_a_crash_are_read_back(ground: Ground) -> None:
    """The next core finds them with segments, keys, marks, and times that fit its own clock."""
    clock = ManualClock(NOW)
    recorder = DatabaseRecorder(ground.database, ground.journal, clock, limits=QUICK)
    await recorder.start()
    call = Call(
        CallId(new_id(clock)), Direction.INBOUND, normalise("+8613800138000", "CN"), "王", "4001",
        clock.now(), clock.wall(), "chan-1",
    )  # fmt: skip
    call.enter(Stage.ARRIVED, clock.now(), SegmentId(new_id(clock)))
    clock.move(2.5)
    call.enter(Stage.WAITING, clock.now(), SegmentId(new_id(clock)))
    call.keys.append(("menu", "2"))
    call.marks.add("gap")
    recorder.call(call)
    over = Call(CallId(new_id(clock)), Direction.INBOUND, call.number, "", "1", clock.now(), clock.wall())
    over.enter(Stage.ARRIVED, clock.now(), SegmentId(new_id(clock)))
    over.end(EndReason.ABANDONED, clock.now())
    recorder.call(over)
    await recorder.settled()
    await recorder.close()
    later = ManualClock(clock.wall() + dt.timedelta(seconds=10))
    [found] = await StoredHistory(ground.database, later).open_calls()
    kept = found.call
    assert found.last_seen == clock.wall()
    assert (kept.id, kept.number, kept.caller_name, kept.channel_id) == (call.id, call.number, "王", "chan-1")
    assert (kept.keys, kept.marks, kept.stage) == ([("menu", "2")], {"gap"}, Stage.WAITING)
    assert [part.id for part in kept.segments] == [part.id for part in call.segments]
    assert [part.ended is None for part in kept.segments] == [False, True]
    assert kept.arrived == pytest.approx(later.now() - 12.5)
    assert kept.waited(later.now()) == pytest.approx(10)
    assert kept.end(EndReason.LOST_TRACK, later.now())
    assert kept.ended_at == later.wall()
