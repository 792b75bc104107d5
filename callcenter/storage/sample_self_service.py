"""What the made-up customers need to serve themselves by telephone: a PIN, and an order whose number can be typed.

Customers 1 to 5 type their customer number (``1`` to ``5``) and the PIN ``2468``; the latest order of customer 3 is
``O-10000003``, typed ``10000003``. All this is for trying the program: no real customer ever has a PIN that is printed.
"""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from argon2 import PasswordHasher

from callcenter.storage.entries import Row

PIN = "2468"
CUSTOMERS = range(1, 6)


def pin_rows(ids: Iterable[int], now: dt.datetime) -> list[Row]:
    """One hash for all: argon2 is slow on purpose, and this PIN is no secret. It takes some 50 ms."""
    pin_hash = PasswordHasher().hash(PIN)
    return [{"customer_id": one, "pin_hash": pin_hash, "set_at": now} for one in ids if one in CUSTOMERS]


def order_rows(ids: Iterable[int], now: dt.datetime) -> list[Row]:
    """Their latest order, which is on its way."""
    return [
        {
            "customer_id": one,
            "number": f"O-1{one:07d}",
            "ordered_at": now - dt.timedelta(hours=20 + one),
            "amount": Decimal(19_950 + 10_000 * one) / 100,
            "currency": "CNY",
            "state": "shipped",
        }
        for one in ids
        if one in CUSTOMERS
    ]
