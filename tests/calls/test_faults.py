"""What goes wrong around a call: late and missing events, a lost link, hostile variables, a slow database."""

import asyncio

import pytest

from callcenter.agents.events import AgentChanged
from callcenter.agents.states import RoutingState
from callcenter.calls.events import PartyAnswered
from callcenter.customers.customer import Tier
from callcenter.ids import AgentId, CallId, Extension
from tests.calls.scene import Stage
from tests.fakes.centre import SALES, SUPPORT, Centre, adds_up, told
from tests.fakes.fake_directory import customer
from tests.virtual_time import settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

READY, ON_CALL = RoutingState.READY, RoutingState.ON_CALL
UNKNOWN_CALL = "0" * 20 + "abcdef012345"


async def test_a_late_answer_of_a_dumped_offer_is_dropped() -> None:
    """The event of an answer that comes after the dialogue said it was none (F7): nobody is held."""
    async with Centre() as centre:
        agent = await centre.agent(1)
        await centre.agent(2, ready=False)
        line = await centre.waiting()
        await asyncio.sleep(1)
        centre.desk.not_ready(agent.id, "BREAK")
        centre.trunk.late = 1.0
        await Stage(centre).play([(3, "1001", "answers"), (3.2, "1001", "hangs up")])
        await asyncio.sleep(5)
        call = centre.record_of(line)
        assert call.stage.value == "waiting"
        assert centre.state(1) is not ON_CALL
        centre.trunk.late = 0
        line.leave()
        await settle()


async def test_a_late_answer_does_not_count_for_the_next_agent() -> None:
    """Agent 1's late answer while agent 2's phone rings is not agent 2's."""
    async with Centre() as centre:
        await centre.agent(1)
        await centre.agent(2)
        line = await centre.waiting()
        await Stage(centre).play([(2, "1001", "rejects")])
        await asyncio.sleep(1)
        assert centre.trunk.rung[-1].extension == "1002"
        call_id = CallId(line.variables["CC_CALL"])
        centre.bus.publish(PartyAnswered(call_id, Extension("1001"), centre.clock.now()))
        assert centre.state(2) is RoutingState.RESERVED
        assert centre.record_of(line).stage.value == "ringing"
        line.leave()
        await settle()


async def test_the_dialogue_breaks_in_a_talk() -> None:
    """Our part breaks while two people talk: the talk goes on, the agent stays on the call, and is free after it."""
    async with Centre() as centre:
        await centre.agent(1)
        line = await centre.waiting()
        await Stage(centre).play([(3, "1001", "answers")])
        line.fails.add("talk")
        centre.trunk.phones["1001"].moves.set()
        await settle()
        assert not line.finished
        assert centre.state(1) is ON_CALL
        call = centre.record_of(line)
        assert call.stage.value == "talking"
        await asyncio.sleep(10)
        line.leave()
        await settle()
        assert centre.state(1) is RoutingState.WRAP_UP
        assert centre.record_of(line).end_reason is not None
        assert centre.calls.get(call.id) is None


async def test_the_caller_leaves_while_we_let_go() -> None:
    """Asterisk's word of the hang-up overtakes the dialogue's: the call ends all the same."""
    async with Centre() as centre:
        line = centre.line()
        task = centre.serve(line)
        await asyncio.sleep(1)
        line.fails.add("set_variables")
        line.press("1")
        line.left.set()
        await asyncio.sleep(1)
        assert task.done()
        line.leave()
        await settle()
        assert len(centre.calls) == 0


async def test_a_hang_up_at_the_very_start() -> None:
    """Gone before we have said a word: on record, ended, nothing left."""
    for when in ("read_variables", "set_variables"):
        async with Centre() as centre:
            line = centre.line()
            if when == "read_variables":
                line.left.set()
            task = centre.serve(line)
            await asyncio.sleep(0)
            line.left.set()
            await settle()
            assert task.done()
            assert len(centre.calls) == 0
            [call] = centre.recorder.calls.values()
            assert call.end_reason is not None


