"""Joins the line and the roster: makes offers, ends them, never two of one.

A caller's coroutine takes a ``Place`` and awaits its next offer. Matching runs at every change that could allow one
(a caller joins, an agent becomes free) and is one synchronous step, so no two runs can see half a change.
"""

import asyncio
from dataclasses import dataclass

import structlog

from callcenter.agents.roster import Roster
from callcenter.bus import Bus
from callcenter.calls.call import Call, Direction
from callcenter.calls.events import CallOffered, OfferEnded, OfferResult
from callcenter.clock import Clock
from callcenter.customers.customer import Tier
from callcenter.errors import ReleasedToFallback
from callcenter.ids import CallId, OfferId, QueueName, new_id
from callcenter.routing.arrival_rates import ArrivalRates
from callcenter.routing.choose import Choice, longest_idle
from callcenter.routing.expected_wait import expected_wait, staff_of
from callcenter.routing.handle_times import HandleTimes
from callcenter.routing.line import Line, class_of
from callcenter.routing.offer import Offer
from callcenter.routing.policy import Waiting
from callcenter.timers import Timers

log = structlog.get_logger(__name__)

MISSED = frozenset({OfferResult.NO_ANSWER, OfferResult.BUSY, OfferResult.REJECTED, OfferResult.LEASE_LOST})
"""Results that count against the agent's phone."""


@dataclass(frozen=True, slots=True)
class OfferTimes:
    """``ring``: seconds a phone rings, per queue; ``margin``: seconds that a reservation outlives the ring."""

    ring: dict[QueueName, int]
    margin: float


class Place:
    """A caller's place in the line, with the offer that may come to it."""

    def __init__(self, call: Call, waiting: Waiting) -> None:
        self.call = call
        self.waiting = waiting
        self._offer: asyncio.Future[Offer] = asyncio.get_running_loop().create_future()

    async def offer(self) -> Offer:
        """Wait for the next offer; raises ``ReleasedToFallback`` when the core lets go of its callers.

        May be cancelled and awaited again: the offer isn't lost."""
        return await asyncio.shield(self._offer)

    @property
    def has_caller(self) -> bool:
        """Somebody holds the line and hears the music; not so for a callback."""
        return self.call.direction is not Direction.OUTBOUND

    @property
    def pending(self) -> bool:
        """No offer yet."""
        return not self._offer.done()

    def give(self, offer: Offer) -> None:
        """An agent is reserved."""
        if self.pending:
            self._offer.set_result(offer)

    def release(self) -> None:
        """Let go."""
        if self.pending:
            self._offer.set_exception(ReleasedToFallback("Asterisk's events are away"))
            self._offer.exception()  # whoever awaits hears of it; nobody awaiting is no error

    def taken(self) -> Offer | None:
        """The offer that came, if any."""
        if self._offer.done() and not self._offer.cancelled() and self._offer.exception() is None:
            return self._offer.result()
        return None

    def again(self) -> None:
        """Wait for another offer."""
        self._offer = asyncio.get_running_loop().create_future()


