"""A floor to work on: Asterisk, the core under its watchdog, desk phones and screens, each a process of its own.

The demo, the live tests and the benches use it. Everything it starts, it stops; everything it writes is in one folder.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callcenter.calls.skills import Levels
from callcenter.errors import PartMissing
from callcenter.rig.asterisk_config import AsteriskPlan, fresh_plan
from callcenter.rig.asterisk_server import PrivateAsterisk
from callcenter.rig.ports import free_ports

FIRST_TONE, TONE_STEP, TONES = 500, 150, 12
"""Hz; far enough apart to be told from each other in a tenth of a second."""


@dataclass(frozen=True)
class FloorAgent:
    """One agent: who logs in, and on which phone; ``queues`` and ``skills`` are for one who has yet to be made."""

    username: str
    extension: str
    queues: tuple[str, ...] = ()
    skills: Levels = field(default_factory=dict, hash=False)


@dataclass
class FloorPlan:
    """``overrides``: settings as a nested table; ``behaviour``: what the simulated phones do."""

    folder: Path
    launcher: Path
    agents: Sequence[FloorAgent]
    password: str
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    skills: Sequence[str] = ()
    """Those that the settings name."""
    queues: Sequence[Mapping[str, Any]] = ()
    """The ``[[queues]]`` of the settings; the usual ones when empty."""
    behaviour: Mapping[str, Any] = field(default_factory=dict)
    behaviours: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By extension, where a phone differs from ``behaviour``."""
    screens: Sequence[FloorAgent] | None = None
    """Whose screens are simulated; all agents' when None."""
    screen: Mapping[str, Any] = field(default_factory=dict)
    """What the simulated screens do."""
    rtp: bool = True
    web_port: int = 0
    root: Path = field(default_factory=Path.cwd)
    """Where ``config/``, ``ivr_flows/`` and ``agent_ui/`` are."""
    prompts: Path | None = None
    """Where rendered prompts are kept for the next time; in ``folder`` when None."""
    extra_asterisk: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the ``AsteriskPlan`` that differ."""


class Floor:
    """Start with ``start``, end with ``stop``; in between, kill and freeze what you like."""

    def __init__(self, plan: FloorPlan) -> None:
        self.plan = plan
        web, phones, agi = free_ports(3)
        self.web_port = plan.web_port or web
        self.phones_port = phones
        self.asterisk_plan: AsteriskPlan = fresh_plan(
            plan.folder / "ast",
            extensions=[agent.extension for agent in plan.agents],
            agi_port=agi,
            shipped=(plan.root / "config" / "asterisk").absolute(),
            sounds_folder=(plan.prompts or plan.folder / "prompts").absolute(),
            **plan.extra_asterisk,
        )
        self.asterisk = PrivateAsterisk(plan.launcher, self.asterisk_plan)
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    # -------------------------------------------------------- places

    @property
    def config(self) -> Path:
        """The core's settings file."""
        return self.plan.folder / "callcenter.toml"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.plan.folder / "callcenter.db"

    @property
    def phone_events(self) -> Path:
        """What the phones saw, a line of JSON each."""
        return self.plan.folder / "phones.jsonl"

    @property
    def screen_events(self) -> Path:
        """What the screens received."""
        return self.plan.folder / "screens.jsonl"

    @property
    def address(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.web_port}"

    def tone_of(self, extension: str) -> int:
        """What this phone says, in Hz: so that a recording tells who was heard."""
        places = [phone.extension for phone in self.asterisk_plan.phones]
        return FIRST_TONE + TONE_STEP * (places.index(extension) % TONES)

    # -------------------------------------------------------- starting and stopping

    async def start(self) -> None:
        """Asterisk, phones, core, screens, in this order. Raises ``PartMissing`` saying which part failed."""
        self.write_settings()
        await self.asterisk.start()
        await asyncio.gather(self.start_phones(), self.start_core())
        await self.start_screens()

    def write_settings(self) -> None:
        """The core's settings and the secret beside them."""
        folder = self.plan.folder
        folder.mkdir(parents=True, exist_ok=True)
        secret = folder / "ami.secret"
        secret.touch(mode=0o600)
        secret.write_text(self.asterisk_plan.ami_secret + "\n", "utf-8")
        tables: dict[str, Any] = {
            "asterisk": {
                "ami_port": self.asterisk_plan.ami_port,
                "ami_user": self.asterisk_plan.ami_user,
                "ami_secret_file": str(secret),
                "agi_port": self.asterisk_plan.agi_port,
            },
            "phones": {
                "outbound": "PJSIP/{number}@customers",
                "action_uri": f"http://127.0.0.1:{self.phones_port}/{{extension}}/{{action}}",
                "action_method": "POST",
            },
            "web": {"port": self.web_port, "assets_folder": str((self.plan.root / "agent_ui").absolute())},
            "database": {
                "url": f"sqlite+aiosqlite:///{self.database.absolute()}",
                "journal": str((folder / "record.journal").absolute()),
            },
            "recordings": {"folder": str(self.asterisk_plan.recordings_folder.absolute())},
            "ivr": {
                "folder": str((self.plan.root / "ivr_flows").absolute()),
                "prompts_folder": str(self.asterisk_plan.sounds_folder.absolute()),
            },
        }
        for name, table in self.plan.overrides.items():
            tables.setdefault(name, {}).update(table)
        if self.plan.queues:
            tables["queues"] = self.plan.queues
        self.config.write_text(f"skills = {_value(list(self.plan.skills))}\n\n" + toml(tables), "utf-8")

    async def start_core(self, limit: float = 60.0) -> None:
        """The core under its watchdog, until its web answers."""
        await self._start("core", sys.executable, "-m", "callcenter", "serve", "--config", str(self.config))
        await self._until_web(limit)

    async def start_phones(self, limit: float = 20.0) -> None:
        """All desk phones, until each is registered."""
        config = {
            "sip_port": self.asterisk_plan.sip_port,
            "control_port": self.phones_port,
            "events": str(self.phone_events),
            "hear": str(self.plan.folder / "heard"),
            "rtp": self.plan.rtp,
            "phones": [
                {
                    "extension": phone.extension,
                    "password": phone.secret,
                    "tone": self.tone_of(phone.extension),
                    "behaviour": dict(self.plan.behaviours.get(phone.extension, self.plan.behaviour)),
                }
                for phone in self.asterisk_plan.phones
            ],
        }
        path = self.plan.folder / "phones.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config), "utf-8")
        await self._start("phones", sys.executable, "-m", "callcenter.rig.phones", "--config", str(path))
        await self._until_events(self.phone_events, "registered", len(self.asterisk_plan.phones), limit)

    async def start_screens(self, limit: float = 30.0) -> None:
        """The simulated agents' screens, until each has its snapshot."""
        agents = self.plan.agents if self.plan.screens is None else self.plan.screens
        if not agents:
            return
        config = {
            "url": self.address,
            "events": str(self.screen_events),
            "screens": [
                {"username": agent.username, "password": self.plan.password, "extension": agent.extension}
                | dict(self.plan.screen)
                for agent in agents
            ],
        }
        path = self.plan.folder / "screens.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config), "utf-8")
        await self._start("screens", sys.executable, "-m", "callcenter.rig.screens", "--config", str(path))
        await self._until_events(self.screen_events, "snapshot", len(agents), limit)

    async def stop(self) -> None:
        """End everything, latest first."""
        for name in reversed(list(self._processes)):
            await self.stop_process(name)
        await self.asterisk.stop()

    async def stop_process(self, name: str, limit: float = 10.0) -> None:
        """End one: SIGTERM, then SIGKILL to its whole group."""
        process = self._processes.pop(name, None)
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(limit):
                    await process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()

    # -------------------------------------------------------- what tests do to it

    @property
    def watchdog_pid(self) -> int:
        """The parent of the core."""
        return self._processes["core"].pid

    def core_pid(self) -> int | None:
        """The core that runs now; None between two lives."""
        children = Path(f"/proc/{self.watchdog_pid}/task/{self.watchdog_pid}/children")
        try:
            pids = children.read_text("ascii").split()
        except FileNotFoundError:
            return None
        return int(pids[0]) if pids else None

    def kill_core(self) -> None:
        """SIGKILL to the core alone: its watchdog starts another."""
        self.signal_core(signal.SIGKILL)

    def signal_core(self, number: signal.Signals) -> None:
        """Send the core a signal, such as SIGSTOP."""
        pid = self.core_pid()
        if pid is None:
            raise PartMissing("the core does not run now")
        os.kill(pid, number)

    def kill_core_for_good(self) -> None:
        """SIGKILL to watchdog and core: nobody starts it again."""
        os.killpg(self.watchdog_pid, signal.SIGKILL)

    def log(self, name: str) -> str:
        """What a process wrote to standard error."""
        return (self.plan.folder / f"{name}.log").read_text("utf-8", errors="replace")

    # -------------------------------------------------------- inside

    async def _start(self, name: str, *command: str) -> None:
        with (self.plan.folder / f"{name}.log").open("ab") as out:
            self._processes[name] = await asyncio.create_subprocess_exec(
                *_tied_to_us(),
                *command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self.plan.root,
                start_new_session=True,
            )

    async def _until_web(self, limit: float) -> None:
        try:
            async with asyncio.timeout(limit):
                while not await self._web_answers():
                    self._check("core")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise PartMissing(f"The core did not open in {limit:.0f} s:\n{self._tail('core')}") from None

    async def _web_answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.web_port)
        except OSError:
            return False
        try:
            writer.write(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            return b" 200 " in await reader.readline()
        except ConnectionError:
            return False
        finally:
            writer.close()

    async def _until_events(self, path: Path, event: str, count: int, limit: float) -> None:
        name = path.stem
        try:
            async with asyncio.timeout(limit):
                while sum(line["event"] == event for line in read_events(path)) < count:
                    self._check(name)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            text = f"Not all {name} were ready in {limit:.0f} s (waiting for {event}):\n{self._tail(name)}"
            raise PartMissing(text) from None

    def _check(self, name: str) -> None:
        process = self._processes[name]
        if process.returncode is not None:
            raise PartMissing(f"The {name} process ended ({process.returncode}):\n{self._tail(name)}")

    def _tail(self, name: str, characters: int = 3000) -> str:
        return self.log(name)[-characters:]


def _tied_to_us() -> list[str]:
    """The command that makes the kernel end the child when this process is killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def read_events(path: Path) -> list[dict[str, Any]]:
    """The lines of an event file; the last may be in the middle of being written."""
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    events = []
    for line in lines:
        with contextlib.suppress(ValueError):
            events.append(json.loads(line))
    return events


def toml(tables: Mapping[str, Mapping[str, Any] | Sequence[Mapping[str, Any]]]) -> str:
    """Tables of values, and lists of tables, as TOML text; JSON's strings and lists are TOML's too."""
    parts = []
    for name, table in tables.items():
        many = not isinstance(table, Mapping)
        for one in table if not isinstance(table, Mapping) else [table]:
            lines = [f"{key} = {_value(value)}" for key, value in one.items()]
            parts.append("\n".join([f"[[{name}]]" if many else f"[{name}]", *lines]))
    return "\n\n".join(parts) + "\n"


def _value(value: Any) -> str:
    """A plain value, a list, or a table in one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
