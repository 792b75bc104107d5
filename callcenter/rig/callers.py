"""Callers: SIPp processes that call in, and what became of each call as SIPp itself saw it.

Callers with the same script (keys, sound, limits) share one SIPp process; their numbers and names come from a
CSV file. A call of which SIPp does not report the end is lost: it crashed, ran out of time, or something
unexpected came. Nothing of this asks our own program.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog

from callcenter.errors import BadInput
from callcenter.rig.child import ended, stop_process
from callcenter.rig.mulaw import tone
from callcenter.rig.pcap import key_capture
from callcenter.rig.ports import free_ports
from callcenter.rig.scenarios import Script, caller, key_file
from callcenter.rig.sip_message import quoted
from callcenter.rig.sipp import free_media_port, may_open_raw_sockets, start_sipp
from callcenter.tasks import Tasks

log = structlog.get_logger(__name__)

_GRACE = 40.0
"""Seconds beyond the last caller's patience until SIPp itself counts as stuck: its own retransmissions take 32."""
_POLL = 0.1


class Outcome(StrEnum):
    """How a call ended, told by its caller."""

    ASTERISK = "asterisk"
    """The other side hung up."""
    CALLER = "caller"
    """The caller hung up as planned."""
    PATIENCE = "patience"
    """The caller had had enough."""
    REFUSED = "refused"
    CANCELLED = "cancelled"
    """Nobody answered at all, not even a machine."""
    LOST = "lost"


@dataclass(frozen=True)
class CallPlan:
    """One call to come. Values go out raw: hostile ones are welcome, but no ``;`` and no line breaks (CSV)."""

    number: str
    name: str = ""
    dial: str = "400"
    keys: tuple[tuple[str, float], ...] = ()
    """Keys, each with the seconds after the answer at which it is pressed."""
    patience: float = 60.0
    """Seconds after the answer at which the caller gives up."""
    hang_up_after: float | None = None
    """Seconds after the answer at which the caller hangs up as planned; None: the other side does."""
    sound: bool = False
    """Send a tone of 1,100 Hz all the time."""
    raw_name: str | None = None
    """What stands in From before the address, instead of the quoted name."""


@dataclass(frozen=True)
class CallerResult:
    """What SIPp says of one call. ``began`` is on the monotonic clock, to about 50 ms."""

    plan: CallPlan
    outcome: Outcome
    status: int | None = None
    """The final answer to the INVITE; None if there was none."""
    began: float | None = None
    answered_after: float | None = None
    lasted: float | None = None
    cause: int | None = None
    """The Q.850 cause of Asterisk's BYE."""
    last_message: str = ""
    """The last thing that SIPp reported."""

    @property
    def lost(self) -> bool:
        """Nobody knows how it ended."""
        return self.outcome is Outcome.LOST


@dataclass
class _Seen:
    """What the log says of one call so far."""

    began: int | None = None
    answered: int | None = None
    ended: int | None = None
    status: int | None = None
    detail: str = ""
    last: str = ""


