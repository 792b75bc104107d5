"""What a schema can't see in a flow: names that lead nowhere, and ways that never end."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from callcenter.ids import QueueName
from callcenter.ivr.flow.flow import Flow, GotoNode, QueueNode, SayNode, prompts_of, targets_of


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault and where in the flow it stands: a path of keys, such as ``("nodes", "menu", "next")``."""

    place: tuple[str, ...]
    message: str


def check(flow: Flow, known_queues: Collection[QueueName]) -> list[Finding]:
    """All faults of a flow; none means that it can be published."""
    return [
        *_names(flow),
        *_queues(flow, known_queues),
        *_unreachable(flow),
        *_rounds(flow),
    ]


def _names(flow: Flow) -> Iterator[Finding]:
    if flow.start not in flow.nodes:
        yield Finding(("start",), f"there is no node “{flow.start}” to start with")
    for name, node in flow.nodes.items():
        place = ("nodes", name)
        for target in dict.fromkeys(targets_of(node)):
            if target not in flow.nodes:
                yield Finding(place, f"it leads to “{target}”, and there is no such node")
        for prompt in dict.fromkeys(prompts_of(node)):
            if prompt not in flow.prompts:
                yield Finding(
                    place, f"it speaks “{prompt}”, and there is no such prompt: add it under prompts"
                )


def _queues(flow: Flow, known: Collection[QueueName]) -> Iterator[Finding]:
    named = ", ".join(sorted(known)) or "none"
    if flow.default_queue not in known:
        yield Finding(("default_queue",), f"there is no queue “{flow.default_queue}” (there are: {named})")
    for name, node in flow.nodes.items():
        if isinstance(node, QueueNode) and node.queue not in known:
            yield Finding(("nodes", name, "queue"), f"there is no queue “{node.queue}” (there are: {named})")


def _unreachable(flow: Flow) -> Iterator[Finding]:
    reached: set[str] = set()
    ahead = [flow.start]
    while ahead:
        name = ahead.pop()
        if name in flow.nodes and name not in reached:
            reached.add(name)
            ahead.extend(targets_of(flow.nodes[name]))
    for name in flow.nodes:
        if name not in reached and flow.start in flow.nodes:
            yield Finding(("nodes", name), "no way leads to this node: give it one, or take it out")


def _rounds(flow: Flow) -> Iterator[Finding]:
    """Nodes that only speak or go on, in a ring: a caller would hear them for ever and could press nothing."""
    clear: set[str] = set()
    for first in flow.nodes:
        seen: list[str] = []
        name: str | None = first
        while name is not None and name in flow.nodes and name not in clear and name not in seen:
            seen.append(name)
            node = flow.nodes[name]
            name = node.next if isinstance(node, SayNode | GotoNode) else None
        if name is not None and name in seen:
            ring = " → ".join([*seen[seen.index(name) :], name])
            yield Finding(("nodes", name), f"it comes round without asking anything: {ring}")
        clear.update(seen)
