"""What expressions and prompts know without anybody having set it: the names of ``flow.variables.BUILT_IN``."""

import asyncio
import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from callcenter.calls.call import Call
from callcenter.customers.lookup import Match
from callcenter.ivr.flow.flow import Flow
from callcenter.reception.visit import Value

_STRANGER: dict[str, Value] = {
    "caller.name": "",
    "customer.id": None,
    "customer.number": "",
    "customer.name": "",
    "customer.company": "",
    "customer.language": "",
    "customer.open_complaints": 0,
    "customer.open_promises": 0,
    "customer.orders": 0,
}


def built_in(call: Call, match: Match, language: str, now: dt.datetime, waiting: int) -> dict[str, Value]:
    """All of them. ``now`` is in the zone that counts; ``waiting`` is of the default queue."""
    return {
        **_customer(match),
        "caller.number": call.number.key,
        "caller.known": match.record is not None,
        "customer.tier": call.tier,
        "call.did": call.did,
        "language": language,
        "time.hour": now.hour,
        "time.minute": now.minute,
        "time.weekday": now.isoweekday(),
        "time.date": now.date().isoformat(),
        "queue.waiting": waiting,
    }


def _customer(match: Match) -> dict[str, Value]:
    record = match.record
    if record is None:
        return _STRANGER
    return {
        "caller.name": record.name,
        "customer.id": record.id,
        "customer.number": record.extra.get("number", "") or str(record.id),
        "customer.name": record.name,
        "customer.company": record.company,
        "customer.language": record.language,
        "customer.open_complaints": len(record.complaints),
        "customer.open_promises": len(record.promises),
        "customer.orders": record.orders_count,
    }


_zones: dict[str, ZoneInfo] = {}
"""Python itself keeps only the last eight, and reads the others from disk again."""


async def have_zones(flows: Iterable[Flow]) -> None:
    """Read the time zones of these flows' opening hours, each once, where it keeps nobody waiting."""
    missing = {hours.zone for flow in flows for hours in flow.hours.values()} - _zones.keys()
    if missing:
        _zones.update(await asyncio.to_thread(lambda: {name: ZoneInfo(name) for name in missing}))


def zone_of(flow: Flow) -> ZoneInfo | None:
    """That of the flow's opening hours."""
    hours = next(iter(flow.hours.values()), None)
    return _zones.get(hours.zone) if hours is not None else None
