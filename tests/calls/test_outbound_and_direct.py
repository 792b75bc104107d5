"""Calls that don't come through the line: click-to-call, and phones that are dialled past us."""

import asyncio

import pytest

from callcenter.agents.states import RoutingState
from callcenter.calls.events import (
    CallerLeft,
    DirectCallRinging,
    PartyAnswered,
    PartyGone,
    PartyHeld,
    PartyResumed,
)
from callcenter.customers.customer import Tier
from callcenter.errors import ActionFailed, Conflict
from callcenter.ids import AgentId, CallId, CustomerId, Extension, FollowUpId
from tests.calls.scene import Stage
from tests.fakes.centre import WRAP_UP, Centre, adds_up, told
from tests.fakes.fake_directory import customer
from tests.virtual_time import settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

CUSTOMER = "+8613800138000"
DIRECT = CallId("d" * 32)
A1 = AgentId(1)


async def dialled(centre: Centre, **target: object) -> CallId:
    """Agent 1 clicks; their phone begins to ring."""
    call_id = await centre.desk.dial(A1, **(target or {"number": CUSTOMER}))  # type: ignore[arg-type]
    await settle()
    return call_id


async def test_outbound_answered() -> None:
    """The agent's phone, then the customer's; the pop is there from the start; wrap-up follows; one attempt."""
    async with Centre(customer(5, "Zhao", Tier.KEY, CUSTOMER)) as centre:
        await centre.agent(1)
        call_id = await dialled(centre)
        assert centre.state(1) is RoutingState.ON_CALL
        assert centre.screens.pops[0].pop.direction == "outbound"
        assert centre.recorder.attempts[call_id].result.value == "dialling"
        phones = centre.trunk.phones
        await asyncio.sleep(3)
        phones["1001"].move(answered=True)
        await asyncio.sleep(5)
        assert centre.recorder.calls[call_id].stage.value == "ringing"
        phones[CUSTOMER].move(answered=True)
        await asyncio.sleep(20)
        phones[CUSTOMER].move()
        await settle()
        call = centre.recorder.calls[call_id]
        assert told(call) == [("arrived", 0), ("dialling", 3.001), ("ringing", 5), ("talking", 20)]
        assert adds_up(call)
        assert call.end_reason is not None
        assert call.end_reason.value == "caller_hangup"
        assert [attempt.result.value for attempt in centre.recorder.attempt_writes] == [
            "dialling",
            "answered",
        ]
        assert centre.state(1) is RoutingState.WRAP_UP
        assert centre.pops.of(A1) is not None
        await asyncio.sleep(WRAP_UP)
        assert centre.pops.of(A1) is None


@pytest.mark.parametrize("result", ["busy", "rejected", "failed"])
async def test_outbound_not_reached(result: str) -> None:
    """Busy, rejected and failed are each on record; the agent has time to note it."""
    async with Centre() as centre:
        await centre.agent(1)
        call_id = await dialled(centre)
        centre.trunk.phones["1001"].move(answered=True)
        await asyncio.sleep(2)
        centre.trunk.phones[CUSTOMER].move(reaction=result)  # type: ignore[arg-type]
        await settle()
        assert centre.recorder.attempts[call_id].result.value == result
        assert centre.recorder.calls[call_id].end_reason == result
        assert centre.state(1) is RoutingState.WRAP_UP


async def test_the_customer_does_not_answer() -> None:
    """After the network's time the attempt is over."""
    async with Centre() as centre:
        await centre.agent(1)
        call_id = await dialled(centre)
        centre.trunk.phones["1001"].move(answered=True)
        await asyncio.sleep(60)
        assert centre.recorder.attempts[call_id].result.value == "no_answer"
        assert len(centre.calls) == 0


