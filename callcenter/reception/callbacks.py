"""Callers who hung up to be called back: each keeps the place in the line, and one task makes each callback.

The place is a place like any other, with the arrival of the caller who gave it up. When it is offered to an agent, that
agent is reserved, sees whom it is about, and the agent's phone rings first; answered, the customer is dialled. So there
are never more customers dialled than agents reserved for them.

Asked for is synchronous, so is every end: what follows from a try is decided where the try's call ends
(``call_ended``), and the task goes on from what it finds.
"""

import asyncio
import dataclasses
import datetime as dt
from dataclasses import dataclass, field

import structlog

from callcenter.callbacks import rules
from callcenter.callbacks.callback import OPEN, Callback, CallbackState
from callcenter.callbacks.ports import Asked
from callcenter.callbacks.redial import was_cut_off
from callcenter.calls.call import Call, EndReason, Stage
from callcenter.calls.events import CallChanged, CallEnded, OfferEnded, OfferResult
from callcenter.calls.number import NumberKind, normalise
from callcenter.errors import CallcenterError
from callcenter.follow_ups.follow_up import AttemptResult
from callcenter.ids import CallId, QueueName, UserId, new_id
from callcenter.reception.callback_calls import CallbackCalls, CallbackParts
from callcenter.reception.redials import Redials
from callcenter.routing.distributor import Place
from callcenter.routing.offer import Offer

log = structlog.get_logger(__name__)

LOOK_EVERY = 60.0
"""Seconds between looks at the wall clock, which somebody may set, for calling hours and expiry."""
BREATH = 30.0
"""Seconds before the next try when Asterisk did not take the order."""
READ_AGAIN = 5.0
"""Seconds between attempts to read the open callbacks at the start."""


@dataclass(eq=False, slots=True)
class _Open:
    """One open callback. ``arrived``: its place, monotonic. ``place`` while it is in line or offered; ``offer`` from
    the moment that it is being made; ``over`` when that try is."""

    callback: Callback
    arrived: float
    place: Place | None = None
    offer: Offer | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    @property
    def in_hand(self) -> bool:
        """An agent is reserved for it."""
        return self.place is not None and self.place.taken() is not None


