"""The same calls to the same phones on one Asterisk: once through its own app_queue, once through us.

First app_queue, while our core does not run; then the core and its agents' screens start, and the same callers come
again at the same instants, to talk for the same times. For both: the wait beyond the ideal line's, the time from an
agent's hanging up to the next ring of that phone, and CPU seconds per call of Asterisk and of our core.

Talks are exponential, but none is shorter than ``SHORTEST``: a talk of less than half a second is none to us.
"""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from callcenter.bench.clocks import Conversion, read_both
from callcenter.bench.crowd import HEAD_START, Crowd
from callcenter.bench.ideal_line import Served, gaps, served, waits
from callcenter.bench.judging import between
from callcenter.bench.processor import cpu_seconds, machine_busy
from callcenter.bench.spread import Spread, spread
from callcenter.bench.stage import PASSWORD, READY, all_ready
from callcenter.demo.floor import Floor, FloorPlan
from callcenter.demo.prepare import agents, prepare_database
from callcenter.errors import PartMissing
from callcenter.rig.asterisk_install import find_launcher

PROMISE_P50_MS, PROMISE_P99_MS = 50.0, 250.0
OURS, THEIRS = "callcenter", "app_queue"
NUMBERS = {THEIRS: "7001", OURS: "7002"}
SHORTEST = 0.6
SETTLE = 2.0
"""Seconds after the last call until all is written down."""
MARGIN = 60.0
"""Seconds beyond the last arrival until all calls must be over."""
CONTEXT = "bench-callers"
QUEUE = "bench-queue"
DIALPLAN = f"""
[{CONTEXT}]
exten => {NUMBERS[THEIRS]},1,Answer()
 same => n,Queue({QUEUE})
 same => n,Hangup()
; Answered here too: so both systems get a caller in the same state, at the same instant
exten => {NUMBERS[OURS]},1,Answer()
 same => n,Goto(callcenter-inbound,{NUMBERS[OURS]},1)
"""
MEMBER = "member => PJSIP/{extension}\n"
QUEUES = f"""
[{QUEUE}]
strategy = leastrecent
autofill = yes
ringinuse = no
wrapuptime = 0
timeout = 20
; The shortest that there is
retry = 1
joinempty = yes
leavewhenempty = no
announce-frequency = 0
announce-position = no
announce-holdtime = no
periodic-announce-frequency = 0
"""
FLOW = """
flow: main
language: en
default_queue: support
start: wait
prompts: {}
nodes:
  wait: {type: queue, queue: support}
"""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Load:
    """``talk``: seconds on average. ``load``: the share of all agents' time that is talk, 0 to 1."""

    agents: int = 10
    calls: int = 320
    talk: float = 4.0
    load: float = 0.85

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.load * self.agents / self.talk

    @property
    def seconds(self) -> float:
        """From the first arrival to the last, about."""
        return self.calls / self.rate


FULL, QUICK = Load(), Load(calls=100, talk=2.5)


@dataclass(frozen=True)
class Draw:
    """One caller: when, and how long the talk will be, in seconds."""

    number: str
    at: float
    talk: float


def draw(load: Load, seed: int) -> list[Draw]:
    """Callers at random (Poisson), talks exponential beyond ``SHORTEST``; no number twice."""
    chance = random.Random(seed)
    at, drawn = 0.0, []
    for place in range(load.calls):
        at += chance.expovariate(load.rate)
        talk = SHORTEST + chance.expovariate(1 / (load.talk - SHORTEST))
        drawn.append(Draw(f"139{place:08d}", round(at, 4), round(talk, 4)))
    return drawn