async def test_finish_is_not_answered() -> None:
    """Asterisk does not take our last word: the call of a caller who has gone ends on record nevertheless."""
    async with Centre() as centre:
        await centre.agent(1)
        line = await centre.waiting()
        line.fails.add("finish")
        await Stage(centre).play([(3, "1001", "answers")])
        line.leave()
        await settle()
        assert len(centre.calls) == 0
        assert centre.state(1) is RoutingState.WRAP_UP
        assert centre.record_of(line).end_reason is not None


# ------------------------------------------------------------ the link to Asterisk


async def test_the_link_is_away_for_15_s() -> None:
    """Who waits is released to the fallback after 15 s, not before; who comes later is let go at once."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = await centre.waiting()
        centre.down()
        await asyncio.sleep(14.9)
        assert not centre.record_of(line).marks
        await asyncio.sleep(0.2)
        await settle()
        call = centre.record_of(line)
        assert call.stage.value == "fallback"
        assert call.marks == {"fallback"}
        assert not line.finished
        assert not line.hung_up
        later = await centre.waiting("13900139000")
        assert centre.record_of(later).stage.value == "fallback"
        assert len(centre.distributor.line) == 0


async def test_a_ring_that_ends_while_the_link_is_away() -> None:
    """The offer came to nothing after the others were released: this caller is released too, not forgotten."""
    async with Centre() as centre:
        await centre.agent(1)
        line = await centre.waiting()
        await asyncio.sleep(3)
        centre.down()
        await asyncio.sleep(25)
        assert centre.record_of(line).stage.value == "fallback"


async def test_the_link_comes_back_in_time() -> None:
    """Back after 10 s: nobody is released, offers go on, the gap is on record."""
    async with Centre() as centre:
        agent = await centre.agent(1, ready=False)
        line = await centre.waiting()
        centre.down()
        assert agent.phone.value == "unknown"
        assert centre.feed.telephony_up is False
        await asyncio.sleep(10)
        centre.up(living=[CallId(line.variables["CC_CALL"])], gap=10)
        centre.desk.ready(agent.id)
        await asyncio.sleep(20)
        assert not centre.record_of(line).marks
        assert len(centre.trunk.rung) == 1
        assert centre.recorder.gaps[0].reason == "no events"
        line.leave()
        await settle()


async def test_released_in_the_moment_the_link_returns() -> None:
    """No agent is reserved for a caller who has just been let go."""
    async with Centre() as centre:
        agent = await centre.agent(1, ready=False)
        await centre.waiting()
        centre.down()
        await asyncio.sleep(1)
        centre.recovery._release()
        centre.up()
        centre.desk.ready(agent.id)
        await settle()
        assert centre.state(1) is READY
        assert centre.results() == []


async def test_calls_that_ended_in_the_gap() -> None:
    """A talk without a dialogue of ours that is not alive after the gap is ended as lost, the agent freed."""
    async with Centre() as centre:
        await centre.agent(1)
        line = await centre.waiting()
        await Stage(centre).play([(3, "1001", "answers")])
        line.fails.add("talk")
        centre.trunk.phones["1001"].moves.set()
        await settle()
        centre.down()
        await asyncio.sleep(5)
        centre.up(gap=5)
        await settle()
        call = centre.record_of(line)
        assert call.end_reason is not None
        assert call.end_reason.value == "lost_track"
        assert "reconstructed" in call.marks
        assert centre.state(1) is RoutingState.WRAP_UP
        line.left.set()


# ------------------------------------------------------------ coming back from the fallback


async def test_a_resumed_caller_keeps_the_place() -> None:
    """Back from the fallback with call, queue and arrival: no IVR again, and before those who came meanwhile."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        others = await centre.waiting("13900139000")
        arrived = int(centre.clock.wall().timestamp()) - 90
        line = centre.call(CC_CALL=UNKNOWN_CALL, CC_QUEUE="support", CC_ARRIVED=str(arrived))
        await settle()
        call = centre.record_of(line)
        assert call.id == UNKNOWN_CALL
        assert call.queue == "support"
        assert 88 <= centre.clock.now() - call.arrived <= 91
        [head] = centre.distributor.line.heads(centre.clock.now())
        assert head.call_id == call.id
        for one in (others, line):
            one.leave()
        await settle()
        ended = centre.record_of(line)
        assert adds_up(ended), told(ended)
        assert "fallback" in ended.marks


