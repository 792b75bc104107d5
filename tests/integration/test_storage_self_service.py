"""Customers who serve themselves: PINs with their lock-out, how a case stands, a complaint that is spoken."""

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
import structlog
from argon2 import Parameters, PasswordHasher, extract_parameters
from sqlalchemy import func, insert, select

from callcenter.calls.call import Call, Direction
from callcenter.calls.number import normalise
from callcenter.clock import ManualClock
from callcenter.complaints.status import Status
from callcenter.customers.pins import PinResult
from callcenter.errors import BadInput, NotFound
from callcenter.ids import CallId, CustomerId
from callcenter.storage import sample, tables
from callcenter.storage import sample_self_service as printed
from callcenter.storage.calls import StoredCalls
from callcenter.storage.cases import StoredCases
from callcenter.storage.database import Database, DatabaseAway, upgrade
from callcenter.storage.pins import StoredPins

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CUSTOMERS = 3


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Three customers; the first has two orders and a complaint."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'callcenter.db'}"
    await upgrade(url)
    database = Database(url)
    async with database.writing() as connection:
        for number in range(1, CUSTOMERS + 1):
            customer = {
                "id": number, "name": f"客户{number}", "company": "", "tier": "key", "language": "zh", "notes": "",
                "extra": {}, "created_at": NOW,
            }  # fmt: skip
            await connection.execute(insert(tables.customers), customer)
    yield database
    await database.close()


@pytest.fixture
def clock() -> ManualClock:
    """Nine o'clock on a Monday."""
    return ManualClock(NOW)


@pytest.fixture
async def pins(database: Database, clock: ManualClock) -> StoredPins:
    """Customer 1 has a PIN, 2 has none."""
    pins = StoredPins(database, clock, hasher=QUICK)
    await pins.set_pin(CustomerId(1), "4711")
    return pins


KNOWN, WRONG, LOCKED = PinResult("known", CustomerId(1)), PinResult("wrong"), PinResult("locked")

# ------------------------------------------------------------ PINs


async def test_the_right_pin_tells_who_it_is(pins: StoredPins) -> None:
    """However the number is typed; only with this PIN; only ASCII digits are digits."""
    for number in ("1", "0001", " 1 ", "1#"):
        assert await pins.verify(number, "4711") == KNOWN
    assert await pins.verify("1", "4712") == WRONG
    assert await pins.verify("2", "4711") == WRONG
    assert await pins.verify("", "4711") == WRONG
    assert await pins.verify("١", "4711") == WRONG
    assert await pins.verify("1", "٤٧١١") == WRONG
    assert await pins.verify("1", "") == WRONG
    assert await pins.verify("1", "4711") == KNOWN


@pytest.mark.parametrize("number", ["1", "2", "999", str(10**20), "9" * 500])
async def test_five_wrong_ones_in_a_row_lock_any_number(
    pins: StoredPins, clock: ManualClock, number: str
) -> None:
    """Of a customer with a PIN, without one, of nobody: the same answers, so that nobody learns which there are.
    After half an hour there are five tries again."""
    for _ in range(2):
        assert [await pins.verify(number, "0000") for _ in range(6)] == [*[WRONG] * 4, LOCKED, LOCKED]
        assert await pins.verify(number, "4711") == LOCKED
        clock.move(1799)
        assert await pins.verify(number, "4711") == LOCKED
        clock.move(1)
    assert await pins.verify(number, "4711") == (KNOWN if number == "1" else WRONG)


async def test_a_right_one_forgets_the_wrong_ones(pins: StoredPins) -> None:
    """Only wrong ones in a row count; another number's don't."""
    for _ in range(3):
        assert [await pins.verify("1", "0000") for _ in range(4)] == [WRONG] * 4
        assert await pins.verify("3", "0000") in {WRONG, LOCKED}
        assert await pins.verify("1", "4711") == KNOWN


async def test_leading_zeros_are_no_further_tries(pins: StoredPins) -> None:
    """A number typed in ten ways is one number."""
    tried = [await pins.verify("0" * zeros + "1", "0000") for zeros in range(6)]
    assert tried == [WRONG] * 4 + [LOCKED] * 2


