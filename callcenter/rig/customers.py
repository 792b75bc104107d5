"""Customers who are called: a SIPp that answers outbound calls, or does not, by the number's last two digits.

01 busy, 02 never answers, 03 rejects, 04 answers and hangs up at once, 05 no such number; others answer.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from callcenter.errors import PartMissing
from callcenter.rig.child import stop_process
from callcenter.rig.scenarios import customer
from callcenter.rig.sipp import free_media_port, start_sipp

_START = 0.3
"""Seconds in which a SIPp that can't take its port is gone."""


@dataclass(frozen=True)
class CustomerCall:
    """One call as the customer had it. ``ended`` is asterisk, customer, cancelled, a refusal's code, or empty."""

    way: str
    answered: bool
    ended: str


class Customers:
    """``async with Customers(folder, port): ...``: as many at once as are called."""

    def __init__(self, folder: Path, port: int, *, talk: float = 5.0) -> None:
        self._folder, self._port, self._talk = folder, port, talk
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Raises PartMissing if SIPp is not there or the port is taken."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "scenario.xml").write_text(customer(self._talk), encoding="utf-8")
        arguments = [
            *("-sf", "scenario.xml", "-p", str(self._port), "-mp", str(free_media_port("127.0.0.1"))),
            *("-trace_logs", "-log_file", "log"),
        ]
        self._process = await start_sipp(arguments, self._folder)
        await asyncio.sleep(_START)
        if self._process.returncode is not None:
            raise PartMissing(f"SIPp ended at once: {self._why()}")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            await stop_process(self._process)

    def calls(self) -> list[CustomerCall]:
        """What they have seen so far, in the order of arrival."""
        path = self._folder / "log"
        seen: dict[str, CustomerCall] = {}
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []:
            parts = line.strip().split("|")
            if len(parts) != 5 or parts[0] != "CC":
                continue
            _, number, _, event, detail = parts
            known = seen.get(number, CustomerCall("", answered=False, ended=""))
            way = detail if event == "invite" else known.way
            ended = detail if event == "ended" else known.ended
            seen[number] = CustomerCall(way, known.answered or event == "answered", ended)
        return list(seen.values())

    def _why(self) -> str:
        for name in ("errors", "screen"):
            path = self._folder / name
            if path.exists() and (text := path.read_text(encoding="utf-8", errors="replace").strip()):
                return text[-500:]
        return "it gave no reason"
