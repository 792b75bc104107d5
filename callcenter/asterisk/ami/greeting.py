"""Who the Asterisk at the other end is, asked directly after the log-in."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from callcenter.asterisk.ami import actions
from callcenter.asterisk.ami.messages import Response
from callcenter.errors import ActionFailed

_TRIES = 20
_PAUSE = 0.5
"""Seconds. CoreStatus gives 1969 or 1970 while Asterisk starts; 10 s cover that."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """One life of one Asterisk. ``system_name`` proves whose events are whose, so it is not printed."""

    system_name: str = field(repr=False)
    asterisk_version: str
    startup_time: str
    """Date and time in Asterisk's own zone, whole seconds: only equality means something."""

    @property
    def epoch(self) -> str:
        """Differs after a restart, when all channels are gone and ids begin anew."""
        return f"{self.system_name}@{self.startup_time}"


async def ask(request: Callable[[actions.SimpleAction], Awaitable[Response]]) -> Greeting:
    """Learn the greeting.

    Raises ActionFailed for an Asterisk without a system name, or one that does not know when it started.
    """
    settings = await request(actions.core_settings())
    system_name = settings.get("SystemName")
    if not system_name:
        raise ActionFailed("this Asterisk has no name: set systemname in asterisk.conf to a random word")
    for _ in range(_TRIES):
        core = await request(actions.core_status())
        date = core.get("CoreStartupDate")
        if date > "2000":
            startup = f"{date}T{core.get('CoreStartupTime')}"
            return Greeting(system_name, settings.get("AsteriskVersion"), startup)
        await asyncio.sleep(_PAUSE)
    raise ActionFailed("Asterisk does not say when it was started")