async def test_a_known_call_comes_back() -> None:
    """The same call, released a minute ago: one record, with its time in the fallback, and its old place."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = await centre.waiting()
        arrived = centre.record_of(line).arrived
        centre.down()
        await asyncio.sleep(20)
        centre.up(living=[CallId(line.variables["CC_CALL"])], gap=20)
        await settle()
        back = centre.call(**{name: line.variables[name] for name in ("CC_CALL", "CC_QUEUE")})
        await asyncio.sleep(5)
        call = centre.record_of(back)
        assert call.arrived == arrived
        assert [stage for stage, _ in told(call)] == ["arrived", "ivr", "waiting", "fallback", "waiting"]
        back.leave()
        await settle()
        assert adds_up(centre.record_of(back))
        assert len(centre.recorder.calls) == 1


HOSTILE = {
    "id in capitals": {"CC_CALL": "A" * 32},
    "id too long": {"CC_CALL": "a" * 33},
    "id with a line break": {"CC_CALL": "a" * 32 + "\n"},
    "somebody else's words": {"CC_CALL": "${SHELL(id)}", "CC_QUEUE": "../support", "CC_ARRIVED": "-1"},
    "queue unknown": {"CC_QUEUE": "no-such"},
    "arrived is no number": {"CC_ARRIVED": "1e9"},
    "arrived in other digits": {"CC_ARRIVED": "٣" * 10},
    "arrived superscript": {"CC_ARRIVED": "²"},
    "arrived endless": {"CC_ARRIVED": "9" * 400},
    "arrived more than endless": {"CC_ARRIVED": "9" * 5000},
    "arrived in the future": {"CC_ARRIVED": "99999999999"},
    "arrived long ago": {"CC_ARRIVED": "1"},
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_variables(name: str) -> None:
    """Whatever the variables say, the caller is served, by an id of ours, and has waited a day at most."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = centre.call(**HOSTILE[name])
        await settle()
        line.press("1")
        await asyncio.sleep(1)
        [call] = centre.calls
        assert len(call.id) == 32
        assert call.id != HOSTILE[name].get("CC_CALL")
        assert call.stage.value == "waiting"
        assert 0 <= centre.clock.now() - call.arrived <= 86402
        line.leave()
        await settle()
        assert adds_up(centre.record_of(line))


async def test_the_id_of_a_call_that_is_being_served() -> None:
    """A second line with a living dialogue's id is another call: it can't take the first one's agent or end it."""
    async with Centre() as centre:
        await centre.agent(1)
        line = await centre.waiting()
        await Stage(centre).play([(3, "1001", "answers")])
        other = centre.call(CC_CALL=line.variables["CC_CALL"], CC_QUEUE="support")
        await asyncio.sleep(1)
        assert len(centre.calls) == 2
        other.leave()
        await settle()
        assert centre.state(1) is ON_CALL
        assert centre.record_of(line).stage.value == "talking"
        line.leave()
        await settle()


# ------------------------------------------------------------ the look-up


async def test_the_look_up_hangs() -> None:
    """A database that does not answer: half a second at most, and the pop says that nothing is known."""
    async with Centre() as centre:
        centre.directory.delay = 3600
        await centre.agent(1)
        line = centre.call()
        await settle()
        line.press("1")
        began = centre.clock.now()
        await asyncio.sleep(1)
        [shown] = centre.screens.pops
        assert shown.at - began <= 0.5
        assert shown.pop.match == "unavailable"
        assert shown.pop.customer is None
        line.leave()
        await settle()


async def test_the_look_up_is_done_before_the_caller_chooses() -> None:
    """It runs during the IVR: a slow database costs nothing when the caller listens as long."""
    vip = customer(7, "王芳", Tier.VIP, "+8613800138000")
    async with Centre(vip) as centre:
        centre.directory.delay = 1
        await centre.agent(1)
        line = centre.call()
        await asyncio.sleep(3)
        line.press("1")
        await settle()
        [shown] = centre.screens.pops
        assert shown.at == centre.clock.now()
        assert shown.pop.customer == vip
        assert (shown.pop.tier, shown.pop.in_ivr, shown.pop.keys) == ("vip", 3.0, (("menu", "1"),))
        assert shown.pop.queue == SALES
        line.leave()
        await settle()


