"""Versions of flows, and the figures of what callers did in them, on a real database."""

import asyncio
import datetime as dt
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.dialects import sqlite

from callcenter.clock import ManualClock
from callcenter.errors import Conflict, NotFound
from callcenter.history.flows import FlowBook, NodeFigures
from callcenter.history.ports import StepRow, VisitRow
from callcenter.ids import CallId, UserId
from callcenter.storage import flows, tables
from callcenter.storage.database import Database, upgrade
from callcenter.storage.flows import StoredFlows
from callcenter.storage.recorder import DatabaseRecorder, Limits

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


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
    recorder = DatabaseRecorder(database, tmp_path / "j", ManualClock(NOW), limits=Limits(gather=0.001))
    await recorder.start()
    yield recorder
    await recorder.close()
    assert recorder.rejected == 0


# ------------------------------------------------------------ versions


async def test_versions_count_up_and_the_latest_is_current(database: Database) -> None:
    """Each flow for itself; who, when, why and the text are kept, and a rolled-back one is a new version."""
    async with database.writing() as connection:
        user = {
            "username": "a", "username_key": "a", "display_name": "孙丽", "role": "admin", "password_hash": "",
            "extension": "", "queues": [], "language": "en", "active": True, "created_at": NOW,
        }  # fmt: skip
        await connection.execute(insert(tables.users), user)
    clock = ManualClock(NOW)
    book: FlowBook = StoredFlows(database, clock)
    assert await book.current() == []
    assert await book.last_from_file("main") is None
    first = await book.publish("main", "flow: main # 一", None, "from the file")
    assert (first.version, first.by, first.by_name, first.current) == (1, None, "", True)
    assert first.digest == flows.digest_of("flow: main # 一")
    clock.move(60)
    second = await book.publish("main", "flow: main # 二", UserId(1), "better", over=1)
    assert (second.version, second.by_name, second.note, second.at) == (2, "孙丽", "better", clock.wall())
    await book.publish("late", "flow: late", None, "", over=0)
    third = await book.roll_back("main", 1, UserId(1), "was better")
    assert (third.version, third.text, third.digest, third.current) == (3, first.text, first.digest, True)
    assert [(one.flow, one.version) for one in await book.current()] == [("late", 1), ("main", 3)]
    kept = await book.versions("main")
    assert [(one.version, one.current) for one in kept] == [(3, True), (2, False), (1, False)]
    assert await book.versions("'; DROP TABLE flow_versions; --") == []
    from_file = await book.last_from_file("main")
    assert from_file is not None
    assert (from_file.version, from_file.text, from_file.current) == (1, first.text, False)
    with pytest.raises(NotFound, match="no version 9"):
        await book.roll_back("main", 9, UserId(1), "")


async def test_of_two_who_publish_over_the_same_version_one_is_told(database: Database) -> None:
    """Nobody's change is lost unseen: the second hears that another version is current."""
    book = StoredFlows(database, ManualClock(NOW))
    await book.publish("main", "one", None, "")
    tries = [book.publish("main", f"by {who}", UserId(who), "", over=1) for who in (1, 2, 3)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in results) == 2
    assert [one.version for one in await book.versions("main")] == [2, 1]
    with pytest.raises(Conflict, match="version 2 is current"):
        await book.publish("main", "x", UserId(1), "", over=0)


async def test_a_publisher_who_was_overtaken_in_the_database_is_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where writers don't wait for one another, the key decides: the same version can't be made twice."""
    book = StoredFlows(database, ManualClock(NOW))
    await book.publish("main", "one", None, "")

    async def stale(*_: object) -> int:
        return 0

    monkeypatch.setattr(flows, "_last_version", stale)
    with pytest.raises(Conflict, match="published meanwhile"):
        await book.publish("main", "two", None, "", over=0)
    assert [one.text for one in await book.versions("main")] == ["one"]


# ------------------------------------------------------------ visits


def step(
    node: str, way: str, seconds: float = 1.0, *, flow: str = "main", no: int = 0, wrong: int = 0
) -> StepRow:
    """A caller at a node."""
    return StepRow(flow, 1, node, NOW, seconds, way, no, wrong)


def visit(
    number: int, steps: tuple[StepRow, ...], *, flow: str = "main", at: dt.datetime = NOW, end: str = "queue"
) -> VisitRow:
    """One caller's way; contained unless it ended in the queue."""
    later = at + dt.timedelta(seconds=30)
    return VisitRow(CallId(f"{number:032x}"), flow, 1, at, later, end, end != "queue", steps)


async def test_figures_tell_what_callers_did(database: Database, recorder: DatabaseRecorder) -> None:
    """Per node and way: visits, seconds, silence, wrong keys; and how visits ended. Only of the period."""
    menu = step("menu", "key 1", 4.25, no=1)
    recorder.visit(visit(1, (step("hello", "next"), menu, step("sales", "queue"))))
    recorder.visit(visit(2, (step("hello", "next"), step("menu", "gone", 2.5, wrong=2)), end="gone"))
    again = (step("hello", "next"), menu, step("menu", "key 1", 0.25), step("bye", "hangup"))
    recorder.visit(visit(3, again, end="hangup"))
    recorder.visit(visit(4, (step("hello", "next"),), at=NOW - DAY))
    recorder.visit(visit(5, (step("hello", "next"),), at=NOW + DAY))
    await recorder.settled()
    book: FlowBook = StoredFlows(database, ManualClock(NOW))
    found = await book.figures("main", NOW, NOW + DAY)
    assert (found.visits, found.contained, found.gone) == (3, 2, 1)
    assert found.nodes["hello"] == NodeFigures(3, 3.0, 0, 0, {"next": 3})
    assert found.nodes["menu"] == NodeFigures(4, 11.25, 2, 2, {"gone": 1, "key 1": 3})
    assert set(found.nodes) == {"hello", "menu", "sales", "bye"}
    assert (await book.figures("main", NOW - 2 * DAY, NOW + 2 * DAY)).visits == 5
    empty = await book.figures("nothing", NOW, NOW + DAY)
    assert (empty.visits, empty.contained, empty.gone, empty.nodes) == (0, 0, 0, {})


