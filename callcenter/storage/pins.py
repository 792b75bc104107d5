"""PINs of customers: only argon2 hashes are kept, and wrong ones are counted whoever they are tried on."""

import asyncio
import datetime as dt
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, exc, select, update

from callcenter.clock import Clock
from callcenter.customers.pins import PIN, PinResult, checked_pin, customer_of, typed_number
from callcenter.errors import NotFound
from callcenter.ids import CustomerId
from callcenter.storage.database import Database
from callcenter.storage.tables import customer_pins, pin_tries
from callcenter.storage.upsert import insert_missing, upsert

MAX_WRONG = 5
"""So many wrong PINs in a row lock the number."""
LOCK_SECONDS = 1800.0
FORGET = dt.timedelta(days=30)
"""Tries are forgotten so long after the last one: else every number ever mistyped would stay."""
PIN_SEEN = 64
"""Characters of what was typed that are looked at."""
VERIFIERS = 2
TIME_COST, MEMORY_KIB, LANES = 2, 19_456, 1
"""OWASP's least for argon2id. A PIN has so few digits that the lock-out protects it, and a caller waits meanwhile."""

_tries = pin_tries.c


class StoredPins:
    """The ``Identities``. Every method may raise ``DatabaseAway``; no error holds a PIN."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        max_wrong: int = MAX_WRONG,
        lock_seconds: float = LOCK_SECONDS,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._max_wrong = max_wrong
        self._lock = dt.timedelta(seconds=lock_seconds)
        self._hasher = hasher or PasswordHasher(TIME_COST, MEMORY_KIB, LANES)
        self._slots = asyncio.Semaphore(VERIFIERS)
        self._dummy = ""

    async def verify(self, customer_number: str, pin: str) -> PinResult:
        """Is this the PIN of this customer number? It takes as long for a number that nobody has.

        The try is counted before it is made, and forgiven when it was right: so many callers who guess at the same
        time have no more tries than one.
        """
        number = typed_number(customer_number)
        if not number:
            return PinResult("wrong")
        stored = await self._dummy_hash()
        failed = await self._database.transact(lambda connection: self._count(connection, number))
        if failed is None:
            return PinResult("locked")
        customer_id = customer_of(number)
        if (kept := await self._hash_of(customer_id)) is not None:
            stored = kept
        right = await self._matches(stored, pin)
        if right and kept is not None:
            await self._forgive(number)
            return PinResult("known", customer_id)
        return PinResult("locked" if failed >= self._max_wrong else "wrong")

    async def set_pin(self, customer_id: CustomerId, pin: str) -> None:
        """Keep this PIN for a customer and unlock the number; raises ``BadInput``, ``NotFound``."""
        pin_hash = await asyncio.to_thread(self._hasher.hash, checked_pin(pin))
        row = {"customer_id": customer_id, "pin_hash": pin_hash, "set_at": self._clock.wall()}
        statement = upsert(self._database.dialect, customer_pins, ("customer_id",), tuple(row))
        try:
            async with self._database.writing() as connection:
                await connection.execute(statement, row)
                await connection.execute(
                    delete(pin_tries).where(_tries.number == typed_number(str(customer_id)))
                )
        except exc.IntegrityError as error:
            raise NotFound("There is no such customer.") from error

    async def _dummy_hash(self) -> str:
        """What numbers without a PIN are checked against."""
        if not self._dummy:
            self._dummy = await asyncio.to_thread(self._hasher.hash, secrets.token_urlsafe(16))
        return self._dummy

    def _count(self, connection: Connection, number: str) -> int | None:
        """Count a try as wrong; gives how many that makes in a row, None when the number is locked."""
        now = self._clock.wall()
        connection.execute(delete(pin_tries).where(_tries.at < now - FORGET))
        fresh = {"number": number, "failed": 0, "locked_until": None, "at": now}
        connection.execute(insert_missing(self._database.dialect, pin_tries, ("number",)), fresh)
        mine = _tries.number == number
        row = connection.execute(
            select(_tries.failed, _tries.locked_until).where(mine).with_for_update()
        ).one()
        if row.locked_until is not None and row.locked_until > now:
            return None
        failed = 1 if row.locked_until is not None else int(row.failed) + 1
        locked_until = now + self._lock if failed >= self._max_wrong else None
        change = update(pin_tries).where(mine).values(failed=failed, locked_until=locked_until, at=now)
        connection.execute(change)
        return failed

    async def _hash_of(self, customer_id: CustomerId | None) -> str | None:
        query = select(customer_pins.c.pin_hash).where(customer_pins.c.customer_id == (customer_id or 0))
        async with self._database.reading() as connection:
            found: str | None = await connection.scalar(query)
        return found

    async def _matches(self, stored: str, pin: str) -> bool:
        async with self._slots:
            return await asyncio.to_thread(self._verify, stored, pin[:PIN_SEEN])

    def _verify(self, stored: str, pin: str) -> bool:
        try:
            self._hasher.verify(stored, pin)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
        return PIN.fullmatch(pin) is not None

    async def _forgive(self, number: str) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(pin_tries).where(_tries.number == number))
