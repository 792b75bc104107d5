"""One TCP connection to AMI, from its first byte to its loss.

``read`` splits and sorts: answers go to the action in flight, events into a bounded queue. ``deliver``
empties that queue in order. ``ping`` notices silence. LinkLost says that the connection can't be trusted.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from callcenter.asterisk.ami import actions
from callcenter.asterisk.ami.actions import SimpleAction
from callcenter.asterisk.ami.framing import AmiFramer, Frame
from callcenter.asterisk.ami.messages import Event, Response
from callcenter.clock import Clock
from callcenter.errors import ActionFailed, TelephonyDown

log = structlog.get_logger(__name__)

_READ = 64 * 1024
_UNSENT = 1024 * 1024
"""Bytes that Asterisk has not taken from us; it reads actions at once unless it hangs."""
_BATCH = 50
"""Events handed over before others get their turn in the loop; 50 take about a millisecond."""


class LinkLost(TelephonyDown):
    """The connection is over. ``refused``: Asterisk is there and won't have us, so that haste is no use."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


@dataclass(frozen=True, slots=True)
class AmiLimits:
    """Times in seconds, and sizes; the defaults are what the program promises, tests shorten them."""

    login: float = 5.0
    booted: float = 60.0
    """Asterisk with a large configuration takes its time; longer is a fault."""
    ping: float = 3.0
    """Two in a row without an answer end the link: silence is noticed within 9 s."""
    retry_first: float = 0.2
    retry_longest: float = 10.0
    settled: float = 10.0
    """A link that lived this long was sound: the next retry is a quick one again."""
    resync: float = 10.0
    late: float = 2.0
    """An event that is older than this when it arrives is late."""
    late_for: float = 10.0
    events: int = 20_000
    """Waiting events; 20 calls/s make 600 events/s, so half a minute. Asterisk itself cuts at 4.4 MB."""


@dataclass(slots=True)
class AmiCounters:
    """Since the start of the program, over all connections."""

    events: int = 0
    """Events that were accepted."""
    rejected: int = 0
    """Pieces of the stream that were no AMI message."""
    unauthenticated: int = 0
    """Events that did not carry our Asterisk's name."""
    dropped: int = 0
    """Events thrown away: with a connection that was given up, or from a list that came too late."""
    lag: int = 0
    """Events that arrived more than ``AmiLimits.late`` after Asterisk made them."""


@dataclass(slots=True)
class _InFlight:
    """An action that waits for its response; for a list, the items so far."""

    answer: asyncio.Future[Response]
    items: list[Event] | None = None


