"""The FastAGI listener: one coroutine per caller, from the hand-over to the end of the dialogue.

Whoever can reach the port could speak AGI, so only listed addresses are served, the header has a time and a
size, and the script's name is only a key in the table of handlers. A connection that is closed here is not a
lost caller: the dialplan goes on to the fallback.
"""

import asyncio
import ipaddress
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import structlog

from callcenter.asterisk.agi.session import AgiSession
from callcenter.clock import Clock
from callcenter.errors import BadInput, CallerGone, ReleasedToFallback
from callcenter.tasks import Tasks

log = structlog.get_logger(__name__)

Handler = Callable[[AgiSession], Awaitable[None]]
_KEEPALIVE_IDLE = 30  # seconds: a node that lost its power sends no end of stream


class AgiServer:
    """Serves the calls that Asterisk hands over.

    ``handlers`` maps a script (the URL's path, exactly) to the caller's coroutine. ``counts`` says how many
    connections ended why; the names are stable, for metrics.
    """

    def __init__(
        self,
        host: str,
        port: int,
        handlers: Mapping[str, Handler],
        allowed_nodes: frozenset[str],
        clock: Clock,
        *,
        header_timeout: float = 5.0,
        max_sessions: int = 2000,
        max_half_open: int = 200,
    ) -> None:
        self._host = host
        self._port = port
        self._handlers = handlers
        self._allowed = frozenset(ipaddress.ip_address(node) for node in allowed_nodes)
        self._clock = clock
        self._header_timeout = header_timeout
        self._max_sessions = max_sessions
        self._max_half_open = max_half_open
        self._tasks = Tasks("agi")
        self._server: asyncio.Server | None = None
        self._stopping = False
        self._half_open = 0
        self._open = 0
        self.counts: Counter[str] = Counter()

    @property
    def port(self) -> int:
        """The port that is listened on, also when 0 was asked for."""
        if self._server is None:
            raise RuntimeError("the AGI server is not started")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def sessions(self) -> int:
        """Callers in a dialogue now."""
        return self._open

    async def start(self) -> None:
        """Listen. Raises ``OSError`` when the port can't be had."""
        self._server = await asyncio.start_server(self._connected, self._host, self._port)

    async def stop(self, limit: float = 5.0) -> None:
        """Listen no more, cancel the callers' coroutines and give them ``limit`` seconds to end.

        Each caller goes on in the dialplan.
        """
        self._stopping = True
        if self._server is not None:
            self._server.close()
        await self._tasks.close(limit)
        if self._server is not None:
            try:
                async with asyncio.timeout(limit):
                    await self._server.wait_closed()
            except TimeoutError:
                log.warning("agi server did not close", seconds=limit)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reason = self._refused(writer)
        if reason is not None:
            self.counts[reason] += 1
            if self.counts[reason] == 1:  # a flood of strangers must not become a flood of lines
                log.warning(
                    "agi connection refused", reason=reason, peer=str(writer.get_extra_info("peername"))
                )
            writer.transport.abort()
            return
        _keep_alive(writer)
        _ = self._tasks.start(self._serve(AgiSession(reader, writer, self._clock)), "caller")

    def _refused(self, writer: asyncio.StreamWriter) -> str | None:
        if self._stopping:
            return "stopping"
        if _address(writer) not in self._allowed:
            return "address_refused"
        if self._half_open >= self._max_half_open:
            return "too_many_half_open"
        if self._open + self._half_open >= self._max_sessions:
            return "too_many_sessions"
        return None

    async def _serve(self, session: AgiSession) -> None:
        reading = None
        try:
            handler = await self._header(session)
            if handler is None:
                return
            self._open += 1
            try:
                reading = self._tasks.start(session.read(), "read")
                await self._handle(session, handler)
            finally:
                self._open -= 1
        finally:
            await session.close()
            if reading is not None:
                reading.cancel()

    async def _header(self, session: AgiSession) -> Handler | None:
        """Read who calls; the handler, or None when the connection isn't served."""
        self._half_open += 1
        try:
            async with asyncio.timeout(self._header_timeout):
                request = await session.open()
        except TimeoutError:
            self._drop("header_timeout")
            return None
        except CallerGone:
            self._drop("header_cut")
            return None
        except BadInput as error:
            self._drop("header_rejected", problem=error.message)
            return None
        finally:
            self._half_open -= 1
        handler = self._handlers.get(request.script)
        if handler is None:
            self._drop("unknown_script", channel=request.channel)
            return None
        return handler

    def _drop(self, reason: str, **facts: str) -> None:
        self.counts[reason] += 1
        log.warning("agi connection dropped", reason=reason, **facts)

    async def _handle(self, session: AgiSession, handler: Handler) -> None:
        with structlog.contextvars.bound_contextvars(channel=session.request.channel):
            try:
                await handler(session)
                self.counts["ended"] += 1
            except CallerGone:
                self.counts["caller_gone"] += 1
            except ReleasedToFallback as released:
                self.counts["released"] += 1
                log.warning("caller released to the fallback", reason=released.message)
            except Exception:  # an AGI session is one of the edges: the other callers go on
                self.counts["handler_failed"] += 1
                log.exception("caller's coroutine failed", script=session.request.script)


def _address(writer: asyncio.StreamWriter) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Who connects. An IPv4 node that reaches an IPv6 socket is still that IPv4 node."""
    peer = writer.get_extra_info("peername")
    if not peer:  # it left before it was looked at
        return None
    address = ipaddress.ip_address(peer[0].partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE)
