"""The policy of callbacks, as pure functions: who may be rung, when, how often, and what follows from a try.

A number may be rung when it is a real one of the home country (or begins with one of the allowed prefixes) and costs
what an ordinary call costs. Anything else would let a caller spend the company's money.
"""

import dataclasses
import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import PhoneNumberType

from callcenter.callbacks.callback import Callback, CallbackState
from callcenter.calls.number import CallerNumber, NumberKind

ORDINARY = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
        PhoneNumberType.PERSONAL_NUMBER,
    }
)
MOST_OPEN = 5000
"""Callbacks that may be open at once; more could not be made before they expire."""
_LOOK_AHEAD = 3
"""Days in which calling hours must open, whatever the clock change."""


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """``tries``: calls made at most; ``pause``: seconds between them; ``expires_hours``: then it is given up.
    ``opens``, ``closes``: nobody is rung outside these hours of ``zone``; an end before the beginning is the next
    day's, the same is the whole day. ``prefixes``: what may be rung beside the home country, such as ``+852``."""

    zone: ZoneInfo
    opens: dt.time = dt.time(8, 0)
    closes: dt.time = dt.time(21, 0)
    tries: int = 3
    pause: float = 300.0
    expires_hours: float = 24.0
    prefixes: tuple[str, ...] = ()


def may_ring(number: CallerNumber, region: str, rules: CallbackRules) -> bool:
    """May this number be called back?"""
    if number.kind is not NumberKind.E164:
        return False
    parsed = phonenumbers.parse(number.key, None)
    if not phonenumbers.is_valid_number(parsed) or phonenumbers.number_type(parsed) not in ORDINARY:
        return False
    home = parsed.country_code == phonenumbers.country_code_for_region(region)
    return home or number.key.startswith(rules.prefixes)


# -------------------------------------------------------- calling hours


def ringing_hours(now: dt.datetime, rules: CallbackRules) -> tuple[dt.datetime, dt.datetime]:
    """The calling hours that are on at ``now``, or else the next ones, as UTC. They are counted on the zone's own
    clock, so a change of summer time moves them."""
    first = now.astimezone(rules.zone).date() - dt.timedelta(days=1)
    for day in range(_LOOK_AHEAD + 1):
        date = first + dt.timedelta(days=day)
        opens, closes = _instant(date, rules.opens, rules), _instant(date, rules.closes, rules)
        if closes <= opens:
            closes = _instant(date + dt.timedelta(days=1), rules.closes, rules)
        if closes > now:
            return opens, closes
    raise AssertionError("calling hours open every day")


def _instant(date: dt.date, time: dt.time, rules: CallbackRules) -> dt.datetime:
    return dt.datetime.combine(date, time, rules.zone).astimezone(dt.UTC)


def next_ring(callback: Callback, now: dt.datetime, rules: CallbackRules) -> tuple[dt.datetime, dt.datetime]:
    """From when until when the callback may be in the line: ``not_before`` and the calling hours respected, ended by
    its expiry."""
    opens, closes = ringing_hours(max(now, callback.not_before), rules)
    return max(opens, callback.not_before), min(closes, callback.expires_at)


def expired(callback: Callback, now: dt.datetime) -> bool:
    """Is it too late?"""
    return now >= callback.expires_at


# -------------------------------------------------------- what follows


def expiry(asked_at: dt.datetime, rules: CallbackRules) -> dt.datetime:
    """When a callback that is asked for now is given up."""
    return asked_at + dt.timedelta(hours=rules.expires_hours)


def not_reached(callback: Callback, now: dt.datetime, rules: CallbackRules) -> Callback:
    """The customer was rung and did not answer: again after a pause, at the same place, or never."""
    tries = callback.tries + 1
    if tries >= rules.tries:
        return ended(dataclasses.replace(callback, tries=tries), CallbackState.NO_ANSWER, now)
    later = now + dt.timedelta(seconds=rules.pause)
    return dataclasses.replace(queued(callback), tries=tries, not_before=later)


def reached(callback: Callback) -> Callback:
    """The customer answered: this call counts too."""
    return dataclasses.replace(callback, tries=callback.tries + 1)


def queued(callback: Callback) -> Callback:
    """Back in the line, at the same place; the try that broke off costs nothing."""
    return dataclasses.replace(callback, state=CallbackState.QUEUED, agent_id=None)


def ended(callback: Callback, state: CallbackState, now: dt.datetime) -> Callback:
    """It is over."""
    return dataclasses.replace(callback, state=state, ended_at=now)


def merged(kept: Callback, again: Callback) -> Callback:
    """One number, one callback: asked for again, it keeps the better place and waits where it was asked for last. Tries
    are kept: nobody is rung more often for having asked twice."""
    return dataclasses.replace(
        kept,
        queue=again.queue,
        tier=again.tier,
        language=again.language,
        skills=again.skills,
        arrived_at=min(kept.arrived_at, again.arrived_at),
        expires_at=max(kept.expires_at, again.expires_at),
        customer_id=kept.customer_id if again.customer_id is None else again.customer_id,
    )


def taken_up(callback: Callback, now: dt.datetime, rules: CallbackRules) -> Callback:
    """An open callback of a core that has ended: in the line again. Was it being dialled, nobody knows whether the
    customer's phone rang: it costs no try, but not at once again."""
    if callback.state is CallbackState.DIALLING:
        later = now + dt.timedelta(seconds=rules.pause)
        return dataclasses.replace(queued(callback), not_before=max(later, callback.not_before))
    return queued(callback)