class Callbacks:
    """A ``CallbackDesk`` and ``KeptPlaces``; with handlers on the bus, for ``CallChanged``, ``CallEnded`` and
    ``OfferEnded``."""

    def __init__(self, parts: CallbackParts) -> None:
        self._p = parts
        self._calls = CallbackCalls(parts)
        self._open: dict[str, _Open] = {}
        """By number: there is one callback for each."""
        self._tries: dict[CallId, _Open] = {}
        """By the call that is being made for it."""
        self.redials = Redials(parts.distributor, parts.clock, parts.tasks, parts.past)
        """The places of callers who were not served and ring again. A call that took one of these, or that of a
        callback, holds it there."""

    def __len__(self) -> int:
        return len(self._open)

    def start(self) -> None:
        """Take up again what is open on record; tried until the database is there."""
        self._p.tasks.run(self._take_up(), "open callbacks")
        self.redials.start()

    def stop(self) -> None:
        """The core ends: what is open stays so on record, and is taken up at the next start."""
        self._tries.clear()
        for one in self._open.values():
            if one.task is not None:
                one.task.cancel()
            if one.callback.state is not CallbackState.QUEUED:
                self._note(one, rules.queued(one.callback))

    # -------------------------------------------------------- what is asked of it

    def ask(self, call: Call, queue: QueueName, number: str, arrived: float) -> Asked:
        """Keep this caller's place; see ``CallbackDesk``."""
        p, wanted = self._p, normalise(number, self._p.region)
        if queue not in p.queues or not rules.may_ring(wanted, p.region, p.rules):
            return "refused"
        kept = self._open.get(wanted.key)
        if kept is None and len(self._open) >= rules.MOST_OPEN:
            log.warning("no more callbacks can be kept", open=len(self._open))
            return "refused"
        _, held = self.redials.held(call) or (queue, arrived)
        left = self.redials.take(wanted, queue)
        arrived = min(arrived, held, arrived if left is None else left)
        now = p.clock.wall()
        asked = Callback(
            id=new_id(p.clock),
            number=wanted.key,
            queue=queue,
            tier=call.tier,
            language=call.language,
            call_id=call.id,
            customer_id=call.customer_id,
            arrived_at=now - dt.timedelta(seconds=p.clock.now() - arrived),
            asked_at=now,
            not_before=now,
            expires_at=rules.expiry(now, p.rules),
            skills=call.skills,
        )
        if kept is not None:
            self._merge(kept, asked, arrived)
            return "merged"
        self._add(_Open(asked, arrived))
        return "kept"

    def cancel(self, callback_id: str, by: UserId) -> bool:
        """Take it out of the line; False when it is not waiting any more, or is being made."""
        one = next((each for each in self._open.values() if each.callback.id == callback_id), None)
        if one is None or one.callback.state is not CallbackState.QUEUED:
            return False
        self._drop(one, CallbackState.CANCELLED)
        log.info("callback cancelled", callback_id=callback_id, user_id=by)
        return True

    def resume_place(self, call: Call, queue: QueueName) -> float | None:
        """The customer is here again: see ``KeptPlaces``. A try that is on is broken off, so that nobody rings a
        customer who rings us; one that was answered is a talk, and no open callback any more."""
        found = [self._callback_place(call, queue), self.redials.take(call.number, queue)]
        places = [arrived for arrived in found if arrived is not None]
        where, held = self.redials.held(call) or (None, 0.0)
        if where == queue:
            places.append(held)
        if not places:
            return None
        self.redials.hold(call, queue, min(places))
        if "resumed" not in call.marks:
            call.marks.add("resumed")
            if self._p.calls.get(call.id) is call:
                self._p.calls.touch(call)
        return min(places)

    def _callback_place(self, call: Call, queue: QueueName) -> float | None:
        one = self._open.get(call.number.key) if call.number.kind is NumberKind.E164 else None
        if one is None or one.callback.queue != queue:
            return None
        self._drop(one, CallbackState.MERGED)
        log.info("caller takes the place of a callback", callback_id=one.callback.id, call_id=call.id)
        return one.arrived

    # -------------------------------------------------------- what happens

    def call_changed(self, event: CallChanged) -> None:
        """The customer has answered: that is on record at once, so that nobody is rung again after a restart."""
        one = self._tries.get(event.call.id)
        if one is not None and event.call.stage is Stage.TALKING and one.callback.state in OPEN:
            one.callback = rules.reached(one.callback)
            self._close(one, CallbackState.CONNECTED)

    def call_ended(self, event: CallEnded) -> None:
        """A try is over: connected, not reached, or it broke off before the customer was rung."""
        self.redials.call_ended(event)
        one = self._tries.pop(event.call.id, None)
        if one is None:
            return
        if one.callback.state is CallbackState.CONNECTED and was_cut_off(event.call, event.at):
            self.redials.keep(event.call, one.callback.queue, one.arrived)
        place, offer = one.place, one.offer
        one.place = one.offer = None
        if one.callback.state in OPEN:
            self._not_connected(one, event.call, offer)
        if place is not None:
            self._p.distributor.leave(place)
        one.over.set()

    def offer_ended(self, event: OfferEnded) -> None:
        """No word came of the agent's phone: it counts as not answered."""
        if event.result is OfferResult.LEASE_LOST and event.call.id in self._tries:
            self._calls.break_off(event.call, AttemptResult.AGENT_NOT_REACHED, EndReason.NO_ANSWER)
            self._calls.hang_up(event.call)

    def _not_connected(self, one: _Open, call: Call, offer: Offer | None) -> None:
        now = self._p.clock.wall()
        if any(segment.stage is Stage.RINGING for segment in call.segments):
            self._note(one, rules.not_reached(one.callback, now, self._p.rules))
            if one.callback.state not in OPEN:
                self._forget(one)
                log.warning("customer not reached: callback given up", callback_id=one.callback.id)
        elif call.end_reason in {EndReason.FAILED, EndReason.LOST_TRACK}:
            later = now + dt.timedelta(seconds=BREATH)
            self._note(one, dataclasses.replace(rules.queued(one.callback), not_before=later))
            if offer is not None:
                self._p.distributor.end(offer, OfferResult.FAILED)
        else:
            self._note(one, rules.queued(one.callback))
            # Before the offer ends and others are told: nobody behind may be served in between.
            self._join(one)
            if offer is not None:
                self._p.distributor.end(offer, OfferResult.NO_ANSWER)

    # -------------------------------------------------------- one callback's way

    async def _make(self, one: _Open) -> None:
        """Wait for the hours, for the turn, try; as often as it takes."""
        p = self._p
        while one.callback.state in OPEN:
            now = p.clock.wall()
            if rules.expired(one.callback, now):
                self._drop(one, CallbackState.EXPIRED)
                log.warning("callback expired", callback_id=one.callback.id, queue=one.callback.queue)
                return
            opens, closes = rules.next_ring(one.callback, now, p.rules)
            if now < opens:
                self._leave(one)
                await asyncio.sleep(_seconds(min(opens, one.callback.expires_at) - now))
            elif (offer := await self._next_offer(one, _seconds(closes - now))) is not None:
                await self._try(one, offer)

    async def _next_offer(self, one: _Open, limit: float) -> Offer | None:
        place = one.place if one.place is not None else self._join(one)
        try:
            async with asyncio.timeout(limit):
                return await place.offer()
        except TimeoutError:
            return place.taken()

    async def _try(self, one: _Open, offer: Offer) -> None:
        """An agent is reserved. The task's part is done when the agent's phone rings; the outbound dialogue does the
        rest."""
        call = offer.call
        one.offer, one.over = offer, asyncio.Event()
        self._tries[call.id] = one
        reserved = dataclasses.replace(one.callback, state=CallbackState.RESERVED, agent_id=offer.agent_id)
        self._note(one, reserved)
        self._calls.begin(call, offer)
        accepted = False
        try:
            await self._calls.show(call, offer, one.callback.asked_at)
            if one.offer is offer:  # else it has ended meanwhile, and what follows is decided
                self._note(one, dataclasses.replace(one.callback, state=CallbackState.DIALLING))
                await self._calls.ring(call, offer, self._p.queues[one.callback.queue].ring_seconds)
            accepted = True
        except CallcenterError as error:
            log.warning("callback could not be dialled", call_id=call.id, reason=error.message)
        finally:
            if not accepted:
                self._calls.break_off(call, AttemptResult.FAILED, EndReason.FAILED)
        await one.over.wait()

    # -------------------------------------------------------- in and out

    def _add(self, one: _Open) -> None:
        self._open[one.callback.number] = one
        self._p.recorder.callback(one.callback)
        self._run(one)

    def _run(self, one: _Open) -> None:
        """In its place at once, if it is the time; the task goes on from there."""
        now = self._p.clock.wall()
        opens, closes = rules.next_ring(one.callback, now, self._p.rules)
        if opens <= now < closes:
            self._join(one)
        one.task = self._p.tasks.start(self._make(one), f"callback {one.callback.id}")

    def _merge(self, one: _Open, again: Callback, arrived: float) -> None:
        """Asked for again. One that is being made at this moment stays as it is."""
        if one.in_hand:
            return
        one.arrived = min(one.arrived, arrived)
        self._note(one, rules.merged(one.callback, again))
        self._leave(one)
        if one.task is not None:
            one.task.cancel()
        self._run(one)

    def _join(self, one: _Open) -> Place:
        """A call for the next try takes the place that the caller had."""
        call = self._calls.new(one.callback)
        one.place = self._p.distributor.join(call, one.callback.queue, one.arrived)
        return one.place

    def _leave(self, one: _Open) -> None:
        place, one.place = one.place, None
        if place is not None:
            self._p.distributor.leave(place)

    def _drop(self, one: _Open, state: CallbackState) -> None:
        """It is over; a try that is on is broken off."""
        self._close(one, state)
        if one.task is not None and one.task is not asyncio.current_task():
            one.task.cancel()
        if one.offer is not None:
            call = one.offer.call
            self._calls.break_off(call, AttemptResult.FAILED, EndReason.FAILED)
            self._calls.hang_up(call)
        else:
            self._leave(one)

    def _close(self, one: _Open, state: CallbackState) -> None:
        self._forget(one)
        self._note(one, rules.ended(one.callback, state, self._p.clock.wall()))

    def _forget(self, one: _Open) -> None:
        if self._open.get(one.callback.number) is one:
            del self._open[one.callback.number]

    def _note(self, one: _Open, callback: Callback) -> None:
        one.callback = callback
        self._p.recorder.callback(callback)

    # -------------------------------------------------------- after a restart

    async def _take_up(self) -> None:
        found = await self._read()
        known = {one.callback.id for one in self._open.values()}
        for callback in found:
            if callback.id not in known:
                self._take(callback)

    async def _read(self) -> list[Callback]:
        told = False
        while True:
            try:
                return await self._p.kept.open_callbacks()
            except CallcenterError as error:
                if not told:
                    log.warning("open callbacks not read", reason=error.message)
                told = True
                await asyncio.sleep(READ_AGAIN)

    def _take(self, callback: Callback) -> None:
        p, now = self._p, self._p.clock.wall()
        arrived = p.clock.now() - _seconds(now - callback.arrived_at, limit=None)
        if callback.queue not in p.queues:
            log.warning("callback for a queue that is gone", callback_id=callback.id, queue=callback.queue)
            p.recorder.callback(rules.ended(callback, CallbackState.EXPIRED, now))
        elif (newer := self._open.get(callback.number)) is not None:
            p.recorder.callback(rules.ended(callback, CallbackState.MERGED, now))
            self._merge(newer, dataclasses.replace(newer.callback, arrived_at=callback.arrived_at), arrived)
        else:
            self._add(_Open(rules.taken_up(callback, now, p.rules), arrived))


def _seconds(span: dt.timedelta, limit: float | None = LOOK_EVERY) -> float:
    seconds = max(0.0, span.total_seconds())
    return seconds if limit is None else min(seconds, limit)
