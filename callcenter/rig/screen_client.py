"""A client of an agent's or a supervisor's screen: log in, the socket, and reconnecting as the page does.

Used by the simulated screens and by ``callcenter watch``. The log-in follows the page's own form: a GET for the
form's token, a POST with it, then the cookies and the page's Origin with the socket's handshake.
"""

import asyncio
import json
import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import unescape
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import aiohttp
import structlog
import websockets
from websockets.asyncio.client import ClientConnection, connect
from yarl import URL

log = structlog.get_logger(__name__)

Message: TypeAlias = dict[str, Any]
LARGEST = 1 << 20
"""Bytes of a message from the server: a board of many agents is larger than what we may send."""
_INPUT = re.compile(r"<input\b[^>]*>", re.IGNORECASE)
_ALIVE = 5.0
_SHORTEST, _LONGEST = 0.2, 5.0
"""Seconds before a socket is opened again, doubled each time, with jitter."""
_ENDS = {4401, 4403}
"""The server's codes after which the same session has no more to try."""


class LogInRefused(Exception):
    """The server did not let us in. ``status`` is HTTP's, or 0 if the page was none of ours."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(f"{why} (HTTP {status})")
        self.status = status


@dataclass(frozen=True)
class Session:
    """What a log-in gives."""

    cookie: str
    """The value of a Cookie header."""
    csrf: str


async def log_in(
    url: str, username: str, password: str, extension: str | None = None, *, limit: float = 15.0
) -> Session:
    """Log in over HTTP as the page does; raises LogInRefused, or aiohttp's errors if nobody is there."""
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of addresses without a name, such as 127.0.0.1
    timeout = aiohttp.ClientTimeout(total=limit)
    async with aiohttp.ClientSession(
        cookie_jar=jar, timeout=timeout, headers={"Origin": origin(url)}
    ) as http:
        async with http.get(f"{url}/login") as page:
            token = form_token(await page.text())
        if token is None:
            raise LogInRefused(page.status, "the log-in page has no form token")
        form = {"username": username, "password": password, "csrf": token}
        if extension is not None:
            form["extension"] = extension
        async with http.post(f"{url}/login", data=form, allow_redirects=False) as answer:
            if answer.status != 303:
                raise LogInRefused(answer.status, "the log-in was refused")
        async with http.get(f"{url}/session") as about:
            if about.status != 200:
                raise LogInRefused(about.status, "there is no session after the log-in")
            csrf = str((await about.json())["csrf"])
        cookies = jar.filter_cookies(URL(url))
        return Session("; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items()), csrf)


def form_token(page: str) -> str | None:
    """The value of the hidden field ``csrf``, or None."""
    for found in _INPUT.findall(page):
        if re.search(r"""\bname=["']?csrf["'\s/>]""", found):
            value = re.search(r"""\bvalue=(?:"([^"]*)"|'([^']*)')""", found)
            return unescape(value[1] or value[2] or "") if value else None
    return None


def origin(url: str) -> str:
    """What a browser sends as Origin from a page of this address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class ScreenClient:
    """One screen. ``on_message(message, t)`` hears every message, ``t`` being ``time.monotonic_ns()`` right when
    it was read; it may be a coroutine, and the next message waits for it.

    ``run`` keeps the socket open until ``close`` or until the session is over (then ``ended`` says why).
    """

    def __init__(
        self,
        url: str,
        session: Session,
        on_message: Callable[[Message, int], Awaitable[None] | None],
        *,
        json_only: bool = True,
        on_connect: Callable[[], None] | None = None,
        on_drop: Callable[[int], None] | None = None,
    ) -> None:
        self.url, self.session = url.rstrip("/"), session
        self.connected = False
        self.ended = ""
        self.gaps = 0
        """Messages that are missing by their ``seq``: never, if the server keeps its word."""
        self._on_message, self._json_only = on_message, json_only
        self._on_connect, self._on_drop = on_connect or (lambda: None), on_drop or (lambda _code: None)
        self._socket: ClientConnection | None = None
        self._closing = False

    async def run(self) -> None:
        """Be connected; come back after a drop."""
        pause = _SHORTEST
        while not self._over():
            began = time.monotonic()
            try:
                await self._once()
            except (OSError, TimeoutError, websockets.InvalidHandshake) as error:
                self._refused(error)
            if time.monotonic() - began > _LONGEST:
                pause = _SHORTEST
            if not self._over():
                await asyncio.sleep(random.uniform(pause / 2, pause))
                pause = min(2 * pause, _LONGEST)

    async def send(self, kind: str, **values: object) -> bool:
        """One message to the server; False if there is no connection now."""
        if self._socket is None:
            return False
        try:
            await self._socket.send(json.dumps({"type": kind, **values}, ensure_ascii=False))
        except websockets.ConnectionClosed:
            return False
        return True

    async def drop(self) -> None:
        """Lose the connection as a laptop that is shut: no good-bye. ``run`` opens it again."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def close(self) -> None:
        """Close the socket for good."""
        self._closing = True
        if self._socket is not None:
            await self._socket.close()

    async def _once(self) -> None:
        parts = urlsplit(self.url)
        address = f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}/ws"
        async with connect(
            address + ("?json=1" if self._json_only else ""),
            origin=websockets.Origin(origin(self.url)),
            additional_headers={"Cookie": self.session.cookie},
            compression=None,
            max_size=LARGEST,
            proxy=None,
        ) as socket:
            self._socket, self.connected = socket, True
            self._on_connect()
            alive = asyncio.create_task(self._stay_alive(), name="screen:alive")
            try:
                await self._listen(socket)
            finally:
                self._socket, self.connected = None, False
                alive.cancel()
        code = socket.close_code or 1006
        self._on_drop(code)
        if code in _ENDS:
            self.ended = socket.close_reason or str(code)

    async def _listen(self, socket: ClientConnection) -> None:
        expected = 1
        try:
            while True:
                text = await socket.recv()
                t = time.monotonic_ns()
                message = json.loads(text)
                if isinstance(number := message.get("seq"), int):
                    self.gaps += number != expected
                    expected = number + 1
                heard = self._on_message(message, t)
                if heard is not None:
                    await heard
        except websockets.ConnectionClosed:
            return

    async def _stay_alive(self) -> None:
        while True:
            if not await self.send("alive"):
                return
            await asyncio.sleep(_ALIVE)

    def _over(self) -> bool:
        return self._closing or bool(self.ended)

    def _refused(self, error: Exception) -> None:
        if isinstance(error, websockets.InvalidStatus) and error.response.status_code in {401, 403}:
            self.ended = f"HTTP {error.response.status_code}"
        log.info("the screen can't connect", why=type(error).__name__, over=bool(self.ended))