async def test_guests_of_a_subflow_count_there_too(database: Database, recorder: DatabaseRecorder) -> None:
    """A subflow's figures are of all who passed it, each visit once, wherever it began."""
    inside = (step("who", "next", flow="pin"), step("pin", "next", flow="pin"))
    recorder.visit(visit(1, (step("hello", "next"), *inside, *inside)))
    recorder.visit(
        visit(2, (step("hello", "next"), step("who", "gone", flow="pin")), flow="zeta", end="gone")
    )
    recorder.visit(visit(3, inside, flow="pin", end="hangup"))
    recorder.visit(visit(4, (step("hello", "hangup"),), end="hangup"))
    await recorder.settled()
    found = await StoredFlows(database, ManualClock(NOW)).figures("pin", NOW, NOW + DAY)
    assert (found.visits, found.contained, found.gone) == (3, 2, 1)
    assert found.nodes["who"].ways == {"next": 3, "gone": 1}


async def test_a_visit_written_twice_is_one(database: Database, recorder: DatabaseRecorder) -> None:
    """Replayed, even in another form, it is in the figures once, with the steps of the last form."""
    recorder.visit(visit(1, (step("hello", "next"), step("menu", "key 1"), step("sales", "queue"))))
    recorder.visit(visit(1, (step("hello", "next"), step("menu", "key 1"), step("sales", "queue"))))
    await recorder.settled()
    recorder.visit(visit(1, (step("hello", "next"), step("menu", "gone")), end="gone"))
    await recorder.settled()
    found = await StoredFlows(database, ManualClock(NOW)).figures("main", NOW, NOW + DAY)
    assert (found.visits, found.gone) == (1, 1)
    assert {name: node.ways for name, node in found.nodes.items()} == {
        "hello": {"next": 1},
        "menu": {"gone": 1},
    }


# ------------------------------------------------------------ a hundred thousand steps

VISITS, STEPS = 10_000, 10


async def fill(database: Database) -> None:
    """Visits of ten steps, one each minute; every tenth began in another flow."""
    visits: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    for number in range(VISITS):
        key = {"call_id": f"{number:032x}"}
        flow, at = "main" if number % 10 else "other", NOW + dt.timedelta(minutes=number)
        gone = "gone" if number % 4 == 0 else "queue"
        row = {"flow": flow, "started_at": at, "ended_at": at, "version": 1, "end": gone}
        visits.append({**key, **row, "contained": number % 2 == 0})
        steps += [
            {
                **key, "visit_flow": flow, "visit_at": at, "position": place, "flow": "main", "version": 1,
                "node": f"n{place}", "entered_at": at, "duration_ms": 1500, "way": f"key {number % 3}",
                "no_input": 0, "wrong_input": number % 2,
            }
            for place in range(STEPS)
        ]  # fmt: skip
    async with database.writing() as connection:
        await connection.execute(insert(tables.flow_visits), visits)
        await connection.execute(insert(tables.flow_steps), steps)


async def test_figures_over_a_hundred_thousand_steps_are_quick_and_read_indexes_alone(
    database: Database, tmp_path: Path
) -> None:
    """No table is scanned, no row of a table is even fetched but those of guests; a day of many is a part of them."""
    await fill(database)
    book = StoredFlows(database, ManualClock(NOW))
    began = time.perf_counter()
    found = await book.figures("main", NOW, NOW + 30 * DAY)
    took = time.perf_counter() - began
    assert (found.visits, found.contained, found.gone) == (VISITS, VISITS // 2, VISITS // 4)
    assert found.nodes["n3"].visits == VISITS
    assert found.nodes["n3"].seconds == VISITS * 1.5
    assert sum(found.nodes["n9"].ways.values()) == VISITS
    assert took < 2, took
    plans = {
        name: plan_of(tmp_path / "callcenter.db", query)
        for name, query in (
            ("own", flows.own_visits("main", NOW, NOW + DAY)),
            ("guests", flows.guest_visits("main", NOW, NOW + DAY)),
            ("nodes", flows.node_figures("main", NOW, NOW + DAY)),
        )
    }
    assert not [line for plan in plans.values() for line in plan if line.startswith("SCAN flow_")]
    used = "USING COVERING INDEX ix_flow"
    assert [line for line in plans["own"] if used + "_visits_figures (flow=? AND started_at>? AND" in line]
    for name in ("nodes", "guests"):
        assert [line for line in plans[name] if used + "_steps_figures (flow=? AND visit_at>? AND" in line]


def plan_of(path: Path, query: Any) -> list[str]:
    """What SQLite will do for a query."""
    compiled = query.compile(dialect=sqlite.dialect(paramstyle="named"))
    values = compiled.construct_params()
    numbers = {name: _micros(value) for name, value in values.items()}
    connection = sqlite3.connect(path)
    try:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {compiled}", numbers)]
    finally:
        connection.close()


def _micros(value: Any) -> Any:
    return int(value.timestamp() * 1_000_000) if isinstance(value, dt.datetime) else value
