"""The telephony link: one AMI connection, what is known of its channels, and the events told on the bus.

``TelephonyUp`` follows each connect once the snapshot is taken; ``TelephonyLost`` each loss, at once.
"""

import asyncio
import contextlib
from collections.abc import Sequence

import structlog

from callcenter.asterisk.ami import actions
from callcenter.asterisk.ami.actions import SimpleAction
from callcenter.asterisk.ami.connection import AmiConnection, AmiCounters, AmiLimits, AmiTarget, Greeting
from callcenter.asterisk.ami.messages import Event, Response
from callcenter.bus import Bus
from callcenter.calls.events import PhoneStateChanged, TelephonyLost, TelephonyUp
from callcenter.calls.ports import LiveChannel, PhoneBook
from callcenter.clock import Clock
from callcenter.errors import ActionFailed, TelephonyDown
from callcenter.ids import CallId, new_id
from callcenter.telephony import safe
from callcenter.telephony.channels import ChannelTable
from callcenter.telephony.originates import Originates
from callcenter.telephony.phone_states import PhoneStates
from callcenter.telephony.resync import FallbackQueue, Resync
from callcenter.telephony.translate import Translator

log = structlog.get_logger(__name__)

CONFIRM_LIMIT = 1.0
"""Seconds that AMI may lag behind a FastAGI connection before it is asked."""
ANSWER_LAG = 0.1
"""Seconds that the event of an answer may lag behind the end of the talk."""
RECONCILE_EVERY = 30.0


class Telephony:
    """``run`` is its one task. ``fallback_queue`` is the name of Asterisk's queue for callers without us."""

    def __init__(
        self,
        target: AmiTarget,
        bus: Bus,
        clock: Clock,
        phone_book: PhoneBook,
        fallback_queue: str,
        *,
        limits: AmiLimits | None = None,
        reconcile_every: float = RECONCILE_EVERY,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._reconcile_every = reconcile_every
        self.phone_book = phone_book
        self.fallback_queue = fallback_queue
        self.table = ChannelTable()
        self.originates = Originates()
        self._phones = PhoneStates(phone_book)
        self._translator = Translator(phone_book, lambda: CallId(new_id(clock)))
        self._resync = Resync(self.table, self._phones, self._translator, phone_book)
        self._look = asyncio.Event()
        self._up = False
        self._epoch: str | None = None
        self._first = asyncio.Event()
        """The link has been up once."""
        self._lost_at: float | None = None
        self._connection = AmiConnection(
            target,
            clock,
            on_event=self._on_event,
            on_up=self._on_up,
            on_down=self._on_down,
            on_resync=self._look.set,
            limits=limits,
        )

    @property
    def up(self) -> bool:
        """The link stands and the snapshot has been taken."""
        return self._up

    @property
    def counters(self) -> AmiCounters:
        """What came over the wire since the start."""
        return self._connection.counters

    @property
    def fallback(self) -> FallbackQueue:
        """The fallback queue at the last snapshot."""
        return self._resync.fallback

    def live_channels(self) -> list[LiveChannel]:
        """The channels of the last snapshot, for adopting calls that began before us; none while down."""
        return list(self._resync.channels) if self._up else []

    async def run(self) -> None:
        """Keep the link, and look twice a minute whether the events told everything; until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._connection.run(), name="telephony:link")
                tasks.create_task(self._reconcile(), name="telephony:reconcile")
        finally:
            self._up = False

    async def action(self, action: SimpleAction) -> Response:
        """Have Asterisk do it. Raises TelephonyDown, ActionFailed, BadInput."""
        self._check_up()
        return await self._connection.action(action)

    async def listing(self, action: SimpleAction) -> list[Event]:
        """A whole list. Raises TelephonyDown, ActionFailed, BadInput."""
        self._check_up()
        return await self._connection.listing(action)

    async def confirms(self, uniqueid: str) -> bool:
        """Whether AMI knows this channel: only then a FastAGI session is a caller's. Never raises.

        Waits a second at most for its event, then asks. At our own start it waits as long for the link: a caller may
        be quicker than the first snapshot.
        """
        if not safe.UNIQUE_ID.fullmatch(uniqueid) or not await self._is_up():
            return False
        if await self.table.appears(uniqueid, CONFIRM_LIMIT):
            return True
        try:
            # Asterisk takes the unique id where it takes a channel's name.
            found = await self.listing(actions.status(uniqueid))
        except (ActionFailed, TelephonyDown):
            return False
        return any(item.get("Uniqueid") == uniqueid for item in found)

    async def _is_up(self) -> bool:
        """Is the link up? At the start, once it is, or a second later."""
        if not self._up and self._epoch is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CONFIRM_LIMIT):
                    await self._first.wait()
        return self._up

    async def answered_at(self, uniqueid: str, since: float) -> float | None:
        """When the phone that this caller's channel rang (after ``since``) was answered; None if not seen."""
        deadline = self._clock.now() + ANSWER_LAG
        while True:
            channel = self.table.get(uniqueid)
            if channel is not None and channel.reached_at is not None and channel.reached_at >= since:
                return channel.reached_at
            if not self._up or self._clock.now() >= deadline:
                return None
            await asyncio.sleep(ANSWER_LAG / 10)

    def tell(self, happened: object) -> None:
        """Publish something that happened."""
        self._bus.publish(happened)

    # ------------------------------------------------------------ the connection's hooks

    def _on_event(self, event: Event) -> None:
        now = self._clock.now()
        if event.name == "OriginateResponse":
            failed = self.originates.outcome(event, now)
            if failed is not None:
                self._bus.publish(failed)
            return
        self._publish(self._translator.apply(self.table, self._phones, event, now))

    async def _on_up(self, greeting: Greeting) -> None:
        first = self._epoch is None
        restarted = not first and greeting.epoch != self._epoch
        happened = await self._resync.snapshot(
            self._connection.listing, self.fallback_queue, fresh=first or restarted, now=self._clock.now
        )
        self._epoch = greeting.epoch
        now = self._clock.now()
        gap = 0.0 if first or self._lost_at is None else now - self._lost_at
        self._up, self._lost_at = True, None
        self._first.set()
        phones = [each for each in happened if isinstance(each, PhoneStateChanged)]
        self._publish(phones)
        self._bus.publish(TelephonyUp(now, restarted, self.table.live_calls(), gap))
        if not first:  # at our own start the calls that live are taken over by ``live_channels``
            self._publish([each for each in happened if not isinstance(each, PhoneStateChanged)])
        log.info("telephony up", restarted=restarted, channels=len(self.table), gap_seconds=round(gap, 2))

    def _on_down(self, reason: str) -> None:
        now = self._clock.now()
        if self._lost_at is None:
            self._lost_at = now
        self._up = False
        self._phones.forget()
        self.originates.forget()
        self._bus.publish(TelephonyLost(now, reason))

    async def _reconcile(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._reconcile_every):
                    await self._look.wait()
            self._look.clear()
            if not self._up:
                continue
            try:
                self._publish(await self._resync.reconcile(self.listing, self._clock.now))
            except (ActionFailed, TelephonyDown) as error:
                log.warning("reconcile failed", reason=error.message)
            except Exception:  # an edge: one look that stumbles must not end the link
                log.exception("reconcile failed")

    def _publish(self, happened: Sequence[object]) -> None:
        for each in happened:
            self._bus.publish(each)

    def _check_up(self) -> None:
        if not self._up:
            raise TelephonyDown("Asterisk can't be reached")
