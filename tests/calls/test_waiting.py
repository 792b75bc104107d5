"""Waiting in line, on virtual time: what is heard, what may be pressed, and that neither delays an agent."""

import asyncio
import contextlib

import pytest

from callcenter.agents.states import RoutingState
from callcenter.calls.call import EndReason
from callcenter.errors import ActionFailed, CallcenterError
from callcenter.ids import AgentId, CallId
from callcenter.reception.inbound import MOST_TURNS
from callcenter.reception.visit import ToQueue, WaitMessage, WaitPlan
from callcenter.reception.waiting import LISTEN_SLICE
from tests.calls.scene import Stage
from tests.fakes.centre import RING, Centre, adds_up, told
from tests.fakes.fake_visit import SALES, SUPPORT
from tests.fakes.scripted_line import PROMPT_SECONDS, ScriptedLine
from tests.virtual_time import settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

POSITION = WaitPlan(announce_every=30.0)
KEYS = WaitPlan(keys=frozenset("50"))
OFFER = WaitMessage("call_you_back", after=10.0, every=None, key="7")
POPPED = 0.001
"""Seconds from the offer to the phone: the screen's confirmation."""


async def waits(centre: Centre, plan: WaitPlan, number: str = "13800138000") -> ScriptedLine:
    """A caller who waits so for support; the wait began at this instant."""
    centre.ivr.plan = plan
    return await centre.waiting(number)


async def leaves(*lines: ScriptedLine) -> None:
    """They hang up."""
    for line in lines:
        line.leave()
    await settle()


def said(line: ScriptedLine) -> list[str]:
    """What was announced."""
    return [prompt for _, prompt in line.heard]


async def becomes_ready(centre: Centre, number: int = 1) -> float:
    """The agent is free now; gives when."""
    centre.desk.ready(AgentId(number))
    await settle()
    return centre.clock.now()


# ------------------------------------------------------------ what is heard


async def test_music_alone() -> None:
    """Without announcements and keys there is music of the flow's class, and no command is in flight."""
    async with Centre() as centre:
        line = await waits(centre, WaitPlan(music="jazz"))
        await asyncio.sleep(300)
        assert (line.music, line.music_class, line.heard) == (True, "jazz", [])
        assert line.listened == [centre.ivr.seconds]
        await leaves(line)


async def test_the_position_is_told_at_once_and_again_after_a_while() -> None:
    """The first is next, the second hears the place; an unknown wait is not said; each ``announce`` seconds again;
    then music again."""
    async with Centre() as centre:
        first = await waits(centre, POSITION)
        await asyncio.sleep(1)
        second = await waits(centre, POSITION, "13900139000")
        await asyncio.sleep(28)
        assert (said(first), said(second)) == (["next_in_line"], ["position 2"])
        assert first.music
        await leaves(first)
        await asyncio.sleep(3)
        assert said(second) == ["position 2", "next_in_line"]
        await asyncio.sleep(90)
        assert len(said(second)) == 5
        await leaves(second)


async def test_the_expected_wait_is_told_where_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole minutes, rounded up; under one minute there is a sentence for it."""
    async with Centre() as centre:
        expected = {"seconds": 61.0}
        monkeypatch.setattr(centre.distributor, "expected_wait", lambda _call: expected["seconds"])
        line = await waits(centre, POSITION)
        await asyncio.sleep(5)
        expected["seconds"] = 59.0
        await asyncio.sleep(30)
        assert said(line) == ["next_in_line", "wait_minutes 2", "next_in_line", "wait_short"]
        await leaves(line)


async def test_messages_have_their_times() -> None:
    """One is said once after its time, another again and again."""
    plan = WaitPlan(messages=(WaitMessage("once", 20.0, None), WaitMessage("often", 10.0, 15.0)))
    async with Centre() as centre:
        line = await waits(centre, plan)
        began = centre.clock.now()
        await asyncio.sleep(45)
        assert [(round(at - began), prompt) for at, prompt in line.heard] == [
            (10, "often"),
            (20, "once"),
            (25, "often"),
            (40, "often"),
        ]
        await leaves(line)


async def test_nobody_is_told_the_same_again_after_a_ring_in_vain() -> None:
    """Back in the line after 20 s of ringing, within the announcements' time: only music; then the next one."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = await waits(centre, POSITION)
        await asyncio.sleep(4)
        await becomes_ready(centre)
        await asyncio.sleep(RING + 1)
        assert centre.results() == [(1, "no_answer")]
        assert said(line) == ["next_in_line"]
        assert line.music
        await asyncio.sleep(10)
        assert said(line) == ["next_in_line"] * 2
        await leaves(line)


