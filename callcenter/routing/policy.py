"""The order of the line, as a pure function.

A caller's urgency is the time waited as a share of the tier's promise, times the queue's weight: with promises of 10,
20, 30 and 60 seconds, a VIP who waited 5 s (0.5) goes before a regular customer who waited 12 s (0.4) and after one who
waited 20 s (0.67). So every tier ages, and a better tier ages faster::

    urgency = weight of the queue * seconds waited / seconds promised to the tier

This is the accumulating priority queue of Kleinrock ("A delay dependent queue discipline", Naval Research Logistics
Quarterly 11, 1964; named so by Stanford, Taylor and Ziedins, "Waiting time distributions in the accumulating priority
queue", Queueing Systems 77, 2014), with a ceiling: beyond it neither tier nor weight counts, who waited longest goes
first, and before everybody below the ceiling. A boost (we owe the customer something that is late) is an earlier
arrival. Work that is ``below`` (follow-up calls among callers) is served when no caller can be. Equal urgency: the
earlier arrival, then the call id, so the order is total, and neither the queue's name nor the order of joining counts.

Under ``Order.STRICT`` a better tier goes first whatever the wait.

Within one queue and tier the order never changes (all age alike), so only the heads need comparing.
"""

from dataclasses import dataclass
from typing import TypeAlias

from callcenter.customers.customer import Tier
from callcenter.ids import CallId, QueueName
from callcenter.routing.demand import Demand, Ring
from callcenter.routing.rules import Order, RoutingRules

OrderKey: TypeAlias = tuple[int, float, float, str]
RANKS = {tier: rank for rank, tier in enumerate(Tier)}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One place in the line. ``arrived``: monotonic seconds, boosts taken off; a place that is kept keeps it.
    ``rings``: who may serve it, and from when; ``ring``: the one that holds."""

    call_id: CallId
    queue: QueueName
    tier: Tier
    arrived: float
    rings: tuple[Ring, ...]
    ring: int = 0
    below: bool = False
    boost: float = 0.0
    """Seconds of ``arrived`` that were not waited."""
    channel: str = "voice"

    @property
    def demand(self) -> Demand:
        """Who may serve it now."""
        return self.rings[self.ring].demand

    @property
    def general(self) -> Demand:
        """Who may serve it once nobody in particular is waited for."""
        later = (ring.demand for ring in self.rings[self.ring :])
        return next((demand for demand in later if demand.only is None), self.demand)


def urgency(waiting: Waiting, now: float, rules: RoutingRules) -> tuple[int, float]:
    """How urgent: (2, seconds waited) beyond the ceiling, (1, urgency) below it, (0, urgency) for what comes below all
    callers. Under ``STRICT`` the tier's rank from -3 to 0 takes the place of the urgency."""
    waited = now - waiting.arrived
    if rules.order is Order.STRICT:
        return (0 if waiting.below else 1, -RANKS[waiting.tier])
    if waiting.below:
        return (0, waited * rules.slope(waiting.queue, waiting.tier))
    if waited >= rules.ceiling:
        return (2, waited)
    return (1, waited * rules.slope(waiting.queue, waiting.tier))


def order_key(waiting: Waiting, now: float, rules: RoutingRules) -> OrderKey:
    """Sorts a line, the next to be served first."""
    level, value = urgency(waiting, now, rules)
    return (-level, -value, waiting.arrived, waiting.call_id)
