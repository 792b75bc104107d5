"""Opening hours: weekdays, nights, holidays, make-up workdays, and the days when clocks change."""

import datetime as dt
import sys
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from callcenter.ivr.flow import calendars
from callcenter.ivr.flow.hours import Hours

pytestmark = pytest.mark.unit

NOON = dt.time(12)


def hours(**words: Any) -> Hours:
    """Hours in Shanghai, from Monday to Friday, nine to six, unless written otherwise."""
    return Hours.model_validate({"zone": "Asia/Shanghai", "open": {"mon-fri": ["09:00-18:00"]}, **words})


def at(text: str, zone: str = "Asia/Shanghai") -> dt.datetime:
    """A wall-clock time in a zone."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def noon(day: dt.date) -> dt.datetime:
    """Noon in Shanghai."""
    return dt.datetime.combine(day, NOON, ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        ("2026-03-02 08:59:59", "closed"),
        ("2026-03-02 09:00:00", "open"),
        ("2026-03-06 17:59:59", "open"),
        ("2026-03-06 18:00:00", "closed"),
        ("2026-03-07 12:00:00", "closed"),
    ],
)
def test_edges_of_a_day(moment: str, state: str) -> None:
    """A span begins with its first minute and ends before its last."""
    assert hours().state(at(moment)) == state


def test_the_zone_decides() -> None:
    """The same moment, written in any zone, is judged by the wall clock of the hours."""
    moment = dt.datetime(2026, 3, 2, 1, 0, tzinfo=dt.UTC)
    assert hours().state(moment) == "open"
    assert hours(zone="Europe/Berlin").state(moment) == "closed"
    with pytest.raises(ValueError, match="time zone"):
        hours().state(dt.datetime(2026, 3, 2, 10, 0))  # noqa: DTZ001  the fault that is tested


@pytest.mark.parametrize(
    ("group", "days"),
    [
        ("daily", "1111111"),
        ("mon", "1000000"),
        ("mon-fri", "1111100"),
        ("sat,sun", "0000011"),
        ("mon, wed-thu,sun", "1011001"),
        ("sat-mon", "1000011"),
    ],
)
def test_groups_of_weekdays(group: str, days: str) -> None:
    """One day, a range, a list, a range over the week's end."""
    weekly = hours(open={group: ["00:00-24:00"]})
    week = [dt.date(2026, 3, 2) + dt.timedelta(days=step) for step in range(7)]
    assert "".join("1" if weekly.state(noon(day)) == "open" else "0" for day in week) == days


def test_over_midnight() -> None:
    """A night belongs to the day on which it begins; 24:00 is the day's end."""
    night = hours(open={"fri": ["22:00-06:00"], "sun": ["20:00-24:00"]})
    for moment, state in [
        ("2026-03-06 05:00", "closed"),  # Thursday night is no night
        ("2026-03-06 21:59", "closed"),
        ("2026-03-06 22:00", "open"),
        ("2026-03-07 05:59", "open"),
        ("2026-03-07 06:00", "closed"),
        ("2026-03-07 22:00", "closed"),
        ("2026-03-08 23:59", "open"),
        ("2026-03-09 00:00", "closed"),
    ]:
        assert night.state(at(moment)) == state, moment


def test_a_night_into_a_holiday() -> None:
    """The shift that began before the holiday goes on; that of the holiday does not begin."""
    night = hours(open={"daily": ["22:00-06:00"]}, holidays={"2026-03-04": True})
    assert night.state(at("2026-03-04 05:00")) == "open"
    assert night.state(at("2026-03-04 07:00")) == "holiday"
    assert night.state(at("2026-03-04 23:00")) == "holiday"
    assert night.state(at("2026-03-05 05:00")) == "closed"


