"""AMI events per second through our whole way: bytes from a socket, framing, telephony, bus, all handlers.

The core runs as it does in life, under its watchdog, with its database and with agents' screens on their web sockets;
only Asterisk is not there. In its place the bench speaks AMI: it answers the log-in and the lists, and then sends
captured sessions, one call after the other, each with ids of its own, from a known caller to one of the agents. So each
is a direct call: looked up, put on record, popped on that agent's screen, answered, ended. What counts is the CPU time
of the core, all threads, until all is written down.
"""

import asyncio
import itertools
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from callcenter.bench.processor import cpu_seconds
from callcenter.bench.stage import PASSWORD, READY, all_ready
from callcenter.demo.floor import Floor, FloorPlan, read_events
from callcenter.demo.prepare import agents, prepare_database
from callcenter.demo.story import known_numbers
from callcenter.errors import PartMissing
from callcenter.rig.ports import LOOPBACK

AGENTS = 10
CALLS = 400
CUSTOMERS = 100
TO_RING, TO_END = 0.03, 0.01
"""Seconds between the two halves of a call, and between calls: so that the look-up and the pop of each are made. They
cost no CPU."""
IDLE = 3.0
"""Seconds in which the core's own CPU time at rest is measured."""
SETTLE = 2.0
END = b"\r\n\r\n"

