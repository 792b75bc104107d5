"""A call's decisions in English words and in values, and decided again: for the command line."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from callcenter.history.story import CallStory, OfferLine
from callcenter.ids import AgentId
from callcenter.routing.decision import Explanation, Head, explained, rerun
from callcenter.routing.words import words

Told: TypeAlias = Sequence[dict[str, Any]]
"""One entry for each offer, ready for JSON."""


def told(story: CallStory) -> Told:
    """Each offer: to whom, what came of it, why, why not the others, why this call, and who it would be if it were
    decided again. Raises ``BadInput`` for a record that can't be read."""
    return [_decided(one, story) for one in story.offers]


def all_same(offers: Told) -> bool:
    """Did every decision come out as it did then?"""
    return all(one["run_again"]["same"] for one in offers if "run_again" in one)


def _decided(offer: OfferLine, story: CallStory) -> dict[str, Any]:
    """One offer as plain data, in words and in values."""
    facts = {
        "at": offer.offered_at.isoformat(),
        "agent": offer.agent,
        "result": offer.result,
        "why": offer.why,
    }
    if not offer.decision:
        return facts
    found, again = explained(offer.decision), rerun(offer.decision)
    return {
        **facts,
        **_explanation(found, lambda agent_id: story.names.get(agent_id, f"#{agent_id}")),
        "run_again": {"agent_id": again, "same": again == found.chosen},
    }


def _explanation(found: Explanation, name_of: Callable[[AgentId], str]) -> dict[str, Any]:
    return {
        "chosen": {
            "agent_id": found.chosen,
            "name": name_of(found.chosen),
            "why": words(found.because, name_of),
        },
        "rejected": [
            {
                "agent_id": agent_id,
                "name": name_of(agent_id),
                "rule": reason.rule,
                "values": dict(reason.values),
                "why": words(reason, name_of),
            }
            for agent_id, reason in found.rejected
        ],
        "place": {**_head(found.head), "boost": found.boost, "ring": found.ring + 1},
        "others": [_head(one) for one in found.others],
        "rules_version": found.version,
    }


def _head(head: Head) -> dict[str, Any]:
    return {
        "queue": head.queue,
        "tier": head.tier.value,
        "waited": round(head.waited, 3),
        "level": head.level,
        "urgency": head.value,
    }


def lines(story: CallStory, offers: Told) -> Iterator[str]:
    """What ``told`` gives, for people."""
    if not offers:
        yield "This call was offered to nobody."
    for number, one in enumerate(offers, 1):
        yield f"Offer {number}, {one['at']}: {one['agent']}, {one['result']}"
        if "chosen" not in one:
            yield f"  nobody chose: {one['why'] or 'no decision is on record'}"
            continue
        yield f"  why this agent: {one['chosen']['name']}: {one['chosen']['why']}"
        yield from (f"  why not: {other['name']}: {other['why']}" for other in one["rejected"])
        yield f"  why this call: {_place_words(one['place'])}, step {one['place']['ring']} of who may serve"
        yield from (f"  after it: {_place_words(other)}" for other in one["others"])
        again = one["run_again"]
        same = "the same agent" if again["same"] else _other(again["agent_id"], story)
        yield f"  run again: {same}"


def _place_words(head: dict[str, Any]) -> str:
    urgency = "past the ceiling" if head["level"] == 2 else f"urgency {head['urgency']:.2f}"
    below = ", below all callers" if head["level"] == 0 else ""
    owed = f" ({head['boost']:g} s of it for what we owe)" if head.get("boost") else ""
    return f"{head['tier']} in {head['queue']}, waited {head['waited']:.1f} s{owed}, {urgency}{below}"


def _other(agent_id: AgentId | None, story: CallStory) -> str:
    return "NOBODY" if agent_id is None else f"ANOTHER AGENT, {story.names.get(agent_id, f'#{agent_id}')}"
