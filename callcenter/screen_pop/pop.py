"""The pop's content; plain data, ready for JSON and for a template."""

import dataclasses
import datetime as dt
import enum
import functools
from dataclasses import dataclass
from typing import Any

from callcenter.calls.call import Call
from callcenter.customers.customer import CustomerCard, CustomerRecord
from callcenter.customers.lookup import Match
from callcenter.ids import CallId, OfferId
from callcenter.routing.facts import Reason


class Why(enum.StrEnum):
    """Why a call comes to this agent. The first are what the line decided by."""

    ONLY_ONE = "only_one"
    LONGEST_IDLE = "longest_idle"
    LEAST_WORK = "least_work"
    MOST_PROFICIENT = "most_proficient"
    PREFERS = "prefers"
    """The agent has most of the skills that the queue would like."""
    RESTED = "rested"
    """The others' last calls were hard ones."""
    OWNER = "owner"
    LAST_AGENT = "last_agent"
    """The customer spoke with this agent last."""
    TARGET = "target"
    """Somebody put the caller through to this very agent."""
    CHOSEN = "chosen"
    """By a rule that pages have no words for."""
    DIRECT = "direct"
    """It was dialled past our line."""
    OUTBOUND = "outbound"
    """The agent dialled it."""
    CALLBACK = "callback"
    """The customer asked to be called back."""


_FIGURES = {Why.LONGEST_IDLE: "idle", Why.LEAST_WORK: "worked"}
"""Where the reason has seconds that decided; the levels that decide elsewhere mean nothing by themselves."""


def why_of(reason: Reason) -> tuple[Why, float | None]:
    """What the agent is told of why the line chose them, and the seconds that decided, if it was seconds."""
    try:
        why = Why(reason.rule)
    except ValueError:
        why = Why.CHOSEN
    figure = reason.values.get(_FIGURES.get(why, ""))
    return why, float(figure) if isinstance(figure, int | float) else None


@dataclass(frozen=True, slots=True)
class Pop:
    """What is shown for one call to one agent. ``waited`` and ``in_ivr`` are seconds at the moment of the
    offer; ``match`` is a ``MatchKind``; ``number`` is E.164 or what the trunk sent, empty when withheld."""

    call_id: CallId
    offer_id: OfferId | None
    direction: str
    match: str
    number: str
    caller_name: str
    queue: str
    queue_title_en: str
    queue_title_zh: str
    waited: float
    in_ivr: float
    language: str
    did: str
    keys: tuple[tuple[str, str], ...]
    tier: str
    customer: CustomerRecord | None
    candidates: tuple[CustomerCard, ...]
    why: Why
    why_seconds: float | None = None
    """The figure that decided: how long the agent has been idle, or has worked lately; or how long ago the customer
    asked to be called back."""
    put_through_by: str = ""
    """The name of the agent who put the caller through; empty when nobody did."""

    def to_json(self) -> dict[str, Any]:
        """Plain data: dates as ISO 8601, everything else as it is."""
        return {name: _plain(getattr(self, name)) for name in _names(Pop)}


@functools.cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in dataclasses.fields(kind))


def _plain(value: Any) -> Any:
    """As JSON has it. ``dataclasses.asdict`` would copy everything twice, and this is on the pop's way."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return {name: _plain(getattr(value, name)) for name in _names(type(value))}  # type: ignore[arg-type]  # classes are hashable


def compose(
    call: Call,
    match: Match,
    now: float,
    *,
    why: Why,
    offer_id: OfferId | None = None,
    titles: tuple[str, str] = ("", ""),
    why_seconds: float | None = None,
    put_through_by: str = "",
) -> Pop:
    """Put the pop together from what is already in memory."""
    in_ivr = sum(s.seconds(now) for s in call.segments if s.stage.value in {"arrived", "ivr"})
    return Pop(
        call_id=call.id,
        offer_id=offer_id,
        direction=call.direction.value,
        match=match.kind.value,
        number=call.number.key or call.number.raw,
        caller_name=call.caller_name,
        queue=call.queue or "",
        queue_title_en=titles[0],
        queue_title_zh=titles[1],
        waited=round(call.waited(now), 1),
        in_ivr=round(in_ivr, 1),
        language=call.language,
        did=call.did,
        keys=tuple(call.keys),
        tier=call.tier,
        customer=match.record,
        candidates=match.candidates,
        why=why,
        why_seconds=why_seconds,
        put_through_by=put_through_by,
    )