async def test_an_agent_who_is_free_is_rung_without_a_word() -> None:
    """Nothing is announced to who does not wait."""
    async with Centre() as centre:
        await centre.agent(1)
        line = await waits(centre, WaitPlan(announce_every=30.0, keys=frozenset("5")))
        await asyncio.sleep(1)
        assert line.heard == []
        assert len(centre.trunk.rung) == 1
        await leaves(line)


async def test_a_sound_that_is_not_there() -> None:
    """The caller hears music instead, and the next announcement."""
    plan = WaitPlan(
        announce_every=30.0, messages=(WaitMessage("lost", 5.0, 5.0), WaitMessage("kept", 7.0, None))
    )
    async with Centre() as centre:
        centre.ivr.plan = plan
        line = centre.call()
        line.missing |= {"lost", "next_in_line"}
        line.press("2")
        await asyncio.sleep(12)
        assert said(line) == ["kept"]
        assert line.music
        await leaves(line)


# ------------------------------------------------------------ an agent becomes free


async def test_an_offer_cuts_an_announcement_short() -> None:
    """The phone rings when the screen has the pop, not when the announcement is over."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = await waits(centre, POSITION)
        await asyncio.sleep(PROMPT_SECONDS / 2)
        free = await becomes_ready(centre)
        await asyncio.sleep(0.1)
        assert centre.trunk.rung[0].at - free == pytest.approx(POPPED)
        assert ("cut play", line.channel_id) in centre.switch.told
        await leaves(line)


async def test_an_offer_cuts_a_slice_short() -> None:
    """The same where keys may be pressed."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = await waits(centre, KEYS)
        await asyncio.sleep(LISTEN_SLICE * 2.5)
        free = await becomes_ready(centre)
        await asyncio.sleep(0.1)
        assert centre.trunk.rung[0].at - free == pytest.approx(POPPED)
        assert ("cut read_key", line.channel_id) in centre.switch.told
        await leaves(line)


@pytest.mark.parametrize(("plan", "length"), [(POSITION, PROMPT_SECONDS), (KEYS, LISTEN_SLICE)])
async def test_nothing_can_be_cut_short(plan: WaitPlan, length: float) -> None:
    """Asterisk refuses: the agent's screen has the pop at once, the phone rings at the end of the sound or slice."""
    async with Centre() as centre:
        centre.switch.refuse("cut play")
        centre.switch.refuse("cut read_key")
        await centre.agent(1, ready=False)
        line = await waits(centre, plan)
        await asyncio.sleep(0.5)
        free = await becomes_ready(centre)
        await asyncio.sleep(5)
        assert centre.screens.pops[0].at == free
        assert centre.trunk.rung[0].at - free == pytest.approx(length - 0.5)
        await leaves(line)


async def test_an_offer_while_a_prompt_is_rendered() -> None:
    """Nobody waits for a voice."""
    async with Centre() as centre:
        centre.ivr.rendering = 2.0
        await centre.agent(1, ready=False)
        line = await waits(centre, POSITION)
        await asyncio.sleep(1)
        free = await becomes_ready(centre)
        await asyncio.sleep(5)
        assert centre.trunk.rung[0].at - free == pytest.approx(POPPED)
        assert line.heard == []
        await leaves(line)


async def test_the_caller_leaves_while_the_line_is_made_free() -> None:
    """The hang-up in that moment: abandoned, the agent free again, the pop away."""
    async with Centre() as centre:
        centre.switch.refuse("cut play")
        await centre.agent(1, ready=False)
        line = await waits(centre, POSITION)
        await asyncio.sleep(0.5)
        await becomes_ready(centre)
        await leaves(line)
        await asyncio.sleep(0.1)
        assert centre.record_of(line).end_reason is EndReason.ABANDONED
        assert centre.results() == [(1, "caller_gone")]
        assert centre.state(1) is RoutingState.READY
        assert centre.trunk.rung == []


# ------------------------------------------------------------ keys


@pytest.mark.parametrize("at", [0.5, 1.0, LISTEN_SLICE + 0.3, 31.0])
async def test_an_exit_key(at: float) -> None:
    """Pressed in an announcement or in a slice: the wait ends, the flow goes on, the place is free."""
    async with Centre() as centre:
        line = await waits(centre, WaitPlan(announce_every=30.0, keys=frozenset("5")))
        await asyncio.sleep(at)
        pressed = centre.clock.now()
        line.press("5")
        await settle()
        [visit] = centre.ivr.visits
        assert visit.outcomes == ["key:5"]
        assert len(centre.distributor.line) == 0
        call = centre.record_of(line)
        assert call.ended == pressed
        assert call.end_reason is EndReason.IVR_END
        assert [stage for stage, _ in told(call)] == ["arrived", "ivr", "waiting", "ivr"]
        assert adds_up(call)
        assert visit.times_over == 1
        assert not line.music


