"""The IVR on a real Asterisk: AGI commands per caller, and the time from a key to the next prompt while many callers
are in menus.

That time is measured at the callers' ears, in a process of their own and on its monotonic clock: from the moment when
the first packet leaves that says the key's end (RFC 4733) to the arrival of the next prompt's first packet (RTP).
"""

import asyncio
import json
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from callcenter.bench.processor import cpu_seconds, machine_busy
from callcenter.bench.spread import Spread, spread
from callcenter.demo.floor import Floor, FloorPlan
from callcenter.demo.prepare import agents, prepare_database
from callcenter.errors import PartMissing
from callcenter.rig.asterisk_install import find_launcher
from callcenter.rig.callers import CallPlan, Outcome, run_calls
from callcenter.rig.child import ended, stop_process, tied_to_parent
from callcenter.rig.ports import LOOPBACK, free_ports
from callcenter.tasks import Tasks

Progress = Callable[[str], None]

LINE, MENUS = "4001", "4900"
KEYS = (("1", 1.2), ("2", 2.6))
"""English, then service: two keys that cut the announcements short."""
COUNTED = 20
"""Callers whose commands are counted."""
CALLERS = 200
SECONDS = 60.0
START = 90.0
"""Seconds until all callers must be in a menu, and gone again."""
PASSWORD = "bench-only-1"  # noqa: S105  of a private core on a free port of the loopback
FLOW = """
flow: bench_menus
language: en
default_queue: support
start: first
prompts:
  first: {en: You are in the first menu. Please press one., zh: 第一个菜单，请按一。}
  second: {en: You are in the second menu. Please press one., zh: 第二个菜单，请按一。}
nodes:
  first: {type: menu, prompt: first, keys: {"1": second}, seconds: 30}
  second: {type: menu, prompt: second, keys: {"1": first}, seconds: 30}
"""


@dataclass(frozen=True)
class CommandFigures:
    """AGI commands of a caller who presses two keys, waits a second in line and hangs up; ``kinds``: per caller."""

    callers: int
    per_caller: float
    kinds: dict[str, float]


@dataclass(frozen=True)
class KeyFigures:
    """``delay``: milliseconds from a key's end to the next prompt. ``silent``: keys after which none came. ``late``:
    ticks of 20 ms that the callers' own process missed. CPU in milliseconds per key; ``busy`` of all cores, 0 to 1."""

    callers: int
    seconds: float
    delay: Spread | None
    silent: int
    failed: int
    late: int
    core_ms: float
    asterisk_ms: float
    busy: float


@dataclass(frozen=True)
class MenuFigures:
    """Both."""

    commands: CommandFigures
    keys: KeyFigures

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


async def measure(
    folder: Path,
    root: Path,
    prompts: Path,
    progress: Progress,
    *,
    callers: int = CALLERS,
    seconds: float = SECONDS,
) -> MenuFigures:
    """Play both scenes. Raises ``PartMissing``."""
    await asyncio.to_thread(_flows, root / "ivr_flows", folder / "flows")
    progress("AGI commands: starting")
    commands = await _commands(folder, root, prompts)
    progress(f"{callers} callers in menus: starting")
    async with _floor(folder / "m", folder / "flows", root, prompts, None) as floor:
        progress(f"{callers} callers in menus")
        return MenuFigures(commands, await _keys(floor, folder, callers, seconds))


def _flows(shipped: Path, folder: Path) -> None:
    shutil.copytree(shipped, folder)
    (folder / "bench_menus.yaml").write_text(FLOW, "utf-8")


@asynccontextmanager
async def _floor(
    folder: Path, flows: Path, root: Path, prompts: Path, agi_port: int | None
) -> AsyncIterator[Floor]:
    """Nobody is at work. ``agi_port``: where the core listens, when it isn't Asterisk that comes there."""
    floor = Floor(
        FloorPlan(
            folder=folder,
            launcher=find_launcher(),
            agents=agents(1),
            password=PASSWORD,
            screens=[],
            rtp=False,
            root=root,
            prompts=prompts,
            overrides={
                "ivr": {"folder": str(flows)},
                "ivr.numbers": {MENUS: "bench_menus"},
                "asterisk": {"agi_port": agi_port} if agi_port is not None else {},
            },
        )
    )
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    await prepare_database(floor.database, PASSWORD, agents=1, customers=30)
    try:
        await floor.start()
        yield floor
    finally:
        await floor.stop()


