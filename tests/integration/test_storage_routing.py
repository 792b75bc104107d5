"""Decisions and the published rules of routing on a real database."""

import asyncio
import datetime as dt
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import make_url

from callcenter.calls.call import Call, Direction
from callcenter.calls.number import normalise
from callcenter.clock import ManualClock
from callcenter.errors import Conflict, NotFound
from callcenter.history.decisions import Decisions
from callcenter.history.ports import OfferRow
from callcenter.ids import AgentId, CallId, OfferId, UserId
from callcenter.routing.publishing import PublishedRules, RulesBook, digest_of, publish_rules, text_of
from callcenter.routing.rules import RoutingRules
from callcenter.storage import routing_rules, tables
from callcenter.storage.calls import StoredCalls
from callcenter.storage.database import Database, upgrade
from callcenter.storage.decisions import LOOKED_AT, StoredDecisions, latest_decisions
from callcenter.storage.entries import from_line, offer_entry
from callcenter.storage.record_writer import RecordWriter
from callcenter.storage.recorder import DatabaseRecorder, Limits
from callcenter.storage.routing_rules import StoredRules
from tests.fakes.fake_routing import AFTER, BEFORE, decision

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
CALL = CallId("a" * 32)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database of the latest version, with the decision's people."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'callcenter.db'}"
    await upgrade(url)
    database = Database(url)
    async with database.writing() as connection:
        people = [(number, f"agent{number}", f"100{number}", f"Agent {number}") for number in range(1, 8)]
        await connection.execute(
            insert(tables.users),
            [
                {
                    "id": number, "username": name, "username_key": name, "display_name": title, "role": "agent",
                    "password_hash": "", "extension": phone, "queues": [], "language": "en", "active": True,
                    "created_at": NOW,
                }
                for number, name, phone, title in people
            ],
        )  # fmt: skip
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


def offer(number: int, kept: str, *, ended: bool = False) -> OfferRow:
    """The offer with the id ``number`` in hex, to agent 3."""
    end, result = (NOW, "answered") if ended else (None, "offered")
    return OfferRow(OfferId(f"{number:032x}"), CALL, AgentId(3), NOW, end, result, "words", kept)


def a_call() -> Call:
    """The call that they are offers of."""
    clock = ManualClock(NOW)
    return Call(CALL, Direction.INBOUND, normalise("13800138000", "CN"), "", "", clock.now(), clock.wall())


# ------------------------------------------------------------ decisions


async def test_a_decision_stays_with_its_offer(database: Database, recorder: DatabaseRecorder) -> None:
    """Written at the beginning and at the end, in any order, twice: one row with all of it."""
    kept = decision().packed()
    for row in (offer(1, kept), offer(1, kept, ended=True), offer(1, kept), offer(2, "")):
        recorder.offer(row)
    await recorder.safe()
    async with database.reading() as connection:
        columns = (tables.offers.c.result, tables.offers.c.decision)
        rows = (await connection.execute(select(*columns).order_by(tables.offers.c.id))).all()
    assert [tuple(row) for row in rows] == [("answered", kept), ("offered", "")]


async def test_the_journal_keeps_decisions_and_an_older_journal_has_none(database: Database) -> None:
    """A line of before is written beside one of now, in one batch."""
    kept = decision().packed()
    line = offer_entry(offer(1, kept)).to_line()
    now = from_line(line)
    old_kind, old_data = json.loads(offer_entry(offer(2, "")).to_line())
    del old_data["decision"]
    before = from_line(json.dumps([old_kind, old_data]))
    assert await RecordWriter(database, "CN").write([before, now, before]) == []
    async with database.reading() as connection:
        decisions = (
            await connection.scalars(select(tables.offers.c.decision).order_by(tables.offers.c.id))
        ).all()
    assert decisions == [kept, ""]


async def test_a_calls_story_has_its_decisions_and_everybodys_name(
    database: Database, recorder: DatabaseRecorder
) -> None:
    """Also of those who were not chosen; who is not there any more has no name; a damaged record does no harm. Being
    looked at for a call gives nobody a right to see it."""
    recorder.call(a_call())
    for number, kept in enumerate((decision().packed(), "", "{"), 1):
        recorder.offer(offer(number, kept))
    await recorder.safe()
    story = await StoredCalls(database, ManualClock(NOW)).story(CALL)
    assert story is not None
    assert [one.decision for one in story.offers] == [decision().packed(), "", "{"]
    assert story.names == {AgentId(number): f"100{number} Agent {number}" for number in range(1, 8)}
    assert story.agent_ids == {3}


