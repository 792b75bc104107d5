"""Which agent: the one who has been idle longest among those who may be offered the call."""

from collections.abc import Iterable
from dataclasses import dataclass

from callcenter.agents.states import Agent, why_not
from callcenter.ids import QueueName


@dataclass(frozen=True, slots=True)
class Choice:
    """The agent, and why the others not: (name, reason) of each."""

    agent: Agent
    rejected: tuple[tuple[str, str], ...]
    idle_seconds: float

    def words(self) -> str:
        """The reason as a person reads it; at most three of the others are named."""
        text = f"longest idle ({self.idle_seconds:.0f} s)"
        if self.rejected:
            named = "; ".join(f"{name}: {reason}" for name, reason in self.rejected[:3])
            more = f"; and {len(self.rejected) - 3} more" if len(self.rejected) > 3 else ""
            text = f"{text}; not {named}{more}"
        return text


def longest_idle(
    agents: Iterable[Agent], queue: QueueName, now: float, skills: frozenset[str] = frozenset()
) -> Choice | None:
    """Choose for a call of ``queue`` that needs ``skills``; None when nobody who has them is free."""
    free: list[Agent] = []
    rejected: list[tuple[str, str]] = []
    for agent in agents:
        reason = why_not(agent, queue, now, skills)
        if reason is None:
            free.append(agent)
        elif queue in agent.queues:
            rejected.append((agent.name, reason))
    if not free:
        return None
    best = min(free, key=lambda agent: (agent.idle_since, agent.id))
    return Choice(best, tuple(rejected), now - best.idle_since)
