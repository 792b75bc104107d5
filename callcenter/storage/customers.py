"""Who is calling: the look-up by number, and the record in one query.

A caller waits for these: so each is one round trip, and each reads by an index whatever the number of customers.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    null,
    select,
    type_coerce,
    union_all,
)

from callcenter.calls.call import Direction
from callcenter.customers.customer import (
    ComplaintLine,
    ContactLine,
    CustomerCard,
    CustomerRecord,
    FollowUpLine,
    PromiseLine,
    Tier,
)
from callcenter.customers.ports import Recognised
from callcenter.ids import AgentId, ComplaintId, CustomerId, FollowUpId
from callcenter.storage.columns import AMOUNT_UNITS, from_micros
from callcenter.storage.complaints import CLOSED, complaint_number
from callcenter.storage.database import Database, RawQuery
from callcenter.storage.tables import (
    calls,
    complaints,
    customer_numbers,
    customers,
    follow_ups,
    orders,
    promises,
    users,
    wrap_ups,
)

LINES = 10
"""How many complaints, follow-ups or promises a pop can show."""
CONTACTS = 5
LATEST_CALLS = 200
"""Among so many of a customer's calls the last agent is looked for, so that somebody who rings without end, and is
never served, doesn't make the look-up slow."""
NUMBERS = 20

Values = Mapping[str, Any]
_TEXTS = ("a", "b", "c", "d", "e", "f")
_WHOLES = ("id", "at", "due", "n")
_TIERS = tuple(Tier)
_WHO: ColumnElement[int] = bindparam("customer", type_=BigInteger)
_KEY: ColumnElement[str] = bindparam("key", type_=Text)


class StoredCustomers:
    """The ``CustomerDirectory``. Both methods may raise ``DatabaseAway``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recognise(self, key: str, limit: int = 10) -> Recognised:
        """Who has exactly this number; the record as well when it is one customer. One query, since callers wait."""
        if not key:
            return Recognised((), None)
        parts = _parts(await self._database.rows(_RECOGNISE, {"key": key, "most": limit}))
        cards = [
            CustomerCard(CustomerId(row["id"]), row["a"], row["b"], Tier(row["c"])) for row in parts["card"]
        ]
        cards.sort(key=lambda card: (_TIERS.index(card.tier), card.id))
        return Recognised(tuple(cards), _record(parts) if parts["customer"] else None)

    async def record(self, customer_id: CustomerId) -> CustomerRecord | None:
        """The record with its open complaints, due follow-ups, promises and last contacts."""
        parts = _parts(await self._database.rows(_RECORD, {"customer": customer_id}))
        return _record(parts) if parts["customer"] else None


def _parts(found: Sequence[Values]) -> dict[str, list[Values]]:
    parts: dict[str, list[Values]] = defaultdict(list)
    for row in found:
        parts[row["kind"]].append(row)
    return parts


# ------------------------------------------------------------ the queries


def _cards() -> Select[Any]:
    """The customers with a number, best tier first, then by id."""
    c = customers.c
    rank = case({tier.value: place for place, tier in enumerate(Tier)}, value=c.tier, else_=len(Tier))
    rows = (
        select(c.id)
        .join(customer_numbers, customer_numbers.c.customer_id == c.id)
        .where(customer_numbers.c.number_key == _KEY)
        .order_by(rank, c.id)
        .limit(bindparam("most", type_=BigInteger))
    )
    return _part("card", rows, id=c.id, a=c.name, b=c.company, c=c.tier)


def _sole() -> ColumnElement[int]:
    """The one customer with a number; null when several have it, or nobody."""
    numbers = customer_numbers.c
    one = case((func.count() == 1, func.min(numbers.customer_id)), else_=null())
    return type_coerce(select(one).where(numbers.number_key == _KEY).scalar_subquery(), BigInteger)


def _part(kind: str, rows: Select[Any], **columns: ColumnElement[Any]) -> Select[Any]:
    """One part of the record in the columns that all parts share. ``rows`` chooses, orders and limits."""
    texts = [type_coerce(columns[name], Text) if name in columns else cast(null(), Text) for name in _TEXTS]
    wholes = [
        type_coerce(columns[name], BigInteger) if name in columns else cast(null(), BigInteger)
        for name in _WHOLES
    ]
    named = [column.label(name) for name, column in zip((*_TEXTS, *_WHOLES), (*texts, *wholes), strict=True)]
    chosen = rows.with_only_columns(*named).subquery(kind)
    return select(cast(kind, Text).label("kind"), *chosen.c)


def _record_parts(who: ColumnElement[int]) -> list[Select[Any]]:
    """All parts of one customer's record."""
    c, o, k, f, p, w = customers.c, orders.c, complaints.c, follow_ups.c, promises.c, wrap_ups.c
    numbers, call, user = customer_numbers.c, calls.c, users.c
    none = cast(null(), Text)
    still_open = [k.state != closed for closed in CLOSED]
    return [
        _part(
            "customer",
            select(c.id).select_from(customers.outerjoin(users, user.id == c.owner_id)).where(c.id == who),
            id=c.id,
            a=c.name,
            b=c.company,
            c=c.tier,
            d=c.language,
            e=c.notes,
            f=user.display_name,
            n=c.owner_id,
        ),
        _part("extra", select(c.id).where(c.id == who), a=cast(c.extra, Text)),
        _part(
            "number",
            select(numbers.number_key)
            .where(numbers.customer_id == who)
            .order_by(numbers.position)
            .limit(NUMBERS),
            a=numbers.number_key,
            n=numbers.position,
        ),
        _part(
            "orders",
            select(o.currency).where(o.customer_id == who).group_by(o.currency),
            a=o.currency,
            n=func.count(),
            due=cast(func.sum(type_coerce(o.amount, BigInteger)), BigInteger),
        ),
        _part(
            "complaint",
            select(k.id).where(k.customer_id == who, *still_open).order_by(k.opened_at.desc()).limit(LINES),
            id=k.id,
            a=k.subject,
            b=k.state,
            at=k.opened_at,
            due=k.due_at,
        ),
        _part(
            "contact",
            select(call.id)
            .select_from(
                calls.outerjoin(wrap_ups, (w.call_id == call.id) & (w.agent_id == call.served_by)).outerjoin(
                    users, user.id == call.served_by
                )
            )
            .where(call.customer_id == who, call.ended_at.is_not(None))
            .order_by(call.arrived_at.desc())
            .limit(CONTACTS),
            a=call.direction,
            b=call.queue,
            c=user.display_name,
            d=func.coalesce(w.disposition, call.end_reason),
            e=func.coalesce(w.note, none),
            f=call.id,
            at=call.arrived_at,
        ),
        _part("served", _last_served(who), n=call.served_by, at=call.arrived_at),
        _part(
            "follow_up",
            select(f.id).where(f.customer_id == who, f.state == "planned").order_by(f.due_at).limit(LINES),
            id=f.id,
            a=f.reason,
            b=f.note,
            due=f.due_at,
        ),
        _part(
            "promise",
            select(p.id)
            .select_from(promises.outerjoin(users, user.id == p.by_id))
            .where(p.customer_id == who, p.state == "open")
            .order_by(p.due_at)
            .limit(LINES),
            a=p.what,
            b=user.display_name,
            due=p.due_at,
        ),
    ]


