"""Public holidays of a country, and the weekend days on which it works instead.

China comes from ``chinesecalendar``: it has the State Council's yearly arrangement, with the make-up workdays and the
weekend days inside a holiday, and it knows which years it knows. (``holidays`` leaves those weekend days out, and makes
up bridging days for years that are not arranged yet.) Of later years only the days that the law itself fixes are
holidays, without make-up workdays. All other countries come from ``holidays``.

Both libraries are imported when a flow first needs them. ``holidays`` takes a fifth of a second, so: off the loop.
"""

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

CHINA = "CN"


@dataclass(frozen=True, slots=True)
class Year:
    """One year: its public holidays, and the weekend days on which people work."""

    holidays: frozenset[dt.date]
    workdays: frozenset[dt.date]


@lru_cache(maxsize=256)
def supported(country: str) -> bool:
    """Is there a calendar of this country (ISO 3166, upper-case)? Imports ``holidays``, but not for China."""
    if country == CHINA:
        return True
    import holidays  # noqa: PLC0415  takes a fifth of a second

    try:
        holidays.country_holidays(country)
    except NotImplementedError:
        return False
    return True


@lru_cache(maxsize=64)
def year_of(country: str, year: int) -> Year:
    """A year of a supported country; empty where nothing is known of it."""
    if country == CHINA and year in _arranged():
        from chinese_calendar import constants  # noqa: PLC0415  only where a flow asks for it

        return Year(
            frozenset(day for day in constants.holidays if day.year == year),
            frozenset(day for day in constants.workdays if day.year == year),
        )
    import holidays  # noqa: PLC0415  takes a fifth of a second

    found = holidays.country_holidays(country, years=year, observed=country != CHINA)
    workdays = frozenset(day for day in found.weekend_workdays if day.year == year)
    return Year(frozenset(day for day in found if day.year == year), workdays)


def known_until(country: str) -> int:
    """The last year that is fully known: of China, the last that the State Council has arranged (in the library as
    it is installed)."""
    if country == CHINA:
        return max(_arranged())
    import holidays  # noqa: PLC0415  takes a fifth of a second

    return int(holidays.country_holidays(country).end_year)


@lru_cache(maxsize=1)
def _arranged() -> frozenset[int]:
    from chinese_calendar import constants  # noqa: PLC0415  only where a flow asks for it

    return frozenset(day.year for day in constants.holidays)
