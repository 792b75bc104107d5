"""A believable company to try the program with, and the million customers of the look-up bench.

Deterministic: the same seed and the same clock make the same rows.
"""

import asyncio
import datetime as dt
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Table, func, insert, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from callcenter.calls.call import Direction, EndReason, Stage
from callcenter.calls.number import NumberKind
from callcenter.calls.skills import Levels
from callcenter.clock import Clock
from callcenter.complaints.complaint import ComplaintState, Severity
from callcenter.customers.customer import Tier
from callcenter.storage import sample_people as people
from callcenter.storage import sample_self_service as self_service
from callcenter.storage import tables
from callcenter.storage.database import Database
from callcenter.storage.entries import Row, sums
from callcenter.storage.sample_texts import COMPLAINTS, NOTES, ORDER_STATES, PROMISES, REASONS, WRAP_UPS

SHARED_NUMBER = "+861082345678"
"""Two customers have it: a couple, or a company's switchboard."""
STAFF: tuple[tuple[str, str, Levels], ...] = (
    ("王芳", "zh", {"billing": 4, "cantonese": 2}),
    ("李雷", "zh", {"technical": 5}),
    ("Emma Reed", "en", {"billing": 5, "technical": 2}),
    ("陈静", "zh", {"cantonese": 5, "technical": 3}),
    ("Jack Walsh", "en", {"technical": 3, "billing": 2}),
    ("赵敏", "zh", {"cantonese": 3, "billing": 1}),
)
SKILLS = ("billing", "cantonese", "technical")
"""What the settings must name, for the staff's skills to count."""
QUEUES = ("sales", "support", "complaints")
LATELY = 0.3
"""The share of earlier calls that were within the last days."""
CHUNK = 5_000
"""Customers per transaction of the bulk insert."""

