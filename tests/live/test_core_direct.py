"""Calls that reach an agent's phone past the line: they pop all the same, and are on record."""

import pytest

from tests.live.at_screen import AtScreen
from tests.live.conftest import MakeFloor
from tests.live.watching import adds_up, behave, phone_events, press, rows, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

DIRECT = "SELECT * FROM calls WHERE direction = 'direct' AND channel_id != ''"


async def test_one_agent_dials_another(make_floor: MakeFloor) -> None:
    """The pop says that it is direct; the talk has its wrap-up; one who is not picked up is on record as such, and
    neither takes an agent's readiness away."""
    floor = await make_floor(agents=2, screens=[])
    async with AtScreen(floor, "agent1001", "1001") as desk:
        await desk.done("ready")
        await press(floor, "1002", "dial/1001")
        await until(lambda: desk.pop, 3, "the pop is there")
        assert desk.pop is not None
        assert (desk.pop["direction"], desk.pop["number"]) == ("direct", "1002")
        invite = phone_events(floor, "invite", extension="1001")[0]
        assert invite["from_number"] == "1002"
        await desk.until_state("on_call", 3)
        await press(floor, "1002", "hangup")
        await until(lambda: any(state == "wrap_up" for state, _ in desk.states()), 3, "a wrap-up")
        await desk.until_state("ready", 3)
        await behave(floor, "1001", kind="never")
        await press(floor, "1002", "dial/1001")
        await until(lambda: len(desk.pops()) == 2, 3, "the second pops too")
        await press(floor, "1002", "hangup")
        await until(lambda: desk.pop is None, 3, "the pop is gone")
        await until(lambda: desk.agent["phone"] == "idle", 3, "the phone is free")
        assert desk.state == "ready"

        def ended() -> bool:
            return len(rows(floor, f"{DIRECT} AND ended_at IS NOT NULL")) == 2

        await until(ended, 5, "both are on record")
    talked, missed = rows(floor, f"{DIRECT} ORDER BY arrived_at")
    assert talked["talked_ms"] > 0
    assert talked["end_reason"] in {"caller_hangup", "agent_hangup"}
    assert missed["talked_ms"] == 0
    assert missed["end_reason"] in {"abandoned", "no_answer"}
    assert adds_up(floor, talked)
    assert adds_up(floor, missed)
    assert len(rows(floor, "SELECT * FROM wrap_ups WHERE call_id = ?", talked["id"])) == 1
