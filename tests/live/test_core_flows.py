"""The whole product on a real Asterisk, with a flow of the test's own: leaving the line by a key, and being asked how
it was."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.live.conftest import ROOT, MakeFloor
from tests.live.watching import (
    LINE,
    adds_up,
    ear,
    ended_call,
    press,
    rows,
    segments,
    talks_with,
    until,
)

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

SERVED, LEFT = "+8613911110001", "+8613911110002"
FLOW = """
flow: main
language: en
default_queue: support
start: line
prompts:
  patience: {en: "Thank you for waiting. We will be with you soon.", zh: 请稍候。}
nodes:
  line:
    type: queue
    queue: support
    waiting:
      announce: 30
      messages: [{prompt: patience, after: 6, every: 10}]
      keys: {"5": away}
    survey: satisfaction
  away: {type: hangup, reason: left}
"""


def flows(folder: Path) -> Path:
    """A folder with this flow and the survey that is shipped."""
    folder.mkdir()
    (folder / "main.yaml").write_text(FLOW, "utf-8")
    shutil.copy(ROOT / "ivr_flows" / "satisfaction.yaml", folder)
    return folder


async def test_leaving_by_a_key_and_the_survey(make_floor: MakeFloor, tmp_path: Path) -> None:
    """One caller talks, the other leaves the line by a key; when the agent hangs up, the first is asked; the answers
    stay with the call and its agent."""
    folder = flows(tmp_path / "flows")
    floor = await make_floor(overrides={"ivr": {"folder": str(folder)}})
    async with ear(floor, SERVED) as served, ear(floor, LEFT) as left:
        assert await served.call(LINE) == 200
        await talks_with(floor, served, "1001")
        assert await left.call(LINE) == 200
        await asyncio.sleep(1.5)
        await left.press("35")
        assert await left.until_over(3)
        gone = await ended_call(floor, LEFT)
        assert gone["end_reason"] == "ivr_end"
        assert [part["stage"] for part in segments(floor, gone["id"])] == ["arrived", "ivr", "waiting", "ivr"]
        assert adds_up(floor, gone)
        await press(floor, "1001", "hangup")
        await asyncio.sleep(1.0)
        for key in "41":
            await served.press(key)
            await asyncio.sleep(0.5)
        answers = await until(
            lambda: len(found := rows(floor, "SELECT * FROM survey_answers ORDER BY at")) == 2 and found,
            5,
            "both answers on record",
        )
        await served.hang_up()
        call = await ended_call(floor, SERVED)
    assert [(row["question"], row["score"]) for row in answers] == [("satisfied", 4), ("solved", 1)]
    assert {row["call_id"] for row in answers} == {call["id"]}
    assert all(row["agent_id"] for row in answers)
    assert call["end_reason"] == "agent_hangup"
    stages = [part["stage"] for part in segments(floor, call["id"])]
    assert stages == ["arrived", "ivr", "waiting", "ringing", "talking", "survey"]
    assert adds_up(floor, call)
