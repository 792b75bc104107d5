"""Callers whom an agent puts through, by the telephone: they stay one call, keep their arrival, and are never lost."""

import asyncio
from dataclasses import replace

import pytest

from callcenter.agents.states import RoutingState
from callcenter.calls.call import Call, EndReason
from callcenter.calls.events import CallerLeft, OfferResult
from callcenter.calls.number import normalise
from callcenter.customers.customer import Tier
from callcenter.errors import ActionFailed, BadInput, Conflict, NotFound
from callcenter.ids import AgentId, CallId
from callcenter.reception.visit import ToTransfer
from tests.fakes.centre import SALES, SUPPORT, WRAP_UP, Centre, adds_up, told
from tests.fakes.scripted_line import ScriptedLine
from tests.virtual_time import settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

RUBBISH = ("8888", "-", "+8613900139000", "*72")


def centre_with_numbers() -> Centre:
    """Support has a number of its own."""
    centre = Centre()
    queues = dict(centre.parts.queues) | {SUPPORT: replace(centre.parts.queues[SUPPORT], number="600")}
    centre.parts.blind_transfers._queues = queues  # the setting is the queues' own
    return centre


async def talking(centre: Centre, extension: str = "1001", number: str = "13800138000") -> ScriptedLine:
    """A caller who talks to this agent, in sales, since second 5."""
    line = await centre.waiting(number, SALES)
    await asyncio.sleep(max(0.0, 5 - centre.at()))
    centre.trunk.phones[extension].move(answered=True)
    await settle()
    return line


async def refer(centre: Centre, line: ScriptedLine, target: str) -> ScriptedLine:
    """The agent's phone puts the caller through; Asterisk hands the caller to us anew when the old dialogue is over."""
    new = line.move(target)
    await settle()
    _ = centre.serve(new)
    await settle()
    return new


def alive(centre: Centre, line: ScriptedLine) -> Call:
    """The line's call, which is not over."""
    call = centre.calls.get(CallId(line.variables["CC_CALL"]))
    assert call is not None
    return call


async def answers(centre: Centre, extension: str) -> None:
    """The phone, which begins to ring in this moment, is answered."""
    await asyncio.sleep(0.1)
    centre.trunk.phones[extension].move(answered=True)
    await settle()


def stages(call: Call) -> list[str]:
    """The stages of the call, in order."""
    return [stage for stage, _ in told(call)]


async def test_to_a_queue() -> None:
    """The agent's part ends at once, with wrap-up; the call stays one, keeps its arrival, and another agent of that
    queue has it, whom the pop tells who put it through."""
    async with centre_with_numbers() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        await asyncio.sleep(10)
        call = alive(centre, line)
        call.keys.append(("menu", "7"))
        new = await refer(centre, line, "600")
        assert centre.state(1) is RoutingState.WRAP_UP
        assert centre.calls.get(call.id) is call
        assert centre.calls.of_agent(AgentId(1)) is None
        assert centre.screens.last(AgentId(1), "call") is None
        assert (call.stage.value, call.queue) == ("waiting", SUPPORT)
        assert new.variables["CC_QUEUE"] == SUPPORT
        await asyncio.sleep(5)
        await centre.agent(2, SUPPORT)
        await settle()
        pop = centre.screens.pops[-1].pop
        assert centre.screens.pops[-1].agent_id == AgentId(2)
        assert (pop.put_through_by, pop.call_id) == ("Agent 1", call.id)
        assert ("menu", "7") in pop.keys
        await answers(centre, "1002")
        await asyncio.sleep(7)
        assert centre.state(2) is RoutingState.ON_CALL
        new.leave()
        await settle()
        assert call.end_reason is EndReason.CALLER_HANGUP
        assert stages(call)[-5:] == ["talking", "waiting", "waiting", "ringing", "talking"]
        assert call.talked(0) == pytest.approx(17, abs=0.2)
        assert adds_up(call)
        assert centre.recorder.ended.count(call.id) == 1
        assert centre.state(2) is RoutingState.WRAP_UP
        assert centre.results() == [(1, "answered"), (2, "answered")]


