"""The connection to the database: one engine that reads, one that writes, and the migrations.

On SQLite the file is in WAL mode: readers never wait for the writer. A writer takes its lock when it begins,
so that a transaction can't fail half way because somebody else was faster.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CompoundSelect, Connection, Engine, Select, create_engine, event, exc
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as sqlite_dialect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from callcenter.errors import CallcenterError, PartMissing, SettingsError

BUSY_SECONDS = 2.0
"""How long a writer waits for another process's lock. Longer would only make the queue behind it longer."""
CACHE_KIB = 16_384
"""SQLite's page cache per connection: the upper levels of the indexes over a million customers fit."""

MIGRATION_BUSY_SECONDS = 30.0
"""A second program that starts at the same time waits for the first one's migration."""

T = TypeVar("T")
_OURS = (exc.IntegrityError, exc.DataError, exc.ProgrammingError)


class DatabaseAway(CallcenterError):
    """The database is locked, gone or broken now."""

    code = "database_away"
    retryable = True


def is_sqlite(url: URL) -> bool:
    """Is it a file of ours?"""
    return url.get_backend_name() == "sqlite"


def make_engine(url: str, *, writes: bool, busy_seconds: float = BUSY_SECONDS) -> AsyncEngine:
    """An engine that has not connected yet. One that only reads saves the round trips of transactions."""
    parsed = make_url(url)
    # An error's text must not carry the caller's number and name into the log.
    options: dict[str, Any] = {"hide_parameters": True}
    if not writes:
        options |= {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}
    if not is_sqlite(parsed):
        return create_async_engine(parsed, pool_pre_ping=True, **options)
    engine = create_async_engine(_file_url(parsed), connect_args=_sqlite_arguments(busy_seconds), **options)
    _listen(engine.sync_engine, writes=writes)
    return engine


def _thread_engine(url: URL, busy_seconds: float) -> Engine:
    """An engine for SQLite that blocks: for threads."""
    file_url = _file_url(url).set(drivername="sqlite")
    engine = create_engine(file_url, connect_args=_sqlite_arguments(busy_seconds), hide_parameters=True)
    _listen(engine, writes=True)
    return engine


def _file_url(url: URL) -> URL:
    """The form that SQLite resolves itself: SQLAlchemy would ask for the working folder on the loop."""
    return url.set(database=f"file:{quote(url.database or '')}", query={"uri": "true"})


def _sqlite_arguments(busy_seconds: float) -> dict[str, Any]:
    return {"timeout": busy_seconds, "isolation_level": None}


