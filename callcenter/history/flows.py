"""The published versions of the callers' flows, and what callers did in them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from callcenter.ids import UserId


@dataclass(frozen=True, slots=True)
class FlowVersion:
    """One published text of a flow; versions of a flow count from 1. ``by`` None: taken from the file in the flows'
    folder at a start. ``current``: callers who come now are served with it. ``digest``: SHA-256 of the text, hex."""

    flow: str
    version: int
    text: str
    digest: str
    at: dt.datetime
    by: UserId | None
    by_name: str
    note: str
    current: bool


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """A node in a period. ``seconds``: all time spent there; ``ways``: how it was left, and how often."""

    visits: int
    seconds: float
    no_input: int
    wrong_input: int
    ways: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """A flow in a period. ``contained``: visits that ended without a person; ``gone``: callers who hung up in it."""

    visits: int
    contained: int
    gone: int
    nodes: Mapping[str, NodeFigures] = field(default_factory=dict)


class FlowBook(Protocol):
    """Keeps the versions. A version is never changed or deleted."""

    async def current(self) -> list[FlowVersion]:
        """The current version of each flow."""

    async def versions(self, flow: str) -> list[FlowVersion]:
        """All versions of a flow, the latest first."""

    async def publish(
        self, flow: str, text: str, by: UserId | None, note: str, *, over: int | None = None
    ) -> FlowVersion:
        """Keep a text as the next version and make it the current one, in one transaction. ``over``: the version that
        it was made from; ``Conflict`` when another one is current meanwhile."""

    async def roll_back(self, flow: str, version: int, by: UserId, note: str) -> FlowVersion:
        """Publish the text of an old version again, as a new version. ``NotFound``."""

    async def last_from_file(self, flow: str) -> FlowVersion | None:
        """The last version that came from the file."""

    async def figures(self, flow: str, since: dt.datetime, until: dt.datetime) -> FlowFigures:
        """What callers did in visits that began in this period, all versions together."""
