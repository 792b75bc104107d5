"""Nodes that end the visit, or leave it for a while: queue, callback, transfer, hangup; and the way on afterwards."""

import dataclasses
import datetime as dt

from callcenter.ivr.flow.hours import Hours
from callcenter.ivr.flow.nodes import CallbackNode, HangupNode, QueueNode, TransferNode
from callcenter.ivr.flow.parts import Closes, Node, Waiting
from callcenter.ivr.flow.ways import busy_of, failure_of, no_answer_of, refused_of
from callcenter.ivr.walk.deciding import at_hand
from callcenter.ivr.walk.walk import Handler, Next, Walk
from callcenter.reception.visit import HungUp, Outcome, ToQueue, ToTransfer, WaitMessage, WaitPlan


async def queue(walk: Walk, node: QueueNode) -> Next:
    """To wait for a person; outside the hours that the node names, the other way at once."""
    closes = node.waiting.closes
    hours = await _hours(walk, closes)
    if closes is not None and hours is not None and hours.state(walk.services.clock.wall()) != "open":
        walk.way("closes")
        return closes.next
    await walk.say_if_possible(node.prompt)
    walk.way("queue")
    return ToQueue(
        node.queue, plan_of(node.waiting, _closes_at(walk, closes, hours)), node.levels, node.survey
    )


async def again_in(walk: Walk, node: QueueNode) -> ToQueue:
    """Back in this node's line, for who was in it already: not turned away because it is full. Are its hours over by
    now, who waits is served, or goes the other way."""
    closes = node.waiting.closes
    plan = plan_of(node.waiting, _closes_at(walk, closes, await _hours(walk, closes)))
    return ToQueue(node.queue, dataclasses.replace(plan, full_at=None), node.levels, node.survey)


async def _hours(walk: Walk, closes: Closes | None) -> Hours | None:
    if closes is None:
        return None
    hours = walk.flow.hours[closes.hours]
    await at_hand(hours, walk.services.clock.wall().year)
    return hours


def _closes_at(walk: Walk, closes: Closes | None, hours: Hours | None) -> dt.datetime | None:
    """When the wait is over though nobody was served."""
    if closes is None or hours is None or closes.serve_waiting:
        return None
    now = walk.services.clock.wall()
    return hours.closes_after(now) if hours.state(now) == "open" else now


async def hangup(walk: Walk, node: HangupNode) -> Next:
    """The end."""
    await walk.say_if_possible(node.prompt)
    walk.way("hangup")
    return HungUp(node.reason)


async def callback(walk: Walk, node: CallbackNode) -> Next:
    """Agreed before it is spoken of: who hangs up in the middle of the words is called back all the same. Raises
    ``ExpressionFailed``."""
    number = walk.call.number.key
    if node.number is not None:
        number = text_of(walk.value(node.number))
    asked = walk.services.callbacks.ask(walk.call, node.queue, number, walk.call.arrived)
    if asked == "refused":
        walk.way("refused")
        return refused_of(walk.flow, node)
    walk.keep("callback_number", number)
    walk.way(asked)
    await walk.say_if_possible(node.prompt)
    return node.next


async def transfer(walk: Walk, node: TransferNode) -> Next:
    """To an extension or a number that callers may reach, or to a queue; anywhere else is a failure. Raises
    ``ExpressionFailed``."""
    if node.queue is not None:
        await walk.say_if_possible(node.prompt)
        walk.way("queue")
        return ToQueue(node.queue)
    dialling, end = walk.services.dialling, None
    if node.extension is not None:
        target = dialling.extension(text_of(walk.value(node.extension)))
        end = ToTransfer("extension", target, node.ring_seconds) if target is not None else None
    elif node.number is not None:
        target = dialling.outside(text_of(walk.value(node.number)))
        end = ToTransfer("number", target, node.ring_seconds) if target is not None else None
    if end is None:
        walk.way("failure")
        return failure_of(walk.flow, node)
    await walk.say_if_possible(node.prompt)
    walk.way("transfer")
    return end


def plan_of(waiting: Waiting, closes_at: dt.datetime | None = None) -> WaitPlan:
    """What is heard and may be pressed in line, as reception wants it."""
    messages = [WaitMessage(said.prompt, said.after, said.every) for said in waiting.messages]
    offer = waiting.callback
    if offer is not None:
        messages.append(WaitMessage(offer.prompt, offer.after, offer.every, offer.key))
    return WaitPlan(
        music=waiting.music,
        announce_every=waiting.announce,
        position=waiting.position,
        expected_wait=waiting.expected_wait,
        messages=tuple(messages),
        keys=frozenset(waiting.keys),
        timeout=waiting.timeout.seconds if waiting.timeout is not None else None,
        full_at=waiting.full.waiting if waiting.full is not None else None,
        nobody=waiting.nobody is not None,
        closes_at=closes_at,
        unanswered=waiting.unanswered is not None,
    )


def after_wait(node: QueueNode, outcome: Outcome) -> str | None:
    """The way on when the wait has come to an end without a talk."""
    waiting = node.waiting
    match outcome:
        case "timeout" if waiting.timeout is not None:
            return waiting.timeout.next
        case "full" if waiting.full is not None:
            return waiting.full.next
        case "nobody":
            return waiting.nobody
        case "closes" if waiting.closes is not None:
            return waiting.closes.next
        case "unanswered":
            return waiting.unanswered
        case "callback" if waiting.callback is not None:
            return waiting.callback.next
        case _:
            return waiting.keys.get(outcome.removeprefix("key:"))


def after_transfer(walk: Walk, node: TransferNode, outcome: Outcome) -> Next:
    """The way on when the transfer is over, or came to nothing."""
    match outcome:
        case "done":
            return node.next if node.next is not None else HungUp("transferred")
        case "busy":
            return busy_of(walk.flow, node)
        case "no_answer":
            return no_answer_of(walk.flow, node)
        case _:
            return failure_of(walk.flow, node)


def text_of(value: object) -> str:
    """A number as it is dialled; a whole number that was worked out has no decimals."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None or isinstance(value, bool) else str(value)


NODES: dict[type[Node], Handler] = {
    QueueNode: queue,
    CallbackNode: callback,
    TransferNode: transfer,
    HangupNode: hangup,
}