async def test_the_arrival_counts() -> None:
    """Put through to a queue in which somebody waits who came later, the caller is the next one served."""
    async with centre_with_numbers() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        await centre.waiting("13900139000", SUPPORT)
        await asyncio.sleep(20)
        call = alive(centre, line)
        await refer(centre, line, "600")
        assert centre.distributor.position(call.id) == 1
        assert centre.distributor.waiting_in(SUPPORT) == 2
        await centre.agent(2, SUPPORT)
        await settle()
        offer = centre.distributor.offer_of(call.id)
        assert offer is not None
        assert offer.agent_id == AgentId(2)


async def test_to_an_agent_who_is_free() -> None:
    """That very agent is offered the call, though another has been idle for longer."""
    async with Centre() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        await centre.agent(2)
        await asyncio.sleep(5)
        await centre.agent(3, SUPPORT)
        await refer(centre, line, "1003")
        offer = centre.distributor.offer_of(alive(centre, line).id)
        assert offer is not None
        assert (offer.agent_id, offer.because.rule) == (AgentId(3), "target")
        assert centre.state(2) is RoutingState.READY


async def test_to_an_agent_who_is_busy() -> None:
    """The caller waits for just that one for a while; then whoever serves the queue may help."""
    async with Centre() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        await centre.agent(2, SUPPORT)
        other = await centre.waiting("13900139000", SUPPORT)
        await answers(centre, "1002")
        await centre.agent(3, SALES, ready=False)
        new = await refer(centre, line, "1002")
        centre.desk.ready(AgentId(3))
        await asyncio.sleep(25)
        call = alive(centre, line)
        assert centre.distributor.offer_of(call.id) is None
        other.leave()
        await settle()
        centre.desk.finish_wrap_up(AgentId(2), "RESOLVED", "")
        await settle()
        offer = centre.distributor.offer_of(call.id)
        assert offer is not None
        assert offer.agent_id == AgentId(2)
        await asyncio.sleep(0.1)
        centre.trunk.phones["1002"].move(reaction="rejected")
        await asyncio.sleep(6)
        offer = centre.distributor.offer_of(call.id)
        assert offer is not None
        assert offer.agent_id == AgentId(3)
        new.leave()
        await settle()
        assert call.end_reason is EndReason.ABANDONED
        assert adds_up(call)


@pytest.mark.parametrize("how", ["logs out", "not ready"])
async def test_the_target_goes_away(how: str) -> None:
    """Nobody waits for a colleague who has left: the queue that the call came from has the caller at once."""
    async with Centre() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        await centre.agent(2, SUPPORT)
        other = await centre.waiting("13900139000", SUPPORT)
        await answers(centre, "1002")
        await refer(centre, line, "1002")
        await asyncio.sleep(3)
        await centre.agent(3, SALES)
        call = alive(centre, line)
        assert centre.distributor.offer_of(call.id) is None
        centre.desk.not_ready(AgentId(2), "BREAK")
        if how == "logs out":
            other.leave()
            await settle()
            await centre.desk.log_out(AgentId(2))
            with pytest.raises(NotFound):
                centre.state(2)
        await settle()
        offer = centre.distributor.offer_of(call.id)
        assert offer is not None
        assert offer.agent_id == AgentId(3)


@pytest.mark.parametrize("target", RUBBISH)
async def test_to_nobody(target: str) -> None:
    """A number that is nobody's, or that the settings don't allow: back into the line that the call came from."""
    async with centre_with_numbers() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        new = await refer(centre, line, target)
        call = alive(centre, line)
        assert (call.stage.value, call.queue) == ("waiting", SALES)
        assert centre.state(1) is RoutingState.WRAP_UP
        await asyncio.sleep(WRAP_UP + 1)
        offer = centre.distributor.offer_of(call.id)
        assert offer is not None
        assert offer.agent_id == AgentId(1)
        new.leave()
        await settle()


