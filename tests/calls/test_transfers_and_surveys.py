"""Callers whom a flow puts through, and callers who are asked how it was."""

import asyncio

import pytest

from callcenter.agents.states import RoutingState
from callcenter.calls.call import EndReason
from callcenter.errors import ActionFailed, CallerGone, ReleasedToFallback
from callcenter.ids import AgentId
from callcenter.reception.visit import ToTransfer
from tests.calls.scene import Stage
from tests.fakes.centre import WRAP_UP, Centre, adds_up, told
from tests.fakes.scripted_line import ScriptedLine
from tests.virtual_time import settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

TO_AGENT = ToTransfer("extension", "1001", 15)
TO_PHONE = ToTransfer("extension", "1888", 15)
OUTSIDE = ToTransfer("number", "+8613900139000", 15)


async def put_through(centre: Centre, to: ToTransfer) -> ScriptedLine:
    """A caller whom the flow puts through at this instant."""
    centre.ivr.ends["4"] = to
    line = centre.call()
    line.press("4")
    await asyncio.sleep(1)
    return line


def stages(centre: Centre, line: ScriptedLine) -> list[str]:
    """The stages of the call, in order."""
    return [stage for stage, _ in told(centre.record_of(line))]


# ------------------------------------------------------------ put through


async def test_to_an_agents_extension() -> None:
    """The agent sees who comes, is on the call, has wrap-up after it; the caller goes on in the flow."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = await put_through(centre, TO_AGENT)
        assert centre.screens.pops[0].agent_id == AgentId(1)
        assert line.variables["CC_AGENT"] == "1001"
        stage = Stage(centre)
        await stage.play([(3, "1001", "answers")])
        assert centre.state(1) is RoutingState.ON_CALL
        await stage.play([(13, "1001", "hangs up")])
        assert centre.state(1) is RoutingState.WRAP_UP
        [visit] = centre.ivr.visits
        assert visit.outcomes == ["done"]
        assert stages(centre, line) == ["arrived", "ivr", "ringing", "talking", "ivr"]
        assert line.variables["CC_STAGE"] == "waiting"
        call = centre.record_of(line)
        assert call.end_reason is EndReason.TRANSFERRED
        assert adds_up(call)
        assert call.talked(0) == pytest.approx(10)


REACTIONS = {"no_answer": "no_answer", "busy": "busy", "rejected": "busy", "failed": "failed"}


@pytest.mark.parametrize("reaction", REACTIONS)
@pytest.mark.parametrize("to", [TO_AGENT, TO_PHONE, OUTSIDE])
async def test_not_put_through(to: ToTransfer, reaction: str) -> None:
    """What came of it goes back to the flow; no agent is held, or left with a pop. One who was free, and reserved for
    it, has missed it, as any other call."""
    async with Centre() as centre:
        await centre.agent(1)
        line = await put_through(centre, to)
        phone = centre.trunk.phones[to.target]
        if reaction == "no_answer":
            await asyncio.sleep(to.ring_seconds)
        else:
            phone.move(reaction=reaction)  # type: ignore[arg-type]  # it is one
        await asyncio.sleep(1)
        assert centre.ivr.visits[0].outcomes == [REACTIONS[reaction]]
        missed = to is TO_AGENT and reaction != "failed"
        assert centre.state(1) is (RoutingState.NOT_READY if missed else RoutingState.READY)
        assert centre.results() == ([(1, reaction)] if to is TO_AGENT else [])
        assert centre.pops.of(AgentId(1)) is None
        between = "ringing" if to is TO_AGENT else "dialling"
        assert stages(centre, line) == ["arrived", "ivr", between, "ivr"]
        assert adds_up(centre.record_of(line))


@pytest.mark.parametrize("to", [TO_PHONE, OUTSIDE])
@pytest.mark.parametrize("blind", [False, True])
async def test_to_somebody_else(to: ToTransfer, blind: bool) -> None:
    """No agent of ours is in it; the talk is a stage of its own, and marked when it was not seen to begin."""
    async with Centre() as centre:
        line = await put_through(centre, to)
        centre.trunk.blind = blind
        phone = centre.trunk.phones[to.target]
        phone.move(answered=True)
        await asyncio.sleep(20)
        line.leave()
        await settle()
        call = centre.record_of(line)
        assert stages(centre, line) == ["arrived", "ivr", "dialling", "outside"]
        assert call.end_reason is EndReason.CALLER_HANGUP
        assert call.marks == ({"reconstructed"} if blind else set())
        assert adds_up(call)
        if not blind:
            assert told(call)[-1][1] == pytest.approx(20)


async def test_an_agent_who_is_engaged() -> None:
    """Nobody's talk is disturbed: busy, and nothing rings."""
    async with Centre() as centre:
        await centre.agent(1)
        talking = await centre.waiting()
        await Stage(centre).play([(2, "1001", "answers")])
        line = await put_through(centre, TO_AGENT)
        assert centre.ivr.visits[1].outcomes == ["busy"]
        assert len(centre.trunk.rung) == 1
        assert stages(centre, line) == ["arrived", "ivr"]
        assert centre.calls.of_agent(AgentId(1)) is not None
        talking.leave()
        await settle()


@pytest.mark.parametrize("to", [TO_AGENT, OUTSIDE])
async def test_the_caller_leaves_while_it_rings(to: ToTransfer) -> None:
    """One end, and nobody is held."""
    async with Centre() as centre:
        await centre.agent(1)
        line = await put_through(centre, to)
        await asyncio.sleep(2)
        line.leave()
        await settle()
        call = centre.record_of(line)
        assert call.end_reason is EndReason.CALLER_HANGUP
        assert centre.state(1) is RoutingState.READY
        assert centre.pops.of(AgentId(1)) is None
        assert centre.ivr.visits[0].outcomes == []


