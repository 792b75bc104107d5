"""Nodes that ask what we know: identify, lookup, status. Each has a limit of its own; the caller never hangs on one."""

import asyncio
import math
from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar

from callcenter.customers.lookup import MatchKind
from callcenter.errors import CallcenterError, LookupFailed
from callcenter.ivr.flow import expression
from callcenter.ivr.flow.nodes import IdentifyNode, LookupNode, StatusNode
from callcenter.ivr.flow.parts import Node
from callcenter.ivr.flow.ways import locked_of, not_found_of, unknown_of
from callcenter.ivr.walk import keys
from callcenter.ivr.walk.leaving import text_of
from callcenter.ivr.walk.walk import MAX_TEXT, Handler, Next, Walk
from callcenter.reception.visit import Value
from callcenter.tasks import Tasks

T = TypeVar("T")

MATCH_SECONDS = 0.5
"""For the look-up by number, which takes milliseconds and began when the call came."""
PATIENCE = 5.0
"""For the database, about PINs, orders and complaints."""
NUMBER_DIGITS, PIN_DIGITS = 20, 12
BETWEEN_SECONDS = 4.0
MAX_NUMBER = 10**15
"""As in expressions."""


async def in_time(work: Awaitable[T], seconds: float) -> T:
    """What it comes to, or ``LookupFailed`` when it takes too long."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise LookupFailed(f"no answer in {seconds:g} s") from None


# ------------------------------------------------------------ identify


async def identify(walk: Walk, node: IdentifyNode) -> Next:
    """Who is it? Raises ``LookupFailed``, ``DatabaseAway``."""
    return await (_by_pin(walk, node) if node.by == "pin" else _by_number(walk, node))


async def _by_number(walk: Walk, node: IdentifyNode) -> Next:
    match = await walk.services.identification.wait(walk.call, MATCH_SECONDS)
    if match.kind is MatchKind.UNAVAILABLE:
        raise LookupFailed("the customers' records did not answer")
    if match.record is None:
        walk.way("unknown")
        return unknown_of(walk.flow, node)
    walk.customer_id = match.record.id
    walk.way("known")
    return node.next


async def _by_pin(walk: Walk, node: IdentifyNode) -> Next:
    before: str | None = None
    for _ in range(node.tries):
        number = await _digits(walk, node, before, node.prompt, NUMBER_DIGITS)
        pin = await _digits(walk, node, None, node.pin_prompt, PIN_DIGITS, secret=True) if number else None
        if not (number and number.isdecimal() and pin and pin.isdecimal()):
            before = keys.miss(walk, node, "wrong_input" if number and pin else "no_input")
            continue
        result = await in_time(walk.services.identities.verify(number, pin), PATIENCE)
        if result.kind == "locked":
            walk.way("locked")
            return locked_of(walk.flow, node)
        if result.kind == "known" and result.customer_id is not None:
            await walk.services.identification.as_customer(walk.call, result.customer_id)
            walk.customer_id = result.customer_id
            walk.way("known")
            return node.next
        before = keys.miss(walk, node, "wrong_input")
    return keys.unanswered(walk, node)


async def _digits(
    walk: Walk,
    node: IdentifyNode,
    before: str | None,
    prompt: str | None,
    limit: int,
    *,
    secret: bool = False,
) -> str:
    how = keys.digits(node.seconds, BETWEEN_SECONDS, limit, "#", secret=secret)
    return (await keys.read(walk, keys.in_language(walk, before, prompt), how)).keys


# ------------------------------------------------------------ lookup


async def lookup(walk: Walk, node: LookupNode) -> Next:
    """Ask, with a prompt meanwhile, and keep the fields. Raises ``LookupFailed``, ``ExpressionFailed``."""
    known = {**walk.values(), **walk.secrets}
    values = {name: expression.parse(text).value(known) for name, text in node.send.items()}
    answer = await _meanwhile(walk, node, values)
    if answer is None:
        walk.way("not_found")
        return not_found_of(walk.flow, node)
    found = {name: scalar(_field(node, answer, path)) for name, path in node.into.items()}
    for name, value in found.items():
        walk.keep(name, value)
    walk.way("found")
    return node.next


async def _meanwhile(walk: Walk, node: LookupNode, values: Mapping[str, Value]) -> object | None:
    """The answer; the prompt is spoken while it is awaited."""
    if node.prompt is None:
        return await _ask(walk, node, values)
    tasks = Tasks("lookup")
    answer = tasks.start(_outcome(walk, node, values), f"lookup {node.query or node.service}")
    try:
        await walk.say(node.prompt)
        outcome = await answer
    finally:
        await tasks.close(0.1)
    if isinstance(outcome, CallcenterError):
        raise outcome
    return outcome


async def _outcome(walk: Walk, node: LookupNode, values: Mapping[str, Value]) -> object | None:
    """What fails is given as it is: it is the walk's affair, not the task's owner's."""
    try:
        return await _ask(walk, node, values)
    except CallcenterError as error:
        return error


async def _ask(walk: Walk, node: LookupNode, values: Mapping[str, Value]) -> object | None:
    lookups = walk.services.lookups
    if node.query is not None:
        return await in_time(lookups.query(node.query, values, node.seconds), node.seconds)
    return await in_time(lookups.service(node.service or "", values, node.seconds), node.seconds)


def _field(node: LookupNode, answer: object, path: str) -> object:
    if node.query is not None and isinstance(answer, Mapping) and path in answer:
        return answer[path]
    return at_path(answer, path)


def at_path(answer: object, path: str) -> object:
    """What stands at ``order.lines.0.state`` in JSON. Raises ``LookupFailed``."""
    for part in path.split("."):
        match answer:
            case Mapping() if part in answer:
                answer = answer[part]
            case Sequence() if not isinstance(answer, str | bytes) and part.isdecimal() and len(part) < 7:
                if int(part) >= len(answer):
                    raise LookupFailed(f"the answer has nothing at “{path}”")
                answer = answer[int(part)]
            case _:
                raise LookupFailed(f"the answer has nothing at “{path}”")
    return answer


def scalar(value: object) -> Value:
    """A text (one printable line of at most 200 characters), a number that expressions can bear, true, false or null.
    Raises ``LookupFailed`` for all else."""
    match value:
        case None | bool():
            return value
        case str():
            return "".join(c if c.isprintable() else " " for c in value[:MAX_TEXT])
        case int() | float() if math.isfinite(value) and abs(value) <= MAX_NUMBER:
            return value
    raise LookupFailed("the answer has no text or number there")


# ------------------------------------------------------------ status


async def status(walk: Walk, node: StatusNode) -> Next:
    """Read out how a case of the identified customer stands. Raises ``DatabaseAway``, ``LookupFailed``,
    ``ExpressionFailed``."""
    number = text_of(walk.value(node.number)) if node.number is not None else None
    found = None
    if walk.customer_id is not None:
        found = await in_time(walk.services.cases.status(node.of, walk.customer_id, number), PATIENCE)
    if found is None:
        walk.way("not_found")
        return not_found_of(walk.flow, node)
    told: dict[str, Value] = {
        "number": found.number,
        "state": found.state,
        "date": found.date,
        "owner": found.owner,
        "due": found.due,
        "amount": found.amount,
    }
    for name, value in told.items():
        walk.keep(f"status_{name}", value)
    walk.way("found")
    await walk.say(node.found, told)
    return node.next


NODES: dict[type[Node], Handler] = {IdentifyNode: identify, LookupNode: lookup, StatusNode: status}