async def test_the_agent_does_not_pick_up() -> None:
    """The customer is never rung, the agent is free again, and the attempt says why."""
    async with Centre() as centre:
        await centre.agent(1)
        call_id = await dialled(centre)
        await asyncio.sleep(30)
        assert centre.recorder.attempts[call_id].result.value == "agent_not_reached"
        assert CUSTOMER not in centre.trunk.phones
        assert centre.state(1) is RoutingState.READY
        assert centre.pops.of(A1) is None
        assert len(centre.calls) == 0


async def test_the_agent_hangs_up_while_it_rings() -> None:
    """The line is the agent's own: its end is the call's."""
    async with Centre() as centre:
        await centre.agent(1)
        call_id = await dialled(centre)
        centre.trunk.phones["1001"].move(answered=True)
        await asyncio.sleep(2)
        centre.agent_line.leave()
        await settle()
        assert centre.recorder.attempts[call_id].result.value == "no_answer"
        assert centre.state(1) is RoutingState.WRAP_UP
        assert centre.parts.left == set()
        assert len(centre.calls) == 0


async def test_originate_refused() -> None:
    """Asterisk does not take the order: the agent reads why, and nothing is left behind."""
    async with Centre() as centre:
        await centre.agent(1)
        centre.switch.refuse("click_to_call")
        with pytest.raises(ActionFailed):
            await centre.desk.dial(A1, number=CUSTOMER)
        assert centre.state(1) is RoutingState.READY
        assert len(centre.calls) == 0
        assert centre.pops.of(A1) is None
        [attempt] = centre.recorder.attempts.values()
        assert attempt.result.value == "failed"


async def test_the_order_is_given_up_half_way() -> None:
    """The page's request is cancelled while the record is fetched: the agent is not left on a call that never was."""
    async with Centre() as centre:
        await centre.agent(1)
        centre.directory.delay = 2
        task = centre.tasks.start(centre.desk.dial(A1, customer_id=CustomerId(5), number=CUSTOMER), "dial")
        await asyncio.sleep(0.5)
        task.cancel()
        await settle()
        assert centre.state(1) is RoutingState.READY
        assert len(centre.calls) == 0


async def test_a_slow_database_does_not_hold_a_click() -> None:
    """The record of a known customer can't be had: the call goes on without it."""
    async with Centre() as centre:
        await centre.agent(1)
        for delay, away in ((3600.0, False), (0.0, True)):
            centre.directory.delay, centre.directory.away = delay, away
            began = centre.clock.now()
            await centre.desk.dial(A1, number=CUSTOMER, customer_id=CustomerId(5))
            assert centre.clock.now() - began < 4
            assert centre.screens.pops[-1].pop.match == "unavailable"
            await settle()
            centre.trunk.phones["1001"].move(reaction="rejected")
            await settle()
            assert centre.state(1) is RoutingState.READY


async def test_whom_to_dial() -> None:
    """A follow-up, a customer or a number; each that can't be dialled has its words."""
    async with Centre(customer(5, "Zhao", Tier.KEY, CUSTOMER)) as centre:
        await centre.agent(1)
        centre.kept.targets[FollowUpId(3)] = (CustomerId(5), CUSTOMER)
        call_id = await dialled(centre, follow_up_id=FollowUpId(3))
        attempt = centre.recorder.attempts[call_id]
        assert (attempt.follow_up_id, attempt.customer_id, attempt.number) == (3, 5, CUSTOMER)
        assert centre.screens.pops[-1].pop.match == "known"
        with pytest.raises(Conflict):
            await centre.desk.dial(A1, number=CUSTOMER)
        centre.trunk.phones["1001"].move(reaction="rejected")
        await settle()
        for target, code in (
            ({"follow_up_id": FollowUpId(9)}, "follow_up_gone"),
            ({"customer_id": CustomerId(9)}, "no_number"),
        ):
            with pytest.raises(Conflict) as refused:
                await centre.desk.dial(A1, **target)
            assert refused.value.code == code


# ------------------------------------------------------------ direct calls


