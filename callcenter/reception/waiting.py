"""The wait in line: music, announcements and keys, until an agent is reserved or the caller goes elsewhere.

Without keys no command is in flight but while something is said. Keys reach us only while a command waits for them,
so where some may be pressed one always does; Asterisk ends it at once should we die. Only a sound that plays is played
to its end then.

Neither delays an agent: what plays or listens is cut short by the switch in a millisecond, and the agent's screen has
the pop meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import structlog

from callcenter.calls.call import Call
from callcenter.calls.ports import CallerLine
from callcenter.customers.ties import ties
from callcenter.errors import ActionFailed, CallcenterError, CallerGone
from callcenter.ids import QueueName
from callcenter.reception.announcing import Announcement, Position, Programme, position_prompts
from callcenter.reception.parts import Parts
from callcenter.reception.staffing import LOOK_EVERY, Staffing
from callcenter.reception.visit import Outcome, ToQueue, Value, Visit, WaitMessage, WaitPlan
from callcenter.routing.demand import Wanted
from callcenter.routing.distributor import Place
from callcenter.routing.offer import Offer

log = structlog.get_logger(__name__)

LISTEN_SLICE = 5.0
"""Seconds that one command listens for keys. Shorter ones cost commands (one each for every caller who waits); it is
also the longest that an agent waits when Asterisk does not take our word to cut it short."""
SHORTEST_SLICE = 0.02
CUT_AGAIN = 0.1
"""Seconds until a cut that did not help is tried again: it may have come before the sound began."""
CUT_LIMIT = 1.0
LOOK_AT_CLOCK = 60.0
"""Seconds between looks at the wall clock, which somebody may set, for closing time."""

Cut = Callable[[str], Awaitable[None]]


def turned_away(parts: Parts, staffing: Staffing, to: ToQueue) -> Outcome | None:
    """What a caller who comes now hears of instead of waiting: it is closed, nobody is there, too many wait."""
    plan = to.plan
    if plan.closes_at is not None and parts.clock.wall() >= plan.closes_at:
        return "closes"
    if plan.nobody and staffing.nobody(to.queue):
        return "nobody"
    if plan.full_at is not None and parts.distributor.waiting_in(to.queue) >= plan.full_at:
        return "full"
    return None


class Wait:
    """One caller's stay in one queue. ``await begin``, then ``next`` as often as an offer came to nothing; ``leave``
    in the end, whatever happened."""

    def __init__(
        self, parts: Parts, line: CallerLine, call: Call, visit: Visit, plan: WaitPlan, staffing: Staffing
    ) -> None:
        self._p = parts
        self._line = line
        self._call = call
        self._visit = visit
        self._plan = plan
        self._staffing = staffing
        self._keys = plan.keys
        self._offered: frozenset[str] = frozenset()
        """Keys of callbacks that have been offered."""
        self._music = False
        self._command: tuple[asyncio.Future[str], Cut] | None = None
        """What Asterisk does now that may have to be cut short."""

    async def begin(self, queue: QueueName, wanted: Wanted | None = None) -> None:
        """Music, then the place in the line: the caller's own, or one that an earlier call left. ``wanted``: as
        ``ToQueue`` has it. Raises ``CallerGone``, ``ActionFailed``."""
        await self._play_music()
        self._joined = self._p.clock.now()
        self._programme = Programme(self._plan, self._joined)
        callbacks = self._p.callbacks
        kept = callbacks.resume_place(self._call, queue) if callbacks is not None else None
        arrived = self._call.arrived if kept is None else min(kept, self._call.arrived)
        rules = self._p.distributor.rules
        known = ties(
            self._p.identification.of(self._call.id), self._p.clock.wall(), rules.relationship.last_agent_days
        )
        self.place: Place = self._p.distributor.join(
            self._call,
            queue,
            arrived,
            wanted=Wanted(owner=known.owner_id, last_agent=known.last_agent_id) if wanted is None else wanted,
            boost=rules.late_promise if known.owes_late else 0.0,
        )

    async def leave(self) -> None:
        """Give the place up; an offer that still stands is ended."""
        self._p.distributor.leave(self.place)
        if self._command is not None:
            command, _ = self._command
            command.cancel()
            await asyncio.gather(command, return_exceptions=True)

    async def next(self) -> Offer | Outcome:
        """The next offer, or what the wait ended with. An offer that is there counts before a key and before the time:
        an agent is reserved already. Only after too many that came to nothing there is none any more. Something may
        still play: ``hush`` ends it.

        Raises ``CallerGone``, ``ReleasedToFallback``, ``ActionFailed``.
        """
        offer, gone = asyncio.ensure_future(self.place.offer()), asyncio.ensure_future(self._line.gone())  # noqa: TID251  both end here
        try:
            while True:
                if gone.done():
                    gone.result()
                    raise CallerGone("while waiting")
                if self._plan.unanswered and self.place.missed >= self._p.distributor.rules.max_offers:
                    return await self._go("unanswered")
                if not self.place.pending:
                    return await offer
                if (over := self._over()) is not None:
                    return await self._go(over)
                key = await self._pass_time(offer, gone)
                outcome = self._meaning(key)
                if outcome is not None and self.place.pending:
                    return await self._go(outcome)
        finally:
            offer.cancel()
            gone.cancel()
            await asyncio.gather(offer, gone, return_exceptions=True)

    async def hush(self) -> None:
        """An agent is reserved: end what plays or listens. Returns when the line is free for another command.

        Raises ``CallerGone``, ``ActionFailed``.
        """
        if self._command is None:
            return
        command, cut = self._command
        while not command.done():
            await self._try(cut)
            await asyncio.wait({command}, timeout=CUT_AGAIN)
        self._command = None
        try:
            command.result()
        except ActionFailed as error:
            _only_this_sound(error)

    def rung(self) -> None:
        """A phone rang in vain: what the caller heard before does not play any more."""
        self._music = False

    # -------------------------------------------------------- inside

    async def _go(self, outcome: Outcome) -> Outcome:
        # Out of the line at once: nobody may be reserved for a caller who goes elsewhere.
        self._p.distributor.leave(self.place)
        await self._line.stop_music()
        log.info("wait ended", outcome=outcome.partition(":")[0])
        return outcome

    def _over(self) -> Outcome | None:
        """What has come to an end though nobody was served."""
        now = self._p.clock.now()
        ends = {"closes": self._closes_at(now), "nobody": self._deserted_at(), "timeout": self._timeout_at()}
        return next((outcome for outcome, at in ends.items() if at is not None and now >= at), None)

    def _closes_at(self, now: float) -> float | None:
        if self._plan.closes_at is None:
            return None
        return now + (self._plan.closes_at - self._p.clock.wall()).total_seconds()

    def _deserted_at(self) -> float | None:
        return self._staffing.deserted_at(self.place.queue) if self._plan.nobody else None

    def _timeout_at(self) -> float | None:
        return None if self._plan.timeout is None else self._joined + self._plan.timeout

    def _meaning(self, key: str) -> Outcome | None:
        if key and key in self._keys:
            return f"key:{key}"
        return "callback" if key and key in self._offered else None

    async def _pass_time(self, *ends: asyncio.Future[Any]) -> str:
        """Until something happens or is due, or the slice is over; gives the key that was pressed."""
        announcement = self._programme.take(self._p.clock.now())
        if announcement is not None:
            return await self._announce(announcement, ends)
        await self._play_music()
        seconds = self._until_due()
        if self._plan.listens:
            slice_ = LISTEN_SLICE if seconds is None else min(LISTEN_SLICE, max(SHORTEST_SLICE, seconds))
            return await self._beside(self._line.read_key(slice_), self._p.switch.cut_listening, ends)
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return ""

    def _until_due(self) -> float | None:
        now = self._p.clock.now()
        due = [self._programme.next_at(), self._timeout_at(), self._closes_at(now), self._deserted_at()]
        if self._plan.nobody:
            due.append(now + LOOK_EVERY)
        if self._plan.closes_at is not None:
            due.append(now + LOOK_AT_CLOCK)
        return min((max(0.0, at - now) for at in due if at is not None), default=None)

    async def _announce(self, announcement: Announcement, ends: tuple[asyncio.Future[Any], ...]) -> str:
        prompts: list[tuple[str, Mapping[str, Value]]]
        if isinstance(announcement, Position):
            routing = self._p.distributor
            prompts = position_prompts(
                self._plan, routing.position(self._call.id), routing.expected_wait(self._call.id)
            )
        else:
            prompts = [(announcement.prompt, {})]
            self._offered |= _key_of(announcement)
        keys = "".join(sorted(self._keys | self._offered))
        for name, values in prompts:
            path = await self._sound(name, values, ends)
            if not path:
                return ""
            self._music = False
            playing = self._line.play(path, interrupt_keys=keys)
            try:
                key = await self._beside(playing, self._p.switch.cut_announcement, ends)
            except ActionFailed as error:
                _only_this_sound(error)
                key = ""
            if key or _any(ends):
                return key
        return ""

    async def _sound(
        self, name: str, values: Mapping[str, Value], ends: tuple[asyncio.Future[Any], ...]
    ) -> str:
        """The path of a prompt, empty when there is no time for it: nobody waits for its rendering who could be
        served."""
        rendering = asyncio.ensure_future(self._visit.sound(name, values))  # noqa: TID251  it ends here
        try:
            await asyncio.wait({rendering, *ends}, return_when=asyncio.FIRST_COMPLETED)
            return rendering.result() if rendering.done() and not _any(ends) else ""
        finally:
            rendering.cancel()
            await asyncio.gather(rendering, return_exceptions=True)

    async def _beside(
        self, command: Coroutine[Any, Any, str], cut: Cut, ends: tuple[asyncio.Future[Any], ...]
    ) -> str:
        """Let a command run until it is done, or until something ends the wait; then it runs on, see ``hush``."""
        running = asyncio.ensure_future(command)  # noqa: TID251  it ends in hush or leave
        self._command = (running, cut)
        await asyncio.wait({running, *ends}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            return ""
        self._command = None
        return running.result()

    async def _play_music(self) -> None:
        if not self._music:
            await self._line.start_music(self._plan.music)
            self._music = True

    async def _try(self, cut: Cut) -> None:
        try:
            async with asyncio.timeout(CUT_LIMIT):
                await cut(self._line.channel_id)
        except (CallcenterError, TimeoutError) as error:
            log.debug("nothing was cut short", reason=str(error))


def _key_of(message: WaitMessage) -> frozenset[str]:
    return frozenset({message.key} if message.key else ())


def _any(ends: tuple[asyncio.Future[Any], ...]) -> bool:
    return any(end.done() for end in ends)


def _only_this_sound(error: ActionFailed) -> None:
    """A sound that isn't there is left out; a line that does not answer is another thing."""
    if error.code != "agi_failed":
        raise error
    log.warning("announcement left out", reason=error.message)
