"""Callers' journeys as tables of what happens and what is to come of it, through every real stage."""

import asyncio

import pytest

from callcenter.agents.states import RoutingState
from callcenter.ids import AgentId
from tests.calls.scene import Scene, Stage, run
from tests.fakes.centre import ACK_LIMIT, RING, WRAP_UP, Centre
from tests.virtual_time import settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

READY, NOT_READY, WRAPPING = RoutingState.READY, RoutingState.NOT_READY, RoutingState.WRAP_UP
POPPED = 0.001
"""Seconds from the offer to the phone: the screen's confirmation."""

SCENES = {
    "answered, the caller hangs up": Scene(
        [
            (0, "caller", "calls"),
            (1, "caller", "presses 1"),
            (5, "1001", "answers"),
            (35, "caller", "hangs up"),
        ],
        reason="caller_hangup",
        segments=[("arrived", 0), ("ivr", 1), ("waiting", 0), ("ringing", 4), ("talking", 30)],
        offers=[(1, "answered")],
        states={1: WRAPPING},
    ),
    "answered, the agent hangs up": Scene(
        [
            (0, "caller", "calls"),
            (1, "caller", "presses 2"),
            (5, "1001", "answers"),
            (35, "1001", "hangs up"),
        ],
        reason="agent_hangup",
        offers=[(1, "answered")],
        states={1: WRAPPING},
    ),
    "gives up in the IVR": Scene(
        [(0, "caller", "calls"), (2, "caller", "hangs up")],
        reason="caller_hangup",
        segments=[("arrived", 0), ("ivr", 2)],
        offers=[],
        states={1: READY},
    ),
    "the IVR ends the call": Scene(
        [(0, "caller", "calls"), (2, "caller", "presses 9")],
        reason="ivr_end",
        segments=[("arrived", 0), ("ivr", 2)],
        offers=[],
    ),
    "abandons while nobody is ready": Scene(
        [
            (0, "agent 1", "not ready"),
            (0, "caller", "calls"),
            (1, "caller", "presses 1"),
            (31, "caller", "hangs up"),
        ],
        reason="abandoned",
        segments=[("arrived", 0), ("ivr", 1), ("waiting", 30)],
        offers=[],
        states={1: NOT_READY},
    ),
    "abandons while the phone rings (F18): the agent is ready again": Scene(
        [(0, "caller", "calls"), (1, "caller", "presses 1"), (6, "caller", "hangs up")],
        reason="abandoned",
        segments=[("arrived", 0), ("ivr", 1), ("waiting", 0), ("ringing", 5)],
        offers=[(1, "caller_gone")],
        states={1: READY},
    ),
    "answers in the instant of the hang-up (F19): one end": Scene(
        [
            (0, "caller", "calls"),
            (1, "caller", "presses 1"),
            (6, "caller", "hangs up"),
            (6, "1001", "answers"),
        ],
        reason="abandoned",
        offers=[(1, "caller_gone")],
        states={1: READY},
    ),
    "both hang up in the same instant (F19): one end": Scene(
        [
            (0, "caller", "calls"),
            (1, "caller", "presses 1"),
            (6, "1001", "answers"),
            (16, "1001", "hangs up"),
            (16, "caller", "hangs up"),
        ],
        offers=[(1, "answered")],
        states={1: WRAPPING},
        reason="agent_hangup",
    ),
    "no answer, then the second agent (F23)": Scene(
        [
            (0, "caller", "calls"),
            (1, "caller", "presses 1"),
            (30, "1002", "answers"),
            (60, "caller", "hangs up"),
        ],
        agents=2,
        reason="caller_hangup",
        segments=[
            ("arrived", 0),
            ("ivr", 1),
            ("waiting", 0),
            ("ringing", RING + POPPED),
            ("waiting", 0),
            ("ringing", 9 - POPPED),
            ("talking", 30),
        ],
        offers=[(1, "no_answer"), (2, "answered")],
        states={1: NOT_READY, 2: WRAPPING},
        reasons={1: "SYSTEM_RONA"},
    ),
    "rejected, then the second agent": Scene(
        [
            (0, "caller", "calls"),
            (1, "caller", "presses 1"),
            (4, "1001", "rejects"),
            (6, "1002", "answers"),
            (16, "caller", "hangs up"),
        ],
        agents=2,
        reason="caller_hangup",
        offers=[(1, "rejected"), (2, "answered")],
        states={1: NOT_READY},
        reasons={1: "SYSTEM_RONA"},
    ),
    "the phone is engaged, then the second agent": Scene(
        [
            (0, "1001", "is engaged"),
            (0, "caller", "calls"),
            (1, "caller", "presses 1"),
            (6, "1002", "answers"),
            (16, "caller", "hangs up"),
        ],
        agents=2,
        reason="caller_hangup",
        offers=[(1, "busy"), (2, "answered")],
        states={1: NOT_READY},
    ),
    "nobody answers: not ready, and the caller waits on": Scene(
        [(0, "caller", "calls"), (1, "caller", "presses 1"), (60, "caller", "hangs up")],
        reason="abandoned",
        offers=[(1, "no_answer")],
        states={1: NOT_READY},
    ),
    "dumped right after the answer (F17): the caller keeps the place": Scene(
        [
            (0, "agent 2", "not ready"),
            (0, "caller", "calls"),
            (1, "caller", "presses 1"),
            (5, "1001", "answers"),
            (5.2, "1001", "hangs up"),
            (8, "agent 2", "ready"),
            (9, "1002", "answers"),
            (29, "caller", "hangs up"),
        ],
        agents=2,
        reason="caller_hangup",
        offers=[(1, "answered"), (2, "answered")],
        states={1: NOT_READY, 2: WRAPPING},
    ),
}


