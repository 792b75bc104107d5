"""What Asterisk has now: its channels by unique id. State only; ``translate`` decides what it means.

Parts of a channel's life may have been missed, so everything but the id can be unknown. The table is bounded, and
it is empty of truth once the link is lost: the next snapshot says what still lives.
"""

import asyncio
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from callcenter.asterisk.ami.messages import Event
from callcenter.calls.ports import LiveChannel
from callcenter.ids import CallId
from callcenter.telephony import safe

MOST_CHANNELS = 20_000
"""Ten times what one Asterisk carries; more is a fault, and the rest is left out."""
MOST_DIRECT = 32
"""Direct calls that one caller's channel is remembered for (a queue rings phones again and again)."""
_REMEMBERED = 2_000
"""Ended channels that are remembered, so that a list which is older than their end can't bring them back."""

_DEVICE = re.compile(r"(?P<device>[^/]{1,40}/.{1,150})-[0-9a-f]{8}(?:;[12])?", re.DOTALL)
OUTGOING = frozenset({"AppDial", "AppDial2", "AppQueue"})
"""What Asterisk calls the application of a channel that was dialled."""
AGENT_CONTEXT = "callcenter-agent"
"""Where the channel of an agent goes who calls out by a click."""


def device_of(channel: str) -> str:
    """``PJSIP/1001`` from ``PJSIP/1001-0000001f``; empty when this isn't a channel's name."""
    match = _DEVICE.fullmatch(channel)
    return match["device"] if match else ""


@dataclass(slots=True)
class Channel:
    """One channel. Times are our own monotonic seconds."""

    uniqueid: str
    name: str = ""
    device: str = ""
    linkedid: str = ""
    call_id: CallId | None = None
    """Our id, from ``CC_CALL``; for a leg of a direct call the id that we gave it."""
    state: str = ""
    bridge: str = ""
    context: str = ""
    leg: bool = False
    """It was dialled by another channel."""
    originated: bool = False
    """An agent's channel that carries a call to the outside: dialled by nobody."""
    dialler: str = ""
    """For a leg: the unique id of the caller's channel."""
    rung: bool = False
    answered: bool = False
    reached_at: float | None = None
    """When somebody whom this channel dialled answered, the last time."""
    held: bool = False
    direct: list[CallId] = field(default_factory=list)
    """For a caller's channel: the ids of its direct calls."""

    @property
    def local(self) -> bool:
        """One half of Asterisk's own pipe, not somebody's line."""
        return self.name.startswith("Local/")

    @property
    def carries(self) -> bool:
        """It is the caller's own channel, or the agent's (also through ``Local``) that carries an outbound call."""
        return not self.leg and (not self.local or self.originated)