class Watched(PasswordHasher):
    """Notes what it verifies, and is slow enough for others to come in between."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.seen: list[tuple[str, Parameters]] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  argon2's word
        self.seen.append((str(password), extract_parameters(str(hash))))
        time.sleep(0.01)
        return super().verify(hash, password)


async def test_many_who_guess_at_once_have_no_more_tries_than_one(
    database: Database, clock: ManualClock
) -> None:
    """A try is counted before it is made: of forty at the same moment five are looked at, even over two processes."""
    hasher = Watched()
    two = [StoredPins(database, clock, hasher=hasher) for _ in range(2)]
    await two[0].set_pin(CustomerId(1), "0039")
    results = await asyncio.gather(*(two[guess % 2].verify("1", f"{guess:04d}") for guess in range(40)))
    assert len(hasher.seen) == 5
    assert (results.count(WRONG), results.count(LOCKED)) == (4, 36)
    assert await two[0].verify("1", "0039") == LOCKED


async def test_nobody_learns_from_the_time_which_customers_there_are(
    database: Database, clock: ManualClock
) -> None:
    """Whoever is tried, a hash of the same cost is verified once: for a PIN of a customer, for a customer without
    one, for a number of nobody, and for what can be no PIN."""
    hasher = Watched()
    pins = StoredPins(database, clock, hasher=hasher)
    await pins.set_pin(CustomerId(1), "4711")
    for number, pin in (
        ("1", "4711"),
        ("1", "0000"),
        ("2", "0000"),
        ("999", "0000"),
        ("9" * 30, "0"),
        ("1", ""),
    ):
        await pins.verify(number, pin)
    assert len(hasher.seen) == 6
    assert all(parameters == hasher.seen[0][1] for _, parameters in hasher.seen)


async def test_setting_a_pin(pins: StoredPins, database: Database) -> None:
    """A new one replaces the old one and unlocks; wrong ones are refused without being repeated; only a hash is
    kept."""
    for _ in range(5):
        await pins.verify("1", "0000")
    assert await pins.verify("1", "4711") == LOCKED
    await pins.set_pin(CustomerId(1), "900900900900")
    assert await pins.verify("1", "4711") == WRONG
    assert await pins.verify("1", "900900900900") == KNOWN
    for wrong in ("123", "1234567890123", "12a4", "", "١٢٣٤", "1234\n"):
        with pytest.raises(BadInput, match="4 to 12 digits") as caught:
            await pins.set_pin(CustomerId(1), wrong)
        assert not wrong or wrong not in str(caught.value)
    with pytest.raises(NotFound):
        await pins.set_pin(CustomerId(99), "1234")
    async with database.reading() as connection:
        [kept] = (await connection.scalars(select(tables.customer_pins.c.pin_hash))).all()
    assert kept.startswith("$argon2id$")
    assert "900900900900" not in kept


async def test_old_tries_are_forgotten(pins: StoredPins, database: Database, clock: ManualClock) -> None:
    """Numbers that somebody mistyped once don't fill the database for ever."""
    for number in range(100, 110):
        await pins.verify(str(number), "0000")
    clock.move(31 * 86400)
    await pins.verify("1", "0000")
    async with database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(tables.pin_tries)) == 1


async def test_a_pin_is_in_no_log_and_no_error(pins: StoredPins, database: Database) -> None:
    """Right, wrong, or with the database broken."""
    with structlog.testing.capture_logs() as logs:
        await pins.verify("1", "4711")
        await pins.verify("1", "9753186420")
        async with database.writing() as connection:
            await connection.exec_driver_sql("DROP TABLE pin_tries")
        with pytest.raises(DatabaseAway) as caught:
            await pins.verify("1", "9753186420")
    assert "9753186420" not in repr(logs) + repr(caught.value) + repr(caught.value.__cause__)
    assert "4711" not in repr(logs)


# ------------------------------------------------------------ how a case stands


async def an_order(
    database: Database, number: str, *, customer: int = 1, day: int = 0, amount: str = "99.5"
) -> None:
    """An order so many days after the fifth of January, 20:00 UTC."""
    async with database.writing() as connection:
        row = {
            "customer_id": customer, "number": number, "ordered_at": NOW + dt.timedelta(days=day, hours=11),
            "amount": Decimal(amount), "currency": "CNY", "state": "shipped",
        }  # fmt: skip
        await connection.execute(insert(tables.orders), row)


async def test_an_order_is_found_by_what_can_be_typed(database: Database, clock: ManualClock) -> None:
    """By its number, by its digits alone, the latest without any; only the customer's own."""
    cases = StoredCases(database, clock)
    who = CustomerId(1)
    assert await cases.status("order", who, None) is None
    await an_order(database, "O-00012345", day=0)
    await an_order(database, "AB-777/X", day=2, amount="12340.50")
    await an_order(database, "O-555", customer=2, day=9)
    latest = Status("AB-777/X", "shipped", "2026-01-07T20:00:00+00:00", amount="12340.50 CNY")
    assert await cases.status("order", who, None) == latest
    for typed in ("777", "ab-777/x", "AB 777 X"):
        assert await cases.status("order", who, typed) == latest
    found = await cases.status("order", who, "00012345")
    assert found is not None
    assert (found.number, found.amount) == ("O-00012345", "99.50 CNY")
    for typed in ("555", "12345", "O-777", "", "#", "' OR 1=1 --", "7" * 5000):
        assert await cases.status("order", who, typed) is None
    with pytest.raises(BadInput):
        await cases.status("customer", who, None)


