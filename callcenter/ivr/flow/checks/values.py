"""Variables that nothing fills, and secret digits that would come to light."""

from collections.abc import Iterator

from callcenter.ivr.flow.checks.between import neighbours
from callcenter.ivr.flow.checks.finding import Finding, Known, warning
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.near import Near
from callcenter.ivr.flow.nodes import LookupNode, SetNode, prompts_of
from callcenter.ivr.flow.variables import (
    BUILT_IN,
    filled_by,
    filled_in,
    known_only_in,
    read_by,
    secrets_in,
    spoken_slots,
)

_SHY = "only a lookup's “send” and the digits' own “valid” may read it"


def check(flow: Flow, known: Known) -> Iterator[Finding]:
    """Every variable that is read, and every one that is filled."""
    around, all_known = neighbours(flow, known)
    filled = frozenset(BUILT_IN).union(*(filled_in(other) for other in around))
    secret = frozenset[str]().union(*(secrets_in(other) for other in around))
    near = Near()
    for place, name in _read(flow):
        if name not in filled and all_known:
            yield Finding(place, _unfilled(name, filled, near))
    yield from _told(flow, secret)
    yield from _filled(
        flow, frozenset[str]().union(*(_used(other) for other in around)) if all_known else None
    )


def _unfilled(name: str, filled: frozenset[str], near: Near) -> str:
    advice = near(name, filled) or ": declare it under variables, or let a node fill it"
    return f"no node fills “{name}”, and it is not built in{advice}"


def _read(flow: Flow) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where each variable is read: in nodes, and in the prompts that they speak."""
    seen: set[tuple[str, str, str]] = set()
    for name, node in flow.nodes.items():
        for reading in read_by(node):
            yield from ((("nodes", name, *reading.place), variable) for variable in sorted(reading.names))
        for prompt in prompts_of(node):
            if prompt in flow.prompts:
                yield from _slots(flow, prompt, known_only_in(node, prompt), seen)
    for prompt in prompts_of(flow.defaults):
        if prompt in flow.prompts:
            yield from _slots(flow, prompt, frozenset(), seen)


def _slots(
    flow: Flow, prompt: str, also: frozenset[str], seen: set[tuple[str, str, str]]
) -> Iterator[tuple[tuple[str, ...], str]]:
    for language, names in spoken_slots(flow, prompt).items():
        for name in names:
            if name not in also and (prompt, language, name) not in seen:
                seen.add((prompt, language, name))
                yield ("prompts", prompt, language), name


def _used(flow: Flow) -> frozenset[str]:
    return frozenset(name for _, name in _read(flow))


def _told(flow: Flow, secret: frozenset[str]) -> Iterator[Finding]:
    """Secret digits that would be heard, kept or judged elsewhere."""
    if not secret:
        return
    for name, node in flow.nodes.items():
        for reading in read_by(node):
            for variable in sorted((reading.names & secret) - reading.secrets):
                yield Finding(("nodes", name, *reading.place), f"“{variable}” is secret: {_SHY}")
    for prompt in flow.prompts:
        for language, slots in spoken_slots(flow, prompt).items():
            for variable in sorted(secret.intersection(slots)):
                yield Finding(("prompts", prompt, language), f"“{variable}” is secret: it can't be spoken")


def _filled(flow: Flow, used: frozenset[str] | None) -> Iterator[Finding]:
    for name in flow.variables:
        if used is not None and name not in used:
            yield warning(("variables", name), f"nothing reads “{name}”: take it out")
    for name, node in flow.nodes.items():
        for variable in filled_by(node):
            if variable in BUILT_IN:
                where = ("nodes", name, "values" if isinstance(node, SetNode) else "into")
                place = (*where, variable) if isinstance(node, SetNode | LookupNode) else where
                yield Finding(place, f"“{variable}” is built in and can't be set: choose another name")
    for variable in flow.variables:
        if variable in BUILT_IN:
            yield Finding(("variables", variable), f"“{variable}” is built in: choose another name")
