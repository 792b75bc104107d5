"""What goes round while the server runs: open pages whose log-in has ended are closed, and the board is sent."""

import asyncio

import structlog

from callcenter.clock import Clock
from callcenter.errors import CallcenterError
from callcenter.web.auth import TOUCH_SECONDS
from callcenter.web.fragments import Fragments
from callcenter.web.parts import WebParts
from callcenter.web.ports import UserRow
from callcenter.web.screen import SESSION_OVER, Message, Screen

log = structlog.get_logger(__name__)

RECHECK_SECONDS = 2.0
"""A page is closed at most 5 s after its log-in ended; this leaves room for a slow database."""
BOARD_SECONDS = 0.5
"""The board is sent at most twice a second."""


class SessionRound:
    """Closes the pages of log-ins that are over, that were taken away, or whose user has changed."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._touched: dict[str, float] = {}

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            try:
                await self.check()
            except (CallcenterError, OSError) as error:
                # With the database away nobody can be logged out either: pages stay.
                log.warning("log-ins can't be checked", reason=str(error))

    async def check(self) -> None:
        """One round."""
        hub, users, clock = self._parts.hub, self._parts.users, self._parts.clock
        open_ids = {screen.session_id for screen in hub}
        if not open_ids:
            self._touched.clear()
            return
        live = await users.live_sessions(open_ids)
        for screen in hub:
            if screen.session_id in open_ids and not _still(screen, live.get(screen.session_id)):
                screen.close(SESSION_OVER, "session over")
        await self._touch(open_ids & live.keys(), clock)

    async def _touch(self, session_ids: set[str], clock: Clock) -> None:
        now = clock.now()
        self._touched = {one: self._touched.get(one, now) for one in session_ids}
        for one, last in self._touched.items():
            if now - last >= TOUCH_SECONDS:
                await self._parts.users.touch_session(one, clock.wall())
                self._touched[one] = now


def _still(screen: Screen, user: UserRow | None) -> bool:
    return (
        user is not None
        and user.active
        and user.role == screen.user.role
        and user.password_hash == screen.user.password_hash
    )


class BoardRound:
    """Sends the board to those who watch it: when they come, and when it has changed."""

    def __init__(self, parts: WebParts, fragments: Fragments) -> None:
        self._parts, self._fragments = parts, fragments

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(BOARD_SECONDS)
            try:
                await self.show()
            except Exception:  # an edge: one board that can't be drawn must not end the board
                log.exception("board not sent")

    async def show(self) -> None:
        """One round."""
        hub, board = self._parts.hub, self._parts.board
        version = board.version()
        behind = [screen for screen in hub if screen.board and screen.board_version != version]
        if not behind:
            return
        message = Message("board", {"board": board.snapshot()})
        for language in {screen.language for screen in behind if screen.language is not None}:
            message.give(language, await self._fragments.board(message.data, language))
        for screen in behind:
            screen.board_version = version
            screen.put(message)
