"""A witness of Asterisk: an AMI account of its own that writes down all it is told, and what became of each channel."""

import asyncio
import contextlib
import dataclasses
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from callcenter.demo.floor import Floor
from callcenter.rig.asterisk_server import PrivateAsterisk

ACCOUNT = """
; Somebody who looks on: sees all calls, may do nothing
[witness]
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.1/255.255.255.255
read = call,system,dtmf
write =
writetimeout = 5000
secret = {secret}
"""
CHANNEL = re.compile(r"PJSIP/(?P<who>[0-9A-Za-z]+)-[0-9a-f]{8}")
CALL = re.compile(r"(?P<leg>ChanVariable|DestChanVariable)[^:]*: CC_CALL=(?P<call>[0-9a-f]{32})")


def let_in(floor: Floor) -> str:
    """Give the witness an account, before Asterisk is started: the shipped files stay as they are. Its secret."""
    secret = secrets.token_hex(16)
    folder = floor.plan.folder / "asterisk-files"
    shutil.copytree(floor.asterisk_plan.shipped, folder)
    with (folder / "manager_callcenter.conf").open("a", encoding="utf-8") as file:
        file.write(ACCOUNT.format(secret=secret))
    floor.asterisk_plan = dataclasses.replace(floor.asterisk_plan, shipped=folder)
    floor.asterisk = PrivateAsterisk(floor.plan.launcher, floor.asterisk_plan)
    return secret


class Witness:
    """``async with Witness(port, secret, file)``: from the log-in to the end, every byte goes to ``file``."""

    def __init__(self, port: int, secret: str, file: Path) -> None:
        self._port, self._secret, self._file = port, secret, file
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        writer.write(f"Action: Login\r\nUsername: witness\r\nSecret: {self._secret}\r\n\r\n".encode())
        async with asyncio.timeout(5):
            said = await reader.readuntil(b"\r\n\r\n")
        assert b"Success" in said, said
        self._writing = asyncio.create_task(self._write(reader, writer), name="witness")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._writing is not None
        self._writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._writing

    async def _write(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with self._file.open("wb") as file:
                while data := await reader.read(1 << 16):
                    file.write(data)
        finally:
            writer.close()


@dataclass(slots=True)
class Leg:
    """One channel; times are seconds since 1970 as Asterisk stamped them. ``who``: the endpoint, a phone's extension,
    ``caller`` or ``customers``. ``call``: our id, ``dial``: how its dial ended, ``keys``: what it pressed."""

    who: str
    uniqueid: str
    began: float
    call: str = ""
    answered: float | None = None
    ended: float = float("inf")
    dial: str = ""
    keys: str = ""

    @property
    def is_phone(self) -> bool:
        """An agent's."""
        return self.who.isdecimal()


def read_legs(file: Path) -> list[Leg]:
    """All channels of the recording, in the order of their beginning."""
    legs: dict[str, Leg] = {}
    for block in file.read_bytes().decode("utf-8", "replace").split("\r\n\r\n"):
        _take(block.split("\r\n"), legs)
    return list(legs.values())


def _take(lines: Sequence[str], legs: dict[str, Leg]) -> None:
    keys = dict(line.split(": ", 1) for line in lines if ": " in line)
    at = float(keys.get("Timestamp", 0))
    calls = {found["leg"]: found["call"] for line in lines if (found := CALL.match(line))}
    leg, dialled = legs.get(keys.get("Uniqueid", "")), legs.get(keys.get("DestUniqueid", ""))
    match keys.get("Event"):
        case "Newchannel" if named := CHANNEL.fullmatch(keys["Channel"]):
            leg = legs[keys["Uniqueid"]] = Leg(named["who"], keys["Uniqueid"], at)
        case "Newstate" if leg is not None and keys["ChannelState"] == "6" and leg.answered is None:
            leg.answered = at
        case "DialEnd" if dialled is not None:
            dialled.dial = keys["DialStatus"]
        case "Hangup" if leg is not None:
            leg.ended = at
        case "DTMFEnd" if leg is not None and keys["Direction"] == "Received":
            leg.keys += keys["Digit"]
    if leg is not None and (call := calls.get("ChanVariable")):
        leg.call = call
    if dialled is not None and (call := calls.get("DestChanVariable")):
        dialled.call = call


def overlaps(legs: Sequence[Leg]) -> Iterator[tuple[Leg, Leg]]:
    """Those that were there at the same time."""
    latest: Leg | None = None
    for leg in sorted(legs, key=lambda one: one.began):
        if latest is not None and leg.began < latest.ended:
            yield latest, leg
        if latest is None or leg.ended > latest.ended:
            latest = leg
