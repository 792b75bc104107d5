"""Callbacks through the whole centre: the place is kept, an agent is reserved first, the customer is dialled last."""

import asyncio
import copy
import dataclasses
import datetime as dt

import pytest

from callcenter.agents.roster import RosterRules
from callcenter.agents.states import SYSTEM_RONA, RoutingState
from callcenter.callbacks.rules import MOST_OPEN
from callcenter.customers.customer import Tier
from callcenter.ids import AgentId, UserId
from tests.fakes.callback_centre import CUSTOMER, CallbackCentre
from tests.fakes.centre import CALLBACK_RULES, WRAP_UP, adds_up, told
from tests.fakes.fake_directory import customer
from tests.fakes.fake_visit import SALES, SUPPORT
from tests.virtual_time import settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

OTHER = "+8613900139000"
A1, A2 = AgentId(1), AgentId(2)
S = RoutingState


async def answered(centre: CallbackCentre, extension: str = "1001", number: str = CUSTOMER) -> None:
    """The agent picks up, then the customer."""
    centre.trunk.phones[extension].move(answered=True)
    await asyncio.sleep(4)
    centre.trunk.phones[number].move(answered=True)
    await settle()


async def test_a_callback_from_asking_to_wrap_up() -> None:
    """The pop, the agent's phone, the customer's phone, the talk, the wrap-up; each step is on record."""
    async with CallbackCentre(customer(5, "Zhao", Tier.KEY, CUSTOMER)) as centre:
        assert centre.asks(waited=100) == "kept"
        assert centre.recorder.calls == {}
        await asyncio.sleep(20)
        await centre.agent(1)
        await asyncio.sleep(2)
        assert centre.state(1) is S.RESERVED
        assert centre.callback().agent_id == A1
        pop = centre.screens.pops[0].pop
        assert (pop.direction, pop.queue, pop.customer is not None) == ("outbound", "support", True)
        assert CUSTOMER not in centre.trunk.phones
        await answered(centre)
        assert centre.state(1) is S.ON_CALL
        assert centre.callback().state.value == "connected"
        await asyncio.sleep(30)
        centre.trunk.phones[CUSTOMER].move()
        await settle()
        assert centre.states() == ["queued", "reserved", "dialling", "connected"]
        (call,) = centre.recorder.calls.values()
        assert told(call) == [("arrived", 0), ("dialling", 2.0), ("ringing", 4.0), ("talking", 30.0)]
        assert adds_up(call)
        assert centre.agent_line.recorded == [f"/recordings/{call.recording}.wav"]
        assert (call.direction.value, call.queue, call.tier) == ("outbound", "support", "key")
        assert [one.result.value for one in centre.recorder.attempt_writes] == ["dialling", "answered"]
        assert centre.results() == [(1, "answered")]
        assert centre.state(1) is S.WRAP_UP
        await asyncio.sleep(WRAP_UP)
        assert centre.state(1) is S.READY
        assert len(centre.callbacks) == len(centre.calls) == len(centre.distributor.line) == 0


async def test_not_reached_three_times() -> None:
    """After a pause it is made again, at the same place; after the last try it is given up, and says so."""
    async with CallbackCentre() as centre:
        await centre.agent(1)
        centre.asks(waited=50)
        arrived = centre.callback().arrived_at
        for tries in (1, 2, 3):
            await asyncio.sleep(1)
            centre.trunk.phones["1001"].move(answered=True)
            await asyncio.sleep(46)
            assert centre.callback().tries == tries
            assert centre.callback().arrived_at == arrived
            assert centre.state(1) is S.READY
            if tries < 3:
                assert centre.callback().state.value == "queued"
                assert centre.distributor.waiting_in(SUPPORT) == 0
                await asyncio.sleep(300)
        assert centre.callback().state.value == "no_answer"
        assert centre.callback().ended_at is not None
        assert centre.rung_at() == [1, 348, 695]
        assert [one.result.value for one in centre.recorder.attempts.values()] == ["no_answer"] * 3
        assert len(centre.callbacks) == len(centre.calls) == 0


