"""The doctor's own log-in to Asterisk: one try, and each step's failure has its own words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from callcenter.asterisk.ami import actions
from callcenter.asterisk.ami.actions import SimpleAction
from callcenter.asterisk.ami.connection import AmiTarget
from callcenter.asterisk.ami.messages import Event, Response
from callcenter.asterisk.ami.session import AmiCounters, AmiLimits, AmiSession, LinkLost
from callcenter.clock import Clock
from callcenter.doctor.check import Check, failed, warning
from callcenter.errors import ActionFailed, BadInput, TelephonyDown
from callcenter.tasks import Tasks

LIMIT = 5.0
"""Seconds for each step of the log-in, and for each action."""
NOT_TRIED = "not tried, because there is no log-in to Asterisk's manager interface"


class NoLogIn(Exception):
    """The log-in failed; ``check`` says at which step and what to do."""

    def __init__(self, check: Check) -> None:
        super().__init__(check.found)
        self.check = check


class Link:
    """A log-in. ``events``: what Asterisk told, each with our wall clock at its arrival."""

    def __init__(self, session: AmiSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._news = asyncio.Event()
        self.events: list[tuple[float, Event]] = []

    async def ask(self, action: SimpleAction) -> Response:
        """Raises ActionFailed, TelephonyDown, BadInput."""
        return await self._session.request(action, LIMIT)

    async def listing(self, action: SimpleAction) -> list[Event]:
        """A whole list. Raises as ``ask``."""
        return await self._session.listing(action, LIMIT)

    async def booted(self) -> bool:
        """Whether Asterisk said FullyBooted, which only the read class ``system`` hears."""
        try:
            async with asyncio.timeout(LIMIT):
                await self._session.booted.wait()
        except TimeoutError:
            return False
        return True

    def believe(self, system_name: str) -> None:
        """From now on events with this system name count."""
        self._session.system_name = system_name

    def take(self, event: Event) -> None:
        """Keep an event."""
        self.events.append((self._clock.wall().timestamp(), event))
        self._news.set()

    async def more(self) -> None:
        """Return when another event has come."""
        self._news.clear()
        await self._news.wait()


@asynccontextmanager
async def logged_in(target: AmiTarget, clock: Clock) -> AsyncIterator[Link]:
    """A log-in for the length of the block. Raises NoLogIn."""
    where = f"{target.host}:{target.port}"
    try:
        async with asyncio.timeout(LIMIT):
            reader, writer = await asyncio.open_connection(target.host, target.port)
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "strerror", None) or "no answer"
        raise NoLogIn(_unreachable(where, reason, target.port)) from error
    session = AmiSession(reader, writer, clock, AmiLimits(), AmiCounters())
    link, tasks = Link(session, clock), Tasks("doctor")
    try:
        tasks.run(_read(session), "read")
        tasks.run(session.deliver(link.take), "deliver")
        await _log_in(session, target, where)
        yield link
    finally:
        await tasks.close()
        session.close()


async def _read(session: AmiSession) -> None:
    try:
        await session.read()
    except LinkLost:
        session.close()  # whoever waits for an answer learns it


async def _log_in(session: AmiSession, target: AmiTarget, where: str) -> None:
    try:
        async with asyncio.timeout(LIMIT):
            await session.banner.wait()
    except TimeoutError as error:
        text = f"something listens on {where}, but it is not Asterisk's manager interface, or it hangs"
        remedy = "set ami_port in [asterisk] to the port in [general] of manager.conf, or restart Asterisk"
        raise NoLogIn(failed("ami", text, remedy)) from error
    try:
        await session.request(actions.login(target.username, target.secret), LIMIT)
    except (ActionFailed, BadInput, TelephonyDown) as error:
        raise NoLogIn(_refused(target.username, where, error.message)) from error


def _unreachable(where: str, reason: str, port: int) -> Check:
    return failed(
        "ami",
        f"no connection to Asterisk's manager interface at {where}: {reason}",
        "start Asterisk; in manager.conf, under [general]:  enabled = yes  bindaddr = 127.0.0.1  "
        f"port = {port}  and then  asterisk -rx 'core restart now';  or correct host and ami_port in [asterisk] of our "
        "settings",
    )


def _refused(user: str, where: str, reason: str) -> Check:
    return failed(
        "ami",
        f"Asterisk at {where} refuses the log-in of {user}: {reason}",
        f"at the end of manager.conf:  #include manager_callcenter.conf  and  [{user}](callcenter-rights)  with the "
        "line  secret = ...  as in the file of asterisk.ami_secret_file, and our address in its permit line; then  "
        "asterisk -rx 'manager reload'",
    )


def not_tried(name: str, found: str = NOT_TRIED) -> Check:
    """A check that another one's failure made impossible."""
    return warning(name, found, "repair what failed above, and ask again")
