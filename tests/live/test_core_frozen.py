"""A core that stands still is worse than a dead one: callers would hear music for ever. Its watchdog ends it.

The core is stopped by SIGSTOP, or its loop is made to hang from within by a signal handler that never returns.
"""

import asyncio
import signal
import time
from collections.abc import Awaitable
from pathlib import Path

import pytest

from tests.live.conftest import MakeFloor
from tests.live.watching import (
    dial_in,
    ear,
    ended_call,
    phone_events,
    press,
    talks_with,
    until,
)

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

TALKING = "+8613911120001"
WAITING = "+8613911120002"
WEDGE = """
import signal, sys, time
if sys.argv[1:2] == ["core"] or "core" in sys.orig_argv:
    signal.signal(signal.SIGUSR2, lambda *_: time.sleep(60))
"""
"""Read by each Python that the floor starts: in the core, SIGUSR2 then holds up the loop for a minute."""


@pytest.mark.parametrize("how", ["stopped", pytest.param("wedged", marks=pytest.mark.long)])
async def test_a_core_that_stands_still_is_replaced(
    make_floor: MakeFloor, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watchdog kills it within 7 s; the talk goes on; who waits is not lost and is served next."""
    if how == "wedged":
        (tmp_path / "sitecustomize.py").write_text(WEDGE, "utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    floor = await make_floor()
    async with ear(floor, TALKING) as talking, ear(floor, WAITING) as waiting:
        await asyncio.gather(dial_in(talking), _later(1.0, dial_in(waiting)))
        await talks_with(floor, talking, "1001")
        pid = floor.core_pid()
        still = time.monotonic()
        floor.signal_core(signal.SIGSTOP if how == "stopped" else signal.SIGUSR2)
        await until(lambda: floor.core_pid() != pid, 8, "the watchdog ends the core")
        assert 3.5 < time.monotonic() - still < 7
        await talks_with(floor, talking, "1001", 3)
        assert not waiting.leg.over.is_set()
        await until(lambda: "callers come back" in floor.log("core"), 15, "a new core has the waiting caller")
        await talks_with(floor, talking, "1001", 3)
        await press(floor, "1001", "hangup")
        assert await talking.until_over(3)
        await talks_with(floor, waiting, "1001", 12)
        await waiting.hang_up()
    rings = phone_events(floor, "invite")
    assert [ring["from_number"] for ring in rings] == [TALKING, WAITING]
    first, second = await ended_call(floor, TALKING), await ended_call(floor, WAITING)
    assert "reconstructed" in first["marks"]
    assert (second["end_reason"], second["served_by"] is not None) == ("caller_hangup", True)


async def test_a_short_standstill_costs_nothing(make_floor: MakeFloor) -> None:
    """Three seconds of standstill: the same core goes on, nobody hears of it, and what happened meanwhile is known."""
    floor = await make_floor()
    async with ear(floor, TALKING) as talking, ear(floor, WAITING) as waiting:
        await asyncio.gather(dial_in(talking), _later(1.0, dial_in(waiting)))
        await talks_with(floor, talking, "1001")
        pid = floor.core_pid()
        floor.signal_core(signal.SIGSTOP)
        await asyncio.sleep(1.0)
        await press(floor, "1001", "hangup")
        await asyncio.sleep(2.0)
        floor.signal_core(signal.SIGCONT)
        await talks_with(floor, waiting, "1001", 5)
        assert floor.core_pid() == pid
        await waiting.hang_up()
    first, second = await ended_call(floor, TALKING), await ended_call(floor, WAITING)
    assert (first["end_reason"], first["marks"]) == ("agent_hangup", [])
    assert (second["end_reason"], second["marks"]) == ("caller_hangup", [])
    assert [ring["from_number"] for ring in phone_events(floor, "invite")] == [TALKING, WAITING]


async def _later(seconds: float, work: Awaitable[None]) -> None:
    await asyncio.sleep(seconds)
    await work
