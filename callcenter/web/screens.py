"""All open pages: whom a message is for, and that it gets there quickly.

Rule 6: a page gets a snapshot, then the stream. Rule 7: putting a message never waits; each page has its own
bounded queue. Pages that want JSON only are served before any fragment is rendered for a browser.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from callcenter.ids import AgentId, CallId, OfferId, UserId
from callcenter.screen_pop.pop import Pop
from callcenter.web.screen import GOING_AWAY, SESSION_OVER, Message, Render, Screen

PAGES_PER_USER = 10


class ScreenHub:
    """Implements ``screen_pop.ports.Screens``."""

    def __init__(self) -> None:
        self._render: Render | None = None
        self._screens: dict[AgentId, list[Screen]] = defaultdict(list)
        self._awaited: dict[tuple[AgentId, CallId, OfferId | None], asyncio.Future[None]] = {}

    def use(self, render: Render) -> None:
        """How fragments for browsers are made; the web server says so when it is built."""
        self._render = render

    def __len__(self) -> int:
        return sum(len(screens) for screens in self._screens.values())

    def __iter__(self) -> Iterator[Screen]:
        return (screen for screens in list(self._screens.values()) for screen in list(screens))

    async def show_pop(self, agent_id: AgentId, pop: Pop, limit: float) -> bool:
        """Send the pop to all pages of an agent; True as soon as one of them has shown it."""
        screens = self._desks(agent_id)
        if not screens:
            return False
        key = (agent_id, pop.call_id, pop.offer_id)
        shown = self._awaited.setdefault(key, asyncio.get_running_loop().create_future())
        self._send(screens, "pop", {"pop": pop.to_json()})
        try:
            async with asyncio.timeout(limit):
                await asyncio.shield(shown)
        except TimeoutError:
            return False
        finally:
            self._awaited.pop(key, None)
        return True

    def pop_shown(self, agent_id: AgentId, call_id: CallId, offer_id: OfferId | None) -> None:
        """A page of this agent says that it has shown the pop."""
        shown = self._awaited.get((agent_id, call_id, offer_id))
        if shown is not None and not shown.done():
            shown.set_result(None)

    def update(self, agent_id: AgentId, kind: str, data: dict[str, Any]) -> None:
        """Send a small change; ``data`` is ``{kind: value}``, with None for "no longer"."""
        if screens := self._desks(agent_id):
            self._send(screens, kind, {kind: data[kind]})

    def message(self, kind: str, data: dict[str, Any]) -> Message:
        """A message that knows how to render itself."""
        return Message(kind, data, self._render)

    def crowded(self, agent_id: AgentId) -> bool:
        """Has this user as many pages as one may have?"""
        return len(self._screens.get(agent_id, ())) >= PAGES_PER_USER

    def add(self, screen: Screen, snapshot: Message) -> None:
        """A page is open: its snapshot first, then everything that happens from now on."""
        screen.put(snapshot)
        self._screens[screen.agent_id].append(screen)

    def remove(self, screen: Screen) -> None:
        """The page is gone."""
        screens = self._screens.get(screen.agent_id, [])
        if screen in screens:
            screens.remove(screen)
        if not screens:
            self._screens.pop(screen.agent_id, None)

    def close_session(self, session_id: str, code: int = SESSION_OVER, reason: str = "session over") -> None:
        """Close the pages of one log-in."""
        for screen in self:
            if screen.session_id == session_id:
                screen.close(code, reason)

    def close_user(self, user_id: UserId, reason: str = "session over") -> None:
        """Close all pages of a user."""
        for screen in list(self._screens.get(AgentId(int(user_id)), ())):
            screen.close(SESSION_OVER, reason)

    def close_all(self) -> None:
        """The server stops."""
        for screen in self:
            screen.close(GOING_AWAY, "server stops")

    def _desks(self, agent_id: AgentId) -> list[Screen]:
        return [screen for screen in self._screens.get(agent_id, ()) if screen.desk]

    def _send(self, screens: Iterable[Screen], kind: str, data: dict[str, Any]) -> None:
        self._put(screens, self.message(kind, data))

    @staticmethod
    def _put(screens: Iterable[Screen], message: Message) -> None:
        # Writers run in the order in which they are woken; rendering happens in a browser's writer.
        for screen in sorted(screens, key=lambda one: one.language is not None):
            screen.put(message)