@pytest.mark.parametrize(
    ("span", "moment", "state"),
    [
        # 29 March 2026: 02:00 becomes 03:00.
        ("02:30-04:00", "2026-03-29T00:59:59+00:00", "closed"),
        ("02:30-04:00", "2026-03-29T01:00:00+00:00", "open"),
        ("02:30-04:00", "2026-03-29T01:59:59+00:00", "open"),
        ("02:30-04:00", "2026-03-29T02:00:00+00:00", "closed"),
        ("09:00-18:00", "2026-03-28T08:00:00+00:00", "open"),
        ("09:00-18:00", "2026-03-29T07:00:00+00:00", "open"),
        ("22:00-06:00", "2026-03-29T03:59:59+00:00", "open"),
        ("22:00-06:00", "2026-03-29T04:00:00+00:00", "closed"),
        # 25 October 2026: 03:00 becomes 02:00, so 02:30 is twice.
        ("02:15-02:45", "2026-10-25T00:30:00+00:00", "open"),
        ("02:15-02:45", "2026-10-25T00:50:00+00:00", "closed"),
        ("02:15-02:45", "2026-10-25T01:30:00+00:00", "open"),
        ("22:00-06:00", "2026-10-25T04:59:59+00:00", "open"),
        ("22:00-06:00", "2026-10-25T05:00:00+00:00", "closed"),
    ],
)
def test_clocks_change_in_berlin(span: str, moment: str, state: str) -> None:
    """Hours are wall-clock time: an hour that is missing is missing, one that comes twice counts twice."""
    berlin = hours(zone="Europe/Berlin", open={"daily": [span]})
    assert berlin.state(dt.datetime.fromisoformat(moment)) == state


FREE_2026 = {
    (1, 1): 3, (2, 15): 9, (4, 4): 3, (5, 1): 5, (6, 19): 3, (9, 25): 3, (10, 1): 7,
}  # fmt: skip
"""The State Council's arrangement for 2026: first day -> days."""
WORK_2026 = ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"]


def test_china_2026() -> None:
    """Every day of 2026: the holidays with their weekend days, the six make-up workdays, and all others as usual."""
    china = hours(calendar="CN")
    free = {
        dt.date(2026, *first) + dt.timedelta(days=step)
        for first, days in FREE_2026.items()
        for step in range(days)
    }
    work = {dt.date.fromisoformat(day) for day in WORK_2026}
    for number in range(365):
        day = dt.date(2026, 1, 1) + dt.timedelta(days=number)
        usual = "open" if day.weekday() < 5 or day in work else "closed"
        assert china.state(noon(day)) == ("holiday" if day in free else usual), day


def test_a_make_up_workday_has_mondays_hours() -> None:
    """A Saturday that is worked has Monday's hours, not Saturday's; where Monday is closed, its own."""
    worked, plain = "2026-05-09", "2026-05-16"
    weekly = hours(calendar="CN", open={"mon": ["08:00-20:00"], "sat": ["10:00-14:00"]})
    assert weekly.state(at(f"{worked} 19:00")) == "open"
    assert weekly.state(at(f"{plain} 19:00")) == "closed"
    late = hours(calendar="CN", open={"tue-sat": ["10:00-14:00"]})
    assert late.state(at(f"{worked} 11:00")) == "open"


def test_years_that_are_not_arranged() -> None:
    """What the law fixes is a holiday all the same, bridging days are not made up, and the gap is told."""
    china = hours(calendar="CN", open={"daily": ["09:00-18:00"]})
    known = china.known_until()
    assert known is not None
    assert 2026 <= known <= 2100
    # Far beyond any arrangement: New Year, Labour Day (two), National Day (three).
    for day in ("2091-01-01", "2091-05-01", "2091-05-02", "2091-10-01", "2091-10-03"):
        assert china.state(noon(dt.date.fromisoformat(day))) == "holiday"
    for day in ("2091-01-02", "2091-05-03", "2091-10-04", "2091-10-07"):
        assert china.state(noon(dt.date.fromisoformat(day))) == "open"


def test_days_of_the_flow_fill_a_gap() -> None:
    """Once people have written days of the next years in the flow, these count as known; a gap ends it."""
    assert hours().known_until() is None
    known = hours(calendar="CN").known_until()
    assert known is not None
    written = {f"{known + 1}-01-02": "New Year", f"{known + 3}-01-02": True}
    assert hours(calendar="CN", holidays=written).known_until() == known + 1


