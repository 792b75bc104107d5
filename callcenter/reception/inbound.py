"""A caller's journey, top to bottom: arrive, be recognised, choose, wait, be rung through, talk, end.

Whatever fails here ends the dialogue without ``finish``: then Asterisk's dialplan takes the caller to the fallback
queue. So a fault of ours costs a caller some seconds, never the call.
"""

import asyncio
import datetime as dt
import re
from collections.abc import Mapping

import structlog

from callcenter.agents.states import SYSTEM_RONA, Presence
from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.events import OfferResult
from callcenter.calls.number import normalise
from callcenter.calls.ports import CallerLine, DialResult, QueueSettings
from callcenter.errors import ActionFailed, BadInput, CallerGone, ReleasedToFallback
from callcenter.ids import CallId, QueueName, SegmentId, new_id
from callcenter.reception.parts import Parts
from callcenter.routing.distributor import Place
from callcenter.routing.offer import Offer
from callcenter.screen_pop.pop import Why

log = structlog.get_logger(__name__)

CALL_ID = re.compile(r"[0-9a-f]{32}")
BROUGHT = ("CC_CALL", "CC_QUEUE", "CC_ARRIVED")
"""What a channel brings that was with us before. Any channel might, so none of it is believed unseen."""
EPOCH = re.compile(r"[0-9]{1,11}")
LONGEST_WAIT = 86400.0
"""Seconds: the dialplan's clock and ours may differ, and nobody has waited for a day."""
SHORTEST_FALLBACK = 2.0
"""Seconds since the arrival that are not yet a stay in the fallback: the way to us, and a clock of whole seconds."""
NAME_LIMIT = 80
LOOKUP_PATIENCE = 0.5
"""Seconds that joining the line waits for a look-up that is not done by then; it takes milliseconds."""
NOTES_AT_ONCE = 5
"""How many read notes one dialogue deletes; a fifth of a millisecond each."""
DUMPED_BELOW = 0.5
"""A talk shorter than this, ended by the agent's side, is no answer: the caller keeps the place."""

RESULTS = {
    "no_answer": OfferResult.NO_ANSWER,
    "busy": OfferResult.BUSY,
    "rejected": OfferResult.REJECTED,
    "cancelled": OfferResult.CALLER_GONE,
    "failed": OfferResult.FAILED,
}


def shown_name(raw: str) -> str:
    """A display name that can do no harm: printable, on one line, not endless."""
    return "".join(c if c.isprintable() else "�" for c in raw)[:NAME_LIMIT].strip()


