"""Named database queries of the flows: SQL by the administrator, values by callers.

They can only read, whatever they say, and one that takes too long is ended inside the database too: on SQLite by a
handler that runs every few thousand steps, on PostgreSQL by ``statement_timeout``. They use no connection that the
rest of the program waits for.
"""

import asyncio
import datetime as dt
import math
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias
from urllib.parse import quote

from sqlalchemy import TextClause, exc, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from callcenter.errors import LookupFailed, SettingsError
from callcenter.reception.visit import Value
from callcenter.storage.database import is_sqlite

AT_ONCE = 4
"""Queries at the same time."""
STEPS = 10_000
"""Steps of SQLite's machine between two looks at whether it should stop: about a millisecond."""
TEXT_LIMIT = 10_000
"""Characters of a value."""
SIZE_LIMIT = 1_000_000
"""Bytes of any value inside SQLite, so that no single step is endless."""
PATTERN_LIMIT = 200
"""Bytes of a pattern of LIKE: long ones can take for ever in a single step."""
CHECK_SECONDS = 10.0
"""Seconds for a look at one query."""

# UNWRAPPED: while rows are fetched, PostgreSQL's drivers raise errors of their own, which SQLAlchemy does not wrap.
# They can't be named here: which driver there is, is the administrator's choice.

Row: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """One ``[[ivr.queries]]`` of the settings: SQL with ``:named`` parameters; its first row is the answer.

    What callers type is text. PostgreSQL wants that said where it is compared with a number:
    ``CAST(CAST(:typed AS text) AS integer)``.
    """

    name: str
    sql: str


class StoredQueries:
    """Runs the named queries on this database. ``close`` it in the end."""

    def __init__(self, url: str, plans: Iterable[QueryPlan]) -> None:
        self._plans = {plan.name: plan for plan in plans}
        self._asked = _File(url) if is_sqlite(make_url(url)) else _Server(url)

    @property
    def names(self) -> frozenset[str]:
        """The queries that there are."""
        return frozenset(self._plans)

    async def query(self, name: str, values: Row, seconds: float) -> Row | None:
        """The first row, None when there is none. Values that the query does not name are left out. Raises
        ``LookupFailed``: no such query, a value missing, SQL that can't be run, no answer in time, a column that is
        no text, number or truth."""
        plan = self._plans.get(name)
        if plan is None:
            raise LookupFailed(f"There is no query named {name}.")
        try:
            async with asyncio.timeout(seconds):
                row = await self._asked.first_row(plan.sql, values, seconds)
        except TimeoutError as error:
            raise LookupFailed(f"The query {name} took longer than {seconds:g} s.") from error
        except Exception as error:  # noqa: BLE001  whatever SQL or a driver come up with (see UNWRAPPED)
            raise LookupFailed(f"The query {name} failed: {_kind(error)}.") from None
        return None if row is None else {column: _scalar(name, value) for column, value in row.items()}

    async def check(self) -> None:
        """Let the database read each query without running it; raises ``SettingsError`` naming all that are wrong."""
        problems = []
        for plan in self._plans.values():
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._asked.explain(plan.sql)
            except Exception as error:  # noqa: BLE001  as above
                reason = error.orig if isinstance(error, exc.DBAPIError) else error
                problems.append(f"[[ivr.queries]] {plan.name}: {reason}")
        if problems:
            raise SettingsError("\n".join(problems))

    async def close(self) -> None:
        """End what runs, and close the connections."""
        await self._asked.close()


class _File:
    """SQLite: each query in a thread of its own few, on a connection of its own."""

    def __init__(self, url: str) -> None:
        self._file = f"file:{quote(make_url(url).database or '')}?mode=ro"
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lookup")
        self._running: dict[asyncio.Future[Any], threading.Event] = {}

    async def first_row(self, sql: str, values: Row, _seconds: float) -> dict[str, Any] | None:
        """Given up, the query is told to stop, and soon does."""
        stop = threading.Event()
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, _first_row, self._file, sql, dict(values), stop)
        self._running[work] = stop
        work.add_done_callback(self._ended)
        try:
            return await asyncio.shield(work)
        finally:
            stop.set()

    async def explain(self, sql: str) -> None:
        """Raises what is wrong with it."""
        await self.first_row(f"EXPLAIN {sql}", dict.fromkeys(parameters_of(sql)), CHECK_SECONDS)

    async def close(self) -> None:
        """Stop all."""
        for stop in self._running.values():
            stop.set()
        await asyncio.to_thread(self._threads.shutdown)

    def _ended(self, work: asyncio.Future[Any]) -> None:
        self._running.pop(work, None)
        if not work.cancelled():
            work.exception()  # looked at, should whoever waited for it be gone


class _Server:
    """PostgreSQL: a few connections beside those of the rest of the program."""

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(
            url, hide_parameters=True, pool_pre_ping=True, pool_size=AT_ONCE, max_overflow=0
        )

    async def first_row(self, sql: str, values: Row, seconds: float) -> dict[str, Any] | None:
        """Only the first row is fetched."""
        given = {name: values[name] for name in parameters_of(sql) if name in values}
        async with self._engine.connect() as connection:
            for limit in limits(seconds):
                await connection.execute(limit)
            async with connection.stream(text(sql), given) as found:
                row = await found.mappings().first()
        return None if row is None else dict(row)

    async def explain(self, sql: str) -> None:
        """Raises what is wrong with it."""
        async with self._engine.connect() as connection:
            for limit in limits(CHECK_SECONDS):
                await connection.execute(limit)
            await connection.execute(text(f"EXPLAIN {sql}"), dict.fromkeys(parameters_of(sql)))

    async def close(self) -> None:
        """Drop the connections."""
        await self._engine.dispose()


def parameters_of(sql: str) -> list[str]:
    """The ``:named`` parameters of a query, sorted."""
    return sorted(text(sql).compile().params)


def limits(seconds: float) -> list[TextClause]:
    """What PostgreSQL is told before a query: to change nothing, and when to give up."""
    milliseconds = max(1, math.ceil(seconds * 1000))
    return [text("SET TRANSACTION READ ONLY"), text(f"SET LOCAL statement_timeout = {milliseconds}")]


def _first_row(file: str, sql: str, values: dict[str, Value], stop: threading.Event) -> dict[str, Any] | None:
    if stop.is_set():
        return None
    with closing(sqlite3.connect(file, uri=True, timeout=0.5, isolation_level=None)) as connection:
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, SIZE_LIMIT)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_LIMIT)
        connection.execute("PRAGMA query_only = ON")
        connection.set_progress_handler(lambda: int(stop.is_set()), STEPS)
        cursor = connection.execute(sql, values)
        row = cursor.fetchone()
        if row is None or cursor.description is None:
            return None
        return dict(zip((column[0] for column in cursor.description), row, strict=True))


def _scalar(name: str, value: object) -> Value:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str) and len(value) <= TEXT_LIMIT:
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    raise LookupFailed(f"The query {name} gives a value that is no text, number or truth, or is endless.")


def _kind(error: BaseException) -> str:
    """What kind of failure it is, in the database's word. The full text may hold what a caller said."""
    origin = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    return str(
        getattr(origin, "sqlite_errorname", None)
        or getattr(origin, "sqlstate", None)
        or type(origin).__name__
    )
