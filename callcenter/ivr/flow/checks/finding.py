"""What a check finds, and what it may know of the world around a flow."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from callcenter.ivr.flow.document import Level, Place
from callcenter.ivr.flow.flow import Flow


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault and where in the flow it stands: a path of keys, such as ``("nodes", "menu", "next")``."""

    place: Place
    message: str
    level: Level = "error"


@dataclass(frozen=True, slots=True)
class Known:
    """What flows may name. ``None`` is “not known here”: then nothing is said about it.

    ``flows``: every flow's name, and the flow itself where it could be read. ``entrances``: the flows that callers
    meet first. ``today`` is for calendars that come to their end.
    """

    queues: Collection[str] | None = None
    skills: Collection[str] | None = None
    queries: Collection[str] | None = None
    services: Collection[str] | None = None
    flows: Mapping[str, Flow | None] | None = None
    entrances: Collection[str] | None = None
    today: dt.date | None = None

    def flow(self, name: str) -> Flow | None:
        """A flow, if it could be read."""
        return (self.flows or {}).get(name)


def warning(place: Place, message: str) -> Finding:
    """Something to look at that keeps nobody from publishing."""
    return Finding(place, message, "warning")
