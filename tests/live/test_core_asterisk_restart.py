"""Asterisk dies and starts again under a running core: its calls are gone, and nothing of ours may wait for them."""

import asyncio

import pytest

from tests.live.at_screen import AtScreen
from tests.live.conftest import MakeFloor
from tests.live.watching import (
    adds_up,
    behave,
    calls,
    dial_in,
    ear,
    ended_call,
    phone_events,
    press,
    rows,
    talks_with,
    until,
)

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

TALKING = "+8613911130001"
WAITING = "+8613911130002"
RINGING = "+8613911130003"
LATER = "+8613911130004"


async def test_asterisk_restarts_with_one_talking_one_ringing_one_waiting(make_floor: MakeFloor) -> None:
    """F6: the calls are closed as lost track, the agents are free again, and the next call is popped and served."""
    floor = await make_floor(agents=2, screens=[])
    await behave(floor, "1002", kind="never")
    async with AtScreen(floor, "agent1001", "1001") as one, AtScreen(floor, "agent1002", "1002") as two:
        await one.done("ready")
        async with (
            ear(floor, TALKING) as talking,
            ear(floor, RINGING) as ringing,
            ear(floor, WAITING) as waiting,
        ):
            await dial_in(talking)
            await talks_with(floor, talking, "1001")
            await two.done("ready")
            await dial_in(ringing)
            await until(lambda: phone_events(floor, "invite", extension="1002"), 5, "the second phone rings")
            await dial_in(waiting)
            await asyncio.sleep(0.3)
            floor.asterisk.kill()
            await until(lambda: one.telephony == "down" and two.telephony == "down", 3, "screens are told")
            await floor.asterisk.stop()
            await floor.asterisk.start()
            await until(lambda: one.telephony == "up", 15, "the link is back")
            for caller in (talking, ringing, waiting):
                # A dead Asterisk says no good-bye: callers notice by themselves.
                caller.leg.over.set()
        for number in (TALKING, RINGING, WAITING):
            call = await ended_call(floor, number)
            assert call["end_reason"] == "lost_track", call
            assert "reconstructed" in call["marks"]
            assert adds_up(floor, call)
        assert calls(floor, TALKING)[0]["talked_ms"] > 500
        await one.until_state("ready", 5)
        assert two.state in {"ready", "not_ready"}
        assert [row["reason"] for row in rows(floor, "SELECT * FROM gaps")] == ["asterisk restarted"]
        await two.done("not_ready", reason="LUNCH")
        # Phones find out by themselves, in time: here a hand puts the receiver down and they register again.
        await press(floor, "1001", "hangup")
        await press(floor, "1001", "unregister")
        await press(floor, "1001", "register")
        async with ear(floor, LATER) as caller:
            await dial_in(caller)
            await talks_with(floor, caller, "1001")
            assert one.pop is not None
            assert one.pop["number"] == LATER
            await caller.hang_up()
        assert (await ended_call(floor, LATER))["end_reason"] == "caller_hangup"
        await one.until_state("ready", 5)
