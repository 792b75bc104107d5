"""A callback on a real Asterisk: asked for in line, kept at its place, agent first, then the customer."""

import asyncio
from pathlib import Path

import pytest

from callcenter.rig.customers import Customers
from tests.live.at_screen import AtScreen
from tests.live.conftest import MakeFloor
from tests.live.watching import LINE, adds_up, ear, ended_call, rows, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(110)]

FIRST, SECOND = "+8613911180010", "+8613911180020"
"""The first one's phone answers a call (the customers of the rig know by the last two digits)."""
FLOW = """
flow: main
language: en
default_queue: support
start: line
prompts:
  agreed: {en: "We will call you back on {callback_number:digits}.", zh: "我们会回拨{callback_number:digits}。"}
nodes:
  line:
    type: queue
    queue: support
    waiting: {keys: {"4": call_back}}
  call_back: {type: callback, queue: support, prompt: agreed, next: bye}
  bye: {type: hangup, reason: callback}
"""
HOURS = {"opens": "00:00:00", "closes": "00:00:00"}


async def test_a_callback_keeps_its_place(make_floor: MakeFloor, tmp_path: Path) -> None:
    """The first caller hangs up to be called back and a second one waits on the line: the agent who becomes ready is
    rung for the callback first, its pop is there, the customer's own phone rings and they talk; the second caller is
    next. It survives a restart of the core in between."""
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "main.yaml").write_text(FLOW, "utf-8")
    floor = await make_floor(overrides={"ivr": {"folder": str(folder)}, "callbacks": dict(HOURS)}, screens=[])
    customers = Customers(floor.plan.folder / "customers", floor.asterisk_plan.trunk_port, talk=1.5)
    async with customers, ear(floor, FIRST) as first, ear(floor, SECOND) as second:
        assert await first.call(LINE) == 200
        await asyncio.sleep(1.5)
        await first.press("4")
        assert await first.until_over(15)
        asked = await ended_call(floor, FIRST)
        assert asked["end_reason"] == "ivr_end"
        [kept] = rows(floor, "SELECT * FROM callbacks")
        assert (kept["number"], kept["state"], kept["call_id"]) == (FIRST, "queued", asked["id"])
        floor.kill_core()
        core = floor.core_pid()
        floor.kill_core()
        await until(lambda: floor.core_pid() not in {None, core}, 10, "the watchdog brings the core back")
        await until(lambda: floor.log("core").count("telephony up") == 2, 10, "it sees Asterisk again")
        assert await second.call(LINE) == 200
        await asyncio.sleep(1.0)
        async with AtScreen(floor, "agent1001", "1001") as desk:
            await desk.done("ready")
            await until(lambda: desk.pop is not None, 8, "the callback's pop is shown")
            assert desk.pop is not None
            assert (desk.pop["number"], desk.pop["direction"], desk.pop["why"]) == (
                FIRST,
                "outbound",
                "callback",
            )
            await until(
                lambda: rows(floor, "SELECT 1 FROM callbacks WHERE state = 'connected'"),
                10,
                "they are connected",
            )
            assert customers.calls()[0].answered
            await until(lambda: desk.pop and desk.pop["number"] == SECOND, 10, "the second caller is next")
            ended = "SELECT * FROM calls WHERE direction = 'outbound' AND ended_at IS NOT NULL"
            [call] = await until(lambda: rows(floor, ended), 5, "the callback's call is on record")
            assert call["queue"] == "support"
            assert adds_up(floor, call)
            [attempt] = rows(floor, "SELECT * FROM follow_up_attempts")
            assert (attempt["result"], attempt["call_id"]) == ("answered", call["id"])
        await second.hang_up()
    [made] = rows(floor, "SELECT * FROM callbacks")
    assert (made["state"], made["tries"]) == ("connected", 1)
