"""What expressions and prompts know without anybody having set it: the names of ``flow.variables.BUILT_IN``."""

import datetime as dt

from callcenter.calls.call import Call
from callcenter.customers.lookup import Match
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
        "customer.number": record.extra.get("number", ""),
        "customer.name": record.name,
        "customer.company": record.company,
        "customer.language": record.language,
        "customer.open_complaints": len(record.complaints),
        "customer.open_promises": len(record.promises),
        "customer.orders": record.orders_count,
    }
