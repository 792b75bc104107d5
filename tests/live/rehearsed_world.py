"""The database of a floor, made as written callers expect it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher

from callcenter.calls.number import normalise
from callcenter.ivr.rehearsal import Rehearsal
from callcenter.ivr.walk.virtual_world import Customer
from callcenter.storage.complaints import complaint_number
from callcenter.storage.tables import (
    complaints,
    customer_numbers,
    customer_pins,
    customers,
    orders,
    pin_tries,
    users,
)
from tests.live.rehearsing import NOW, Case

WRONG_PIN = "975310"


def seed(database: Path, wanted: Sequence[Case]) -> None:
    """Customers, orders and complaints as the callers expect them; what a database gives out by itself (numbers,
    owners) is then in their answers."""
    engine = sa.create_engine(f"sqlite:///{database}")
    try:
        with engine.begin() as connection:
            for case in wanted:
                case.rehearsal = _seeded(connection, case)
    finally:
        engine.dispose()


def _seeded(connection: sa.Connection, case: Case) -> Rehearsal:
    rehearsal = case.rehearsal
    change: dict[str, Any] = {}
    customer: int | None = None
    if rehearsal.customer is not None:
        customer = _customer(connection, case)
    if (pin := rehearsal.answers.get("by_pin")) is not None:
        customer = customer or _customer(connection, case, known=False)
        change["presses"] = [f"{customer}#" if keys == "1#" else keys for keys in rehearsal.presses]
        _pin(connection, customer, pin, rehearsal.presses)
        if pin == "known":
            change["customer"] = Customer(id=customer, known_by="pin")
    answers = dict(rehearsal.answers)
    for name, answer in answers.items():
        if isinstance(answer, Mapping) and customer is not None:
            answers[name] = _stands(connection, customer, answer)
    if rehearsal.answers.get("call_back") == "refused":
        change["caller"] = "anonymous"
    return rehearsal.model_copy(update={**change, "answers": answers})


def _customer(connection: sa.Connection, case: Case, *, known: bool = True) -> int:
    who = case.rehearsal.customer
    row = {
        "name": who.name if who else "Li Wei",
        "company": "",
        "tier": who.tier if who else "regular",
        "language": who.language if who else "zh",
        "notes": "",
        "extra": {},
        "created_at": NOW,
    }
    number = _insert(connection, customers, row)
    if known:
        key = normalise(case.rehearsal.caller, "CN").key
        connection.execute(sa.insert(customer_numbers).values(customer_id=number, number_key=key, position=0))
    return number


def _pin(connection: sa.Connection, customer: int, result: str, presses: Sequence[str]) -> None:
    typed = presses[1].rstrip("#") if result == "known" else WRONG_PIN
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(typed)
    connection.execute(sa.insert(customer_pins).values(customer_id=customer, pin_hash=cheap, set_at=NOW))
    if result == "locked":
        until = NOW + dt.timedelta(hours=1)
        connection.execute(
            sa.insert(pin_tries).values(number=str(customer), failed=5, locked_until=until, at=NOW)
        )


def _stands(connection: sa.Connection, customer: int, answer: Mapping[str, Any]) -> dict[str, str]:
    """An order (it has an amount) or a complaint; gives the answer as the database will."""
    at = dt.datetime.fromisoformat(f"{answer['date']}T04:00:00+00:00")
    if "amount" in answer:
        amount, currency = str(answer["amount"]).split()
        row: dict[str, Any] = {
            "customer_id": customer,
            "number": answer["number"],
            "ordered_at": at,
            "amount": Decimal(amount),
            "currency": currency,
            "state": answer["state"],
        }
        connection.execute(sa.insert(orders).values(row))
        return {**answer}
    owner = connection.execute(sa.select(users.c.id, users.c.display_name).limit(1)).one()
    row = {
        "customer_id": customer,
        "category": "voice",
        "severity": "medium",
        "subject": "",
        "text": "",
        "state": answer["state"],
        "owner_id": owner.id,
        "opened_at": at,
    }
    number = _insert(connection, complaints, row)
    return {**answer, "number": complaint_number(number), "owner": owner.display_name}


def _insert(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> int:
    key = connection.execute(sa.insert(table).values(row)).inserted_primary_key
    assert key is not None
    return int(key[0])