class Inbound:
    """Serves callers; one ``serve`` runs per caller."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts

    async def serve(self, line: CallerLine) -> None:
        """The journey. Returns when the caller is gone or has been let go."""
        call, resumed = self._arrive(line, await self._brought(line))
        self._p.in_dialogue.add(call.id)
        with structlog.contextvars.bound_contextvars(call_id=call.id):
            try:
                await self._journey_to_end(line, call, resumed)
            finally:
                self._p.in_dialogue.discard(call.id)
                if call.stage is not Stage.ENDED:
                    self._left_unfinished(call)
                self._p.left.discard(call.id)

    async def _journey_to_end(self, line: CallerLine, call: Call, resumed: QueueName | None) -> None:
        try:
            reason = await self._journey(line, call, resumed)
        except CallerGone:
            reason = self._gone_reason(call)
        except (ReleasedToFallback, ActionFailed) as error:
            log.warning("caller goes to the fallback queue", reason=error.message)
            return
        await self._forget_notes(line)
        # Last of all, before the line is closed: from here on the fallback must not take over.
        try:
            finished = await self._finish(line)
        except ActionFailed:
            return  # the line broke: Asterisk is gone, or goes on without us; its events will tell which
        if finished or reason is not EndReason.IVR_END:
            self._p.calls.end(call, reason)
        if reason not in {EndReason.CALLER_HANGUP, EndReason.ABANDONED}:
            await self._hang_up(line)

    # -------------------------------------------------------- the steps

    async def _brought(self, line: CallerLine) -> Mapping[str, str]:
        try:
            return await line.read_variables(*BROUGHT)
        except CallerGone:
            # The call goes on record all the same; the next thing that is asked of the line ends it.
            return dict.fromkeys(BROUGHT, "")

    def _arrive(self, line: CallerLine, brought: Mapping[str, str]) -> tuple[Call, QueueName | None]:
        """A new call, or one that comes back from the fallback queue with its id and place."""
        queue = QueueName(brought["CC_QUEUE"]) if brought["CC_QUEUE"] in self._p.queues else None
        known = CallId(brought["CC_CALL"]) if CALL_ID.fullmatch(brought["CC_CALL"]) else None
        if known in self._p.in_dialogue:
            known = None  # another line is being served under this id
        call = self._p.calls.get(known) if known is not None else None
        if call is None:
            call = self._new_call(line, known, self._since(brought["CC_ARRIVED"]))
        call.channel_id = line.channel_id
        self._p.identification.begin(call)
        return call, queue

    def _new_call(self, line: CallerLine, known: CallId | None, waited: float) -> Call:
        now = self._p.clock.now()
        call = Call(
            id=known if known is not None else CallId(new_id(self._p.clock)),
            direction=Direction.INBOUND,
            number=normalise(line.caller_number, self._p.region),
            caller_name=shown_name(line.caller_name),
            did=line.did,
            arrived=now - waited,
            arrived_at=self._p.clock.wall() - dt.timedelta(seconds=waited),
        )
        if waited:
            call.marks.add("fallback")
            call.enter(Stage.FALLBACK, call.arrived, SegmentId(new_id(self._p.clock)))
        self._p.calls.add(call)
        return call

    def _since(self, arrived: str) -> float:
        """Seconds that a caller was elsewhere before coming to us; ``arrived`` is the dialplan's, in epoch seconds."""
        if not EPOCH.fullmatch(arrived):
            return 0.0
        seconds = min(self._p.clock.wall().timestamp() - int(arrived) - 1, LONGEST_WAIT)
        return seconds if seconds >= SHORTEST_FALLBACK else 0.0

    async def _journey(self, line: CallerLine, call: Call, queue: QueueName | None) -> EndReason:
        await line.set_variables(CC_CALL=call.id)
        if queue is None:
            self._p.calls.enter(call, Stage.IVR)
            queue = await self._p.ivr.serve(line, call)
        if queue is None:
            return EndReason.IVR_END
        settings = self._p.queues[queue]
        await self._p.identification.wait(call, LOOKUP_PATIENCE)
        await line.set_variables(CC_QUEUE=queue, CC_STAGE="waiting")
        await self._record(line, call, settings)
        return await self._line_up(line, call, settings)

    async def _line_up(self, line: CallerLine, call: Call, queue: QueueSettings) -> EndReason:
        """Wait for an agent and talk; as often as it takes."""
        self._p.calls.enter(call, Stage.WAITING, queue=queue.name)
        await line.start_music()
        place = self._p.distributor.join(call, queue.name, call.arrived)
        try:
            while True:
                offer = await self._next_offer(line, place)
                reason = await self._ring(line, call, queue, offer, place)
                if reason is not None:
                    return reason
                self._p.calls.enter(call, Stage.WAITING, queue=queue.name)
                await line.start_music()
        finally:
            self._p.distributor.leave(place)

    async def _next_offer(self, line: CallerLine, place: Place) -> Offer:
        """The next offer, unless the caller hangs up first."""
        offer, gone = asyncio.ensure_future(place.offer()), asyncio.ensure_future(line.gone())  # noqa: TID251  both end here
        try:
            await asyncio.wait({offer, gone}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                gone.result()
                raise CallerGone("while waiting")
            return offer.result()
        finally:
            offer.cancel()
            gone.cancel()
            await asyncio.gather(offer, gone, return_exceptions=True)

    async def _ring(
        self, line: CallerLine, call: Call, queue: QueueSettings, offer: Offer, place: Place
    ) -> EndReason | None:
        """Pop, ring, talk. None when there was no talk and the caller is still here."""
        p = self._p
        p.calls.enter(call, Stage.RINGING, queue=queue.name, agent_id=offer.agent_id)
        match = p.identification.of(call.id)
        done = await asyncio.gather(
            p.presenter.show(
                offer.agent_id,
                call,
                match,
                offer_id=offer.id,
                why=Why.LONGEST_IDLE,
                why_seconds=offer.idle_seconds,
            ),
            line.set_variables(CC_AGENT=offer.extension),
            return_exceptions=True,  # both have ended before we go on, also when one fails
        )
        for outcome in done:
            if isinstance(outcome, BaseException):
                raise outcome
        result = await line.dial(
            p.phone_book.dial_string(offer.extension),
            ring_seconds=queue.ring_seconds,
            call_id=call.id,
            predial=p.phone_book.predial,
            answered=p.phone_book.answered,
        )
        if result.outcome == "answered" and (result.caller_gone or result.talk_seconds >= DUMPED_BELOW):
            self._talked(call, offer, queue, result)
            return EndReason.CALLER_HANGUP if result.caller_gone else EndReason.AGENT_HANGUP
        self._not_talked(call, offer, result, place)
        if result.caller_gone:
            raise CallerGone("while ringing")
        return None

    # -------------------------------------------------------- what came of it

    def _talked(self, call: Call, offer: Offer, queue: QueueSettings, result: DialResult) -> None:
        """The talk is over. Had we not seen it begin, it is put on record now, and marked."""
        p = self._p
        if call.stage is Stage.RINGING:
            call.marks.add("reconstructed")
            p.distributor.end(offer, OfferResult.ANSWERED)
            p.roster.talk_begun(offer.agent_id, call.id)
            p.calls.enter(call, Stage.TALKING, queue=queue.name, agent_id=offer.agent_id)
            log.warning("talk seen only at its end", seconds=result.talk_seconds)
        p.roster.talk_ended(offer.agent_id, call.id, queue.wrap_up_seconds)

    def _not_talked(self, call: Call, offer: Offer, result: DialResult, place: Place) -> None:
        p = self._p
        if not result.caller_gone:
            # Before the offer ends and others are told: nobody behind may be served in between.
            p.distributor.back(place)
        outcome = RESULTS.get(result.outcome, OfferResult.NO_ANSWER)
        p.distributor.end(offer, OfferResult.CALLER_GONE if result.caller_gone else outcome)
        agent = p.roster.find(offer.agent_id)
        if agent is not None and result.outcome == "answered" and agent.presence is Presence.READY:
            # Taken and put down at once: a phone that does so would have this caller again and again.
            p.roster.not_ready(agent.id, SYSTEM_RONA)
        p.roster.talk_ended(offer.agent_id, call.id, 0)
        p.presenter.close(offer.agent_id, call.id)

    def _left_unfinished(self, call: Call) -> None:
        """We failed this caller, or are being stopped: the dialplan goes on without us. A talk goes on too, and is
        ended by what is seen of it."""
        talking = call.stage in {Stage.TALKING, Stage.HELD}
        if call.id in self._p.left:
            if call.agent_id is not None:
                seconds = self._p.queues[call.queue].wrap_up_seconds if talking and call.queue else 0
                self._p.roster.talk_ended(call.agent_id, call.id, seconds)
            self._p.calls.end(call, self._gone_reason(call))
        elif not talking and call.stage is not Stage.FALLBACK:
            call.marks.add("fallback")
            self._p.calls.enter(call, Stage.FALLBACK)

    def _gone_reason(self, call: Call) -> EndReason:
        if call.stage in {Stage.WAITING, Stage.RINGING}:
            return EndReason.ABANDONED
        return EndReason.CALLER_HANGUP

    async def _record(self, line: CallerLine, call: Call, queue: QueueSettings) -> None:
        """Recording is wanted, not needed: without it the call goes on and says so."""
        if not queue.record or call.recording is not None:
            return
        name = new_id(self._p.clock)
        try:
            await line.record(str(self._p.recordings / f"{name}.wav"))
            call.recording = name
        except ActionFailed as error:
            call.marks.add("unrecorded")
            log.warning("recording did not start", reason=error.message)

    async def _forget_notes(self, line: CallerLine) -> None:
        """Notes of the fallback that are on record are deleted by the way: AMI's own way needs a right to a shell."""
        try:
            for _ in range(min(len(self._p.notes_read), NOTES_AT_ONCE)):
                await line.forget_missed(self._p.notes_read.popleft())
        except (CallerGone, ActionFailed, BadInput) as error:
            log.debug("notes not deleted", reason=error.message)

    async def _finish(self, line: CallerLine) -> bool:
        """False when Asterisk did not take our last word: the dialplan judges by what it knows. Raises ``ActionFailed``
        when there is no line any more to say it on."""
        try:
            await line.finish()
        except (CallerGone, ActionFailed) as error:
            log.warning("last word not taken", reason=error.message)
            if error.code == "line_lost":
                raise
            return False
        return True

    async def _hang_up(self, line: CallerLine) -> None:
        try:
            await line.hang_up()
        except (CallerGone, ActionFailed):
            log.debug("caller was gone before we hung up")
