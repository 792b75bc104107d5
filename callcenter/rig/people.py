"""Start simulated phones and screens as processes of their own, and read what they saw.

For the demo, the live tests and the benches. What a person saw comes from that person's own process and clock.
"""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from callcenter.errors import PartMissing
from callcenter.rig.child import stop_process, tied_to_parent
from callcenter.rig.journal import read_journal

_POLL = 0.02
Event = dict[str, Any]


class People:
    """One process of simulated people: ``async with People(module, folder, settings) as people: ...``

    ``settings`` is the program's configuration without ``events``; its files go to ``folder``.
    """

    module = ""

    def __init__(self, folder: Path, settings: dict[str, Any], *, name: str | None = None) -> None:
        self.folder = folder
        name = name or self.module.rpartition(".")[2]
        self.events_file = folder / f"{name}.jsonl"
        self._config, self._said = folder / f"{name}.json", folder / f"{name}.log"
        self._settings = {**settings, "events": str(self.events_file)}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process; raises RuntimeError before the start."""
        if self._process is None:
            raise RuntimeError("these people have not been started")
        return self._process.pid

    async def __aenter__(self) -> Self:
        """Raises PartMissing, with what it said, if the program ends at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.events_file.unlink(missing_ok=True)
        self._config.write_text(json.dumps(self._settings, ensure_ascii=False), encoding="utf-8")
        with self._said.open("wb") as said:
            self._process = await asyncio.create_subprocess_exec(
                *tied_to_parent(),
                *(sys.executable, "-m", self.module, "--config", str(self._config)),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        try:
            await self._begun()
        except BaseException:
            await stop_process(self._process)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGCONT)
            await stop_process(self._process)

    def events(self, *names: str, **facts: object) -> list[Event]:
        """What they saw so far: all of it, or these events, or those with these facts."""
        return [
            event
            for event in read_journal(self.events_file)
            if (not names or event["event"] in names) and facts.items() <= event.items()
        ]

    async def wait_for(
        self, *names: str, count: int = 1, limit: float = 10.0, **facts: object
    ) -> list[Event]:
        """Wait until there are ``count`` such events; raises TimeoutError."""
        try:
            async with asyncio.timeout(limit):
                while len(found := self.events(*names, **facts)) < count:
                    self._check()
                    await asyncio.sleep(_POLL)
                return found
        except TimeoutError:
            seen = [event["event"] for event in self.events()]
            raise TimeoutError(f"no {count} of {names} {facts} in {limit} s, but {seen[-40:]}") from None

    async def _begun(self) -> None:
        raise NotImplementedError

    def _check(self) -> None:
        if self._process is not None and self._process.returncode is not None:
            said = self._said.read_text(encoding="utf-8", errors="replace")[-1000:]
            raise PartMissing(f"{self.module} ended with {self._process.returncode}: {said.strip()}")


class PhonesProcess(People):
    """Phones; ``settings`` as in ``phones.Settings``. Entered when all that register at the start have done so."""

    module = "callcenter.rig.phones"

    def __init__(self, folder: Path, settings: dict[str, Any], *, name: str | None = None) -> None:
        super().__init__(folder, settings, name=name)
        self.control_port = 0

    async def do(self, extension: str, action: str, body: dict[str, Any] | None = None) -> int:
        """A hand at a phone, such as ``do("1001", "dial/600")``; the HTTP status, 204 if it could be done."""
        address = f"http://127.0.0.1:{self.control_port}/{extension}/{action}"
        async with aiohttp.ClientSession() as http, http.post(address, json=body) as answer:
            return answer.status

    async def states(self) -> dict[str, Any]:
        """What each phone's display says, by extension."""
        address = f"http://127.0.0.1:{self.control_port}/phones"
        async with aiohttp.ClientSession() as http, http.get(address) as answer:
            phones = (await answer.json())["phones"]
        return {phone["extension"]: phone for phone in phones}

    async def _begun(self) -> None:
        ready = await self.wait_for("ready", limit=15)
        self.control_port = int(ready[0]["control_port"])
        expected = sum(bool(phone.get("register_at_start", True)) for phone in self._settings["phones"])
        await self.wait_for("registered", count=expected, limit=20)


class ScreensProcess(People):
    """Screens; ``settings`` as in ``screens.Settings``. Entered when the program runs; wait for ``connected``."""

    module = "callcenter.rig.screens"

    async def _begun(self) -> None:
        await self.wait_for("started", limit=15)
