"""The snapshot after each connect, and the look every half minute that finds what events did not tell.

Asterisk is asked for all channels and all device states. After a gap the channels that lived before keep what is
known of them (who answered, the ids of direct calls), unless Asterisk itself is new. Only differences are told.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from callcenter.asterisk.ami import actions
from callcenter.asterisk.ami.actions import SimpleAction
from callcenter.asterisk.ami.messages import Event
from callcenter.calls.events import PhoneState
from callcenter.calls.ports import LiveChannel, PhoneBook
from callcenter.errors import ActionFailed
from callcenter.telephony.channels import Channel, ChannelTable, live_channel
from callcenter.telephony.phone_states import PhoneStates, phone_state
from callcenter.telephony.translate import Translator

log = structlog.get_logger(__name__)

SECOND_LOOK = 1.0
"""Seconds after which a channel that a list lacks is looked for again: its Hangup may be on its way."""

Listing = Callable[[SimpleAction], Awaitable[list[Event]]]


@dataclass(frozen=True, slots=True)
class FallbackQueue:
    """What the fallback queue holds: the members' dial strings, and how many callers wait there."""

    members: frozenset[str]
    waiting: int


class Resync:
    """Keeps the table true to Asterisk's own lists."""

    def __init__(
        self, table: ChannelTable, phones: PhoneStates, translator: Translator, phone_book: PhoneBook
    ) -> None:
        self._table = table
        self._phones = phones
        self._translator = translator
        self._book = phone_book
        self.channels: list[LiveChannel] = []
        """What lived at the last snapshot."""
        self.fallback = FallbackQueue(frozenset(), 0)

    async def snapshot(
        self, listing: Listing, queue: str, *, fresh: bool, now: Callable[[], float]
    ) -> list[object]:
        """Rebuild the table; gives what happened in the gap. ``fresh``: nothing from before counts.

        Raises ActionFailed, TelephonyDown: then there is no snapshot.
        """
        listed = await listing(actions.core_show_channels())
        devices = await listing(actions.device_state_list())
        self.fallback = await self._ask_fallback(listing, queue)
        if fresh:
            self._table.clear()
        happened: list[object] = []
        living = {item.get("Uniqueid") for item in listed}
        for gone in [c.uniqueid for c in self._table if c.uniqueid not in living]:
            happened += self._translator.ended(self._table, gone, now())
        happened += self._take_in(listed, now())
        for item in devices:
            happened += self._phones.apply(item, now())
        self.channels = [c for c in map(live_channel, listed) if c is not None]
        return happened

    async def reconcile(self, listing: Listing, now: Callable[[], float]) -> list[object]:
        """Look again without a gap; gives the differences. Raises as ``snapshot`` does."""
        listed = await listing(actions.core_show_channels())
        before = {c.uniqueid for c in self._table}
        happened = self._take_in(listed, now())
        missing = before - {item.get("Uniqueid") for item in listed}
        if missing:
            await asyncio.sleep(SECOND_LOOK)
            again = {item.get("Uniqueid") for item in await listing(actions.core_show_channels())}
            for uniqueid in sorted(missing - again):
                ended = self._translator.ended(self._table, uniqueid, now())
                if ended:
                    log.warning("a hangup was missed", events=len(ended))
                happened += ended
        for item in await listing(actions.device_state_list()):
            happened += self._phone(item, now())
        return happened

    def _take_in(self, listed: list[Event], now: float) -> list[object]:
        channels = [c for c in map(self._table.note_listed, listed) if c is not None]
        happened: list[object] = []
        for channel in sorted(channels, key=_callers_first):
            happened += self._translator.found(self._table, channel, now)
        return happened

    def _phone(self, item: Event, now: float) -> list[object]:
        """A device state, unless it is stale: a phone without any channel is not in use, whatever is said."""
        device = item.get("Device")
        extension = self._book.extension_of(device)
        engaged = phone_state(item.get("State")) in (PhoneState.BUSY, PhoneState.RINGING)
        if extension is None or not engaged or "/" not in device or self._table.has_device(device):
            return list(self._phones.apply(item, now))
        happened: list[object] = list(self._phones.set(extension, PhoneState.IDLE, now))
        if happened:
            log.warning("a device state was stale", extension=extension, state=item.get("State"))
        return happened

    async def _ask_fallback(self, listing: Listing, queue: str) -> FallbackQueue:
        try:
            items = await listing(actions.queue_status(queue))
        except ActionFailed as error:
            log.warning("the fallback queue can't be asked", queue=queue, reason=error.message)
            return FallbackQueue(frozenset(), 0)
        return FallbackQueue(
            frozenset(item.get("Location") for item in items if item.name == "QueueMember"),
            sum(item.name == "QueueEntry" for item in items),
        )


def _callers_first(channel: Channel) -> bool:
    return channel.leg
