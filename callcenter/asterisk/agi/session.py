"""One caller's FastAGI dialogue: commands out one at a time, replies and the hang-up in."""

import asyncio
from collections import deque
from dataclasses import dataclass

from callcenter.asterisk.agi.framing import (
    AgiFramer,
    AgiReply,
    EnvironmentRead,
    Frame,
    HangupNotice,
    Rejected,
)
from callcenter.asterisk.agi.request import AgiRequest
from callcenter.clock import Clock
from callcenter.errors import ActionFailed, BadInput, CallcenterError, CallerGone, ReleasedToFallback

HANGUP_GRACE = 0.5
"""Seconds that a command in flight has for its reply after the ``HANGUP`` line: the result of ``EXEC Dial``
may follow it, and says how the talk went."""
_CHUNK = 4096
_MAX_UNANSWERED = (
    8  # given-up commands whose replies are still owed; more means that Asterisk no longer listens
)
_CLOSE_LIMIT = 1.0


@dataclass(slots=True)
class _Owed:
    """A reply that Asterisk owes; kept in order also when nobody waits for it any more."""

    reply: asyncio.Future[AgiReply]
    dead: bool


class AgiSession:
    """The dialogue of one call. The server runs ``read``; the caller's coroutine uses the rest.

    ``hung_up`` tells that the caller has gone, before any command raises it.
    """

    request: AgiRequest

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._framer = AgiFramer()
        self._lock = asyncio.Lock()
        self._owed: deque[_Owed] = deque()
        self._gone = asyncio.Event()
        self._hung_up = False
        self._over = False
        self._grace: asyncio.TimerHandle | None = None
        self._refusal: str | None = None
        self.started = clock.now()

    @property
    def hung_up(self) -> bool:
        """The ``HANGUP`` line has come, or the connection is over."""
        return self._gone.is_set()

    @property
    def refusal(self) -> str | None:
        """Why the framing gave this connection up, if it did."""
        return self._refusal

    async def open(self) -> AgiRequest:
        """Read the environment; the server calls it once, with a limit, before ``read``.

        Raises:
            BadInput: what came is no AGI environment.
            CallerGone: the connection ended before the environment did.
        """
        while True:
            data = await self._receive()
            if not data:
                raise CallerGone("The AGI connection ended in its environment.")
            frames = self._framer.feed(data)
            if frames and isinstance(frames[0], EnvironmentRead):
                self.request = AgiRequest.parse(frames[0].variables)
                for frame in frames[1:]:
                    self._take(frame)
                if self._refusal is not None:
                    raise BadInput(self._refusal)
                return self.request
            if frames and isinstance(frames[0], Rejected):
                raise BadInput(frames[0].reason)

    async def read(self) -> None:
        """Take in what Asterisk sends until the connection ends or says something that Asterisk can't say."""
        try:
            while self._refusal is None and (data := await self._receive()):
                for frame in self._framer.feed(data):
                    self._take(frame)
        finally:
            self._end()

    async def command(
        self,
        line: bytes,
        timeout: float | None = 5.0,  # noqa: ASYNC109  a command's limit is part of what it says
        *,
        dead: bool = False,
    ) -> AgiReply:
        """Send one command and wait for its reply, at most ``timeout`` seconds (None: as long as it takes).

        Commands wait for one another. ``dead`` is for the few that Asterisk takes after the hang-up
        (``SET VARIABLE``, ``DATABASE DEL``). A command that was given up or cancelled goes on in Asterisk;
        its late reply is dropped and the next command still gets its own.

        Raises:
            CallerGone: the caller hung up, before it or while it ran and no reply came in the grace.
            ActionFailed: no reply in time, or Asterisk refused it (510, 520).
            ReleasedToFallback: the connection carried what Asterisk does not say; it is given up.
        """
        async with self._lock:
            self._check(dead=dead)
            reply = await self._exchange(line, timeout, dead=dead)
        if reply.code == 511:
            raise CallerGone("Asterisk says that the channel is dead.")
        if reply.code != 200:
            raise ActionFailed(
                f"Asterisk refused an AGI command with {reply.code}.", code=f"agi_{reply.code}"
            )
        return reply

    async def wait_gone(self) -> None:
        """Return when the caller has gone, with no command in flight meanwhile.

        Raises:
            ReleasedToFallback: the connection was given up, and the caller may still be there.
        """
        await self._gone.wait()
        if self._refusal is not None:
            raise ReleasedToFallback(self._refusal)

    async def close(self) -> None:
        """Close the connection, so that the dialplan goes on; never raises, takes a second at most."""
        self._writer.close()
        try:
            async with asyncio.timeout(_CLOSE_LIMIT):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            # A peer that takes nothing would hold our last bytes, and the call, for ever.
            self._writer.transport.abort()
        self._end()

    def _check(self, *, dead: bool) -> None:
        if self._refusal is not None:
            raise ReleasedToFallback(self._refusal)
        if self._over or (self._hung_up and not dead):
            raise CallerGone("The caller hung up.")
        if len(self._owed) >= _MAX_UNANSWERED:
            raise ActionFailed("Asterisk owes too many AGI replies.", code="agi_timeout")

    async def _exchange(self, line: bytes, limit: float | None, *, dead: bool) -> AgiReply:
        owed = _Owed(asyncio.get_running_loop().create_future(), dead)
        self._owed.append(owed)
        self._framer.command_sent()
        try:
            async with asyncio.timeout(limit):
                self._writer.write(line)
                await self._writer.drain()
                return await owed.reply
        except TimeoutError as error:
            raise ActionFailed("Asterisk did not answer an AGI command.", code="agi_timeout") from error
        except OSError as error:
            raise CallerGone("The AGI connection broke.") from error
        finally:
            if not owed.reply.cancel() and not owed.reply.cancelled():
                owed.reply.exception()  # counts as seen, also when a cancellation came first

    def _take(self, frame: Frame) -> None:
        match frame:
            case AgiReply():
                owed = self._owed.popleft()
                if not owed.reply.done():
                    owed.reply.set_result(frame)
            case HangupNotice():
                if not self._hung_up:
                    self._hung_up = True
                    self._gone.set()
                    self._grace = asyncio.get_running_loop().call_later(HANGUP_GRACE, self._fail_living)
            case Rejected():
                self._refusal = frame.reason
                self._fail(ReleasedToFallback, frame.reason, dead=True)
            case EnvironmentRead():
                raise AssertionError("the framer reads one environment")

    def _fail_living(self) -> None:
        """The grace is over: what still has no reply will not get one."""
        self._fail(CallerGone, "The caller hung up.", dead=False)

    def _fail(self, error: type[CallcenterError], text: str, *, dead: bool) -> None:
        for owed in self._owed:
            if (dead or not owed.dead) and not owed.reply.done():
                owed.reply.set_exception(error(text))

    def _end(self) -> None:
        """The connection is over, whoever ended it."""
        self._over = True
        if self._grace is not None:
            self._grace.cancel()
        self._fail(CallerGone, "The AGI connection ended.", dead=True)
        self._gone.set()

    async def _receive(self) -> bytes:
        try:
            return await self._reader.read(_CHUNK)
        except OSError:
            return b""
