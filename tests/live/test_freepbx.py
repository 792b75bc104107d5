"""The whole product beside a dialplan that imitates a FreePBX: agents are dialled through ``Local/...@from-queue``.

Asterisk is real, FreePBX is not: the contexts here have its names and its ways (hints in ``ext-local``, phones dialled
by ``PJSIP_DIAL_CONTACTS``, queue members as Local channels with a state interface), written for this test.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from callcenter.demo.floor import Floor, read_events
from callcenter.demo.story import known_numbers
from callcenter.rig.callers import CallPlan, Outcome, run_calls
from callcenter.rig.customers import Customers
from callcenter.rig.screen_client import ScreenClient, log_in
from callcenter.tasks import Tasks
from tests.live.conftest import QUICK, MakeFloor
from tests.live.watching import (
    LINE,
    calls,
    choose,
    ear,
    phone_events,
    pops,
    press,
    rows,
    segments,
    until,
    until_hears,
)

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

NUMBER = "+8613911110001"
ANSWERS = "+8613911110077"
"""A simulated customer who answers."""
RING_ALL, ROUND_ROBIN = "500", "501"
TALKS: dict[str, Any] = {"kind": "auto", "answer_after": (0.2, 0.3), "talk": (1.5, 1.5)}
NEVER: dict[str, Any] = {"kind": "never"}
PHONES = {"phones": {"dial": "Local/{extension}@from-queue/n", "device": "PJSIP/{extension}", "predial": ""}}

DIALPLAN = r"""
; calls from the trunk: inbound routes to a custom destination, and to queues
[from-trunk]
exten => _X!,1,Set(__FROM_DID=${EXTEN})
 same => n,Set(CALLERID(num)=${FILTER(0-9+,${CALLERID(num)})})
 same => n,Goto(ext-did,${EXTEN},1)
[ext-did]
exten => 4001,1,Goto(callcenter-inbound,${EXTEN},1)
exten => _50X,1,Goto(ext-queues,${EXTEN},1)

[ext-queues]
exten => _50X,1,Answer(1)
 same => n,Set(__QC_CONFIRM=)
 same => n,Set(__NODEST=${EXTEN})
 same => n,Queue(${EXTEN},t,,,30)
 same => n,Hangup()
exten => h,1,NoOp(hung up)

; members of queues arrive here: Local/1001@from-queue/n
[from-queue]
exten => _X!,1,Set(QAGENT=${EXTEN})
 same => n,Set(__FROMQ=true)
 same => n,Goto(from-queue-exten-only,${EXTEN},1)
exten => h,1,NoOp(hung up)
[from-queue-exten-only]
exten => _1XXX,1,Set(__RINGTIMER=30)
 same => n,Gosub(dial-one,s,1(${EXTEN}))
 same => n,Hangup()
exten => h,1,NoOp(hung up)

[from-internal]
include => ext-local
include => outbound-allroutes
[outbound-allroutes]
exten => _+X!,1,Set(OUTNUM=${EXTEN})
 same => n,Dial(PJSIP/${OUTNUM}@customers,60,T)
 same => n,Hangup()
[ext-local]
exten => 1001,hint,PJSIP/1001
exten => 1002,hint,PJSIP/1002
exten => _1XXX,1,Gosub(dial-one,s,1(${EXTEN}))
 same => n,Hangup()
[dial-one]
exten => s,1,Set(DSTRING=${PJSIP_DIAL_CONTACTS(${ARG1})})
 same => n,GotoIf($["${DSTRING}" = ""]?nobody)
 same => n,Dial(${DSTRING},${RINGTIMER},tr)
 same => n(nobody),Return()