@pytest.mark.parametrize("name", SCENES)
async def test_scene(name: str) -> None:
    """The call ends so, its segments add up, the offers and the agents are so."""
    await run(SCENES[name])


async def test_the_pop_is_sent_before_the_phone_rings() -> None:
    """A screen that is quick has it before the dial; a slow one delays the phone by the limit and no more."""
    for delay, wait in ((0.004, 0.004), (None, ACK_LIMIT), (5.0, ACK_LIMIT)):
        async with Centre() as centre:
            centre.screens.delay = delay
            await centre.agent(1)
            await centre.waiting()
            await asyncio.sleep(1)
            [shown], [rung] = centre.screens.pops, centre.trunk.rung
            assert shown.agent_id == AgentId(1)
            assert shown.pop.call_id == rung.call_id
            assert rung.at - shown.at == pytest.approx(wait)
            assert centre.calls.of_agent(AgentId(1)) is not None


async def test_wrap_up_ends_by_itself() -> None:
    """After the talk the agent has the queue's wrap-up time, then is ready and gets the next caller."""
    async with Centre() as centre:
        await centre.agent(1)
        first, second = await centre.waiting(), await centre.waiting("13900139000")
        stage = Stage(centre)
        await stage.play([(5, "1001", "answers"), (15, "1001", "hangs up")])

        assert centre.state(1) is WRAPPING
        await asyncio.sleep(WRAP_UP - 1)
        assert len(centre.trunk.rung) == 1
        await asyncio.sleep(2)
        assert len(centre.trunk.rung) == 2
        [row] = centre.recorder.wrap_ups
        assert (row.disposition, row.timed_out) == ("NONE_GIVEN", True)
        assert (row.ended_at - row.started_at).total_seconds() == pytest.approx(WRAP_UP)
        assert centre.record_of(first).end_reason is not None
        assert centre.record_of(second).end_reason is None
        second.leave()
        await settle()


async def test_the_place_is_kept_after_a_missed_offer() -> None:
    """Who was rung in vain is served before those who came later, also by an agent who becomes ready then."""
    async with Centre() as centre:
        await centre.agent(1)
        first = await centre.waiting("13800138001")
        await asyncio.sleep(5)
        second = await centre.waiting("13800138002")
        await asyncio.sleep(RING)
        await centre.agent(2)
        await asyncio.sleep(1)
        assert [rung.call_id for rung in centre.trunk.rung] == [first.variables["CC_CALL"]] * 2
        for line in (first, second):
            line.leave()
        await settle()


async def test_a_talk_that_was_not_seen_is_reconstructed() -> None:
    """No event told of the answer: the talk is on record from the dialogue's own word, and marked."""
    async with Centre() as centre:
        await centre.agent(1)
        line = await centre.waiting()
        await asyncio.sleep(3)
        centre.down()
        centre.trunk.phones["1001"].move(answered=True)
        await asyncio.sleep(60)
        line.leave(seen=False)
        await settle()
        call = centre.record_of(line)
        assert call.marks == {"reconstructed"}
        assert call.end_reason is not None
        assert call.end_reason.value == "caller_hangup"
        assert centre.results() == [(1, "answered")]
        assert centre.roster.get(AgentId(1)).state is WRAPPING


async def test_recording() -> None:
    """A queue that records gives Asterisk a server-made name once; without it the call goes on and says so."""
    async with Centre() as centre:
        await centre.agent(1)
        line = await centre.waiting()
        call = centre.record_of(line)
        assert line.recorded == [f"/recordings/{call.recording}.wav"]
        line.leave()
        await settle()
    async with Centre() as centre:
        await centre.agent(1)
        line = centre.line()
        line.fails.add("record")
        _ = centre.serve(line)
        await asyncio.sleep(6)
        await Stage(centre).play([(8, "1001", "answers"), (20, "1001", "hangs up")])
        call = centre.record_of(line)
        assert call.recording is None
        assert call.marks == {"unrecorded"}
        assert call.end_reason is not None


async def test_a_fault_of_asterisk_costs_no_caller() -> None:
    """When Asterisk doesn't answer, the dialogue ends unfinished, so that the dialplan goes on; no agent is held."""
    for broken in ("set_variables", "start_music", "dial"):
        async with Centre() as centre:
            await centre.agent(1)
            line = centre.line()
            task = centre.serve(line)
            await asyncio.sleep(1)
            line.fails.add(broken)
            await asyncio.sleep(20)
            assert task.done(), broken
            assert not line.finished
            assert not line.hung_up
            assert centre.state(1) is READY
            assert centre.record_of(line).stage.value == "fallback"
            assert len(centre.distributor.line) == 0
