"""One open page: what waits to be sent to it, and its writer.

Waiting messages of a kind that replaces itself (the agent's state, the call, the board) are merged, and a pop
goes before everything else that waits. A page that does not read is closed and gets a snapshot when it returns.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from aiohttp import web

from callcenter.ids import AgentId
from callcenter.web.auth import Visitor
from callcenter.web.roles import oversees

log = structlog.get_logger(__name__)

QUEUE_LIMIT = 256
SEND_SECONDS = 10.0
"""A page that takes longer than this for one message is not reading."""
GOODBYE_SECONDS = 3.0
REPLACEABLE = frozenset({"agent", "call", "wrap_up", "telephony", "board", "pop", "now", "work", "targets"})

SESSION_OVER, NOT_ALLOWED, TOO_SLOW, TOO_MUCH, GOING_AWAY = 4401, 4403, 4408, 4429, 1001

Render = Callable[[str, Mapping[str, Any], str], dict[str, str]]
"""(kind, data, language) -> element id -> fragment."""


class Message:
    """One message to one or many pages; its JSON and its fragments are made once, when first asked for."""

    __slots__ = ("_html", "_json", "_render", "data", "kind")

    def __init__(self, kind: str, data: Mapping[str, Any], render: Render | None = None) -> None:
        self.kind, self.data, self._render = kind, data, render
        self._json = ""
        self._html: dict[str, str] = {}

    def give(self, language: str, fragments: Mapping[str, str]) -> None:
        """The fragments of one language, made elsewhere."""
        self._html[language] = f', "html": {json.dumps(fragments, ensure_ascii=False)}' if fragments else ""

    def text(self, seq: int, language: str | None) -> str:
        """The frame for one page; ``language`` is None for a page that wants no fragments."""
        if not self._json:
            self._json = json.dumps({"type": self.kind, **self.data}, ensure_ascii=False)[:-1]
        if language is not None and language not in self._html and self._render is not None:
            self.give(language, self._render(self.kind, self.data, language))
        html = "" if language is None else self._html.get(language, "")
        return f'{self._json}{html}, "seq": {seq}}}'


class Outbox:
    """What waits for one page."""

    def __init__(self, limit: int = QUEUE_LIMIT) -> None:
        self._limit = limit
        self._slots: deque[list[Message]] = deque()
        self._waiting: dict[str, list[Message]] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def put(self, message: Message) -> bool:
        """Queue it; False when the page is too far behind."""
        if (slot := self._waiting.get(message.kind)) is not None:
            slot[0] = message
            return True
        if len(self._slots) >= self._limit:
            return False
        slot = [message]
        if message.kind == "pop":
            # The snapshot comes first, always: a pop overtakes only what waits behind it.
            self._slots.insert(1 if self._waits("snapshot") else 0, slot)
        else:
            self._slots.append(slot)
        if message.kind in REPLACEABLE:
            self._waiting[message.kind] = slot
        return True

    def _waits(self, kind: str) -> bool:
        return bool(self._slots) and self._slots[0][0].kind == kind

    def take(self) -> Message:
        """The next one; ``IndexError`` when nothing waits."""
        message = self._slots.popleft()[0]
        self._waiting.pop(message.kind, None)
        return message


class Screen:
    """A connected page of a user."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        visitor: Visitor,
        *,
        language: str | None,
        transport: asyncio.Transport | None = None,
        desk: bool = True,
        flow: str = "",
    ) -> None:
        self.user, self.session_id = visitor.user, visitor.session_id
        self.agent_id = AgentId(int(visitor.user.id))
        self.language = language
        """The language of the fragments; None for a page that wants none."""
        self.desk = desk
        """Is it a desk or a board? Other pages show no pops and hold nobody's seat."""
        self.flow, self.flow_version = flow, -1
        """Whose callers it shows, and which count it has."""
        self.board = desk and oversees(visitor.user.role)
        self.board_version = -1
        """Which board it has."""
        self._ws, self._transport = ws, transport
        self._outbox, self._wake = Outbox(), asyncio.Event()
        self._seq = 0
        self._told: dict[str, Mapping[str, Any]] = {}
        self._closing: tuple[int, str] | None = None

    @property
    def closing(self) -> bool:
        """Has its end been decided?"""
        return self._closing is not None

    def put(self, message: Message) -> None:
        """Send soon; a page that is too far behind is closed."""
        if self._closing is not None:
            return
        if not self._outbox.put(message):
            self.close(TOO_SLOW, "too slow")
        self._wake.set()

    def put_changed(self, message: Message) -> None:
        """Send it if it differs from the last of its kind that was sent so."""
        if self._told.get(message.kind) != message.data:
            self._told[message.kind] = message.data
            self.put(message)

    def close(self, code: int, reason: str) -> None:
        """Say goodbye and close; what still waits is dropped."""
        if self._closing is None:
            self._closing = (code, reason)
            self._wake.set()

    async def write(self) -> None:
        """Send what is put, until the page goes or is closed."""
        finished = False
        try:
            while self._closing is None:
                await self._wake.wait()
                self._wake.clear()
                await self._drain()
            await self._say_goodbye(*self._closing)
            finished = True
        except asyncio.CancelledError:
            finished = True
            raise
        except (ConnectionError, RuntimeError):
            log.debug("page went away while writing", agent_id=self.agent_id)
        except TimeoutError:
            log.warning("page does not read: closed", agent_id=self.agent_id)
        finally:
            # Without a writer a page would look alive and hear nothing: better that it connects again.
            if not finished:
                self._closing = self._closing or (TOO_SLOW, "too slow")
                if self._transport is not None:
                    self._transport.abort()

    async def _drain(self) -> None:
        while len(self._outbox) and self._closing is None:
            message = self._outbox.take()
            self._seq += 1
            async with asyncio.timeout(SEND_SECONDS):
                await self._ws.send_str(message.text(self._seq, self.language))

    async def _say_goodbye(self, code: int, reason: str) -> None:
        async with asyncio.timeout(GOODBYE_SECONDS):
            await self._ws.send_str(Message("bye", {"reason": reason}).text(self._seq + 1, None))
            await self._ws.close(code=code, message=reason.encode())
