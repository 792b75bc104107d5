"""What pages are told, as plain data. Durations are seconds at the moment of telling; pages count on by themselves."""

from typing import Any

from callcenter.agents.states import Agent
from callcenter.calls.call import Call


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