async def test_of_two_orders_with_the_same_digits_the_very_number_or_the_latest_is_meant(
    database: Database, clock: ManualClock
) -> None:
    """``12`` is the order 12 if there is one, else the latest of A-12 and B-12."""
    cases = StoredCases(database, clock)
    await an_order(database, "A-12", day=1)
    await an_order(database, "B-12", day=2)
    found = await cases.status("order", CustomerId(1), "12")
    assert found is not None
    assert found.number == "B-12"
    await an_order(database, "12", day=0)
    found = await cases.status("order", CustomerId(1), "12")
    assert found is not None
    assert found.number == "12"


async def test_dates_are_told_where_the_customer_is(database: Database, clock: ManualClock) -> None:
    """Eight in the evening in UTC is tomorrow in Shanghai."""
    await an_order(database, "1")
    cases = StoredCases(database, clock, ZoneInfo("Asia/Shanghai"))
    found = await cases.status("order", CustomerId(1), None)
    assert found is not None
    assert found.date == "2026-01-06T04:00:00+08:00"


def a_call(*, customer: int | None = 1, language: str = "zh") -> Call:
    """A call in which somebody complains."""
    clock = ManualClock(NOW)
    number = normalise("+8613800138000", "CN")
    call = Call(CallId("c" * 32), Direction.INBOUND, number, "", "4001", clock.now(), clock.wall())
    call.customer_id = None if customer is None else CustomerId(customer)
    call.language = language
    return call


async def test_a_spoken_complaint_is_kept_and_can_be_asked_for(
    database: Database, clock: ManualClock
) -> None:
    """Its number is read back; typed by its digits it tells how it stands, to this customer alone."""
    cases = StoredCases(database, clock)
    number = await cases.complain(a_call(), "service", "high", "r" * 32, 34.7)
    assert number == "C-000001"
    for typed in (None, "1", "000001", "C-000001", "c000001"):
        found = await cases.status("complaint", CustomerId(1), typed)
        assert found == Status("C-000001", "received", "2026-01-05T09:00:00+00:00")
    for typed in ("2", "0", "", "9" * 40, "' OR 1=1"):
        assert await cases.status("complaint", CustomerId(1), typed) is None
    assert await cases.status("complaint", CustomerId(2), "1") is None
    assert await cases.status("complaint", CustomerId(2), None) is None
    [line] = await StoredCalls(database, clock).complaints_of(CallId("c" * 32))
    assert (line.subject, line.severity, line.recording_id) == ("语音投诉，35 秒", "high", "r" * 32)
    async with database.reading() as connection:
        [event] = (await connection.execute(select(tables.complaint_events))).mappings().all()
        text = await connection.scalar(select(tables.complaints.c.text))
    assert (event["by_id"], event["text"]) == (0, "语音投诉，35 秒")
    assert "录音" in (text or "")


async def test_a_recording_is_one_complaint(database: Database, clock: ManualClock) -> None:
    """Told again (the flow tried again), it has the same number; another recording is another complaint."""
    cases = StoredCases(database, clock)
    call = a_call(language="en")
    first = await cases.complain(call, "service", "low", "a" * 32, 5)
    assert await cases.complain(call, "service", "low", "a" * 32, 5) == first
    assert await cases.complain(call, "service", "low", "b" * 32, 5) != first
    lines = await StoredCalls(database, clock).complaints_of(call.id)
    assert [line.subject for line in lines] == ["Complaint by voice, 5 s"] * 2


@pytest.mark.parametrize("customer", [None, 10**6])
async def test_a_complaint_of_somebody_unknown_is_not_lost(
    database: Database, clock: ManualClock, customer: int | None
) -> None:
    """Nobody knows the caller, or their record was deleted meanwhile: it belongs to the call."""
    cases = StoredCases(database, clock)
    number = await cases.complain(a_call(customer=customer, language="fr"), "other", "medium", "a" * 32, 9)
    [line] = await StoredCalls(database, clock).complaints_of(CallId("c" * 32))
    assert (line.number, line.subject) == (number, "Complaint by voice, 9 s")
    with pytest.raises(BadInput, match="terrible"):
        await cases.complain(a_call(), "service", "terrible", "b" * 32, 9)


# ------------------------------------------------------------ the sample


async def test_the_sample_can_be_tried_by_telephone(tmp_path: Path, clock: ManualClock) -> None:
    """As its text says: customers 1 to 5 have the printed PIN and an order that can be typed; nobody else does."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'sample.db'}"
    await upgrade(url)
    database = Database(url)
    await sample.fill(database, clock, lambda _: "hash", customers=10)
    pins, cases = StoredPins(database, clock), StoredCases(database, clock)
    try:
        for number in printed.CUSTOMERS:
            assert await pins.verify(str(number), printed.PIN) == PinResult("known", CustomerId(number))
        assert await pins.verify("6", printed.PIN) == WRONG
        for typed in (None, "10000003"):
            found = await cases.status("order", CustomerId(3), typed)
            assert found is not None
            assert (found.number, found.state) == ("O-10000003", "shipped")
    finally:
        await database.close()