_CHANNEL = re.compile(rb"(PJSIP/)([a-z0-9]+)-[0-9a-f]{7}([0-9a-f])")
_DEVICE = re.compile(rb"PJSIP/agent[0-9]+")
_ID = re.compile(rb"([0-9a-z]{16})-[0-9]{10}\.([0-9]+)")
_STAMP = re.compile(rb"Timestamp: [0-9.]+")
_OURS = re.compile(rb"(CC_[A-Z]+)=[^\r]+")
_SYSTEM = re.compile(rb"SystemName: ([0-9a-z]+)")
_NUMBER = b"13900000001"
"""The caller in the captured sessions."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class WholeFigures:
    """``per_second``: events in a second of one core; ``pops``: calls that popped; ``idle``: the share of a core that
    was used at rest, and is taken off."""

    events: int
    calls: int
    pops: int
    per_second: int
    ms_per_call: float
    idle: float

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Session:
    """A captured call: the events until a phone rings, and the rest. ``events``: how many in all."""

    ringing: bytes
    rest: bytes
    events: int

    @property
    def whole(self) -> bytes:
        """All of it."""
        return self.ringing + self.rest


def sessions(folder: Path) -> list[Session]:
    """The captured calls without Asterisk's greeting, answers to actions, and our ids: what any listener is told.
    Raises ``PartMissing`` when there are none."""
    found = []
    for path in sorted(folder.glob("*_call.ami")):
        blocks = path.read_bytes().split(END)
        blocks[0] = (
            blocks[0].removeprefix(blocks[0].partition(b"\r\n")[0] + b"\r\n")
            if _greets(blocks[0])
            else blocks[0]
        )
        told = [block for block in blocks if block.startswith(b"Event: ") and b"\r\nActionID: " not in block]
        if not told:
            continue
        ring = next((at + 1 for at, block in enumerate(told) if block.startswith(b"Event: DialBegin")), 1)
        ringing, rest = (
            b"".join(_OURS.sub(rb"\1=", block) + END for block in half) for half in (told[:ring], told[ring:])
        )
        found.append(Session(ringing, rest, len(told)))
    if not found:
        raise PartMissing(f"{folder} holds no captured AMI bytes (*_call.ami): run from a complete clone")
    return found


def _greets(block: bytes) -> bool:
    return block.startswith(b"Asterisk Call Manager/")


def system_name(captured: Sequence[Session]) -> str:
    """The name of the Asterisk that was captured; raises ``PartMissing`` when it has none."""
    named = _SYSTEM.search(captured[0].whole)
    if named is None:
        raise PartMissing("the captured AMI bytes have no SystemName")
    return named[1].decode()


def as_call(data: bytes, place: int, *, extension: str, number: str, stamp: float) -> bytes:
    """Captured bytes as the ``place``-th call: from this number to this phone, with its own ids, at this time."""
    phone = extension.encode()

    def channel(match: re.Match[bytes]) -> bytes:
        device = phone if match[2].startswith(b"agent") else match[2]
        return match[1] + device + b"-%07x" % place + match[3]

    data = _CHANNEL.sub(channel, data)
    data = _DEVICE.sub(b"PJSIP/" + phone, data)
    data = _ID.sub(rb"\1-%010d.\2" % (1_000_000_000 + place), data)
    data = _STAMP.sub(b"Timestamp: %.6f" % stamp, data)
    return data.replace(_NUMBER, number.encode())


def captured(folder: Path, repeat: int) -> bytes:
    """The captured calls, each so often, in one piece: for readers that only parse. Raises ``PartMissing``."""
    kept, now = sessions(folder), time.time()
    return b"".join(
        as_call(session.whole, place, extension="1001", number=_NUMBER.decode(), stamp=now)
        for place, session in enumerate(kept * repeat)
    )


async def measure(
    recordings: Path, folder: Path, prompts: Path, progress: Progress, *, calls: int = CALLS
) -> WholeFigures:
    """Start the core, play the calls to it. ``folder`` is empty. Raises ``PartMissing``."""
    kept = await asyncio.to_thread(sessions, recordings)
    people = agents(AGENTS)
    floor = Floor(
        FloorPlan(
            folder=folder,
            launcher=Path("/nonexistent"),  # Asterisk is played by us
            agents=people,
            password=PASSWORD,
            screen={"finish_after": (0.0, 0.0), "ready_again_after": (0.2, 0.2)},
            overrides={"routing": {"wrap_up_seconds": 0}, "web": {"login_tries": 1000}},
            rtp=False,
            prompts=prompts,
        )
    )
    progress("our whole way: starting")
    await prepare_database(floor.database, PASSWORD, agents=AGENTS, customers=CUSTOMERS)
    player = Player(system_name(kept), [person.extension for person in people])
    try:
        await player.open(floor.asterisk_plan.ami_port)
        floor.write_settings()
        await floor.start_core()
        await floor.start_screens(READY)
        await all_ready(floor, AGENTS)
        progress(f"our whole way: {calls} calls")
        return await _play(floor, player, kept, calls)
    finally:
        await floor.stop()
        await player.close()


async def _play(floor: Floor, player: "Player", kept: Sequence[Session], calls: int) -> WholeFigures:
    core = floor.core_pid()
    if core is None:
        raise PartMissing(f"the core does not run:\n{floor.log('core')[-2000:]}")
    resting = cpu_seconds(core)
    await asyncio.sleep(IDLE)
    idle = (cpu_seconds(core) - resting) / IDLE
    numbers = itertools.cycle(known.number for known in known_numbers(floor.database))
    phones = itertools.cycle(person.extension for person in floor.plan.agents)
    before, began, events = cpu_seconds(core), time.monotonic(), 0
    for place, (number, extension) in enumerate(itertools.islice(zip(numbers, phones, strict=False), calls)):
        session = kept[place % len(kept)]
        for half, pause in ((session.ringing, TO_RING), (session.rest, TO_END)):
            player.say(as_call(half, place, extension=extension, number=number, stamp=time.time()))
            await asyncio.sleep(pause)
        events += session.events
    await asyncio.sleep(SETTLE)
    if floor.core_pid() != core:
        raise PartMissing(f"the core ended in the middle:\n{floor.log('core')[-2000:]}")
    used = cpu_seconds(core) - before - idle * (time.monotonic() - began)
    popped = {
        event["pop"]["call_id"]
        for event in read_events(floor.screen_events)
        if event["event"] == "pop" and event.get("pop")
    }
    return WholeFigures(
        events=events,
        calls=calls,
        pops=len(popped),
        per_second=round(events / used) if used > 0 else 0,
        ms_per_call=round(1000 * used / calls, 2),
        idle=round(idle, 3),
    )


class Player:
    """Speaks AMI as an Asterisk at rest does, whose phones are all free, until it is told what to ``say``."""

    def __init__(self, name: str, extensions: Sequence[str]) -> None:
        self._name, self._extensions = name, extensions
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self, port: int) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, port)

    async def close(self) -> None:
        """End all connections."""
        for writer in self._writers:
            writer.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def say(self, data: bytes) -> None:
        """Events, as they are."""
        for writer in self._writers:
            writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        self._writers.add(writer)
        try:
            while True:
                lines = (await reader.readuntil(END)).decode("utf-8", "replace").split("\r\n")
                asked = dict(line.split(": ", 1) for line in lines if ": " in line)
                writer.write(b"".join(self._answers(asked["Action"], asked["ActionID"])))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answers(self, action: str, action_id: str) -> Iterator[bytes]:
        mark = {"ActionID": action_id}
        match action:
            case "CoreShowChannels" | "DeviceStateList" | "QueueStatus" | "Status" | "DBGetTree":
                yield _message("Response", "Success", {**mark, "EventList": "start"})
                if action == "DeviceStateList":
                    for extension in self._extensions:
                        state = {**mark, "Device": f"PJSIP/{extension}", "State": "NOT_INUSE"}
                        yield _message("Event", "DeviceStateChange", state)
                yield _message("Event", f"{action}Complete", {**mark, "EventList": "Complete"})
            case "ModuleCheck" | "Command" | "ListCategories":
                yield _message("Response", "Error", {**mark, "Message": "Permission denied"})
            case _:
                yield _message("Response", "Success", {**mark, **self._facts(action)})
        if action == "Login":
            yield _message("Event", "FullyBooted", {"Status": "Fully Booted"})

    def _facts(self, action: str) -> Mapping[str, str]:
        match action:
            case "Ping":
                return {"Ping": "Pong", "Timestamp": f"{time.time():.6f}"}
            case "CoreSettings":
                return {"AsteriskVersion": "22.10.1", "SystemName": self._name}
            case "CoreStatus":
                return {"CoreStartupDate": "2026-01-05", "CoreStartupTime": "08:00:00"}
            case _:
                return {}


def _message(kind: str, name: str, headers: Mapping[str, str]) -> bytes:
    lines = (f"{kind}: {name}", *(f"{key}: {value}" for key, value in headers.items()))
    return "\r\n".join(lines).encode() + END
