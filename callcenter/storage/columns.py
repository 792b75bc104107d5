"""Column types that mean the same on every database.

SQLite has no dates, no decimals and no time zones; so dates are whole microseconds since 1970 (UTC) and
amounts are whole ten-thousandths. Both are exact, sort rightly, and can be summed by the database.
"""

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
AMOUNT_UNITS = 10_000
"""An amount is kept to four decimals: no currency needs more."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def to_micros(moment: dt.datetime) -> int:
    """Microseconds since 1970 of an aware date; raises ``ValueError`` for one without a time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"a date without a time zone: {moment.isoformat()}")
    return (moment - EPOCH) // MICROSECOND


def from_micros(micros: int) -> dt.datetime:
    """The aware UTC date of so many microseconds since 1970."""
    return EPOCH + dt.timedelta(microseconds=micros)


class Utc(TypeDecorator[dt.datetime]):
    """An aware date, given back in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> int | None:
        """To microseconds."""
        return None if value is None else to_micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        """From microseconds."""
        return None if value is None else from_micros(int(value))


class Amount(TypeDecorator[Decimal]):
    """A decimal amount of money; its currency is in the column beside it."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """To ten-thousandths; raises ``ValueError`` when that would lose something."""
        if value is None:
            return None
        units = value * AMOUNT_UNITS
        if units != int(units):
            raise ValueError(f"an amount with more than four decimals: {value}")
        return int(units)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """From ten-thousandths."""
        return None if value is None else Decimal(int(value)) / AMOUNT_UNITS


class Words(TypeDecorator[str]):
    """Text of any length. What a database can't store (NUL, half a surrogate pair) becomes U+FFFD, so that no
    caller's name can make a record unwritable."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Make it storable."""
        return None if value is None else _UNSTORABLE.sub("�", value)
