"""Decisions of the routing as pages tell them, in the reader's language."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from callcenter.errors import BadInput
from callcenter.ids import AgentId
from callcenter.routing.decision import Explanation, Head, explained
from callcenter.routing.facts import Reason
from callcenter.web.fragments import Fragments

NAMES_SHOWN = 12
"""Of those who were kept out by the same rule and value."""
SECONDS = frozenset({"idle", "left", "worked", "until"})
"""Values that are seconds."""


@dataclass(frozen=True, slots=True)
class KeptOut:
    """Agents who were not chosen for the same reason; ``more`` have no place."""

    text: str
    names: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class HeadLine:
    """The call itself (``mine``), or the first of another class that waited beside it. ``share``: percent of the
    promise, weighted; None where the order went by something else. ``level``: as in ``routing.decision.Head``."""

    queue: str
    tier: str
    waited: float
    level: int
    share: float | None
    mine: bool


@dataclass(frozen=True, slots=True)
class WhyView:
    """One decision. ``boost``: seconds that were not waited; ``ring`` counts from 1; ``version``: of the rules."""

    chosen: str
    because: str
    kept_out: tuple[KeptOut, ...]
    heads: tuple[HeadLine, ...]
    boost: float
    ring: int
    version: int


def why_view(
    decision: str, fragments: Fragments, language: str, names: Mapping[AgentId, str]
) -> WhyView | None:
    """A kept decision; None when there is none, or it can't be read."""
    if not decision:
        return None
    try:
        told = explained(decision)
    except BadInput:
        return None
    heads = (_head(told.head, mine=True), *(_head(one, mine=False) for one in told.others))
    return WhyView(
        chosen=name_of(told.chosen, names),
        because=reason_text(told.because, fragments, language, names),
        kept_out=_kept_out(told, fragments, language, names),
        heads=heads,
        boost=told.boost,
        ring=told.ring + 1,
        version=told.version,
    )


async def why_views(
    decisions: Iterable[str], fragments: Fragments, language: str, names: Mapping[AgentId, str]
) -> list[WhyView | None]:
    """One after the other. Among a thousand agents each takes some milliseconds: others get their turn in between."""
    views = []
    for one in decisions:
        await asyncio.sleep(0)
        views.append(why_view(one, fragments, language, names))
    return views


def reason_text(reason: Reason, fragments: Fragments, language: str, names: Mapping[AgentId, str]) -> str:
    """One reason. A rule that the catalogue does not know is shown as it is."""
    template = fragments.code(language, "why", reason.rule)
    values = {name: _value(name, value, fragments, language, names) for name, value in reason.values.items()}
    try:
        text = template.format_map(values)
    except (KeyError, ValueError, IndexError):
        return reason.rule
    if "until" not in values:
        return text
    return fragments.code(language, "why", "until").format(why=text, until=values["until"])


def name_of(agent_id: AgentId, names: Mapping[AgentId, str]) -> str:
    """Who it is; one who is not there any more by the number."""
    return names.get(agent_id) or f"#{agent_id}"


def _value(
    name: str, value: str | float, fragments: Fragments, language: str, names: Mapping[AgentId, str]
) -> str:
    if name == "agent":
        return name_of(AgentId(int(value)), names)
    if name == "reason":
        return fragments.reason(language, str(value))
    if name == "state":
        return fragments.code(language, "phone", str(value))
    if isinstance(value, str):
        return value
    figure = f"{value:.0f}" if abs(value) >= 10 else f"{value:.1f}".removesuffix(".0")
    return fragments.code(language, "flow", "seconds").format(count=figure) if name in SECONDS else figure


def _kept_out(
    told: Explanation, fragments: Fragments, language: str, names: Mapping[AgentId, str]
) -> tuple[KeptOut, ...]:
    """Together where the words are the same, in the order of the record."""
    together: dict[str, list[str]] = {}
    for agent_id, reason in told.rejected:
        text = reason_text(reason, fragments, language, names)
        together.setdefault(text, []).append(name_of(agent_id, names))
    return tuple(
        KeptOut(text, tuple(sorted(who)[:NAMES_SHOWN]), max(0, len(who) - NAMES_SHOWN))
        for text, who in together.items()
    )


def _head(head: Head, *, mine: bool) -> HeadLine:
    # Under strict priority the value is the tier's rank below nothing, not a share.
    share = head.value * 100 if head.level < 2 and head.value >= 0 else None
    return HeadLine(head.queue, head.tier.value, max(0.0, head.waited), head.level, share, mine)
