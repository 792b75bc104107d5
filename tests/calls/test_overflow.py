"""Out of the line because nobody is there, because it closes, or because nobody answers; on virtual time."""

import asyncio
import dataclasses
import datetime as dt

import pytest

from callcenter.agents.states import RoutingState
from callcenter.calls.call import EndReason
from callcenter.calls.skills import Levels
from callcenter.ids import AgentId, CallId
from callcenter.reception.staffing import GRACE, LOOK_EVERY, UNSEEN
from callcenter.reception.visit import ToQueue, WaitMessage, WaitPlan
from tests.fakes.centre import RING, Centre, adds_up, told
from tests.fakes.fake_visit import SALES, SUPPORT
from tests.fakes.scripted_line import ScriptedLine
from tests.virtual_time import settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

NOBODY = WaitPlan(nobody=True)
UNANSWERED = WaitPlan(unanswered=True)


async def waits(centre: Centre, plan: WaitPlan, number: str = "13800138000") -> ScriptedLine:
    """A caller who is led to support so."""
    centre.ivr.plan = plan
    return await centre.waiting(number)


def outcomes(centre: Centre, visit: int = 0) -> list[str]:
    """What this caller's waits came back with."""
    return centre.ivr.visits[visit].outcomes


def stages(centre: Centre, line: ScriptedLine) -> list[str]:
    """The stages of the caller's call."""
    return [stage for stage, _ in told(centre.record_of(line))]


async def leaves(*lines: ScriptedLine) -> None:
    """They hang up."""
    for line in lines:
        line.leave()
    await settle()


def logs_out(centre: Centre, number: int) -> None:
    """An agent goes home."""
    centre.roster.log_out(AgentId(number))


# ------------------------------------------------------------ nobody is there


async def test_nobody_is_there() -> None:
    """Judged before the caller joins: no wait begins."""
    async with Centre() as centre:
        await centre.agent(1, SALES)
        await asyncio.sleep(UNSEEN)
        line = await waits(centre, NOBODY)
        assert outcomes(centre) == ["nobody"]
        assert stages(centre, line) == ["arrived", "ivr"]
        assert centre.record_of(line).end_reason is EndReason.IVR_END


async def test_nobody_is_there_yet() -> None:
    """Just after our start agents may still be coming: the caller waits for that long, and is served if one comes."""
    async with Centre() as centre:
        line = await waits(centre, NOBODY)
        await asyncio.sleep(GRACE - 0.1)
        assert (outcomes(centre), line.music) == ([], True)
        await asyncio.sleep(0.2)
        assert outcomes(centre) == ["nobody"]
        assert adds_up(centre.record_of(line))
    async with Centre() as centre:
        line = await waits(centre, NOBODY)
        await asyncio.sleep(GRACE / 2)
        await centre.agent(1)
        await asyncio.sleep(GRACE)
        assert [rung.extension for rung in centre.trunk.rung] == ["1001"]
        await leaves(line)


@pytest.mark.parametrize("keys", [frozenset(), frozenset("5")])
async def test_the_last_agent_goes_home(keys: frozenset[str]) -> None:
    """Who waits is led elsewhere soon, not at once; the place is free, and the record adds up."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = await waits(centre, WaitPlan(nobody=True, keys=keys))
        await asyncio.sleep(200)
        logs_out(centre, 1)
        gone = centre.at()
        while not outcomes(centre):
            await asyncio.sleep(0.1)
        assert GRACE <= centre.at() - gone <= GRACE + LOOK_EVERY + 0.1
        assert outcomes(centre) == ["nobody"]
        assert len(centre.distributor.line) == 0
        assert stages(centre, line) == ["arrived", "ivr", "waiting", "ivr"]
        assert adds_up(centre.record_of(line))


async def test_who_comes_back_soon_was_not_missed() -> None:
    """Logged out and in again within the grace: the caller notices nothing and is served."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = await waits(centre, NOBODY)
        for _ in range(10):
            await asyncio.sleep(LOOK_EVERY * 2.3)
            logs_out(centre, 1)
            await asyncio.sleep(GRACE * 0.3)
            await centre.agent(1, ready=False)
        assert outcomes(centre) == []
        centre.desk.ready(AgentId(1))
        await asyncio.sleep(1)
        assert len(centre.trunk.rung) == 1
        await leaves(line)


@pytest.mark.parametrize("state", ["not ready", "wrap-up", "talking"])
async def test_somebody_who_can_not_now_is_somebody(state: str) -> None:
    """Logged in is enough: the caller waits for that agent."""
    async with Centre() as centre:
        await centre.agent(1, ready=state != "not ready")
        if state != "not ready":
            centre.ivr.plan = WaitPlan()
            other = await centre.waiting("13900139000")
            await asyncio.sleep(1)
            centre.trunk.phones["1001"].move(answered=True)
            await settle()
            if state == "wrap-up":
                await leaves(other)
                assert centre.state(1) is RoutingState.WRAP_UP
        line = await waits(centre, NOBODY)
        await asyncio.sleep(30)
        assert outcomes(centre, -1) == []
        assert centre.distributor.waiting_in(SUPPORT) == 1
        await leaves(line)


