"""The migrations and the connection, on real SQLite files."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text

from callcenter.errors import PartMissing, SettingsError
from callcenter.storage import database, tables

pytestmark = pytest.mark.integration


def url_of(path: Path) -> str:
    """A database in this file."""
    return f"sqlite+aiosqlite:///{path}"


async def test_migrations_make_exactly_the_tables(tmp_path: Path) -> None:
    """From nothing (the folder too) to the latest version, with no difference to tables.py, and without
    blocking the loop: no file is read and no statement run on its thread (the test ground watches)."""
    url = url_of(tmp_path / "new" / "callcenter.db")
    assert await database.version(url) is None
    await database.upgrade(url)
    await database.upgrade(url)
    assert await database.version(url) == await asyncio.to_thread(database.latest)
    await database.check(url)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, tables.metadata))

    db = database.Database(url)
    try:
        async with db.reading() as connection:
            assert await connection.run_sync(differences) == []
    finally:
        await db.close()


async def test_two_upgrades_at_once(tmp_path: Path) -> None:
    """Two programs that start together don't trip over each other."""
    url = url_of(tmp_path / "a.db")
    await asyncio.gather(database.upgrade(url), database.upgrade(url))
    await database.check(url)


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """Old code leaves a newer database alone and says why."""
    path = tmp_path / "a.db"
    await database.upgrade(url_of(path))
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(PartMissing, match=r"newer version.*9999"):
        await database.upgrade(url_of(path))
    with pytest.raises(PartMissing, match="9999"):
        await database.check(url_of(path))


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """The setting is named, and the file is left as it is."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear customer, this is a letter and no database. " * 100)
    before = path.read_bytes()
    for act in (database.upgrade, database.version):
        with pytest.raises(SettingsError, match=r"\[database\] url"):
            await act(url_of(path))
    assert path.read_bytes() == before
    with pytest.raises(SettingsError, match=r"\[database\] url"):
        await database.upgrade(url_of(tmp_path))
    with pytest.raises(SettingsError, match="must name a file"):
        await database.upgrade("sqlite+aiosqlite://")


async def test_a_foreign_database_is_left_alone(tmp_path: Path) -> None:
    """Somebody else's database with a table of our name: refused whole, nothing half made."""
    path = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE orders (x)")
    with pytest.raises(SettingsError, match="orders already exists"):
        await database.upgrade(url_of(path))
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
    assert names == ["orders"]


async def test_sqlite_is_set_up_as_promised(tmp_path: Path) -> None:
    """WAL, foreign keys, NORMAL, and the busy time-out, on both engines."""
    url = url_of(tmp_path / "a.db")
    await database.upgrade(url)
    db = database.Database(url, busy_seconds=0.25)
    try:
        for context in (db.reading(), db.writing()):
            async with context as connection:
                found = [
                    await connection.scalar(text(f"PRAGMA {name}"))
                    for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
                ]
            assert found == ["wal", 1, 1, 250]
    finally:
        await db.close()


async def test_a_locked_database_is_said_to_be_away_and_readers_go_on(tmp_path: Path) -> None:
    """While somebody else writes, a write is refused in time, and reading works."""
    url = url_of(tmp_path / "a.db")
    await database.upgrade(url)
    db = database.Database(url, busy_seconds=0.05)
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(database.DatabaseAway, match="locked") as caught:
            async with db.writing() as connection:
                await connection.execute(insert(tables.gaps), {"reason": "never"})
        assert caught.value.retryable
        async with db.reading() as connection:
            assert (await connection.execute(select(tables.gaps))).all() == []
    finally:
        other.close()
        await db.close()


async def test_a_cancelled_query_leaves_the_pool_usable(tmp_path: Path) -> None:
    """A look-up that was given up (its limit passed) costs the next one nothing."""
    url = url_of(tmp_path / "a.db")
    await database.upgrade(url)
    db = database.Database(url)
    slow = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT max(i) FROM n"
    )
    try:
        for _ in range(20):  # more than the pool has
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.002), db.reading() as connection:
                    await connection.execute(slow)
        async with db.reading() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1
    finally:
        await db.close()
