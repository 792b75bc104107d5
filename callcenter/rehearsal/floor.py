"""A simulated floor: the line, the distributor and the roster that serve calls, under a clock that is moved by hand.

Nothing of the routing is rebuilt here. Callers arrive, agents answer at once when they are reserved, talks end, callers
lose patience and agents come and go, each at its instant; who is offered whom, ``callcenter.routing`` decides. No event
loop is needed.
"""

import datetime as dt
import heapq
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from callcenter.agents.events import AgentChanged, AgentLoggedOut
from callcenter.agents.roster import Roster, RosterRules
from callcenter.agents.states import BUSY, RoutingState
from callcenter.bus import Bus
from callcenter.calls.call import Call, Direction
from callcenter.calls.events import CallOffered, OfferResult, PhoneState
from callcenter.calls.number import CallerNumber, NumberKind
from callcenter.clock import ManualClock
from callcenter.ids import AgentId, CallId, Extension, QueueName
from callcenter.rehearsal.plan import INTERVAL, Contact, Group
from callcenter.routing.distributor import Distributor, OfferTimes, Place
from callcenter.routing.line import Line
from callcenter.routing.rules import RoutingRules
from callcenter.timers import ManualTimers

NOBODY = CallerNumber(NumberKind.WITHHELD, "", "")
BEGIN = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
RING_SECONDS = 20
"""A reservation's lease needs one; here it never ends so, since everybody answers at once."""
MARGIN = 5.0
OFF_DUTY = "OFF_DUTY"
"""Why an agent who is not planned for this half hour is not ready."""


class RehearsalClock(ManualClock):
    """Is put at exact instants: adding up differences would round each of them."""

    def to(self, instant: float) -> None:
        """Now it is ``instant``."""
        self._now = instant

    def wall(self) -> dt.datetime:
        """Follows ``now``."""
        return BEGIN + dt.timedelta(seconds=self._now)


class LoudBus(Bus):
    """A handler that fails ends the rehearsal, which must not go on with half a change."""

    def publish(self, event: object) -> None:
        """Tell all subscribers."""
        for handler in self._handlers.get(type(event), ()):
            handler(event)


class Done(NamedTuple):
    """What came of one caller: served ``at`` by an agent, or gone (``agent_id`` is None)."""

    number: int
    contact: Contact
    at: float
    agent_id: AgentId | None

    @property
    def waited(self) -> float:
        """Seconds from the arrival."""
        return self.at - self.contact.at


class _Caller(NamedTuple):
    number: int
    contact: Contact
    place: Place


class _Talk(NamedTuple):
    caller: _Caller
    agent_id: AgentId


_Act: TypeAlias = Callable[[Any], None]