async def test_without_a_way_the_caller_waits() -> None:
    """Nobody is thrown out of a line whose flow says nothing of it."""
    async with Centre() as centre:
        await asyncio.sleep(UNSEEN)
        line = await waits(centre, WaitPlan())
        await asyncio.sleep(3600)
        assert (outcomes(centre), line.music) == ([], True)
        await centre.agent(1)
        await asyncio.sleep(1)
        assert len(centre.trunk.rung) == 1
        await leaves(line)


async def test_elsewhere_is_another_queue() -> None:
    """With the age that the caller has; there it is the flow's word again."""
    async with Centre() as centre:
        await centre.agent(1, SALES, ready=False)
        await asyncio.sleep(UNSEEN)
        centre.ivr.ways["nobody"] = ToQueue(SALES, NOBODY)
        line = await waits(centre, NOBODY)
        await asyncio.sleep(60)
        [waiting] = centre.distributor.line
        assert (waiting.queue, waiting.arrived) == (SALES, centre.record_of(line).arrived)
        await leaves(line)


async def test_an_offer_and_nobody_in_the_same_instant() -> None:
    """An agent logs in, ready, in the moment in which the queue is given up: one of the two counts, whole."""
    async with Centre() as centre:
        line = await waits(centre, NOBODY)
        at = GRACE
        asyncio.get_running_loop().call_later(at, lambda: centre.tasks.run(centre.agent(1), "agent"))
        await asyncio.sleep(at + 1)
        served = len(centre.trunk.rung) == 1
        assert outcomes(centre) == ([] if served else ["nobody"])
        assert centre.state(1) is (RoutingState.RESERVED if served else RoutingState.READY)
        await leaves(line)


# ------------------------------------------------------------ closing time


def closing(centre: Centre, seconds: float) -> WaitPlan:
    """The hours end in so many seconds."""
    return WaitPlan(closes_at=centre.clock.wall() + dt.timedelta(seconds=seconds))


@pytest.mark.parametrize("keys", [frozenset(), frozenset("5")])
async def test_it_closes_while_the_caller_waits(keys: frozenset[str]) -> None:
    """At that very moment, or when the slice that listens for keys is over."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = await waits(centre, dataclasses.replace(closing(centre, 100), keys=keys))
        await asyncio.sleep(99.9)
        assert outcomes(centre) == []
        await asyncio.sleep(0.2)
        assert outcomes(centre) == ["closes"]
        assert adds_up(centre.record_of(line))


async def test_it_has_closed() -> None:
    """Judged before the caller joins."""
    async with Centre() as centre:
        line = await waits(centre, closing(centre, 0))
        assert outcomes(centre) == ["closes"]
        assert stages(centre, line) == ["arrived", "ivr"]


@pytest.mark.parametrize(("jump", "closes"), [(3600.0, (1.0, 61.0)), (-3600.0, (3699.0, 3701.0))])
async def test_the_clock_is_set(jump: float, closes: tuple[float, float]) -> None:
    """Somebody sets the machine's clock: what counts is what it shows, a minute later at the latest."""
    async with Centre() as centre:
        await waits(centre, closing(centre, 100))
        await asyncio.sleep(1)
        centre.clock.jump_wall(jump)
        earliest, latest = closes
        await asyncio.sleep(earliest - 1.5)
        assert outcomes(centre) == []
        await asyncio.sleep(latest - earliest + 1)
        assert outcomes(centre) == ["closes"]


