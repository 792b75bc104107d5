"""Joins the line and the agents: makes offers, ends them, never two of one.

A caller's coroutine takes a ``Place`` and awaits its next offer. Between two events nobody waits for whom somebody free
could serve; so an event (a caller joins or may be served by more people, an agent becomes free) concerns only the
demands that it touches, and only the heads of their classes are compared. Matching is one synchronous step: no two can
see half a change.
"""

from collections import defaultdict
from dataclasses import replace

import structlog

from callcenter.agents.events import AgentChanged, AgentLoggedOut
from callcenter.agents.roster import Roster
from callcenter.agents.states import at_work
from callcenter.bus import Bus
from callcenter.calls.call import Call
from callcenter.calls.events import OfferResult
from callcenter.clock import Clock
from callcenter.customers.customer import Tier
from callcenter.errors import Conflict, NotFound
from callcenter.ids import AgentId, CallId, QueueName
from callcenter.routing.arrival_rates import ArrivalRates
from callcenter.routing.choose import because
from callcenter.routing.decision import Decision
from callcenter.routing.demand import ANYBODY, Demand, Known, Ring, Wanted, rings
from callcenter.routing.expected_wait import expected_wait, staff_of
from callcenter.routing.facts import AgentFacts, Reason, facts_of, unavailable
from callcenter.routing.handle_times import HandleTimes
from callcenter.routing.idle import IdleAgents
from callcenter.routing.line import Line, general_class
from callcenter.routing.offer import Offer
from callcenter.routing.offers import Offers, OfferTimes
from callcenter.routing.place import Place
from callcenter.routing.policy import Waiting, order_key
from callcenter.routing.rules import RoutingRules
from callcenter.timers import Timers

__all__ = ["Distributor", "OfferTimes", "Place"]

log = structlog.get_logger(__name__)


