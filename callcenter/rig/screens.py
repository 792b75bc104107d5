"""Many simulated agents' screens in one process: ``python -m callcenter.rig.screens --config FILE.json``.

Each logs in over HTTP, opens its socket, says ready, acknowledges pops, finishes wrap-ups after a while and comes
back after a drop, as the page does. What they see is written to ``events``, a line of JSON each::

    {"t": 123, "event": "pop", "agent": "<user name>", "extension": "1001", "seq": 7, "pop": {...}}

``t`` is ``time.monotonic_ns()`` right when the message was read. Events are the socket's messages (snapshot, state
(the message ``agent``, its data under ``state``), call, pop, wrap_up, telephony, board, done, error, bye) and our
own: started, log_in_refused, connected, dropped (with the close code), over, stopped.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
from pathlib import Path
from typing import Annotated

import aiohttp
import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from callcenter.rig.journal import Journal
from callcenter.rig.screen_client import LogInRefused, Message, ScreenClient, Session, log_in
from callcenter.tasks import Tasks

log = structlog.get_logger(__name__)

Seconds = Annotated[float, Field(ge=0, le=86400)]
Between = tuple[Seconds, Seconds]
_SLOW = 2.0
"""Seconds that a slow reader takes for each message."""
_RETRIES = 5
"""Times that a log-in is tried again when nobody is there, or it is too early (429)."""


class ScreenSettings(BaseModel):
    """One agent with a screen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: str
    password: str = ""
    extension: str | None = None
    cookie: str | None = None
    """A Cookie header of a session that is there already: no log-in."""
    ready: bool = True
    """Say ready after connecting, when not ready; False: never."""
    ready_again_after: Between | None = None
    """Say ready again so long after the core made the agent not ready (ring-no-answer)."""
    acknowledge: bool = True
    """Say pop_shown for each pop."""
    finish_after: Between | None = (1.0, 3.0)
    """Finish a wrap-up after so long; None: let the server's timer do it."""
    dispositions: tuple[str, ...] = ("RESOLVED", "INFORMATION")
    note: str = ""
    drop_at: tuple[Seconds, ...] = ()
    """Lose the connection so many seconds after the start."""
    slow: bool = False
    """Read two seconds on each message."""
    json_only: bool = True
    """False: with the fragments of HTML that a page gets."""