Rows = dict[Table, list[Row]]
PARENTS_FIRST = (
    tables.customers, tables.customer_numbers, tables.orders, tables.calls, tables.segments, tables.wrap_ups,
    tables.complaints, tables.follow_ups, tables.promises,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much there is of each thing per customer: chances, or the most of it."""

    calls: int = 4
    orders: int = 6
    complaint: float = 0.12
    follow_up: float = 0.15
    promise: float = 0.15
    segments: bool = True


BULK = Amounts(calls=2, orders=2, complaint=0.03, follow_up=0.05, promise=0.02, segments=False)
"""The bench reads customers and their history, not the segments of calls."""


async def fill(
    database: Database,
    clock: Clock,
    password_hash: Callable[[str], str],
    *,
    agents: int = 6,
    customers: int = 200,
    seed: int = 2026,
) -> bool:
    """Make users (``agent1001`` ..., ``supervisor``, ``admin``) and customers with their history, in one
    transaction; ``password_hash`` gives the argon2 hash for a log-in name. The first customers have a PIN (see
    ``sample_self_service``). Does nothing, and gives False, when there is a customer or a user already."""
    people_here = await asyncio.to_thread(_staff_rows, agents, password_hash, clock.wall())
    ids = range(1, customers + 1)
    pins = await asyncio.to_thread(self_service.pin_rows, ids, clock.wall())
    async with database.writing() as connection:
        for table in (tables.users, tables.customers):
            if await connection.scalar(select(func.count()).select_from(table)):
                return False
        await connection.execute(insert(tables.users), people_here)
        query = select(tables.users.c.id).where(tables.users.c.role == "agent").order_by(tables.users.c.id)
        staff = list(await connection.scalars(query))
        await _insert(connection, _customers(random.Random(seed), ids, staff, clock.wall(), Amounts()))
        pair = [
            {"customer_id": one, "number_key": SHARED_NUMBER, "position": 9} for one in ids if one in {2, 3}
        ]
        if pair:
            await connection.execute(insert(tables.customer_numbers), pair)
        if pins:
            await connection.execute(insert(tables.customer_pins), pins)
            await connection.execute(insert(tables.orders), self_service.order_rows(ids, clock.wall()))
    return True


async def bulk(
    database: Database,
    clock: Clock,
    count: int,
    *,
    seed: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> None:
    """``count`` customers more, with orders, calls and the rest, in several transactions. ``progress`` is told
    how many of how many are done. There must be a user."""
    async with database.reading() as connection:
        first = int(await connection.scalar(select(func.max(tables.customers.c.id))) or 0) + 1
        staff = list(await connection.scalars(select(tables.users.c.id).order_by(tables.users.c.id)))
    chance = random.Random(seed)
    for start in range(first, first + count, CHUNK):
        ids = range(start, min(start + CHUNK, first + count))
        rows = await asyncio.to_thread(_customers, chance, ids, staff, clock.wall(), BULK)
        async with database.writing() as connection:
            await _insert(connection, rows)
        progress(ids.stop - first, count)


async def numbers(database: Database, limit: int = 1000) -> list[tuple[str, str]]:
    """(Number, tier) of the first customers, one number each, for simulated callers."""
    query = (
        select(tables.customer_numbers.c.number_key, tables.customers.c.tier)
        .join(tables.customers, tables.customers.c.id == tables.customer_numbers.c.customer_id)
        .where(tables.customer_numbers.c.position == 0)
        .order_by(tables.customers.c.id)
        .limit(limit)
    )
    async with database.reading() as connection:
        return [(row.number_key, row.tier) for row in await connection.execute(query)]


def _staff_rows(agents: int, password_hash: Callable[[str], str], now: dt.datetime) -> list[Row]:
    """Every agent is in two queues or all three."""
    everyone: list[tuple[str, str, str, Levels, str, str]] = [
        (f"agent{1001 + place}", *STAFF[place % len(STAFF)], "agent", str(1001 + place))
        for place in range(agents)
    ]
    everyone.append(("supervisor", "孙丽 Lily", "zh", {}, "supervisor", ""))
    everyone.append(("admin", "Admin", "en", {}, "admin", ""))
    return [
        {
            "username": username,
            "username_key": username,
            "display_name": name,
            "role": role,
            "password_hash": password_hash(username),
            "extension": extension,
            "queues": sorted(QUEUES if place % 3 == 0 else QUEUES[place % 2 : place % 2 + 2]),
            "language": language,
            "active": True,
            "skills": dict(skills),
            "created_at": now,
        }
        for place, (username, name, language, skills, role, extension) in enumerate(everyone)
    ]


async def _insert(connection: AsyncConnection, rows: Rows) -> None:
    kept = tables.complaints.c
    last = int(await connection.scalar(select(func.max(kept.id))) or 0)
    for table in PARENTS_FIRST:
        if rows[table]:
            await connection.execute(insert(table), rows[table])
    received = literal(ComplaintState.RECEIVED.value)
    first_entries = select(kept.id, kept.opened_at, kept.owner_id, received, kept.subject).where(
        kept.id > last
    )
    names = ["complaint_id", "at", "by_id", "state", "text"]
    await connection.execute(insert(tables.complaint_events).from_select(names, first_entries))
    if connection.dialect.name == "postgresql":  # which does not count the ids that we chose
        await connection.execute(
            text("SELECT setval(pg_get_serial_sequence('customers', 'id'), max(id)) FROM customers")
        )


# ------------------------------------------------------------ rows


def _customers(
    chance: random.Random, ids: range, staff: list[int], now: dt.datetime, amounts: Amounts
) -> Rows:
    rows: Rows = {table: [] for table in PARENTS_FIRST}
    maker = _Maker(chance, staff, now, amounts, rows, {SHARED_NUMBER})
    for customer_id in ids:
        maker.customer(customer_id)
    return rows


@dataclass(slots=True)
class _Maker:
    """Adds one customer after the other to ``rows``."""

    chance: random.Random
    staff: list[int]
    now: dt.datetime
    amounts: Amounts
    rows: Rows
    taken: set[str]

    def customer(self, customer_id: int) -> None:
        """With numbers, orders and history."""
        one = people.person(self.chance)
        cares = one.tier in {Tier.VIP, Tier.KEY}
        self.rows[tables.customers].append(
            {
                "id": customer_id,
                "name": one.name,
                "company": one.company,
                "tier": one.tier.value,
                "language": one.language,
                "owner_id": self.chance.choice(self.staff) if cares else None,
                "notes": self.pick(NOTES, one.language) if self.chance.random() < 0.3 else "",
                "extra": {},
                "created_at": self.ago(700, 1500),
            }
        )
        keys = self.numbers(customer_id, one.currency)
        self.orders(customer_id, one.currency)
        for _ in range(self.chance.randint(0, self.amounts.calls)):
            self.call(customer_id, keys[0], one)
        self.afterwards(customer_id, one.language)

    def numbers(self, customer_id: int, currency: str) -> list[str]:
        """One to three, the first one the usual."""
        keys: list[str] = []
        for position in range(self.chance.choices((1, 2, 3), (70, 22, 8))[0]):
            key = people.number(self.chance, currency)
            while key in self.taken or key in keys:
                key = people.number(self.chance, "CNY")  # the ranges of fiction are small
            keys.append(key)
            self.taken.add(key)
            self.rows[tables.customer_numbers].append(
                {"customer_id": customer_id, "number_key": key, "position": position}
            )
        return keys

    def orders(self, customer_id: int, currency: str) -> None:
        """Amounts with cents, the last two years."""
        for _ in range(self.chance.randint(0, self.amounts.orders)):
            self.rows[tables.orders].append(
                {
                    "customer_id": customer_id,
                    "number": f"O-{self.chance.randrange(10**8):08d}",
                    "ordered_at": self.ago(1, 700),
                    "amount": Decimal(self.chance.randrange(1_900, 2_500_000)) / 100,
                    "currency": currency,
                    "state": self.chance.choice(ORDER_STATES),
                }
            )

    def call(self, customer_id: int, key: str, one: people.Person) -> None:
        """An earlier call that was answered, wrapped up, and ended by one of the two."""
        call_id = f"{self.chance.getrandbits(128):032x}"
        agent = self.chance.choice(self.staff)
        arrived_at = self.ago(1, 6) if self.chance.random() < LATELY else self.ago(6, 400)
        queue = self.chance.choice(QUEUES)
        lengths = [self.chance.randrange(500, most) for most in (1500, 20_000, 60_000, 9_000, 600_000)]
        stages = [Stage.ARRIVED, Stage.IVR, Stage.WAITING, Stage.RINGING, Stage.TALKING]
        parts = _segments(call_id, arrived_at, queue, agent, list(zip(stages, lengths, strict=True)))
        ended_at = arrived_at + dt.timedelta(milliseconds=sum(lengths))
        self.rows[tables.calls].append(
            {
                "id": call_id,
                "direction": Direction.INBOUND.value,
                "number_kind": NumberKind.E164.value,
                "number_raw": key,
                "number_key": key,
                "caller_name": "",
                "did": "4001",
                "channel_id": "",
                "stage": Stage.ENDED.value,
                "language": one.language,
                "queue": queue,
                "tier": one.tier.value,
                "customer_id": customer_id,
                "agent_id": agent,
                "keys": [["menu", str(QUEUES.index(queue) + 1)]],
                "marks": [],
                "arrived_at": arrived_at,
                "ended_at": ended_at,
                "end_reason": self.chance.choice((EndReason.CALLER_HANGUP, EndReason.AGENT_HANGUP)).value,
                "seen_at": ended_at,
                **sums(parts),
            }
        )
        if self.amounts.segments:
            self.rows[tables.segments] += parts
        disposition, note = self.chance.choice(WRAP_UPS[one.language])
        self.rows[tables.wrap_ups].append(
            {
                "call_id": call_id,
                "agent_id": agent,
                "disposition": disposition,
                "note": note,
                "started_at": ended_at,
                "ended_at": ended_at + dt.timedelta(seconds=self.chance.randrange(5, 55)),
                "timed_out": False,
            }
        )

    def afterwards(self, customer_id: int, language: str) -> None:
        """Some have an open complaint, a follow-up that is due or planned, a promise, which may be late."""
        if self.chance.random() < self.amounts.complaint:
            self.complaint(customer_id, language)
        by, now = self.chance.choice(self.staff), self.now
        if self.chance.random() < self.amounts.follow_up:
            due_at = now + dt.timedelta(hours=self.chance.randrange(-48, 96))
            self.rows[tables.follow_ups].append(
                {
                    "customer_id": customer_id, "owner_id": by, "reason": self.pick(REASONS, language),
                    "note": "", "due_at": due_at, "state": "planned", "attempts": 0, "created_at": self.ago(3, 20),
                }
            )  # fmt: skip
        if self.chance.random() < self.amounts.promise:
            due_at = now + dt.timedelta(hours=self.chance.randrange(-48, 120))
            self.rows[tables.promises].append(
                {
                    "customer_id": customer_id, "what": self.pick(PROMISES, language), "due_at": due_at,
                    "by_id": by, "state": "open", "created_at": self.ago(1, 5),
                }
            )  # fmt: skip

    def complaint(self, customer_id: int, language: str) -> None:
        """Received, acknowledged or under investigation."""
        subject, text = self.pick(COMPLAINTS, language).split("|")
        open_states = (ComplaintState.RECEIVED, ComplaintState.ACKNOWLEDGED, ComplaintState.INVESTIGATING)
        state, opened_at = self.chance.choice(open_states).value, self.ago(1, 12)
        self.rows[tables.complaints].append(
            {
                "customer_id": customer_id, "category": "service",
                "severity": self.chance.choice(list(Severity)).value, "subject": subject, "text": text,
                "state": state, "owner_id": self.chance.choice(self.staff), "opened_at": opened_at,
                "due_at": opened_at + dt.timedelta(days=10),
            }
        )  # fmt: skip

    def pick(self, texts: Mapping[str, tuple[str, ...]], language: str) -> str:
        """One of the texts in the customer's language."""
        return self.chance.choice(texts[language])

    def ago(self, least: int, most: int) -> dt.datetime:
        """A moment so many days back."""
        return self.now - dt.timedelta(seconds=self.chance.randrange(least * 86_400, most * 86_400))


def _segments(
    call_id: str, arrived_at: dt.datetime, queue: str, agent: int, lengths: list[tuple[Stage, int]]
) -> list[Row]:
    def rows() -> Iterator[Row]:
        at = arrived_at
        for position, (stage, length) in enumerate(lengths):
            end = at + dt.timedelta(milliseconds=length)
            held = stage in {Stage.RINGING, Stage.TALKING}
            yield {
                "call_id": call_id, "position": position, "id": f"{call_id[:30]}{position:02d}",
                "stage": stage.value, "queue": queue if position > 1 else None,
                "agent_id": agent if held else None, "started_at": at, "ended_at": end, "duration_ms": length,
            }  # fmt: skip
            at = end

    return list(rows())