def ring(centre: Centre, number: str = "13800138000", extension: str = "1001") -> None:
    """Somebody dials an agent's phone directly."""
    event = DirectCallRinging(
        DIRECT, "node7f-9.1", Extension(extension), number, "Li\x07", centre.clock.now()
    )
    centre.bus.publish(event)


async def test_direct_call() -> None:
    """It pops at once, is on record with its talk and hold, and ends with wrap-up."""
    async with Centre(customer(5, "Zhao", Tier.KEY, CUSTOMER)) as centre:
        await centre.agent(1, ready=False)
        ring(centre)
        await settle()
        [shown] = centre.screens.pops
        assert (shown.pop.direction, shown.pop.match, shown.pop.caller_name) == ("direct", "known", "Li�")
        now = centre.clock.now
        await asyncio.sleep(4)
        centre.bus.publish(PartyAnswered(DIRECT, Extension("1001"), now()))
        assert centre.state(1) is RoutingState.ON_CALL
        await asyncio.sleep(10)
        centre.bus.publish(PartyHeld(DIRECT, now()))
        await asyncio.sleep(5)
        centre.bus.publish(PartyResumed(DIRECT, now()))
        await asyncio.sleep(10)
        centre.bus.publish(PartyGone(DIRECT, Extension("1001"), now()))
        centre.bus.publish(CallerLeft(DIRECT, now()))
        call = centre.recorder.calls[DIRECT]
        assert told(call)[1:] == [("ringing", 4), ("talking", 10), ("held", 5), ("talking", 10)]
        assert adds_up(call)
        assert call.end_reason == "agent_hangup"
        assert centre.state(1) is RoutingState.WRAP_UP
        assert centre.recorder.ended == [DIRECT]


async def test_direct_call_not_answered() -> None:
    """It ends as not answered, the pop goes away, and nobody is punished for it."""
    for last in (CallerLeft(DIRECT, 0), PartyGone(DIRECT, Extension("1001"), 0)):
        async with Centre() as centre:
            await centre.agent(1)
            ring(centre)
            await settle()
            assert centre.pops.of(A1) is not None
            await asyncio.sleep(5)
            centre.bus.publish(last)
            assert centre.pops.of(A1) is None
            assert len(centre.calls) == 0
            assert centre.state(1) is RoutingState.READY


async def test_a_direct_call_that_ends_during_the_look_up() -> None:
    """No pop is shown for a call that is over."""
    async with Centre() as centre:
        await centre.agent(1)
        centre.directory.delay = 0.8
        ring(centre)
        await asyncio.sleep(0.3)
        centre.bus.publish(CallerLeft(DIRECT, centre.clock.now()))
        await asyncio.sleep(2)
        assert centre.screens.pops == []
        assert centre.pops.of(A1) is None
        assert centre.identification._found == {}
        assert centre.identification._running == {}


async def test_a_phone_that_is_nobodys() -> None:
    """A phone without an agent is no business of ours."""
    async with Centre() as centre:
        await centre.agent(1)
        ring(centre, extension="1099")
        await settle()
        assert len(centre.calls) == 0
        assert centre.screens.pops == []


async def test_a_direct_call_answered_while_an_offer_rings() -> None:
    """The agent takes the other call: the offer comes to nothing, the caller of the line keeps the place."""
    async with Centre() as centre:
        agent = await centre.agent(1)
        line = await centre.waiting()
        await asyncio.sleep(2)
        assert centre.state(1) is RoutingState.RESERVED
        ring(centre, "13700137000")
        centre.bus.publish(PartyAnswered(DIRECT, Extension("1001"), centre.clock.now()))
        assert centre.state(1) is RoutingState.ON_CALL
        await asyncio.sleep(25)
        assert centre.record_of(line).stage.value == "waiting"
        assert agent.call_id == DIRECT
        await Stage(centre).play([])
        centre.bus.publish(PartyGone(DIRECT, Extension("1001"), centre.clock.now()))
        assert centre.state(1) is RoutingState.WRAP_UP
        line.leave()
        await settle()
