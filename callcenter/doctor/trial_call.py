"""A call from Asterisk to itself through the shipped dialplan: no phone rings, and everything on its way is seen.

It shows what no setting can be asked for: whether our ids and times come with the events, whether Asterisk finds our
program, plays a sound that we wrote, and writes a recording that we can read.
"""

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from callcenter.asterisk.agi import commands
from callcenter.asterisk.agi.server import AgiServer
from callcenter.asterisk.agi.session import AgiSession
from callcenter.asterisk.ami import actions
from callcenter.asterisk.ami.messages import Event
from callcenter.clock import Clock
from callcenter.doctor.dialplan import TRIAL
from callcenter.doctor.link import Link
from callcenter.errors import ActionFailed, BadInput, CallerGone, ReleasedToFallback
from callcenter.ids import new_id
from callcenter.settings import AsteriskSettings
from callcenter.telephony import safe
from callcenter.telephony.caller_line import AgiCallerLine

LIMIT = 8.0
"""Seconds for the whole call; it takes two or three."""
NO_END = "it did not end in time"
NO_EVENTS = "no event of it reaches us"
_SETTLE = 0.3
"""Seconds in which the last events arrive, and in which a sound file reaches the disk."""
_FAR = f"Local/far@{TRIAL}"


@dataclass
class Trial:
    """What was seen. A text says why something was not had; empty: it was."""

    events: list[tuple[float, Event]] = field(default_factory=list)
    """Of the call's own channels, each with our clock at its arrival."""
    call_id: str = ""
    placed: str = "not tried"
    listened: str = "not tried"
    """Whether we could listen on the FastAGI port."""
    arrived: bool = False
    refused_from_elsewhere: bool = False
    variable: str = ""
    """``CC_CALL`` as the dialogue read it."""
    played: str = "not tried"
    recorded: str = "not tried"
    joined_queue: bool = False

    def of(self, name: str) -> list[Event]:
        """The events of this name."""
        return [event for _, event in self.events if event.name == name]


@dataclass(frozen=True)
class Places:
    """``prompt``: a sound file without its extension, or None. ``recordings``: a folder."""

    prompt: Path | None
    recordings: Path


async def make(link: Link, asterisk: AsteriskSettings, places: Places, clock: Clock, *, queue: bool) -> Trial:
    """Make the call and tell what was seen. ``queue``: spend a second in the fallback queue.

    Raises TelephonyDown.
    """
    trial = Trial(call_id=new_id(clock), joined_queue=queue)

    async def serve(session: AgiSession) -> None:
        await _dialogue(session, trial, places, clock)

    server = AgiServer(
        asterisk.agi_host, asterisk.agi_port, {"doctor": serve}, frozenset(asterisk.agi_nodes), clock
    )
    try:
        await server.start()
        trial.listened = ""
    except OSError as error:
        trial.listened = error.strerror or "the port can't be had"
    try:
        await _place(link, trial, queue=queue)
    finally:
        if not trial.listened:
            await server.stop()
    trial.refused_from_elsewhere = server.counts["address_refused"] > 0
    trial.events = [(at, event) for at, event in link.events if _ours(event, trial.call_id)]
    return trial


def _ours(event: Event, call_id: str) -> bool:
    variables = {**event.variables, **event.dest_variables}
    return event.get("Channel").startswith(_FAR) or variables.get("CC_CALL") == call_id


async def _place(link: Link, trial: Trial, *, queue: bool) -> None:
    given = {"__CC_CALL": trial.call_id, "CC_DOCTOR": "queue" if queue else "no"}
    action = actions.originate(f"{_FAR}/n", TRIAL, "try", timeout_ms=5000, variables=given)
    try:
        await link.ask(action)
    except (ActionFailed, BadInput) as error:
        trial.placed = error.message
        return
    trial.placed = ""
    try:
        async with asyncio.timeout(LIMIT):
            while not any(_ended(event) for _, event in link.events):
                await link.more()
    except TimeoutError:
        trial.placed = NO_END if link.events else NO_EVENTS
        await _hang_up(link)
    await asyncio.sleep(_SETTLE)


async def _hang_up(link: Link) -> None:
    """End what is left of the call."""
    names = {event.get("Channel") for _, event in link.events if event.get("Channel").startswith(_FAR)}
    for name in names:
        with contextlib.suppress(ActionFailed):
            await link.ask(actions.hangup(name))


def _ended(event: Event) -> bool:
    return (
        event.name == "Hangup"
        and event.get("Channel").startswith(_FAR)
        and event.get("Channel").endswith(";1")
    )


async def _dialogue(session: AgiSession, trial: Trial, places: Places, clock: Clock) -> None:
    trial.arrived = True
    line = AgiCallerLine(session, clock, _unseen)
    trial.variable = (await line.read_variables("CC_CALL"))["CC_CALL"]
    recording = places.recordings / f"doctor-{secrets.token_hex(8)}.wav"
    try:
        trial.recorded = await _start_recording(session, recording)
        trial.played = await _play(line, places.prompt)
        if not trial.recorded:
            await session.command(commands.exec_("StopMixMonitor"))
            await asyncio.sleep(_SETTLE)
            trial.recorded = await asyncio.to_thread(_look, recording)
    except (CallerGone, ReleasedToFallback) as error:
        trial.played = trial.played or error.message
    finally:
        trial.recorded = await asyncio.to_thread(_remove, recording) or trial.recorded


async def _unseen(_uniqueid: str, _since: float) -> float | None:
    return None


async def _start_recording(session: AgiSession, path: Path) -> str:
    try:
        await session.command(commands.exec_("MixMonitor", safe.recording(str(path))))
    except (ActionFailed, BadInput) as error:
        return error.message
    return ""


async def _play(line: AgiCallerLine, prompt: Path | None) -> str:
    if prompt is None:
        return "there was no sound file to play"
    try:
        await line.play(str(prompt))
    except (ActionFailed, BadInput) as error:
        return error.message
    return ""


def _look(path: Path) -> str:
    """Why the recording can't be used; empty when it can."""
    try:
        with path.open("rb") as file:
            header = file.read(4)
    except FileNotFoundError:
        return "Asterisk wrote no file"
    except OSError as error:
        return f"the file is there and can't be read by us ({error.strerror})"
    return "" if header == b"RIFF" else "the file is there, but it is no sound"


def _remove(path: Path) -> str:
    """Take the trial's file away; why not, if that can't be done."""
    try:
        path.unlink()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"the file can't be deleted by us ({error.strerror})"
    return ""
