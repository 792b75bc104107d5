"""Callers don't depend on us: the core is killed at every stage of a call, and callers are served all the same.

Judged by what callers and phones hear and see, and, after the core is back, by the record.
"""

import asyncio
import time

import pytest

from tests.live.conftest import MakeFloor
from tests.live.watching import (
    LINE,
    calls,
    choose,
    ear,
    phone_events,
    press,
    segments,
    until,
    until_hears,
)

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

NUMBER = "+8613911110001"
OTHER = "+8613911110002"
CLICK = {"kind": "click", "talk": None}


async def test_killed_while_the_caller_is_in_the_ivr(make_floor: MakeFloor) -> None:
    """The menu breaks off, the fallback rings the agent, they talk; the call is on record afterwards."""
    floor = await make_floor()
    async with ear(floor, NUMBER) as caller:
        assert await caller.call(LINE) == 200
        await asyncio.sleep(0.6)
        killed = time.monotonic_ns()
        floor.kill_core_for_good()
        ring = (await until(lambda: phone_events(floor, "invite"), 5, "the fallback rings"))[0]
        assert (ring["t"] - killed) / 1e9 < 2.0
        await until_hears(caller, floor.tone_of("1001"), 5)
        await caller.hang_up()
    await floor.stop_process("core")
    await floor.start_core()
    call = (await until(lambda: [c for c in calls(floor, NUMBER) if c["ended_at"]], 10, "on record"))[0]
    assert call["end_reason"] == "fallback_served"
    assert "fallback" in call["marks"]


async def test_killed_while_one_talks_and_one_waits(make_floor: MakeFloor) -> None:
    """The talk goes on untouched; the waiting caller is rung through by the fallback when the agent is free."""
    floor = await make_floor()
    async with ear(floor, NUMBER) as talking, ear(floor, OTHER) as waiting:
        assert await talking.call(LINE) == 200
        await choose(talking)
        await until_hears(talking, floor.tone_of("1001"), 8)
        assert await waiting.call(LINE) == 200
        await choose(waiting)
        await asyncio.sleep(1.0)
        floor.kill_core_for_good()
        heard = len(talking.heard_so_far())
        await until_hears(talking, floor.tone_of("1001"), 4, since=heard)
        await asyncio.sleep(1.5)
        assert not talking.leg.over.is_set()
        assert not waiting.leg.over.is_set()
        await talking.hang_up()
        await until_hears(waiting, floor.tone_of("1001"), 10)
        await waiting.hang_up()
    await floor.stop_process("core")
    await floor.start_core()
    first = (await until(lambda: [c for c in calls(floor, NUMBER) if c["ended_at"]], 10, "first on record"))[
        0
    ]
    second = (await until(lambda: [c for c in calls(floor, OTHER) if c["ended_at"]], 10, "second on record"))[
        0
    ]
    assert "reconstructed" in first["marks"]
    assert first["talked_ms"] > 2000
    assert second["end_reason"] == "fallback_served"
    for call in (first, second):
        total = sum(s["ended_at"] - s["started_at"] for s in segments(floor, call["id"]))
        assert abs(total - (call["ended_at"] - call["arrived_at"])) <= 1000


async def test_killed_while_the_phone_rings(make_floor: MakeFloor) -> None:
    """The phone rings on, is answered, and they talk; when the agent hangs up, the caller's call ends too."""
    floor = await make_floor(behaviour=CLICK)
    async with ear(floor, NUMBER) as caller:
        assert await caller.call(LINE) == 200
        await choose(caller)
        await until(lambda: phone_events(floor, "invite"), 8, "the phone rings")
        floor.kill_core_for_good()
        await asyncio.sleep(0.5)
        await press(floor, "1001", "answer")
        await until_hears(caller, floor.tone_of("1001"), 5)
        await press(floor, "1001", "hangup")
        assert await caller.until_over(3)
    assert len(phone_events(floor, "invite")) == 1


@pytest.mark.parametrize("first", ["agent", "caller"])
async def test_killed_in_a_talk_then_either_hangs_up_first(make_floor: MakeFloor, first: str) -> None:
    """Whoever hangs up first ends the call for both; nobody is queued again; it is on record with its talk, as long
    as Asterisk's whole seconds can tell."""
    floor = await make_floor()
    async with ear(floor, NUMBER) as caller:
        assert await caller.call(LINE) == 200
        await choose(caller)
        await until_hears(caller, floor.tone_of("1001"), 8)
        floor.kill_core_for_good()
        await asyncio.sleep(1.0)
        if first == "agent":
            await press(floor, "1001", "hangup")
            assert await caller.until_over(3)
        else:
            await caller.hang_up()
            await until(lambda: phone_events(floor, "ended"), 3, "the agent's phone is free")
    await asyncio.sleep(0.5)
    assert len(phone_events(floor, "invite")) == 1
    await floor.stop_process("core")
    await floor.start_core()
    call = (await until(lambda: [c for c in calls(floor, NUMBER) if c["ended_at"]], 10, "on record"))[0]
    assert call["talked_ms"] > 0
    assert "reconstructed" in call["marks"]


async def test_watchdog_brings_the_core_back_and_the_waiting_with_it(make_floor: MakeFloor) -> None:
    """kill -9 of the core alone: it is back in seconds, callers return to the line in their old order, and the agent
    gets the first with a pop."""
    floor = await make_floor(behaviours={"1001": CLICK})
    async with ear(floor, NUMBER) as first, ear(floor, OTHER) as second:
        assert await first.call(LINE) == 200
        await choose(first)
        await until(lambda: phone_events(floor, "invite"), 8, "the first rings")
        await press(floor, "1001", "answer")
        await until_hears(first, floor.tone_of("1001"), 5)
        assert await second.call(LINE) == 200
        await choose(second)
        await asyncio.sleep(0.5)
        pid = floor.core_pid()
        assert pid is not None
        killed = time.monotonic()
        floor.kill_core()
        new = await until(lambda: (found := floor.core_pid()) not in {None, pid} and found, 10, "a new core")
        assert new != pid
        await until(lambda: floor.log("core").count("callers come back") >= 1, 20, "the waiting come back")
        assert time.monotonic() - killed < 25  # seconds on a quiet machine, more beside other tests
        assert not first.leg.over.is_set()
        assert not second.leg.over.is_set()
        await press(floor, "1001", "hangup")
        assert await first.until_over(3)
        ring = await until(lambda: phone_events(floor, "invite")[1:], 15, "the second rings, by the new core")
        assert ring[0]["from_number"] == OTHER
        assert ring[0]["call"]
        await press(floor, "1001", "answer")
        await until_hears(second, floor.tone_of("1001"), 5)
        await second.hang_up()
    call = (await until(lambda: [c for c in calls(floor, OTHER) if c["ended_at"]], 5, "on record"))[0]
    assert call["end_reason"] == "caller_hangup"
    assert call["waited_ms"] > 1000
