"""Variables: what is known without anybody having set it, what nodes fill, and where each is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from callcenter.ivr.flow import expression, template
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.nodes import (
    BranchNode,
    CallbackNode,
    CollectNode,
    ComplaintNode,
    LookupNode,
    RecordNode,
    SetNode,
    StatusNode,
    TransferNode,
)
from callcenter.ivr.flow.parts import Node

BUILT_IN: Mapping[str, str] = {
    "caller.number": "the caller's number, empty when it is withheld",
    "caller.known": "does the number lead to a customer?",
    "caller.name": "the name of who calls, as far as the records have it",
    "call.did": "the number that was dialled",
    "customer.id": "the customer's id, null when the caller isn't known",
    "customer.number": "the customer's number, empty when the caller isn't known",
    "customer.name": "the customer's name",
    "customer.company": "the customer's company",
    "customer.tier": "vip, key, regular or small",
    "customer.language": "the language that the record names",
    "customer.open_complaints": "how many of the customer's complaints are open",
    "customer.open_promises": "how many promises to the customer are open",
    "customer.orders": "how many orders the customer has",
    "language": "the language spoken now: en or zh",
    "time.hour": "the hour now, 0 to 23",
    "time.minute": "the minute now, 0 to 59",
    "time.weekday": "the day of the week, 1 (Monday) to 7",
    "time.date": "today as ISO text, 2026-01-31",
    "queue.waiting": "how many wait in the flow's default queue now",
}
"""Name -> what it is. Always there; nothing can set them."""

STATUS_WORDS = ("number", "state", "date", "owner", "due", "amount")
"""What a status node tells: as they are in its own prompt, and as ``status_...`` from there on."""

_ALSO_SPOKEN = {"found": frozenset(STATUS_WORDS)}


@dataclass(frozen=True, slots=True)
class Reading:
    """An expression in a flow: where it stands below its node, the variables that it reads, and those that it may
    read though they are secret."""

    place: tuple[str, ...]
    names: frozenset[str]
    secrets: frozenset[str] = frozenset()


def filled_by(node: Node) -> tuple[str, ...]:
    """The variables that a node fills."""
    match node:
        case CollectNode() | RecordNode():
            return (node.into,)
        case LookupNode():
            return tuple(node.into)
        case SetNode():
            return tuple(node.values)
        case CallbackNode():
            return ("callback_number",)
        case ComplaintNode():
            return ("complaint_number",)
        case StatusNode():
            return tuple(f"status_{word}" for word in STATUS_WORDS)
        case _:
            return ()


def filled_in(flow: Flow) -> frozenset[str]:
    """All variables that a flow declares or fills."""
    return frozenset(flow.variables).union(*(filled_by(node) for node in flow.nodes.values()))


def secrets_in(flow: Flow) -> frozenset[str]:
    """The variables that hold secret digits."""
    return frozenset(
        node.into for node in flow.nodes.values() if isinstance(node, CollectNode) and node.secret
    )


def read_by(node: Node) -> Iterator[Reading]:
    """The expressions of a node."""
    match node:
        case CollectNode(valid=str(text)):
            # It judges the very digits that were pressed, and keeps nothing of them.
            yield Reading(("valid",), _names(text), frozenset({node.into}))
        case BranchNode():
            for index, case in enumerate(node.cases):
                yield Reading(("cases", str(index), "when"), _names(case.when))
        case LookupNode():
            yield from (
                Reading(("send", name), _names(text), _names(text)) for name, text in node.send.items()
            )
        case SetNode():
            yield from (Reading(("values", name), _names(text)) for name, text in node.values.items())
        case CallbackNode(number=str(text)) | StatusNode(number=str(text)) | TransferNode(number=str(text)):
            yield Reading(("number",), _names(text))
        case TransferNode(extension=str(text)):
            yield Reading(("extension",), _names(text))
        case _:
            return


def _names(text: str) -> frozenset[str]:
    return expression.parse(text).names


def spoken_slots(flow: Flow, prompt: str) -> dict[str, tuple[str, ...]]:
    """The variables in a prompt, by language."""
    texts = flow.prompts[prompt]
    return {
        language: tuple(slot.name for slot in template.parse(texts.within(language)).slots)
        for language in ("en", "zh")
    }


def known_only_in(node: Node, prompt: str) -> frozenset[str]:
    """What a node tells to one of its own prompts, beside the variables."""
    if isinstance(node, StatusNode) and node.found == prompt:
        return _ALSO_SPOKEN["found"]
    return frozenset()
