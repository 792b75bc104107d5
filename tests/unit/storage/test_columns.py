"""Columns keep dates, amounts and text exactly."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from callcenter.storage.columns import Amount, Utc, Words, from_micros, to_micros

pytestmark = pytest.mark.unit

DIALECT = sqlite.dialect()


@given(st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=8))])))
def test_a_date_comes_back_as_the_same_instant_in_utc(moment: dt.datetime) -> None:
    """Any aware date survives, to the microsecond, before and after 1970."""
    kept = Utc().process_result_value(Utc().process_bind_param(moment, DIALECT), DIALECT)
    assert kept == moment
    assert kept is not None
    assert kept.utcoffset() == dt.timedelta(0)


def test_a_date_without_a_zone_is_refused() -> None:
    """Nothing guesses which zone was meant."""
    with pytest.raises(ValueError, match="time zone"):
        to_micros(dt.datetime(2026, 1, 5))  # noqa: DTZ001  it is what is tested


@given(st.decimals(-10_000_000, 10_000_000, places=4))
def test_an_amount_comes_back_exactly(amount: Decimal) -> None:
    """No cent is lost to floating point."""
    kept = Amount().process_result_value(Amount().process_bind_param(amount, DIALECT), DIALECT)
    assert kept == amount


def test_an_amount_finer_than_four_decimals_is_refused() -> None:
    """It would have to be rounded, and nobody asked for that."""
    with pytest.raises(ValueError, match="four decimals"):
        Amount().process_bind_param(Decimal("0.00001"), DIALECT)


def test_only_what_no_database_can_store_is_replaced() -> None:
    """Quotes, escapes and emoji stay; NUL and lone surrogates become U+FFFD."""
    words = Words()
    kept = "Robert'); DROP TABLE calls;-- \x1b[31m 王小明 \U0001f4de"
    assert words.process_bind_param(kept, DIALECT) == kept
    assert words.process_bind_param("a\x00b\ud800c", DIALECT) == "a�b�c"
    assert words.process_bind_param(None, DIALECT) is None


def test_micros_of_1970_is_zero() -> None:
    """The origin is 1970, in UTC."""
    assert from_micros(0) == dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
