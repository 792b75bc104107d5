"""An agent's desk: what it may order, the words of each refusal, and what a reload shows."""

import asyncio
import datetime as dt
import json

import pytest

from callcenter.customers.customer import Tier
from callcenter.errors import ActionFailed, BadInput, CallcenterError, Conflict, NotFound
from callcenter.ids import AgentId, CallId, CustomerId
from tests.calls.scene import Deed, Stage
from tests.fakes.centre import SALES, SUPPORT, WRAP_UP, Centre
from tests.fakes.fake_directory import customer
from tests.virtual_time import settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

A, B = AgentId(1), AgentId(2)
NUMBER = "+8613800138000"
TALK: list[Deed] = [(3, "1001", "answers"), (33, "1001", "hangs up")]


async def in_wrap_up(centre: Centre) -> CallId:
    """Agent 1 has talked for 30 s; gives the call."""
    await centre.agent(1)
    line = await centre.waiting()
    await Stage(centre).play(TALK)
    return CallId(line.variables["CC_CALL"])


async def test_orders_of_somebody_who_is_not_logged_in() -> None:
    """Each says so; none does anything."""
    async with Centre() as centre:
        desk = centre.desk
        due = centre.clock.wall()
        for order in (
            lambda: desk.ready(A),
            lambda: desk.not_ready(A, "BREAK"),
            lambda: desk.finish_wrap_up(A, "RESOLVED", ""),
            lambda: desk.snapshot(A),
        ):
            with pytest.raises(NotFound) as refused:
                order()
            assert refused.value.code == "not_logged_in"
        for work in (
            desk.log_out(A),
            desk.answer(A),
            desk.hang_up(A),
            desk.dial(A, number=NUMBER),
            desk.log_complaint(A, category="x", severity="low", subject="x", text="", customer_id=None),
            desk.plan_follow_up(A, customer_id=CustomerId(1), reason="x", note="", due_at=due),
        ):
            with pytest.raises(NotFound):
                await work
        assert not desk.logged_in(A)
        assert (centre.kept.complaints, centre.kept.plans, centre.switch.told[2:]) == ([], [], [])


@pytest.mark.parametrize(
    "extension", ["", "10 01", "1001/n", "100&PJSIP/x", "１００１", "../1", "${x}", "1001\n", "9" * 200]
)
async def test_phones_that_are_none(extension: str) -> None:
    """A phone is named by letters and digits, not by the words of a dial string (A5)."""
    async with Centre() as centre:
        with pytest.raises(BadInput):
            await centre.desk.log_in(A, "Li", extension, frozenset({SALES}))
        assert not centre.desk.logged_in(A)


async def test_presence_is_kept() -> None:
    """Each choice is on record, so that a restarted core gives it back."""
    async with Centre() as centre:
        await centre.agent(1)
        row = centre.recorder.presence_of[A]
        assert (row.presence, row.reason, row.extension) == ("ready", "", "1001")
        centre.desk.not_ready(A, "LUNCH")
        assert centre.recorder.presence_of[A].reason == "LUNCH"
        with pytest.raises(BadInput) as refused:
            centre.desk.not_ready(A, "<script>")
        assert refused.value.code == "unknown_reason"
        await centre.desk.log_out(A)
        assert centre.recorder.presence_of[A].presence == "logged_out"


async def test_busy() -> None:
    """With a call at hand: no leaving, no other phone, no dialling; each with words."""
    async with Centre() as centre:
        await centre.agent(1)
        line = await centre.waiting()
        for deed in ("is rung", "answers"):
            if deed == "answers":
                await Stage(centre).play([(3, "1001", deed)])
            for work in (
                centre.desk.log_out(A),
                centre.desk.dial(A, number=NUMBER),
                centre.desk.log_in(A, "Agent 1", "1009", frozenset({SALES})),
            ):
                with pytest.raises(Conflict) as refused:
                    await work
                assert refused.value.code == "busy"
                assert len(refused.value.message) > 20
        line.leave()
        await settle()