class Allowed:
    """Numbers in Shanghai."""

    def outside(self, text: str) -> str | None:
        number = normalise(text, "CN")
        return number.key if number.key.startswith("+8621") else None


@pytest.mark.parametrize("reaction", ["answered", "busy"])
async def test_outside(reaction: str) -> None:
    """Where the settings allow it. Not taken there, the caller is back in the line, never lost."""
    async with Centre() as centre:
        centre.parts.blind_transfers._outside = Allowed()
        await centre.agent(1, SALES)
        line = await talking(centre)
        new = await refer(centre, line, "02162345678")
        call = alive(centre, line)
        phone = centre.trunk.phones["+862162345678"]
        if reaction == "busy":
            phone.move(reaction="busy")
            await settle()
            assert (call.stage.value, call.queue) == ("waiting", SALES)
            new.leave()
            await settle()
            assert call.end_reason is EndReason.ABANDONED
        else:
            phone.move(answered=True)
            await settle()
            assert call.stage.value == "outside"
            assert centre.state(1) is RoutingState.WRAP_UP
            await asyncio.sleep(9)
            phone.move()
            await settle()
            assert call.end_reason is EndReason.TRANSFERRED
            assert new.hung_up
        assert adds_up(call)


async def test_to_a_part_of_the_dialplan_that_is_not_ours() -> None:
    """The agent is free of it, the call goes on outside until its channel ends."""
    async with Centre() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        line.move(None)
        await asyncio.sleep(4)
        call = alive(centre, line)
        assert call.stage.value == "outside"
        assert centre.state(1) is RoutingState.WRAP_UP
        assert not line.finished
        centre.bus.publish(CallerLeft(call.id, centre.clock.now()))
        await settle()
        assert call.end_reason is EndReason.CALLER_HANGUP
        assert adds_up(call)


async def test_hung_up_right_after_the_transfer() -> None:
    """The caller is gone before the new dialogue begins: given up in line, once, and nobody is left with the call."""
    async with Centre() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        line.move("1002")
        await settle()
        call = alive(centre, line)
        assert call.stage.value == "waiting"
        centre.bus.publish(CallerLeft(call.id, centre.clock.now()))
        await settle()
        assert call.end_reason is EndReason.ABANDONED
        assert centre.recorder.ended.count(call.id) == 1
        assert centre.state(1) is RoutingState.WRAP_UP
        assert centre.calls.get(call.id) is None


async def test_the_new_dialogue_is_quicker_than_the_end_of_the_old() -> None:
    """It waits for the old one: the call stays the same, and is served under its own id."""
    async with Centre() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        call = alive(centre, line)
        new = line.move("8888")
        _ = centre.serve(new)
        await asyncio.sleep(0.5)
        assert new.variables["CC_CALL"] == call.id
        assert list(centre.calls) == [call]
        assert (call.stage.value, call.queue) == ("waiting", SALES)
        new.leave()
        await settle()
        assert adds_up(call)


async def test_another_channel_with_the_same_id() -> None:
    """Somebody who brings the id of a living call on another channel gets a call of their own."""
    async with Centre() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        call = alive(centre, line)
        stranger = centre.call("13700137000", CC_CALL=call.id, CC_TARGET="8888", CC_QUEUE=SALES)
        await settle()
        assert stranger.variables["CC_CALL"] != call.id
        assert call.stage.value == "talking"
        assert len(centre.calls) == 2


async def test_again_and_again() -> None:
    """Put through by the second agent too: both have their wrap-up, and the third is told who was last."""
    async with centre_with_numbers() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        call = alive(centre, line)
        await centre.agent(2, SUPPORT)
        new = await refer(centre, line, "600")
        await answers(centre, "1002")
        await centre.agent(3, SALES)
        newest = await refer(centre, new, "1003")
        assert centre.state(1) is RoutingState.WRAP_UP
        assert centre.state(2) is RoutingState.WRAP_UP
        assert centre.screens.pops[-1].pop.put_through_by == "Agent 2"
        await answers(centre, "1003")
        await asyncio.sleep(3)
        centre.trunk.phones["1003"].move()
        await settle()
        assert call.end_reason is EndReason.AGENT_HANGUP
        assert newest.hung_up
        assert adds_up(call)
        assert [one.agent_id for one in call.segments if one.stage.value == "talking"] == [1, 2, 3]


