"""A caller who acts on cues: SIPp, told when to press by somebody who listens.

A schedule of keys is a guess about when each prompt ends, and on a busy machine a wrong one. So the sound that is meant
for SIPp comes here, and when as much has been heard as must come before the next act, and then a pause, SIPp gets the
word for it: a request in its own call. The keys are SIPp's own RFC 4733 packets, for which it needs a raw socket.
"""

import asyncio
import secrets
import socket
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from callcenter.errors import BadInput
from callcenter.rig.child import ended, stop_process
from callcenter.rig.mulaw import RATE
from callcenter.rig.pcap import act_capture
from callcenter.rig.ports import LOOPBACK, free_ports
from callcenter.rig.rtp import parse_packet
from callcenter.rig.scenarios import key_file, on_cue
from callcenter.rig.sipp import free_media_port, start_sipp

KEY_GAP = 0.3
"""Seconds from one key of an answer to the next."""
LACKING = 0.25
"""Seconds of sound that may be missing: the last frames of a prompt, cut by rounding."""
_LOOK = 0.02
_BUFFER = 1 << 20
_TICK = 160 / RATE


@dataclass(frozen=True)
class Act:
    """What the caller does next: speak (mu-law), then press keys; or hang up.

    It is time when ``sound`` seconds have been heard since the act before, then nothing for ``pause`` seconds, and
    ``later`` seconds have gone by, whatever is heard in them. ``patience``: when the first two don't come true in so
    many seconds, the caller gives up.
    """

    keys: str = ""
    speech: bytes = b""
    leaves: bool = False
    sound: float = 0.0
    pause: float = 0.35
    later: float = 0.0
    patience: float = 30.0


@dataclass
class Hearing:
    """Mu-law of all that was heard, without the time between packets; ``arrivals``: when each came, monotonic."""

    sound: bytearray = field(default_factory=bytearray)
    arrivals: list[float] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def add(self, payload: bytes, now: float) -> None:
        """A packet."""
        self.sound += payload
        self.arrivals.append(now)
        self.ends.append(len(self.sound))

    @property
    def seconds(self) -> float:
        """How much there is."""
        return len(self.sound) / RATE

    def at(self, second: float) -> float:
        """When this second of the sound arrived, on the monotonic clock."""
        place = bisect_right(self.ends, round(second * RATE))
        return self.arrivals[min(place, len(self.arrivals) - 1)]


@dataclass
class CueResult:
    """How the call went. ``ended``: ``asterisk``, ``caller``, ``refused``, or ``lost`` when SIPp told no end.
    ``acted``: when each act began. ``missed``: the act whose time never came."""

    ended: str
    hearing: Hearing
    acted: list[float]
    missed: int | None

    @property
    def heard(self) -> bytes:
        """Mu-law."""
        return bytes(self.hearing.sound)


