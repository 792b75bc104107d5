"""An agent is there while a screen is: sockets that drop, come back, stay away, come twice; the core's restart."""

import asyncio

import pytest

from tests.live.at_screen import AtScreen
from tests.live.conftest import MakeFloor
from tests.live.watching import dial_in, ear, ended_call, offers, phone_events, talks_with, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

FIRST = "+8613911160001"
SECOND = "+8613911160002"
GRACE = 3


async def test_a_screen_drops_and_returns_or_stays_away(make_floor: MakeFloor) -> None:
    """F32: back within the grace all is as it was, with the pop and no second one; away for longer the agent is not
    ready and is offered nothing, until they come back and say so."""
    floor = await make_floor(screens=[], overrides={"routing": {"screen_grace": GRACE}})
    desk = AtScreen(floor, "agent1001", "1001")
    async with desk, ear(floor, FIRST) as caller:
        await desk.done("ready")
        await desk.drop()
        await _back(desk, 1)
        assert desk.state == "ready"
        await dial_in(caller)
        await talks_with(floor, caller, "1001")
        pop = desk.pop
        assert pop is not None
        await desk.drop()
        await _back(desk, 2)
        assert desk.state == "on_call"
        assert desk.pop is not None
        assert desk.pop["call_id"] == pop["call_id"]
        assert desk.call is not None
        assert desk.call["stage"] == "talking"
        await asyncio.sleep(GRACE + 0.5)
        assert desk.state == "on_call"
        assert len(desk.pops()) == 1
        await talks_with(floor, caller, "1001", 2)
        await caller.hang_up()
        await desk.until_state("ready", 5)
    # The page is closed: no offers at once, and after the grace not ready.
    async with ear(floor, SECOND) as caller:
        await dial_in(caller)
        await asyncio.sleep(GRACE)
        assert len(phone_events(floor, "invite")) == 1
        async with AtScreen(floor, "agent1001", "1001") as again:
            assert (again.state, again.agent["reason"]) == ("not_ready", "SYSTEM_LEASE_LOST")
            await asyncio.sleep(1)
            assert len(phone_events(floor, "invite")) == 1
            await again.done("ready")
            await talks_with(floor, caller, "1001")
            await caller.hang_up()
            await again.until_state("ready", 5)
    call = await ended_call(floor, SECOND)
    assert len(offers(floor, call["id"])) == 1
    assert call["waited_ms"] > GRACE * 1000


async def test_two_tabs_of_one_agent(make_floor: MakeFloor) -> None:
    """F33: both show the pop and the same state, the phone rings once; one tab closed changes nothing."""
    floor = await make_floor(screens=[], overrides={"routing": {"screen_grace": GRACE}})
    async with AtScreen(floor, "agent1001", "1001") as one, ear(floor, FIRST) as caller:
        two = AtScreen(floor, "agent1001", "1001")
        async with two:
            await one.done("ready")
            await two.until_state("ready", 2)
            await dial_in(caller)
            await talks_with(floor, caller, "1001")
            assert one.pop is not None
            assert one.pop == two.pop
            assert len(one.pops()) == len(two.pops()) == 1
            assert len(phone_events(floor, "invite")) == 1
        await asyncio.sleep(GRACE + 0.5)
        assert one.state == "on_call"
        await caller.hang_up()
        await one.until_state("ready", 5)
    call = await ended_call(floor, FIRST)
    assert [offer["result"] for offer in offers(floor, call["id"])] == ["answered"]


async def test_the_core_restarts_and_agents_keep_their_state(make_floor: MakeFloor) -> None:
    """Who was ready is ready, who was at lunch is, and the first caller is offered to the former, once."""
    floor = await make_floor(agents=2, screens=[])
    async with AtScreen(floor, "agent1001", "1001") as one, AtScreen(floor, "agent1002", "1002") as two:
        await one.done("ready")
        await two.done("not_ready", reason="LUNCH")
        await asyncio.sleep(0.5)
        floor.kill_core()
        await asyncio.gather(_back(one, 1), _back(two, 1))
        assert (one.state, two.state) == ("ready", "not_ready")
        assert two.agent["reason"] == "LUNCH"
        await until(lambda: one.telephony == "up", 5, "telephony is up")
        async with ear(floor, FIRST) as caller:
            await dial_in(caller)
            await talks_with(floor, caller, "1001")
            assert one.pop is not None
            assert one.pop["number"] == FIRST
            await caller.hang_up()
        await one.until_state("ready", 5)
        assert two.pops() == []


async def _back(desk: AtScreen, drops: int) -> None:
    """Until the socket has dropped so often, and a new snapshot has come."""
    await until(lambda: desk.drops >= drops, 10, "the socket drops")
    snapshots = drops + 1
    await until(
        lambda: sum(one["type"] == "snapshot" for one in desk.seen) >= snapshots, 15, "a snapshot comes"
    )