async def run_calls(
    plans: Sequence[CallPlan],
    *,
    sip_port: int,
    sip_host: str = "127.0.0.1",
    rate: float = 5.0,
    ring_limit: float = 30.0,
    folder: Path | None = None,
    trace: bool = False,
    on_result: Callable[[CallerResult], None] | None = None,
) -> list[CallerResult]:
    """Make all calls, ``rate`` a second in all, and return their results in the order of the plans.

    ``folder`` keeps SIPp's files (with ``trace``, all messages too). ``on_result`` hears of each call as it
    ends. Raises PartMissing if there is no SIPp, BadInput for a plan that can't be written down.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="callers") as name:
            return await run_calls(
                plans,
                sip_port=sip_port,
                sip_host=sip_host,
                rate=rate,
                ring_limit=ring_limit,
                folder=Path(name),
                trace=trace,
                on_result=on_result,
            )
    groups = _grouped(plans, ring_limit, folder)
    runs = [
        SippRun(
            folder / f"callers-{number}",
            script,
            [(row, plans[row]) for row in rows],
            server=(sip_host, sip_port),
            rate=rate * len(rows) / len(plans),
            trace=trace,
            on_result=on_result,
        )
        for number, (script, rows) in enumerate(groups.items())
    ]
    tasks = Tasks("callers")
    try:
        waiting = [tasks.start(run.run(), f"sipp {number}") for number, run in enumerate(runs)]
        results = [pair for found in await asyncio.gather(*waiting) for pair in found]
    finally:
        await tasks.close()
    return [result for _, result in sorted(results, key=lambda pair: pair[0])]


class SippRun:
    """One SIPp process: callers of one script."""

    def __init__(
        self,
        folder: Path,
        script: Script,
        plans: Sequence[tuple[int, CallPlan]],
        *,
        server: tuple[str, int],
        rate: float = 5.0,
        trace: bool = False,
        on_result: Callable[[CallerResult], None] | None = None,
    ) -> None:
        self.folder = folder
        self.pid: int | None = None
        self._script, self._plans, self._server, self._rate = script, dict(plans), server, rate
        self._trace, self._on_result = trace, on_result
        self._seen: dict[int, _Seen] = {row: _Seen() for row, _ in plans}
        self._read = 0
        self._started = 0.0

    async def run(self) -> list[tuple[int, CallerResult]]:
        """Run SIPp to its end; whatever happens to this coroutine, the process is gone when it ends."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "scenario.xml").write_text(caller(self._script), encoding="utf-8")
        for place, (key, at) in enumerate(self._script.keys):
            (self.folder / key_file(place)).write_bytes(key_capture(key, place, at))
        rows = [_row(row, plan) for row, plan in self._plans.items()]
        (self.folder / "callers.csv").write_text("SEQUENTIAL\n" + "".join(rows), encoding="utf-8")
        patience = max(_stay(plan)[0] for plan in self._plans.values())
        limit = len(rows) / self._rate + self._script.ring_limit + patience + _GRACE
        self._started = time.monotonic()
        process = await start_sipp(self._arguments(), self.folder)
        self.pid = process.pid
        try:
            async with asyncio.timeout(limit):
                while process.returncode is None:
                    await ended(process, _POLL)
                    self._take_news()
        except TimeoutError:
            log.warning("SIPp took too long and is stopped", seconds=limit)
        finally:
            await stop_process(process)
        self._take_news()
        return [(row, self._result(row)) for row in self._plans]

    def _arguments(self) -> list[str]:
        host, port = self._server
        per_second = self._rate if self._rate >= 10 else 1.0
        period = 1000.0 if self._rate >= 10 else 1000.0 / self._rate
        return [
            *(f"{host}:{port}", "-sf", "scenario.xml", "-inf", "callers.csv", "-m", str(len(self._plans))),
            *("-l", str(len(self._plans)), "-r", f"{round(per_second)}", "-rp", f"{round(period)}"),
            *(
                "-p",
                str(free_ports(1)[0]),
                "-mp",
                str(free_media_port(host)),
                "-trace_logs",
                "-log_file",
                "log",
            ),
            *(("-trace_msg", "-message_file", "messages") if self._trace else ()),
        ]

    def _take_news(self) -> None:
        path = self.folder / "log"
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.decode("utf-8", "replace").splitlines():
            self._note(line)

    def _note(self, line: str) -> None:
        parts = line.strip().split("|")
        if len(parts) != 5 or parts[0] != "CC" or not (parts[1].isdecimal() and parts[2].isdecimal()):
            return
        row, tick, event, detail = int(parts[1]), int(parts[2]), parts[3], parts[4].strip()
        seen = self._seen.get(row)
        if seen is None or seen.ended is not None:
            return
        seen.last = f"{event} {detail}".strip()
        match event:
            case "invite":
                seen.began = tick
            case "answered":
                seen.answered, seen.status = tick, 200
            case "refused":
                seen.status = int(detail)
            case "ended":
                seen.ended, seen.detail = tick, detail
                if self._on_result:
                    self._on_result(self._result(row))
            case _:
                return

    def _result(self, row: int) -> CallerResult:
        seen = self._seen[row]
        word, _, cause = seen.detail.partition(" ")
        outcome = Outcome(word) if seen.ended is not None and word in set(Outcome) else Outcome.LOST
        return CallerResult(
            self._plans[row],
            outcome,
            487 if outcome is Outcome.CANCELLED else seen.status,
            None if seen.began is None else self._started + seen.began / 1000,
            _seconds(seen.began, seen.answered),
            _seconds(seen.began, seen.ended),
            int(cause) if cause.isdecimal() else None,
            seen.last,
        )


def _grouped(plans: Sequence[CallPlan], ring_limit: float, folder: Path) -> dict[Script, list[int]]:
    raw = may_open_raw_sockets()
    groups: dict[Script, list[int]] = {}
    for row, plan in enumerate(plans):
        _check(plan)
        sound = _tone_file(folder) if plan.sound else None
        # SIPp sends sound and keys as two sources, which Asterisk hears as a jumble: then keys go by INFO.
        by_info = bool(plan.keys) and (plan.sound or not raw)
        script = Script(tuple(sorted(plan.keys, key=lambda key: key[1])), by_info, sound, ring_limit)
        groups.setdefault(script, []).append(row)
    return groups


def _check(plan: CallPlan) -> None:
    for value in (plan.number, plan.name, plan.raw_name or "", plan.dial):
        if any(c in value for c in ";\r\n\0"):
            raise BadInput(
                "SIPp's file can't hold ';' or a line break: use callcenter.rig.ear for such callers"
            )
    if any(key not in "0123456789*#" for key, _ in plan.keys):
        raise BadInput("keys are digits, * and #")


def _row(row: int, plan: CallPlan) -> str:
    stay, end = _stay(plan)
    name = plan.raw_name if plan.raw_name is not None else f"{quoted(plan.name)} " if plan.name else ""
    return f"{plan.number};{name};{plan.dial};{row};{round(stay * 1000)};{end}\n"


def _stay(plan: CallPlan) -> tuple[float, Outcome]:
    """Seconds from the last key to the caller's own end, and the word for it."""
    pressed = max((at for _, at in plan.keys), default=0.0)
    if plan.hang_up_after is not None and plan.hang_up_after <= plan.patience:
        return max(0.0, plan.hang_up_after - pressed), Outcome.CALLER
    return max(0.0, plan.patience - pressed), Outcome.PATIENCE


def _tone_file(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = (folder / "tone.ul").absolute()
    if not path.exists():
        path.write_bytes(tone(1100))
    return path


def _seconds(start: int | None, end: int | None) -> float | None:
    return None if start is None or end is None else (end - start) / 1000