async def test_while_the_core_lets_go() -> None:
    """Asterisk's events are away when the caller comes back: the fallback queue has the caller, the call stays open."""
    async with Centre() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        centre.down()
        await asyncio.sleep(20)
        await refer(centre, line, "8888")
        call = alive(centre, line)
        assert call.stage.value == "fallback"
        assert call.end_reason is None
        assert centre.state(1) is RoutingState.WRAP_UP


async def test_a_transfer_that_we_never_saw_the_talk_of() -> None:
    """After a restart of ours: the id is known to the channel alone, the number that was dialled first too."""
    async with centre_with_numbers() as centre:
        await centre.agent(1, SUPPORT)
        call_id = CallId("a" * 32)
        line = centre.call(CC_CALL=call_id, CC_TARGET="600", CC_DID="4009", CC_ARRIVED="1")
        await settle()
        call = alive(centre, line)
        assert (call.id, call.did, call.queue) == (call_id, "4009", SUPPORT)
        assert centre.state(1) is RoutingState.RESERVED
        assert call.tier == Tier.REGULAR


async def test_skills_go_with_the_caller() -> None:
    """As far as somebody in the other queue has them; what nobody there knows would keep the caller for ever."""
    async with centre_with_numbers() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        call = alive(centre, line)
        call.skills = {"cantonese": 3, "loans": 2}
        agent = await centre.agent(2, SUPPORT, ready=False)
        agent.skills = {"cantonese": 4}
        await refer(centre, line, "600")
        assert call.skills == {"cantonese": 3}


async def test_a_flow_reserves_the_agent() -> None:
    """An agent whom a flow puts a caller through to is offered nobody else at that instant."""
    async with Centre() as centre:
        await centre.agent(1, SUPPORT)
        centre.ivr.ends["4"] = ToTransfer("extension", "1001", 15)
        line, other = centre.call(), centre.call("13900139000")
        await settle()
        line.press("4")
        other.press("2")
        await asyncio.sleep(1)
        assert [rung.call_id for rung in centre.trunk.rung] == [line.variables["CC_CALL"]]
        assert centre.state(1) is RoutingState.RESERVED
        line.leave()
        await settle()
        assert centre.results()[0] == (1, OfferResult.CALLER_GONE)
        assert centre.distributor.offer_of(alive(centre, other).id) is not None


# ------------------------------------------------------------ by the button


def asterisk_moves(centre: Centre, line: ScriptedLine) -> list[ScriptedLine]:
    """Asterisk does as it is told by the button; gives the lines that come back."""
    came: list[ScriptedLine] = []

    def moved(call_id: CallId, target: str) -> None:
        assert line.variables["CC_CALL"] == call_id
        new = line.move(target)
        came.append(new)
        asyncio.get_running_loop().call_later(0.01, centre.serve, new)

    centre.switch.on_put_through = moved
    return came


@pytest.mark.parametrize("number", ["600", ""])
async def test_by_the_button_to_a_queue(number: str) -> None:
    """Also to one that no telephone can dial."""
    async with centre_with_numbers() as centre:
        queues = {SUPPORT: replace(centre.parts.queues[SUPPORT], number=number)}
        centre.parts.blind_transfers._queues = dict(centre.parts.queues) | queues
        await centre.agent(1, SALES)
        line = await talking(centre)
        call = alive(centre, line)
        asterisk_moves(centre, line)
        await centre.desk.transfer(AgentId(1), call.id, queue=SUPPORT)
        await asyncio.sleep(0.1)
        assert ("put_through", call.id, number or "*") in centre.switch.told
        assert (call.stage.value, call.queue) == ("waiting", SUPPORT)
        assert centre.state(1) is RoutingState.WRAP_UP


