"""Named queries: they answer, they only read, and none of them can hang or flood us."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from callcenter.errors import LookupFailed, SettingsError
from callcenter.reception.visit import Value
from callcenter.storage.lookups import QueryPlan, StoredQueries, limits, parameters_of

pytestmark = pytest.mark.integration

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with some stock in it."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE stock (article TEXT, pieces INTEGER, price REAL, note TEXT)")
        rows = [("lamp", 3, 12.5, None), ("lamp", 4, 13.5, "second"), ("chair", 0, 99.0, "x" * 20_000)]
        connection.executemany("INSERT INTO stock VALUES (?, ?, ?, ?)", rows)
    return path


@asynccontextmanager
async def queries(path: Path, **sql: str) -> AsyncIterator[StoredQueries]:
    """These queries, by name."""
    made = StoredQueries(f"sqlite+aiosqlite:///{path}", [QueryPlan(name, text) for name, text in sql.items()])
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
def threads() -> Iterator[None]:
    """No thread of a query outlives its test."""
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lookup")]


async def test_a_query_gives_its_first_row(path: Path, threads: None) -> None:
    """With the values that it names; those that it doesn't name are left out; none is None."""
    sql = "SELECT article, pieces, price, note, pieces > 3 AS many FROM stock WHERE article = :article"
    async with queries(path, stock=sql) as made:
        assert made.names == {"stock"}
        found = await made.query("stock", {"article": "lamp", "other": 1}, 1)
        assert found == {"article": "lamp", "pieces": 3, "price": 12.5, "note": None, "many": 0}
        assert await made.query("stock", {"article": "' OR 1=1 --"}, 1) is None
        assert await made.query("stock", {"article": None}, 1) is None


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM stock",
        "INSERT INTO stock (article) VALUES (:article) RETURNING article",
        "UPDATE stock SET pieces = 0 RETURNING pieces",
        "DROP TABLE stock",
        "CREATE TEMP TABLE t (x)",
        "ATTACH 'other.db' AS other",
        "PRAGMA query_only = OFF",
        "VACUUM INTO 'copy.db'",
    ],
)
async def test_a_query_can_not_change_anything(path: Path, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the settings say: no row, no table, no file."""
    monkeypatch.chdir(path.parent)
    before = sorted(file.name for file in path.parent.glob("*.db"))
    async with queries(path, evil=sql, rest="DELETE FROM stock RETURNING article") as made:
        try:
            await made.query("evil", {"article": "x"}, 1)
        except LookupFailed:
            pass
        else:
            assert sql.startswith("PRAGMA")
        with pytest.raises(LookupFailed, match="SQLITE_READONLY"):
            await made.query("rest", {}, 1)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT sum(pieces), count(*) FROM stock").fetchall() == [(7, 3)]
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchall() == [(1,)]
    assert sorted(file.name for file in path.parent.glob("*.db")) == before


async def test_a_query_that_hangs_is_ended_in_the_database_too(path: Path, threads: None) -> None:
    """More of them than there are threads: each is given up in time, and the next query finds a free thread at once.
    Given up by the caller's own hang-up, it ends as well."""
    async with queries(path, endless=ENDLESS, quick="SELECT 1 AS one") as made:
        began = time.perf_counter()
        tries = [made.query("endless", {}, 0.2) for _ in range(12)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert all(isinstance(result, LookupFailed) for result in results)
        assert "longer than 0.2 s" in str(results[0])
        assert await made.query("quick", {}, 0.5) == {"one": 1}
        waiting = asyncio.gather(*(made.query("endless", {}, 60) for _ in range(4)))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await made.query("quick", {}, 0.5) == {"one": 1}
        assert time.perf_counter() - began < 3


async def test_closing_ends_what_still_runs(path: Path, threads: None) -> None:
    """A core that stops does not wait for a query that hangs."""
    async with queries(path, endless=ENDLESS) as made:
        hanging = asyncio.ensure_future(made.query("endless", {}, 60))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(2):
            await made.close()
        with pytest.raises(LookupFailed):
            await hanging


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT note FROM stock WHERE article = 'chair'", "endless"),
        ("SELECT zeroblob(10) AS b", "no text, number or truth"),
        ("SELECT zeroblob(2000000) AS b", "SQLITE_TOOBIG"),
        ("SELECT * FROM nowhere", "SQLITE_ERROR"),
        ("SELECT :missing", "ProgrammingError"),
        ("SELECT 1; DROP TABLE stock", "ProgrammingError"),
        ("no SQL", "SQLITE_ERROR"),
        ("SELECT 'a' LIKE hex(zeroblob(500))", "SQLITE_ERROR"),
    ],
)
async def test_what_can_not_be_answered_fails_cleanly(path: Path, sql: str, reason: str) -> None:
    """Too long, no scalar, a value missing, SQL that is wrong: one kind of error, which holds no value."""
    async with queries(path, wrong=sql) as made:
        with pytest.raises(LookupFailed, match=reason) as caught:
            await made.query("wrong", {"pin": "9753186420"}, 1)
        assert "9753186420" not in str(caught.value)
        assert "xxx" not in str(caught.value)
        with pytest.raises(LookupFailed, match="no query named other"):
            await made.query("other", {}, 1)


@pytest.mark.parametrize("value", [2**70, "\ud800", "x" * 2_000_000, float("nan"), True, "a\x00b"])
async def test_hostile_values_are_values(path: Path, value: Value) -> None:
    """Numbers that no column holds, broken text, a megabyte: answered or refused, never a crash."""
    async with queries(path, echo="SELECT typeof(:value) AS kind") as made:
        try:
            found = await made.query("echo", {"value": value}, 1)
        except LookupFailed as failed:
            assert str(failed).startswith("The query echo failed: ")  # noqa: PT017  either is right
        else:
            assert found is not None
            assert found["kind"] in {"integer", "text", "null"}


async def test_wrong_queries_are_named_before_anybody_calls(path: Path) -> None:
    """All of them, with what the database says; good ones are not run by this."""
    sql = {"good": ENDLESS + " WHERE i > :x", "bad": "SELECT colour FROM stock", "worse": "SELEKT 1"}
    async with queries(path, **sql) as made:
        with pytest.raises(SettingsError) as caught:
            await made.check()
    text = str(caught.value)
    assert "[[ivr.queries]] bad: no such column: colour" in text
    assert "[[ivr.queries]] worse: near" in text
    assert "good" not in text


async def test_an_error_that_only_a_driver_knows_is_a_failure_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's drivers raise errors of their own while rows are fetched: neither they nor their text get out."""

    class OfTheDriver(Exception):
        sqlstate = "25006"

    async def first_row(*_: object) -> None:
        raise OfTheDriver("9753186420")

    async with queries(path, one="SELECT 1") as made:
        monkeypatch.setattr(made._asked, "first_row", first_row)
        with pytest.raises(LookupFailed, match=r"failed: 25006\.$"):
            await made.query("one", {}, 1)


async def test_a_database_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    """It is not made on the way."""
    async with queries(tmp_path / "none.db", one="SELECT 1") as made:
        with pytest.raises(LookupFailed, match="SQLITE_CANTOPEN"):
            await made.query("one", {}, 1)
    assert not (tmp_path / "none.db").exists()


def test_postgresql_is_told_the_same_limits() -> None:
    """To change nothing, and to give up by itself; the parameters' names are read from the SQL."""
    assert [str(text) for text in limits(1.5)] == [
        "SET TRANSACTION READ ONLY",
        "SET LOCAL statement_timeout = 1500",
    ]
    assert parameters_of("SELECT :b, x::text, :a, '12:30' WHERE y = :b") == ["a", "b"]