def test_the_flow_goes_before_the_calendar() -> None:
    """A holiday can be taken away or added, a workday made with a weekday's hours or its own."""
    china = hours(
        calendar="CN",
        holidays={"2026-05-01": False, "2026-03-03": "Founding day", "2026-05-09": True},
        workdays={"2026-05-02": "fri", "2026-03-07": ["10:00-11:00", "12:00-13:00"]},
    )
    for day, state in [
        ("2026-05-01", "open"),  # a Friday
        ("2026-03-03", "holiday"),
        ("2026-05-09", "holiday"),  # a make-up workday of the calendar
        ("2026-05-02", "open"),  # a holiday and a Saturday
        ("2026-05-03", "holiday"),
    ]:
        assert china.state(at(f"{day} 17:00")) == state, day
    assert china.state(at("2026-03-07 12:30")) == "open"
    assert china.state(at("2026-03-07 11:30")) == "closed"


def test_hours_of_holidays() -> None:
    """On a holiday the holiday's own hours count, and outside of them it is a holiday."""
    china = hours(calendar="CN", holiday_hours=["10:00-12:00"])
    assert china.state(at("2026-10-01 11:00")) == "open"
    assert china.state(at("2026-10-01 13:00")) == "holiday"
    assert china.state(at("2026-10-08 13:00")) == "open"


def test_other_countries() -> None:
    """German Unity Day, and a Monday that is observed for a Sunday in Japan."""
    germany = hours(zone="Europe/Berlin", calendar="DE", open={"daily": ["00:00-24:00"]})
    assert germany.state(at("2026-10-03 12:00", "Europe/Berlin")) == "holiday"
    assert germany.state(at("2026-10-05 12:00", "Europe/Berlin")) == "open"
    assert germany.known_until() is not None
    japan = hours(zone="Asia/Tokyo", calendar="JP")
    assert japan.state(at("2027-03-22 12:00", "Asia/Tokyo")) == "holiday"


@pytest.mark.parametrize(
    ("words", "never"),
    [
        ({}, False),
        ({"open": {}}, True),
        ({"open": {"mon-fri": []}}, True),
        ({"open": {}, "calendar": "CN"}, True),
        ({"open": {}, "holiday_hours": ["09:00-10:00"]}, True),
        ({"open": {}, "holiday_hours": ["09:00-10:00"], "calendar": "CN"}, False),
        ({"open": {}, "holiday_hours": ["09:00-10:00"], "holidays": {"2026-01-01": True}}, False),
        ({"open": {}, "holiday_hours": ["09:00-10:00"], "holidays": {"2026-01-01": False}}, True),
        ({"open": {}, "workdays": {"2026-01-01": ["09:00-10:00"]}}, False),
        ({"open": {}, "workdays": {"2026-01-01": "mon"}}, True),
    ],
)
def test_hours_that_never_open(words: dict[str, Any], never: bool) -> None:
    """Without a span that could ever count, a flow's check can say so."""
    assert hours(**words).never_opens() is never


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"zone": "Mars/Olympus"}, "there is no time zone Mars/Olympus"),
        ({"zone": "Europe"}, "there is no time zone Europe"),
        ({"zone": "../../etc/passwd"}, "pattern"),
        ({"zone": "/etc/passwd"}, "there is no time zone"),
        ({"zone": ""}, "pattern"),
        ({"calendar": "XX"}, "there is no calendar of XX"),
        ({"calendar": "cn"}, "pattern"),
        ({"open": {"monday": []}}, "pattern"),
        ({"open": {"mon": ["9:00-18:00"]}}, "pattern"),
        ({"open": {"mon": ["09:00-25:00"]}}, "pattern"),
        ({"open": {"mon": ["09:60-18:00"]}}, "pattern"),
        ({"open": {"mon": ["24:00-06:00"]}}, "pattern"),
        ({"open": {"mon": ["09:00-09:00"]}}, "for the whole day write 00:00-24:00"),
        ({"open": {"mon": "09:00-18:00"}}, "list"),
        ({"open": {"mon": ["09:00-18:00"] * 21}}, "20"),
        ({"open": {"mon-fri": [], "wed": []}}, "wed is in two groups"),
        ({"holidays": {"2026-02-30": True}}, "there is no day 2026-02-30"),
        ({"holidays": {"2026-2-3": True}}, "pattern"),
        ({"workdays": {"2026-02-20": "monday"}}, "'mon', 'tue'"),
        ({"holidays": {"2026-02-20": "x"}, "workdays": {"2026-02-20": "mon"}}, "it can only be one"),
        ({"sunday": []}, "Extra inputs"),
    ],
)
def test_what_is_refused(words: dict[str, Any], why: str) -> None:
    """Wrong zones, countries, days, spans and dates are told."""
    with pytest.raises(ValidationError) as failure:
        hours(**words)
    assert why in str(failure.value)