async def test_by_the_button_to_an_agent() -> None:
    """Whose phone need not be named by digits."""
    async with Centre() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        call = alive(centre, line)
        await centre.agent(2, SUPPORT, extension="wang")
        targets = centre.desk.targets(AgentId(1))
        assert targets["agents"] == [{"extension": "wang", "name": "Agent 2", "state": "ready"}]
        assert [(queue["name"], queue["ready"]) for queue in targets["queues"]] == [(SALES, 0), (SUPPORT, 1)]
        asterisk_moves(centre, line)
        await centre.desk.transfer(AgentId(1), call.id, agent="wang")
        await asyncio.sleep(0.1)
        offer = centre.distributor.offer_of(call.id)
        assert offer is not None
        assert offer.agent_id == AgentId(2)
        assert centre.screens.pops[-1].pop.put_through_by == "Agent 1"


async def test_an_order_that_asterisk_refuses_changes_nothing() -> None:
    """The talk goes on; a transfer by the phone afterwards is not taken for the one that was ordered."""
    async with centre_with_numbers() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        call = alive(centre, line)
        await centre.agent(2, SUPPORT, ready=False)
        centre.switch.refuse("put_through")
        with pytest.raises(ActionFailed):
            await centre.desk.transfer(AgentId(1), call.id, agent="1002")
        assert call.stage.value == "talking"
        assert centre.state(1) is RoutingState.ON_CALL
        await refer(centre, line, "600")
        assert call.queue == SUPPORT


async def test_an_order_that_asterisk_did_not_carry_out_is_not_remembered_for_another_number() -> None:
    """F30: Asterisk may say yes although the channel does not move."""
    async with centre_with_numbers() as centre:
        await centre.agent(1, SALES)
        line = await talking(centre)
        call = alive(centre, line)
        await centre.agent(2, SUPPORT, ready=False)
        await centre.desk.transfer(AgentId(1), call.id, agent="1002")
        await refer(centre, line, "600")
        assert call.queue == SUPPORT


async def test_who_may_not() -> None:
    """Only the agent who talks with a caller of the line, to somebody who is there."""
    async with Centre() as centre:
        await centre.agent(1, SALES)
        await centre.agent(2, SUPPORT)
        line = await talking(centre)
        call = alive(centre, line)
        order = centre.desk.transfer
        with pytest.raises(Conflict):
            await order(AgentId(2), call.id, queue=SUPPORT)
        with pytest.raises(NotFound):
            await order(AgentId(9), call.id, queue=SUPPORT)
        with pytest.raises(Conflict):
            await order(AgentId(1), CallId("f" * 32), queue=SUPPORT)
        with pytest.raises(Conflict):
            await order(AgentId(1), call.id, agent="1009")
        for wrong in ({"agent": "1001"}, {"queue": "nowhere"}, {}, {"agent": "1002", "queue": SUPPORT}):
            with pytest.raises(BadInput):
                await order(AgentId(1), call.id, **wrong)
        assert not [one for one in centre.switch.told if one[0] == "put_through"]
        line.leave()
        await settle()
        with pytest.raises(Conflict):
            await order(AgentId(1), call.id, queue=SUPPORT)


async def test_calls_to_the_outside_are_not_put_through_here() -> None:
    """The agent's own channel carries them: a redirect would move the agent."""
    async with Centre() as centre:
        await centre.agent(1, SALES)
        call_id = await centre.desk.dial(AgentId(1), number="13800138000")
        await asyncio.sleep(1)
        centre.trunk.phones["1001"].move(answered=True)
        await asyncio.sleep(1)
        centre.trunk.phones["+8613800138000"].move(answered=True)
        await asyncio.sleep(1)
        assert centre.calls.get(call_id) is not None
        with pytest.raises(Conflict) as refused:
            await centre.desk.transfer(AgentId(1), call_id, queue=SUPPORT)
        assert refused.value.code == "not_transferable"
