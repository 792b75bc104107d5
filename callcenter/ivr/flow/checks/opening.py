"""Hours: those that never open, that nobody asks, and calendars that come to their end."""

import datetime as dt
from collections.abc import Iterator

from callcenter.ivr.flow.checks.finding import Finding, Known, warning
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.nodes import HoursNode, QueueNode

_ARRANGED_IN = 11


def check(flow: Flow, known: Known) -> Iterator[Finding]:
    """Every entry under hours."""
    used = set(_asked_for(flow))
    for name, hours in flow.hours.items():
        if name not in used:
            yield warning(("hours", name), f"no node asks for “{name}”: take it out")
        if hours.never_opens():
            message = 'these hours never open: write times under open, such as mon-fri: ["09:00-18:00"]'
            yield Finding(("hours", name), message)
        if known.today is not None and (until := hours.known_until()) is not None:
            yield from _calendar_ends(name, until, known.today)


def _asked_for(flow: Flow) -> Iterator[str]:
    for node in flow.nodes.values():
        if isinstance(node, HoursNode):
            yield node.hours
        elif isinstance(node, QueueNode) and node.waiting.closes is not None:
            yield node.waiting.closes.hours


def _calendar_ends(name: str, until: int, today: dt.date) -> Iterator[Finding]:
    # The next year's public holidays are arranged in autumn: before, nobody could do anything about it.
    needed = today.year + (today.month >= _ARRANGED_IN)
    if until < needed:
        advice = f"update it, or write those of {needed} under holidays"
        message = f"the calendar knows the public holidays until {until} only: {advice}"
        yield warning(("hours", name, "calendar"), message)
