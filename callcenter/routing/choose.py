"""Which of several agents who may serve a call: a rank, the least first.

Whose last call was hard comes last for a hard call; then who has more of the skills that the queue prefers comes first;
then the queue's strategy decides: idle longest, least work lately, or best at what the call needs; then idle longest;
then the lower id. While agents are idle their ranks don't change, so they can be kept in that order.

Who has missed this very call is asked again only when nobody else is free.
"""

import math
from collections.abc import Collection, Iterable
from typing import TypeAlias

from callcenter.agents.work import MEMORY
from callcenter.ids import AgentId
from callcenter.routing.demand import Demand
from callcenter.routing.facts import AgentFacts, Reason, why_not
from callcenter.routing.rules import Strategy

Rank: TypeAlias = tuple[int, int, float, float, int]


def rank(agent: AgentFacts, demand: Demand) -> Rank:
    """Sorts those who may serve, the one to choose first."""
    return (
        int(demand.hard and agent.last_hard),
        -sum(agent.skills.get(skill, 0) for skill in demand.prefers),
        _figure(agent, demand),
        agent.idle_since,
        agent.id,
    )


def _figure(agent: AgentFacts, demand: Demand) -> float:
    match demand.strategy:
        case Strategy.LONGEST_IDLE:
            return agent.idle_since
        case Strategy.LEAST_WORK:
            return agent.work
        case Strategy.MOST_PROFICIENT:
            return -proficiency(agent, demand)


def proficiency(agent: AgentFacts, demand: Demand) -> int:
    """The sum of the levels in what the call needs."""
    return sum(agent.skills.get(skill, 0) for skill, _ in demand.needs)


def choose(
    agents: Iterable[AgentFacts], demand: Demand, now: float, tried: Collection[AgentId] = ()
) -> AgentFacts | None:
    """The agent for a call, looked for among all: the plain rule, which ``idle.IdleAgents`` keeps ready faster."""
    free = [agent for agent in agents if why_not(agent, demand, now) is None]
    return min(free, key=lambda agent: (agent.id in tried, rank(agent, demand)), default=None)


def because(chosen: AgentFacts, next_best: AgentFacts | None, demand: Demand, now: float) -> Reason:
    """What decided for this agent: where the rank differs from that of the next best who was free (None: nobody)."""
    idle = round(now - chosen.idle_since, 1)
    if demand.only is not None:
        return Reason(demand.bond or "wanted", {"idle": idle})
    if next_best is None:
        return Reason("only_one", {"idle": idle})
    mine, theirs = rank(chosen, demand), rank(next_best, demand)
    first = next(i for i, (one, other) in enumerate(zip(mine, theirs, strict=True)) if one != other)
    match first, demand.strategy:
        case 0, _:
            return Reason("rested")
        case 1, _:
            return Reason("prefers", {"level": -mine[1]})
        case 2, Strategy.LEAST_WORK:
            return Reason("least_work", {"worked": worked(chosen, now)})
        case 2, Strategy.MOST_PROFICIENT:
            return Reason("most_proficient", {"level": proficiency(chosen, demand)})
        case _:
            return Reason("longest_idle", {"idle": idle})


def worked(agent: AgentFacts, now: float) -> float:
    """Seconds of work lately, as they count now."""
    return round(math.exp(agent.work - now / MEMORY), 6) if agent.work > -math.inf else 0.0


def next_best(
    agents: Iterable[AgentFacts], chosen: AgentFacts, demand: Demand, tried: Collection[AgentId]
) -> AgentFacts | None:
    """Of those who are free, whom the rule would have chosen otherwise."""
    others = [agent for agent in agents if agent.id != chosen.id]
    return min(others, key=lambda agent: (agent.id in tried, rank(agent, demand)), default=None)