async def test_other_keys_do_nothing() -> None:
    """Not even a key whose callback has not been offered yet; after the offer it ends the wait."""
    async with Centre() as centre:
        line = await waits(centre, WaitPlan(keys=frozenset("5"), messages=(OFFER,)))
        for key in "179*#":
            line.press(key)
        await asyncio.sleep(OFFER.after - 1)
        [visit] = centre.ivr.visits
        assert visit.outcomes == []
        await asyncio.sleep(30)
        line.press("7")
        await settle()
        assert visit.outcomes == ["callback"]


async def test_a_callback_accepted_while_it_is_offered() -> None:
    """The key cuts the offer short."""
    async with Centre() as centre:
        line = await waits(centre, WaitPlan(messages=(OFFER,)))
        await asyncio.sleep(OFFER.after + 1)
        line.press("7")
        await settle()
        assert centre.ivr.visits[0].outcomes == ["callback"]
        assert said(line) == ["call_you_back"]


@pytest.mark.parametrize("plan", [KEYS, WaitPlan(announce_every=30.0, keys=frozenset("5"))])
@pytest.mark.parametrize("first", ["key", "agent"])
async def test_a_key_in_the_instant_of_an_offer(plan: WaitPlan, first: str) -> None:
    """One of the two counts, whole: an agent who is reserved is rung, else the caller goes where the key leads and no
    agent is held."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = await waits(centre, plan)
        await asyncio.sleep(1)
        if first == "key":
            line.press("5")
            centre.desk.ready(AgentId(1))
        else:
            centre.desk.ready(AgentId(1))
            line.press("5")
        await asyncio.sleep(1)
        [visit] = centre.ivr.visits
        assert visit.outcomes == []
        assert len(centre.trunk.rung) == 1
        await leaves(line)


async def test_an_agent_just_after_a_key() -> None:
    """The key has been read: the caller is out of the line, and the agent stays free."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = await waits(centre, KEYS)
        await asyncio.sleep(1)
        centre.ivr.ways["key:5"] = ToQueue(SALES, WaitPlan())
        line.press("5")
        for _ in range(40):
            await asyncio.sleep(0)
            if len(centre.distributor.line) == 0:
                break
        centre.roster.get(AgentId(1)).queues = frozenset({SUPPORT})
        centre.desk.ready(AgentId(1))
        await settle()
        assert centre.results() == []
        assert centre.state(1) is RoutingState.READY
        assert centre.record_of(line).queue == SALES
        await leaves(line)


async def test_keys_after_a_ring_in_vain() -> None:
    """Back in the line they count as before."""
    async with Centre() as centre:
        await centre.agent(1)
        line = await waits(centre, KEYS)
        await asyncio.sleep(RING + 3)
        assert line.music
        line.press("0")
        await settle()
        assert centre.ivr.visits[0].outcomes == ["key:0"]


# ------------------------------------------------------------ out of the line


async def test_a_time_out_leads_elsewhere() -> None:
    """After the time in this queue the flow goes on; in the next queue the caller keeps the age."""
    async with Centre() as centre:
        centre.ivr.ways["timeout"] = ToQueue(SALES, WaitPlan())
        line = await waits(centre, WaitPlan(timeout=60.0))
        arrived = centre.record_of(line).arrived
        await asyncio.sleep(59.9)
        assert centre.record_of(line).queue == SUPPORT
        await asyncio.sleep(0.2)
        call = centre.record_of(line)
        assert (call.queue, call.stage.value) == (SALES, "waiting")
        assert line.variables["CC_QUEUE"] == SALES
        [waiting] = centre.distributor.line
        assert waiting.arrived == arrived
        await leaves(line)
        assert centre.record_of(line).end_reason is EndReason.ABANDONED
        assert adds_up(centre.record_of(line))


