"""What a flow names and nobody has: nodes, prompts, queues, skills, queries, services, flows, hours."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from callcenter.ivr.flow.checks.finding import Finding, Known
from callcenter.ivr.flow.document import Place
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.near import Near
from callcenter.ivr.flow.nodes import (
    CallbackNode,
    HoursNode,
    LookupNode,
    QueueNode,
    SubflowNode,
    TransferNode,
    VoicemailNode,
    names_in,
)
from callcenter.ivr.flow.parts import Node
from callcenter.ivr.flow.texts import Part
from callcenter.ivr.walk.standard import STANDARD


def check(flow: Flow, known: Known) -> Iterator[Finding]:
    """Every name that leads nowhere."""
    near = Near()
    if flow.start not in flow.nodes:
        message = f"there is no node “{flow.start}” to start with{near(flow.start, flow.nodes)}"
        yield Finding(("start",), message)
    yield from _inside(flow, near)
    if known.flows is not None:
        known = replace(known, flows={**known.flows, flow.flow: flow})
    if flow.default_queue is not None:
        yield from _outside(("default_queue",), "queue", flow.default_queue, known.queues)
    for name, node in flow.nodes.items():
        yield from _named_outside(("nodes", name), node, flow, known)


def _inside(flow: Flow, near: Near) -> Iterator[Finding]:
    parts: list[tuple[Place, str, Part]] = [(("defaults",), "a default", flow.defaults)]
    parts += [(("nodes", name), "it", node) for name, node in flow.nodes.items()]
    for at, who, part in parts:
        for kind, place, name in names_in(part, at):
            if kind == "target" and name not in flow.nodes:
                advice = near(name, flow.nodes) or ": add it under nodes"
                yield Finding(place, f"{who} leads to “{name}”, and there is no such node{advice}")
            if kind == "prompt" and name not in flow.prompts and name not in STANDARD:
                advice = near(name, flow.prompts) or ": add it under prompts"
                yield Finding(place, f"{who} speaks “{name}”, and there is no such prompt{advice}")


def _named_outside(place: Place, node: Node, flow: Flow, known: Known) -> Iterator[Finding]:
    match node:
        case QueueNode():
            yield from _outside((*place, "queue"), "queue", node.queue, known.queues)
            for index, skill in enumerate(node.skills):
                at = skill if isinstance(node.skills, dict) else str(index)
                yield from _outside((*place, "skills", at), "skill", skill, known.skills)
            if (closes := node.waiting.closes) is not None:
                at_closes = (*place, "waiting", "closes", "hours")
                yield from _outside(at_closes, "entry under hours named", closes.hours, flow.hours)
            if node.survey is not None:
                yield from _outside((*place, "survey"), "flow", node.survey, known.flows)
        case CallbackNode() | VoicemailNode() | TransferNode(queue=str()):
            yield from _outside((*place, "queue"), "queue", str(node.queue), known.queues)
        case LookupNode(query=str(query)):
            yield from _outside((*place, "query"), "query", query, known.queries)
        case LookupNode(service=str(service)):
            yield from _outside((*place, "service"), "service", service, known.services)
        case SubflowNode():
            yield from _outside((*place, "flow"), "flow", node.flow, known.flows)
        case HoursNode():
            yield from _outside((*place, "hours"), "entry under hours named", node.hours, flow.hours)
        case _:
            return


def _outside(place: Place, kind: str, name: str, known: Collection[str] | None) -> Iterator[Finding]:
    if known is not None and name not in known:
        named = sorted(known)
        shown = ", ".join(named[:20]) + (", …" if len(named) > 20 else "")
        yield Finding(place, f"there is no {kind} “{name}” (there are: {shown or 'none'})")