@dataclass(frozen=True)
class LineFigures:
    """One system. ``extra``: milliseconds that callers waited longer than in the ideal line, from their being answered
    to the agent's answer; ``in_line``: the same from the instant of joining our line, by our record. ``gap``: from an
    agent's hanging up to the phone's next ring. Mean waits in ms; CPU in ms per call; ``busy`` of all cores."""

    system: str
    calls: int
    served: int
    mean_wait: float
    mean_ideal: float
    extra: Spread | None
    in_line: Spread | None
    gap: Spread | None
    core_ms: float
    asterisk_ms: float
    busy: float

    @property
    def kept(self) -> bool:
        """Was the promise kept? By the stricter of the two extra waits."""
        return (
            self.served == self.calls
            and self.extra is not None
            and self.extra.p50 <= PROMISE_P50_MS
            and self.extra.p99 <= PROMISE_P99_MS
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        promise = {"p50_ms": PROMISE_P50_MS, "p99_ms": PROMISE_P99_MS}
        return {**asdict(self), "promise": promise, "kept": self.kept}


@dataclass(frozen=True)
class SideBySide:
    """``load``: what both were given."""

    load: Load
    systems: tuple[LineFigures, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"load": asdict(self.load), "systems": [one.to_json() for one in self.systems]}


async def measure(
    folder: Path,
    prompts: Path,
    progress: Progress,
    load: Load = FULL,
    *,
    systems: Sequence[str] = (THEIRS, OURS),
    seed: int = 1,
) -> SideBySide:
    """Play the calls through each of ``systems`` in turn. Raises ``PartMissing``."""
    progress("app_queue and the ideal line: starting")
    draws = draw(load, seed)
    async with _place(folder, prompts, load, draws) as place:
        figures = [await place.play(system, progress) for system in systems]
    return SideBySide(load, tuple(figures))


@asynccontextmanager
async def _place(folder: Path, prompts: Path, load: Load, draws: Sequence[Draw]) -> AsyncIterator["_Place"]:
    people = agents(load.agents)
    flows = folder / "flows"
    await asyncio.to_thread(_write_flow, flows)
    members = "".join(MEMBER.format(extension=person.extension) for person in people)
    floor = Floor(
        FloorPlan(
            folder=folder,
            launcher=find_launcher(),
            agents=people,
            password=PASSWORD,
            screen={"finish_after": (0.0, 0.0), "ready_again_after": (0.2, 0.2)},
            overrides={
                "routing": {"wrap_up_seconds": 0},
                "web": {"login_tries": 1000},
                "ivr": {"folder": str(flows.absolute())},
            },
            rtp=False,
            prompts=prompts,
            extra_asterisk={
                "caller_context": CONTEXT,
                "extra_dialplan": DIALPLAN,
                "extra_queues": QUEUES + members,
            },
        )
    )
    plan = floor.asterisk_plan
    settings = {
        "sip_port": plan.sip_port,
        "desks": [{"extension": phone.extension, "password": phone.secret} for phone in plan.phones],
        "talks": {one.number: one.talk for one in draws},
    }
    await prepare_database(floor.database, PASSWORD, agents=load.agents, customers=30)
    try:
        floor.write_settings()
        await floor.asterisk.start()
        async with Crowd(folder, settings, name="desks") as desks:
            yield _Place(floor, desks, load, draws)
    finally:
        await floor.stop()


def _write_flow(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.yaml").write_text(FLOW, "utf-8")


class _Place:
    """An Asterisk with phones, and from our own turn on the core with the agents' screens."""

    def __init__(self, floor: Floor, desks: Crowd, load: Load, draws: Sequence[Draw]) -> None:
        self._floor, self._desks, self._load, self._draws = floor, desks, load, draws

    async def play(self, system: str, progress: Progress) -> LineFigures:
        """All calls through one system."""
        if system == OURS:
            await self._floor.start_core()
            await self._floor.start_screens(READY)
            await all_ready(self._floor, self._load.agents)
        progress(f"{self._load.calls} calls through {system}, {self._load.seconds:.0f} s")
        core = self._core() if system == OURS else None
        began, busy, spent = read_both(), machine_busy(), self._spent(core)
        callers = await self._call(system)
        if core is not None and self._core() != core:
            raise PartMissing(f"the core ended in the middle:\n{self._floor.log('core')[-2000:]}")
        ended, used, share = read_both(), self._spent(core), machine_busy().share_since(busy)
        calls = served(callers, between(self._desks.events(), began.monotonic, ended.monotonic))
        joined = None
        if system == OURS:
            conversion = Conversion(began, ended)
            recorded = await asyncio.to_thread(_joined, self._floor.database)
            joined = {number: conversion.monotonic(wall) for number, wall in recorded.items()}
        ours, asterisk = (
            round((after - before) * 1000 / self._load.calls, 2)
            for after, before in zip(used, spent, strict=True)
        )
        return figures(system, self._load, calls, joined, core_ms=ours, asterisk_ms=asterisk, busy=share)

    async def _call(self, system: str) -> list[dict[str, Any]]:
        settings = {
            "sip_port": self._floor.asterisk_plan.sip_port,
            "dial": NUMBERS[system],
            "calls": [{"number": one.number, "at": one.at} for one in self._draws],
        }
        limit = HEAD_START + self._draws[-1].at + MARGIN
        async with Crowd(self._floor.plan.folder, settings, name=f"callers-{system}") as callers:
            await callers.all_over(self._load.calls, limit)
            await asyncio.sleep(SETTLE)
            return callers.events()

    def _core(self) -> int:
        core = self._floor.core_pid()
        if core is None:
            raise PartMissing(f"the core does not run:\n{self._floor.log('core')[-2000:]}")
        return core

    def _spent(self, core: int | None) -> tuple[float, float]:
        """CPU seconds of the core, if it runs, and of Asterisk."""
        return 0.0 if core is None else cpu_seconds(core), cpu_seconds(self._floor.asterisk.pid)


def figures(
    system: str,
    load: Load,
    calls: Sequence[Served],
    joined: Mapping[str, int] | None,
    *,
    core_ms: float,
    asterisk_ms: float,
    busy: float,
) -> LineFigures:
    """What the calls of one system came to."""
    waited = waits(calls, load.agents)
    return LineFigures(
        system=system,
        calls=load.calls,
        served=len(calls),
        mean_wait=round(fmean(one.waited for one in waited), 1) if waited else 0.0,
        mean_ideal=round(fmean(one.ideal for one in waited), 1) if waited else 0.0,
        extra=spread([one.extra for one in waited], 1),
        in_line=spread([one.extra for one in waits(calls, load.agents, joined)], 1) if joined else None,
        gap=spread(gaps(calls, load.agents), 1),
        core_ms=core_ms,
        asterisk_ms=asterisk_ms,
        busy=round(busy, 2),
    )


def _joined(database: Path) -> dict[str, int]:
    """When each caller joined our line, by our record: nanoseconds of the wall clock, by number."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        rows = connection.execute(
            "SELECT c.number_raw, min(s.started_at) FROM segments s JOIN calls c ON c.id = s.call_id"
            " WHERE s.stage = 'waiting' GROUP BY c.number_raw"
        ).fetchall()
    finally:
        connection.close()
    return {number: micros * 1000 for number, micros in rows}
