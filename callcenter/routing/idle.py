"""The agents who are free, kept by demand and in the order of being chosen.

Looking through all agents for each call would cost as much as there are agents. Instead, for each demand that somebody
waits with, those who are free for it are kept sorted; a change of an agent costs the logarithm of their number for each
demand that the agent fits. ``choose.choose`` is the plain rule that this must agree with; a test holds them together.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import chain

from sortedcontainers import SortedList

from callcenter.ids import AgentId, QueueName
from callcenter.routing.choose import Rank, rank
from callcenter.routing.demand import Demand
from callcenter.routing.facts import AgentFacts, outside, unavailable, unfit
from callcenter.routing.members import Members, Snapshot

KEPT = 2000
"""Demands that are kept ready; the one not asked for longest is forgotten."""


@dataclass(eq=False, slots=True)
class _Free:
    """Who is free for one demand."""

    demand: Demand
    order: "SortedList[Rank]" = field(default_factory=SortedList)
    ranks: dict[AgentId, Rank] = field(default_factory=dict)

    def put(self, agent: AgentFacts) -> None:
        """Free, and was not."""
        new = self.ranks[agent.id] = rank(agent, self.demand)
        self.order.add(new)

    def drop(self, agent_id: AgentId) -> None:
        """Not free any more."""
        if (old := self.ranks.pop(agent_id, None)) is not None:
            self.order.remove(old)


class IdleAgents:
    """Everybody who is logged in, and who of them is free for what."""

    def __init__(self, needed: Callable[[Demand], bool]) -> None:
        """``needed``: does anybody wait with this demand? Such a one is never forgotten."""
        self._needed = needed
        self._facts: dict[AgentId, AgentFacts] = {}
        self._members: defaultdict[QueueName, Members] = defaultdict(Members)
        self._free: OrderedDict[Demand, _Free] = OrderedDict()
        self._fits: dict[AgentId, list[_Free]] = {}
        """By agent, the demands that the agent's queues allow."""
        self._kept: set[AgentId] = set()
        """Who is free for some demand."""

    def put(self, agent: AgentFacts, now: float) -> list[Demand]:
        """An agent came or changed, and is free for nothing yet: gives the demands, of those that are kept, that
        ``keep`` would make the agent free for."""
        old = self._facts.get(agent.id)
        self._facts[agent.id] = agent
        if old is None or old.queues != agent.queues:
            self._enrol(agent, old)
        for queue in agent.queues:
            self._members[queue].put(agent)
        fits = self._fits[agent.id]
        if agent.id in self._kept:
            self._kept.discard(agent.id)
            for free in fits:
                free.drop(agent.id)
        if unavailable(agent, now) is not None:
            return []
        return [free.demand for free in fits if unfit(agent, free.demand) is None]

    def keep(self, agent_id: AgentId, demands: Iterable[Demand]) -> None:
        """The agent is free for these, which ``put`` gave."""
        agent = self._facts[agent_id]
        for demand in demands:
            self._free[demand].put(agent)
            self._kept.add(agent_id)

    def drop(self, agent_id: AgentId) -> None:
        """An agent is gone."""
        agent = self._facts.pop(agent_id, None)
        self._kept.discard(agent_id)
        if agent is not None:
            for queue in agent.queues:
                self._members[queue].drop(agent_id)
            for free in self._fits.pop(agent_id, ()):
                free.drop(agent_id)

    def get(self, agent_id: AgentId) -> AgentFacts | None:
        """What is known of an agent."""
        return self._facts.get(agent_id)

    def anybody(self, demand: Demand, now: float) -> bool:
        """Is somebody free for it?"""
        return bool(self._ready(demand, now).order)

    def best(self, demand: Demand, now: float, tried: Collection[AgentId] = ()) -> AgentFacts | None:
        """Whom to choose; one of ``tried`` only when nobody else is free."""
        order = self._ready(demand, now).order
        if not order:
            return None
        found = next((each for each in order if each[-1] not in tried), order[0])
        return self._facts[AgentId(found[-1])]

    def next_best(
        self, chosen: AgentId, demand: Demand, now: float, tried: Collection[AgentId] = ()
    ) -> AgentFacts | None:
        """Whom the rule would choose otherwise."""
        others = (AgentId(each[-1]) for each in self._ready(demand, now).order if each[-1] != chosen)
        first = next(others, None)
        if first is None or first not in tried:
            return self._facts[first] if first is not None else None
        return self._facts[next((each for each in others if each not in tried), first)]

    def asked(self, demand: Demand) -> Snapshot:
        """All who could come into question: the members of the queues, or the one who is wanted."""
        if demand.only is not None:
            agent = self._facts.get(demand.only)
            return Snapshot(((agent,),)) if agent is not None else Snapshot()
        if len(demand.queues) == 1:
            (queue,) = demand.queues
            return self._members[queue].snapshot()
        members = chain.from_iterable(self._members[queue] for queue in demand.queues)
        return Snapshot((tuple({one.id: one for one in members}.values()),))

    def staffed(self, queue: QueueName) -> bool:
        """Is anybody of this queue logged in?"""
        return bool(self._members.get(queue))

    def everybody(self) -> Collection[AgentFacts]:
        """All who are logged in."""
        return self._facts.values()

    # -------------------------------------------------------- inside

    def _ready(self, demand: Demand, now: float) -> _Free:
        free = self._free.get(demand)
        if free is not None:
            self._free.move_to_end(demand)
            return free
        free = self._free[demand] = _Free(demand)
        for agent in self.asked(demand):
            self._fits[agent.id].append(free)
            if unavailable(agent, now) is None and unfit(agent, demand) is None:
                free.put(agent)
                self._kept.add(agent.id)
        if len(self._free) > KEPT:
            self._forget()
        return free

    def _forget(self) -> None:
        oldest = next((each for each in self._free.values() if not self._needed(each.demand)), None)
        if oldest is not None:
            del self._free[oldest.demand]
            for agent in self.asked(oldest.demand):
                self._fits[agent.id].remove(oldest)

    def _enrol(self, agent: AgentFacts, old: AgentFacts | None) -> None:
        """The queues changed, and with them what the agent may be asked for."""
        if old is not None:
            for queue in old.queues:
                self._members[queue].drop(agent.id)
            for free in self._fits[agent.id]:
                free.drop(agent.id)
        self._fits[agent.id] = [free for free in self._free.values() if outside(agent, free.demand) is None]