@given(
    st.datetimes(timezones=st.timezones()).filter(lambda moment: 1 < moment.year < 9999),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]),
)
def test_never_and_always(moment: dt.datetime, zone: str) -> None:
    """At any moment, in any zone: hours around the clock are open, hours without spans are not."""
    assert hours(zone=zone, open={"daily": ["00:00-24:00"]}).state(moment) == "open"
    assert hours(zone=zone, open={"daily": ["00:00-12:00", "12:00-00:00"]}).state(moment) == "open"
    assert hours(zone=zone, open={}).state(moment) == "closed"


def test_china_needs_no_large_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading and asking the hours of a Chinese centre never imports ``holidays``, which would hold up the loop."""
    monkeypatch.setitem(sys.modules, "holidays", None)  # an import of it fails now
    calendars.year_of.cache_clear()
    china = hours(calendar="CN")
    china.prepare([2026])
    assert china.state(at("2026-10-01 11:00")) == "holiday"
    assert china.known_until() is not None


@pytest.mark.parametrize(
    ("words", "moment", "closes"),
    [
        ({}, "2026-03-02 10:00:00", "2026-03-02 18:00:00"),
        ({}, "2026-03-02 17:59:59", "2026-03-02 18:00:00"),
        ({"open": {"daily": ["09:00-12:00", "13:00-18:00"]}}, "2026-03-02 10:00:00", "2026-03-02 12:00:00"),
        ({"open": {"daily": ["09:00-12:00", "12:00-18:00"]}}, "2026-03-02 10:00:00", "2026-03-02 18:00:00"),
        ({"open": {"daily": ["09:00-13:00", "12:00-18:00"]}}, "2026-03-02 10:00:00", "2026-03-02 18:00:00"),
        ({"open": {"fri": ["22:00-06:00"]}}, "2026-03-06 23:00:00", "2026-03-07 06:00:00"),
        ({"open": {"fri": ["22:00-06:00"]}}, "2026-03-07 03:00:00", "2026-03-07 06:00:00"),
        ({"open": {"fri": ["20:00-24:00"]}}, "2026-03-06 23:00:00", "2026-03-07 00:00:00"),
        ({"open": {"fri": ["20:00-24:00"], "sat": ["00:00-02:00"]}}, "2026-03-06 23:00:00", "2026-03-07 02:00:00"),
        ({"holidays": {"2026-03-03": True}, "open": {"daily": ["00:00-24:00"]}}, "2026-03-02 10:00:00",
         "2026-03-03 00:00:00"),
        ({"open": {"daily": ["00:00-24:00"]}}, "2026-03-02 10:00:00", None),
    ],
)  # fmt: skip
def test_when_it_closes(words: dict[str, Any], moment: str, closes: str | None) -> None:
    """The end of what is open now, over spans that touch, midnight and holidays; None when there is no end."""
    office = hours(**words)
    assert office.state(at(moment)) == "open"
    expected = None if closes is None else at(closes)
    assert office.closes_after(at(moment)) == expected


@given(st.integers(0, 2 * 365 * 24 * 60), st.sampled_from(["Asia/Shanghai", "UTC"]))
def test_open_until_it_closes(minute: int, zone: str) -> None:
    """At the end it is not open, and a minute before it is, whatever the day."""
    office = hours(
        zone=zone,
        calendar="CN",
        open={"mon-thu": ["08:30-12:00", "13:00-20:00"], "fri,sat": ["21:00-05:00"]},
        holiday_hours=["10:00-11:00"],
    )
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minute)
    if office.state(now) != "open":
        return
    end = office.closes_after(now)
    assert end is not None
    assert end > now
    assert office.state(end) != "open"
    assert office.state(max(now, end - dt.timedelta(minutes=1))) == "open"


def test_closing_needs_a_zone() -> None:
    """A moment without one is nobody's."""
    with pytest.raises(ValueError, match="zone"):
        hours().closes_after(dt.datetime(2026, 3, 2, 10))  # noqa: DTZ001  that is the point
