"""Offers that come to nothing, each in its own way: nobody loses their place, no agent is stuck, no phone rings on."""

import asyncio
import time
from collections.abc import Awaitable

import pytest

from callcenter.demo.floor import Floor
from callcenter.rig.ear import Ear
from tests.live.at_screen import AtScreen
from tests.live.conftest import MakeFloor
from tests.live.watching import (
    adds_up,
    behave,
    calls,
    dial_in,
    ear,
    ended_call,
    make_vip,
    numbers_of,
    offers,
    phone_events,
    press,
    segments,
    talks_with,
    until,
)

pytestmark = [pytest.mark.live, pytest.mark.timeout(110)]

FIRST = "+8613911150001"
SECOND = "+8613911150002"
WAYS = {
    "never": ("no_answer", "SYSTEM_RONA"),
    "busy": ("busy", "SYSTEM_RONA"),
    "reject": ("rejected", "SYSTEM_RONA"),
    "hang_up_at_once": ("answered", "SYSTEM_RONA"),
}
"""What a phone does, and what is then said of the offer and of the agent."""


async def test_a_phone_that_is_not_taken(make_floor: MakeFloor) -> None:
    """F17, F23: not picked up, busy, rejected, picked up and put down at once: the agent is not ready, the caller has
    the same place, and the next agent has the call."""
    floor = await make_floor(agents=2, screens=[], overrides={"routing": {"ring_seconds": 2}})
    async with AtScreen(floor, "agent1001", "1001") as one, AtScreen(floor, "agent1002", "1002") as two:
        for place, (way, (result, reason)) in enumerate(WAYS.items()):
            number = f"+861391115001{place}"
            await behave(floor, "1001", kind=way, answer_after=(0.2, 0.2))
            await two.done("not_ready", reason="BREAK")
            await one.done("ready")
            rang = len(phone_events(floor, "invite", extension="1001"))
            async with ear(floor, number) as caller, ear(floor, f"{number}9") as behind:
                await asyncio.gather(dial_in(caller), _a_moment_later(dial_in(behind)))
                await one.until_state("not_ready", 5, reason)
                await two.done("ready")
                await talks_with(floor, caller, "1002")
                assert not behind.leg.over.is_set()
                await behind.hang_up()
                await caller.hang_up()
            call = await ended_call(floor, number)
            results = [offer["result"] for offer in offers(floor, call["id"])]
            assert results == [result, "answered"], way
            assert call["end_reason"] == "caller_hangup"
            assert adds_up(floor, call)
            await two.until_state("ready", 5)
            assert two.pop is None
            assert one.pop is None
            # The second in line was offered to nobody meanwhile.
            assert len(phone_events(floor, "invite", extension="1001")) == rang + 1


async def test_the_caller_hangs_up_while_the_phone_rings(make_floor: MakeFloor) -> None:
    """F18: the phone stops ringing within 300 ms, the pop goes, and the agent is ready again at once."""
    floor = await make_floor(behaviour={"kind": "click"}, screens=[])
    async with AtScreen(floor, "agent1001", "1001") as desk:
        await desk.done("ready")
        async with ear(floor, FIRST) as caller:
            await dial_in(caller)
            await until(lambda: phone_events(floor, "invite"), 5, "the phone rings")
            await until(lambda: desk.pop, 2, "the pop is there")
            await asyncio.sleep(0.5)
            hung_up = _now()
            await caller.hang_up()
        cancelled = (await until(lambda: phone_events(floor, "cancelled"), 2, "the phone is silent"))[0]
        assert (cancelled["t"] - hung_up) / 1e6 < 300
        await desk.until_state("ready", 2)
        await until(lambda: desk.pop is None, 2, "the pop is gone")
        call = await ended_call(floor, FIRST)
        assert call["end_reason"] == "abandoned"
        assert [offer["result"] for offer in offers(floor, call["id"])] == ["caller_gone"]
        # Not a missed call: the next one comes.
        async with ear(floor, SECOND) as caller:
            await dial_in(caller)
            await until(lambda: len(phone_events(floor, "invite")) == 2, 5, "the next one rings")
            await press(floor, "1001", "answer")
            await talks_with(floor, caller, "1001")
            await caller.hang_up()
        await desk.until_state("ready", 5)


