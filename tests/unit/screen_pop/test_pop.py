"""The pop: what is in it, that it is plain data, and that one call pops once."""

import datetime as dt
import json

import pytest

from callcenter.bus import Bus
from callcenter.calls.call import Call, Direction, Stage
from callcenter.calls.live_calls import LiveCalls
from callcenter.calls.number import normalise
from callcenter.customers.customer import (
    ComplaintLine,
    ContactLine,
    CustomerRecord,
    FollowUpLine,
    PromiseLine,
    Tier,
)
from callcenter.customers.lookup import Match, MatchKind
from callcenter.ids import AgentId, CallId, ComplaintId, CustomerId, FollowUpId, OfferId, QueueName
from callcenter.routing.facts import Reason
from callcenter.screen_pop.current import CurrentPops
from callcenter.screen_pop.pop import Why, compose, why_of
from callcenter.screen_pop.presenter import Presenter
from tests.fakes.fake_screens import FakeScreens
from tests.virtual_time import LoopClock

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

AT = dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC)
AGENT = AgentId(1)
RECORD = CustomerRecord(
    CustomerId(5),
    "王芳 <b>",
    "北京公司",
    Tier.VIP,
    "zh",
    AGENT,
    "Agent 1",
    ("+8613800138000", "+861062345678"),
    "likes\ttabs",
    12,
    "12,340.50 CNY",
    (ComplaintLine(ComplaintId(1), "C-000001", "late", "received", AT, None),),
    (ContactLine(AT, "inbound", "sales", "Li", "RESOLVED", "", "c0"),),
    (FollowUpLine(FollowUpId(2), "offer", AT, ""),),
    (PromiseLine("call back", AT, "Li"),),
)


async def a_call(clock: LoopClock, number: str = "13800138000") -> Call:
    """A caller who pressed a key and waits."""
    calls = LiveCalls(Bus(), clock)
    call = Call(
        CallId("c" * 32),
        Direction.INBOUND,
        normalise(number, "CN"),
        "Wang",
        "4001",
        clock.now(),
        clock.wall(),
    )
    calls.add(call)
    calls.enter(call, Stage.WAITING, queue=QueueName("sales"))
    call.keys.append(("menu", "1"))
    return call


async def test_all_that_the_agent_needs() -> None:
    """Name, tier, numbers, owner, complaints, contacts, follow-ups, promises, keys, queue: in plain JSON."""
    clock = LoopClock()
    call = await a_call(clock)
    pop = compose(
        call,
        Match(MatchKind.KNOWN, RECORD),
        clock.now() + 7.26,
        offer_id=OfferId("o"),
        titles=("Sales", "销售"),
        why=Why.LONGEST_IDLE,
        why_seconds=12.0,
    )
    data = json.loads(json.dumps(pop.to_json()))
    assert (data["match"], data["queue_title_zh"], data["waited"], data["keys"]) == (
        "known",
        "销售",
        7.3,
        [["menu", "1"]],
    )
    assert (data["why"], data["why_seconds"]) == ("longest_idle", 12.0)
    customer = data["customer"]
    assert (customer["name"], customer["tier"], customer["owner"]) == ("王芳 <b>", "vip", "Agent 1")
    assert customer["numbers"] == ["+8613800138000", "+861062345678"]
    assert customer["complaints"][0]["opened_at"] == "2026-01-02T03:04:00+00:00"
    assert customer["complaints"][0]["due_at"] is None
    assert customer["contacts"][0]["outcome"] == "RESOLVED"
    assert customer["follow_ups"][0]["reason"] == "offer"
    assert customer["promises"][0]["what"] == "call back"
    assert customer["extra"] == {}


@pytest.mark.parametrize("number", ["anonymous", "12;34\r\n"])
async def test_nothing_of_a_number_that_is_none(number: str) -> None:
    """Withheld and malformed numbers are shown as nothing, never as what was sent."""
    clock = LoopClock()
    pop = compose(await a_call(clock, number), Match(MatchKind.WITHHELD), clock.now(), why=Why.DIRECT)
    assert pop.number == ""
    assert pop.to_json()["customer"] is None


async def test_the_current_pop() -> None:
    """A new pop replaces the old; closing one that isn't shown changes nothing and tells nobody."""
    clock = LoopClock()
    screens, current = FakeScreens(clock), CurrentPops()
    presenter = Presenter(screens, current, clock, {QueueName("sales"): ("Sales", "销售")}, 0.03)
    call = await a_call(clock)
    assert await presenter.show(AGENT, call, Match(MatchKind.UNKNOWN), why=Why.DIRECT)
    shown = current.of(AGENT)
    assert shown is not None
    assert (shown.queue_title_en, shown.offer_id) == ("Sales", None)
    presenter.close(AGENT, CallId("another"))
    presenter.close(AgentId(2), call.id)
    assert current.of(AGENT) is shown
    assert screens.updates == []
    presenter.close(AGENT, call.id)
    presenter.close(AGENT, call.id)
    assert current.of(AGENT) is None
    assert screens.updates == [(AGENT, "pop", {"pop": None})]


async def test_a_screen_that_never_confirms() -> None:
    """It costs the limit and no more; the pop stays for the reload."""
    clock = LoopClock()
    screens, current = FakeScreens(clock), CurrentPops()
    screens.delay = None
    presenter = Presenter(screens, current, clock, {}, 0.03)
    began = clock.now()
    assert not await presenter.show(AGENT, await a_call(clock), Match(MatchKind.UNKNOWN), why=Why.DIRECT)
    assert clock.now() - began == pytest.approx(0.03)
    assert current.of(AGENT) is not None


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (Reason("only_one", {"idle": 3.0}), (Why.ONLY_ONE, None)),
        (Reason("longest_idle", {"idle": 34.5}), (Why.LONGEST_IDLE, 34.5)),
        (Reason("least_work", {"worked": 120.0}), (Why.LEAST_WORK, 120.0)),
        (Reason("most_proficient", {"level": 9}), (Why.MOST_PROFICIENT, None)),
        (Reason("prefers", {"level": 4}), (Why.PREFERS, None)),
        (Reason("rested"), (Why.RESTED, None)),
        (Reason("owner", {"idle": 1.0}), (Why.OWNER, None)),
        (Reason("last_agent", {"idle": 1.0}), (Why.LAST_AGENT, None)),
        (Reason("target", {"idle": 1.0}), (Why.TARGET, None)),
        (Reason("wanted", {"idle": 1.0}), (Why.CHOSEN, None)),
        (Reason("longest_idle", {}), (Why.LONGEST_IDLE, None)),
        (Reason("longest_idle", {"idle": "long"}), (Why.LONGEST_IDLE, None)),
    ],
)
def test_why_this_agent_is_told_with_the_seconds_that_decided(
    reason: Reason, told: tuple[Why, float | None]
) -> None:
    """Levels mean nothing to an agent, and a rule that pages don't know still is a pop."""
    assert why_of(reason) == told
