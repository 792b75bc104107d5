"""A caller arrives: a new call, or one that comes back, from the fallback queue or put through by an agent, with its id
and place."""

import asyncio
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass

from callcenter.calls.call import Call, Direction, Stage
from callcenter.calls.number import normalise
from callcenter.calls.ports import CallerLine
from callcenter.errors import CallerGone
from callcenter.ids import CallId, QueueName, SegmentId, new_id
from callcenter.reception.parts import Parts

CALL_ID = re.compile(r"[0-9a-f]{32}")
BROUGHT = ("CC_CALL", "CC_QUEUE", "CC_ARRIVED", "CC_DID", "CC_TARGET")
"""What a channel brings that was with us before. Any channel might, so none of it is believed unseen."""
EPOCH = re.compile(r"[0-9]{1,11}")
LONGEST_WAIT = 86400.0
"""Seconds: the dialplan's clock and ours may differ, and nobody has waited for a day."""
SHORTEST_FALLBACK = 2.0
"""Seconds since the arrival that are not yet a stay in the fallback: the way to us, and a clock of whole seconds."""
NAME_LIMIT = 80
TARGET = re.compile(r"[0-9*#+]{1,40}|-")
DID = re.compile(r"[0-9*#+]{1,40}")
OLD_LINE = 1.0
"""Seconds that the dialogue which a caller has left may take to end; Asterisk waits for it, so it has ended already."""
LOOK_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class Arrival:
    """``call``: which call this line is. ``queue``: where it waited before it came back. ``dialled``: the number that
    an agent put the caller through to, None when nobody did."""

    call: Call
    queue: QueueName | None
    dialled: str | None


def shown_name(raw: str) -> str:
    """A display name that can do no harm: printable, on one line, not endless."""
    return "".join(c if c.isprintable() else "�" for c in raw)[:NAME_LIMIT].strip()


async def arrive(line: CallerLine, parts: Parts) -> Arrival:
    """Find out who is here."""
    brought = await _brought(line)
    queue = QueueName(brought["CC_QUEUE"]) if brought["CC_QUEUE"] in parts.queues else None
    dialled = brought["CC_TARGET"] if TARGET.fullmatch(brought["CC_TARGET"]) else None
    known = CallId(brought["CC_CALL"]) if CALL_ID.fullmatch(brought["CC_CALL"]) else None
    if known is not None and not await _free(known, line, parts):
        known = None  # another line is being served under this id
    call = parts.calls.get(known) if known is not None else None
    if call is None:
        did = line.did if dialled is None else _known_number(brought["CC_DID"])
        call = _new_call(line, parts, known, did, _since(brought["CC_ARRIVED"], parts))
    call.channel_id = line.channel_id
    parts.identification.begin(call)
    return Arrival(call, queue, dialled)


async def _free(known: CallId, line: CallerLine, parts: Parts) -> bool:
    """Is nobody else served under this id? The same channel can only have left its old dialogue, which may need a
    moment to end."""
    call = parts.calls.get(known)
    for _ in range(round(OLD_LINE / LOOK_EVERY)):
        if known not in parts.in_dialogue or call is None or call.channel_id != line.channel_id:
            break
        await asyncio.sleep(LOOK_EVERY)
    return known not in parts.in_dialogue


def _known_number(text: str) -> str:
    return text if DID.fullmatch(text) else ""


async def _brought(line: CallerLine) -> Mapping[str, str]:
    try:
        return await line.read_variables(*BROUGHT)
    except CallerGone:
        # The call goes on record all the same; the next thing that is asked of the line ends it.
        return dict.fromkeys(BROUGHT, "")


def _new_call(line: CallerLine, parts: Parts, known: CallId | None, did: str, waited: float) -> Call:
    now = parts.clock.now()
    call = Call(
        id=known if known is not None else CallId(new_id(parts.clock)),
        direction=Direction.INBOUND,
        number=normalise(line.caller_number, parts.region),
        caller_name=shown_name(line.caller_name),
        did=did,
        arrived=now - waited,
        arrived_at=parts.clock.wall() - dt.timedelta(seconds=waited),
    )
    if waited:
        call.marks.add("fallback")
        call.enter(Stage.FALLBACK, call.arrived, SegmentId(new_id(parts.clock)))
    parts.calls.add(call)
    return call


def _since(arrived: str, parts: Parts) -> float:
    """Seconds that a caller was elsewhere before coming to us; ``arrived`` is the dialplan's, in epoch seconds."""
    if not EPOCH.fullmatch(arrived):
        return 0.0
    seconds = min(parts.clock.wall().timestamp() - int(arrived) - 1, LONGEST_WAIT)
    return seconds if seconds >= SHORTEST_FALLBACK else 0.0