def _last_served(who: ColumnElement[int]) -> Select[Any]:
    """The customer's latest call on our line in which somebody talked."""
    call, older = calls.c, calls.alias("older").c
    beyond = (
        select(older.arrived_at)
        .where(older.customer_id == who)
        .order_by(older.arrived_at.desc())
        .offset(LATEST_CALLS - 1)
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(call.id)
        .where(call.customer_id == who, call.arrived_at >= func.coalesce(type_coerce(beyond, BigInteger), 0))
        .where(call.served_by.is_not(None), call.direction != Direction.DIRECT.value)
        .order_by(call.arrived_at.desc())
        .limit(1)
    )


# ------------------------------------------------------------ from rows to a record


def _record(parts: Mapping[str, Sequence[Values]]) -> CustomerRecord:
    [one] = parts["customer"]
    served = next(iter(parts["served"]), None)
    return CustomerRecord(
        id=CustomerId(one["id"]),
        name=one["a"],
        company=one["b"],
        tier=Tier(one["c"]),
        language=one["d"],
        owner_id=None if one["n"] is None else AgentId(one["n"]),
        owner=one["f"] or "",
        numbers=tuple(row["a"] for row in sorted(parts["number"], key=lambda row: row["n"])),
        notes=one["e"],
        orders_count=sum(row["n"] for row in parts["orders"]),
        orders_total=_total(parts["orders"]),
        complaints=tuple(map(_complaint, sorted(parts["complaint"], key=lambda row: -row["at"]))),
        contacts=tuple(map(_contact, sorted(parts["contact"], key=lambda row: -row["at"]))),
        follow_ups=tuple(map(_follow_up, sorted(parts["follow_up"], key=lambda row: row["due"]))),
        promises=tuple(map(_promise, sorted(parts["promise"], key=lambda row: row["due"]))),
        extra=json.loads(parts["extra"][0]["a"]) if parts["extra"] else {},
        last_agent_id=None if served is None else AgentId(served["n"]),
        last_contact_at=None if served is None else from_micros(served["at"]),
    )


def _total(rows: Sequence[Values]) -> str:
    """``12,340.50 CNY``; amounts in several currencies stand side by side, the largest number first."""
    amounts = sorted(((Decimal(row["due"]) / AMOUNT_UNITS, row["a"]) for row in rows), reverse=True)
    return "; ".join(f"{amount:,.2f} {currency}" for amount, currency in amounts)


def _complaint(row: Values) -> ComplaintLine:
    due_at = None if row["due"] is None else from_micros(row["due"])
    number = complaint_number(row["id"])
    return ComplaintLine(ComplaintId(row["id"]), number, row["a"], row["b"], from_micros(row["at"]), due_at)


def _contact(row: Values) -> ContactLine:
    return ContactLine(
        at=from_micros(row["at"]),
        kind=row["a"],
        queue=row["b"] or "",
        agent=row["c"] or "",
        outcome=row["d"] or "",
        note=row["e"] or "",
        call_id=row["f"],
    )


def _follow_up(row: Values) -> FollowUpLine:
    return FollowUpLine(FollowUpId(row["id"]), row["a"], from_micros(row["due"]), row["b"])


def _promise(row: Values) -> PromiseLine:
    return PromiseLine(row["a"], from_micros(row["due"]), row["b"] or "")


_RECOGNISE = RawQuery(union_all(_cards(), *_record_parts(_sole())))
_RECORD = RawQuery(union_all(*_record_parts(_WHO)))
