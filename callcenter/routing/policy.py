"""The order of the line, as a pure function.

A caller's urgency is the time waited as a share of the tier's promise: with promises of 10, 20, 30 and 60 seconds, a
VIP who waited 5 s (0.5) goes before a regular customer who waited 12 s (0.4) and after one who waited 20 s (0.67). So
every tier ages, and a better tier ages faster. Beyond the ceiling the tier no longer counts: whoever waited longest
goes first, and before everybody below the ceiling. Equal urgency: the earlier arrival, then the call id, so the order
is total.

Within one tier the order never changes (all age alike), so only the heads of the tiers need comparing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from callcenter.customers.customer import Tier
from callcenter.ids import CallId, QueueName


@dataclass(frozen=True, slots=True)
class LinePolicy:
    """``promises``: seconds within which each tier should be answered; ``ceiling``: seconds."""

    promises: Mapping[Tier, float]
    ceiling: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """One place in the line. ``arrived``: monotonic seconds; a place that is kept keeps its ``arrived``."""

    call_id: CallId
    queue: QueueName
    tier: Tier
    arrived: float
    skills: frozenset[str] = frozenset()
    """What an agent must have, all of them."""


def urgency(waiting: Waiting, now: float, policy: LinePolicy) -> tuple[int, float]:
    """How urgent: (1, seconds waited) beyond the ceiling, else (0, seconds waited / promised seconds)."""
    waited = now - waiting.arrived
    if waited >= policy.ceiling:
        return (1, waited)
    return (0, waited / policy.promises[waiting.tier])


def order_key(waiting: Waiting, now: float, policy: LinePolicy) -> tuple[int, float, float, str]:
    """Sorts a line, the next to be served first."""
    level, value = urgency(waiting, now, policy)
    return (-level, -value, waiting.arrived, waiting.call_id)
