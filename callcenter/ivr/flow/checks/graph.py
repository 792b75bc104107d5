"""The picture of a flow: nodes that no way leads to, ways that come round in silence, and places nobody gets out of.

Every walk over the nodes is a loop with a stack of its own: a flow of 2000 nodes in a row is no problem.
"""

from collections.abc import Iterable, Iterator, Mapping

from callcenter.ivr.flow.checks.finding import Finding, Known
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.nodes import (
    BranchNode,
    IdentifyNode,
    MessageNode,
    QueueNode,
    SubflowNode,
    TransferNode,
    targets_of,
)
from callcenter.ivr.flow.parts import Node, Question
from callcenter.ivr.flow.ways import leads_to, may_end, otherwise_of, unknown_of

_SHOWN = 8
_MAX_RINGS = 20


def check(flow: Flow, known: Known) -> Iterator[Finding]:
    """Unreachable nodes, rings without input, and traps."""
    if flow.start not in flow.nodes:
        return
    ways = {name: _there(flow, leads_to(flow, node)) for name, node in flow.nodes.items()}
    reached = _reach([flow.start], ways)
    for name in flow.nodes:
        if name not in reached:
            yield Finding(("nodes", name), "no way leads to this node: give it one, or take it out")
    rings = list(_rings(flow, known))
    yield from rings
    if not rings:
        yield from _traps(flow, ways, reached)


def _there(flow: Flow, names: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(name for name in names if name in flow.nodes and name is not None)


def _reach(first: Iterable[str], ways: Mapping[str, Iterable[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = list(first)
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead.extend(ways.get(name, ()))
    return reached


# ------------------------------------------------------------ rings


def _rings(flow: Flow, known: Known) -> Iterator[Finding]:
    """Nodes in a ring in which nobody asks, waits or talks: a caller would go round for ever."""
    left = {name: _there(flow, _silent_ways(flow, node, known)) for name, node in flow.nodes.items()}
    place = {name: index for index, name in enumerate(flow.nodes)}
    for _ in range(_MAX_RINGS):
        left = _without_ends(left)
        if not left:
            return
        ring = _ring_in(left)
        start = ring.index(min(ring, key=place.__getitem__))
        ring = [*ring[start:], *ring[: start + 1]]
        shown = " → ".join(ring if len(ring) <= _SHOWN else [*ring[: _SHOWN - 1], "…", ring[-1]])
        advice = "put a question or a queue on the way, or let it end"
        yield Finding(("nodes", ring[0]), f"it comes round without asking anything: {shown}; {advice}")
        gone = set(ring)
        left = {name: ways for name, ways in left.items() if name not in gone}


def _silent_ways(flow: Flow, node: Node, known: Known) -> tuple[str | None, ...]:
    """The ways that a caller goes at once, without having pressed, waited or talked.

    The flow's default ways of failure are not among them: what fails everywhere fails for another reason, and a walk
    that fails again and again is ended by its limits.
    """
    match node:
        case QueueNode(waiting=waiting):
            return (*(way.next for way in (waiting.full, waiting.closes) if way is not None), waiting.nobody)
        case TransferNode():
            return (node.busy, node.failure)
        case IdentifyNode(by="number"):
            return (node.next, unknown_of(flow, node), node.failure)
        case BranchNode():
            return (*targets_of(node), otherwise_of(flow, node))
        case Question() | MessageNode():
            return ()
        case SubflowNode() if _asks(known.flow(node.flow)):
            return ()
        case _:
            return targets_of(node)


def _asks(flow: Flow | None) -> bool:
    """Does a subflow ask anything? One that isn't known, or calls others, is trusted."""
    return flow is None or any(
        isinstance(node, Question | MessageNode | QueueNode | TransferNode | SubflowNode)
        for node in flow.nodes.values()
    )


def _without_ends(ways: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Only the nodes that lead to a ring: whoever leads nowhere goes, and then who leads only there, and so on."""
    left = {name: {way for way in there if way in ways} for name, there in ways.items()}
    before: dict[str, list[str]] = {}
    for name, there in left.items():
        for way in there:
            before.setdefault(way, []).append(name)
    ends = [name for name, there in left.items() if not there]
    while ends:
        end = ends.pop()
        del left[end]
        for name in before.get(end, ()):
            left[name].discard(end)
            if not left[name]:
                ends.append(name)
    return {name: tuple(way for way in ways[name] if way in left) for name in left}


def _ring_in(ways: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Go on from the first node until one comes again."""
    passed: dict[str, int] = {}
    name = next(iter(ways))
    while name not in passed:
        passed[name] = len(passed)
        name = ways[name][0]
    return list(passed)[passed[name] :]


# ------------------------------------------------------------ traps


def _traps(flow: Flow, ways: Mapping[str, Iterable[str]], reached: set[str]) -> Iterator[Finding]:
    """Nodes that a caller can only leave by hanging up."""
    back: dict[str, list[str]] = {}
    for name, there in ways.items():
        for way in there:
            back.setdefault(way, []).append(name)
    free = _reach((name for name, node in flow.nodes.items() if may_end(flow, node)), back)
    trapped = [name for name in flow.nodes if name in reached and name not in free]
    if trapped:
        shown = ", ".join(trapped[:_SHOWN]) + (", …" if len(trapped) > _SHOWN else "")
        yield Finding(
            ("nodes", trapped[0]),
            f"callers who come here never get out ({shown}): give them a way to a queue or to an end",
        )