MATCHES = {
    "13800138000": ("known", 1),
    "13700137000": ("several", 0),
    "13600136000": ("unknown", 0),
    "anonymous": ("withheld", 0),
    "": ("withheld", 0),
    "12;DROP TABLE\r\nX: y": ("malformed", 0),
}


@pytest.mark.parametrize("number", MATCHES)
async def test_each_match_has_its_own_honest_pop(number: str) -> None:
    """Known, several, unknown, withheld and malformed are told apart; several show who it may be, best tier first."""
    known = customer(1, "Li", Tier.KEY, "+8613800138000")
    one, two = customer(2, "A", Tier.SMALL, "+8613700137000"), customer(3, "B", Tier.VIP, "+8613700137000")
    async with Centre(known, one, two) as centre:
        await centre.agent(1)
        line = await centre.waiting(number)
        await asyncio.sleep(1)
        [shown] = centre.screens.pops
        kind, customer_id = MATCHES[number]
        assert shown.pop.match == kind
        assert (shown.pop.customer.id if shown.pop.customer else 0) == customer_id
        names = [card.name for card in shown.pop.candidates]
        assert names == (["B", "A"] if kind == "several" else [])
        assert shown.pop.tier == {"known": "key", "several": "vip"}.get(kind, "regular")
        if kind in {"withheld", "malformed"}:
            assert shown.pop.number == ""
            assert centre.directory.asked == []
        line.leave()
        await settle()


async def test_the_database_is_away() -> None:
    """An error is a match of its own kind, and the call goes on."""
    async with Centre() as centre:
        centre.directory.away = True
        await centre.agent(1)
        line = await centre.waiting()
        await asyncio.sleep(1)
        assert centre.screens.pops[0].pop.match == "unavailable"
        line.leave()
        await settle()


# ------------------------------------------------------------ agents come and go


async def test_dialling_out_in_wrap_up_while_callers_wait() -> None:
    """An agent who was ready calls back out of the wrap-up: no caller is offered to them in that moment."""
    async with Centre() as centre:
        agent = await centre.agent(1)
        first, second = await centre.waiting(), await centre.waiting("13900139000")
        await Stage(centre).play([(3, "1001", "answers"), (9, "1001", "hangs up")])
        assert centre.state(1) is RoutingState.WRAP_UP
        await centre.desk.dial(agent.id, number="+8613800138000")
        assert centre.state(1) is ON_CALL
        assert agent.offer_id is None
        assert centre.results() == [(1, "answered")]
        assert len(centre.distributor.line) == 1
        second.leave()
        await settle()
        assert first.hung_up
        centre.trunk.phones["1001"].move(reaction="rejected")
        await settle()


async def test_logging_out_of_wrap_up_while_callers_wait() -> None:
    """No caller is offered to somebody who is leaving."""
    async with Centre() as centre:
        agent = await centre.agent(1)
        await centre.waiting()
        second = await centre.waiting("13900139000")
        await Stage(centre).play([(3, "1001", "answers"), (9, "1001", "hangs up")])
        await centre.desk.log_out(agent.id)
        await asyncio.sleep(1)
        assert centre.results() == [(1, "answered")]
        assert len(centre.trunk.rung) == 1
        assert centre.roster.find(AgentId(1)) is None
        second.leave()
        await settle()


async def test_nobody_slips_in_between_a_missed_offer_and_the_next() -> None:
    """An agent becomes ready in the very moment in which another's offer ends: who was rung in vain is served,
    not the one behind."""
    async with Centre() as centre:
        await centre.agent(1, SUPPORT)
        await centre.agent(2, SUPPORT, ready=False)
        first = await centre.waiting("13800138001")
        await asyncio.sleep(1)
        await centre.waiting("13800138002")

        def at_that_moment(event: AgentChanged) -> None:
            if event.agent.id == 1 and event.agent.state is RoutingState.NOT_READY:
                centre.desk.ready(AgentId(2))

        centre.bus.subscribe(AgentChanged, at_that_moment)
        await asyncio.sleep(30)
        assert centre.state(1) is RoutingState.NOT_READY
        assert centre.roster.get(AgentId(2)).offer_call == first.variables["CC_CALL"]
