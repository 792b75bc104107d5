"""The period that a page's figures are of: whole days in the centre's own time zone."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from callcenter.errors import BadInput

PERIODS = {"today": 1, "week": 7, "month": 30}
"""Days, today among them."""
LONGEST = dt.timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Period:
    """``first`` and ``last`` are days, both meant; ``since`` and ``until`` the moments, UTC."""

    name: str
    first: dt.date
    last: dt.date
    since: dt.datetime
    until: dt.datetime


def period_of(asked: Mapping[str, str], now: dt.datetime, here: dt.tzinfo) -> Period:
    """What a page's address asks for: ``period`` = today, week, month, or custom with ``from`` and ``to``. Raises
    ``BadInput``."""
    today = now.astimezone(here).date()
    name = asked.get("period", "today")
    if name in PERIODS:
        return _between(name, today - dt.timedelta(days=PERIODS[name] - 1), today, here)
    if name != "custom":
        raise BadInput("The period must be today, week, month or custom.")
    first, last = _day(asked, "from"), _day(asked, "to")
    if first > last or last - first > LONGEST:
        raise BadInput("The first day must not be after the last one, nor ten years before it.")
    return _between(name, first, last, here)


def _between(name: str, first: dt.date, last: dt.date, here: dt.tzinfo) -> Period:
    since, until = (
        dt.datetime.combine(day, dt.time(), here).astimezone(dt.UTC)
        for day in (first, last + dt.timedelta(days=1))
    )
    return Period(name, first, last, since, until)


def _day(asked: Mapping[str, str], name: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(asked.get(name, ""))
    except ValueError:
        raise BadInput(f"{name} must be a day such as 2026-01-31.") from None
    if not 1970 <= day.year <= 9000:
        raise BadInput(f"{name} must be a day such as 2026-01-31.")
    return day
