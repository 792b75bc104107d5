"""The whole product on a real Asterisk: who rings again finds the old place, and when the last agent goes home who
waits leaves a message."""

import asyncio
from pathlib import Path

import pytest

from callcenter.demo.floor import Floor
from callcenter.reception.staffing import GRACE, LOOK_EVERY
from tests.live.at_screen import AtScreen
from tests.live.conftest import MakeFloor
from tests.live.watching import (
    LINE,
    adds_up,
    calls,
    ear,
    ended_call,
    offers,
    rows,
    segments,
    until,
)

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

AGAIN, OTHER, WAITS = "+8613911120001", "+8613911120002", "+8613911120003"
SPOKEN = 700.0
"""Hertz that the caller says."""
FLOW = """
flow: main
language: en
default_queue: support
start: line
prompts:
  speak: {en: Speak after the tone., zh: 请留言。}
nodes:
  line: {type: queue, queue: support, waiting: {nobody: message}}
  message: {type: voicemail, queue: support, prompt: speak, silence: 2, next: bye}
  bye: {type: hangup, reason: message}
"""


async def floor_of(make_floor: MakeFloor, folder: Path) -> Floor:
    """One agent, whose screen is the test's, and the flow above."""
    folder.mkdir()
    (folder / "main.yaml").write_text(FLOW, "utf-8")
    return await make_floor(screens=[], overrides={"ivr": {"folder": str(folder)}})


def stage(floor: Floor, number: str) -> str:
    """Where this number's latest call is."""
    found = calls(floor, number)
    return str(found[-1]["stage"]) if found else ""


async def test_who_rings_again_finds_the_old_place(make_floor: MakeFloor, tmp_path: Path) -> None:
    """One gives up after some seconds, another of the same tier comes, the first rings again: and is served first."""
    floor = await floor_of(make_floor, tmp_path / "flows")
    async with AtScreen(floor, "agent1001", "1001") as desk:
        async with ear(floor, AGAIN) as first:
            assert await first.call(LINE) == 200
            await until(lambda: stage(floor, AGAIN) == "waiting", 8, "the first waits")
            await asyncio.sleep(3)
            await first.hang_up()
        gave_up = await ended_call(floor, AGAIN)
        assert gave_up["end_reason"] == "abandoned"
        async with ear(floor, OTHER) as other, ear(floor, AGAIN) as again:
            assert await other.call(LINE) == 200
            await until(lambda: stage(floor, OTHER) == "waiting", 8, "the other waits")
            await asyncio.sleep(1)
            assert await again.call(LINE) == 200
            await until(lambda: stage(floor, AGAIN) == "waiting", 8, "the first waits again")
            await desk.done("ready")
            _, second = await until(
                lambda: len(found := calls(floor, AGAIN)) == 2 and found, 8, "both calls on record"
            )
            await until(lambda: offers(floor, second["id"]), 8, "the agent is offered the one who was first")
            [served] = [call for call in calls(floor, AGAIN) if call["id"] == second["id"]]
            assert "resumed" in served["marks"]
            assert offers(floor, calls(floor, OTHER)[0]["id"]) == []
            await again.hang_up()
            await until(lambda: offers(floor, calls(floor, OTHER)[0]["id"]), 20, "then the other")
            assert "resumed" not in calls(floor, OTHER)[0]["marks"]
            await other.hang_up()


async def test_the_last_agent_goes_home(make_floor: MakeFloor, tmp_path: Path) -> None:
    """The caller waits while somebody is there, and leaves a message soon after nobody is."""
    floor = await floor_of(make_floor, tmp_path / "flows")
    async with ear(floor, WAITS, say=SPOKEN) as caller:
        async with AtScreen(floor, "agent1001", "1001") as desk:
            assert await caller.call(LINE) == 200
            await until(lambda: stage(floor, WAITS) == "waiting", 8, "the caller waits")
            await asyncio.sleep(GRACE + 3)
            assert stage(floor, WAITS) == "waiting"
            assert desk._client is not None
            await desk._client.send("log_out")
        await until(
            lambda: stage(floor, WAITS) == "ivr", GRACE + LOOK_EVERY + 5, "the flow goes on without an agent"
        )
        await asyncio.sleep(5)
        await caller.hang_up()
    call = await ended_call(floor, WAITS)
    assert [part["stage"] for part in segments(floor, call["id"])] == ["arrived", "ivr", "waiting", "ivr"]
    assert adds_up(floor, call)
    [message] = await until(
        lambda: rows(floor, "SELECT * FROM voicemails WHERE call_id = ?", call["id"]), 8, "the message"
    )
    assert message["duration_ms"] > 1000
