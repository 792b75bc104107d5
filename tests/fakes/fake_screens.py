"""Agents' screens that note what they are shown, and confirm a pop as fast as they are told to."""

import asyncio
from dataclasses import dataclass
from typing import Any

from callcenter.clock import Clock
from callcenter.ids import AgentId
from callcenter.screen_pop.pop import Pop


@dataclass
class Shown:
    """A pop that reached a screen."""

    at: float
    agent_id: AgentId
    pop: Pop


class FakeScreens:
    """A ``Screens``. ``delay``: seconds until a pop is confirmed; None: never."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.delay: float | None = 0.001
        self.pops: list[Shown] = []
        self.updates: list[tuple[AgentId, str, dict[str, Any]]] = []

    async def show_pop(self, agent_id: AgentId, pop: Pop, limit: float) -> bool:
        self.pops.append(Shown(self._clock.now(), agent_id, pop))
        if self.delay is None or self.delay > limit:
            await asyncio.sleep(limit)
            return False
        await asyncio.sleep(self.delay)
        return True

    def update(self, agent_id: AgentId, kind: str, data: dict[str, Any]) -> None:
        self.updates.append((agent_id, kind, data))

    def last(self, agent_id: AgentId, kind: str) -> Any:
        """What the screen shows of one kind now."""
        told = [data[kind] for who, what, data in self.updates if who == agent_id and what == kind]
        return told[-1] if told else None
