"""Who serves a queue, as of now, and as of the instant of a decision: a snapshot that costs next to nothing.

Agents are kept in blocks that are replaced, never changed. A snapshot is the list of blocks, so it costs a 64th of what
a copy of everybody would, and a change of an agent costs one block.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from callcenter.ids import AgentId
from callcenter.routing.facts import AgentFacts

BLOCK = 64

_Block: TypeAlias = tuple[AgentFacts | None, ...]
_EMPTY: _Block = (None,) * BLOCK


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Agents as they were."""

    blocks: tuple[_Block, ...] = ()

    def __iter__(self) -> Iterator[AgentFacts]:
        return (agent for block in self.blocks for agent in block if agent is not None)


class Members:
    """By id."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._places: dict[AgentId, int] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[AgentFacts]:
        return iter(self.snapshot())

    def put(self, agent: AgentFacts) -> None:
        """Came or changed."""
        place = self._places.get(agent.id)
        if place is None:
            place = self._places[agent.id] = self._free.pop() if self._free else self._room()
        self._set(place, agent)

    def drop(self, agent_id: AgentId) -> None:
        """Gone; unknown ones are no error."""
        place = self._places.pop(agent_id, None)
        if place is not None:
            self._set(place, None)
            self._free.append(place)

    def snapshot(self) -> Snapshot:
        """Everybody as of now."""
        return Snapshot(tuple(self._blocks))

    def _room(self) -> int:
        begin = len(self._blocks) * BLOCK
        self._blocks.append(_EMPTY)
        self._free.extend(range(begin + BLOCK - 1, begin, -1))
        return begin

    def _set(self, place: int, agent: AgentFacts | None) -> None:
        number, index = divmod(place, BLOCK)
        block = self._blocks[number]
        self._blocks[number] = (*block[:index], agent, *block[index + 1 :])
