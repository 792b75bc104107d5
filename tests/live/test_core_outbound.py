"""Click to call: the agent's phone first, then the customer's. Each attempt is on record with what came of it."""

import asyncio
from functools import partial
from typing import Any

import pytest

from callcenter.demo.floor import Floor
from callcenter.rig.customers import Customers
from tests.live.ami_proxy import AmiProxy
from tests.live.at_screen import AtScreen
from tests.live.conftest import MakeFloor
from tests.live.watching import adds_up, behave, phone_events, rows, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(110)]

ANSWERS = "+8613911180010"
WAYS = {
    "+8613911180001": ("busy", "busy"),
    "+8613911180003": ("rejected", "rejected"),
    "+8613911180005": ("failed", "failed"),
    "+8613911180004": ("answered", "caller_hangup"),
}
"""What these customers do, by their last two digits: result of the attempt, end of the call."""
NEVER_ANSWERS = "+8613911180002"
LINE_END = "\r" + "\n"
HOSTILE = (
    f"233@from-internal/n{LINE_END}Action: Command{LINE_END}Command: core show version",
    f"+8613911180010{LINE_END}Application: System{LINE_END}Data: id",
    "500&PJSIP/itsp/19005550100",
    "100,,,U(x)",
    "${SHELL(id)}",
    "Local/1002@callcenter-phones",
    "../../etc/passwd",
    "\u0660\u0661\u0662\u0663",
    "1" * 40,
    "*72",
    "1002",
)


async def test_click_to_call(make_floor: MakeFloor) -> None:
    """Answered, busy, rejected, no such number, put down at once, not answered, the agent hangs up, the agent's own
    phone is not taken: result on record, pop shown, agent free again. Hostile numbers never reach Asterisk (A3-A5)."""
    async with AmiProxy() as proxy:
        floor = await make_floor(
            screens=[],
            overrides={"asterisk": {"ami_port": proxy.port}, "routing": {"ring_seconds": 2}},
            start=False,
        )
        proxy.target = floor.asterisk_plan.ami_port
        await floor.start()
        customers = Customers(floor.plan.folder / "customers", floor.asterisk_plan.trunk_port, talk=1.0)
        async with customers, AtScreen(floor, "agent1001", "1001") as desk:
            await desk.done("ready")
            await _answered(floor, desk, customers)
            for number, (result, reason) in WAYS.items():
                call = await _dialled(floor, desk, number)
                assert call["end_reason"] == reason, number
                assert _attempt(floor, call) == result, number
            await _hung_up_by_the_desk(floor, desk)
            await _own_phone_not_taken(floor, desk)
            await _hostile_numbers(floor, desk, proxy)


@pytest.mark.long
async def test_a_customer_who_never_answers(make_floor: MakeFloor) -> None:
    """After 45 s the customer's phone is let be: no answer."""
    floor = await make_floor(screens=[])
    customers = Customers(floor.plan.folder / "customers", floor.asterisk_plan.trunk_port)
    async with customers, AtScreen(floor, "agent1001", "1001") as desk:
        await desk.done("ready")
        call = await _dialled(floor, desk, NEVER_ANSWERS, limit=60)
        assert (call["end_reason"], _attempt(floor, call)) == ("no_answer", "no_answer")
        assert call["ended_at"] - call["arrived_at"] > 44_000
        assert [one.ended for one in customers.calls()] == ["cancelled"]


async def _answered(floor: Floor, desk: AtScreen, customers: Customers) -> None:
    done = await desk.done("dial", number="139 1118 0010")
    await until(lambda: desk.call and desk.call["stage"] == "talking", 8, "they talk")
    assert desk.pop is not None
    assert (desk.pop["call_id"], desk.pop["direction"]) == (done["call_id"], "outbound")
    assert desk.pop["number"] == ANSWERS
    again = await desk.order("dial", number=ANSWERS)
    assert (again["type"], again["code"]) == ("error", "busy")
    call = await _ended(floor, desk, done["call_id"], 8)
    assert call["end_reason"] == "caller_hangup"
    assert _attempt(floor, call) == "answered"
    assert call["talked_ms"] > 500
    assert customers.calls()[0].answered
    wrap_ups = rows(floor, "SELECT * FROM wrap_ups WHERE call_id = ?", call["id"])
    assert [one["disposition"] for one in wrap_ups] == ["RESOLVED"]


async def _hung_up_by_the_desk(floor: Floor, desk: AtScreen) -> None:
    """While the customer's phone rings, and in a talk."""
    for number, stage, result in ((NEVER_ANSWERS, "ringing", "no_answer"), (ANSWERS, "talking", "answered")):
        done = await desk.done("dial", number=number)
        await until(partial(_is_at, desk, stage), 8, f"the call is {stage}")
        await asyncio.sleep(0.3)
        await desk.done("hang_up")
        call = await _ended(floor, desk, done["call_id"], 5)
        assert _attempt(floor, call) == result
    ended = phone_events(floor, "ended", extension="1001")
    assert len(ended) == len(phone_events(floor, "invite", extension="1001"))


def _is_at(desk: AtScreen, stage: str) -> bool:
    return desk.call is not None and desk.call["stage"] == stage


async def _own_phone_not_taken(floor: Floor, desk: AtScreen) -> None:
    await behave(floor, "1001", kind="never")
    call = await _dialled(floor, desk, ANSWERS)
    assert _attempt(floor, call) == "agent_not_reached"
    assert call["end_reason"] == "no_answer"
    assert call["talked_ms"] == 0


async def _hostile_numbers(floor: Floor, desk: AtScreen, proxy: AmiProxy) -> None:
    before = len(rows(floor, "SELECT * FROM calls WHERE direction = 'outbound' AND channel_id != ''"))
    sent = len(proxy.sent)
    for number in HOSTILE:
        answer = await desk.order("dial", number=number)
        assert (answer["type"], answer["code"]) == ("error", "bad_input"), number
    await asyncio.sleep(0.3)
    said = bytes(proxy.sent[sent:])
    actions = [line for line in said.split(b"\r\n") if line.startswith(b"Action:")]
    assert set(actions) <= {b"Action: Ping"}, actions
    assert b"Originate" in bytes(proxy.sent[:sent]), "the wire was listened to"
    after = rows(floor, "SELECT * FROM calls WHERE direction = 'outbound' AND channel_id != ''")
    assert len(after) == before
    assert desk.state == "ready"


async def _dialled(floor: Floor, desk: AtScreen, number: str, limit: float = 10) -> dict[str, Any]:
    """Dial; the call on record once it has ended and the agent is free again."""
    pops = len(desk.pops())
    done = await desk.done("dial", number=number)
    await until(lambda: len(desk.pops()) == pops + 1, 2, "the pop is shown")
    return await _ended(floor, desk, done["call_id"], limit)


async def _ended(floor: Floor, desk: AtScreen, call_id: str, limit: float) -> dict[str, Any]:
    found = await until(
        lambda: rows(floor, "SELECT * FROM calls WHERE id = ? AND ended_at IS NOT NULL", call_id),
        limit,
        f"the call has ended, not {desk.call}",
    )
    await desk.until_state("ready", 5)
    await until(lambda: desk.pop is None, 2, "the pop is gone")
    call: dict[str, Any] = found[0]
    assert adds_up(floor, call)
    return call


def _attempt(floor: Floor, call: dict[str, Any]) -> str:
    """The result of the one attempt of this call."""
    [attempt] = rows(floor, "SELECT * FROM follow_up_attempts WHERE call_id = ?", call["id"])
    return str(attempt["result"])