@dataclass(slots=True)
class AmiSession:
    """The state of one connection. ``system_name`` is empty until it is known; no event counts before."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    clock: Clock
    limits: AmiLimits
    counters: AmiCounters
    system_name: str = ""
    banner: asyncio.Event = field(default_factory=asyncio.Event)
    booted: asyncio.Event = field(default_factory=asyncio.Event)
    hostile: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something was thrown away that may have hidden something true."""
    _framer: AmiFramer = field(default_factory=AmiFramer)
    _in_flight: dict[str, _InFlight] = field(default_factory=dict)
    _given_up: deque[str] = field(default_factory=lambda: deque(maxlen=64))
    _events: deque[Event] = field(default_factory=deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _closed: bool = False
    _clock_ahead: float | None = None
    _late_since: float | None = None

    async def read(self) -> None:
        """Split and sort until the connection ends, which raises LinkLost."""
        while True:
            try:
                data = await self.reader.read(_READ)
            except OSError as error:
                raise LinkLost(f"the connection broke: {error.strerror or type(error).__name__}") from None
            if not data:
                raise LinkLost("Asterisk closed the connection")
            wall = self.clock.wall().timestamp()
            for frame in self._framer.feed(data):
                self._take(frame, wall)
            if self._framer.version is not None:
                self.banner.set()

    def _take(self, frame: Frame, wall: float) -> None:
        if isinstance(frame, Event):
            self._take_event(frame, wall)
        elif isinstance(frame, Response):
            self._take_response(frame, wall)
        else:
            self.counters.rejected += 1
            self.hostile.set()
            log.warning("ami bytes rejected", reason=frame.reason, length=frame.excerpt_length)

    def _take_response(self, response: Response, wall: float) -> None:
        waiting = self._in_flight.get(response.action_id)
        if waiting is None or waiting.answer.done():
            return
        if response.get("Ping") and (stamp := _seconds(response)) is not None:
            # Two machines' clocks differ; a ping is answered at once, so it tells by how much.
            self._clock_ahead = wall - stamp
        if waiting.items is None or response.failed:
            waiting.answer.set_result(response)
        elif response.event_list.lower() != "start":
            waiting.answer.set_exception(ActionFailed("Asterisk did not answer with a list"))

    def _take_event(self, event: Event, wall: float) -> None:
        keys = event.keys
        if "ActionID" in keys and self._belongs_to_list(event):
            return
        if keys.get("SystemName") != self.system_name or not self.system_name:
            if event.name == "FullyBooted" and not self.booted.is_set():
                self.booted.set()
            elif event.action_id in self._in_flight:
                self.counters.dropped += 1
            elif self.system_name:
                self.counters.unauthenticated += 1
                self.hostile.set()
            return
        self.counters.events += 1
        if len(self._events) >= self.limits.events:
            raise LinkLost(f"more than {self.limits.events} events wait for us")
        self._events.append(event)
        self._arrived.set()
        if self._clock_ahead is not None and (stamp := _seconds(event)) is not None:
            self._watch_lag(wall - stamp - self._clock_ahead)

    def _belongs_to_list(self, event: Event) -> bool:
        """Keep a list's item with its list. A list that nobody waits for any more is thrown away."""
        if event.action_id in self._given_up:
            self.counters.dropped += 1
            return True
        waiting = self._in_flight.get(event.action_id)
        if waiting is None or waiting.items is None:
            return False
        if waiting.answer.done():
            return True
        match event.event_list.lower():
            case "complete":
                waiting.answer.set_result(Response("Success", {}))
            case "cancelled":
                waiting.answer.set_exception(ActionFailed("Asterisk broke its list off"))
            case _ if len(waiting.items) >= self.limits.events:
                waiting.answer.set_exception(ActionFailed("Asterisk's list is too long"))
            case _:
                waiting.items.append(event)
        return True

    def _watch_lag(self, lag: float) -> None:
        if lag <= self.limits.late:
            self._late_since = None
            return
        self.counters.lag += 1
        now = self.clock.now()
        if self._late_since is None:
            self._late_since = now
            log.warning("asterisk's events are late", seconds=round(lag, 1))
        elif now - self._late_since >= self.limits.late_for:
            raise LinkLost(f"events come {lag:.0f} s late")

    async def request(self, action: SimpleAction, limit: float) -> Response:
        """Send and wait. Raises ActionFailed (refused, or no answer in time), TelephonyDown, BadInput."""
        return await self._ask(action, limit, None)

    async def listing(self, action: SimpleAction, limit: float) -> list[Event]:
        """Send and wait for the whole list. Raises as ``request`` does; half a list is never given."""
        items: list[Event] = []
        await self._ask(action, limit, items)
        return items

    async def _ask(self, action: SimpleAction, limit: float, items: list[Event] | None) -> Response:
        action_id = secrets.token_hex(8)
        data = actions.encode(action, action_id)
        if self._closed or self.writer.transport.get_write_buffer_size() > _UNSENT:
            raise TelephonyDown("Asterisk can't be reached")
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._in_flight[action_id] = _InFlight(answer, items)
        self.writer.write(data)
        try:
            async with asyncio.timeout(limit):
                response = await answer
        except TimeoutError:
            raise ActionFailed(f"{action.name}: no answer in {limit:g} s", code="action_timeout") from None
        finally:
            del self._in_flight[action_id]
            if items is not None:
                self._given_up.append(action_id)
        if response.failed:
            raise ActionFailed(f"{action.name}: {response.get('Message')}")
        return response

    async def ping(self) -> None:
        """Ask for a sign of life for ever; LinkLost when two in a row bring none."""
        missed = 0
        while missed < 2:
            sent = self.clock.now()
            try:
                await self.request(actions.ping(), self.limits.ping)
                missed = 0
            except (ActionFailed, TelephonyDown):
                missed += 1
            await asyncio.sleep(max(0.0, sent + self.limits.ping - self.clock.now()))
        raise LinkLost("Asterisk is silent")

    async def deliver(self, on_event: Callable[[Event], None]) -> None:
        """Hand over the waiting events in their order, for ever."""
        while True:
            if not self._events:
                self._arrived.clear()
                await self._arrived.wait()
            for _ in range(min(_BATCH, len(self._events))):
                event = self._events.popleft()
                try:
                    on_event(event)
                except Exception:
                    # An edge: one event that can't be handled must not stop the rest.
                    log.exception("ami event handler failed", event_name=event.name)
            if self._events:
                await asyncio.sleep(0)

    def close(self) -> None:
        """Forget the connection: what waits for an answer fails, what was not delivered is dropped."""
        self._closed = True
        self.counters.dropped += len(self._events)
        self._events.clear()
        for waiting in self._in_flight.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(TelephonyDown("the connection to Asterisk was lost"))
        # Not a polite close: that would wait for a peer that may be dead.
        self.writer.transport.abort()


def _seconds(message: Event | Response) -> float | None:
    """When Asterisk wrote the message, by its own clock; None where it does not say."""
    try:
        return float(message.get("Timestamp"))
    except ValueError:
        return None
