"""Phones and callers whose times are told beforehand: ``python -m callcenter.bench.crowd --config FILE.json``.

A phone is answered in the instant in which it rings, and hung up after as long as is written down for that caller's
number; callers dial at the instants that are written down. So two systems can be given the very same calls. One
process has the phones and runs until SIGTERM, another the callers and ends after the last call. What they saw is in
``events``, a line of JSON each, on the machine's monotonic clock:

Phones: registered, invite, answered, hung_up, bye, cancelled, busy, ended. Callers: dialling, dial_answered, bye,
ended, and over after the last. All have ``number`` (the caller's), those of phones ``extension``.
"""

import argparse
import asyncio
import secrets
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from callcenter.errors import PartMissing
from callcenter.rig.ear import CALLER
from callcenter.rig.journal import Journal
from callcenter.rig.mulaw import SILENCE
from callcenter.rig.people import People
from callcenter.rig.ports import LOOPBACK
from callcenter.rig.rtp import FRAME, Packet, build_packet
from callcenter.rig.sdp import parse_sdp
from callcenter.rig.sip_digest import Credentials
from callcenter.rig.sip_leg import Leg
from callcenter.rig.sip_message import BadSip, parse_address
from callcenter.rig.user_agent import UserAgent
from callcenter.tasks import Tasks

FIRST_SOUND = build_packet(Packet(0, True, 1, FRAME, 1, bytes([SILENCE]) * FRAME))
"""Asterisk's Answer() goes on when it hears the caller, or after half a second: callers are heard at once."""
EXPIRES = 3600
"""Seconds of a registration: longer than any run, so that it is made once."""
HEAD_START = 1.0
"""Seconds from the start of the process to the instant 0 of the callers."""

Seconds = Annotated[float, Field(ge=0, le=3600)]


class DeskSettings(BaseModel):
    """One phone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    extension: str
    password: str


class Arrival(BaseModel):
    """One caller, ``at`` seconds after the start."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: Annotated[str, Field(pattern=r"^[0-9]{1,32}$")]
    at: Seconds


class Settings(BaseModel):
    """The configuration file. ``talks``: seconds by the caller's number; ``patience``: seconds in which a call must be
    over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sip_port: int
    events: Path
    desks: tuple[DeskSettings, ...] = ()
    talks: Mapping[str, Seconds] = {}
    dial: str = ""
    calls: tuple[Arrival, ...] = ()
    patience: Seconds = 300.0


class Crowd(People):
    """Such a process; ``settings`` as above. Entered when all phones have registered."""

    module = "callcenter.bench.crowd"

    async def _begun(self) -> None:
        if desks := self._settings.get("desks"):
            await self.wait_for("registered", count=len(desks), limit=20)

    async def all_over(self, calls: int, limit: float) -> None:
        """Wait until so many calls have ended; raises ``PartMissing``."""
        try:
            await self.wait_for("over", limit=limit)
        except TimeoutError:
            ended = len(self.events("ended"))
            raise PartMissing(f"only {ended} of {calls} calls ended in {limit:.0f} s") from None


class Desks:
    """The phones."""

    def __init__(self, settings: Settings, journal: Journal) -> None:
        self._settings, self._journal = settings, journal
        self._agent = UserAgent((LOOPBACK, settings.sip_port), media=False, on_invite=self._invited)
        self._busy: set[str] = set()
        self._tasks = Tasks("desks")

    async def open(self) -> None:
        """Register all; raises ``PartMissing``."""
        await self._agent.open()
        for desk in self._settings.desks:
            credentials = Credentials(desk.extension, desk.password)
            answer = await self._agent.register(desk.extension, credentials, EXPIRES, secrets.token_hex(12))
            if answer.status != 200:
                raise PartMissing(f"the phone {desk.extension} was not registered ({answer.status})")
            self._journal.write("registered", extension=desk.extension)

    async def close(self) -> None:
        """Give the ports back."""
        await self._tasks.close()
        await self._agent.close()

    def _invited(self, extension: str, leg: Leg) -> bool:
        asked = leg.asked
        if asked is None or all(desk.extension != extension for desk in self._settings.desks):
            return False
        number = caller_of(leg)

        def note(_leg: Leg, event: str, t: int | None) -> None:
            self._journal.write(event, t, extension=extension, number=number)

        note(leg, "invite", asked.arrived)
        if extension in self._busy:
            leg.refuse(486)
            note(leg, "busy", None)
            return True
        forget = leg.on_end

        def ended(which: Leg) -> None:
            forget(which)
            self._busy.discard(extension)
            note(which, "ended", None)

        leg.on_event, leg.on_end = note, ended
        self._busy.add(extension)
        leg.ring()
        leg.answer()
        self._tasks.run(_talk(leg, self._settings.talks.get(number, 1.0)), f"talk {extension}")
        return True


async def _talk(leg: Leg, seconds: float) -> None:
    if not await _over(leg, seconds):
        await leg.hang_up()


async def _over(leg: Leg, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await leg.over.wait()
    except TimeoutError:
        return False
    return True


def caller_of(leg: Leg) -> str:
    """The caller's number as the INVITE tells it; empty when it doesn't."""
    if leg.invite is None:
        return ""
    try:
        return parse_address(leg.invite.need("From")).user
    except BadSip:
        return ""


class Callers:
    """Those who call. They are silent but for one packet of sound."""

    def __init__(self, settings: Settings, journal: Journal) -> None:
        self._settings, self._journal = settings, journal
        self._agent = UserAgent((LOOPBACK, settings.sip_port), media=False)
        self._tasks = Tasks("callers")
        self._sound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    async def run(self) -> None:
        """From the first call to the end of the last one."""
        await self._agent.open()
        start = asyncio.get_running_loop().time() + HEAD_START
        try:
            calls = [self._tasks.start(self._call(start, one), one.number) for one in self._settings.calls]
            await asyncio.gather(*calls)
            self._journal.write("over")
        finally:
            await self._tasks.close()
            await self._agent.close()
            self._sound.close()

    async def _call(self, start: float, arrival: Arrival) -> None:
        await asyncio.sleep(start + arrival.at - asyncio.get_running_loop().time())
        settings = self._settings
        leg = self._agent.leg("crowd", settings.dial, from_value=f"<sip:{arrival.number}@{LOOPBACK}>")

        def note(leg: Leg, event: str, t: int | None) -> None:
            self._journal.write(event, t, number=arrival.number)
            if event == "dial_answered" and leg.last is not None:
                self._sound.sendto(FIRST_SOUND, parse_sdp(leg.last.body).address)

        leg.on_event = note
        note(leg, "dialling", None)
        await leg.call(CALLER)
        if not await _over(leg, settings.patience):
            await leg.hang_up()
        self._journal.write("ended", number=arrival.number, by=leg.ended_by, status=leg.status)


async def run(settings: Settings) -> None:
    """Be those people until all is over, or until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with Journal(settings.events) as journal:
        desks = Desks(settings, journal)
        tasks = Tasks("crowd")
        try:
            await desks.open()
            if settings.calls:
                tasks.run(Callers(settings, journal).run(), "calls")
            await stop.wait()
        finally:
            await tasks.close()
            await desks.close()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m callcenter.bench.crowd")
    parser.add_argument("--config", type=Path, required=True)
    settings = Settings.model_validate_json(parser.parse_args().config.read_bytes())
    asyncio.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
