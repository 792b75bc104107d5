"""``callcenter demo``: set the stage, let people call, judge, strike the stage."""

import asyncio
import json
import random
import secrets
import shutil
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from callcenter.demo import judge, prepare, report
from callcenter.demo.floor import Floor, FloorPlan, read_events
from callcenter.demo.story import Expected, draw, known_numbers
from callcenter.errors import PartMissing
from callcenter.rig.asterisk_install import find_launcher
from callcenter.rig.callers import CallerResult, run_calls
from callcenter.rig.customers import Customers
from callcenter.storage import sample

TALK = (2.0, 5.0)
ANSWER_AFTER = (0.4, 1.2)
WRAP_UP = (0.3, 1.0)
"""Seconds that simulated agents take; short, so that a demo is."""
ROUNDING = 1000
"""Microseconds that the sum of a call's segments may be off."""
SEAT_EVERY = 5.0
"""Seconds between calls while somebody sits in the seat."""


@dataclass(frozen=True)
class DemoOptions:
    """What the command line says."""

    folder: Path
    headless: bool
    calls: int
    agents: int
    rate: float
    seed: int
    as_json: bool
    web_port: int


class Demo:
    """One run."""

    def __init__(self, options: DemoOptions) -> None:
        self._o = options
        self._console = Console(stderr=options.as_json, highlight=False, soft_wrap=True)
        self._password = secrets.token_urlsafe(6)
        self._agents = prepare.agents(options.agents)
        self._names: dict[str, str] = {}
        self._began = time.time_ns() // 1000

    async def run(self) -> int:
        """The exit status: 0 when nothing was lost, late or wrong (headless), or when it was ended by hand."""
        async with self._floor() as floor:
            chance = random.Random(self._o.seed)
            if self._o.headless:
                return await self._headless(floor, chance)
            await self._seated(floor, chance)
            return 0

    # -------------------------------------------------------- the stage

    @asynccontextmanager
    async def _floor(self) -> AsyncIterator[Floor]:
        folder = self._o.folder.absolute()
        await asyncio.to_thread(_clear, folder)
        seat = not self._o.headless
        everybody = [*self._agents, *([prepare.SEAT] if seat else [])]
        floor = Floor(
            FloorPlan(
                folder=folder,
                launcher=find_launcher(),
                agents=everybody,
                password=self._password,
                screens=self._agents,
                behaviour={"kind": "auto", "answer_after": ANSWER_AFTER, "talk": TALK},
                behaviours={prepare.SEAT.extension: {"kind": "click", "talk": None}},
                screen={"finish_after": WRAP_UP, "ready_again_after": (2.0, 4.0)},
                overrides={"log": {"level": "INFO"}, "routing": dict(prepare.ROUTING)},
                skills=sample.SKILLS,
                queues=prepare.QUEUES,
                web_port=self._o.web_port,
                prompts=folder.parent / "demo-prompts",
            )
        )
        try:
            await self._step("sample customers", self._database(floor, seat=seat))
            self._names = prepare.names(floor.database)
            floor.write_settings()
            await self._step("Asterisk", floor.asterisk.start())
            await self._step(f"{len(everybody)} desk phones", floor.start_phones())
            await self._step("the call centre", floor.start_core())
            await self._step(f"{len(self._agents)} agents at their screens", floor.start_screens())
            async with Customers(folder / "customers", floor.asterisk_plan.trunk_port, talk=20.0):
                yield floor
        finally:
            await floor.stop()

    async def _database(self, floor: Floor, *, seat: bool) -> None:
        count = max(300, self._o.calls)
        await prepare.prepare_database(
            floor.database, self._password, agents=self._o.agents, customers=count, seat=seat
        )

    async def _step(self, what: str, work: Awaitable[None]) -> None:
        began = asyncio.get_running_loop().time()
        with self._console.status(f"starting: {what}"):
            await work
        took = asyncio.get_running_loop().time() - began
        self._console.print(f"  [green]✓[/green] {what} [dim]{took:.1f} s[/dim]")

    # -------------------------------------------------------- without a seat

    async def _headless(self, floor: Floor, chance: random.Random) -> int:
        calls = draw(known_numbers(floor.database), self._o.calls, chance)
        by_plan = {id(call.plan): call for call in calls}
        done: list[CallerResult] = []
        self._console.print(report.HEADER, style="bold")

        def ended(result: CallerResult) -> None:
            done.append(result)
            self._print_call(floor, by_plan[id(result.plan)], result)

        results = await run_calls(
            [call.plan for call in calls],
            sip_port=floor.asterisk_plan.sip_port,
            rate=self._o.rate,
            folder=floor.plan.folder / "callers",
            on_result=ended,
        )
        # The last wrap-ups and records are written within this time.
        await asyncio.sleep(2.0)
        await floor.stop_process("screens")
        await floor.stop_process("core")
        verdicts, summary = self._judge(floor, calls, results)
        if self._o.as_json:
            everything = {"summary": summary.to_json(), "calls": [verdict.to_json() for verdict in verdicts]}
            print(json.dumps(everything, ensure_ascii=False))
        else:
            report.show(self._console, summary)
            self._console.print(f"[dim]all that was seen: {floor.plan.folder}[/dim]")
        return 0 if summary.good else 1

    def _print_call(self, floor: Floor, expected: Expected, result: CallerResult) -> None:
        phones = read_events(floor.phone_events)
        found = judge.rings(phones, read_events(floor.screen_events)).get(expected.key, [])
        yours = any(ring.extension == prepare.SEAT.extension for ring in found)
        if yours:
            # Your screen is a browser: what it was shown, you have seen, not we.
            found = [ring for ring in found if ring.extension != prepare.SEAT.extension or ring.answered]
        verdict = judge.verdict(expected, result, found, self._names)
        if yours and verdict.pop_before_ring is False:
            verdict = replace(verdict, pop_before_ring=None)
        self._console.print(report.line(verdict), markup=False)

    def _judge(
        self, floor: Floor, calls: Sequence[Expected], results: Sequence[CallerResult]
    ) -> tuple[list[judge.Verdict], judge.Summary]:
        phones, screens = read_events(floor.phone_events), read_events(floor.screen_events)
        found = judge.rings(phones, screens)
        verdicts = [
            judge.verdict(call, result, found.get(call.key, []), self._names)
            for call, result in zip(calls, results, strict=True)
        ]
        kept = records(floor.database, self._began)
        gone = {call_id for call_id, (_, reason) in kept.items() if reason == "abandoned"}
        rung = {ring.call_id for its in found.values() for ring in its}
        missing = sum(call_id not in kept or not kept[call_id][0] for call_id in rung)
        missing += max(0, len(calls) - len(kept))
        summary = judge.summary(
            verdicts, wrong_screens=judge.wrong_screens(phones, screens, gone), not_on_record=missing
        )
        return verdicts, summary

    # -------------------------------------------------------- with a seat

    async def _seated(self, floor: Floor, chance: random.Random) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        self._console.print(
            f"\n[bold]Open {floor.address}/[/bold]\n"
            f"  agent:       user [bold]you[/bold], password [bold]{self._password}[/bold], phone 1000. Press Ready; "
            "calls come within seconds.\n"
            f"  supervisor:  user [bold]supervisor[/bold], password [bold]{self._password}[/bold]\n"
            "  Your phone is simulated: Answer on the page picks it up.\n"
            "Ctrl-C ends the demo and everything that it started.\n"
        )
        callers = asyncio.ensure_future(self._call_for_ever(floor, chance))
        stopped = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({callers, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if callers.done():
                callers.result()
        finally:
            for task in (callers, stopped):
                task.cancel()
            await asyncio.gather(callers, stopped, return_exceptions=True)
            self._console.print("\nending the demo ...")

    async def _call_for_ever(self, floor: Floor, chance: random.Random) -> None:
        numbers = known_numbers(floor.database)
        running: set[asyncio.Task[None]] = set()
        count = 0
        try:
            while True:
                for call in draw(numbers, len(numbers), chance, impatient=0.0):
                    count += 1
                    task = asyncio.ensure_future(self._one_call(floor, call, count))
                    running.add(task)
                    task.add_done_callback(running.discard)
                    await asyncio.sleep(chance.uniform(0.5, 1.5) * SEAT_EVERY)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _one_call(self, floor: Floor, call: Expected, count: int) -> None:
        results = await run_calls(
            [call.plan],
            sip_port=floor.asterisk_plan.sip_port,
            folder=floor.plan.folder / "callers" / str(count),
        )
        self._print_call(floor, call, results[0])


RECORDS = """
SELECT c.id, c.arrived_at, c.ended_at, c.end_reason, SUM(s.ended_at - s.started_at)
FROM calls c LEFT JOIN segments s ON s.call_id = c.id
WHERE c.direction = 'inbound' AND c.arrived_at >= ?
GROUP BY c.id
"""


def records(database: Path, since: int) -> dict[str, tuple[bool, str]]:
    """Each inbound call since (microseconds since 1970): do its segments add up to its length, and how it ended."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        rows = connection.execute(RECORDS, (since,)).fetchall()
    finally:
        connection.close()
    return {
        call_id: (ended is not None and abs((ended - arrived) - (total or 0)) <= ROUNDING, reason or "")
        for call_id, arrived, ended, reason, total in rows
    }


def _clear(folder: Path) -> None:
    """Begin with an empty folder, but only where an earlier demo was."""
    mark = folder / ".demo"
    if folder.exists() and any(folder.iterdir()):
        if not mark.exists():
            raise PartMissing(f"{folder} holds something that no demo wrote: name another with --folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()


async def run_demo(options: DemoOptions) -> int:
    """Run it; the exit status."""
    if options.calls < 1 or options.agents < 1 or options.rate <= 0:
        raise PartMissing("A demo needs at least one call, one agent and a rate above 0.")
    return await Demo(options).run()