async def test_the_agent_does_not_pick_up() -> None:
    """Not ready for that agent, as for any offer; the customer hears nothing of it, and the next agent has the call."""
    async with CallbackCentre() as centre:
        await centre.agent(1)
        centre.asks(waited=50)
        await settle()
        await centre.agent(2)
        await asyncio.sleep(21)
        assert centre.roster.get(A1).reason == SYSTEM_RONA
        assert centre.pops.of(A1) is None
        assert CUSTOMER not in centre.trunk.phones
        assert centre.callback().tries == 0
        assert centre.state(2) is S.RESERVED
        await answered(centre, "1002")
        assert centre.callback().state.value == "connected"
        assert centre.results() == [(1, "no_answer"), (2, "answered")]
        assert next(iter(centre.recorder.attempts.values())).result.value == "agent_not_reached"


async def test_the_place_is_that_of_a_caller_who_had_stayed() -> None:
    """Who came before goes before, who came after goes after; a try that broke off does not change that."""
    async with CallbackCentre() as centre:
        centre.asks("13900139001", waited=30)
        centre.asks("13900139002", waited=50)
        await settle()
        stayed = centre.caller("13900139003", waited=40)
        place = centre.distributor.join(stayed, SUPPORT, stayed.arrived)
        assert centre.distributor.position(stayed.id) == 2
        await centre.agent(1)
        await asyncio.sleep(1)
        assert centre.callbacks_in_hand() == ["+8613900139002"]
        centre.trunk.phones["1001"].move(reaction="rejected")
        await settle()
        assert centre.roster.get(A1).reason == SYSTEM_RONA
        assert place.pending
        assert centre.distributor.position(stayed.id) == 2
        centre.desk.ready(A1)
        await settle()
        assert centre.callbacks_in_hand() == ["+8613900139002"]


async def test_the_customer_rings_again_while_it_waits() -> None:
    """The new call has the old place, nobody is dialled, and the call keeps the place when it comes back to the line
    or asks again."""
    async with CallbackCentre() as centre:
        centre.asks(waited=100)
        await asyncio.sleep(10)
        again = centre.caller()
        assert centre.callbacks.resume_place(centre.caller(OTHER), SUPPORT) is None
        assert centre.callbacks.resume_place(again, SALES) is None
        assert centre.callbacks.resume_place(again, SUPPORT) == pytest.approx(again.arrived - 110)
        assert centre.states() == ["queued", "merged"]
        assert centre.distributor.waiting_in(SUPPORT) == 0
        assert centre.callbacks.resume_place(again, SUPPORT) == pytest.approx(again.arrived - 110)
        assert centre.asks(call=again) == "kept"
        kept = centre.callback()
        assert (kept.asked_at - kept.arrived_at).total_seconds() == pytest.approx(110)
        await centre.agent(1)
        assert centre.callbacks.resume_place(centre.caller("anonymous"), SUPPORT) is None


@pytest.mark.parametrize("when", ["reserved", "agent rings", "customer rings"])
async def test_the_customer_rings_while_being_called(when: str) -> None:
    """The try is broken off, the agent is free for the call that came instead, and it has the place."""
    async with CallbackCentre() as centre:
        await centre.agent(1)
        centre.asks(waited=100)
        if when != "reserved":
            await asyncio.sleep(1)
        if when == "customer rings":
            centre.trunk.phones["1001"].move(answered=True)
            await asyncio.sleep(3)
        again = centre.caller()
        resumed = centre.callbacks.resume_place(again, SUPPORT)
        assert resumed is not None
        place = centre.distributor.join(again, SUPPORT, resumed)
        await settle()
        assert centre.callback().state.value == "merged"
        assert len(centre.calls) == 0
        offer = place.taken()
        assert offer is not None
        assert offer.agent_id == 1
        await asyncio.sleep(100)
        assert len(centre.rung_at()) == (1 if when == "customer rings" else 0)


