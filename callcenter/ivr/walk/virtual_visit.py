"""A whole visit without Asterisk: a caller who is written down or typed, from the answer to the end."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from callcenter.calls.call import Call, Direction
from callcenter.calls.number import normalise
from callcenter.clock import Clock, ManualClock
from callcenter.errors import CallerGone
from callcenter.ids import CallId
from callcenter.ivr.flow.texts import Language
from callcenter.ivr.front import FlowVisit
from callcenter.ivr.ports import FlowSet
from callcenter.ivr.walk.virtual_line import REACTION, Heard, Presses, VirtualLine
from callcenter.ivr.walk.virtual_world import Customer, Lengths, Passed, VirtualWorld
from callcenter.reception.visit import HungUp, Outcome, ToQueue, VisitEnd, WaitPlan

REGION = "CN"
"""Where written numbers without a country belong."""
USUAL_NUMBER = "13800138000"
USUAL_LENGTH = 2.0
IN_LINE = 3.0
"""Seconds in line before a key is pressed there, unless what it answers comes later."""


async def usual_length(prompt: str, language: Language, text: str) -> float:
    """Of any prompt, where it does not matter."""
    del prompt, language, text
    return USUAL_LENGTH


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Who calls, when, and how the world answers. ``variables`` are set before the first node; ``spoken`` seconds are
    said at each recording."""

    caller: str = USUAL_NUMBER
    did: str = ""
    at: dt.datetime | None = None
    customer: Customer | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    spoken: Sequence[float] = ()
    waiting: int = 0
    outcomes: Sequence[Outcome] = ()
    """Of each wait and transfer; the visit ends at the one after the last."""
    after_call: bool = False
    """Is the survey walked, when the visit has ended in a queue that has one?"""


@dataclass(frozen=True, slots=True)
class Performance:
    """What came of it. ``end`` None: the caller hung up, at ``hung_up_at``. Seconds count from the answer."""

    passed: tuple[Passed, ...]
    heard: tuple[Heard, ...]
    presses: tuple[tuple[float, str], ...]
    hung_up_at: float | None
    end: VisitEnd | None
    language: Language
    world: VirtualWorld


async def perform(
    flows: FlowSet,
    presses: Presses,
    given: Circumstances,
    *,
    lengths: Lengths = usual_length,
    told: Callable[[Passed, Heard], None] | None = None,
) -> Performance:
    """Walk the caller through, as fast as can be. ``told`` learns what is heard while it is spoken."""
    clock = ManualClock(given.at)
    line = VirtualLine(
        clock,
        presses,
        number=given.caller,
        did=given.did,
        spoken=given.spoken,
    )
    call = _call(line, clock)
    world = _world(line, clock, call, given, lengths)

    def note(heard: Heard) -> None:
        world.note(heard)
        if told is not None and world.passed:
            told(world.passed[-1], heard)

    line.told = note
    visit = FlowVisit(line, call, flows, world.services())
    visit.walk.variables.update(given.variables)
    end: VisitEnd | None = None
    try:
        end = await _whole(visit, line, given, clock)
    except CallerGone:
        pass
    finally:
        visit.over()
    return Performance(
        tuple(world.passed),
        tuple(line.heard),
        tuple(line.pressed),
        line.hung_up_at,
        end,
        visit.walk.language,
        world,
    )


def _world(
    line: VirtualLine, clock: ManualClock, call: Call, given: Circumstances, lengths: Lengths
) -> VirtualWorld:
    return VirtualWorld(
        line,
        clock,
        call,
        customer=given.customer,
        answers=given.answers,
        waiting=given.waiting,
        lengths=lengths,
    )


async def _whole(visit: FlowVisit, line: VirtualLine, given: Circumstances, clock: Clock) -> VisitEnd:
    end = await visit.start()
    for outcome in given.outcomes:
        if isinstance(end, HungUp):
            break
        _in_line(line, end.plan if isinstance(end, ToQueue) else WaitPlan(), outcome, clock)
        end = await visit.resume(outcome)
    if given.after_call and isinstance(end, ToQueue) and end.survey is not None:
        await visit.survey(end.survey)
    return end


def _in_line(line: VirtualLine, plan: WaitPlan, outcome: Outcome, clock: Clock) -> None:
    """The time until the outcome, and the key that brings it."""
    offer = next((message for message in plan.messages if message.key), None)
    if outcome == "timeout":
        line.wait(plan.timeout or 0.0)
    elif outcome == "closes" and plan.closes_at is not None:
        line.wait((plan.closes_at - clock.wall()).total_seconds())
    elif outcome == "callback" and offer is not None:
        line.wait(offer.after + IN_LINE, offer.key)
    elif outcome.startswith("key:"):
        line.wait(IN_LINE, outcome.removeprefix("key:"))
    else:
        line.wait(REACTION)


def _call(line: VirtualLine, clock: ManualClock) -> Call:
    return Call(
        id=CallId("0" * 32),
        direction=Direction.INBOUND,
        number=normalise(line.caller_number, REGION),
        caller_name="",
        did=line.did,
        arrived=clock.now(),
        arrived_at=clock.wall(),
    )
