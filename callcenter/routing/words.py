"""Reasons in English words, for logs and the command line; pages have them in their own catalogues."""

from collections.abc import Callable

from callcenter.ids import AgentId
from callcenter.routing.facts import Reason

TEXTS = {
    # why this agent
    "only_one": "the only one free (idle {idle} s)",
    "longest_idle": "idle longest ({idle} s)",
    "least_work": "least work lately ({worked} s)",
    "most_proficient": "best at what the call needs ({level})",
    "prefers": "best at what the queue prefers ({level})",
    "rested": "last call was not a hard one",
    "owner": "the customer's own account manager",
    "last_agent": "spoke with the customer last",
    "target": "the caller was put through",
    # why not the others
    "wanted": "{agent} is wanted",
    "queue": "not in this queue",
    "wrap_up": "wrap-up, {left} s left",
    "not_ready": "not ready: {reason}",
    "on_call": "on a call",
    "reserved": "reserved for another call",
    "logged_out": "logged out",
    "skill": "{skill} {have} < {need}",
    "screen": "no screen is open",
    "phone": "phone is {state}",
    "rest": "has just had a hard call",
    "tried": "has missed this call already",
    "hard": "the last call was a hard one",
    "order_idle": "idle only {idle} s",
    "order_work": "worked {worked} s lately",
    "order_level": "level {level} in what the call needs",
    "order_prefers": "level {level} in what the queue prefers",
}


def words(reason: Reason, name_of: Callable[[AgentId], str] = str) -> str:
    """One reason; ``until`` is said where a wider ring would let the agent in."""
    values: dict[str, str] = {name: _figure(value) for name, value in reason.values.items()}
    if "agent" in reason.values:
        values["agent"] = name_of(AgentId(int(reason.values["agent"])))
    text = TEXTS.get(reason.rule, reason.rule.replace("_", " ")).format_map(values)
    return f"{text} for {values['until']} s more" if "until" in values else text


def _figure(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}" if abs(value) < 10 else f"{value:.0f}"
