"""What goes round while the server runs: open pages whose log-in has ended are closed; the board, the callers in a
flow and the count of open work are sent to those who watch them."""

import asyncio

import structlog

from callcenter.clock import Clock
from callcenter.errors import CallcenterError, NotFound
from callcenter.web.auth import TOUCH_SECONDS
from callcenter.web.fragments import Fragments
from callcenter.web.parts import WebParts
from callcenter.web.ports import UserRow
from callcenter.web.screen import SESSION_OVER, Message, Screen
from callcenter.web.work import open_for, open_work

log = structlog.get_logger(__name__)

RECHECK_SECONDS = 2.0
"""A page is closed at most 5 s after its log-in ended; this leaves room for a slow database."""
BOARD_SECONDS = 0.5
"""The board, and the callers in a flow, are sent at most twice a second."""
WORK_SECONDS = 10.0


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


class FlowRound:
    """Sends the callers at each node to pages that show a flow: when they come, and when there are others."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(BOARD_SECONDS)
            try:
                self.show()
            except Exception:  # an edge: one flow that can't be counted must not end the others
                log.exception("callers in flows not sent")

    def show(self) -> None:
        """One round: one synchronous step."""
        hub, flows = self._parts.hub, self._parts.flows
        version = flows.version()
        messages: dict[str, Message] = {}
        for screen in hub:
            if not screen.flow or screen.flow_version == version:
                continue
            if screen.flow not in messages:
                messages[screen.flow] = Message(
                    "now", {"now": {"flow": screen.flow, "nodes": self._now(screen.flow)}}
                )
            screen.flow_version = version
            screen.put_changed(messages[screen.flow])

    def _now(self, flow: str) -> dict[str, int]:
        try:
            return dict(self._parts.flows.now(flow))
        except NotFound:
            return {}


class WorkRound:
    """Tells every desk and board how much of what callers left is open."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(WORK_SECONDS)
            try:
                await self.show()
            except (CallcenterError, OSError) as error:
                log.warning("open work can't be counted", reason=str(error))

    async def show(self) -> None:
        """One round."""
        hub = self._parts.hub
        if not any(screen.desk for screen in hub):
            return
        work = await open_work(self._parts)
        messages: dict[int, Message] = {}
        for screen in hub:
            if screen.desk:
                count = open_for(screen.user, work)
                screen.put_changed(messages.setdefault(count, hub.message("work", {"work": {"open": count}})))