async def test_asked_for_twice() -> None:
    """One callback for a number, at the better place, where it was asked for last."""
    async with CallbackCentre() as centre:
        assert centre.asks(waited=100) == "kept"
        assert centre.asks("13800138000", queue=SALES, waited=20) == "merged"
        assert len(centre.callbacks) == 1
        assert centre.distributor.waiting_in(SUPPORT) == 0
        await settle()
        assert centre.distributor.waiting_in(SALES) == 1
        kept = centre.callback()
        assert (kept.queue, kept.asked_at - kept.arrived_at) == (SALES, dt.timedelta(seconds=100))
        await centre.agent(1, SALES)
        await asyncio.sleep(1)
        await answered(centre)
        assert centre.callback().state.value == "connected"
        assert centre.rung_at() == [1]


@pytest.mark.parametrize(
    "number",
    [
        "",
        "anonymous",
        "1001",
        "12345",
        "+12125550123",
        "4008001234",
        "12345678901234",
        "13800138000;x",
        "*72",
    ],
)
async def test_numbers_that_are_not_called(number: str) -> None:
    """Hidden, short, foreign, shared-cost and broken numbers are refused; nothing is kept."""
    async with CallbackCentre() as centre:
        assert centre.callbacks.ask(centre.caller(), SUPPORT, number, 0.0) == "refused"
        assert centre.recorder.callbacks == {}


async def test_prefixes_that_are_allowed() -> None:
    """Another country's numbers, where the settings say so."""
    async with CallbackCentre(
        callback_rules=dataclasses.replace(CALLBACK_RULES, prefixes=("+852",))
    ) as centre:
        assert centre.asks("+85251234567") == "kept"
        assert centre.asks("+12125550123") == "refused"


async def test_calling_hours() -> None:
    """Nobody is rung at night: at 21:00 the callback leaves the line, at 8:00 it has its place again."""
    async with CallbackCentre() as centre:
        centre.asks(waited=60)
        await asyncio.sleep(4 * 3600 + 1)
        assert centre.distributor.waiting_in(SUPPORT) == 0
        await centre.agent(1)
        await asyncio.sleep(10 * 3600)
        assert centre.state(1) is S.READY
        await asyncio.sleep(3600)
        assert centre.clock.wall() > dt.datetime(2026, 1, 6, 0, 0, tzinfo=dt.UTC)
        assert [round(one.offered_at.timestamp()) for one in centre.recorder.offers.values()] == [
            dt.datetime(2026, 1, 6, 0, 0, tzinfo=dt.UTC).timestamp()
        ]


async def test_it_expires() -> None:
    """A callback nobody can serve ends, and is not in the line any more."""
    async with CallbackCentre(callback_rules=dataclasses.replace(CALLBACK_RULES, expires_hours=2)) as centre:
        centre.asks()
        await asyncio.sleep(2 * 3600 + 1)
        assert centre.states() == ["queued", "expired"]
        assert len(centre.distributor.line) == len(centre.callbacks) == 0


async def test_cancelled() -> None:
    """By a supervisor, while it waits; not while it is being made, nor twice."""
    async with CallbackCentre() as centre:
        centre.asks()
        centre.asks(OTHER, waited=10)
        await centre.agent(1)
        await asyncio.sleep(1)
        by = UserId(9)
        assert not centre.callbacks.cancel(centre.callback(OTHER).id, by)
        assert centre.callbacks.cancel(centre.callback().id, by)
        assert not centre.callbacks.cancel(centre.callback().id, by)
        assert not centre.callbacks.cancel("0" * 32, by)
        assert centre.states() == ["queued", "cancelled"]
        await answered(centre, number=OTHER)
        assert centre.callback(OTHER).state.value == "connected"
        assert len(centre.distributor.line) == 0


async def test_cancelled_in_the_moment_of_the_offer() -> None:
    """The agent who was reserved that instant is free again."""
    async with CallbackCentre() as centre:
        await centre.agent(1)
        centre.asks()
        assert centre.state(1) is S.RESERVED
        assert centre.callbacks.cancel(centre.callback().id, UserId(9))
        await settle()
        assert centre.state(1) is S.READY
        assert centre.results() == [(1, "caller_gone")]
        assert len(centre.calls) == 0


