"""From node to node until an end. Every walk ends: steps are counted, and what fails has its way.

A node that can't be done goes its failure way. When Asterisk itself fails again, or the caller has made too many
steps, the caller goes to a person in the default queue, or is let go where there is none.
"""

from collections.abc import Mapping

import structlog

from callcenter.errors import ActionFailed, CallcenterError, CallerGone, ReleasedToFallback
from callcenter.ids import QueueName
from callcenter.ivr.flow.nodes import QueueNode, SubflowNode, TransferNode
from callcenter.ivr.flow.parts import Node
from callcenter.ivr.flow.ways import failure_of
from callcenter.ivr.ports import FlowSet
from callcenter.ivr.walk import asking, deciding, facts, knowing, leaving, recording
from callcenter.ivr.walk.deciding import come_back
from callcenter.ivr.walk.walk import MAX_DEPTH, Handler, Next, Walk
from callcenter.reception.visit import HungUp, Outcome, ToQueue, ToTransfer, VisitEnd

log = structlog.get_logger(__name__)

MAX_STEPS = 500
"""Nodes in one visit. Nobody needs more; a caller who keeps going round is put to a person."""
LOGGED_FAILURES = 10
"""In one visit: a flow that goes round a node which fails must not flood the log."""

_HANDLERS: Mapping[type[Node], Handler] = {
    **asking.NODES,
    **knowing.NODES,
    **deciding.NODES,
    **leaving.NODES,
    **recording.NODES,
}


async def begin(walk: Walk, flow: str) -> VisitEnd:
    """Walk from the flow's first node to an end. Raises ``CallerGone``, ``ReleasedToFallback``."""
    await facts.have_zones(walk.flows.flows.values())
    start = walk.enter_flow(flow)
    if start is None:
        raise ReleasedToFallback("there is no such flow")
    return await _go(walk, start)


async def rejoin(walk: Walk, queue: QueueName) -> ToQueue:
    """Back at the first node that leads to this queue, for who has been in its line before; where none does, there is
    only the line. Never raises."""
    await facts.have_zones(walk.flows.flows.values())
    way = way_to(walk.flows, queue)
    if way is None:
        walk.enter_flow(walk.flows.start)
        return ToQueue(queue)
    for flow, name in way:
        walk.enter_flow(flow)
        walk.frame.node = name
    node = walk.node
    assert isinstance(node, QueueNode)  # noqa: S101  so ``way_to`` ends
    walk.arrive(way[-1][1])
    walk.way("queue")
    walk.leave()
    return await leaving.again_in(walk, node)


def way_to(flows: FlowSet, queue: QueueName) -> list[tuple[str, str]] | None:
    """The first node that leads to this queue, as (flow, node) from the first flow on: by its own nodes, then those of
    the flows that it calls, in the order written."""
    searched: set[str] = set()

    def search(name: str, above: int) -> list[tuple[str, str]] | None:
        flow = flows.flows.get(name)
        if flow is None or name in searched or above >= MAX_DEPTH:
            return None
        searched.add(name)
        for at, node in flow.nodes.items():
            if isinstance(node, QueueNode) and node.queue == queue:
                return [(name, at)]
        for at, node in flow.nodes.items():
            if isinstance(node, SubflowNode) and (below := search(node.flow, above + 1)) is not None:
                return [(name, at), *below]
        return None

    return search(flows.start, 0)


async def resume(walk: Walk, outcome: Outcome) -> VisitEnd:
    """On from where the visit was left, with what became of the wait or the transfer. Raises as ``begin``."""
    node = walk.node
    target: Next = None
    if isinstance(node, QueueNode | TransferNode):
        walk.come_back(outcome)
    if isinstance(node, QueueNode):
        target = leaving.after_wait(node, outcome)
    elif isinstance(node, TransferNode):
        target = leaving.after_transfer(walk, node, outcome)
    return await _go(walk, target)


async def _go(walk: Walk, target: Next) -> VisitEnd:
    while True:
        if target is None:
            target = _default(walk)
        if isinstance(target, ToQueue | ToTransfer | HungUp):
            return target
        if target is None:
            continue  # back in the flow that called this one, whose own default counts
        if walk.made >= MAX_STEPS:
            log.warning("ivr walk too long", flow=walk.flow.flow, node=target, steps=MAX_STEPS)
            return _to_a_person(walk)
        target = await _step(walk, target)


async def _step(walk: Walk, name: str) -> Next:
    """Pass one node."""
    node = walk.flow.nodes[name]
    here = walk.arrive(name)
    try:
        return await _HANDLERS[type(node)](walk, node)
    except (CallerGone, ReleasedToFallback):
        here.way = "gone"
        raise
    except CallcenterError as error:
        here.way = "failure"
        walk.failures += 1
        if walk.failures <= LOGGED_FAILURES:
            log.warning("ivr node failed", flow=here.flow, node=name, code=error.code, reason=error.message)
        if isinstance(error, ActionFailed):
            walk.broken += 1
            if walk.broken > 1:
                return _to_a_person(walk)
        return failure_of(walk.flow, node)
    finally:
        walk.leave()


def _default(walk: Walk) -> Next:
    """What a way that is written nowhere leads to."""
    queue = walk.flow.default_queue
    return ToQueue(queue) if queue is not None else come_back(walk, "done")


def _to_a_person(walk: Walk) -> VisitEnd:
    queue = walk.default_queue()
    return ToQueue(queue) if queue is not None else HungUp("gave_up")
