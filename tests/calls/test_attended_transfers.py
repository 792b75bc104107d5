"""Callers whom an agent joins with a colleague, after having asked them: first to wrap-up, second owns the call."""

import asyncio

import pytest

from callcenter.agents.states import RoutingState
from callcenter.calls.call import Call, EndReason
from callcenter.calls.events import CallerLeft, DirectCallRinging, PartyAnswered, PartyGone, PartyTransferred
from callcenter.ids import AgentId, CallId, Extension
from tests.fakes.centre import SALES, Centre, adds_up
from tests.fakes.scripted_line import ScriptedLine
from tests.virtual_time import settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

ONE, TWO = Extension("1001"), Extension("1002")
ASKED = CallId("d" * 32)


async def asking(centre: Centre) -> tuple[ScriptedLine, Call]:
    """Agent 1 talks with a caller of sales, and has asked agent 2 on a second line."""
    await centre.agent(1, SALES)
    line = await centre.waiting(queue=SALES)
    await asyncio.sleep(0.1)
    centre.trunk.phones[ONE].move(answered=True)
    await asyncio.sleep(10)
    await centre.agent(2, SALES)
    centre.bus.publish(DirectCallRinging(ASKED, "node7f-9.1", TWO, ONE, "", centre.clock.now()))
    centre.bus.publish(PartyAnswered(ASKED, TWO, centre.clock.now()))
    await asyncio.sleep(5)
    call = centre.calls.get(CallId(line.variables["CC_CALL"]))
    assert call is not None
    return line, call


def join(centre: Centre, call: Call, to: Extension = TWO) -> None:
    """As Asterisk tells it: the transfer, then both of the first agent's legs end."""
    now = centre.clock.now()
    asked = ASKED if to else None
    centre.bus.publish(PartyTransferred(call.id, ONE, to, asked, now))
    if asked is not None:
        centre.bus.publish(CallerLeft(asked, now))
    centre.bus.publish(PartyGone(call.id, ONE, now))


async def test_the_second_owns_the_call() -> None:
    """F13: at that instant; the caller pops on the second's screen, and the second is never free in between."""
    async with Centre() as centre:
        line, call = await asking(centre)
        waiting = await centre.waiting("13900139000", SALES)
        join(centre, call)
        await settle()
        assert (centre.state(1), centre.state(2)) == (RoutingState.WRAP_UP, RoutingState.ON_CALL)
        assert centre.distributor.offer_of(CallId(waiting.variables["CC_CALL"])) is None
        assert call.agent_id == AgentId(2)
        assert centre.calls.get(ASKED) is None
        shown = centre.screens.last(AgentId(2), "call")
        assert shown["id"] == call.id
        pop = centre.screens.pops[-1]
        assert (pop.agent_id, pop.pop.call_id, pop.pop.put_through_by) == (AgentId(2), call.id, "Agent 1")
        await asyncio.sleep(7)
        centre.trunk.phones[ONE].move()  # the talk that our dialogue began is over
        await settle()
        assert centre.state(2) is RoutingState.WRAP_UP
        assert call.end_reason is EndReason.AGENT_HANGUP
        assert [part.agent_id for part in call.segments if part.stage.value == "talking"] == [1, 2]
        assert adds_up(call)
        assert line.finished
        assert centre.recorder.calls[ASKED].end_reason is EndReason.TRANSFERRED


async def test_to_a_phone_that_is_none_of_ours() -> None:
    """The first agent is free of it; the call goes on outside, and ends when it ends."""
    async with Centre() as centre:
        line, call = await asking(centre)
        join(centre, call, Extension(""))
        await settle()
        assert centre.state(1) is RoutingState.WRAP_UP
        assert (call.stage.value, call.agent_id) == ("outside", None)
        await asyncio.sleep(3)
        line.leave()
        await settle()
        assert call.end_reason is EndReason.CALLER_HANGUP
        assert adds_up(call)


async def test_told_of_a_call_that_is_over_or_unknown() -> None:
    """Nothing happens."""
    async with Centre() as centre:
        line, call = await asking(centre)
        line.leave()
        await settle()
        join(centre, call)
        await settle()
        assert centre.state(1) is RoutingState.WRAP_UP
        assert call.end_reason is EndReason.CALLER_HANGUP