async def test_the_latest_decisions(database: Database, recorder: DatabaseRecorder) -> None:
    """Newest first, no more than are wanted, offers that nobody decided left out."""
    stored: Decisions = StoredDecisions(database)
    assert await stored.latest(5) == []
    recorder.call(a_call())
    for number in range(1, 9):
        recorder.offer(offer(number, decision().packed() if number % 2 else "", ended=True))
    await recorder.safe()
    found = await stored.latest(3)
    assert [one.decision for one in found] == [decision().packed()] * 3
    [first, *_] = found
    assert (first.call_id, first.caller, first.agent, first.result) == (
        CALL,
        "+8613800138000",
        "Agent 3",
        "answered",
    )


async def test_the_latest_decisions_read_the_end_of_the_key_alone(database: Database) -> None:
    """A year of offers is not sorted for a page."""
    said = str(latest_decisions(50).compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    with closing(sqlite3.connect(make_url(database.url).database or "")) as connection:
        plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {said}"))
    assert f"LIMIT {50 * LOOKED_AT}" in said
    assert "SCAN offers USING INDEX sqlite_autoindex_offers_1" in plan
    assert "TEMP B-TREE" not in plan.partition("SCAN offers")[2].partition("SCAN")[0]


# ------------------------------------------------------------ the published rules


async def test_versions_count_up_and_the_latest_is_current(database: Database) -> None:
    """Who, when, why and from where are kept with the rules."""
    clock = ManualClock(NOW)
    book: RulesBook = StoredRules(database, clock)
    assert (await book.current(), await book.last_from_file(), await book.versions(9)) == (None, None, [])
    first = await book.publish(text_of(BEFORE), None, "from the settings", from_file=True)
    assert (first.version, first.by, first.by_name, first.from_file, first.current) == (
        1,
        None,
        "",
        True,
        True,
    )
    assert first.digest == digest_of(first.rules)
    clock.move(60)
    second = await book.publish(text_of(AFTER), UserId(2), "sooner", from_file=True, over=1)
    assert (second.version, second.by_name, second.note, second.at) == (2, "Agent 2", "sooner", clock.wall())
    await book.publish(text_of(BEFORE), UserId(0), "back", from_file=False)
    assert [(one.version, one.current) for one in await book.versions(2)] == [(3, True), (2, False)]
    assert await book.version(1) != first  # it is not current any more
    assert (await book.version(1)).rules == first.rules
    at_start, from_file = await book.last_at_start(), await book.last_from_file()
    assert at_start is not None
    assert from_file is not None
    assert (at_start.version, from_file.version) == (1, 2)
    with pytest.raises(NotFound, match="no version 9"):
        await book.version(9)


async def test_of_two_who_publish_over_the_same_version_one_is_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's change is lost unseen; and where writers don't wait for one another the key decides."""
    book = StoredRules(database, ManualClock(NOW))
    await book.publish(text_of(BEFORE), None, "", from_file=True)
    tries = [book.publish(text_of(AFTER), UserId(who), "", from_file=False, over=1) for who in (1, 2, 3)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in results) == 2
    assert [one.version for one in await book.versions(9)] == [2, 1]

    async def stale(*_: object) -> int:
        return 0

    monkeypatch.setattr(routing_rules, "_last_version", stale)
    with pytest.raises(Conflict, match="published meanwhile"):
        await book.publish(text_of(AFTER), None, "", from_file=False)


async def test_a_running_core_takes_up_what_the_command_line_published(database: Database) -> None:
    """Through the database alone; the roll-back on a page is a new version there."""
    clock = ManualClock(NOW)
    published = PublishedRules(StoredRules(database, clock), AFTER.queues)
    served: list[tuple[RoutingRules, int]] = []
    await published.open(AFTER)
    published.attach(lambda rules, version: served.append((rules, version)))
    lower = RoutingRules(ceiling=120, queues=AFTER.queues)
    await publish_rules(StoredRules(database, clock), lower, UserId(0), "from a terminal")
    await published.catch_up()
    await published.roll_back(1, UserId(2))
    assert served == [(lower, 2), (AFTER, 3)]
    assert [one.note for one in await published.versions()] == [
        "version 1 again", "from a terminal", "from the settings",
    ]  # fmt: skip
