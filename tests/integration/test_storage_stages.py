"""What the stages ask of the storage, on a real database with the sample in it."""

import asyncio
import datetime as dt
import shutil
import sqlite3
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from callcenter.accounts.coverage import coverage
from callcenter.bus import Bus
from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.live_calls import LiveCalls
from callcenter.calls.number import normalise
from callcenter.clock import ManualClock
from callcenter.complaints.complaint import NewComplaint, Severity
from callcenter.complaints.ports import Complaints
from callcenter.customers.customer import Tier
from callcenter.customers.lookup import Match, MatchKind, identify
from callcenter.customers.ports import CustomerDirectory
from callcenter.customers.ties import ties
from callcenter.errors import NotFound
from callcenter.follow_ups.follow_up import Attempt, AttemptResult, NewFollowUp
from callcenter.follow_ups.ports import FollowUps
from callcenter.history.ports import History, OfferRow, PresenceRow, WrapUpRow
from callcenter.ids import AgentId, CallId, CustomerId, FollowUpId, OfferId, QueueName, UserId, new_id
from callcenter.recordings.files import Recorded
from callcenter.storage import sample, tables
from callcenter.storage.audit import Audit
from callcenter.storage.calls import StoredCalls, StoredHistory
from callcenter.storage.complaints import StoredComplaints
from callcenter.storage.customers import _RECOGNISE, _RECORD, LATEST_CALLS, StoredCustomers
from callcenter.storage.database import Database, RawQuery, upgrade
from callcenter.storage.follow_ups import StoredFollowUps
from callcenter.storage.recorder import DatabaseRecorder, Limits
from callcenter.storage.users import StoredUsers
from callcenter.web import ports as web

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


async def make_sample(path: Path) -> None:
    """A database with the whole sample."""
    database = Database(f"sqlite+aiosqlite:///{path}")
    await upgrade(database.url)
    assert await sample.fill(database, ManualClock(NOW), lambda _: "hash")
    await database.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once, copied for each test."""
    path = tmp_path_factory.mktemp("sample") / "template.db"
    asyncio.run(make_sample(path))
    return path


@pytest.fixture
async def database(template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """With the whole sample."""
    path = tmp_path / "callcenter.db"
    shutil.copyfile(template, path)
    database = Database(f"sqlite+aiosqlite:///{path}", busy_seconds=0.05)
    yield database
    await database.close()


@pytest.fixture
async def recorder(database: Database, tmp_path: Path) -> AsyncIterator[DatabaseRecorder]:
    """A running recorder whose clock stands still."""
    recorder = DatabaseRecorder(database, tmp_path / "j", ManualClock(NOW), limits=Limits(gather=0.001))
    await recorder.start()
    yield recorder
    await recorder.close()


async def a_customer(database: Database, *numbers: str, tier: str = "key", **facts: Any) -> CustomerId:
    """A customer without history."""
    row = {
        "name": "李雷", "company": "蓝海电子", "tier": tier, "language": "zh", "notes": "只和负责人沟通。",
        "extra": {"region": "华东"}, "created_at": NOW, "owner_id": 2, **facts,
    }  # fmt: skip
    async with database.writing() as connection:
        customer = await connection.scalar(
            insert(tables.customers).values(row).returning(tables.customers.c.id)
        )
        for position, number in enumerate(numbers):
            await connection.execute(
                insert(tables.customer_numbers),
                {"customer_id": customer, "number_key": number, "position": position},
            )
    return CustomerId(int(customer or 0))


async def count(database: Database, table: Any) -> int:
    """Rows of a table."""
    async with database.reading() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


# ------------------------------------------------------------ customers


async def test_nobody_one_or_several_have_a_number(database: Database) -> None:
    """Exactly this number; the best tier first, then by id; as many as are asked for."""
    directory: CustomerDirectory = StoredCustomers(database)
    assert (await directory.recognise("+10000000000")).cards == ()
    assert (await directory.recognise("")).cards == ()
    assert (await directory.recognise("' OR 1=1 --")).cards == ()
    small = await a_customer(database, "+861380000001", "+862160000001", tier="small")
    assert [card.id for card in (await directory.recognise("+862160000001")).cards] == [small]
    regular = await a_customer(database, "+861380000001", tier="regular")
    vip = await a_customer(database, "+861380000001", tier="vip")
    second = await a_customer(database, "+861380000001", tier="vip")
    found = (await directory.recognise("+861380000001")).cards
    assert [card.id for card in found] == [vip, second, regular, small]
    assert (found[0].name, found[0].company, found[0].tier) == ("李雷", "蓝海电子", Tier.VIP)
    assert [card.id for card in (await directory.recognise("+861380000001", limit=2)).cards] == [vip, second]


async def test_the_sample_has_two_customers_with_one_number(database: Database) -> None:
    """The caller's match says so honestly."""
    match = await identify(StoredCustomers(database), normalise(sample.SHARED_NUMBER, "CN"))
    assert (match.kind, {card.id for card in match.candidates}) == (MatchKind.SEVERAL, {2, 3})


