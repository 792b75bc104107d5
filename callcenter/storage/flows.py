"""The versions of the flows, and the figures of what callers did in them."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    case,
    exc,
    func,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from callcenter.clock import Clock
from callcenter.errors import Conflict, NotFound
from callcenter.history.flows import FlowFigures, FlowVersion, NodeFigures
from callcenter.ids import UserId
from callcenter.storage.database import Database
from callcenter.storage.tables import flow_steps, flow_versions, flow_visits, users

_versions, _visits, _steps = flow_versions.c, flow_visits.c, flow_steps.c
_LATEST = (
    select(_versions.flow, func.max(_versions.version).label("version"))
    .group_by(_versions.flow)
    .subquery("latest")
)
_IS_LATEST = and_(_versions.flow == _LATEST.c.flow, _versions.version == _LATEST.c.version)


class StoredFlows:
    """The ``FlowBook``. Every method may raise ``DatabaseAway``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def current(self) -> list[FlowVersion]:
        """The current version of each flow, by the flow's name."""
        return await self._read(
            _version_rows().where(_LATEST.c.version.is_not(None)).order_by(_versions.flow)
        )

    async def versions(self, flow: str) -> list[FlowVersion]:
        """All versions of a flow, the latest first."""
        return await self._read(
            _version_rows().where(_versions.flow == flow).order_by(_versions.version.desc())
        )

    async def publish(
        self, flow: str, text: str, by: UserId | None, note: str, *, over: int | None = None
    ) -> FlowVersion:
        """Keep a text as the next version and make it the current one, in one transaction. ``over``: the version
        that it was made from (0: there was none); ``Conflict`` when another one is current meanwhile."""
        row = {
            "flow": flow,
            "text": text,
            "digest": digest_of(text),
            "at": self._clock.wall(),
            "by_id": by,
            "note": note,
        }
        last = 0
        try:
            async with self._database.writing() as connection:
                last = await _last_version(connection, flow)
                if over is not None and over != last:
                    raise Conflict(_changed(flow, last))
                await connection.execute(insert(flow_versions), {**row, "version": last + 1})
        except exc.IntegrityError as error:  # where writers don't wait for each other
            raise Conflict(_changed(flow, last + 1)) from error
        return await self._version(flow, last + 1)

    async def roll_back(self, flow: str, version: int, by: UserId, note: str) -> FlowVersion:
        """Publish the text of an old version again, as a new version. ``NotFound``; ``Conflict`` when somebody
        else publishes at the same moment."""
        old = await self._version(flow, version)
        return await self.publish(flow, old.text, by, note)

    async def last_from_file(self, flow: str) -> FlowVersion | None:
        """The last version that came from the file."""
        query = _version_rows().where(_versions.flow == flow, _versions.by_id.is_(None))
        found = await self._read(query.order_by(_versions.version.desc()).limit(1))
        return found[0] if found else None

    async def figures(self, flow: str, since: datetime, until: datetime) -> FlowFigures:
        """What callers did in visits that began in this period (``until`` not included), all versions together.
        Visits of other flows that came through this one as a subflow count too."""
        async with self._database.reading() as connection:
            own = (await connection.execute(own_visits(flow, since, until))).mappings().one()
            guests = (await connection.execute(guest_visits(flow, since, until))).mappings().one()
            steps = (await connection.execute(node_figures(flow, since, until))).mappings().all()
        return FlowFigures(
            visits=_sum(own, guests, "visits"),
            contained=_sum(own, guests, "contained"),
            gone=_sum(own, guests, "gone"),
            nodes=_nodes(steps),
        )

    async def _version(self, flow: str, version: int) -> FlowVersion:
        found = await self._read(_version_rows().where(_versions.flow == flow, _versions.version == version))
        if not found:
            raise NotFound(f"The flow {flow} has no version {version}.")
        return found[0]

    async def _read(self, query: Select[Any]) -> list[FlowVersion]:
        async with self._database.reading() as connection:
            return [_flow_version(row) for row in (await connection.execute(query)).mappings()]


def digest_of(text: str) -> str:
    """SHA-256 of a flow's text, hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# ------------------------------------------------------------ the figures' queries


def own_visits(flow: str, since: datetime, until: datetime) -> Select[Any]:
    """How many visits began in this flow, and how they ended."""
    return _counted().where(_visits.flow == flow, _visits.started_at >= since, _visits.started_at < until)


def guest_visits(flow: str, since: datetime, until: datetime) -> Select[Any]:
    """The same of visits that began elsewhere and passed this flow, each once."""
    passed = select(_steps.call_id, _steps.visit_flow, _steps.visit_at).where(
        _steps.flow == flow, _steps.visit_flow != flow, _steps.visit_at >= since, _steps.visit_at < until
    )
    guest = passed.distinct().subquery("guest").c
    return _counted().where(
        _visits.call_id == guest.call_id,
        _visits.flow == guest.visit_flow,
        _visits.started_at == guest.visit_at,
    )


def node_figures(flow: str, since: datetime, until: datetime) -> Select[Any]:
    """Per node and way out: how often, how long, and how often nothing or the wrong thing was pressed."""
    return (
        select(
            _steps.node,
            _steps.way,
            func.count().label("visits"),
            func.sum(_steps.duration_ms).label("duration_ms"),
            func.sum(_steps.no_input).label("no_input"),
            func.sum(_steps.wrong_input).label("wrong_input"),
        )
        .where(_steps.flow == flow, _steps.visit_at >= since, _steps.visit_at < until)
        .group_by(_steps.node, _steps.way)
    )


def _counted() -> Select[Any]:
    def times(condition: ColumnElement[bool]) -> ColumnElement[Any]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    return select(
        func.count().label("visits"),
        times(_visits.contained).label("contained"),
        times(_visits.end == "gone").label("gone"),
    ).select_from(flow_visits)


def _sum(own: RowMapping, guests: RowMapping, name: str) -> int:
    return int(own[name]) + int(guests[name])


def _nodes(rows: Sequence[RowMapping]) -> dict[str, NodeFigures]:
    by_node: dict[str, list[RowMapping]] = defaultdict(list)
    for row in rows:
        by_node[row["node"]].append(row)
    return {
        node: NodeFigures(
            visits=sum(row["visits"] for row in ways),
            seconds=sum(int(row["duration_ms"]) for row in ways) / 1000,
            no_input=sum(int(row["no_input"]) for row in ways),
            wrong_input=sum(int(row["wrong_input"]) for row in ways),
            ways={row["way"]: row["visits"] for row in ways},
        )
        for node, ways in by_node.items()
    }


# ------------------------------------------------------------ versions


def _version_rows() -> Select[Any]:
    """Versions with their publisher's name; ``latest`` is null for those that are not current."""
    return (
        select(flow_versions, users.c.display_name, _LATEST.c.version.label("latest"))
        .outerjoin(users, users.c.id == _versions.by_id)
        .outerjoin(_LATEST, _IS_LATEST)
    )


async def _last_version(connection: AsyncConnection, flow: str) -> int:
    return int(
        await connection.scalar(select(func.max(_versions.version)).where(_versions.flow == flow)) or 0
    )


def _flow_version(row: RowMapping) -> FlowVersion:
    return FlowVersion(
        flow=row["flow"],
        version=row["version"],
        text=row["text"],
        digest=row["digest"],
        at=row["at"],
        by=None if row["by_id"] is None else UserId(row["by_id"]),
        by_name=row["display_name"] or "",
        note=row["note"],
        current=row["latest"] is not None,
    )


def _changed(flow: str, version: int) -> str:
    return f"The flow {flow} was published meanwhile: version {version} is current. Look at what changed in it first."