"""
MEMBERS = "\n".join(
    f"member => Local/{each}@from-queue/n,0,Agent {each},hint:{each}@ext-local" for each in (1001, 1002)
)
QUEUES = "\n".join(
    f"\n[{name}]\nstrategy = {strategy}\ntimeout = 10\nretry = 1\nringinuse = no\nautofill = yes\n{MEMBERS}\n"
    for name, strategy in ((RING_ALL, "ringall"), (ROUND_ROBIN, "rrmemory"))
)


async def freepbx(make_floor: MakeFloor, agents: int = 1, **given: Any) -> Floor:
    """A floor with those settings on that dialplan."""
    overrides = PHONES | given.pop("overrides", {})
    return await make_floor(
        agents,
        overrides=overrides,
        extra_dialplan=DIALPLAN,
        extra_queues=QUEUES,
        caller_context="from-trunk",
        **given,
    )


async def on_record(floor: Floor, number: str = NUMBER) -> dict[str, Any]:
    """The call of this number, once it has ended and is written."""
    found = await until(lambda: [c for c in calls(floor, number) if c["ended_at"]], 10, "on record")
    assert len(found) == 1
    call: dict[str, Any] = found[0]
    total = sum(s["ended_at"] - s["started_at"] for s in segments(floor, call["id"]))
    assert abs(total - (call["ended_at"] - call["arrived_at"])) <= 1000
    return call


@pytest.mark.parametrize("first", ["agent", "caller"])
async def test_our_own_offer_through_local_members(make_floor: MakeFloor, first: str) -> None:
    """IVR, one pop before the phone rings, one ring, a talk both ways, either side hangs up first, wrap-up, history."""
    floor = await freepbx(make_floor, behaviour=TALKS if first == "agent" else QUICK)
    async with ear(floor, NUMBER) as caller:
        assert await caller.call(LINE) == 200
        await choose(caller, "11")
        await until_hears(caller, floor.tone_of("1001"), 8)
        if first == "caller":
            await caller.hang_up()
        else:
            assert await caller.until_over(6)
    await until(lambda: phone_events(floor, "ended"), 3, "the phone is free")
    call = await on_record(floor)
    assert call["talked_ms"] > 300
    (ring,) = phone_events(floor, "invite")
    (pop,) = {each["pop"]["call_id"]: each for each in pops(floor)}.values()
    assert pop["t"] < ring["t"]
    assert pop["pop"]["call_id"] == call["id"]
    stages = [segment["stage"] for segment in segments(floor, call["id"])]
    assert stages == ["arrived", "ivr", "waiting", "ringing", "talking"]
    # Free again: the next call is offered to the same agent.
    async with ear(floor, "+8613911110002") as caller:
        assert await caller.call(LINE) == 200
        await choose(caller)
        await until(lambda: len(phone_events(floor, "invite")) == 2, 10, "the next call rings")
        await caller.hang_up()


@asynccontextmanager
async def screen_of(floor: Floor) -> AsyncIterator[tuple[ScreenClient, list[dict[str, Any]]]]:
    """The first agent's screen in our own hands, and all that it is told."""
    agent = floor.plan.agents[0]
    told: list[dict[str, Any]] = []
    session = await log_in(floor.address, agent.username, floor.plan.password, agent.extension)
    screen = ScreenClient(floor.address, session, lambda message, _t: told.append(message))
    tasks = Tasks("test")
    tasks.run(screen.run(), "screen")
    try:
        await until(lambda: screen.connected, 5, "the screen is there")
        yield screen, told
    finally:
        await screen.close()
        await tasks.close()


