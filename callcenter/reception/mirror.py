"""Keeps the fallback queue's members as the roster has them, so that callers find ready agents there without us.

Orders go out one after the other and only the latest state of each agent counts: a hundred changes while Asterisk is
slow are one order.
"""

import asyncio

import structlog

from callcenter.agents.events import AgentChanged, AgentLoggedOut
from callcenter.agents.roster import Roster
from callcenter.agents.states import Agent, Presence, RoutingState
from callcenter.calls.ports import PhoneBook, Switch
from callcenter.errors import CallcenterError
from callcenter.ids import AgentId, Extension

log = structlog.get_logger(__name__)

IN_QUEUE = frozenset({RoutingState.READY, RoutingState.RESERVED, RoutingState.ON_CALL})
"""States in which the fallback may ring an agent, as soon as the phone is free: they wanted calls."""


class Mirror:
    """Handlers on the bus, and one worker that gives the orders."""

    def __init__(self, switch: Switch, roster: Roster, phone_book: PhoneBook) -> None:
        self._switch = switch
        self._roster = roster
        self._phone_book = phone_book
        self._wanted: dict[Extension, tuple[str, bool] | None] = {}
        self._given: dict[Extension, tuple[str, bool] | None] = {}
        self._phone_of: dict[AgentId, Extension] = {}
        self._news = asyncio.Event()

    def agent_changed(self, event: AgentChanged) -> None:
        """Ready or not."""
        self._want(event.agent)

    def agent_logged_out(self, event: AgentLoggedOut) -> None:
        """Gone."""
        self._phone_of.pop(event.agent.id, None)
        self._wanted[event.agent.extension] = None
        self._news.set()

    async def all(self) -> None:
        """Asterisk is (back) up: what it was told before may be forgotten there."""
        self._given.clear()
        for agent in self._roster:
            self._want(agent)

    async def run(self) -> None:
        """Give orders for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            for extension, wanted in list(self._wanted.items()):
                if self._given.get(extension, ()) != wanted:
                    await self._tell(extension, wanted)

    def _want(self, agent: Agent) -> None:
        before = self._phone_of.get(agent.id)
        if before is not None and before != agent.extension:
            self._wanted[before] = None
        self._phone_of[agent.id] = agent.extension
        ready = agent.state in IN_QUEUE and agent.presence is Presence.READY
        self._wanted[agent.extension] = (agent.name, ready)
        self._news.set()

    async def _tell(self, extension: Extension, wanted: tuple[str, bool] | None) -> None:
        phone = self._phone_book.dial_string(extension)
        try:
            if wanted is None:
                await self._switch.drop_agent(phone)
            else:
                await self._switch.mirror_agent(phone, wanted[0], ready=wanted[1])
            self._given[extension] = wanted
        except CallcenterError as error:
            log.warning("fallback queue not told", extension=extension, reason=error.message)
