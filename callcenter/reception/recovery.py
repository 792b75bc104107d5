"""Coming back: after a gap in Asterisk's events, after Asterisk's restart, after our own.

What was not seen is said, never guessed silently: such calls carry ``reconstructed``, and the gap is on record.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable

import structlog

from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.events import TelephonyLost, TelephonyUp
from callcenter.calls.ports import LiveChannel, Switch
from callcenter.clock import Clock
from callcenter.errors import CallcenterError
from callcenter.follow_ups.follow_up import AttemptResult
from callcenter.history.ports import GapRow, History, Recorder
from callcenter.ids import AgentId, CallId, Extension, new_id
from callcenter.reception.attempts import attempt_of
from callcenter.reception.mirror import Mirror
from callcenter.reception.parts import Parts
from callcenter.reception.ports import LiveChannels
from callcenter.tasks import Tasks
from callcenter.timers import Timers

log = structlog.get_logger(__name__)

MISSED_EVERY = 30.0
"""Seconds between looks at what the fallback wrote down."""


class Recovery:
    """Handlers on the bus, and the work that follows from them."""

    def __init__(
        self,
        parts: Parts,
        switch: Switch,
        mirror: Mirror,
        channels: LiveChannels,
        history: History,
        recorder: Recorder,
        tasks: Tasks,
        timers: Timers,
        release_after: float,
    ) -> None:
        self._p = parts
        self._switch = switch
        self._mirror = mirror
        self._channels = channels
        self._history = history
        self._recorder = recorder
        self._tasks = tasks
        self._timers = timers
        self._release_after = release_after
        self._adopted = False
        self._down = False
        self._imported: set[str] = set()
        self._failing: set[str] = set()
        self._told: set[CallId] = set()
        """Calls whose end the fallback wrote down: it knows better than a guess of ours."""

    @property
    def _clock(self) -> Clock:
        return self._p.clock

    # -------------------------------------------------------- the link goes, the link comes

    def lost(self, event: TelephonyLost) -> None:
        """No events: no offers, nobody's phone is known; after a while the waiting go to the fallback."""
        self._p.distributor.telephony(up=False)
        self._p.roster.phones_unknown()
        if not self._down:  # a loss is told again when its reason changes: that does not lengthen the wait
            self._down = True
            self._timers.at("release", event.at + self._release_after, self._release)

    def up(self, event: TelephonyUp) -> None:
        """Events again: end what is gone, take over what lives, then offer calls again."""
        self._timers.cancel("release")
        self._down = False
        if event.gap_seconds > 0:
            now = self._clock.wall()
            start = now - dt.timedelta(seconds=event.gap_seconds)
            self._recorder.gap(GapRow(start, now, "asterisk restarted" if event.restarted else "no events"))
        for call in self._p.calls:
            if call.id not in event.live_calls and call.id not in self._p.in_dialogue:
                self._end_lost(call)
        self._tasks.run(self._take_over(), "take over")
        self._p.distributor.telephony(up=True)

    def _release(self) -> None:
        count = self._p.distributor.release_all()
        log.warning("waiting callers released to the fallback queue", callers=count)

    def _end_lost(self, call: Call) -> None:
        call.marks.add("reconstructed")
        if call.agent_id is not None:
            self._p.roster.talk_ended(call.agent_id, call.id, self._p.wrap_up_seconds)
        self._p.calls.end(call, EndReason.LOST_TRACK)

    # -------------------------------------------------------- taking over

    async def _take_over(self) -> None:
        """Step by step; one that fails keeps none of the others from being done."""
        await self._catch_up()
        await self._mirror.all()
        await self._done(self._call_back(), "callers are not called back")

    async def _catch_up(self) -> None:
        await self._done(self.import_missed(), "notes of the fallback not read")
        if not self._adopted:
            self._adopted = await self._done(self._adopt(), "open calls not read")

    async def _done(self, step: Awaitable[None], otherwise: str) -> bool:
        try:
            await step
        except CallcenterError as error:
            if otherwise not in self._failing:
                log.warning("could not take over all that Asterisk has", what=otherwise, reason=error.message)
            self._failing.add(otherwise)
            return False
        self._failing.discard(otherwise)
        return True

    async def _call_back(self) -> None:
        withdrawn = await self._switch.withdraw_waiting()
        if withdrawn:
            log.info("callers come back from the fallback queue", callers=withdrawn)

    async def _adopt(self) -> None:
        """Once, after our own start: calls that the record has as open either live on or are over."""
        living: dict[CallId, list[LiveChannel]] = {}
        for channel in self._channels.live_channels():
            if channel.call_id is not None:
                living.setdefault(channel.call_id, []).append(channel)
        for kept in await self._history.open_calls():
            call = kept.call
            if self._p.calls.get(call.id) is not None or call.id in self._told:
                continue
            call.marks.add("reconstructed")
            channels = living.get(call.id)
            if channels:
                self._adopt_living(call, channels)
            else:
                seen = call.arrived + (kept.last_seen - call.arrived_at).total_seconds()
                # In a survey the agent had hung up: how the call ended is known.
                reason = EndReason.AGENT_HANGUP if call.stage is Stage.SURVEY else EndReason.LOST_TRACK
                call.end(reason, max(call.stage_since(), min(seen, self._clock.now())))
                self._recorder.call(call)
                self._settle_attempt(call)

    def _settle_attempt(self, call: Call) -> None:
        """An outbound attempt that we died in is not left dialling for ever."""
        if call.direction is not Direction.OUTBOUND:
            return
        agent_id = next((s.agent_id for s in call.segments if s.agent_id is not None), None)
        if agent_id is not None:
            talked = any(segment.stage is Stage.TALKING for segment in call.segments)
            result = AttemptResult.ANSWERED if talked else AttemptResult.FAILED
            self._recorder.attempt(attempt_of(call, agent_id, call.arrived_at, result))

    def _adopt_living(self, call: Call, channels: list[LiveChannel]) -> None:
        self._p.calls.add_living(call)
        agent_id = self._agent_on(channels)
        if agent_id is not None:
            self._p.calls.enter(call, Stage.TALKING, queue=call.queue, agent_id=agent_id)
            self._p.roster.talk_begun(agent_id, call.id)
        else:
            call.marks.add("fallback")
            self._p.calls.enter(call, Stage.FALLBACK, queue=call.queue)
        log.info("call taken over after a restart", call_id=call.id, stage=call.stage.value)

    def _agent_on(self, channels: list[LiveChannel]) -> AgentId | None:
        for channel in channels:
            extension: Extension | None = self._p.phone_book.extension_of(channel.phone)
            agent = self._p.roster.by_extension(extension) if extension else None
            if agent is not None and channel.bridged:
                return agent.id
        return None

    async def import_missed(self) -> None:
        """Put on record what the fallback wrote down; a record without an end waits for it."""
        read: list[str] = []
        for missed in await self._switch.missed_calls():
            if missed.key in self._imported or not missed.ended:
                continue
            if missed.call_id in self._p.in_dialogue:
                continue
            self._imported.add(missed.key)
            if missed.call_id is not None:
                self._told.add(missed.call_id)
                self._end_told(missed.call_id, served=bool(missed.answered))
            self._recorder.missed(missed, missed.call_id or CallId(new_id(self._clock)))
            read.append(missed.key)
        # A note may be deleted once what it says can't be lost any more.
        await self._recorder.safe()
        self._p.notes_read.extend(read)

    def _end_told(self, call_id: CallId, *, served: bool) -> None:
        """The fallback says that a call of ours is over, maybe before its hang-up is seen. Our own end is only a
        guess of the time, so that the note's word, which follows, counts."""
        if (call := self._p.calls.get(call_id)) is None:
            return
        if call.agent_id is not None:
            self._p.roster.talk_ended(call.agent_id, call.id, self._p.wrap_up_seconds if served else 0)
        self._p.calls.end(call, EndReason.LOST_TRACK)

    async def look_again(self) -> None:
        """For ever: a talk that the fallback arranged may end long after we are back."""
        while True:
            await asyncio.sleep(MISSED_EVERY)
            await self._catch_up()