async def test_finishing_the_wrap_up() -> None:
    """Said in time: on record and free; said after the timer: a conflict, and the record stays."""
    async with Centre() as centre:
        call_id = await in_wrap_up(centre)
        with pytest.raises(BadInput):
            centre.desk.finish_wrap_up(A, "NO_SUCH", "")
        assert centre.state(1).value == "wrap_up"
        await asyncio.sleep(20)
        centre.desk.finish_wrap_up(A, "RESOLVED", "done")
        assert centre.state(1).value == "ready"
        [row] = centre.recorder.wrap_ups
        assert (row.call_id, row.disposition, row.note, row.timed_out) == (call_id, "RESOLVED", "done", False)
        assert (row.ended_at - row.started_at).total_seconds() == pytest.approx(20)
        with pytest.raises(Conflict) as refused:
            centre.desk.finish_wrap_up(A, "RESOLVED", "again")
        assert refused.value.code == "no_wrap_up"
        assert len(centre.recorder.wrap_ups) == 1


async def test_after_the_timer() -> None:
    """The pop goes with the wrap-up, and the agent's late word is refused."""
    async with Centre() as centre:
        await in_wrap_up(centre)
        assert centre.pops.of(A) is not None
        await asyncio.sleep(WRAP_UP + 1)
        assert centre.pops.of(A) is None
        with pytest.raises(Conflict):
            centre.desk.finish_wrap_up(A, "RESOLVED", "late")


async def test_a_complaint() -> None:
    """Tied to the call at hand and to the customer of the pop; with neither it is refused with words."""
    async with Centre(customer(5, "Zhao", Tier.KEY, NUMBER)) as centre:
        call_id = await in_wrap_up(centre)
        number = await centre.desk.log_complaint(
            A, category="delivery", severity="high", subject="late", text="", customer_id=None
        )
        assert number == "C-000001"
        [complaint] = centre.kept.complaints
        assert (complaint.call_id, complaint.customer_id, complaint.by) == (call_id, 5, A)
        centre.desk.finish_wrap_up(A, "COMPLAINT", "")
        for wrong in (
            {"severity": "endless"},
            {"category": ""},
            {"category": "x" * 61},
            {"subject": ""},
            {},
        ):
            order = {
                "category": "delivery",
                "severity": "low",
                "subject": "x",
                "text": "",
                "customer_id": None,
            }
            with pytest.raises(BadInput):
                await centre.desk.log_complaint(A, **{**order, **wrong})  # type: ignore[arg-type]
        assert len(centre.kept.complaints) == 1


async def test_a_form_begun_in_an_earlier_call() -> None:
    """It is tied to that call if it was the agent's, and never to somebody else's."""
    async with Centre() as centre:
        call_id = await in_wrap_up(centre)
        centre.desk.finish_wrap_up(A, "RESOLVED", "")
        for meant, tied in ((call_id, call_id), (CallId("f" * 32), None)):
            await centre.desk.log_complaint(
                A,
                category="x",
                severity="low",
                subject="x",
                text="",
                customer_id=CustomerId(1),
                call_id=meant,
            )
            assert centre.kept.complaints[-1].call_id == tied


async def test_planning_a_follow_up() -> None:
    """Owned by who plans it, tied to the call; one in the past is refused."""
    async with Centre() as centre:
        call_id = await in_wrap_up(centre)
        due = centre.clock.wall() + dt.timedelta(days=1)
        await centre.desk.plan_follow_up(A, customer_id=CustomerId(5), reason="confirm", note="n", due_at=due)
        [plan] = centre.kept.plans
        assert (plan.owner_id, plan.call_id, plan.due_at) == (A, call_id, due)
        late = centre.clock.wall() - dt.timedelta(hours=1)
        with pytest.raises(BadInput):
            await centre.desk.plan_follow_up(A, customer_id=CustomerId(5), reason="x", note="", due_at=late)


async def test_answering_from_the_page() -> None:
    """Only where the phone can be told to, and only when it rings."""
    async with Centre() as centre:
        await centre.agent(1)
        with pytest.raises(Conflict) as refused:
            await centre.desk.answer(A)
        assert refused.value.code == "no_call"
        line = await centre.waiting()
        with pytest.raises(Conflict) as refused:
            await centre.desk.answer(A)
        assert refused.value.code == "answer_on_phone"
        centre.control.available = True
        await centre.desk.answer(A)
        assert centre.control.pressed == [("1001", "answer")]
        line.leave()
        await settle()


