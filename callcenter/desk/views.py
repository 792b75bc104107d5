"""What pages are told, as plain data. Durations are seconds at the moment of telling; pages count on by themselves."""

from collections.abc import Iterable
from typing import Any

from callcenter.agents.states import Agent, RoutingState
from callcenter.calls.call import Call
from callcenter.calls.ports import QueueSettings

COLLEAGUES_SHOWN = 200
"""More nobody reads; those who are ready come first."""
SOONEST_FIRST = (RoutingState.READY, RoutingState.WRAP_UP, RoutingState.ON_CALL, RoutingState.RESERVED)
"""Who can take a caller soon."""


def agent_view(agent: Agent, now: float) -> dict[str, Any]:
    """One agent."""
    return {
        "id": agent.id,
        "name": agent.name,
        "extension": agent.extension,
        "presence": agent.presence.value,
        "state": agent.state.value,
        "reason": agent.reason,
        "state_seconds": round(now - agent.since, 1),
        "phone": agent.phone.value,
        "queues": sorted(agent.queues),
    }


def call_view(call: Call, now: float) -> dict[str, Any]:
    """One call."""
    return {
        "id": call.id,
        "direction": call.direction.value,
        "stage": call.stage.value,
        "stage_seconds": round(now - call.stage_since(), 1),
        "total_seconds": round(now - call.arrived, 1),
        "queue": call.queue or "",
        "number": call.number.key or call.number.raw,
        "customer_id": call.customer_id,
        "tier": call.tier,
    }


def wrap_up_view(agent: Agent, customer_id: int | None, now: float) -> dict[str, Any] | None:
    """The wrap-up that runs, or None."""
    if agent.wrap_up_call is None:
        return None
    return {
        "call_id": agent.wrap_up_call,
        "seconds_left": round(max(0.0, agent.wrap_up_until - now), 1),
        "customer_id": customer_id,
    }


def targets_view(colleagues: Iterable[Agent], queues: Iterable[QueueSettings]) -> dict[str, Any]:
    """Where a caller may be put through to: colleagues, those who are ready first, and queues with how many are ready
    there."""
    known = list(colleagues)
    ready = [agent for agent in known if agent.state is RoutingState.READY]
    shown = sorted(known, key=lambda agent: (_how_soon(agent), agent.name, agent.extension))[
        :COLLEAGUES_SHOWN
    ]
    return {
        "agents": [
            {"extension": agent.extension, "name": agent.name, "state": agent.state.value} for agent in shown
        ],
        "queues": [
            {
                "name": queue.name,
                "number": queue.number,
                "ready": sum(queue.name in agent.queues for agent in ready),
            }
            for queue in queues
        ],
    }


def _how_soon(agent: Agent) -> int:
    return SOONEST_FIRST.index(agent.state) if agent.state in SOONEST_FIRST else len(SOONEST_FIRST)
