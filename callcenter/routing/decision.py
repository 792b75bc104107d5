"""One decision with all that it was decided from: it can be put on record, explained in words, and made again.

The record is compact JSON; times are seconds before (or after) the decision. Agents who could come into question are
listed by what kept them out, since that is most of them; of those who were free all is kept that ranks them.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from callcenter.agents.states import RoutingState
from callcenter.calls.events import PhoneState
from callcenter.customers.customer import Tier
from callcenter.errors import BadInput
from callcenter.ids import AgentId, QueueName
from callcenter.routing.choose import because, choose, next_best, rank, worked
from callcenter.routing.demand import Demand, Ring
from callcenter.routing.facts import AgentFacts, Reason, why_not
from callcenter.routing.policy import Waiting, urgency
from callcenter.routing.rules import RoutingRules, Strategy

FORM = 1
MOST_HEADS = 8
"""Others in line that are kept; more were never looked at closely by anybody."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first of one class in line: ``level`` and ``value`` as ``policy.urgency`` gives them. Seconds."""

    queue: QueueName
    tier: Tier
    waited: float
    level: int
    value: float


@dataclass(frozen=True, slots=True)
class Decision:
    """``agents``: all who could come into question, as they were at ``at``; ``others``: the heads of the classes that
    were compared; ``tried``: who had missed this call before; ``version``: of the rules."""

    at: float
    waiting: Waiting
    chosen: AgentId
    because: Reason
    tried: frozenset[AgentId]
    agents: Iterable[AgentFacts]
    others: tuple[Waiting, ...]
    rules: RoutingRules
    version: int = 0

    def packed(self) -> str:
        """As ``unpacked`` reads it."""
        waiting, at = self.waiting, self.at
        others = sorted((_head(one, at, self.rules) for one in self.others), key=_most_urgent_first)
        data = {
            "form": FORM,
            "version": self.version,
            "head": _packed_head(_head(waiting, at, self.rules)),
            "boost": waiting.boost,
            "below": waiting.below,
            "rings": [[_exact(ring.at - at), _packed_demand(ring.demand)] for ring in waiting.rings],
            "ring": waiting.ring,
            "chosen": self.chosen,
            "tried": sorted(self.tried),
            "agents": _packed_agents(self.agents, waiting.demand, at),
            "others": [_packed_head(one) for one in others[:MOST_HEADS]],
        }
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision as people are told it. ``rejected``: the others who could have come into question, each with the rule;
    ``until`` among its values: seconds from the decision at which a wider ring would have let them in. ``head``: the
    call itself in line; ``others``: who waited beside it."""

    chosen: AgentId
    because: Reason
    rejected: tuple[tuple[AgentId, Reason], ...]
    head: Head
    others: tuple[Head, ...]
    boost: float
    ring: int
    version: int

    @property
    def queue(self) -> QueueName:
        """The call's."""
        return self.head.queue

    @property
    def tier(self) -> Tier:
        """The caller's."""
        return self.head.tier

    @property
    def waited(self) -> float:
        """Seconds, the boost taken off."""
        return self.head.waited - self.boost

    @property
    def urgency(self) -> float:
        """As ``policy.urgency`` gives it."""
        return self.head.value


@dataclass(frozen=True, slots=True)
class _Record:
    """A decision read back; its instant is 0."""

    head: Head
    boost: float
    rings: tuple[Ring, ...]
    ring: int
    chosen: AgentId
    tried: frozenset[AgentId]
    agents: tuple[AgentFacts, ...]
    others: tuple[Head, ...]
    version: int

    @property
    def demand(self) -> Demand:
        return self.rings[self.ring].demand


def rerun(text: str) -> AgentId | None:
    """Decide again from the record alone: the agent, or None when somebody else in line should have come first or
    nobody was free. Raises ``BadInput`` for what is no record."""
    record = unpacked(text)
    mine = _most_urgent_first(record.head)
    if any(_most_urgent_first(other) < mine for other in record.others):
        return None
    found = choose(record.agents, record.demand, 0.0, record.tried)
    return found.id if found is not None else None