class Settings(BaseModel):
    """The configuration file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(pattern=r"^https?://[^/\s]+$")]
    events: Path
    log_in_rate: Annotated[float, Field(gt=0, le=1000)] = 20.0
    """Log-ins a second at the start."""
    seed: int | None = None
    log_out_at_stop: bool = False
    screens: tuple[ScreenSettings, ...]


class Screen:
    """One agent's screen and the hands before it."""

    def __init__(self, url: str, settings: ScreenSettings, journal: Journal, chance: random.Random) -> None:
        self.settings = settings
        self.client: ScreenClient | None = None
        self._url, self._journal, self._chance = url, journal, chance
        self._tasks = Tasks(f"screen {settings.username}")
        self._finishing: str | None = None
        self._state = ""

    async def run(self) -> None:
        """Log in and be there until the session is over or ``close``."""
        session = await self._session()
        if session is None:
            return
        settings = self.settings
        self.client = ScreenClient(
            self._url,
            session,
            self._told,
            json_only=settings.json_only,
            on_connect=lambda: self._note("connected"),
            on_drop=lambda code: self._note("dropped", code=code),
        )
        for seconds in settings.drop_at:
            _ = self._tasks.start(self._drop(self.client, seconds), "drop")
        await self.client.run()
        if self.client.ended:
            self._note("over", why=self.client.ended)

    async def close(self, *, log_out: bool) -> None:
        """Leave."""
        if self.client is not None:
            if log_out:
                await self.client.send("log_out")
            await self.client.close()
        await self._tasks.close()

    async def _session(self) -> Session | None:
        settings = self.settings
        if settings.cookie is not None:
            return Session(settings.cookie, "")
        for attempt in range(_RETRIES):
            try:
                return await log_in(self._url, settings.username, settings.password, settings.extension)
            except LogInRefused as refused:
                self._note("log_in_refused", status=refused.status)
                if refused.status != 429:
                    return None
            except (aiohttp.ClientError, TimeoutError) as error:
                self._note("log_in_refused", status=0, why=type(error).__name__)
            await asyncio.sleep(self._chance.uniform(0.5, 1.0) * 2**attempt)
        return None

    async def _told(self, message: Message, t: int) -> None:
        kind = str(message.get("type"))
        facts = {key: value for key, value in message.items() if key not in {"type", "html", "agent", "t"}}
        if "agent" in message:
            facts["state"] = message["agent"]
        self._note("state" if kind == "agent" else kind, t, **facts)
        pop = message.get("pop")
        if isinstance(pop, dict) and self.settings.acknowledge and self.client is not None:
            await self.client.send("pop_shown", call_id=pop.get("call_id"), offer_id=pop.get("offer_id"))
        if isinstance(state := message.get("agent"), dict):
            await self._state_is(str(state.get("state")), first=kind == "snapshot")
        if isinstance(work := message.get("wrap_up"), dict):
            self._wrap_up(str(work.get("call_id")))
        if self.settings.slow:
            await asyncio.sleep(_SLOW)

    async def _state_is(self, state: str, *, first: bool) -> None:
        before, self._state = self._state, state
        if state != "not_ready" or self.client is None:
            return
        again = self.settings.ready_again_after
        if first and self.settings.ready:
            await self.client.send("ready")
        elif before != state and again is not None:
            _ = self._tasks.start(self._later(self._chance.uniform(*again), "ready"), "ready again")

    def _wrap_up(self, call_id: str) -> None:
        after = self.settings.finish_after
        if after is None or self._finishing == call_id:
            return
        self._finishing = call_id
        chosen = self._chance.choice(self.settings.dispositions)
        work = self._later(
            self._chance.uniform(*after), "finish_wrap_up", disposition=chosen, note=self.settings.note
        )
        _ = self._tasks.start(work, "finish")

    async def _later(self, seconds: float, kind: str, **values: object) -> None:
        await asyncio.sleep(seconds)
        if self.client is None or not await self.client.send(kind, **values):
            self._finishing = None  # the next snapshot asks for it again

    async def _drop(self, client: ScreenClient, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await client.drop()

    def _note(self, event: str, t: int | None = None, /, **facts: object) -> None:
        settings = self.settings
        self._journal.write(event, t, agent=settings.username, extension=settings.extension, **facts)


async def run(settings: Settings) -> None:
    """Be those screens until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    chance, tasks = random.Random(settings.seed), Tasks("screens")
    with Journal(settings.events) as journal:
        screens = [
            Screen(settings.url, each, journal, random.Random(chance.random())) for each in settings.screens
        ]
        journal.write("started", screens=len(screens))
        print(json.dumps({"screens": len(screens)}), flush=True)
        for screen in screens:
            if not stop.is_set():
                _ = tasks.start(screen.run(), screen.settings.username)
                await asyncio.sleep(1 / settings.log_in_rate)
        await stop.wait()
        await asyncio.gather(*(screen.close(log_out=settings.log_out_at_stop) for screen in screens))
        await tasks.close()
        gaps = sum(screen.client.gaps for screen in screens if screen.client is not None)
        journal.write("stopped", gaps=gaps)


def main(arguments: list[str] | None = None) -> int:
    """The command line: 0 after an orderly stop, 2 for a configuration that can't be used."""
    parser = argparse.ArgumentParser(
        prog="python -m callcenter.rig.screens", description="Simulated screens."
    )
    parser.add_argument(
        "--config", type=Path, required=True, help="a JSON file, see callcenter/rig/screens.py"
    )
    options = parser.parse_args(arguments)
    try:
        settings = Settings.model_validate_json(options.config.read_bytes())
        asyncio.run(run(settings))
    except (OSError, ValidationError) as error:
        print(f"{options.config}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