class Distributor:
    """The automatic call distributor (ACD). ``handle_times``: what it says of expected waits rests on them."""

    def __init__(
        self,
        line: Line,
        roster: Roster,
        bus: Bus,
        clock: Clock,
        timers: Timers,
        times: OfferTimes,
        handle_times: HandleTimes | None = None,
    ) -> None:
        self.line = line
        self.handle_times = handle_times if handle_times is not None else HandleTimes()
        self._roster = roster
        self._bus = bus
        self._clock = clock
        self._timers = timers
        self._times = times
        self._arrivals = ArrivalRates()
        self._places: dict[CallId, Place] = {}
        self._offers: dict[OfferId, Offer] = {}
        self._telephony_up = True
        self._letting_go = False
        self._matching = False

    def join(self, call: Call, queue: QueueName, arrived: float) -> Place:
        """Take a place in the line of ``queue``; ``arrived`` (monotonic) decides which. Only agents who have all of
        the call's skills are offered it."""
        place = Place(call, Waiting(call.id, queue, Tier(call.tier), arrived, call.skills))
        self._places[call.id] = place
        self._arrivals.arrived(class_of(place.waiting), self._clock.now())
        self._take(place)
        return place

    def leave(self, place: Place) -> None:
        """The caller is served, gone, or elsewhere. An offer that still stands is ended."""
        self._places.pop(place.call.id, None)
        self.line.leave(place.call.id)
        offer = place.taken()
        if offer is not None and offer.id in self._offers:
            self.end(offer, OfferResult.CALLER_GONE)

    def back(self, place: Place) -> None:
        """The offer came to nothing: the caller has the same place as before."""
        if place.call.id in self._places:
            place.again()
            self._take(place)

    def end(self, offer: Offer, result: OfferResult) -> None:
        """An offer is over. Ending it twice changes nothing: the first word counts."""
        if self._offers.pop(offer.id, None) is None:
            return
        self._timers.cancel(("offer", offer.id))
        if result is not OfferResult.ANSWERED:
            self._roster.release(offer.agent_id, offer.id, missed=result in MISSED)
        self._bus.publish(OfferEnded(offer.id, offer.call, offer.agent_id, result, self._clock.now()))

    def offer_of(self, call_id: CallId) -> Offer | None:
        """The offer that stands for a call."""
        return next((offer for offer in self._offers.values() if offer.call.id == call_id), None)

    def position(self, call_id: CallId) -> int | None:
        """The caller's place in the own queue, 1 for the next; None when the call is not in line (an agent is
        reserved for it, or it has left)."""
        return self.line.position(call_id, self._clock.now())

    def waiting_in(self, queue: QueueName) -> int:
        """How many wait in a queue."""
        return self.line.waiting_in(queue)

    def expected_wait(self, call_id: CallId) -> float | None:
        """Seconds that this caller will probably still wait (``routing.expected_wait`` says how it is computed); None
        when no agent serves such calls now, or the call is not in line."""
        waiting = self.line.get(call_id)
        if waiting is None:
            return None
        now = self._clock.now()
        coming = self._arrivals.per_second(now)
        return expected_wait(waiting, now, self.line, staff_of(self._roster), self.handle_times.mean, coming)

    def match(self) -> None:
        """Make every offer that can be made now.

        An offer changes an agent, which is announced, which asks for a match: that inner one is left to the
        outer one, which looks again anyway. Else a call could be seen in the line while it is being offered.
        """
        if not self._telephony_up or self._matching:
            return
        self._matching = True
        try:
            while (found := self._next_pair()) is not None:
                self._offer(*found)
        finally:
            self._matching = False

    def telephony(self, *, up: bool) -> None:
        """No offers while Asterisk's events are away: we would not know what the phones do."""
        self._telephony_up = up
        if up:
            self._letting_go = False
            self.match()

    def release_all(self) -> int:
        """Let every waiting caller go to the fallback queue; gives how many. Who joins or comes back before
        Asterisk's events do is let go at once. Callbacks stay: nobody is on the phone."""
        self._letting_go = True
        waiting = [place for place in self._places.values() if place.pending and place.has_caller]
        for place in waiting:
            self._let_go(place)
        return len(waiting)

    # -------------------------------------------------------- inside

    def _take(self, place: Place) -> None:
        if self._letting_go and place.has_caller:
            self._let_go(place)
        else:
            self.line.join(place.waiting)
            self.match()

    def _let_go(self, place: Place) -> None:
        # Out of the line at once: no agent may be reserved for a caller who is about to leave it.
        self.line.leave(place.call.id)
        place.release()

    def _next_pair(self) -> tuple[Waiting, Choice] | None:
        now = self._clock.now()
        agents = list(self._roster)
        tried: set[tuple[QueueName, frozenset[str]]] = set()
        for waiting in self.line.heads(now):
            if (waiting.queue, waiting.skills) in tried:
                continue
            tried.add((waiting.queue, waiting.skills))
            choice = longest_idle(agents, waiting.queue, now, waiting.skills)
            if choice is not None:
                return waiting, choice
        return None

    def _offer(self, waiting: Waiting, choice: Choice) -> None:
        place = self._places[waiting.call_id]
        now = self._clock.now()
        until = now + self._times.ring[waiting.queue] + self._times.margin
        offer = Offer(
            OfferId(new_id(self._clock)),
            place.call,
            choice.agent.id,
            choice.agent.extension,
            until,
            choice.words(),
            choice.idle_seconds,
        )
        self.line.leave(waiting.call_id)
        self._offers[offer.id] = offer
        self._roster.reserve(choice.agent.id, offer.id, waiting.call_id, until)
        self._timers.at(("offer", offer.id), until, lambda: self._lease_ended(offer))
        self._bus.publish(CallOffered(offer.id, place.call, offer.agent_id, offer.extension, now, offer.why))
        place.give(offer)

    def _lease_ended(self, offer: Offer) -> None:
        """No word came of the offer in time. While Asterisk can't be seen, the phone may well be in a talk."""
        if offer.id not in self._offers:
            return
        if not self._telephony_up:
            later = self._clock.now() + self._times.margin
            self._timers.at(("offer", offer.id), later, lambda: self._lease_ended(offer))
            return
        log.warning("reservation ended by its lease", call_id=offer.call.id, agent_id=offer.agent_id)
        self.end(offer, OfferResult.LEASE_LOST)
