"""The offers that stand: an agent is reserved for each, for a lease that ends whatever happens."""

from dataclasses import dataclass

import structlog

from callcenter.agents.roster import Roster
from callcenter.bus import Bus
from callcenter.calls.call import Call
from callcenter.calls.events import CallOffered, OfferEnded, OfferResult
from callcenter.clock import Clock
from callcenter.ids import AgentId, CallId, OfferId, QueueName, new_id
from callcenter.routing.decision import Decision
from callcenter.routing.facts import Reason
from callcenter.routing.offer import Offer
from callcenter.timers import Timers

log = structlog.get_logger(__name__)

MISSED = frozenset({OfferResult.NO_ANSWER, OfferResult.BUSY, OfferResult.REJECTED, OfferResult.LEASE_LOST})
"""Results that count against the agent's phone."""


@dataclass(frozen=True, slots=True)
class OfferTimes:
    """``ring``: seconds a phone rings, per queue; ``margin``: seconds that a reservation outlives the ring."""

    ring: dict[QueueName, int]
    margin: float

    def lease(self, queue: QueueName | None) -> float:
        """Seconds of a reservation; of no queue: the longest."""
        ring = self.ring[queue] if queue is not None else max(self.ring.values(), default=0)
        return ring + self.margin


class Offers:
    """By id and by call: one of a call at most, and one of an agent, which the roster sees to."""

    def __init__(self, roster: Roster, bus: Bus, clock: Clock, timers: Timers, times: OfferTimes) -> None:
        self._roster = roster
        self._bus = bus
        self._clock = clock
        self._timers = timers
        self._times = times
        self._offers: dict[OfferId, Offer] = {}
        self._by_call: dict[CallId, Offer] = {}
        self.phones_seen = True
        """Do we know what the phones do? A lease does not end while we don't."""

    def reserve(
        self, call: Call, agent_id: AgentId, queue: QueueName | None, why: Reason, decision: Decision | None
    ) -> Offer:
        """Hold the agent for this call. Raises ``Conflict``, ``NotFound`` when that can't be."""
        offer_id, now = OfferId(new_id(self._clock)), self._clock.now()
        until = now + self._times.lease(queue)
        agent = self._roster.reserve(agent_id, offer_id, call.id, until)
        offer = Offer(offer_id, call, agent_id, agent.extension, until, why, decision)
        self._offers[offer.id] = self._by_call[call.id] = offer
        self._timers.at(("offer", offer.id), until, lambda: self._lease_ended(offer))
        self._bus.publish(CallOffered(offer.id, call, agent_id, offer.extension, now, offer.why, decision))
        return offer

    def end(self, offer: Offer, result: OfferResult) -> None:
        """An offer is over. Ending it twice changes nothing: the first word counts."""
        if self._offers.pop(offer.id, None) is None:
            return
        if self._by_call.get(offer.call.id) is offer:
            del self._by_call[offer.call.id]
        self._timers.cancel(("offer", offer.id))
        if result is OfferResult.ANSWERED:
            self._roster.took(offer.agent_id, hard=offer.hard)
        else:
            self._roster.release(offer.agent_id, offer.id, missed=result in MISSED)
        self._bus.publish(OfferEnded(offer.id, offer.call, offer.agent_id, result, self._clock.now()))

    def of(self, call_id: CallId) -> Offer | None:
        """The one that stands for a call."""
        return self._by_call.get(call_id)

    def stands(self, offer: Offer) -> bool:
        """Is it not over?"""
        return offer.id in self._offers

    def _lease_ended(self, offer: Offer) -> None:
        """No word came of the offer in time. While Asterisk can't be seen, the phone may well be in a talk."""
        if offer.id not in self._offers:
            return
        if not self.phones_seen:
            later = self._clock.now() + self._times.margin
            self._timers.at(("offer", offer.id), later, lambda: self._lease_ended(offer))
            return
        log.warning("reservation ended by its lease", call_id=offer.call.id, agent_id=offer.agent_id)
        self.end(offer, OfferResult.LEASE_LOST)