# ------------------------------------------------------------ commands


async def _commands(folder: Path, root: Path, prompts: Path) -> CommandFigures:
    [port] = free_ports(1)
    async with _floor(folder / "c", folder / "flows", root, prompts, port) as floor:
        between = Between(port)
        await between.open(floor.asterisk_plan.agi_port)
        try:
            plans = [
                CallPlan(f"139{number:08d}", dial=LINE, keys=KEYS, hang_up_after=6.0)
                for number in range(COUNTED)
            ]
            results = await run_calls(plans, sip_port=floor.asterisk_plan.sip_port, rate=5)
            if any(result.outcome is not Outcome.CALLER for result in results):
                raise PartMissing(f"calls ended too early:\n{floor.log('core')[-2000:]}")
            await asyncio.sleep(1.0)
        finally:
            await between.close()
    kinds = {kind: round(count / COUNTED, 2) for kind, count in sorted(between.commands.items())}
    return CommandFigures(COUNTED, round(between.commands.total() / COUNTED, 1), kinds)


class Between:
    """Stands between Asterisk and the core's AGI server, and counts what the core orders."""

    def __init__(self, port: int) -> None:
        self.commands: Counter[str] = Counter()
        self._port = port
        self._tasks = Tasks("between")
        self._server: asyncio.Server | None = None

    async def open(self, port: int) -> None:
        """Listen where Asterisk calls."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, port)

    async def close(self) -> None:
        """End; dialogues too."""
        if self._server is not None:
            self._server.close()
        await self._tasks.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        core_reader, core_writer = await asyncio.open_connection(LOOPBACK, self._port)
        ways = {
            self._tasks.start(self._pass(reader, core_writer, count=False), "to the core"),
            self._tasks.start(self._pass(core_reader, writer, count=True), "to Asterisk"),
        }
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        core_writer.close()
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, count: bool) -> None:
        while line := await reader.readline():
            if count:
                words = line.decode("utf-8", "replace").split()
                self.commands[" ".join(words[: 2 if words[0] in {"EXEC", "SET", "GET"} else 1])] += 1
            writer.write(line)


# ------------------------------------------------------------ keys


async def _keys(floor: Floor, folder: Path, callers: int, seconds: float) -> KeyFigures:
    out = folder / "keys.json"
    core = floor.core_pid()
    if core is None:
        raise PartMissing(f"the core does not run:\n{floor.log('core')[-2000:]}")
    before, busy = (cpu_seconds(core), cpu_seconds(floor.asterisk.pid)), machine_busy()
    process = await asyncio.create_subprocess_exec(
        *tied_to_parent(),
        *(sys.executable, "-m", "callcenter.rig.menu_callers", "--dial", MENUS, "--out", str(out)),
        *("--sip-port", str(floor.asterisk_plan.sip_port)),
        *("--callers", str(callers), "--seconds", str(seconds)),
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        if not await ended(process, seconds + START) or process.returncode:
            raise PartMissing(f"the callers in menus did not end well ({process.returncode})")
    finally:
        await stop_process(process)
    share = machine_busy().share_since(busy)
    found = json.loads(await asyncio.to_thread(out.read_text, "utf-8"))
    keys = max(1, found["pressed"])
    core_used = cpu_seconds(core) - before[0]
    asterisk_used = cpu_seconds(floor.asterisk.pid) - before[1]
    return KeyFigures(
        callers=found["most_at_once"],
        seconds=seconds,
        delay=spread(found["delays"]),
        silent=found["silent"],
        failed=found["failed"],
        late=found["late_ticks"],
        core_ms=round(1000 * core_used / keys, 2),
        asterisk_ms=round(1000 * asterisk_used / keys, 2),
        busy=round(share, 2),
    )
