"""Callers whom agents put through, on a real Asterisk: by REFER from the phone and by the button of the screen.

One call all the way: its id, its arrival, its record. Judged by what callers hear, what phones and screens are told,
and the database.
"""

import asyncio
import signal
from typing import Any

import pytest

from callcenter.demo.floor import Floor
from tests.live.at_screen import AtScreen
from tests.live.conftest import MakeFloor
from tests.live.watching import (
    adds_up,
    dial_in,
    ear,
    ended_call,
    numbers_of,
    offers,
    phone_events,
    press,
    rows,
    segments,
    talks_with,
    until,
)

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

NUMBER = "+8613911160001"
OTHER = "+8613911160002"
QUEUES: tuple[dict[str, Any], ...] = (
    {"name": "sales", "title_en": "Sales", "title_zh": "销售", "number": "600"},
    {"name": "support", "title_en": "Support", "title_zh": "客户服务", "record": True},
    {"name": "complaints", "title_en": "Complaints", "title_zh": "投诉", "number": "602"},
)


def talkers(floor: Floor, call_id: str) -> list[tuple[str, int | None]]:
    """In whose queue, and with which agent, the call talked, in order."""
    return [(s["queue"], s["agent_id"]) for s in segments(floor, call_id) if s["stage"] == "talking"]


def stages(floor: Floor, call_id: str) -> list[str]:
    """The stages of a call so far."""
    return [part["stage"] for part in segments(floor, call_id)]


async def test_the_phone_puts_through_to_an_agent_then_to_a_queue(make_floor: MakeFloor) -> None:
    """REFER twice: each agent has the customer on the screen, and who put it through; wrap-up begins at once; one
    recording goes on."""
    floor = await make_floor(agents=3, screens=[], queues=QUEUES)
    known = numbers_of(floor, "regular")[0]
    async with (
        AtScreen(floor, "agent1001", "1001") as one,
        AtScreen(floor, "agent1002", "1002") as two,
        AtScreen(floor, "agent1003", "1003") as three,
        ear(floor, known) as caller,
    ):
        await one.done("ready")
        await dial_in(caller)
        await talks_with(floor, caller, "1001")
        await one.done("not_ready", reason="BREAK")
        await two.done("ready")
        await press(floor, "1001", "transfer/1002")
        await until(
            lambda: any(state == "wrap_up" for state, _ in one.states()), 2, "the first has a wrap-up"
        )
        await talks_with(floor, caller, "1002")
        assert two.pop is not None
        assert two.pop["customer"]["id"]
        assert (two.pop["number"], two.pop["why"]) == (known, "target")
        assert two.pop["put_through_by"] == one.agent["name"]
        await two.done("not_ready", reason="BREAK")
        await press(floor, "1002", "transfer/600")
        await three.done("ready")
        await talks_with(floor, caller, "1003")
        assert three.pop is not None
        assert (three.pop["queue"], three.pop["put_through_by"]) == ("sales", two.agent["name"])
        await asyncio.sleep(0.5)
        await press(floor, "1003", "hangup")
        assert await caller.until_over(3)
        call = await ended_call(floor, known)
        assert call["end_reason"] == "agent_hangup"
        ids = [screen.agent["id"] for screen in (one, two, three)]
        assert talkers(floor, call["id"]) == list(zip(("support", "support", "sales"), ids, strict=True))
        assert [offer["result"] for offer in offers(floor, call["id"])] == ["answered"] * 3
        assert adds_up(floor, call)
        assert call["recording"]
        assert len(list(floor.asterisk_plan.recordings_folder.glob("*.wav"))) == 1
        wrap_ups = await until(
            lambda: (
                (found := rows(floor, "SELECT * FROM wrap_ups WHERE call_id = ?", call["id"]))[2:] and found
            ),
            5,
            "three wrap-ups",
        )
        assert sorted(one["agent_id"] for one in wrap_ups) == sorted(ids)


