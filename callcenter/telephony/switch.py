"""Orders to Asterisk about others than the caller of the running dialogue: AMI actions.

Every word that comes from outside is checked first, and channels are only ever named by what Asterisk told us.
"""

from collections.abc import Mapping

import structlog

from callcenter.asterisk.ami import actions
from callcenter.calls.ports import MissedCall
from callcenter.clock import Clock
from callcenter.errors import ActionFailed
from callcenter.ids import CallId, Extension
from callcenter.telephony import missed, safe
from callcenter.telephony.caller_line import TRANSFER_CONTEXT
from callcenter.telephony.channels import AGENT_CONTEXT, Channel
from callcenter.telephony.link import Telephony

log = structlog.get_logger(__name__)

LONGEST_RING = 600
NO_CALLERS_KEY = "D"
"""The fourth column of keys exists in the standard of the tones, not on telephones."""


class AsteriskSwitch:
    """Implements ``Switch``. ``caller_id`` is what the agent's own phone shows, and the customer sees, at a
    click-to-call: ``Name <number>`` from the settings."""

    def __init__(self, telephony: Telephony, clock: Clock, *, caller_id: str = "") -> None:
        self._telephony = telephony
        self._clock = clock
        self._caller_id = caller_id

    async def click_to_call(
        self, call_id: CallId, phone: str, number: str, *, ring_seconds: int, variables: Mapping[str, str]
    ) -> None:
        """Ring the agent's phone; its channel then enters the outbound dialogue. A failure later is told as
        ``OutboundFailed``. Raises BadInput before anything is sent, TelephonyDown, ActionFailed."""
        given = {"CC_CALL": _checked_id(call_id), **variables}
        response = await self._telephony.action(
            actions.originate(
                safe.dial_string(phone),
                AGENT_CONTEXT,
                safe.number(number),
                timeout_ms=max(1, min(ring_seconds, LONGEST_RING)) * 1000,
                caller_id=self._caller_id,
                variables={f"__{safe.variable(name)}": safe.value(text) for name, text in given.items()},
            )
        )
        failed = self._telephony.originates.ordered(response.action_id, call_id, self._clock.now())
        if failed is not None:
            self._telephony.tell(failed)

    async def hang_up_call(self, call_id: CallId) -> None:
        """End the caller's channel. Raises ActionFailed (``no_such_channel``) when none is known."""
        found = self._telephony.table.of_call(_checked_id(call_id))
        await self._hang_up([c for c in found if c.carries])

    async def hang_up_phone(self, call_id: CallId, phone: str) -> None:
        """End the leg of this phone (a dial string) in the call. Raises ActionFailed (``no_such_channel``)."""
        extension = self._extension(safe.dial_string(phone))
        found = [
            c
            for c in self._telephony.table.of_call(_checked_id(call_id))
            if (c.leg or c.originated)
            and not c.local
            and extension is not None
            and self._rings(c) == extension
        ]
        await self._hang_up(found)

    async def put_through(self, call_id: CallId, target: str) -> None:
        """Send the caller's channel where a blind transfer to this number would. Raises BadInput before anything is
        sent, ActionFailed (``no_such_channel``) when no channel of a caller is known, TelephonyDown."""
        target = safe.number(target)
        callers = [c for c in self._telephony.table.of_call(_checked_id(call_id)) if c.carries and c.name]
        if len(callers) != 1 or callers[0].originated:
            raise ActionFailed("no such channel is known", code="no_such_channel")
        await self._telephony.action(actions.redirect(callers[0].name, TRANSFER_CONTEXT, target))

    async def cut_announcement(self, channel_id: str) -> None:
        """Stop what ``CallerLine.play`` plays on this channel. Raises ActionFailed when nothing plays."""
        await self._telephony.action(actions.control_playback(self._named(channel_id), "stop"))

    async def cut_listening(self, channel_id: str) -> None:
        """End ``CallerLine.read_key`` on this channel, as if a key that phones don't have were pressed."""
        await self._telephony.action(actions.play_dtmf(self._named(channel_id), NO_CALLERS_KEY, receive=True))

    async def mirror_agent(self, phone: str, name: str, *, ready: bool) -> None:
        """Have this phone in the fallback queue, paused unless ready; twice is harmless."""
        queue, phone = self._telephony.fallback_queue, safe.dial_string(phone)
        extension = self._extension(phone)
        device = self._telephony.phone_book.device_name(extension) if extension is not None else ""
        added = await self._unless(
            actions.queue_add(queue, phone, safe.member_name(name), device, paused=not ready), "already there"
        )
        if not added:
            await self._telephony.action(actions.queue_pause(queue, phone, paused=not ready))

    async def drop_agent(self, phone: str) -> None:
        """Take this phone out of the fallback queue; twice is harmless."""
        action = actions.queue_remove(self._telephony.fallback_queue, safe.dial_string(phone))
        await self._unless(action, "not there")

    async def withdraw_waiting(self) -> int:
        """Ask for the callers who wait in the fallback queue, first come first; the dialplan hands each back
        within a second. Who is gone or answered meanwhile isn't counted."""
        queue = self._telephony.fallback_queue
        items = await self._telephony.listing(actions.queue_status(queue))
        entries = [item for item in items if item.name == "QueueEntry" and item.get("Channel")]
        withdrawn = 0
        for entry in sorted(entries, key=lambda item: item.get("Position").zfill(6)):
            try:
                await self._telephony.action(actions.queue_withdraw_caller(queue, entry.get("Channel")))
                withdrawn += 1
            except ActionFailed as error:
                log.info("caller was not withdrawn", reason=error.message)
        return withdrawn

    async def missed_calls(self) -> list[MissedCall]:
        """What the fallback wrote down. Notes in another form are left where they are, and logged."""
        try:
            items = await self._telephony.listing(actions.db_get_tree(missed.FAMILY, missed.TREE))
        except ActionFailed as error:
            if "not found" in error.message.lower():  # Asterisk's word for an empty tree
                return []
            raise
        notes = [missed.parse(item) for item in items]
        if None in notes:
            log.warning("notes that can't be read", count=notes.count(None))
        return [note for note in notes if note is not None]

    # ------------------------------------------------------------

    async def _unless(self, action: actions.SimpleAction, excuse: str) -> bool:
        """Do it; False when Asterisk says that it has been done already."""
        try:
            await self._telephony.action(action)
        except ActionFailed as error:
            if excuse not in error.message.lower():
                raise
            return False
        return True

    def _named(self, channel_id: str) -> str:
        channel = self._telephony.table.get(channel_id)
        if channel is None or not channel.name:
            raise ActionFailed("no such channel is known", code="no_such_channel")
        return channel.name

    async def _hang_up(self, channels: list[Channel]) -> None:
        named = [channel for channel in channels if channel.name]
        if not named:
            raise ActionFailed("no such channel is known", code="no_such_channel")
        for channel in named:
            await self._unless(actions.hangup(channel.name), "no such channel")

    def _rings(self, channel: Channel) -> Extension | None:
        return self._telephony.phone_book.extension_of(channel.device)

    def _extension(self, phone: str) -> Extension | None:
        """The extension that this dial string rings."""
        book = self._telephony.phone_book
        before, _, after = book.dial.partition("{extension}")
        middle = phone[len(before) : len(phone) - len(after)]
        known = middle.isalnum() and book.dial_string(Extension(middle)) == phone
        return Extension(middle) if known else book.extension_of(phone)


def _checked_id(call_id: str) -> CallId:
    known = safe.call_id(call_id)
    if known is None:
        raise ActionFailed("this is no call's id", code="no_such_channel")
    return known
