"""Opening hours and holidays.

::

    office:
      zone: Asia/Shanghai
      calendar: CN                            # public holidays and make-up workdays
      open: {mon-fri: ["08:30-12:00", "13:00-20:00"], sat: ["09:00-17:00"]}
      holidays: {"2027-02-11": Spring Festival, "2026-05-02": false}   # closed; false: no holiday for us
      workdays: {"2027-02-20": mon, "2027-02-21": ["09:00-12:00"]}     # open: as on that weekday, or then
      holiday_hours: ["10:00-12:00"]

What is written in the flow goes before the calendar. A make-up workday of the calendar has Monday's hours, or its own
where Monday has none. A span over midnight (``22:00-06:00``) belongs to the day on which it begins, also when
the next day is a holiday. Spans are wall-clock time: on the days when clocks change they are as much shorter or longer.
"""

import datetime as dt
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from callcenter.ivr.flow import calendars
from callcenter.ivr.flow.texts import Part

Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
State: TypeAlias = Literal["open", "closed", "holiday"]
_DAY = f"(?:{'|'.join(WEEKDAYS)})"
LOOK_AHEAD = 8
"""Days; nobody waits longer for anything to close."""
_MINUTES = 24 * 60
_Minutes: TypeAlias = tuple[int, int]
"""From and until, in minutes of the day; until is less than from where it lies on the next day."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise ValueError(f"there is no time zone {name}: write one such as Asia/Shanghai") from None
    return name


def _country(code: str) -> str:
    if not calendars.supported(code):
        raise ValueError(
            f"there is no calendar of {code}: write a country's two letters such as CN, or list holidays"
        )
    return code


def _span(text: str) -> str:
    start, end = _minutes(text)
    if start == end:
        raise ValueError(f"{text} is no time at all: for the whole day write 00:00-24:00")
    return text


def _date(text: str) -> str:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"there is no day {text}: write it as 2026-10-01") from None
    return text


Zone: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]{1,64}$"), AfterValidator(_zone)]
Country: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), AfterValidator(_country)]
Span: TypeAlias = Annotated[
    str,
    StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"),
    AfterValidator(_span),
]
"""``HH:MM-HH:MM``; the end does not belong to it."""
Spans: TypeAlias = Annotated[list[Span], Field(max_length=20)]
Days: TypeAlias = Annotated[
    str, StringConstraints(pattern=rf"^(daily|{_DAY}(-{_DAY})?(, ?{_DAY}(-{_DAY})?)*)$", max_length=60)
]
"""``mon``, ``mon-fri``, ``sat,sun`` or ``daily``."""
Date: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_date)
]


class Hours(Part):
    """When somebody is there. ``zone`` is an IANA name, ``calendar`` a country's code."""

    zone: Zone
    calendar: Country | None = None
    open: Annotated[dict[Days, Spans], Field(max_length=20)]
    holidays: Annotated[dict[Date, bool | Annotated[str, Field(max_length=100)]], Field(max_length=1000)] = (
        Field({})
    )
    """Further days that are holidays: true or a name. False: a holiday of the calendar that is none here."""
    workdays: Annotated[dict[Date, Weekday | Spans], Field(max_length=1000)] = Field({})
    """Days that are open whatever else they are: with the hours of a weekday, or their own."""
    holiday_hours: Spans = Field([])

    @model_validator(mode="after")
    def _each_day_once(self) -> "Hours":
        seen: set[Weekday] = set()
        for group in self.open:
            for day in _weekdays(group):
                if day in seen:
                    raise ValueError(f"{day} is in two groups of open: write its hours in one")
                seen.add(day)
        for date in self.workdays:
            if self.holidays.get(date, False) is not False:
                raise ValueError(f"{date} is in holidays and in workdays: it can only be one")
        return self

    def state(self, at: dt.datetime) -> State:
        """At that moment. ``holiday`` is a public holiday outside of ``holiday_hours``.

        Raises:
            ValueError: ``at`` does not say in which zone it is.
        """
        if at.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        local = at.astimezone(ZoneInfo(self.zone))
        today, minute = local.date(), local.hour * 60 + local.minute
        if any(start <= minute < (end if start < end else _MINUTES) for start, end in self._spans(today)):
            return "open"
        yesterday = self._spans(today - dt.timedelta(days=1))
        if any(end < start and minute < end for start, end in yesterday):
            return "open"
        return "holiday" if self._kind(today) == "holiday" else "closed"

    def closes_after(self, at: dt.datetime) -> dt.datetime | None:
        """When these hours, open at that moment, end, as UTC; None where they don't within ``LOOK_AHEAD`` days.

        Raises:
            ValueError: ``at`` does not say in which zone it is.
        """
        if at.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        zone = ZoneInfo(self.zone)
        today = at.astimezone(zone).date()
        for number in range(-1, LOOK_AHEAD):
            day = today + dt.timedelta(days=number)
            for end in sorted(_end_of(span, day, zone) for span in self._spans(day)):
                if end > at and self.state(end) != "open":
                    return end
        return None

    def never_opens(self) -> bool:
        """Is there no moment at all that they could be open?"""
        if any(self.open.values()):
            return False
        if self.holiday_hours and (
            self.calendar or any(kind is not False for kind in self.holidays.values())
        ):
            return False
        return not any(isinstance(spans, list) and spans for spans in self.workdays.values())

    def known_until(self) -> int | None:
        """The last year whose holidays are known: by the calendar, or because the flow itself writes days of the
        years that follow. None without a calendar: nothing is missing then."""
        if self.calendar is None:
            return None
        year = calendars.known_until(self.calendar)
        written = {int(date[:4]) for date in (*self.holidays, *self.workdays)}
        while year + 1 in written:
            year += 1
        return year

    def prepare(self, years: Iterable[int]) -> None:
        """Have the calendar of these years at hand. The first use of a year may import a library, which takes a
        fifth of a second: call this in a thread before ``state`` is asked on the loop."""
        if self.calendar is not None:
            for year in years:
                calendars.year_of(self.calendar, year)

    def _kind(self, day: dt.date) -> Literal["usual", "holiday", "workday", "written"]:
        """``workday`` is a make-up day of the calendar; ``written`` is a workday of the flow."""
        date = day.isoformat()
        if date in self.workdays:
            return "written"
        if date in self.holidays:
            return "usual" if self.holidays[date] is False else "holiday"
        if self.calendar is not None:
            year = calendars.year_of(self.calendar, day.year)
            if day in year.holidays:
                return "holiday"
            if day in year.workdays:
                return "workday"
        return "usual"

    def _spans(self, day: dt.date) -> Iterable[_Minutes]:
        own = WEEKDAYS[day.weekday()]
        match self._kind(day):
            case "holiday":
                spans = self.holiday_hours
            case "workday":
                spans = self._of(WEEKDAYS[0]) or self._of(own)
            case "written":
                hours = self.workdays[day.isoformat()]
                spans = hours if isinstance(hours, list) else self._of(hours)
            case _:
                spans = self._of(own)
        return [_minutes(span) for span in spans]

    def _of(self, weekday: Weekday) -> list[str]:
        return next((spans for group, spans in self.open.items() if weekday in _weekdays(group)), [])


def _end_of(span: _Minutes, day: dt.date, zone: ZoneInfo) -> dt.datetime:
    start, end = span
    midnight = dt.datetime.combine(day + dt.timedelta(days=end < start), dt.time())
    return (midnight + dt.timedelta(minutes=end)).replace(tzinfo=zone).astimezone(dt.UTC)


@lru_cache(maxsize=512)
def _weekdays(group: str) -> tuple[Weekday, ...]:
    """The days of a group, in order: ``sat-mon`` is three."""
    if group == "daily":
        return WEEKDAYS
    days: list[Weekday] = []
    for first, last in re.findall(r"(\w{3})(?:-(\w{3}))?", group):
        start = WEEKDAYS.index(first)
        count = (WEEKDAYS.index(last) - start) % 7 + 1 if last else 1
        days += (WEEKDAYS[(start + step) % 7] for step in range(count))
    return tuple(days)


@lru_cache(maxsize=4096)
def _minutes(span: str) -> _Minutes:
    start, end = (60 * int(part[:2]) + int(part[3:]) for part in span.split("-"))
    return start, end
