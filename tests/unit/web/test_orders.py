"""What a page may order: what is let through to the desk, and what never gets there."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.errors import BadInput, Conflict
from callcenter.ids import AgentId, UserId
from callcenter.web.orders import NUMBER, Orders
from callcenter.web.screens import ScreenHub
from tests.fakes.fake_desk import FakeDesk

pytestmark = pytest.mark.unit
ME = AgentId(1)
CRLF = chr(13) + chr(10)


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk(ScreenHub())


@pytest.fixture
def orders(desk: FakeDesk) -> Orders:
    return Orders(desk, desk.hub)


async def test_numbers_are_cleaned_of_spacing_and_passed_on(orders: Orders, desk: FakeDesk) -> None:
    """People write numbers with blanks and dashes."""
    done = await orders.obey(ME, {"type": "dial", "number": "+86 138-0013 8000"})
    assert done == {"call_id": "c" * 32}
    assert desk.told == [("dial", ME, "+8613800138000", None, None)]


@pytest.mark.parametrize(
    "number",
    [
        "233@from-internal/n" + CRLF + "Application: System",
        "500&PJSIP/itsp/1900",
        "100,,,U(x)",
        "${SHELL(id)}",
        "Local/100@x",
        "../etc",
        "1001\n",
        "+",
        "1" * 33,
        "١٢٣",
        "",
        None,
        17,
        ["1001"],
        {"number": "1001"},
    ],
)
async def test_what_is_no_number_never_reaches_the_desk(
    orders: Orders, desk: FakeDesk, number: object
) -> None:
    """Attacks A3 to A5: refused here, with words."""
    with pytest.raises(BadInput):
        await orders.obey(ME, {"type": "dial", "number": number})
    assert desk.told == []


@given(st.text(max_size=60))
async def test_only_plain_numbers_pass(number: str) -> None:
    """Whatever is typed: the desk gets a strict number or nothing."""
    desk = FakeDesk(ScreenHub())
    try:
        await Orders(desk, desk.hub).obey(ME, {"type": "dial", "number": number})
    except BadInput:
        assert desk.told == []
    else:
        assert NUMBER.fullmatch(desk.told[0][2])


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": 1},
        {"type": "listen", "agent_id": 2},
        {"type": "force_ready"},
        {"type": "__init__"},
        {"type": "not_ready"},
        {"type": "not_ready", "reason": "lunch"},
        {"type": "dial"},
        {"type": "dial", "number": "1001", "customer_id": 3},
        {"type": "dial", "customer_id": True},
        {"type": "dial", "customer_id": -1},
        {"type": "dial", "customer_id": 1.5},
        {"type": "dial", "customer_id": 2**63},
        {"type": "finish_wrap_up", "disposition": "A B", "note": ""},
        {"type": "finish_wrap_up", "disposition": "RESOLVED", "note": "x" * 2001},
        {"type": "finish_wrap_up", "disposition": "RESOLVED", "note": "bell \x07"},
        {"type": "finish_wrap_up", "disposition": "RESOLVED", "note": "\ud800"},
        {"type": "log_complaint", "category": "other", "severity": "extreme", "subject": "x"},
        {"type": "plan_follow_up", "customer_id": 1, "reason": "x", "due_at": "2026-01-31T15:00:00"},
        {"type": "plan_follow_up", "customer_id": 1, "reason": "x", "due_at": "tomorrow"},
        {"type": "pop_shown", "call_id": "../x"},
        {"type": "pop_shown", "call_id": "a" * 32, "offer_id": 5},
    ],
)
async def test_malformed_orders_are_refused(orders: Orders, desk: FakeDesk, fields: dict[str, Any]) -> None:
    """Also orders that only a supervisor might once have (A14): there is no such order."""
    with pytest.raises(BadInput):
        await orders.obey(ME, fields)
    assert desk.told == []


async def test_a_follow_up_is_planned_in_utc(orders: Orders, desk: FakeDesk) -> None:
    """The browser's offset is applied."""
    fields = {"customer_id": "17", "reason": "r", "note": "n", "due_at": "2026-01-31T15:00:00+08:00"}
    assert await orders.obey(ME, {"type": "plan_follow_up", **fields}) == {"follow_up_id": 7}
    assert desk.told[0] == ("plan_follow_up", ME, 17, "r", "n", dt.datetime(2026, 1, 31, 7, tzinfo=dt.UTC))


async def test_a_complaint_needs_no_customer(orders: Orders, desk: FakeDesk) -> None:
    """An unknown caller may complain as well."""
    fields = {
        "category": "other",
        "severity": "high",
        "subject": "Rude",
        "text": "two\nlines",
        "customer_id": None,
    }
    assert await orders.obey(ME, {"type": "log_complaint", **fields}) == {"number": "C-000042"}
    assert desk.told == [("log_complaint", ME, "other", "high", "Rude", "two\nlines", None)]


CALL = "a" * 32


async def test_a_caller_is_put_through(desk: FakeDesk) -> None:
    """To a colleague's extension or to a queue; it is audited, and the targets come as a message of their own."""
    kept: list[tuple[str, int, dict[str, str]]] = []

    def audit(action: str, user_id: UserId, **facts: str) -> None:
        kept.append((action, user_id, facts))

    orders = Orders(desk, desk.hub, audit)
    assert await orders.obey(ME, {"type": "transfer_targets"}) == {}
    assert await orders.obey(ME, {"type": "transfer", "call_id": CALL, "agent": "1002"}) == {}
    assert await orders.obey(ME, {"type": "transfer", "call_id": CALL, "agent": "", "queue": "sales"}) == {}
    assert desk.told == [("transfer", ME, CALL, "1002", ""), ("transfer", ME, CALL, "", "sales")]
    assert kept == [
        ("call_put_through", 1, {"call_id": CALL, "to_agent": "1002"}),
        ("call_put_through", 1, {"call_id": CALL, "to_queue": "sales"}),
    ]


async def test_a_refused_one_is_not_audited(desk: FakeDesk) -> None:
    """Nothing was done."""
    kept: list[str] = []

    def audit(action: str, user_id: UserId, **facts: str) -> None:
        kept.append(action)

    orders = Orders(desk, desk.hub, audit)
    with pytest.raises(Conflict):
        await orders.obey(ME, {"type": "transfer", "call_id": CALL, "agent": "1009"})
    assert kept == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"agent": "1002", "queue": "sales"},
        {"agent": "1002" + CRLF + "Exten: 0"},
        {"agent": "1002,1"},
        {"agent": "1002@from-internal/n"},
        {"agent": "${SHELL(id)}"},
        {"agent": "1" * 21},
        {"agent": 1002},
        {"agent": ["1002"]},
        {"queue": "Sales"},
        {"queue": "../sales"},
        {"queue": "sales\n"},
        {"queue": "x" * 41},
        {"agent": "1002", "call_id": "a" * 31},
        {"agent": "1002", "call_id": "A" * 32},
        {"agent": "1002", "call_id": ""},
        {"agent": "1002", "call_id": None},
    ],
)
async def test_what_is_no_target_never_reaches_the_desk(
    orders: Orders, desk: FakeDesk, fields: dict[str, object]
) -> None:
    """A4: hostile or careless text in the target or the call."""
    with pytest.raises(BadInput):
        await orders.obey(ME, {"type": "transfer", "call_id": CALL, **fields})
    assert desk.told == []