class CueCaller:
    """One call: ``await CueCaller(...).run()``. ``stays``: seconds after the last act until the caller hangs up, if
    nobody else does."""

    def __init__(
        self,
        folder: Path,
        acts: Sequence[Act],
        *,
        sip_port: int,
        number: str,
        dial: str,
        name: str = "",
        stays: float = 30.0,
    ) -> None:
        for value in (number, dial, name):
            if any(c in value for c in ";\r\n\0"):
                raise BadInput("SIPp's file can't hold ';' or a line break")
        self.hearing = Hearing()
        self.acted: list[float] = []
        self._folder, self._acts, self._stays = folder, tuple(acts), stays
        self._row = f"{number};{f'{name} ' if name else ''};{dial};0"
        self._server = (LOOPBACK, sip_port)
        self._call_id = secrets.token_hex(12)
        self._told = 0
        self._heard_before = self._answered = 0.0
        self._port = 0
        self._ear = self._mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    async def run(self) -> CueResult:
        """Call, act, and stay until the end; whatever happens to this coroutine, SIPp is gone when it ends. Raises
        ``PartMissing`` when there is no SIPp."""
        loop = asyncio.get_running_loop()
        self._ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._ear.setblocking(False)
        self._ear.bind((LOOPBACK, 0))
        loop.add_reader(self._ear, self._arrived)
        try:
            process = await self._start()
            try:
                missed = await self._play(process)
            finally:
                await stop_process(process)
        finally:
            loop.remove_reader(self._ear)
            self._ear.close()
        return CueResult(self._ended(), self.hearing, self.acted, missed)

    async def _start(self) -> asyncio.subprocess.Process:
        self._folder.mkdir(parents=True, exist_ok=True)
        captures = [act for act in self._acts if not act.leaves]
        (self._folder / "scenario.xml").write_text(on_cue(len(captures)), encoding="utf-8")
        for place, act in enumerate(captures):
            capture = act_capture(place, act.speech, act.keys, KEY_GAP)
            (self._folder / key_file(place)).write_bytes(capture)
        row = f"SEQUENTIAL\n{self._row};{self._ear.getsockname()[1]}\n"
        (self._folder / "callers.csv").write_text(row, encoding="utf-8")
        self._port = free_ports(1)[0]
        host, port = self._server
        return await start_sipp(
            [
                *(f"{host}:{port}", "-sf", "scenario.xml", "-inf", "callers.csv", "-m", "1"),
                *("-p", str(self._port), "-mp", str(free_media_port(host)), "-cid_str", self._call_id),
                *("-trace_logs", "-log_file", "log"),
            ],
            self._folder,
        )

    async def _play(self, process: asyncio.subprocess.Process) -> int | None:
        """All acts at their time; gives the one whose time did not come."""
        missed: int | None = None
        while "|answered|" not in self._log() and not await ended(process, _LOOK):
            continue
        self._answered = time.monotonic()
        for place, act in enumerate(self._acts):
            if not await self._time_for(act, process):
                missed = place if process.returncode is None else None
                if missed is not None:
                    self._tell("LEAVE")
                break
            self._heard_before = self.hearing.seconds
            self.acted.append(time.monotonic())
            self._tell("LEAVE" if act.leaves else "PRESS")
        if not await ended(process, self._stays if missed is None else 3.0):
            self._tell("LEAVE")
            await ended(process, 3.0)
        return missed

    async def _time_for(self, act: Act, process: asyncio.subprocess.Process) -> bool:
        end = time.monotonic() + act.patience
        while process.returncode is None:
            now = time.monotonic()
            if self.hearing.seconds - self._heard_before >= act.sound - LACKING and self._quiet(
                now, act.pause
            ):
                return not await ended(process, act.later)
            if now > end:
                return False
            await asyncio.sleep(_LOOK)
        return False

    def _quiet(self, now: float, pause: float) -> bool:
        last = max([self._answered, *self.hearing.arrivals[-1:], *self.acted[-1:]])
        return now - last >= pause

    def _tell(self, word: str) -> None:
        """A request in SIPp's call, to which it gives no answer."""
        self._told += 1
        lines = [
            f"{word} sip:caller@{LOOPBACK}:{self._port} SIP/2.0",
            f"Via: SIP/2.0/UDP {LOOPBACK}:9;branch=z9hG4bK{word}{self._told}",
            f"From: <sip:cue@{LOOPBACK}>;tag=cue",
            f"To: <sip:caller@{LOOPBACK}>",
            f"Call-ID: {self._call_id}",
            f"CSeq: {self._told} {word}",
            "Max-Forwards: 70",
            "Content-Length: 0",
        ]
        self._mouth.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), (LOOPBACK, self._port))

    def _arrived(self) -> None:
        now = time.monotonic()
        while True:
            try:
                data = self._ear.recv(2048)
            except (BlockingIOError, ConnectionError):
                return
            packet = parse_packet(data)
            if packet is not None and packet.payload_type == 0:
                self.hearing.add(packet.payload, now)

    def _log(self) -> str:
        path = self._folder / "log"
        return path.read_text("utf-8", errors="replace") if path.exists() else ""

    def _ended(self) -> str:
        path = self._folder / "log"
        log = path.read_text("utf-8", errors="replace") if path.exists() else ""
        ends = [
            line.split("|")[4] for line in log.splitlines() if line.startswith("CC|0|") and "|ended|" in line
        ]
        return ends[0].split()[0] if ends else "lost"
