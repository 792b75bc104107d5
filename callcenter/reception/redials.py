"""Callers who ring again: whoever gave up in line, or was cut off, finds the old place (``callbacks.redial`` says who).

There is one place for each number, the newest; it waits for ``resume_within`` seconds of the rules, for a call to the
same queue, and is found once. A call that took an older place than its own holds it as long as it lives, and leaves it
behind in turn. Numbers that are withheld or no real ones leave nothing.
"""

import asyncio
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from callcenter.callbacks.ports import PastCalls
from callcenter.callbacks.redial import Came, PastCall, came_of, queue_of, stretches_of
from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.events import CallEnded
from callcenter.calls.number import CallerNumber, NumberKind
from callcenter.clock import Clock
from callcenter.errors import CallcenterError
from callcenter.ids import CallId, QueueName
from callcenter.routing.distributor import Distributor
from callcenter.tasks import Tasks

log = structlog.get_logger(__name__)

MOST = 10_000
"""Places kept at once, the newest; more callers could not be served in the time that they are kept."""
READS = (0.0, 15.0, 60.0)
"""Seconds after the start at which the record is read: what the fallback wrote down meanwhile is on it a little
later."""
SETTLED = 5.0
"""Seconds until the record knows of a caller whom only the fallback saw whether there was a talk."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Monotonic: ``arrived`` is the place, ``ended`` when it was left."""

    call_id: CallId
    queue: QueueName
    arrived: float
    ended: float


class Redials:
    """``call_ended`` is a handler on the bus. ``past``: where places are read back from after a restart."""

    def __init__(
        self, distributor: Distributor, clock: Clock, tasks: Tasks, past: PastCalls | None = None
    ) -> None:
        self._distributor = distributor
        self._clock = clock
        self._tasks = tasks
        self._past = past
        self._left: dict[str, _Place] = {}
        """By number, the one that was left first is the first."""
        self._held: dict[CallId, tuple[QueueName, float]] = {}
        """Living calls with an older place than their own arrival."""
        self._found: dict[CallId, float] = {}
        """When the place of a call was found: it is not to be read back from the record."""
        self._reading = False

    def __len__(self) -> int:
        return len(self._left)

    def start(self) -> None:
        """Read back what callers left while we were away."""
        if self._past is not None:
            self._tasks.run(self._read_at(READS), "places of callers who ring again")

    # -------------------------------------------------------- places

    def take(self, number: CallerNumber, queue: QueueName) -> float | None:
        """The place that this number left in this queue: when it was taken (monotonic). It is found once."""
        now = self._clock.now()
        self._forget_old(now)
        place = self._left.get(number.key) if number.kind is NumberKind.E164 else None
        if place is None or place.queue != queue:
            return None
        del self._left[number.key]
        self._found[place.call_id] = now
        log.info("caller finds the old place", before=place.call_id, seconds=round(now - place.ended))
        return place.arrived

    def hold(self, call: Call, queue: QueueName, arrived: float) -> None:
        """This call has an older place in the queue than its own, from now on as long as it lives."""
        self._held[call.id] = (queue, arrived)

    def held(self, call: Call) -> tuple[QueueName, float] | None:
        """The older place that a living call has."""
        return self._held.get(call.id)

    def keep(self, call: Call, queue: QueueName, arrived: float) -> None:
        """This call, which has ended, leaves its place."""
        now = self._clock.now()
        self._left.pop(call.number.key, None)
        if call.number.kind is NumberKind.E164 and self._within > 0:
            self._left[call.number.key] = _Place(call.id, queue, arrived, now)
        self._forget_old(now)

    def call_ended(self, event: CallEnded) -> None:
        """A call is over: it leaves a place, or has been served, or neither."""
        call = event.call
        held = self._held.pop(call.id, None)
        if call.number.kind is not NumberKind.E164:
            return
        stretches = stretches_of(call, event.at)
        if call.end_reason is EndReason.LOST_TRACK and stretches and stretches[-1].stage is Stage.FALLBACK:
            self._read_soon()
            return
        came, queue = came_of(call.end_reason, stretches), queue_of(stretches, call.queue)
        if came is Came.SERVED:
            self._left.pop(call.number.key, None)
        elif came is Came.LEFT and queue is not None and call.direction is Direction.INBOUND:
            arrived = call.arrived
            self.keep(call, queue, min(arrived, held[1]) if held and held[0] == queue else arrived)

    @property
    def _within(self) -> float:
        return self._distributor.rules.resume_within

    def _forget_old(self, now: float) -> None:
        oldest = now - self._within
        while self._left:
            number, place = next(iter(self._left.items()))
            if place.ended >= oldest and len(self._left) <= MOST:
                break
            del self._left[number]
        while self._found:
            call_id, found = next(iter(self._found.items()))
            if found >= oldest and len(self._found) <= MOST:
                break
            del self._found[call_id]

    # -------------------------------------------------------- from the record

    def _read_soon(self) -> None:
        if self._past is not None and not self._reading:
            self._reading = True
            self._tasks.run(self._read_at((SETTLED,)), "places of callers of the fallback")

    async def _read_at(self, after: Iterable[float]) -> None:
        waited = 0.0
        for seconds in after:
            await asyncio.sleep(seconds - waited)
            waited = seconds
            self._reading = False
            await self._read()

    async def _read(self) -> None:
        if self._past is None or self._within <= 0:
            return
        try:
            calls = await self._past.past_calls(self._clock.wall() - dt.timedelta(seconds=self._within))
        except CallcenterError as error:
            log.warning("places of callers not read back", reason=error.message)
            return
        left, held = self._replayed(calls)
        for number, place in left.items():
            newer = self._left.get(number)
            if place.call_id not in self._found and (newer is None or newer.ended < place.ended):
                self._left[number] = place
        self._left = dict(sorted(self._left.items(), key=lambda item: item[1].ended))
        for call_id, place in held.items():
            self._held.setdefault(call_id, (place.queue, place.arrived))
        self._forget_old(self._clock.now())

    def _replayed(self, calls: list[PastCall]) -> tuple[dict[str, _Place], dict[CallId, _Place]]:
        """What these calls leave, by number; and the older places that those hold which still go on."""
        left: dict[str, _Place] = {}
        held: dict[CallId, _Place] = {}
        steps = [(one.arrived_at, 0, one) for one in calls if one.resumed]
        steps += [(one.ended_at, 1, one) for one in calls if one.ended_at is not None]
        for _, over, call in sorted(steps, key=lambda step: step[:2]):
            if not over:
                found = left.get(call.number)
                if found is not None and found.queue == call.queue:
                    held[call.call_id] = left.pop(call.number)
                continue
            older = held.pop(call.call_id, None)
            if call.came is Came.NOTHING:
                continue
            left.pop(call.number, None)
            if call.came is Came.LEFT and call.queue is not None and call.direction is Direction.INBOUND:
                left[call.number] = self._place_of(call, call.queue, older)
        return left, held

    def _place_of(self, call: PastCall, queue: QueueName, older: _Place | None) -> _Place:
        now, wall = self._clock.now(), self._clock.wall()
        ended_at = call.ended_at or wall
        arrived = now - max(0.0, (wall - call.arrived_at).total_seconds())
        if older is not None and older.queue == queue:
            arrived = min(arrived, older.arrived)
        return _Place(call.call_id, queue, arrived, now - max(0.0, (wall - ended_at).total_seconds()))
