"""The link to one Asterisk: it is always there, or being rebuilt.

In: a target and four hooks. Out: ``on_up`` once for each new connection, to take a snapshot; then each event,
in order, to ``on_event``; ``on_down`` when what is known can't be trusted any more. Events that arrive during
``on_up`` wait until it has returned.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from callcenter.asterisk.ami import actions, greeting
from callcenter.asterisk.ami.actions import SimpleAction
from callcenter.asterisk.ami.greeting import Greeting
from callcenter.asterisk.ami.messages import Event, Response
from callcenter.asterisk.ami.session import AmiCounters, AmiLimits, AmiSession, LinkLost
from callcenter.clock import Clock
from callcenter.errors import ActionFailed, BadInput, TelephonyDown
from callcenter.tasks import Tasks

log = structlog.get_logger(__name__)

__all__ = ["AmiConnection", "AmiCounters", "AmiLimits", "AmiTarget", "Greeting"]


@dataclass(frozen=True, slots=True)
class AmiTarget:
    """Where to log in and as whom. ``event_filters`` need the write class ``system``: prefer manager.conf."""

    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    event_filters: tuple[str, ...] = ()


class AmiConnection:
    """Keeps one log-in alive. ``run`` is its one task; the rest may be called from anywhere in the loop."""

    def __init__(
        self,
        target: AmiTarget,
        clock: Clock,
        *,
        on_event: Callable[[Event], None],
        on_up: Callable[[Greeting], Awaitable[None]],
        on_down: Callable[[str], None],
        on_resync: Callable[[], None] | None = None,
        limits: AmiLimits | None = None,
    ) -> None:
        """``on_resync`` asks for a new snapshot on a living link, after hostile bytes, at most every 10 s."""
        self._target = target
        self._clock = clock
        self._on_event = on_event
        self._on_up = on_up
        self._on_down = on_down
        self._on_resync = on_resync
        self._limits = limits or AmiLimits()
        self._session: AmiSession | None = None
        self._reported: str | None = None
        self._up_since: float | None = None
        self.counters = AmiCounters()
        self.up = False
        """True from the end of ``on_up`` to the loss of the link."""

    @property
    def system_name(self) -> str:
        """The name that each event of this Asterisk carries; empty while there is no link. Keep it secret."""
        return self._session.system_name if self._session else ""

    async def action(self, action: SimpleAction, timeout: float = 5.0) -> Response:  # noqa: ASYNC109  the caller's word
        """Do it and give Asterisk's answer.

        Raises TelephonyDown without a link, ActionFailed when refused or not answered in ``timeout`` seconds
        (code ``action_timeout``: it may have been done all the same), BadInput for text that can't be sent.
        """
        return await self._linked().request(action, timeout)

    async def listing(self, action: SimpleAction, timeout: float = 10.0) -> list[Event]:  # noqa: ASYNC109  as above
        """The items of a list, all of them or none. Raises as ``action`` does.

        An item with hostile bytes in it is missing: ``on_resync`` then follows.
        """
        return await self._linked().listing(action, timeout)

    def _linked(self) -> AmiSession:
        if self._session is None:
            raise TelephonyDown("Asterisk can't be reached")
        return self._session

    async def run(self) -> None:
        """Connect for ever, until cancelled."""
        # Each link has a task of its own: before Python 3.13 a task group forgets a cancel that comes
        # together with a loss, and then this loop would go on for ever.
        links = Tasks("ami")
        try:
            await self._link_after_link(links)
        finally:
            await links.close()

    async def _link_after_link(self, links: Tasks) -> None:
        attempt = 0
        while True:
            self._up_since = None
            link = links.start(self._one_link(), "link")
            await asyncio.wait([link])
            error = link.exception()
            lost = link.result() if error is None else LinkLost(f"a fault of ours: {type(error).__name__}")
            if self._up_since is not None and self._clock.now() - self._up_since >= self._limits.settled:
                attempt = 0
            self._tell_down(lost)
            ceiling = min(self._limits.retry_longest, self._limits.retry_first * 2**attempt)
            if lost.refused:
                ceiling = self._limits.retry_longest
            attempt = min(attempt + 1, 16)
            # Jitter, so that many cores don't knock at a restarted Asterisk in step.
            await asyncio.sleep(ceiling * random.uniform(0.5, 1.0))

    async def _one_link(self) -> LinkLost:
        """One connection from beginning to end; says why it ended."""
        try:
            async with asyncio.timeout(self._limits.login):
                reader, writer = await asyncio.open_connection(self._target.host, self._target.port)
        except TimeoutError:
            return LinkLost("Asterisk does not accept the connection")
        except OSError as error:
            return LinkLost(f"no connection to Asterisk: {error.strerror or type(error).__name__}")
        session = AmiSession(reader, writer, self._clock, self._limits, self.counters)
        lost = LinkLost("the link ended")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(session.read(), name="ami:read")
                await self._bring_up(session, tasks)
        except* TelephonyDown as losses:
            reasons = [error for error in losses.exceptions if isinstance(error, LinkLost)]
            # Asterisk hangs up after a refusal: the refusal is the reason that helps.
            lost = max(reasons, key=lambda reason: reason.refused, default=lost)
        finally:
            self.up = False
            self._session = None
            session.close()
        return lost

    async def _bring_up(self, session: AmiSession, tasks: asyncio.TaskGroup) -> None:
        await self._log_in(session)
        tasks.create_task(session.ping(), name="ami:ping")
        found = await self._greet(session)
        self._session = session
        self._reported = None
        try:
            await self._on_up(found)
        except Exception as error:
            # An edge: whatever a snapshot stumbles over, the way out is a new one.
            log.exception("asterisk snapshot failed")
            raise LinkLost(f"the snapshot failed: {type(error).__name__}") from None
        self._up_since = self._clock.now()
        self.up = True
        log.info("asterisk link up", host=self._target.host, asterisk=found.asterisk_version)
        tasks.create_task(session.deliver(self._on_event), name="ami:deliver")
        tasks.create_task(self._resync(session), name="ami:resync")

    async def _log_in(self, session: AmiSession) -> None:
        """Say who we are, but only to an AMI."""
        try:
            async with asyncio.timeout(self._limits.login):
                await session.banner.wait()
                await session.request(
                    actions.login(self._target.username, self._target.secret), self._limits.login
                )
        except TimeoutError:
            raise LinkLost("no AMI log-in in time: Asterisk hangs, or something else has this port") from None
        except (ActionFailed, BadInput) as error:
            raise LinkLost(f"Asterisk refused the log-in: {error.message}", refused=True) from None

    async def _greet(self, session: AmiSession) -> Greeting:
        try:
            async with asyncio.timeout(self._limits.booted):
                await session.booted.wait()
        except TimeoutError:
            reason = "no FullyBooted: Asterisk still starts, or the account lacks read=system"
            raise LinkLost(reason, refused=True) from None
        try:
            for expression in self._target.event_filters:
                await session.request(actions.event_filter(expression), self._limits.login)
            # The first ping of this link told how far the clocks are apart.
            found = await greeting.ask(lambda action: session.request(action, self._limits.login))
        except (ActionFailed, BadInput) as error:
            raise LinkLost(error.message, refused=True) from None
        session.system_name = found.system_name
        return found

    async def _resync(self, session: AmiSession) -> None:
        while True:
            await session.hostile.wait()
            session.hostile.clear()
            if self._on_resync is not None:
                try:
                    self._on_resync()
                except Exception:
                    # An edge: the link is sound, whatever the hook makes of it.
                    log.exception("ami resync hook failed")
            await asyncio.sleep(self._limits.resync)

    def _tell_down(self, lost: LinkLost) -> None:
        """Once for each loss and each new reason, not for each attempt."""
        if lost.message == self._reported:
            return
        self._reported = lost.message
        log.warning("asterisk link down", host=self._target.host, port=self._target.port, reason=lost.message)
        try:
            self._on_down(lost.message)
        except Exception:
            # An edge: the link must come back, whatever the hook makes of it.
            log.exception("ami down hook failed")