@pytest.mark.parametrize("keys", [frozenset(), frozenset("5")])
async def test_the_time_is_over_in_the_instant_of_an_offer(keys: frozenset[str]) -> None:
    """The agent is reserved, so the phone rings; were the offer missed, the time is over."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = await waits(centre, WaitPlan(timeout=60.0, keys=keys))
        asyncio.get_running_loop().call_later(60.0, centre.desk.ready, AgentId(1))
        await asyncio.sleep(61)
        [visit] = centre.ivr.visits
        assert (len(centre.trunk.rung), visit.outcomes) == (1, [])
        await asyncio.sleep(RING)
        assert visit.outcomes == ["timeout"]
        assert centre.results() == [(1, "no_answer")]
        assert len(centre.distributor.line) == 0
        assert centre.record_of(line).end_reason is EndReason.IVR_END


async def test_a_queue_that_is_full() -> None:
    """Judged before the caller joins; the wait of nobody begins."""
    async with Centre() as centre:
        first = await waits(centre, WaitPlan(full_at=1))
        second = await waits(centre, WaitPlan(full_at=1), "13900139000")
        assert centre.ivr.visits[0].outcomes == []
        assert centre.ivr.visits[1].outcomes == ["full"]
        assert [stage for stage, _ in told(centre.record_of(second))] == ["arrived", "ivr"]
        await leaves(first)


async def test_a_flow_that_goes_round_in_a_circle() -> None:
    """It ends in the fallback queue, soon."""
    async with Centre() as centre:
        centre.ivr.ways["full"] = ToQueue(SUPPORT, WaitPlan(full_at=0))
        line = await waits(centre, WaitPlan(full_at=0))
        await asyncio.sleep(1)
        assert len(centre.ivr.visits[0].outcomes) == MOST_TURNS
        assert centre.record_of(line).stage.value == "fallback"
        assert not line.finished
        assert centre.ivr.visits[0].times_over == 1


@pytest.mark.parametrize("fault", [ActionFailed("broken"), CallcenterError("broken"), ZeroDivisionError()])
async def test_a_flow_that_fails_after_the_wait(fault: Exception) -> None:
    """Nobody is lost: the dialplan's fallback takes the caller."""
    async with Centre() as centre:
        centre.ivr.plan = WaitPlan(timeout=10.0)
        centre.ivr.ways["timeout"] = fault
        line = centre.line()
        line.press("2")
        with contextlib.suppress(type(fault)):
            await centre.inbound.serve(line)
        assert centre.record_of(line).stage.value == "fallback"
        assert (line.finished, line.hung_up) == (False, False)
        assert centre.ivr.visits[0].times_over == 1


# ------------------------------------------------------------ faults


@pytest.mark.parametrize("plan", [POSITION, KEYS, WaitPlan(announce_every=30.0, keys=frozenset("5"))])
@pytest.mark.parametrize("at", [0.5, 5.0])
async def test_hanging_up(plan: WaitPlan, at: float) -> None:
    """In an announcement and in a slice, seen among the events or not: abandoned at once."""
    for seen in (True, False):
        async with Centre() as centre:
            line = await waits(centre, plan)
            await asyncio.sleep(at)
            line.leave(seen=seen)
            await settle()
            call = centre.record_of(line)
            assert call.end_reason is EndReason.ABANDONED
            assert call.ended == centre.clock.now()
            assert len(centre.distributor.line) == 0


@pytest.mark.parametrize("plan", [KEYS, WaitPlan(announce_every=5.0, keys=frozenset("5"))])
async def test_the_link_is_away_in_a_wait_with_keys(plan: WaitPlan) -> None:
    """Released to the fallback queue after 15 s, as every caller."""
    async with Centre() as centre:
        line = await waits(centre, plan)
        centre.down()
        await asyncio.sleep(15.1)
        await settle()
        call = centre.record_of(line)
        assert call.stage.value == "fallback"
        assert (line.finished, line.hung_up) == (False, False)
        assert len(centre.distributor.line) == 0


@pytest.mark.parametrize("broken", ["play", "read_key", "start_music"])
async def test_a_line_that_does_not_answer(broken: str) -> None:
    """Asterisk answers no more in the wait: the dialogue ends unfinished, so that the dialplan goes on."""
    async with Centre() as centre:
        line = await waits(centre, WaitPlan(announce_every=5.0, keys=frozenset("5")))
        line.fails.add(broken)
        await asyncio.sleep(20)
        assert centre.record_of(line).stage.value == "fallback"
        assert not line.finished
        assert len(centre.distributor.line) == 0


async def test_the_offer_of_a_line_that_does_not_answer() -> None:
    """It breaks while it is made free for the ring: no agent is held."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = await waits(centre, KEYS)
        await asyncio.sleep(1)
        line.fails.add("set_variables")
        await becomes_ready(centre)
        await asyncio.sleep(1)
        assert centre.record_of(line).stage.value == "fallback"
        assert centre.state(1) is RoutingState.READY
        assert centre.results() == [(1, "caller_gone")]


async def test_skills_go_with_the_call() -> None:
    """Only an agent who has them is offered the call."""
    async with Centre() as centre:
        await centre.agent(1)
        german = await centre.agent(2, ready=False)
        centre.roster.log_in(german.id, german.name, german.extension, german.queues, {"german": 2})
        centre.ivr.ends["4"] = ToQueue(SUPPORT, WaitPlan(), skills={"german": 2})
        line = centre.call()
        line.press("4")
        await asyncio.sleep(5)
        assert centre.trunk.rung == []
        await becomes_ready(centre, 2)
        await asyncio.sleep(1)
        assert [rung.extension for rung in centre.trunk.rung] == ["1002"]
        await Stage(centre).play([(centre.at() + 1, "1002", "answers")])
        assert centre.calls.of_agent(AgentId(2)) is centre.calls.get(CallId(line.variables["CC_CALL"]))
        await leaves(line)
