"""The policy of callbacks: who may be rung, when, how often."""

import dataclasses
import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.callbacks import rules
from callcenter.callbacks.callback import Callback, CallbackState
from callcenter.callbacks.rules import CallbackRules, may_ring
from callcenter.calls.number import normalise
from callcenter.ids import AgentId, CallId, CustomerId, QueueName

pytestmark = pytest.mark.unit

SHANGHAI = CallbackRules(ZoneInfo("Asia/Shanghai"))
BERLIN = CallbackRules(ZoneInfo("Europe/Berlin"), dt.time(9), dt.time(21))
NIGHT = CallbackRules(ZoneInfo("Europe/Berlin"), dt.time(22), dt.time(4))
ALWAYS = CallbackRules(ZoneInfo("UTC"), dt.time(0), dt.time(0))
NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)


def callback(**facts: object) -> Callback:
    """Asked for now, by somebody who has waited a minute."""
    one = Callback(
        id="0" * 32,
        number="+8613800138000",
        queue=QueueName("sales"),
        tier="regular",
        language="zh",
        call_id=CallId("1" * 32),
        customer_id=None,
        arrived_at=NOW - MINUTE,
        asked_at=NOW,
        not_before=NOW,
        expires_at=NOW + 24 * HOUR,
    )
    return dataclasses.replace(one, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "allowed"),
    [
        ("13800138000", True),
        ("02161234567", True),
        ("+8613800138000", True),
        ("+85251234567", True),
        ("+12125550123", False),
        ("+447911123456", False),
        ("4008001234", False),
        ("8008001234", False),
        ("1001", False),
        ("110", False),
        ("", False),
        ("anonymous", False),
        ("+86138", False),
        ("+8613800138000*1", False),
        ("+8613800138000\r\nX: 1", False),
    ],
)
def test_numbers(number: str, allowed: bool) -> None:
    """Ordinary numbers at home and where it is allowed; nothing else, however it is written."""
    other = dataclasses.replace(SHANGHAI, prefixes=("+852",))
    assert may_ring(normalise(number, "CN"), "CN", other) is allowed


@given(st.text(max_size=40))
def test_no_text_breaks_the_check(text: str) -> None:
    """Whatever a caller's line brings."""
    may_ring(normalise(text, "CN"), "CN", SHANGHAI)


@pytest.mark.parametrize(
    ("kept", "now", "opens", "closes"),
    [
        (SHANGHAI, "2026-01-05T09:00", "2026-01-05T00:00", "2026-01-05T13:00"),
        (SHANGHAI, "2026-01-05T13:00", "2026-01-06T00:00", "2026-01-06T13:00"),
        (SHANGHAI, "2026-01-05T23:59", "2026-01-06T00:00", "2026-01-06T13:00"),
        (BERLIN, "2026-03-28T21:00", "2026-03-29T07:00", "2026-03-29T19:00"),
        (BERLIN, "2026-10-24T20:00", "2026-10-25T08:00", "2026-10-25T20:00"),
        (NIGHT, "2026-01-05T01:00", "2026-01-04T21:00", "2026-01-05T03:00"),
        (NIGHT, "2026-01-05T12:00", "2026-01-05T21:00", "2026-01-06T03:00"),
        (ALWAYS, "2026-01-05T12:00", "2026-01-05T00:00", "2026-01-06T00:00"),
    ],
)
def test_hours(kept: CallbackRules, now: str, opens: str, closes: str) -> None:
    """On the zone's own clock, also when that is changed, over midnight, and all day."""
    found = rules.ringing_hours(dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC), kept)
    assert [each.strftime("%Y-%m-%dT%H:%M") for each in found] == [opens, closes]


@given(
    st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2040, 1, 1)),  # noqa: DTZ001  made aware below
    st.sampled_from([SHANGHAI, BERLIN, NIGHT, ALWAYS]),
)
def test_hours_always_come(now: dt.datetime, kept: CallbackRules) -> None:
    """Never in the past, never more than a day away, and inside them the zone's clock says so."""
    now = now.replace(tzinfo=dt.UTC)
    opens, closes = rules.ringing_hours(now, kept)
    assert opens < closes
    assert now < closes
    assert opens - now <= 25 * HOUR
    if opens <= now:
        local = now.astimezone(kept.zone).time()
        inside = kept.opens <= local < kept.closes
        over_midnight = local >= kept.opens or local < kept.closes
        assert inside if kept.opens < kept.closes else over_midnight


def test_the_next_ring() -> None:
    """Not before its time, not after its expiry, and a pause that ends at night ends in the morning."""
    now = NOW
    late = callback(not_before=NOW + 5 * HOUR)
    assert rules.next_ring(late, now, SHANGHAI)[0] == dt.datetime(2026, 1, 6, 0, 0, tzinfo=dt.UTC)
    soon = callback(not_before=NOW + MINUTE, expires_at=NOW + HOUR)
    assert rules.next_ring(soon, now, SHANGHAI) == (NOW + MINUTE, NOW + HOUR)
    assert not rules.expired(soon, NOW + HOUR - MINUTE)
    assert rules.expired(soon, NOW + HOUR)
    assert rules.expiry(NOW, SHANGHAI) == NOW + 24 * HOUR


def test_not_reached() -> None:
    """Again after the pause, at the same place; given up after the last try."""
    one = callback(state=CallbackState.DIALLING, agent_id=AgentId(1))
    for tries in (1, 2):
        one = rules.not_reached(one, NOW, SHANGHAI)
        assert (one.state, one.tries, one.agent_id) == (CallbackState.QUEUED, tries, None)
        assert (one.arrived_at, one.not_before) == (NOW - MINUTE, NOW + 5 * MINUTE)
    one = rules.not_reached(one, NOW, SHANGHAI)
    assert (one.state, one.tries, one.ended_at) == (CallbackState.NO_ANSWER, 3, NOW)


def test_merged() -> None:
    """The better place, the later wish, the tries of before."""
    kept = callback(tries=1, customer_id=CustomerId(5))
    again = callback(
        queue=QueueName("support"), arrived_at=NOW - HOUR, asked_at=NOW + MINUTE, expires_at=NOW + 25 * HOUR
    )
    one = rules.merged(kept, again)
    assert (one.queue, one.arrived_at, one.tries, one.customer_id) == ("support", NOW - HOUR, 1, 5)
    assert (one.asked_at, one.expires_at) == (NOW, NOW + 25 * HOUR)
    assert rules.merged(again, kept).arrived_at == NOW - HOUR


def test_taken_up() -> None:
    """What was being dialled is not dialled again at once; nothing costs a try."""
    waiting = rules.taken_up(callback(tries=1), NOW, SHANGHAI)
    assert (waiting.state, waiting.not_before, waiting.tries) == (CallbackState.QUEUED, NOW, 1)
    dialling = rules.taken_up(callback(state=CallbackState.DIALLING, agent_id=AgentId(1)), NOW, SHANGHAI)
    assert (dialling.state, dialling.not_before) == (CallbackState.QUEUED, NOW + 5 * MINUTE)
    assert (dialling.agent_id, dialling.tries) == (None, 0)