async def test_telephony_is_away() -> None:
    """Callers are released to the fallback; callbacks stay, and are made at their place when Asterisk is back."""
    async with CallbackCentre() as centre:
        centre.asks(waited=50)
        await settle()
        caller = centre.caller(OTHER)
        place = centre.distributor.join(caller, SUPPORT, caller.arrived)
        centre.down()
        await centre.agent(1)
        await asyncio.sleep(30)
        assert not place.pending
        assert place.taken() is None
        centre.distributor.leave(place)
        assert centre.distributor.waiting_in(SUPPORT) == 1
        centre.asks("13900139009")
        await asyncio.sleep(300)
        assert centre.distributor.waiting_in(SUPPORT) == 2
        assert centre.state(1) is S.READY
        centre.up(gap=330)
        await settle()
        assert centre.callbacks_in_hand() == [CUSTOMER]


async def test_the_link_is_lost_while_the_agents_phone_rings() -> None:
    """Nobody knows what came of the ring: it costs no try, and is made again later."""
    async with CallbackCentre() as centre:
        await centre.agent(1)
        centre.asks()
        await asyncio.sleep(1)
        centre.down()
        centre.trunk.phones["1001"].move(reaction="rejected")
        await asyncio.sleep(5)
        centre.up(gap=5)
        await settle()
        assert (centre.callback().state.value, centre.callback().tries) == ("queued", 0)
        assert centre.state(1) is S.READY
        await asyncio.sleep(31)
        assert centre.callback().state.value == "dialling"


async def test_no_word_of_the_agents_phone() -> None:
    """The reservation's lease ends: the agent counts as not reached, whatever rings is hung up."""
    async with CallbackCentre() as centre:
        await centre.agent(1)
        centre.asks()
        await asyncio.sleep(1)
        centre.trunk.blind = True
        await asyncio.sleep(26)
        assert ("hang_up_call", next(iter(centre.recorder.calls))) in centre.switch.told
        assert centre.roster.get(A1).reason == SYSTEM_RONA
        assert (centre.callback().state.value, centre.callback().tries) == ("queued", 0)
        assert centre.distributor.waiting_in(SUPPORT) == 1
        assert len(centre.calls) == 0


async def test_asterisk_refuses() -> None:
    """No try, the agent is not blamed, and it is not asked again at once."""
    async with CallbackCentre() as centre:
        await centre.agent(1)
        centre.switch.refuse("click_to_call")
        centre.asks()
        await settle()
        await asyncio.sleep(1)
        assert (centre.callback().state.value, centre.callback().tries) == ("queued", 0)
        assert centre.state(1) is S.READY
        assert centre.pops.of(A1) is None
        assert len(centre.recorder.calls) == 1
        centre.switch.fails.clear()
        await asyncio.sleep(31)
        assert centre.callback().state.value == "dialling"


@pytest.mark.parametrize("when", ["queued", "agent rings", "talking"])
async def test_the_core_is_started_again(when: str) -> None:
    """What was open is so again, at its place; a talk that was going on is no callback to be made."""
    async with CallbackCentre() as first:
        first.asks(waited=70)
        first.asks(OTHER, waited=10)
        await settle()
        if when != "queued":
            await first.agent(1)
            await asyncio.sleep(1)
        if when == "talking":
            await answered(first)
        record, killed_as = copy.deepcopy(first.recorder), first.callback().state
    assert killed_as.value == {"queued": "queued", "agent rings": "dialling", "talking": "connected"}[when]
    async with CallbackCentre(record=record, database_away=True) as second:
        await asyncio.sleep(12)
        assert len(second.callbacks) == 0
        second.kept_callbacks.away = False
        await asyncio.sleep(6)
        open_now = {"queued": [CUSTOMER, OTHER], "agent rings": [CUSTOMER, OTHER], "talking": [OTHER]}[when]
        assert len(second.callbacks) == len(open_now)
        if when == "agent rings":
            assert second.distributor.waiting_in(SUPPORT) == 1
            await asyncio.sleep(300)
        await second.agent(1)
        await settle()
        assert second.callbacks_in_hand() == open_now[:1]