def explained(text: str) -> Explanation:
    """In terms that pages have words for. Raises ``BadInput`` for what is no record."""
    record = unpacked(text)
    demand = record.demand
    refused = {agent.id: why_not(agent, demand, 0.0) for agent in record.agents}
    free = [agent for agent in record.agents if refused[agent.id] is None]
    chosen = next((agent for agent in free if agent.id == record.chosen), None)
    if chosen is None:
        raise BadInput("The record of this decision is damaged: the agent is not in it.")
    rejected = tuple(
        (agent.id, refused[agent.id] or _behind(agent, chosen, record))
        for agent in record.agents
        if agent.id != chosen.id
    )
    return Explanation(
        chosen=chosen.id,
        because=because(chosen, next_best(free, chosen, demand, record.tried), demand, 0.0),
        rejected=tuple((agent_id, _with_until(agent_id, reason, record)) for agent_id, reason in rejected),
        head=record.head,
        others=record.others,
        boost=record.boost,
        ring=record.ring,
        version=record.version,
    )


def unpacked(text: str) -> _Record:
    """Read a record. Raises ``BadInput`` for what is none."""
    try:
        data = json.loads(text)
        if data["form"] != FORM:
            raise BadInput(f"This decision is kept in a form ({data['form']}) that this version can't read.")
        rings = tuple(Ring(float(at), _demand(kept)) for at, kept in data["rings"])
        return _Record(
            head=_unpacked_head(data["head"]),
            boost=float(data["boost"]),
            rings=rings,
            ring=range(len(rings))[data["ring"]],
            chosen=AgentId(int(data["chosen"])),
            tried=frozenset(AgentId(int(one)) for one in data["tried"]),
            agents=tuple(_agents(data["agents"], rings[data["ring"]].demand)),
            others=tuple(_unpacked_head(one) for one in data["others"]),
            version=int(data["version"]),
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise BadInput("This is no record of a decision.") from error


# ------------------------------------------------------------ why the others not


def _behind(agent: AgentFacts, chosen: AgentFacts, record: _Record) -> Reason:
    """Free, and yet another came first."""
    if agent.id in record.tried and chosen.id not in record.tried:
        return Reason("tried")
    mine, theirs = rank(agent, record.demand), rank(chosen, record.demand)
    first = next((i for i, (one, other) in enumerate(zip(mine, theirs, strict=True)) if one != other), 3)
    match first, record.demand.strategy:
        case 0, _:
            return Reason("hard")
        case 1, _:
            return Reason("order_prefers", {"level": -mine[1]})
        case 2, Strategy.LEAST_WORK:
            return Reason("order_work", {"worked": worked(agent, 0.0)})
        case 2, Strategy.MOST_PROFICIENT:
            return Reason("order_level", {"level": -mine[2]})
        case _:
            return Reason("order_idle", {"idle": round(-agent.idle_since, 1)})


def _with_until(agent_id: AgentId, reason: Reason, record: _Record) -> Reason:
    """When a wider ring would have let this agent in."""
    if reason.rule not in {"wanted", "skill", "rest", "queue"}:
        return reason
    agent = next(one for one in record.agents if one.id == agent_id)
    for ring in record.rings[record.ring + 1 :]:
        later = why_not(agent, ring.demand, ring.at)
        if later is None or later.rule != reason.rule:
            return Reason(reason.rule, {**reason.values, "until": round(ring.at, 1)})
    return reason


# ------------------------------------------------------------ the record's parts


def _head(waiting: Waiting, at: float, rules: RoutingRules) -> Head:
    level, value = urgency(waiting, at, rules)
    return Head(waiting.queue, waiting.tier, _exact(at - waiting.arrived), level, round(value, 9))


def _most_urgent_first(head: Head) -> tuple[int, float, float]:
    return (-head.level, -head.value, -head.waited)


def _packed_head(head: Head) -> list[Any]:
    return [head.queue, head.tier.value, head.waited, head.level, head.value]


def _unpacked_head(kept: Sequence[Any]) -> Head:
    queue, tier, waited, level, value = kept
    return Head(QueueName(str(queue)), Tier(tier), float(waited), int(level), float(value))


def _packed_demand(demand: Demand) -> dict[str, Any]:
    kept = {
        "queues": sorted(demand.queues),
        "needs": dict(demand.needs),
        "prefers": list(demand.prefers),
        "strategy": demand.strategy.value,
        "only": demand.only,
        "bond": demand.bond,
        "rested": demand.rested,
        "hard": demand.hard,
    }
    return {name: value for name, value in kept.items() if value}


def _demand(kept: Mapping[str, Any]) -> Demand:
    return Demand(
        queues=frozenset(QueueName(str(name)) for name in kept["queues"]),
        needs=tuple(sorted((str(skill), int(level)) for skill, level in kept.get("needs", {}).items())),
        prefers=tuple(str(skill) for skill in kept.get("prefers", ())),
        strategy=Strategy(kept["strategy"]),
        only=AgentId(int(kept["only"])) if "only" in kept else None,
        bond=str(kept.get("bond", "")),
        rested=bool(kept.get("rested", False)),
        hard=bool(kept.get("hard", False)),
    )


def _packed_agents(agents: Iterable[AgentFacts], demand: Demand, at: float) -> dict[str, list[Any]]:
    """By state. Of those who were not ready for any call only what kept them out."""
    skills = [skill for skill, _ in demand.needs] + list(demand.prefers)
    kept: defaultdict[str, list[Any]] = defaultdict(list)
    for agent in agents:
        match agent.state:
            case RoutingState.WRAP_UP:
                kept[agent.state].append([agent.id, _exact(agent.wrap_up_until - at)])
            case RoutingState.NOT_READY:
                kept[agent.state].append([agent.id, agent.reason])
            case RoutingState.READY:
                levels = {skill: agent.skills[skill] for skill in skills if skill in agent.skills}
                idle, work = _exact(at - agent.idle_since), worked(agent, at)
                flags = int(agent.screen) + 2 * int(agent.last_hard)
                kept[agent.state].append([agent.id, agent.phone.value, flags, idle, work, levels])
            case _:
                kept[agent.state].append(agent.id)
    return dict(kept)


def _agents(kept: Mapping[str, Sequence[Any]], demand: Demand) -> Iterator[AgentFacts]:
    for name, members in kept.items():
        state = RoutingState(name)
        for one in members:
            match state:
                case RoutingState.WRAP_UP:
                    yield _facts(one[0], state, demand, wrap_up_until=float(one[1]))
                case RoutingState.NOT_READY:
                    yield _facts(one[0], state, demand, reason=str(one[1]))
                case RoutingState.READY:
                    yield _ready(one, demand)
                case _:
                    yield _facts(one, state, demand)


def _ready(one: Sequence[Any], demand: Demand) -> AgentFacts:
    agent_id, phone, flags, idle, work, levels = one
    return _facts(
        agent_id,
        RoutingState.READY,
        demand,
        phone=PhoneState(phone),
        screen=bool(flags & 1),
        last_hard=bool(flags & 2),
        idle_since=-float(idle),
        work=math.log(work) if work > 0 else -math.inf,
        skills={str(skill): int(level) for skill, level in levels.items()},
    )


def _facts(agent_id: Any, state: RoutingState, demand: Demand, **known: Any) -> AgentFacts:
    usual: dict[str, Any] = {
        "skills": {},
        "reason": "",
        "wrap_up_until": 0.0,
        "screen": True,
        "phone": PhoneState.IDLE,
        "idle_since": 0.0,
        "work": -math.inf,
        "last_hard": False,
    }
    return AgentFacts(
        id=AgentId(int(agent_id)), name="", queues=demand.queues, state=state, **(usual | known)
    )


def _exact(seconds: float) -> float:
    """A microsecond: finer than agents follow one another."""
    return round(seconds, 6)
