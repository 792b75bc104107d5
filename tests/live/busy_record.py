"""What is on record of a busy day: read from the database, the screens and the AMI witness, not from the core.

Times are seconds since 1970. ``arrival`` is since when a caller counts as waiting, put together from the record alone:
the call's own arrival, that of an earlier call whose place it took, or that of the call that asked for the callback.
"""

import itertools
import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from callcenter.demo.floor import read_events
from callcenter.errors import BadInput
from callcenter.routing import decision
from tests.live.ami_witness import Leg, read_legs
from tests.live.busy_floor import LAST_AGENT_WAIT, NEEDS, OWNER_WAIT, QUEUES, Day, Need

FOR_EVER = float("inf")
Span = tuple[float, float]


@dataclass(frozen=True)
class Agent:
    """One agent as the database has them; ``free``: when the own screen said ready."""

    id: int
    extension: str
    queues: frozenset[str]
    levels: Mapping[str, int]
    free: tuple[Span, ...]


@dataclass
class Offered:
    """One offer; ``explained`` is None when its record can't be read, ``rerun`` what it gives when decided again."""

    id: str
    call_id: str
    agent_id: int
    at: float
    ended: float | None
    result: str
    text: str

    @cached_property
    def explained(self) -> decision.Explanation | None:
        """What people are told."""
        try:
            return decision.explained(self.text)
        except BadInput:
            return None

    @cached_property
    def rerun(self) -> int | None:
        """Decided again from the record alone."""
        try:
            return decision.rerun(self.text)
        except BadInput:
            return None

    @property
    def bond(self) -> str:
        """Owner or last agent, when the call waited for just that one."""
        because = self.explained.because.rule if self.explained else ""
        return because if because in {"owner", "last_agent", "target"} else ""


@dataclass
class Called:
    """One call. ``key``: the line that was chosen in the menu; ``waits``: its stretches in line without the time in
    which it was offered; ``bound``: until then it waited for somebody in particular, as far as is known."""

    id: str
    direction: str
    number: str
    channel: str
    tier: str
    customer_id: int | None
    marks: frozenset[str]
    key: str
    began: float
    ended: float | None
    reason: str
    waited: float
    arrival: float
    parts: list[tuple[str, float, float | None]] = field(default_factory=list)
    offers: list[Offered] = field(default_factory=list)
    waits: list[Span] = field(default_factory=list)
    bound: float = 0.0
    boost: float = 0.0

    @property
    def need(self) -> Need | None:
        """What it needs; None when it chose no line."""
        return NEEDS.get(self.key)

    @property
    def answered(self) -> bool:
        """Did an agent talk with the caller?"""
        return any(stage == "talking" for stage, _, _ in self.parts)

    @property
    def since(self) -> float:
        """The arrival with the boost taken off: by this it is in order among its like."""
        return self.arrival - self.boost


@dataclass
class Record:
    """All of it."""

    day: Day
    calls: dict[str, Called]
    agents: dict[int, Agent]
    legs: list[Leg]
    callbacks: list[dict[str, Any]]
    gaps: int
    log: list[dict[str, Any]]

    @property
    def inbound(self) -> list[Called]:
        """Those who called."""
        return [call for call in self.calls.values() if call.direction == "inbound"]

    @property
    def offers(self) -> list[Offered]:
        """In the order of time."""
        return sorted((one for call in self.calls.values() for one in call.offers), key=lambda one: one.at)


