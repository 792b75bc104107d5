"""From a caller's number to a match; each way it can end has its own honest kind."""

import asyncio
import enum
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from callcenter.calls.number import CallerNumber, NumberKind
from callcenter.customers.customer import CustomerCard, CustomerRecord
from callcenter.customers.ports import CustomerDirectory
from callcenter.errors import CallcenterError
from callcenter.ids import CustomerId

log = structlog.get_logger(__name__)

LOOKUP_SECONDS = 3.0
"""A look-up takes milliseconds; one that takes longer must not keep a caller waiting."""


class MatchKind(enum.StrEnum):
    """What the look-up found."""

    KNOWN = "known"
    SEVERAL = "several"
    UNKNOWN = "unknown"
    WITHHELD = "withheld"
    MALFORMED = "malformed"
    UNAVAILABLE = "unavailable"
    """The database did not answer: nothing is known about whether they are a customer."""


@dataclass(frozen=True, slots=True)
class Match:
    """``record`` for one customer; ``candidates`` for several with the same number."""

    kind: MatchKind
    record: CustomerRecord | None = None
    candidates: tuple[CustomerCard, ...] = ()


_WITHOUT_LOOKUP = {NumberKind.WITHHELD: MatchKind.WITHHELD, NumberKind.MALFORMED: MatchKind.MALFORMED}


async def identify(
    directory: CustomerDirectory, number: CallerNumber, limit: float = LOOKUP_SECONDS
) -> Match:
    """Match a number to the record it belongs to. Never raises but for cancellation: a database that is away
    is a match of its own kind."""
    if number.kind in _WITHOUT_LOOKUP:
        return Match(_WITHOUT_LOOKUP[number.kind])
    return await _in_time(_by_number(directory, number.key), limit)


async def recall(
    directory: CustomerDirectory, customer_id: CustomerId, limit: float = LOOKUP_SECONDS
) -> Match:
    """The match of a customer who is known beforehand; as patient and as honest as ``identify``."""
    return await _in_time(_by_id(directory, customer_id), limit)


async def _by_number(directory: CustomerDirectory, key: str) -> Match:
    found = await directory.recognise(key)
    if len(found.cards) > 1:
        return Match(MatchKind.SEVERAL, candidates=found.cards)
    return Match(MatchKind.KNOWN, found.record) if found.record else Match(MatchKind.UNKNOWN)


async def _by_id(directory: CustomerDirectory, customer_id: CustomerId) -> Match:
    record = await directory.record(customer_id)
    return Match(MatchKind.KNOWN, record) if record else Match(MatchKind.UNKNOWN)


async def _in_time(look_up: Coroutine[Any, Any, Match], limit: float) -> Match:
    try:
        async with asyncio.timeout(limit):
            return await look_up
    except (CallcenterError, TimeoutError) as error:
        log.warning("customer look-up failed", reason=str(error) or type(error).__name__)
        return Match(MatchKind.UNAVAILABLE)