async def test_hanging_up_from_the_page() -> None:
    """The agent's leg of an inbound call; the whole of an outbound one; a refusal of Asterisk's is passed on."""
    async with Centre() as centre:
        await centre.agent(1)
        with pytest.raises(Conflict):
            await centre.desk.hang_up(A)
        line = await centre.waiting()
        await asyncio.sleep(1)
        await centre.desk.hang_up(A)
        call_id = CallId(line.variables["CC_CALL"])
        assert centre.switch.told[-1] == ("hang_up_phone", call_id, "PJSIP/1001")
        centre.switch.refuse("hang_up_phone")
        with pytest.raises(ActionFailed):
            await centre.desk.hang_up(A)
        line.leave()
        await settle()
        outbound = await centre.desk.dial(A, number=NUMBER)
        await centre.desk.hang_up(A)
        assert centre.switch.told[-1][:2] == ("hang_up_call", outbound)
        await settle()
        centre.trunk.phones["1001"].move(reaction="rejected")
        await settle()


@pytest.mark.parametrize(
    "number",
    [
        "",
        "1001",
        "500&PJSIP/itsp/1900",
        "100,,,U(x)",
        "${SHELL(id)}",
        "Local/1",
        "../",
        "233@from-internal/n\r\nApplication: System",
        "138001*38000",
    ],
)
async def test_numbers_that_are_never_dialled(number: str) -> None:
    """Refused before Asterisk hears of it (A3, A5), with no call, no attempt and the agent still free."""
    async with Centre() as centre:
        await centre.agent(1)
        before = list(centre.switch.told)
        with pytest.raises(CallcenterError):
            await centre.desk.dial(A, number=number)
        assert [order for order in centre.switch.told if order[0] == "click_to_call"] == []
        assert len(centre.switch.told) == len(before)
        assert centre.recorder.attempts == {}
        assert len(centre.calls) == 0
        assert centre.state(1).value == "ready"


async def test_a_reload_loses_nothing() -> None:
    """The snapshot has agent, call, pop and wrap-up at each stage, as plain JSON."""
    async with Centre() as centre:
        await centre.agent(1)
        snapshot = centre.desk.snapshot(A)
        assert (snapshot["call"], snapshot["pop"], snapshot["wrap_up"]) == (None, None, None)
        line = await centre.waiting()
        await asyncio.sleep(1)
        ringing = centre.desk.snapshot(A)
        assert ringing["agent"]["state"] == "reserved"
        assert ringing["call"]["stage"] == "ringing"
        assert ringing["pop"]["call_id"] == line.variables["CC_CALL"]
        await Stage(centre).play([(3, "1001", "answers"), (33, "1001", "hangs up")])
        wrapping = json.loads(json.dumps(centre.desk.snapshot(A)))
        assert wrapping["call"] is None
        assert wrapping["pop"]["call_id"] == line.variables["CC_CALL"]
        assert wrapping["wrap_up"]["seconds_left"] == WRAP_UP
        assert wrapping["telephony"] == "up"
        centre.down()
        assert centre.desk.snapshot(A)["telephony"] == "down"


async def test_what_the_screen_is_told() -> None:
    """Each change of the agent's own state and call, in order, and nothing of anybody else's."""
    async with Centre() as centre:
        await centre.agent(1)
        await centre.agent(2, SUPPORT, ready=False)
        await in_wrap_up_of_first(centre)
        kinds = [kind for who, kind, _ in centre.screens.updates if who == B]
        assert set(kinds) == {"agent"}
        stages = [
            data["call"] and data["call"]["stage"]
            for who, kind, data in centre.screens.updates
            if who == A and kind == "call"
        ]
        assert stages == ["ringing", "talking", None]
        assert centre.screens.last(A, "wrap_up")["seconds_left"] == WRAP_UP
        assert centre.screens.last(A, "agent")["state"] == "wrap_up"
        centre.desk.finish_wrap_up(A, "RESOLVED", "")
        assert centre.screens.last(A, "wrap_up") is None
        assert centre.screens.last(A, "pop") is None
        centre.down()
        assert [centre.screens.last(agent, "telephony") for agent in (A, B)] == ["down", "down"]


async def in_wrap_up_of_first(centre: Centre) -> None:
    """A talk of agent 1, who is there already."""
    await centre.waiting()
    await Stage(centre).play(TALK)
