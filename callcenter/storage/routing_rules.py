"""The published versions of the rules of routing."""

from typing import Any

from sqlalchemy import RowMapping, Select, exc, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from callcenter.clock import Clock
from callcenter.errors import Conflict, NotFound
from callcenter.ids import UserId
from callcenter.routing.publishing import RulesVersion, digest_of
from callcenter.storage.database import Database
from callcenter.storage.tables import routing_versions, users

_versions = routing_versions.c
_LATEST = select(func.max(_versions.version)).scalar_subquery()


class StoredRules:
    """The ``RulesBook``. Every method may raise ``DatabaseAway``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def current(self) -> RulesVersion | None:
        """The latest, if any."""
        return await self._first(rows_of_versions())

    async def version(self, version: int) -> RulesVersion:
        """A certain one; raises ``NotFound``."""
        found = await self._first(rows_of_versions().where(_versions.version == version))
        if found is None:
            raise NotFound(f"There is no version {version} of the routing rules.")
        return found

    async def versions(self, limit: int) -> list[RulesVersion]:
        """The latest ones, newest first."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(rows_of_versions().limit(limit))).mappings()
            return [_rules_version(row) for row in rows]

    async def publish(
        self, rules: str, by: UserId | None, note: str, *, from_file: bool, over: int | None = None
    ) -> RulesVersion:
        """Keep rules as the next version, in one transaction. ``over``: the version that they were made from (0: there
        was none); ``Conflict`` when another one is current meanwhile."""
        row = {
            "rules": rules,
            "digest": digest_of(rules),
            "at": self._clock.wall(),
            "by_id": by,
            "note": note,
            "from_file": from_file,
        }
        last = 0
        try:
            async with self._database.writing() as connection:
                last = await _last_version(connection)
                if over is not None and over != last:
                    raise Conflict(_changed(last))
                await connection.execute(insert(routing_versions), {**row, "version": last + 1})
        except exc.IntegrityError as error:  # where writers don't wait for each other
            raise Conflict(_changed(last + 1)) from error
        return await self.version(last + 1)

    async def last_from_file(self) -> RulesVersion | None:
        """The last version that came from the settings."""
        return await self._first(rows_of_versions().where(_versions.from_file))

    async def last_at_start(self) -> RulesVersion | None:
        """The last version that a core published at its start."""
        return await self._first(rows_of_versions().where(_versions.from_file, _versions.by_id.is_(None)))

    async def _first(self, query: Select[Any]) -> RulesVersion | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(query.limit(1))).mappings().first()
        return None if row is None else _rules_version(row)


async def _last_version(connection: AsyncConnection) -> int:
    return int(await connection.scalar(select(func.max(_versions.version))) or 0)


def rows_of_versions() -> Select[Any]:
    """All versions, newest first, with their publisher's name and the number of the latest."""
    return (
        select(routing_versions, users.c.display_name, _LATEST.label("latest"))
        .outerjoin(users, users.c.id == _versions.by_id)
        .order_by(_versions.version.desc())
    )


def _rules_version(row: RowMapping) -> RulesVersion:
    return RulesVersion(
        version=row["version"],
        rules=row["rules"],
        digest=row["digest"],
        at=row["at"],
        by=None if row["by_id"] is None else UserId(row["by_id"]),
        by_name=row["display_name"] or "",
        note=row["note"],
        from_file=row["from_file"],
        current=row["version"] == row["latest"],
    )


def _changed(version: int) -> str:
    return f"Routing rules were published meanwhile: version {version} is current. Look at what changed in it first."
