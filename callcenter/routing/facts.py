"""What is known of an agent when it is decided who serves a call, and the rules that say who may.

``why_not`` is the one place that says whether an agent may be offered a call. It works alike on the facts of this
moment and on those kept on record, so that a decision can be looked at again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from callcenter.agents.states import Agent, RoutingState
from callcenter.calls.events import PhoneState
from callcenter.calls.skills import Levels
from callcenter.ids import AgentId, QueueName
from callcenter.routing.demand import Demand


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule and the values that it was decided by; pages have a text for each rule."""

    rule: str
    values: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """An agent at an instant; times are monotonic seconds. ``work``: ``Work.rank``."""

    id: AgentId
    name: str
    queues: frozenset[QueueName]
    skills: Levels
    state: RoutingState
    reason: str
    wrap_up_until: float
    screen: bool
    phone: PhoneState
    idle_since: float
    work: float
    last_hard: bool


def facts_of(agent: Agent) -> AgentFacts:
    """The agent as of now."""
    return AgentFacts(
        agent.id,
        agent.name,
        agent.queues,
        agent.skills,
        agent.state,
        agent.reason,
        agent.wrap_up_until,
        agent.screens > 0,
        agent.phone,
        agent.idle_since,
        agent.work.rank,
        agent.last_hard,
    )


def why_not(agent: AgentFacts, demand: Demand, now: float) -> Reason | None:
    """Why this agent can't be offered such a call now; None when they can."""
    return outside(agent, demand) or unavailable(agent, now) or unfit(agent, demand)


def outside(agent: AgentFacts, demand: Demand) -> Reason | None:
    """Not one of those who are asked at all."""
    if demand.only is not None:
        return None if agent.id == demand.only else Reason("wanted", {"agent": demand.only})
    return Reason("queue") if demand.queues.isdisjoint(agent.queues) else None


def unavailable(agent: AgentFacts, now: float) -> Reason | None:
    """Not free for any call."""
    match agent.state:
        case RoutingState.READY:
            pass
        case RoutingState.WRAP_UP:
            return Reason("wrap_up", {"left": round(max(0.0, agent.wrap_up_until - now), 1)})
        case RoutingState.NOT_READY:
            return Reason("not_ready", {"reason": agent.reason})
        case other:
            return Reason(other.value)
    if not agent.screen:
        return Reason("screen")
    return None if agent.phone is PhoneState.IDLE else Reason("phone", {"state": agent.phone.value})


def unfit(agent: AgentFacts, demand: Demand) -> Reason | None:
    """Not able enough, or to be spared. Who is wanted in person needs no skill."""
    if demand.only is None:
        for skill, need in demand.needs:
            if (have := agent.skills.get(skill, 0)) < need:
                return Reason("skill", {"skill": skill, "have": have, "need": need})
    return Reason("rest") if demand.rested and agent.last_hard else None