async def test_the_phone_puts_through_to_nobody_and_a_caller_gives_up(make_floor: MakeFloor) -> None:
    """A number that is nobody's brings the caller back into the line, and text that is no number leaves the talk as it
    is; a caller who hangs up at the instant of the transfer is on record once, and nobody is left with the call."""
    floor = await make_floor(agents=2, screens=[], queues=QUEUES)
    async with AtScreen(floor, "agent1001", "1001") as one, AtScreen(floor, "agent1002", "1002") as two:
        await one.done("ready")
        async with ear(floor, NUMBER) as caller:
            await dial_in(caller)
            await talks_with(floor, caller, "1001")
            await one.done("not_ready", reason="BREAK")
            await press(floor, "1001", "transfer/8888")
            await until(lambda: "caller put through to nobody" in floor.log("core"), 3, "it is logged")
            await two.done("ready")
            await talks_with(floor, caller, "1002")
            await two.done("not_ready", reason="BREAK")
            await caller.hang_up()
        call = await ended_call(floor, NUMBER)
        assert [queue for queue, _ in talkers(floor, call["id"])] == ["support", "support"]
        assert adds_up(floor, call)
        await one.done("ready")
        async with ear(floor, OTHER) as caller:
            await dial_in(caller)
            await talks_with(floor, caller, "1001")
            await one.done("not_ready", reason="BREAK")
            referred = asyncio.create_task(press(floor, "1001", "transfer/600"))
            await asyncio.sleep(0.02)
            await caller.hang_up()
            await asyncio.gather(referred, return_exceptions=True)
        call = await ended_call(floor, OTHER)
        assert call["end_reason"] in {"caller_hangup", "abandoned"}
        assert adds_up(floor, call)
        for desk in (one, two):
            await desk.until_state("not_ready", 5, "BREAK")
            await desk.until_no_call(2)


async def test_the_button_puts_through(make_floor: MakeFloor) -> None:
    """To a colleague, then to a queue that no telephone can dial; hostile text does nothing at all."""
    floor = await make_floor(agents=2, screens=[], queues=QUEUES)
    async with (
        AtScreen(floor, "agent1001", "1001") as one,
        AtScreen(floor, "agent1002", "1002") as two,
        ear(floor, NUMBER) as caller,
    ):
        await one.done("ready")
        await dial_in(caller)
        await talks_with(floor, caller, "1001")
        assert one.call is not None
        call_id = one.call["id"]
        for target in (
            "1002,1",
            "1002@callcenter-phones/n",
            "${EXTEN}",
            "1002" + chr(13) + chr(10) + "Priority: 2",
        ):
            refused = await one.order("transfer", call_id=call_id, agent=target)
            assert (refused["type"], refused["code"]) == ("error", "bad_input")
        assert (await two.order("transfer", call_id=call_id, queue="sales"))["code"] == "not_talking"
        await one.done("not_ready", reason="BREAK")
        await two.done("ready")
        await one.done("transfer_targets")
        targets = await until(lambda: one.told.get("targets"), 2, "the targets")
        assert [agent["state"] for agent in targets["agents"]] == ["ready"]
        await one.done("transfer", call_id=call_id, agent="1002")
        await talks_with(floor, caller, "1002")
        assert two.call is not None
        assert two.call["id"] == call_id
        await two.done("not_ready", reason="BREAK")
        await two.done("transfer", call_id=call_id, queue="support")
        await asyncio.sleep(0.5)
        await one.done("ready")
        await talks_with(floor, caller, "1001")
        await caller.hang_up()
        call = await ended_call(floor, NUMBER)
        assert call["id"] == call_id
        ids = [one.agent["id"], two.agent["id"]]
        assert [agent for _, agent in talkers(floor, call_id)] == [ids[0], ids[1], ids[0]]
        assert adds_up(floor, call)
    audited = rows(floor, "SELECT * FROM audit WHERE action = 'call_put_through' ORDER BY at")
    assert len(audited) == 2