async def test_the_record_has_everything_in_its_order(database: Database) -> None:
    """Numbers as entered, amounts per currency, what is open only, the most urgent first."""
    who = await a_customer(database, "+861380000002", "+862160000002")
    other = await a_customer(database, "+861380000003")
    async with database.writing() as connection:
        order = {"customer_id": who, "number": "O-1", "ordered_at": NOW, "state": "paid"}
        for amount, currency in (("12340.50", "CNY"), ("0.10", "CNY"), ("99", "USD")):
            row = {**order, "amount": Decimal(amount), "currency": currency}
            await connection.execute(insert(tables.orders), row)
            await connection.execute(insert(tables.orders), {**row, "customer_id": other})
        complaint = {"customer_id": who, "category": "service", "severity": "high", "text": "x"}
        for day, state in enumerate(("received", "closed_confirmed", "investigating", "closed_unconfirmed")):
            opened_at = NOW + dt.timedelta(days=day)
            row = {**complaint, "subject": state, "state": state, "opened_at": opened_at, "due_at": None}
            await connection.execute(insert(tables.complaints), row)
        plan = {"customer_id": who, "owner_id": 1, "note": "", "attempts": 0, "created_at": NOW}
        for hours, state in ((5, "planned"), (2, "planned"), (1, "done")):
            due_at = NOW + dt.timedelta(hours=hours)
            row = {**plan, "reason": f"in {hours}", "state": state, "due_at": due_at}
            await connection.execute(insert(tables.follow_ups), row)
        promise = {"customer_id": who, "by_id": 2, "created_at": NOW, "due_at": NOW}
        for state in ("open", "kept"):
            await connection.execute(insert(tables.promises), {**promise, "what": state, "state": state})
    record = await StoredCustomers(database).record(who)
    assert record is not None
    assert (record.name, record.company, record.tier, record.language) == ("李雷", "蓝海电子", Tier.KEY, "zh")
    assert (record.owner_id, record.owner) == (2, "李雷")
    assert record.numbers == ("+861380000002", "+862160000002")
    assert (record.orders_count, record.orders_total) == (3, "12,340.60 CNY; 99.00 USD")
    assert (record.notes, record.extra) == ("只和负责人沟通。", {"region": "华东"})
    assert [line.subject for line in record.complaints] == ["investigating", "received"]
    assert record.complaints[0].number.startswith("C-0000")
    assert record.complaints[0].opened_at == NOW + dt.timedelta(days=2)
    assert [line.reason for line in record.follow_ups] == ["in 2", "in 5"]
    assert [(line.what, line.by, line.due_at) for line in record.promises] == [("open", "李雷", NOW)]
    assert record.contacts == ()
    assert await StoredCustomers(database).record(CustomerId(10**9)) is None
    alone = await StoredCustomers(database).record(await a_customer(database, owner_id=None))
    assert alone is not None
    assert (alone.owner_id, alone.owner, alone.orders_total, alone.numbers) == (None, "", "", ())


async def test_the_last_contacts_are_in_the_record(database: Database, recorder: DatabaseRecorder) -> None:
    """The newest first, with the agent's outcome and note, else how the call ended; a living call is none."""
    who = await a_customer(database, "+861380000004")
    for day in range(7):
        call = a_talk(NOW + dt.timedelta(days=day), who, agent=1)
        if day == 6:
            call.ended, call.ended_at, call.end_reason = None, None, None
            call.segments[-1].ended = call.segments[-1].ended_at = None
        recorder.call(call)
        if day == 5:
            started = call.arrived_at
            recorder.wrap_up(
                WrapUpRow(call.id, AgentId(1), "RESOLVED", "已退款", started, started, timed_out=False)
            )
    await recorder.settled()
    record = await StoredCustomers(database).record(who)
    assert record is not None
    assert [line.at for line in record.contacts] == [NOW + dt.timedelta(days=day) for day in (5, 4, 3, 2, 1)]
    newest, second, *_ = record.contacts
    assert (newest.outcome, newest.note, newest.agent, newest.queue) == (
        "RESOLVED",
        "已退款",
        "王芳",
        "sales",
    )
    assert (second.outcome, second.note, second.kind) == ("agent_hangup", "", "inbound")