async def test_hung_up_at_the_instant_of_the_answer(make_floor: MakeFloor) -> None:
    """F19: ten callers hang up around the instant at which the phone is answered: each has one end on record, with a
    talk or without, never both; and the agent is free for the next each time."""
    floor = await make_floor(behaviour={"kind": "auto", "answer_after": (0.3, 0.3), "talk": None}, screens=[])
    numbers = {f"+861391115020{place}": (place - 5) * 0.006 for place in range(10)}
    async with AtScreen(floor, "agent1001", "1001") as desk:
        callers = {number: ear(floor, number) for number in numbers}
        async with asyncio.TaskGroup() as tasks:
            for number, offset in numbers.items():
                tasks.create_task(_leave_at_the_answer(floor, callers[number], number, 0.3 + offset))
            await asyncio.sleep(4)
            await desk.done("ready")
        await desk.until_state("ready", 8)
    ends = set()
    for number in numbers:
        call = await ended_call(floor, number)
        stages = [segment["stage"] for segment in segments(floor, call["id"])]
        talked = "talking" in stages
        assert call["end_reason"] == ("caller_hangup" if talked else "abandoned"), call
        assert (call["talked_ms"] > 0) == talked
        assert (call["served_by"] is not None) == talked
        assert adds_up(floor, call)
        [offer] = offers(floor, call["id"])
        assert offer["result"] == ("answered" if talked else "caller_gone")
        assert offer["ended_at"]
        ends.add(call["end_reason"])
    assert ends == {"caller_hangup", "abandoned"}, "the offsets met both sides of the answer"
    assert len(phone_events(floor, "invite")) == len(numbers)


async def test_better_tiers_first_and_nobody_starves(make_floor: MakeFloor) -> None:
    """A VIP who came later goes before a small customer; one who has waited past the ceiling goes before any VIP."""
    soon = {"vip": 2, "key": 3, "regular": 5, "small": 9}
    routing = {"ceiling": 9, **{tier: {"seconds": seconds} for tier, seconds in soon.items()}}
    floor = await make_floor(screens=[], overrides={"routing": routing}, start=False)
    small, (vip, other) = numbers_of(floor, "small")[0], numbers_of(floor, "regular")[:2]
    make_vip(floor, vip, other)
    await floor.start()
    async with (
        AtScreen(floor, "agent1001", "1001") as desk,
        ear(floor, FIRST) as busy,
        ear(floor, small) as patient,
        ear(floor, vip) as quick,
        ear(floor, other) as late,
    ):
        await desk.done("ready")
        await dial_in(busy)
        await talks_with(floor, busy, "1001")
        await asyncio.gather(dial_in(patient), _a_moment_later(dial_in(quick)))
        await asyncio.sleep(0.5)
        await busy.hang_up()
        await talks_with(floor, quick, "1001")
        assert desk.pop is not None
        assert desk.pop["tier"] == "vip"
        await dial_in(late)
        # By now the small customer has waited for longer than the ceiling.
        await asyncio.sleep(4.5)
        await quick.hang_up()
        await talks_with(floor, patient, "1001")
        assert desk.pop["tier"] == "small"
        await patient.hang_up()
        await talks_with(floor, late, "1001")
        await late.hang_up()
        await desk.until_state("ready", 5)
    assert [ring["from_number"] for ring in phone_events(floor, "invite")] == [FIRST, vip, small, other]
    assert calls(floor, small)[0]["waited_ms"] > 8000


async def _leave_at_the_answer(floor: Floor, caller: Ear, number: str, seconds: float) -> None:
    async with caller:
        await dial_in(caller)
        ring = await until(lambda: _ring_of(floor, number), 40, "this caller's turn")
        await asyncio.sleep(max(0.0, ring["t"] / 1e9 + seconds - _now() / 1e9))
        await caller.hang_up()


def _ring_of(floor: Floor, number: str) -> dict[str, object] | None:
    rings = phone_events(floor, "invite")
    return next((ring for ring in rings if ring["from_number"] == number), None)


async def _a_moment_later(work: Awaitable[None]) -> None:
    await asyncio.sleep(0.7)
    await work


def _now() -> int:
    return time.monotonic_ns()