async def test_the_core_dies_between_the_transfer_and_the_new_dialogue(make_floor: MakeFloor) -> None:
    """The agent who was dialled is rung plainly, and they talk; a queue's number leads to the fallback queue. When the
    core is back, both are on record, once each."""
    floor = await make_floor(agents=3, screens=[], queues=QUEUES)
    async with (
        AtScreen(floor, "agent1001", "1001") as one,
        AtScreen(floor, "agent1002", "1002") as two,
        AtScreen(floor, "agent1003", "1003"),
        ear(floor, NUMBER) as caller,
        ear(floor, OTHER) as other,
    ):
        await one.done("ready")
        await dial_in(caller)
        await talks_with(floor, caller, "1001")
        await two.done("ready")
        await dial_in(other)
        await talks_with(floor, other, "1002")
        floor.signal_core(signal.SIGSTOP)
        referred = [
            asyncio.create_task(press(floor, "1001", "transfer/1003")),
            asyncio.create_task(press(floor, "1002", "transfer/600")),
        ]
        await asyncio.sleep(0.3)
        floor.kill_core_for_good()
        await asyncio.gather(*referred)
        await talks_with(floor, caller, "1003")
        # Paused in the fallback queue, 1003 can only have been dialled.
        assert len(phone_events(floor, "invite", extension="1003")) == 1
        assert not other.leg.over.is_set()
        await caller.hang_up()
        await other.hang_up()
    await floor.stop_process("core")
    await floor.start_core()
    ends = {NUMBER: "agent_hangup", OTHER: "abandoned"}
    for number, reason in ends.items():
        call = await ended_call(floor, number, 10)
        assert call["end_reason"] == reason
        assert "reconstructed" in call["marks"]
        assert talkers(floor, call["id"])
        assert adds_up(floor, call, 1000)


@pytest.mark.parametrize("last", ["agent", "caller"])
async def test_an_attended_transfer_by_the_phone(make_floor: MakeFloor, last: str) -> None:
    """F13: the agent asks a colleague on a second line and joins them (REFER with Replaces): the first has wrap-up at
    once, the second owns the call, has the customer on the screen, and wrap-up at its end."""
    floor = await make_floor(
        agents=2,
        screens=[],
        queues=QUEUES,
        behaviours={"1001": {"kind": "auto", "answer_after": (0.2, 0.2), "talk": None, "lines": 2}},
    )
    async with (
        AtScreen(floor, "agent1001", "1001") as one,
        AtScreen(floor, "agent1002", "1002") as two,
        ear(floor, NUMBER) as caller,
    ):
        await one.done("ready")
        await dial_in(caller)
        await talks_with(floor, caller, "1001")
        assert one.call is not None
        call_id = one.call["id"]
        await two.done("ready")
        await press(floor, "1001", "hold")
        await press(floor, "1001", "dial/1002")
        await two.until_state("on_call", 5)
        await asyncio.sleep(0.5)
        await press(floor, "1001", "join")
        await talks_with(floor, caller, "1002")
        await until(
            lambda: any(state == "wrap_up" for state, _ in one.states()), 2, "the first has a wrap-up"
        )
        assert two.state == "on_call"
        assert two.call is not None
        assert two.call["id"] == call_id
        assert two.pop is not None
        assert (two.pop["call_id"], two.pop["put_through_by"]) == (call_id, one.agent["name"])
        if last == "agent":
            await press(floor, "1002", "hangup")
            await until(lambda: "survey" in stages(floor, call_id), 3, "the caller is asked how it was")
        await caller.hang_up()
        call = await ended_call(floor, NUMBER)
        assert (call["id"], call["end_reason"]) == (call_id, f"{last}_hangup")
        assert [agent for _, agent in talkers(floor, call_id)][-1] == two.agent["id"]
        assert adds_up(floor, call)
        for desk in (one, two):
            await desk.until_state("ready", 5)
            await desk.until_no_call(2)