def _listen(engine: Engine, *, writes: bool) -> None:
    event.listen(engine, "connect", _prepare_sqlite)
    if writes:
        event.listen(engine, "begin", _begin_immediate)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"cache_size=-{CACHE_KIB}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Turn the driver's errors that mean "not now" into ``DatabaseAway``; a wrong row stays what it is."""
    try:
        yield
    except _OURS:
        raise
    except (exc.DBAPIError, exc.TimeoutError, sqlite3.Error, OSError) as error:
        raise DatabaseAway(f"The database can't be used now: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    return str(error.orig if isinstance(error, exc.DBAPIError) else error)


class RawQuery:
    """A query that callers wait for. Its parameters and columns are whole numbers and text, taken as they are."""

    def __init__(self, statement: Select[Any] | CompoundSelect[Any]) -> None:
        self.statement = statement
        self.names = [str(column.key) for column in statement.selected_columns]
        compiled = statement.compile(dialect=sqlite_dialect(paramstyle="named"))
        self.sql, self.constants = str(compiled), dict(compiled.params)


class Database:
    """The pools of one process. Both context managers raise ``DatabaseAway``."""

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.url = url
        self.dialect = make_url(url).get_backend_name()
        self._reader = make_engine(url, writes=False, busy_seconds=busy_seconds)
        self._writer = make_engine(url, writes=True, busy_seconds=busy_seconds)
        parsed = make_url(url)
        self._thread_writer = _thread_engine(parsed, busy_seconds) if is_sqlite(parsed) else None
        self._work: set[asyncio.Future[Any]] = set()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for queries; each sees the state of its own moment."""
        async with translated(), self._reader.connect() as connection:
            yield connection

    async def rows(self, query: RawQuery, parameters: Mapping[str, int | str]) -> list[dict[str, Any]]:
        """The rows of a query. On SQLite this is one hand-over to the driver's thread instead of four, which
        halves its cost; other databases are asked in the usual way."""
        async with self.reading() as connection:
            if self.dialect == "sqlite":
                driver: Any = (await connection.get_raw_connection()).driver_connection
                found = await driver.execute_fetchall(query.sql, {**query.constants, **parameters})
            else:
                found = (await connection.execute(query.statement, dict(parameters))).all()
        return [dict(zip(query.names, row, strict=True)) for row in found]

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: kept when the block ends, undone when it raises."""
        async with translated(), self._writer.begin() as connection:
            yield connection

    async def transact(self, act: Callable[[Connection], T]) -> T:
        """One transaction of many statements. On SQLite it is one hand-over to a thread instead of three per
        statement; what is cancelled meanwhile ends there by itself."""
        async with translated():
            if self._thread_writer is None:
                async with self._writer.begin() as connection:
                    return await connection.run_sync(act)
            work = asyncio.get_running_loop().run_in_executor(None, self._in_thread, self._thread_writer, act)
            self._work.add(work)
            work.add_done_callback(self._worked)
            return await asyncio.shield(work)

    def _in_thread(self, engine: Engine, act: Callable[[Connection], T]) -> T:
        with engine.begin() as connection:
            return act(connection)

    def _worked(self, work: asyncio.Future[Any]) -> None:
        self._work.discard(work)
        if not work.cancelled():
            work.exception()  # looked at, should whoever waited for it be gone

    async def quiet(self) -> None:
        """Return when no transaction runs, also none that was cancelled; a locked one ends with its time-out."""
        if self._work:
            await asyncio.wait(self._work)

    async def close(self) -> None:
        """Close every connection, after the transactions that run."""
        await self.quiet()
        if self._thread_writer is not None:
            await asyncio.to_thread(self._thread_writer.dispose)
        await self._reader.dispose()
        await self._writer.dispose()


# ------------------------------------------------------------ migrations


def migrations_folder() -> Path:
    """Where the migrations are; raises ``PartMissing``."""
    package = Path(__file__).parent.parent
    for folder in (package.parent / "migrations", package / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise PartMissing(
        "The folder migrations/ is missing beside the package callcenter: install from a complete clone."
    )


def alembic_config() -> Config:
    """Alembic's settings, without a file."""
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config


def latest() -> str:
    """The version that this program works with."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""


async def version(url: str) -> str | None:
    """The database's version, None when it is empty or not there yet. Raises ``SettingsError`` for a file
    that is no database of ours, ``PartMissing`` for a server that can't be reached."""
    return await asyncio.to_thread(_version, url)


async def check(url: str) -> None:
    """Raise ``PartMissing`` unless the database has exactly the version that this program works with."""
    found, wanted = await version(url), await asyncio.to_thread(latest)
    if found != wanted:
        raise PartMissing(
            f"The database has version {found or 'none'} and this program needs {wanted}: "
            "run callcenter upgrade."
        )


async def upgrade(url: str) -> None:
    """Bring the database to the program's version, making it if it is not there; all or nothing. Another
    thread does it, so that the loop goes on. Raises ``SettingsError`` or ``PartMissing``."""
    await asyncio.to_thread(_upgrade, url)


def _version(url: str) -> str | None:
    path = _path(url)
    if path is not None and not path.exists():
        return None
    return _on_connection(url, _current)


def _upgrade(url: str) -> None:
    path = _path(url)
    with _explained(url):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
    _on_connection(url, _migrate)


def _on_connection(url: str, act: Callable[[Connection], T]) -> T:
    """Run ``act`` in one transaction, in this thread."""
    parsed = make_url(url)
    if parsed.get_driver_name() == "asyncpg":  # the one driver that can't do without a loop
        return asyncio.run(_on_async_connection(url, act))
    sqlite = is_sqlite(parsed)
    engine = _thread_engine(parsed, MIGRATION_BUSY_SECONDS) if sqlite else create_engine(parsed)
    try:
        with _explained(url), engine.begin() as connection:
            return act(connection)
    finally:
        engine.dispose()


async def _on_async_connection(url: str, act: Callable[[Connection], T]) -> T:
    engine = make_engine(url, writes=True)
    try:
        with _explained(url):
            async with engine.begin() as connection:
                return await connection.run_sync(act)
    finally:
        await engine.dispose()


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _migrate(connection: Connection) -> None:
    config = alembic_config()
    found = _current(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise PartMissing(
            f"The database was made by a newer version of this program (its version is {found}): "
            "install that version, or name another database in [database] url."
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _path(url: str) -> Path | None:
    """The SQLite file; None for a server. Raises ``SettingsError`` when no file is named."""
    parsed = make_url(url)
    if not is_sqlite(parsed):
        return None
    if not parsed.database or parsed.database == ":memory:":
        example = 'url = "sqlite+aiosqlite:///var/callcenter.db"'
        raise SettingsError(f"[database] url must name a file; for example: {example}")
    return Path(parsed.database)


@contextmanager
def _explained(url: str) -> Iterator[None]:
    shown = make_url(url).render_as_string(hide_password=True)
    try:
        yield
    except (exc.DBAPIError, sqlite3.Error, OSError) as error:
        problem = f"The database {shown} can't be used: {_reason(error)}."
        if is_sqlite(make_url(url)):
            text = f"{problem} [database] url must name a file that this program may write, and made."
            raise SettingsError(text) from error
        raise PartMissing(f"{problem} Start the server, or correct [database] url.") from error
