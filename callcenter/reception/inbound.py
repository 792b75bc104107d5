"""A caller's journey, top to bottom: arrive, be recognised, choose, wait, be rung through, talk, end.

Whatever fails here ends the dialogue without ``finish``: then Asterisk's dialplan takes the caller to the fallback
queue. So a fault of ours costs a caller some seconds, never the call.
"""

import asyncio
import datetime as dt
import re

import structlog

from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.events import OfferResult
from callcenter.calls.number import normalise
from callcenter.calls.ports import CallerLine, DialResult, QueueSettings
from callcenter.errors import ActionFailed, BadInput, CallerGone, ReleasedToFallback
from callcenter.ids import CallId, QueueName, new_id
from callcenter.reception.parts import Parts
from callcenter.routing.distributor import Place
from callcenter.routing.offer import Offer

log = structlog.get_logger(__name__)

CALL_ID = re.compile(r"[0-9a-f]{32}")
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
        call, resumed = await self._arrive(line)
        self._p.in_dialogue.add(call.id)
        with structlog.contextvars.bound_contextvars(call_id=call.id):
            try:
                await self._journey_to_end(line, call, resumed)
            finally:
                self._p.in_dialogue.discard(call.id)
                if call.stage not in {Stage.ENDED, Stage.FALLBACK}:
                    # We failed this caller, or are being stopped: the dialplan goes on without us.
                    self._to_fallback(call)

    async def _journey_to_end(self, line: CallerLine, call: Call, resumed: QueueName | None) -> None:
        try:
            reason = await self._journey(line, call, resumed)
        except CallerGone:
            reason = self._gone_reason(call)
        except (ReleasedToFallback, ActionFailed) as error:
            log.warning("caller goes to the fallback queue", reason=error.message)
            self._to_fallback(call)
            return
        await self._forget_notes(line)
        # Last of all, before the line is closed: from here on the fallback must not take over.
        await line.finish()
        self._p.calls.end(call, reason)
        if reason not in {EndReason.CALLER_HANGUP, EndReason.ABANDONED}:
            await self._hang_up(line)

    # -------------------------------------------------------- the steps

    async def _arrive(self, line: CallerLine) -> tuple[Call, QueueName | None]:
        """A new call, or one that comes back from the fallback queue with its id and place."""
        known = await line.read_variables("CC_CALL", "CC_QUEUE", "CC_ARRIVED")
        now, wall = self._p.clock.now(), self._p.clock.wall()
        call = self._p.calls.get(CallId(known["CC_CALL"])) if CALL_ID.fullmatch(known["CC_CALL"]) else None
        queue = QueueName(known["CC_QUEUE"]) if known["CC_QUEUE"] in self._p.queues else None
        if call is not None:
            call.channel_id = line.channel_id
        else:
            waited = 0.0
            if known["CC_ARRIVED"].isdecimal():
                # Bounded: the dialplan's clock and ours may differ, and nobody has waited for a day.
                waited = min(max(wall.timestamp() - int(known["CC_ARRIVED"]) - 1, 0.0), 86400.0)
            call_id = known["CC_CALL"] if CALL_ID.fullmatch(known["CC_CALL"]) else new_id(self._p.clock)
            call = Call(
                id=CallId(call_id),
                direction=Direction.INBOUND,
                number=normalise(line.caller_number, self._p.region),
                caller_name=shown_name(line.caller_name),
                did=line.did,
                arrived=now - waited,
                arrived_at=wall - dt.timedelta(seconds=waited),
                channel_id=line.channel_id,
            )
            self._p.calls.add(call)
        self._p.identification.begin(call)
        await line.set_variables(CC_CALL=call.id)
        return call, queue

    async def _journey(self, line: CallerLine, call: Call, queue: QueueName | None) -> EndReason:
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
                reason = await self._ring(line, call, queue, offer)
                if reason is not None:
                    return reason
                self._p.calls.enter(call, Stage.WAITING, queue=queue.name)
                await line.start_music()
                self._p.distributor.back(place)
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
        self, line: CallerLine, call: Call, queue: QueueSettings, offer: Offer
    ) -> EndReason | None:
        """Pop, ring, talk. None when there was no talk and the caller is still here."""
        p = self._p
        p.calls.enter(call, Stage.RINGING, queue=queue.name, agent_id=offer.agent_id)
        match = p.identification.of(call.id)
        await asyncio.gather(
            p.presenter.show(offer.agent_id, call, match, offer_id=offer.id, why=offer.why),
            line.set_variables(CC_AGENT=offer.extension),
        )
        result = await line.dial(
            p.phone_book.dial_string(offer.extension),
            ring_seconds=queue.ring_seconds,
            call_id=call.id,
            predial=p.phone_book.predial,
        )
        if result.outcome == "answered" and (result.caller_gone or result.talk_seconds >= DUMPED_BELOW):
            self._talked(call, offer, queue, result)
            return EndReason.CALLER_HANGUP if result.caller_gone else EndReason.AGENT_HANGUP
        self._not_talked(call, offer, result)
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

    def _not_talked(self, call: Call, offer: Offer, result: DialResult) -> None:
        p = self._p
        outcome = RESULTS.get(result.outcome, OfferResult.NO_ANSWER)
        p.distributor.end(offer, OfferResult.CALLER_GONE if result.caller_gone else outcome)
        p.roster.talk_ended(offer.agent_id, call.id, 0)
        p.presenter.close(offer.agent_id, call.id)

    def _to_fallback(self, call: Call) -> None:
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

    async def _hang_up(self, line: CallerLine) -> None:
        try:
            await line.hang_up()
        except (CallerGone, ActionFailed):
            log.debug("caller was gone before we hung up")