async def test_stopped_in_order() -> None:
    """What was being made stands on record as waiting."""
    async with CallbackCentre() as centre:
        await centre.agent(1)
        centre.asks()
        await asyncio.sleep(1)
        assert centre.callback().state.value == "dialling"
        centre.callbacks.stop()
        assert centre.callback().state.value == "queued"
        assert centre.callback().agent_id is None
        await asyncio.sleep(100)
        assert centre.callback().state.value == "queued"


async def test_asked_for_again_while_it_is_made() -> None:
    """It is being made already: nobody is rung twice, and the second agent stays free."""
    async with CallbackCentre() as centre:
        await centre.agent(1)
        await centre.agent(2)
        centre.asks()
        for seconds in (0, 1, 3):
            await asyncio.sleep(seconds)
            assert centre.asks(waited=50) == "merged"
            await settle()
            assert centre.callbacks_in_hand() == [CUSTOMER]
            assert centre.state(2) is S.READY
        await answered(centre)
        assert centre.callback().state.value == "connected"
        assert centre.asks() == "kept"


async def test_nobody_slips_in_between() -> None:
    """An agent who may miss one call more is offered the same callback again, not the caller behind it."""
    async with CallbackCentre(rules=RosterRules(missed_limit=2)) as centre:
        centre.asks(waited=50)
        behind = centre.caller(OTHER, waited=20)
        place = centre.distributor.join(behind, SUPPORT, behind.arrived)
        await centre.agent(1)
        await asyncio.sleep(1)
        centre.trunk.phones["1001"].move(reaction="rejected")
        await asyncio.sleep(1)
        assert place.pending
        assert centre.callbacks_in_hand() == [CUSTOMER]
        assert centre.results() == [(1, "no_answer"), (1, "offered")]


async def test_the_try_ends_before_the_phone_rings() -> None:
    """While the pop is on its way the link comes back, and the call is not known there: no phone rings for it."""
    async with CallbackCentre() as centre:
        centre.screens.delay = None
        await centre.agent(1)
        centre.asks()
        await asyncio.sleep(0.01)
        assert centre.callback().state.value == "reserved"
        centre.up(gap=1)
        await asyncio.sleep(1)
        assert centre.callback().state.value == "queued"
        assert not [told for told in centre.switch.told if told[0] == "click_to_call"]
        assert centre.state(1) is S.READY
        await asyncio.sleep(30)
        assert centre.callback().state.value == "dialling"


async def test_a_caller_takes_the_place_of_the_own_callback() -> None:
    """Through the caller's whole way: the call joins the line where the callback was, before those who came later."""
    async with CallbackCentre() as centre:
        centre.asks(waited=100)
        await asyncio.sleep(1)
        behind = centre.caller(OTHER, waited=60)
        place = centre.distributor.join(behind, SUPPORT, behind.arrived)
        await centre.waiting("13800138000")
        assert centre.callback().state.value == "merged"
        assert centre.distributor.position(behind.id) == 2
        assert centre.distributor.waiting_in(SUPPORT) == 2
        centre.distributor.leave(place)


async def test_skills_are_kept() -> None:
    """An agent without them is not offered the callback."""
    async with CallbackCentre() as centre:
        call = centre.caller()
        call.skills = {"cantonese": 3}
        centre.asks(call=call)
        assert centre.callback().skills == {"cantonese": 3}
        await centre.agent(1)
        await asyncio.sleep(1)
        assert centre.callback().state.value == "queued"
        agent = centre.roster.get(A1)
        centre.roster.log_in(A1, agent.name, agent.extension, agent.queues, {"cantonese": 3})
        await asyncio.sleep(1)
        assert centre.callback().state.value == "dialling"


async def test_too_many() -> None:
    """There is an end to what is kept; each number has its own."""
    async with CallbackCentre() as centre:
        for number in range(MOST_OPEN):
            assert centre.asks(f"+86138{number:08}") == "kept"
        assert centre.asks("+8613900139000") == "refused"
        assert centre.asks("+8613800000000") == "merged"
