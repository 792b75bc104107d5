"""The wire to AMI is cut in the middle of an event, goes silent, and comes back: callers are served all the same."""

import asyncio
import time

import pytest

from callcenter.demo.floor import Floor
from tests.live.ami_proxy import AmiProxy
from tests.live.at_screen import AtScreen
from tests.live.conftest import MakeFloor
from tests.live.watching import (
    LINE,
    adds_up,
    calls,
    choose,
    dial_in,
    ear,
    ended_call,
    offers,
    phone_events,
    press,
    rows,
    talks_with,
    until,
)

pytestmark = [pytest.mark.live, pytest.mark.timeout(110)]

FIRST = "+8613911140001"
SECOND = "+8613911140002"
THIRD = "+8613911140003"
FOURTH = "+8613911140004"
FALLBACK_AFTER = 3


async def wired(make_floor: MakeFloor, proxy: AmiProxy, agents: int, **asterisk: object) -> Floor:
    """A floor whose core speaks to AMI through the proxy."""
    floor = await make_floor(
        agents=agents,
        screens=[],
        overrides={"asterisk": {"ami_port": proxy.port, **asterisk}},
        start=False,
    )
    proxy.target = floor.asterisk_plan.ami_port
    await floor.start()
    return floor


async def test_cut_in_the_middle_of_an_event(make_floor: MakeFloor) -> None:
    """F1: half an event, then a reset while one talks and one is being rung through. Both talk on, each phone rang
    once, nothing is on record twice, and the agents are free afterwards."""
    async with AmiProxy() as proxy:
        floor = await wired(make_floor, proxy, 2)
        async with (
            AtScreen(floor, "agent1001", "1001") as one,
            AtScreen(floor, "agent1002", "1002") as two,
            ear(floor, FIRST) as talking,
            ear(floor, SECOND) as second,
        ):
            await one.done("ready")
            await dial_in(talking)
            await talks_with(floor, talking, "1001")
            await two.done("ready")
            proxy.cut_in_the_middle_of("DialBegin")
            await dial_in(second)
            await until(lambda: proxy.is_cut, 5, "the wire is cut")
            await until(lambda: one.telephony == "down", 3, "the screens are told")
            await asyncio.sleep(1.0)
            proxy.heal()
            await until(lambda: one.telephony == "up", 12, "the link is back")
            await talks_with(floor, second, "1002")
            await talks_with(floor, talking, "1001")
            assert (one.state, two.state) == ("on_call", "on_call")
            await press(floor, "1002", "hangup")
            await talking.hang_up()
            await until(lambda: two.state != "on_call", 3, "the agent has hung up")
            await second.hang_up()  # in the survey
            await one.until_state("ready", 5)
            await two.until_state("ready", 5)
        for number, reason in ((FIRST, "caller_hangup"), (SECOND, "agent_hangup")):
            call = await ended_call(floor, number)
            assert call["end_reason"] == reason
            assert adds_up(floor, call)
            assert call["talked_ms"] > 500
            assert [offer["result"] for offer in offers(floor, call["id"])] == ["answered"]
        assert len(phone_events(floor, "invite")) == 2
        assert [gap["reason"] for gap in rows(floor, "SELECT * FROM gaps")] == ["no events"]


async def test_what_happens_while_the_wire_is_cut(make_floor: MakeFloor) -> None:
    """F3, F4: a hangup, a whole call, and a caller who leaves the IVR after the waiting were released, all unseen.
    Everybody is served by the fallback, all is on record, nobody is stuck."""
    async with AmiProxy() as proxy:
        floor = await wired(make_floor, proxy, 3, release_after=1.5)
        async with (
            AtScreen(floor, "agent1001", "1001") as one,
            AtScreen(floor, "agent1002", "1002") as two,
            ear(floor, FIRST) as slow,
            ear(floor, SECOND) as unseen,
        ):
            await one.done("ready")
            await press(floor, "1003", "dial/1002")
            await until(lambda: two.state == "on_call", 5, "a direct call is seen")
            assert await slow.call(LINE) == 200
            await choose(slow, "1")
            proxy.cut()
            await until(lambda: one.telephony == "down", 3, "the screens are told")
            await press(floor, "1003", "hangup")
            await until(
                lambda: "released to the fallback" in floor.log("core"), 3, "the waiting are released"
            )
            await asyncio.sleep(0.5)
            await slow.press("2")
            await talks_with(floor, slow, "1001")
            await slow.hang_up()
            # Nobody can confirm this caller's channel: straight to the fallback.
            assert await unseen.call(LINE) == 200
            await talks_with(floor, unseen, "1001")
            await press(floor, "1001", "hangup")
            assert await unseen.until_over(3)
            proxy.heal()
            await until(lambda: one.telephony == "up", 12, "the link is back")
            await one.until_state("ready", 5)
            await two.until_state("not_ready", 5)
            first, second = await ended_call(floor, FIRST), await ended_call(floor, SECOND)
            assert (first["end_reason"], second["end_reason"]) == ("fallback_served", "fallback_served")
            assert "fallback" in first["marks"]
            direct = rows(floor, "SELECT * FROM calls WHERE direction = 'direct'")
            assert [row["ended_at"] is not None for row in direct] == [True]
            gap = rows(floor, "SELECT * FROM gaps")[0]
            assert gap["started_at"] < second["arrived_at"] < gap["ended_at"]


async def test_a_silent_wire(make_floor: MakeFloor) -> None:
    """F2, F7: nothing comes and nothing is reset. It is noticed in 10 s, who waits is released to the fallback and
    served by it; back again, the core knows who talks, and pops the next call once."""
    async with AmiProxy() as proxy:
        floor = await wired(make_floor, proxy, 1, release_after=FALLBACK_AFTER)
        async with (
            AtScreen(floor, "agent1001", "1001") as desk,
            ear(floor, FIRST) as talking,
            ear(floor, SECOND) as waiting,
            ear(floor, THIRD) as later,
        ):
            await desk.done("ready")
            await dial_in(talking)
            await talks_with(floor, talking, "1001")
            await dial_in(waiting)
            silent = time.monotonic()
            proxy.silence()
            await until(lambda: desk.telephony == "down", 10, "the silence is noticed")
            noticed = time.monotonic() - silent
            assert noticed < 10
            await asyncio.sleep(FALLBACK_AFTER + 1)
            rang = len(phone_events(floor, "invite"))
            await press(floor, "1001", "hangup")
            await talks_with(floor, waiting, "1001", 8)
            assert len(phone_events(floor, "invite")) == rang + 1
            proxy.heal()
            await until(lambda: desk.telephony == "up", 20, "the link is back")
            await talks_with(floor, waiting, "1001")
            await desk.until_state("on_call", 3)
            await waiting.hang_up()
            await desk.until_state("ready", 5)
            await dial_in(later)
            await talks_with(floor, later, "1001")
            assert [pop["number"] for pop in desk.pops()][-1] == THIRD
            await later.hang_up()
            await desk.until_state("ready", 5)
        assert (await ended_call(floor, FIRST))["end_reason"] == "agent_hangup"
        served = await ended_call(floor, SECOND)
        assert served["end_reason"] == "fallback_served"
        assert "fallback" in served["marks"]
        assert "fallback" in served["marks"]
        assert 0 < served["talked_ms"] < 15_000
        assert adds_up(floor, served)
        assert [ring["from_number"] for ring in phone_events(floor, "invite")] == [FIRST, SECOND, THIRD]
        assert len(calls(floor, THIRD)) == 1
        assert len(rows(floor, "SELECT * FROM gaps")) == 1