class Distributor:
    """The automatic call distributor (ACD); with handlers on the bus, for ``AgentChanged`` and ``AgentLoggedOut``.
    ``handle_times``: what it says of expected waits rests on them."""

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
        self.version = 0
        """Of the rules."""
        self._roster = roster
        self._bus = bus
        self._clock = clock
        self._timers = timers
        self._offers = Offers(roster, bus, clock, timers, times)
        self._arrivals = ArrivalRates()
        self._places: dict[CallId, Place] = {}
        self._wanted: defaultdict[AgentId, set[CallId]] = defaultdict(set)
        """By agent, the places that wait for just this one."""
        self._idle = IdleAgents(line.asks)
        self._known: Known = {}
        """What calls ask under these rules."""
        self._touched: set[Demand] = set()
        """Demands that may have become servable since the last match."""
        self._letting_go = False
        self._matching = False

    @property
    def rules(self) -> RoutingRules:
        """In service now."""
        return self.line.rules

    # -------------------------------------------------------- places

    def join(
        self,
        call: Call,
        queue: QueueName,
        arrived: float,
        *,
        wanted: Wanted = ANYBODY,
        boost: float = 0.0,
        below: bool = False,
    ) -> Place:
        """Take a place in the line of ``queue``; ``arrived`` (monotonic) and ``boost`` (seconds) decide which. Only
        agents who have all of the call's skills are offered it; first those who are ``wanted``. ``below``: comes after
        all callers."""
        place = Place(call, queue, wanted)
        asked = self._rings(place, arrived)
        place.waiting = Waiting(call.id, queue, Tier(call.tier), arrived - boost, asked, 0, below, boost)
        if (before := self._places.get(call.id)) is not None:
            self.leave(before)
        self._places[call.id] = place
        self._arrivals.arrived(general_class(place.waiting), self._clock.now())
        self._take(place)
        return place

    def leave(self, place: Place) -> None:
        """The caller is served, gone, or elsewhere. An offer that still stands is ended."""
        if self._places.get(place.call.id) is place:
            del self._places[place.call.id]
            self._out_of_line(place)
        offer = place.taken()
        if offer is not None and self._offers.stands(offer):
            self._offers.end(offer, OfferResult.CALLER_GONE)

    def back(self, place: Place) -> None:
        """The offer came to nothing: the caller has the same place as before."""
        if self._places.get(place.call.id) is place:
            if (offer := place.taken()) is not None:
                place.tried |= {offer.agent_id}
                place.missed += 1
            place.again()
            self._take(place)

    # -------------------------------------------------------- offers

    def claim(self, call: Call, agent_id: AgentId) -> Offer | Reason:
        """Reserve just this agent for a call that is not in line, or say why that can't be. The offer is ended as any
        other."""
        agent = self._roster.find(agent_id)
        if agent is None:
            return Reason("logged_out")
        reason = unavailable(facts_of(agent), self._clock.now())
        return reason or self._offers.reserve(call, agent_id, None, Reason("target"), None)

    def end(self, offer: Offer, result: OfferResult) -> None:
        """An offer is over. Ending it twice changes nothing: the first word counts."""
        self._offers.end(offer, result)

    def offer_of(self, call_id: CallId) -> Offer | None:
        """The offer that stands for a call."""
        return self._offers.of(call_id)

    # -------------------------------------------------------- what can be said of the line

    def position(self, call_id: CallId) -> int | None:
        """The caller's place in the own queue, 1 for the next; None when the call is not in line (an agent is
        reserved for it, or it has left)."""
        return self.line.position(call_id, self._clock.now())

    def waiting_in(self, queue: QueueName) -> int:
        """How many wait in a queue."""
        return self.line.waiting_in(queue)

    def staffed(self, queue: QueueName) -> bool:
        """Is anybody who serves this queue logged in?"""
        return self._idle.staffed(queue)

    def expected_wait(self, call_id: CallId) -> float | None:
        """Seconds that this caller will probably still wait (``routing.expected_wait`` says how it is computed); None
        when no agent serves such calls now, or the call is not in line."""
        waiting = self.line.get(call_id)
        if waiting is None:
            return None
        now = self._clock.now()
        coming = self._arrivals.per_second(now)
        return expected_wait(waiting, now, self.line, staff_of(self._roster), self.handle_times.mean, coming)

    # -------------------------------------------------------- what happens

    def agent_changed(self, event: AgentChanged) -> None:
        """An agent may have become free, or no use to those who wait for just this one."""
        agent = event.agent
        free_for = self._idle.put(facts_of(agent), self._clock.now())
        asked = [demand for demand in free_for if self.line.asks(demand)]
        if not (asked and self._serves_next(agent.id, asked)):
            self._idle.keep(agent.id, free_for)
            self._touched.update(asked)
        if not at_work(agent):
            self._waits_in_vain(agent.id)
        self.match()

    def agent_gone(self, event: AgentLoggedOut) -> None:
        """An agent has logged out."""
        self._idle.drop(event.agent.id)
        self._waits_in_vain(event.agent.id)
        self.match()

    def match(self) -> None:
        """Make every offer that can be made now.

        An offer changes an agent, which is announced, which asks for a match: that inner one is left to the
        outer one, which looks again anyway. Else a call could be seen in the line while it is being offered.
        """
        if not self._offers.phones_seen or self._matching:
            return
        self._matching = True
        try:
            while (found := self._next_pair()) is not None and self._offer(*found):
                pass
        finally:
            self._matching = False

    def telephony(self, *, up: bool) -> None:
        """No offers while Asterisk's events are away: we would not know what the phones do."""
        self._offers.phones_seen = up
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

    def apply(self, rules: RoutingRules, version: int) -> None:
        """Other rules, from this instant on, in one step. Everybody keeps the arrival. Promises, weights and the
        ceiling cost nothing; where a queue chooses otherwise, those who wait in it take their places anew."""
        before, self.line.rules, self.version = self.line.rules, rules, version
        self._known = {}
        same_people = before.relationship == rules.relationship
        for waiting in list(self.line):
            if not same_people or before.queue(waiting.queue) != rules.queue(waiting.queue):
                self._renew(self._places[waiting.call_id])
        self.match()

    def rebuild(self) -> None:
        """Forget what is kept ready and look at everything anew. It should never be needed; ``watch`` asks for it."""
        self._idle = IdleAgents(self.line.asks)
        for agent in self._roster:
            self._look_again(agent.id)
        self._touched.update(self.line.demands())
        self.match()

    @property
    def offering(self) -> bool:
        """Are offers made now?"""
        return self._offers.phones_seen

    # -------------------------------------------------------- inside: the line

    def _rings(self, place: Place, arrived: float) -> tuple[Ring, ...]:
        return rings(
            place.queue,
            place.call.skills,
            place.wanted,
            rules=self.rules,
            arrived=arrived,
            now=self._clock.now(),
            at_work=self._at_work,
            known=self._known,
        )

    def _at_work(self, agent_id: AgentId) -> bool:
        agent = self._roster.find(agent_id)
        return agent is not None and at_work(agent)

    def _take(self, place: Place) -> None:
        if self._letting_go and place.has_caller:
            self._let_go(place)
        else:
            self._into_line(place)
            self.match()

    def _into_line(self, place: Place) -> None:
        """At the ring whose time it is; a timer widens it."""
        now, waiting = self._clock.now(), place.waiting
        ring = max(i for i, one in enumerate(waiting.rings) if one.at <= now or i == waiting.ring)
        if ring != waiting.ring:
            place.waiting = waiting = replace(waiting, ring=ring)
        self.line.join(waiting)
        self._touched.add(waiting.demand)
        if waiting.demand.only is not None:
            self._wanted[waiting.demand.only].add(waiting.call_id)
        if ring + 1 < len(waiting.rings):
            self._timers.at(("ring", waiting.call_id), waiting.rings[ring + 1].at, lambda: self._widen(place))

    def _out_of_line(self, place: Place) -> None:
        waiting = self.line.leave(place.call.id)
        if waiting is not None:
            if len(waiting.rings) > 1:
                self._timers.cancel(("ring", waiting.call_id))
            self._unwanted(waiting)

    def _unwanted(self, waiting: Waiting) -> None:
        if (only := waiting.demand.only) is not None:
            calls = self._wanted[only]
            calls.discard(waiting.call_id)
            if not calls:
                del self._wanted[only]

    def _widen(self, place: Place) -> None:
        if self._places.get(place.call.id) is place and self.line.get(place.call.id) is not None:
            self._out_of_line(place)
            self._into_line(place)
            self.match()

    def _renew(self, place: Place, *, in_vain: bool = False) -> None:
        """What it asks has changed: rings are made anew, for a place that is in line. Nobody waits a second time for
        somebody who was waited for already, or was so ``in_vain`` just now."""
        self._out_of_line(place)
        past = place.waiting.rings[: place.waiting.ring + in_vain]
        place.wanted = place.wanted.without({ring.demand.bond for ring in past})
        waiting = place.waiting
        place.waiting = replace(waiting, rings=self._rings(place, waiting.arrived + waiting.boost), ring=0)
        self._into_line(place)

    def _waits_in_vain(self, agent_id: AgentId) -> None:
        """Nobody goes on waiting for an agent who is away."""
        for call_id in list(self._wanted.get(agent_id, ())):
            self._renew(self._places[call_id], in_vain=True)

    def _let_go(self, place: Place) -> None:
        # Out of the line at once: no agent may be reserved for a caller who is about to leave it.
        self._out_of_line(place)
        place.release()

    # -------------------------------------------------------- inside: the match

    def _next_pair(self) -> tuple[Waiting, AgentFacts, list[Waiting]] | None:
        """The most urgent of those whom somebody free can serve, the agent, and whom it was compared with."""
        now = self._clock.now()
        self._touched = {
            demand for demand in self._touched if self.line.asks(demand) and self._idle.anybody(demand, now)
        }
        if not self._touched:
            return None
        heads = self.line.heads_of(self._touched)
        first = min(heads, key=lambda waiting: order_key(waiting, now, self.rules))
        agent = self._idle.best(first.demand, now, self._places[first.call_id].tried)
        return (first, agent, heads) if agent is not None else None

    def _serves_next(self, agent_id: AgentId, asked: list[Demand]) -> bool:
        """The short way of an agent who has become free: nobody else is free for these demands, else nobody would wait
        with them, so the agent need not be put among those who are. False when that can't be said now."""
        if self._touched or self._matching or not self._offers.phones_seen:
            return False
        now = self._clock.now()
        heads = self.line.heads_of(asked)
        first = min(heads, key=lambda waiting: order_key(waiting, now, self.rules))
        agent = self._idle.get(agent_id)
        self._matching = True
        try:
            return agent is not None and self._offer(first, agent, heads)
        finally:
            self._matching = False

    def _offer(self, waiting: Waiting, agent: AgentFacts, heads: list[Waiting]) -> bool:
        """False when it could not be made: what is kept of the agent was not true. It must not happen; it must not hold
        up the core either, so this match is over then, and ``watch`` sees what is left undone."""
        place, demand, now = self._places[waiting.call_id], waiting.demand, self._clock.now()
        next_best = self._idle.next_best(agent.id, demand, now, place.tried)
        why = because(agent, next_best, demand, now)
        decision = Decision(
            at=now,
            waiting=waiting,
            chosen=agent.id,
            because=why,
            tried=place.tried,
            agents=self._idle.asked(demand),
            others=tuple(one for one in heads if one.call_id != waiting.call_id),
            rules=self.rules,
            version=self.version,
        )
        self._out_of_line(place)
        try:
            offer = self._offers.reserve(place.call, agent.id, waiting.queue, why, decision)
        except (Conflict, NotFound):
            log.exception("an agent was not as thought", agent_id=agent.id)
            self._look_again(agent.id)
            self._into_line(place)
            return False
        place.give(offer)
        return True

    def _look_again(self, agent_id: AgentId) -> None:
        agent = self._roster.find(agent_id)
        if agent is not None:
            self._idle.keep(agent_id, self._idle.put(facts_of(agent), self._clock.now()))
        else:
            self._idle.drop(agent_id)