async def test_an_offer_in_the_moment_of_closing() -> None:
    """The agent is reserved, so the phone rings; were the offer missed, it has closed."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        await waits(centre, closing(centre, 60))
        asyncio.get_running_loop().call_later(60.0, centre.desk.ready, AgentId(1))
        await asyncio.sleep(61)
        assert (len(centre.trunk.rung), outcomes(centre)) == (1, [])
        await asyncio.sleep(RING)
        assert outcomes(centre) == ["closes"]
        assert centre.results() == [(1, "no_answer")]


# ------------------------------------------------------------ nobody answers


def allow(centre: Centre, offers: int) -> None:
    """New rules: so many offers of a call may be missed."""
    centre.distributor.apply(dataclasses.replace(centre.distributor.rules, max_offers=offers), 2)


async def test_nobody_answers() -> None:
    """As many offers as the rules allow; then elsewhere, and no phone rings any more."""
    async with Centre() as centre:
        allow(centre, 2)
        for number in (1, 2, 3):
            await centre.agent(number)
            await asyncio.sleep(1)
        line = await waits(centre, UNANSWERED)
        await asyncio.sleep(2 * RING + 5)
        assert [rung.extension for rung in centre.trunk.rung] == ["1001", "1002"]
        assert outcomes(centre) == ["unanswered"]
        assert centre.results()[:2] == [(1, "no_answer"), (2, "no_answer")]
        assert {centre.state(number) for number in (1, 2)} == {RoutingState.NOT_READY}
        assert centre.state(3) is RoutingState.READY
        assert len(centre.distributor.line) == 0
        assert adds_up(centre.record_of(line))


async def test_without_a_way_every_agent_is_rung() -> None:
    """Never lost: the caller keeps the place."""
    async with Centre() as centre:
        allow(centre, 1)
        for number in (1, 2, 3):
            await centre.agent(number)
        line = await waits(centre, WaitPlan())
        await asyncio.sleep(3 * RING + 5)
        assert len(centre.trunk.rung) == 3
        assert (outcomes(centre), line.music) == ([], True)
        assert centre.distributor.waiting_in(SUPPORT) == 1
        await leaves(line)


async def test_each_queue_counts_anew() -> None:
    """Led to another queue, the caller is offered there, and is not thrown out of it at once."""
    async with Centre() as centre:
        allow(centre, 1)
        await centre.agent(1, SUPPORT)
        await centre.agent(2, SALES)
        centre.ivr.ways["unanswered"] = ToQueue(SALES, UNANSWERED)
        line = await waits(centre, UNANSWERED)
        await asyncio.sleep(RING + 1)
        assert [rung.extension for rung in centre.trunk.rung] == ["1001", "1002"]
        centre.trunk.phones["1002"].move(answered=True)
        await settle()
        assert centre.calls.of_agent(AgentId(2)) is centre.calls.get(CallId(line.variables["CC_CALL"]))
        await leaves(line)


async def test_the_caller_leaves_in_the_last_offer() -> None:
    """Abandoned, whatever the count."""
    async with Centre() as centre:
        allow(centre, 1)
        await centre.agent(1)
        line = await waits(centre, UNANSWERED)
        await asyncio.sleep(RING / 2)
        await leaves(line)
        assert outcomes(centre) == []
        assert centre.record_of(line).end_reason is EndReason.ABANDONED


# ------------------------------------------------------------ back from the fallback queue


async def test_back_from_the_fallback() -> None:
    """The caller waits with the plan of the flow: what is said, the keys, and the ways out of the line."""
    plan = WaitPlan(messages=(WaitMessage("patience", 5.0, None),), keys=frozenset("5"))
    async with Centre() as centre:
        centre.ivr.plan = plan
        arrived = int(centre.clock.wall().timestamp()) - 100
        line = centre.call(CC_CALL="a" * 32, CC_QUEUE="support", CC_ARRIVED=str(arrived))
        await asyncio.sleep(10)
        [visit] = centre.ivr.visits
        assert visit.rejoined == [SUPPORT]
        assert [prompt for _, prompt in line.heard] == ["patience"]
        line.press("5")
        await settle()
        assert visit.outcomes == ["key:5"]
        assert (visit.times_over, centre.record_of(line).end_reason) == (1, EndReason.IVR_END)
        assert stages(centre, line) == ["fallback", "arrived", "waiting", "ivr"]


async def test_a_survey_after_the_fallback() -> None:
    """Served at last, the caller is asked as everybody."""
    async with Centre() as centre:
        centre.ivr.asks_afterwards = "csat"
        await centre.agent(1)
        line = centre.call(CC_CALL="a" * 32, CC_QUEUE="support", CC_ARRIVED="1")
        await asyncio.sleep(1)
        centre.trunk.phones["1001"].move(answered=True)
        await asyncio.sleep(20)
        centre.trunk.phones["1001"].move()
        await settle()
        line.press("4")
        await settle()
        assert centre.ivr.visits[0].surveyed == ["csat"]
        assert centre.record_of(line).end_reason is EndReason.AGENT_HANGUP


async def test_skills_after_the_fallback() -> None:
    """A call that we still know asks for what it asked before."""
    needs: Levels = {"german": 3}
    async with Centre() as centre:
        centre.ivr.ends["4"] = ToQueue(SUPPORT, WaitPlan(), needs)
        line = centre.call()
        line.press("4")
        await settle()
        call_id = line.variables["CC_CALL"]
        centre.down()
        await asyncio.sleep(15.1)
        await settle()
        centre.up(living=[CallId(call_id)])
        again = centre.line(CC_CALL=call_id, CC_QUEUE="support")
        _ = centre.serve(again)
        await settle()
        [waiting] = centre.distributor.line
        assert waiting.demand.needs == (("german", 3),)
        await leaves(again)