class ChannelTable:
    """Channels by unique id."""

    def __init__(self) -> None:
        self._channels: dict[str, Channel] = {}
        self._ended: deque[str] = deque(maxlen=_REMEMBERED)
        self._awaited: dict[str, list[asyncio.Future[None]]] = {}
        self.left_out = 0
        """Channels for which there was no room."""

    def __len__(self) -> int:
        return len(self._channels)

    def __iter__(self) -> Iterator[Channel]:
        return iter(list(self._channels.values()))

    def get(self, uniqueid: str) -> Channel | None:
        """The channel, if it is known."""
        return self._channels.get(uniqueid)

    def note(self, event: Event, prefix: str = "") -> Channel | None:
        """Take in what an event says of a channel (``prefix`` ``Dest``: of the one that is dialled).

        None when it says too little, or there is no room.
        """
        uniqueid = event.get(f"{prefix}Uniqueid")
        if not safe.UNIQUE_ID.fullmatch(uniqueid):
            return None
        channel = self._channels.get(uniqueid)
        if channel is None:
            if len(self._channels) >= MOST_CHANNELS:
                self.left_out += 1
                return None
            channel = self._channels[uniqueid] = Channel(uniqueid)
            self._tell(uniqueid)
        if name := event.get(f"{prefix}Channel"):
            channel.name, channel.device = name, device_of(name)
        channel.linkedid = event.get(f"{prefix}Linkedid") or channel.linkedid
        channel.state = event.get(f"{prefix}ChannelStateDesc") or channel.state
        channel.context = event.get(f"{prefix}Context") or channel.context
        ours = safe.call_id(event.variables_of(f"{prefix}ChanVariable").get("CC_CALL", ""))
        if ours is not None and not (channel.leg and channel.call_id):
            channel.call_id = ours
        return channel

    def note_listed(self, item: Event) -> Channel | None:
        """Take in one CoreShowChannel; None for what can't be used, and for what has ended meanwhile."""
        if item.get("Uniqueid") in self._ended:
            return None
        channel = self.note(item)
        if channel is None:
            return None
        channel.bridge = item.get("BridgeId")
        # A channel may be known by its Newchannel alone, when the gap began before its DialBegin.
        if not channel.leg and item.get("Application") in OUTGOING:
            channel.leg, channel.dialler = True, channel.linkedid
        if not channel.leg and channel.context == AGENT_CONTEXT:
            channel.originated = True
        return channel

    def remove(self, uniqueid: str) -> Channel | None:
        """The channel has ended."""
        channel = self._channels.pop(uniqueid, None)
        if channel is not None:
            self._ended.append(uniqueid)
        return channel

    def clear(self) -> None:
        """Forget all; nobody who waits is told."""
        self._channels.clear()
        self._ended.clear()

    def of_call(self, call_id: CallId) -> list[Channel]:
        """The channels of one call."""
        return [c for c in self._channels.values() if c.call_id == call_id or call_id in c.direct]

    def has_device(self, device: str) -> bool:
        """Whether any channel of this device lives."""
        return any(c.device == device for c in self._channels.values())

    def live_calls(self) -> frozenset[CallId]:
        """Our ids on living callers' channels, and of direct calls whose phone is still engaged."""
        carried = {c.call_id for c in self._channels.values() if c.call_id and c.carries}
        direct = {c.call_id for c in self._channels.values() if c.call_id and c.leg and self.is_direct(c)}
        return frozenset(carried | direct)

    def is_direct(self, leg: Channel) -> bool:
        """Whether this leg's call is a direct one."""
        caller = self._channels.get(leg.dialler)
        return caller is not None and leg.call_id in caller.direct

    async def appears(self, uniqueid: str, limit: float) -> bool:
        """Wait at most ``limit`` seconds for a channel to be known."""
        if uniqueid in self._channels:
            return True
        seen: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._awaited.setdefault(uniqueid, [])
        waiting.append(seen)
        try:
            async with asyncio.timeout(limit):
                await seen
        except TimeoutError:
            return False
        finally:
            waiting.remove(seen)
            if not waiting:
                self._awaited.pop(uniqueid, None)
        return True

    def _tell(self, uniqueid: str) -> None:
        for seen in self._awaited.get(uniqueid, ()):
            if not seen.done():
                seen.set_result(None)


def live_channel(item: Event) -> LiveChannel | None:
    """One CoreShowChannel as a fact for others; None when it names no channel."""
    uniqueid, name = item.get("Uniqueid"), item.get("Channel")
    if not safe.UNIQUE_ID.fullmatch(uniqueid) or not name:
        return None
    return LiveChannel(
        channel_id=uniqueid,
        linked_id=item.get("Linkedid"),
        channel=name,
        phone=device_of(name),
        call_id=safe.call_id(item.variables.get("CC_CALL", "")),
        state=item.get("ChannelStateDesc"),
        application=item.get("Application"),
        bridged=bool(item.get("BridgeId")),
        seconds=_seconds(item.get("Duration")),
        caller_number=safe.unknown_as_empty(item.get("CallerIDNum")),
    )


def _seconds(duration: str) -> int:
    """``01:02:03`` as seconds; 0 when it is in no such form."""
    match = re.fullmatch(r"([0-9]{1,6}):([0-5][0-9]):([0-5][0-9])", duration)
    return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]) if match else 0