async def test_the_last_agent_is_in_the_record(database: Database, recorder: DatabaseRecorder) -> None:
    """Who talked in the latest call on our line, in or out, also one that goes on; nobody's wait and no call past our
    line count. By number and by id alike; nobody's when several have the number."""
    number = "+861380000006"
    who = await a_customer(database, number)
    directory = StoredCustomers(database)

    async def last() -> tuple[int | None, int | None]:
        await recorder.settled()
        found = await directory.record(who)
        assert found is not None
        assert (await directory.recognise(number)).record == found
        return found.last_agent_id, None if found.last_contact_at is None else (
            found.last_contact_at - NOW
        ).days

    def happened(day: int, agent: int) -> Call:
        return a_talk(NOW + dt.timedelta(days=day), who, agent)

    assert await last() == (None, None)
    recorder.call(happened(1, agent=1))
    assert await last() == (1, 1)
    unserved = happened(9, agent=3)
    del unserved.segments[-1]
    recorder.call(unserved)
    past_us = happened(8, agent=3)
    past_us.direction = Direction.DIRECT
    recorder.call(past_us)
    recorder.call(happened(-400, agent=2))
    assert await last() == (1, 1)
    out = happened(3, agent=2)
    out.direction = Direction.OUTBOUND
    recorder.call(out)
    assert await last() == (2, 3)
    living = happened(5, agent=4)
    living.ended, living.ended_at, living.end_reason = None, None, None
    living.segments[-1].ended = living.segments[-1].ended_at = None
    recorder.call(living)
    assert await last() == (4, 5)
    await a_customer(database, number)
    assert (await directory.recognise(number)).record is None


async def test_who_rings_without_end_is_looked_at_so_far(
    database: Database, recorder: DatabaseRecorder
) -> None:
    """The last agent is looked for among a bounded number of calls."""
    who = await a_customer(database)
    recorder.call(a_talk(NOW, who, agent=1))
    await recorder.settled()
    async with database.writing() as connection:
        served = select(tables.calls).where(tables.calls.c.customer_id == who)
        row = dict((await connection.execute(served)).mappings().one())
        for number in range(1, LATEST_CALLS):
            at = NOW + dt.timedelta(minutes=number)
            values = {**row, "id": f"{number:032x}", "served_by": None, "arrived_at": at}
            await connection.execute(insert(tables.calls), values)
    record = await StoredCustomers(database).record(who)
    assert record is not None
    assert record.last_agent_id == 1
    async with database.writing() as connection:
        one_more = {**row, "id": "f" * 32, "served_by": None, "arrived_at": NOW + dt.timedelta(days=1)}
        await connection.execute(insert(tables.calls), one_more)
    record = await StoredCustomers(database).record(who)
    assert record is not None
    assert (record.last_agent_id, record.last_contact_at) == (None, None)


@pytest.mark.parametrize("query", [_RECOGNISE, _RECORD], ids=["recognise", "record"])
async def test_callers_wait_for_indexes_only(query: RawQuery, database: Database) -> None:
    """No part of the look-up walks through a whole table, however many customers and calls there are."""
    values = {**query.constants, "key": "+861380000001", "most": 10, "customer": 1}
    async with database.reading() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        rows = await driver.execute_fetchall(f"EXPLAIN QUERY PLAN {query.sql}", values)
    steps = [str(row[3]) for row in rows]
    walked = [step.split()[1] for step in steps if step.startswith("SCAN")]
    walked.remove("orders")  # the part, which is named like the table that it reads by an index
    assert not set(walked) & {table.name for table in tables.metadata.sorted_tables}
    assert sum("USING INDEX ix_calls_customer_id_arrived_at" in step for step in steps) == 2