async def test_given_up_and_hung_up_by_a_click(make_floor: MakeFloor) -> None:
    """A caller who gives up while the phone rings stops it at once; the next talk is ended by the agent's click."""
    floor = await freepbx(make_floor, behaviour={"kind": "click", "talk": None}, screens=[])
    async with screen_of(floor) as (screen, _told):
        assert await screen.send("ready")
        async with ear(floor, NUMBER) as caller:
            assert await caller.call(LINE) == 200
            await choose(caller)
            await until(lambda: phone_events(floor, "invite"), 8, "the phone rings")
            await caller.hang_up()
            await until(lambda: phone_events(floor, "ended", "cancelled"), 1, "and stops")
        async with ear(floor, "+8613911110002") as caller:
            assert await caller.call(LINE) == 200
            await choose(caller, "11")
            await until(lambda: phone_events(floor, "invite")[1:], 8, "the phone rings again")
            await press(floor, "1001", "answer")
            await until_hears(caller, floor.tone_of("1001"), 5)
            await asyncio.sleep(
                1.5
            )  # sooner it would count as put down at once, and the caller be offered again
            assert await screen.send("hang_up")
            assert await caller.until_over(5)
        ended = await on_record(floor, "+8613911110002")
        assert ended["end_reason"] == "agent_hangup"
        assert len(phone_events(floor, "invite")) == 2


async def test_nobody_answers(make_floor: MakeFloor) -> None:
    """Ring-no-answer through a Local member: the phone stops, the agent is not ready, the caller goes to the other."""
    floor = await freepbx(
        make_floor,
        2,
        behaviour=NEVER,
        overrides={"routing": {"ring_seconds": 2}},
    )
    async with ear(floor, NUMBER) as caller:
        assert await caller.call(LINE) == 200
        await choose(caller)
        first = (await until(lambda: phone_events(floor, "invite"), 8, "a phone rings"))[0]
        await until(lambda: phone_events(floor, "ended", "cancelled"), 4, "it stops")
        both = await until(lambda: phone_events(floor, "invite")[1:], 6, "the other rings")
        assert both[0]["extension"] != first["extension"]
        await asyncio.sleep(3)
        assert len(phone_events(floor, "invite")) == 2
        assert not caller.leg.over.is_set()
        await caller.hang_up()
    call = await on_record(floor)
    assert call["talked_ms"] == 0
    states = [each["state"] for each in read_events(floor.screen_events) if each["event"] == "state"]
    missed = [state for state in states if (state["state"], state["reason"]) == ("not_ready", "SYSTEM_RONA")]
    assert len(missed) >= 2
    stages = [segment["stage"] for segment in segments(floor, call["id"])]
    assert stages == ["arrived", "ivr", "waiting", "ringing", "waiting", "ringing", "waiting"]


def _ended(floor: Floor, call_id: str) -> list[dict[str, Any]]:
    return rows(floor, "SELECT * FROM calls WHERE id = ? AND ended_at IS NOT NULL", call_id)


@pytest.mark.parametrize("queue", [RING_ALL, ROUND_ROBIN])
async def test_a_queue_of_the_pbx_pops_as_a_direct_call(make_floor: MakeFloor, queue: str) -> None:
    """A FreePBX queue that rings our agents: who it rings sees the caller, and the call is on record."""
    floor = await freepbx(make_floor, 2, behaviours={"1002": NEVER})
    known = next(each for each in known_numbers(floor.database) if len(each.customer_ids) == 1)
    async with ear(floor, known.number) as caller:
        assert await caller.call(queue) == 200
        await until_hears(caller, floor.tone_of("1001"), 15)
        await asyncio.sleep(1)
        await caller.hang_up()
    await until(lambda: phone_events(floor, "ended"), 3, "the phone is free")
    shown = [pop for pop in pops(floor) if pop["extension"] == "1001"]
    assert len({pop["pop"]["call_id"] for pop in shown}) == 1
    pop = shown[-1]["pop"]
    assert (pop["direction"], pop["match"], pop["number"]) == ("direct", "known", known.number)
    assert pop["customer"]["id"] == known.customer_ids[0]
    ended = await until(lambda: _ended(floor, pop["call_id"]), 5, "on record")
    assert (ended[0]["direction"], ended[0]["served_by"]) == ("direct", 1)
    assert ended[0]["talked_ms"] > 500
    # Whom the queue rang and who did not answer is not left busy: a call of ours finds an agent at once.
    rang = len(phone_events(floor, "invite", extension="1001"))
    assert rang == 1
    async with ear(floor, NUMBER) as caller:
        assert await caller.call(LINE) == 200
        await choose(caller)
        await until(lambda: pops(floor)[-1]["pop"]["direction"] == "inbound", 8, "our own call is offered")
        await caller.hang_up()


