"""Insert or update in one statement: the one place that knows how each database says it."""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from sqlalchemy import ColumnElement, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.base import ReadOnlyColumnCollection

Insert: TypeAlias = postgresql.Insert | sqlite.Insert
Proposed: TypeAlias = ReadOnlyColumnCollection[str, ColumnElement[object]]


@lru_cache(maxsize=100)
def upsert(
    dialect: str,
    table: Table,
    key: tuple[str, ...],
    columns: tuple[str, ...],
    only_if: Callable[[Proposed], ColumnElement[bool]] | None = None,
) -> Insert:
    """A statement for rows with these ``columns``: a row whose ``key`` is there already is overwritten, if
    ``only_if`` (given the proposed row) holds. Statements are kept, for they are dear to make: ``only_if`` must be
    a function of a module."""
    insert = _insert(dialect, table)
    changes = {name: insert.excluded[name] for name in columns if name not in key}
    if not changes:
        return insert.on_conflict_do_nothing(index_elements=list(key))
    where = None if only_if is None else only_if(insert.excluded)
    return insert.on_conflict_do_update(index_elements=list(key), set_=changes, where=where)


@lru_cache(maxsize=20)
def insert_missing(dialect: str, table: Table, key: tuple[str, ...]) -> Insert:
    """A statement for rows that are kept as they are when their ``key`` is there already."""
    return _insert(dialect, table).on_conflict_do_nothing(index_elements=list(key))


def _insert(dialect: str, table: Table) -> Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