async def test_a_line_that_breaks() -> None:
    """Before the ring: the fallback takes the caller, and the agent's screen is cleared."""
    async with Centre() as centre:
        await centre.agent(1)
        centre.ivr.ends["4"] = TO_AGENT
        line = centre.call()
        line.fails.add("dial")
        line.press("4")
        await asyncio.sleep(1)
        assert centre.record_of(line).stage.value == "fallback"
        assert centre.pops.of(AgentId(1)) is None
        assert centre.state(1) is RoutingState.READY


async def test_our_part_breaks_in_a_talk_outside() -> None:
    """The talk goes on, and ends on record with what is seen of it."""
    async with Centre() as centre:
        line = await put_through(centre, OUTSIDE)
        phone = centre.trunk.phones[OUTSIDE.target]
        phone.move(answered=True)
        await asyncio.sleep(5)
        line.fails.add("talk")
        phone.moves.set()
        await settle()
        assert centre.record_of(line).stage.value == "outside"
        line.leave()
        await settle()
        assert centre.record_of(line).end_reason is EndReason.CALLER_HANGUP


# ------------------------------------------------------------ asked how it was


async def served(centre: Centre, *, by: str = "1001") -> ScriptedLine:
    """A caller whose agent, or who (``caller``), hung up first; the queue names a survey."""
    centre.ivr.asks_afterwards = "csat"
    await centre.agent(1)
    line = await centre.waiting()
    stage = Stage(centre)
    await stage.play(
        [(1, "1001", "answers"), (11, "link", "up 0")] if by == "nobody" else [(1, "1001", "answers")]
    )
    await asyncio.sleep(10)
    if by == "caller":
        line.leave()
    else:
        centre.trunk.phones[by].move()
    await settle()
    return line


async def test_a_survey() -> None:
    """When the agent has hung up the caller is asked; the wrap-up runs from the talk's end, the dialplan knows that
    the caller has been served, and the call ended as it did."""
    async with Centre() as centre:
        line = await served(centre)
        ended = centre.clock.now()
        assert line.finished
        assert centre.state(1) is RoutingState.WRAP_UP
        assert centre.roster.get(AgentId(1)).wrap_up_until == pytest.approx(ended + WRAP_UP)
        assert centre.record_of(line).stage.value == "survey"
        assert centre.calls.of_agent(AgentId(1)) is None
        await asyncio.sleep(3)
        line.press("5")
        await settle()
        call = centre.record_of(line)
        assert centre.ivr.visits[0].surveyed == ["csat"]
        assert call.keys[-1] == ("csat", "5")
        assert told(call)[-1] == ("survey", 3.0)
        assert call.end_reason is EndReason.AGENT_HANGUP
        assert adds_up(call)
        assert line.hung_up
        assert centre.ivr.visits[0].times_over == 1


async def test_who_hangs_up_first_is_not_asked() -> None:
    """There is nobody to ask."""
    async with Centre() as centre:
        line = await served(centre, by="caller")
        assert centre.ivr.visits[0].surveyed == []
        assert centre.record_of(line).end_reason is EndReason.CALLER_HANGUP


async def test_hanging_up_in_the_survey() -> None:
    """The agent had hung up first: that stays."""
    async with Centre() as centre:
        line = await served(centre)
        await asyncio.sleep(2)
        line.leave()
        await settle()
        call = centre.record_of(line)
        assert call.end_reason is EndReason.AGENT_HANGUP
        assert told(call)[-1] == ("survey", 2.0)
        assert len(centre.calls) == 0


FAULTS = [ActionFailed("broken"), ReleasedToFallback("broken"), CallerGone("gone"), ZeroDivisionError()]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_survey_that_breaks(fault: Exception) -> None:
    """The call's record is whole, and no fallback takes a caller who was served."""
    async with Centre() as centre:
        centre.ivr.survey_fault = fault
        line = await served(centre)
        call = centre.record_of(line)
        assert call.end_reason is EndReason.AGENT_HANGUP
        assert call.marks == set()
        assert line.finished
        assert adds_up(call)


async def test_the_core_ends_in_a_survey() -> None:
    """The dialogue is broken off: the dialplan was told before that the caller has been served, and the call ends."""
    async with Centre() as centre:
        centre.ivr.asks_afterwards = "csat"
        await centre.agent(1)
        line = centre.line()
        task = centre.serve(line)
        line.press("2")
        await settle()
        await Stage(centre).play([(1, "1001", "answers"), (11, "1001", "hangs up")])
        assert line.finished
        task.cancel()
        await settle()
        call = centre.record_of(line)
        assert call.end_reason is EndReason.AGENT_HANGUP
        assert "fallback" not in call.marks
        assert not line.hung_up


@pytest.mark.parametrize("lost", [False, True])
async def test_the_last_word_is_not_taken(lost: bool) -> None:
    """Refused, the dialplan knows by itself that the caller has been served, and the survey is asked. When the line is
    over there is nobody to ask, and Asterisk's events say how the call ends."""
    async with Centre() as centre:
        centre.ivr.asks_afterwards = "csat"
        await centre.agent(1)
        line = await centre.waiting()
        await Stage(centre).play([(1, "1001", "answers")])
        await asyncio.sleep(5)
        line.fails |= {"finish", "line"} if lost else {"finish"}
        centre.trunk.phones["1001"].move()
        await settle()
        assert centre.ivr.visits[0].surveyed == ([] if lost else ["csat"])
        line.leave()
        await settle()
        assert len(centre.calls) == 0
        assert centre.state(1) is RoutingState.WRAP_UP