@pytest.mark.parametrize("outbound", ["PJSIP/{number}@customers", "Local/{number}@from-internal/n"])
@pytest.mark.parametrize("first", ["customer", "agent"])
async def test_click_to_call(make_floor: MakeFloor, outbound: str, first: str) -> None:
    """The agent's phone rings first, through its Local member; then the customer, by the trunk or by the FreePBX's own
    outbound route; they talk until the customer hangs up, or the agent by a click; it is on record once."""
    table = {"phones": PHONES["phones"] | {"outbound": outbound}}
    floor = await freepbx(make_floor, overrides=table, screens=[])
    talk = 2.0 if first == "customer" else 20.0
    folder = floor.plan.folder / "customers"
    customers = Customers(folder, floor.asterisk_plan.trunk_port, talk=talk)
    async with customers, screen_of(floor) as (screen, _told):
        assert await screen.send("ready")
        assert await screen.send("dial", number=ANSWERS)
        await until(lambda: phone_events(floor, "invite"), 5, "the agent's phone rings first")
        await until(lambda: customers.calls() and customers.calls()[0].answered, 5, "the customer answers")
        if first == "agent":
            await asyncio.sleep(2)
            assert await screen.send("hang_up")
        await until(lambda: customers.calls()[0].ended, 8, "it ends for the customer")
        await until(lambda: phone_events(floor, "ended"), 5, "the agent's phone is free")
        call = (await until(lambda: _outbound(floor), 8, "on record"))[0]
    reason = "caller_hangup" if first == "customer" else "agent_hangup"
    assert (call["direction"], call["served_by"], call["end_reason"]) == ("outbound", 1, reason)
    assert call["marks"] == "[]"
    assert 1000 < call["talked_ms"] < 3500
    assert len(_outbound(floor)) == 1


def _outbound(floor: Floor) -> list[dict[str, Any]]:
    return rows(floor, "SELECT * FROM calls WHERE number_key = ? AND ended_at IS NOT NULL", ANSWERS)


async def test_the_fallback_rings_local_members(make_floor: MakeFloor) -> None:
    """The core is dead: the fallback queue rings the ready agent through the FreePBX's own way, and is on record."""
    floor = await freepbx(make_floor)
    async with ear(floor, NUMBER) as caller:
        assert await caller.call(LINE) == 200
        await asyncio.sleep(0.6)
        floor.kill_core_for_good()
        await until(lambda: phone_events(floor, "invite"), 5, "the fallback rings")
        await until_hears(caller, floor.tone_of("1001"), 5)
        await caller.hang_up()
    await floor.stop_process("core")
    await floor.start_core()
    call = await on_record(floor)
    assert call["end_reason"] == "fallback_served"


async def test_sipp_callers(make_floor: MakeFloor) -> None:
    """Six SIPp callers for two agents: nobody is lost, every call rings once and has one pop on the agent's screen."""
    floor = await freepbx(make_floor, 2, behaviour=TALKS)
    plans = [
        CallPlan(number=f"+861391111100{n}", dial=LINE, keys=(("1", 1.0), ("2", 2.4)), patience=60)
        for n in range(6)
    ]
    results = await run_calls(
        plans, sip_port=floor.asterisk_plan.sip_port, rate=2.0, folder=Path(floor.plan.folder) / "callers"
    )
    assert [result.outcome for result in results] == [Outcome.ASTERISK] * 6
    assert len(phone_events(floor, "invite")) == 6
    assert len({pop["pop"]["call_id"] for pop in pops(floor)}) == 6