def read_record(day: Day) -> Record:
    """After the core has ended."""
    with closing(sqlite3.connect(f"file:{day.floor.database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        calls = {row["id"]: _call(row) for row in connection.execute(CALLS)}
        for row in connection.execute("SELECT * FROM segments ORDER BY call_id, position"):
            if row["call_id"] in calls:
                part = (row["stage"], row["started_at"] / 1e6, _seconds(row["ended_at"]))
                calls[row["call_id"]].parts.append(part)
        for row in connection.execute("SELECT * FROM offers ORDER BY offered_at"):
            if row["call_id"] in calls:
                calls[row["call_id"]].offers.append(_offer(row))
        callbacks = [dict(row) for row in connection.execute("SELECT * FROM callbacks ORDER BY arrived_at")]
        free = _free(day)
        query = "SELECT * FROM users WHERE role = 'agent'"
        agents = {row["id"]: _agent(row, free) for row in connection.execute(query)}
        gaps = int(connection.execute("SELECT count(*) FROM gaps").fetchone()[0])
    _arrivals(list(calls.values()), callbacks, calls)
    for call in calls.values():
        _waits(call)
    return Record(day, calls, agents, read_legs(day.recording), callbacks, gaps, _log(day))


CALLS = "SELECT * FROM calls WHERE channel_id != '' OR direction = 'outbound' ORDER BY arrived_at"


def _seconds(micros: int | None) -> float | None:
    return None if micros is None else micros / 1e6


def _call(row: sqlite3.Row) -> Called:
    keys = dict(json.loads(row["keys"]))
    began = row["arrived_at"] / 1e6
    return Called(
        id=row["id"],
        direction=row["direction"],
        number=row["number_key"],
        channel=row["channel_id"],
        tier=row["tier"],
        customer_id=row["customer_id"],
        marks=frozenset(json.loads(row["marks"])),
        key=keys.get("menu", ""),
        began=began,
        ended=_seconds(row["ended_at"]),
        reason=row["end_reason"] or "",
        waited=row["waited_ms"] / 1000,
        arrival=began,
    )


def _offer(row: sqlite3.Row) -> Offered:
    at, ended = row["offered_at"] / 1e6, _seconds(row["ended_at"])
    return Offered(row["id"], row["call_id"], row["agent_id"], at, ended, row["result"], row["decision"])


def _agent(row: sqlite3.Row, free: Mapping[str, list[Span]]) -> Agent:
    extension = row["extension"]
    queues, levels = frozenset(json.loads(row["queues"])), json.loads(row["skills"])
    return Agent(row["id"], extension, queues, levels, tuple(free.get(extension, ())))


def _free(day: Day) -> dict[str, list[Span]]:
    """When each screen said ready: the database keeps only the latest presence of an agent."""
    found: dict[str, list[Span]] = defaultdict(list)
    since: dict[str, float] = {}
    for event in read_events(day.floor.screen_events):
        state = event.get("state")
        if not state:
            continue
        extension, at = event["extension"], event["t"] / 1e9 + day.offset
        if state["state"] == "ready":
            since.setdefault(extension, at)
        elif extension in since:
            found[extension].append((since.pop(extension), at))
    for extension, at in since.items():
        found[extension].append((at, FOR_EVER))
    return found


def _arrivals(calls: list[Called], callbacks: list[dict[str, Any]], by_id: Mapping[str, Called]) -> None:
    left: dict[tuple[str, str], float] = {}
    asked = {row["number"]: row for row in callbacks}
    for call in calls:
        if call.direction == "outbound":
            row = asked[call.number]
            call.key, call.arrival = by_id[row["call_id"]].key, row["arrived_at"] / 1e6
            continue
        place = (call.number, call.need.queue if call.need else "")
        if "resumed" in call.marks and place in left:
            call.arrival = min(call.arrival, left[place])
        left[place] = call.arrival


def _waits(call: Called) -> None:
    call.offers.sort(key=lambda one: one.at)
    spans = [(at, end or at) for stage, at, end in call.parts if stage == "waiting"]
    for one in call.offers:
        ended = one.ended or FOR_EVER
        spans = [piece for span in spans for piece in _without(span, (one.at, ended))]
    call.waits = spans
    first = call.offers[0] if call.offers else None
    if first is not None and first.text:
        told = decision.unpacked(first.text)
        call.boost = told.boost
        rings = told.rings
        ends = [later.at for ring, later in itertools.pairwise(rings) if ring.demand.only is not None]
        call.bound = first.at + max([rings[0].at, *ends])
    elif spans:
        known = OWNER_WAIT + LAST_AGENT_WAIT if call.customer_id is not None else 0
        call.bound = spans[0][0] + known + 0.5


def _without(span: Span, cut: Span) -> list[Span]:
    pieces = [(span[0], min(span[1], cut[0])), (max(span[0], cut[1]), span[1])]
    return [piece for piece in pieces if piece[0] < piece[1]]


def _log(day: Day) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for line in day.floor.log("core").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            lines.append({"level": "error", "event": f"not a line of the log: {line}"})
    return lines


# ------------------------------------------------------------ who may serve, by the test's own reckoning

RINGS: dict[str, list[Mapping[str, Any]]] = {
    queue["name"]: [{"after": 0.0}, *queue.get("rings", ())] for queue in QUEUES
}


def may_serve_from(agent: Agent, need: Need) -> float | None:
    """Seconds of waiting from which on this agent may serve such a call; None: never."""
    for ring in RINGS[need.queue]:
        queues = {need.queue, *ring.get("also", ())}
        lower, drop = ring.get("lower", 0), ring.get("drop", ())
        able = all(
            agent.levels.get(skill, 0) >= max(1, level - lower)
            for skill, level in need.levels.items()
            if skill not in drop
        )
        if able and not queues.isdisjoint(agent.queues):
            return float(ring["after"])
    return None
