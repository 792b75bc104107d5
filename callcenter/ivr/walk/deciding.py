"""Nodes that decide without a word: branch, hours, set, goto, subflow, return."""

import asyncio

from callcenter.ivr.flow.hours import Hours
from callcenter.ivr.flow.nodes import BranchNode, GotoNode, HoursNode, ReturnNode, SetNode, SubflowNode
from callcenter.ivr.flow.parts import Node
from callcenter.ivr.flow.ways import failure_of, holiday_of, otherwise_of, returned_of
from callcenter.ivr.walk.walk import Handler, Next, Walk
from callcenter.reception.visit import HungUp, ToQueue


async def goto(_walk: Walk, node: GotoNode) -> Next:
    """Elsewhere."""
    return node.next


async def branch(walk: Walk, node: BranchNode) -> Next:
    """The first condition that holds. Raises ``ExpressionFailed``."""
    for number, case in enumerate(node.cases, 1):
        if walk.holds(case.when):
            walk.way(f"case {number}")
            return case.next
    walk.way("otherwise")
    return otherwise_of(walk.flow, node)


async def hours(walk: Walk, node: HoursNode) -> Next:
    """Open, closed, or a public holiday."""
    opening, now = walk.flow.hours[node.hours], walk.services.clock.wall()
    await at_hand(opening, now.year)
    state = opening.state(now)
    walk.way(state)
    match state:
        case "open":
            return node.open
        case "holiday":
            return holiday_of(node)
        case _:
            return node.closed


_calendars: set[tuple[str, int]] = set()
"""Those whose holidays are in memory."""


async def at_hand(opening: Hours, year: int) -> None:
    """The first use of a year's holidays may import a library: not on the loop, where others are being served."""
    if opening.calendar is not None and (opening.calendar, year) not in _calendars:
        await asyncio.to_thread(opening.prepare, [year - 1, year, year + 1])
        _calendars.add((opening.calendar, year))


async def set_(walk: Walk, node: SetNode) -> Next:
    """In the order written, each one seeing those before it. Raises ``ExpressionFailed``."""
    for name, text in node.values.items():
        walk.keep(name, walk.value(text))
    return node.next


async def subflow(walk: Walk, node: SubflowNode) -> Next:
    """Into another flow; one that can't be entered is a failure."""
    start = walk.enter_flow(node.flow)
    if start is None:
        walk.way("failure")
        return failure_of(walk.flow, node)
    return start


async def return_(walk: Walk, node: ReturnNode) -> Next:
    """Back to the flow that called this one."""
    walk.way(f"return {node.result}")
    return come_back(walk, node.result)


def come_back(walk: Walk, result: str) -> Next:
    """On from the subflow node of the calling flow. With none, this flow's default is all there is: its queue, or the
    end."""
    if len(walk.frames) < 2:
        queue = walk.flow.default_queue
        return ToQueue(queue) if queue is not None else HungUp(result)
    walk.frames.pop()
    node = walk.node
    assert isinstance(node, SubflowNode)  # noqa: S101  only a subflow node opens a frame
    return returned_of(node, result)


NODES: dict[type[Node], Handler] = {
    GotoNode: goto,
    BranchNode: branch,
    HoursNode: hours,
    SetNode: set_,
    SubflowNode: subflow,
    ReturnNode: return_,
}