class Floor:
    """One run. ``on_done`` hears of each caller who is served or hangs up. ``distributor`` and ``roster`` are the real
    ones, to look at."""

    def __init__(
        self,
        groups: Sequence[Group],
        rules: RoutingRules,
        on_done: Callable[[Done], None],
        begins: float = 0.0,
    ) -> None:
        self._groups, self._on_done = groups, on_done
        self._clock, self._timers, bus = RehearsalClock(), ManualTimers(), LoudBus()
        self._clock.to(begins)
        self.roster = Roster(bus, self._clock, self._timers, RosterRules())
        queues = {*rules.queues, *(queue for group in groups for queue in group.queues)}
        times = OfferTimes(_Ringing.fromkeys(queues, RING_SECONDS), MARGIN)
        self.distributor = Distributor(Line(rules), self.roster, bus, self._clock, self._timers, times)
        self._offered: list[CallOffered] = []
        bus.subscribe(AgentChanged, self._count, self.distributor.agent_changed)
        bus.subscribe(AgentLoggedOut, self.distributor.agent_gone)
        bus.subscribe(CallOffered, self._offered.append)
        self._agents: list[list[AgentId]] = []
        self._next: list[tuple[float, int, _Act, Any]] = []
        self._entries = 0
        self._callers: dict[CallId, _Caller] = {}
        self.came = 0
        """How many callers have come."""
        self.talking = 0
        """How many are served now, wrap-up not counted."""
        self._on_duty = set[AgentId]()
        self._there = 0
        self._measured = begins
        self.staffed = 0.0
        """Seconds that agents were ready or at work, all of them together, until now."""
        self._come_to_work()

    @property
    def now(self) -> float:
        """Seconds from the plan's beginning."""
        return self._clock.now()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._callers)

    def arrive(self, contact: Contact) -> int:
        """A caller joins the line; gives the caller's number. To be called with ``now`` at or after the contact's
        instant."""
        self.came += 1
        call = Call(
            id=CallId(f"{self.came:032x}"),
            direction=Direction.INBOUND,
            number=NOBODY,
            caller_name="",
            did="",
            arrived=contact.at,
            arrived_at=BEGIN,
            tier=contact.tier.value,
            skills=contact.needs or {},
        )
        place = self.distributor.join(call, contact.queue, contact.at)
        caller = _Caller(self.came, contact, place)
        self._callers[call.id] = caller
        self._serve()
        if contact.patience < math.inf and call.id in self._callers:
            self._at(contact.at + contact.patience, self._hang_up, caller)
        return caller.number

    def until(self, instant: float) -> None:
        """Let everything happen that is due by ``instant``, and make it ``now``."""
        while (due := self._due()) <= instant:
            self._step(due)
        self._move(instant)

    def step(self) -> bool:
        """Let the next thing happen; False when there is none."""
        due = self._due()
        if due == math.inf:
            return False
        self._step(due)
        return True

    def close(self) -> None:
        """The end: whoever still waits is gone."""
        for caller in list(self._callers.values()):
            self._hang_up(caller)

    # -------------------------------------------------------- inside

    def _come_to_work(self) -> None:
        number = 0
        for group in self._groups:
            ids = [AgentId(number + i) for i in range(1, max(group.counts) + 1)]
            number += len(ids)
            self._agents.append(ids)
            for agent_id in ids:
                extension = Extension(str(1000 + agent_id))
                self.roster.log_in(agent_id, f"Agent {agent_id}", extension, group.queues, group.skills)
                self.roster.phone_changed(extension, PhoneState.IDLE)
                self.roster.screen_opened(agent_id)
        self._change_duty(max(0, int(self.now // INTERVAL)))

    def _change_duty(self, interval: int) -> None:
        """Who is planned for this half hour becomes ready, the others leave when their call is over."""
        for group, ids in zip(self._groups, self._agents, strict=True):
            wanted = group.count(interval)
            for place, agent_id in enumerate(ids):
                if (place < wanted) == (agent_id in self._on_duty):
                    continue
                if place < wanted:
                    self._on_duty.add(agent_id)
                    self.roster.ready(agent_id)
                else:
                    self._on_duty.discard(agent_id)
                    self.roster.not_ready(agent_id, OFF_DUTY)
        if any(len(group.counts) > interval + 1 for group in self._groups):
            self._at((interval + 1) * INTERVAL, self._change_duty, interval + 1)
        self._serve()

    def _due(self) -> float:
        timer = self._timers.next_at()
        mine = self._next[0][0] if self._next else math.inf
        return mine if timer is None else min(mine, timer)

    def _step(self, due: float) -> None:
        self._move(due)
        if self._next and self._next[0][0] <= due:
            _, _, act, what = heapq.heappop(self._next)
            act(what)
        else:
            self._timers.fire(due)
            self._serve()

    def _at(self, instant: float, act: _Act, what: Any) -> None:
        self._entries += 1
        heapq.heappush(self._next, (instant, self._entries, act, what))

    def _move(self, instant: float) -> None:
        self.staffed += (instant - self._measured) * self._there
        self._measured = instant
        self._clock.to(instant)

    def _serve(self) -> None:
        """Every agent who was reserved answers at once."""
        while self._offered:
            event = self._offered.pop()
            caller = self._callers.pop(event.call.id)
            offer = caller.place.taken()
            if offer is None or offer.agent_id != event.agent_id:
                raise RuntimeError("an offer was announced that nobody has")
            self.roster.talk_begun(event.agent_id, event.call.id)
            self.distributor.end(offer, OfferResult.ANSWERED)
            self.distributor.leave(caller.place)
            talk = _Talk(caller, event.agent_id)
            self.talking += 1
            self._at(self.now + caller.contact.talk, self._end, talk)
            self._on_done(Done(caller.number, caller.contact, self.now, event.agent_id))

    def _end(self, talk: _Talk) -> None:
        contact = talk.caller.contact
        self.talking -= 1
        self.distributor.handle_times.add(contact.queue, contact.talk + contact.wrap_up)
        self.roster.talk_ended(talk.agent_id, talk.caller.place.call.id, contact.wrap_up)
        self._serve()

    def _hang_up(self, caller: _Caller) -> None:
        if self._callers.pop(caller.place.call.id, None) is not None:
            self.distributor.leave(caller.place)
            self._on_done(Done(caller.number, caller.contact, self.now, None))
            self._serve()

    def _count(self, event: AgentChanged) -> None:
        """How many are there."""
        self._there += (event.agent.state in THERE) - (event.old in THERE)


THERE = BUSY | {RoutingState.READY}


class _Ringing(dict[QueueName, int]):
    """Ringing times of whatever queue recorded calls may have waited in."""

    def __missing__(self, queue: QueueName) -> int:
        return RING_SECONDS