def a_talk(at: dt.datetime, customer: CustomerId, agent: int) -> Call:
    """A call of a minute: 1 s arrived, 9 s waiting, 5 s ringing, 45 s talking."""
    clock = ManualClock(at)
    live = LiveCalls(Bus(), clock)
    number = normalise("+8613800138000", "CN")
    call = Call(CallId(new_id(clock)), Direction.INBOUND, number, "", "4001", clock.now(), clock.wall())
    call.customer_id = customer
    call.recording = f"r{call.id}"
    live.add(call)
    sales, who = QueueName("sales"), AgentId(agent)
    clock.move(1)
    live.enter(call, Stage.WAITING, queue=sales)
    clock.move(9)
    live.enter(call, Stage.RINGING, queue=sales, agent_id=who)
    clock.move(5)
    live.enter(call, Stage.TALKING, queue=sales, agent_id=who)
    clock.move(45)
    live.end(call, EndReason.AGENT_HANGUP)
    return call


async def test_a_database_that_is_away_is_a_match_of_its_own(database: Database, tmp_path: Path) -> None:
    """The caller is told apart from an unknown one."""
    await database.close()
    other = sqlite3.connect(tmp_path / "callcenter.db", isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    match = await identify(StoredCustomers(database), normalise("+8613800138000", "CN"))
    other.close()
    assert match.kind is MatchKind.UNAVAILABLE
    match = await identify(StoredCustomers(database), normalise("+8613800138000", "CN"))
    assert match.kind is MatchKind.UNKNOWN


# ------------------------------------------------------------ complaints and follow-ups


async def test_a_complaint_is_kept_with_its_first_entry(database: Database) -> None:
    """Its number is told to the customer; hostile text is text."""
    complaints: Complaints = StoredComplaints(database, ManualClock(NOW))
    text = "'); DELETE FROM complaints; --" * 100
    new = NewComplaint(CustomerId(1), CallId("c" * 32), AgentId(1), "service", Severity.HIGH, "迟到", text)
    before = await count(database, tables.complaint_events)
    complaint_id, number = await complaints.add(new)
    assert number == f"C-{complaint_id:06d}"
    async with database.reading() as connection:
        query = select(tables.complaints).where(tables.complaints.c.id == complaint_id)
        row = (await connection.execute(query)).mappings().one()
        events = select(tables.complaint_events).where(tables.complaint_events.c.complaint_id == complaint_id)
        [event] = (await connection.execute(events)).mappings()
    assert (row["subject"], row["text"], row["state"], row["opened_at"]) == ("迟到", text, "received", NOW)
    assert (event["by_id"], event["state"], event["at"]) == (1, "received", NOW)
    assert await count(database, tables.complaint_events) == before + 1
    [line] = await StoredCalls(database, ManualClock(NOW)).complaints_of(CallId("c" * 32))
    assert (line.number, line.subject, line.severity, line.state) == (number, "迟到", "high", "received")


async def test_a_complaint_of_nobody_leaves_nothing(database: Database) -> None:
    """A customer who isn't there: refused, and no half of it kept."""
    before = await count(database, tables.complaints)
    new = NewComplaint(CustomerId(10**6), None, AgentId(1), "service", Severity.LOW, "x", "")
    with pytest.raises(NotFound):
        await StoredComplaints(database, ManualClock(NOW)).add(new)
    assert await count(database, tables.complaints) == before


async def test_a_follow_up_is_planned_targeted_and_done(
    database: Database, recorder: DatabaseRecorder
) -> None:
    """The customer's first number is dialled; once answered, the plan is no target any more."""
    stored = StoredFollowUps(database, ManualClock(NOW))
    follow_ups: FollowUps = stored
    who = await a_customer(database, "+861380000005", "+862160000005")
    plan = NewFollowUp(who, AgentId(2), "回访", "请下午", NOW + dt.timedelta(hours=-9000), CallId("c" * 32))
    plan_id = await follow_ups.plan(plan)
    assert await follow_ups.target(plan_id) == (who, "+861380000005")
    assert await follow_ups.number_of(who) == "+861380000005"
    first, *_ = await stored.due_of(AgentId(2))
    assert (first.id, first.customer_name, first.reason, first.due_at) == (
        plan_id,
        "李雷",
        "回访",
        plan.due_at,
    )
    attempt = Attempt(
        CallId("e" * 32), AgentId(2), who, plan_id, "+861380000005", NOW, AttemptResult.ANSWERED
    )
    recorder.attempt(attempt)
    await recorder.settled()
    assert await follow_ups.target(plan_id) is None
    assert plan_id not in [due.id for due in await stored.due_of(AgentId(2))]
    made = await StoredCalls(database, ManualClock(NOW)).attempt_of(CallId("e" * 32))
    assert made is not None
    assert (made.agent, made.result, made.follow_up_id) == ("李雷", "answered", plan_id)
    assert await follow_ups.target(FollowUpId(10**6)) is None
    assert await follow_ups.number_of(CustomerId(10**6)) is None
    with pytest.raises(NotFound):
        await follow_ups.plan(NewFollowUp(CustomerId(10**6), AgentId(2), "x", "", NOW))


# ------------------------------------------------------------ the record read back


async def test_a_call_tells_its_story(database: Database, recorder: DatabaseRecorder) -> None:
    """Segments, offers, wrap-up, recording, and who had to do with it."""
    call = a_talk(NOW, CustomerId(1), agent=1)
    call.keys.append(("menu", "1"))
    recorder.call(call)
    later = NOW + dt.timedelta(seconds=15)
    recorder.offer(OfferRow(OfferId("1" * 32), call.id, AgentId(3), NOW, later, "no_answer", "longest idle"))
    recorder.offer(OfferRow(OfferId("2" * 32), call.id, AgentId(1), later, later, "answered", "next"))
    recorder.wrap_up(WrapUpRow(call.id, AgentId(1), "RESOLVED", "好", NOW, later, timed_out=False))
    await recorder.settled()
    stored = StoredCalls(database, ManualClock(NOW))
    stories: web.CallStories = stored
    story = await stories.story(call.id)
    assert story is not None
    assert [(line.stage, line.seconds, line.agent) for line in story.segments] == [
        ("arrived", 1, ""), ("waiting", 9, ""), ("ringing", 5, "王芳"), ("talking", 45, "王芳"),
    ]  # fmt: skip
    assert [(line.agent, line.result) for line in story.offers] == [
        ("Emma Reed", "no_answer"),
        ("王芳", "answered"),
    ]
    assert [(line.agent, line.disposition, line.note) for line in story.wrap_ups] == [
        ("王芳", "RESOLVED", "好")
    ]
    assert story.agent_ids == {1, 3}
    assert list(story.keys) == [("menu", "1")]
    assert story.customer_name
    assert await stories.story(CallId("0" * 32)) is None
    assert story.recording_id is not None
    assert await stored.recorded(story.recording_id) == Recorded("call", call.id)
    assert await stored.recorded("' OR 1=1") is None


async def test_an_open_call_counts_up_to_now(database: Database, recorder: DatabaseRecorder) -> None:
    """The last segment of a living call is as long as it is."""
    call = a_talk(NOW, CustomerId(1), agent=1)
    call.ended, call.ended_at, call.end_reason = None, None, None
    call.segments[-1].ended = call.segments[-1].ended_at = None
    recorder.call(call)
    await recorder.settled()
    story = await StoredCalls(database, ManualClock(NOW + dt.timedelta(seconds=100))).story(call.id)
    assert story is not None
    assert sum(line.seconds for line in story.segments) == pytest.approx(100)


async def test_recent_calls_are_the_newest_first(database: Database, recorder: DatabaseRecorder) -> None:
    """In pages, of all agents or of one."""
    calls = [a_talk(NOW + dt.timedelta(days=day), CustomerId(1), agent=1 + day % 2) for day in range(6)]
    for call in calls:
        recorder.call(call)
    await recorder.settled()
    stored = StoredCalls(database, ManualClock(NOW))
    first = await stored.recent(4)
    assert [line.call_id for line in first] == [call.id for call in reversed(calls[2:])]
    assert (first[0].agent, first[0].waited, first[0].talked) == ("李雷", 14, 45)
    next_page = await stored.recent(2, before=first[-1].arrived_at)
    assert [line.call_id for line in next_page] == [calls[1].id, calls[0].id]
    mine = await stored.recent(3, agent_id=AgentId(1))
    assert [line.call_id for line in mine] == [calls[4].id, calls[2].id, calls[0].id]


async def test_presences_of_those_who_are_here(database: Database, recorder: DatabaseRecorder) -> None:
    """Logged out is not here."""
    here = PresenceRow(AgentId(1), "1001", "not_ready", "LUNCH", NOW)
    recorder.presence(here)
    recorder.presence(PresenceRow(AgentId(2), "1002", "logged_out", "", NOW))
    await recorder.settled()
    history: History = StoredHistory(database, ManualClock(NOW))
    assert await history.presences() == [here]


async def test_who_listened_is_on_record(database: Database, recorder: DatabaseRecorder) -> None:
    """Each act is a row, said with names or without."""
    audit = Audit(recorder, ManualClock(NOW))
    port: web.Audit = audit
    audit.note(UserId(1), "recording_heard", "r1", "page")
    port("recording_heard", UserId(2), recording_id="r2", address="127.0.0.1")
    await recorder.settled()
    async with database.reading() as connection:
        rows = (
            (await connection.execute(select(tables.audit).order_by(tables.audit.c.user_id))).mappings().all()
        )
    assert [(row["user_id"], row["action"], row["subject"], row["at"]) for row in rows] == [
        (1, "recording_heard", "r1", NOW),
        (2, "recording_heard", "r2", NOW),
    ]
    assert "127.0.0.1" in rows[1]["detail"]


# ------------------------------------------------------------ the sample


async def test_the_sample_is_believable_and_always_the_same(database: Database, tmp_path: Path) -> None:
    """Every number is one that phones can have; the same seed makes the same company; filling twice is refused."""
    assert not await sample.fill(database, ManualClock(NOW), lambda _: "other")
    assert await count(database, tables.customers) == 200
    async with database.reading() as connection:
        keys = list(await connection.scalars(select(tables.customer_numbers.c.number_key)))
        tiers = set(await connection.scalars(select(tables.customers.c.tier)))
        languages = set(await connection.scalars(select(tables.customers.c.language)))
    assert [normalise(key, "CN").key for key in keys] == keys
    assert {key[:3] for key in keys} >= {"+86", "+12", "+44"}
    assert (tiers, languages) == ({"vip", "key", "regular", "small"}, {"zh", "en"})
    for table in (tables.orders, tables.complaints, tables.follow_ups, tables.promises, tables.wrap_ups):
        assert await count(database, table) >= 10
    assert await count(database, tables.complaint_events) == await count(database, tables.complaints)
    users = await StoredUsers(database, ManualClock(NOW)).all_users()
    assert [user.username for user in users][:2] == ["admin", "agent1001"]
    assert {user.role for user in users} == {"admin", "agent", "supervisor"}
    callers = await sample.numbers(database)
    assert len(callers) == 200

    await make_sample(tmp_path / "twin.db")
    twin = Database(f"sqlite+aiosqlite:///{tmp_path / 'twin.db'}")
    directory, other = StoredCustomers(database), StoredCustomers(twin)
    for customer in range(1, 201, 7):
        assert await directory.record(CustomerId(customer)) == await other.record(CustomerId(customer))
    await twin.close()


async def test_the_sample_gives_routing_something_to_go_by(database: Database) -> None:
    """Everybody has skills and every queue somebody; important customers have owners; some were served lately, some of
    them by others than their owners; some wait for what is late, and some for what is not yet."""
    users = await StoredUsers(database, ManualClock(NOW)).all_users()
    agents = {AgentId(int(one.id)) for one in users if one.role == "agent"}
    assert coverage(users, sample.SKILLS, [QueueName(name) for name in sample.QUEUES]).good
    assert all(bool(one.skills) == (one.role == "agent") for one in users)
    directory = StoredCustomers(database)
    found = [await directory.record(CustomerId(number)) for number in range(1, 201)]
    records = [one for one in found if one is not None]
    assert all((one.owner_id in agents) == (one.tier in {Tier.VIP, Tier.KEY}) for one in records)
    known = [ties(Match(MatchKind.KNOWN, one), NOW, 7) for one in records]
    assert all(one.last_agent_id in agents | {None} for one in known)
    lately = [one for one in known if one.last_agent_id is not None]
    assert 40 <= len(lately) <= 120
    assert len([one for one in lately if one.owner_id not in {None, one.last_agent_id}]) >= 4
    owed = [one for one, record in zip(known, records, strict=True) if record.promises]
    assert 3 <= len([one for one in owed if one.owes_late]) <= len(owed) - 3


async def test_bulk_adds_so_many_and_says_how_far_it_is(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In chunks, with progress, after what is there; each of them is found by their number."""
    monkeypatch.setattr(sample, "CHUNK", 40)
    told: list[tuple[int, int]] = []
    await sample.bulk(database, ManualClock(NOW), 100, progress=lambda done, all_: told.append((done, all_)))
    assert told == [(40, 100), (80, 100), (100, 100)]
    assert await count(database, tables.customers) == 300
    async with database.reading() as connection:
        query = select(tables.customer_numbers.c.number_key).where(
            tables.customer_numbers.c.customer_id == 300
        )
        key = (await connection.scalars(query)).first()
    assert key is not None
    assert 300 in [card.id for card in (await StoredCustomers(database).recognise(key)).cards]
