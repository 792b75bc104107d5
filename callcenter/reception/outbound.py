"""Click-to-call and callbacks: the agent's phone was picked up, its channel is here, now the customer is dialled."""

import structlog

from callcenter.calls.call import Call, EndReason, Stage
from callcenter.calls.events import OfferResult
from callcenter.calls.ports import CallerLine, DialResult
from callcenter.errors import ActionFailed, CallerGone, ReleasedToFallback
from callcenter.follow_ups.follow_up import AttemptResult
from callcenter.ids import CallId
from callcenter.reception.arrival import CALL_ID
from callcenter.reception.attempts import Attempts
from callcenter.reception.parts import Parts
from callcenter.reception.recording import start_recording

log = structlog.get_logger(__name__)

RING_SECONDS = 45
"""How long a customer's phone rings; networks give up at about this time."""

ENDS = {
    "answered": (AttemptResult.ANSWERED, EndReason.AGENT_HANGUP),
    "busy": (AttemptResult.BUSY, EndReason.BUSY),
    "rejected": (AttemptResult.REJECTED, EndReason.REJECTED),
    "no_answer": (AttemptResult.NO_ANSWER, EndReason.NO_ANSWER),
    "cancelled": (AttemptResult.NO_ANSWER, EndReason.NO_ANSWER),
    "failed": (AttemptResult.FAILED, EndReason.FAILED),
}


class Outbound:
    """Serves the agents' channels of outbound calls; the line here is the agent's own."""

    def __init__(self, parts: Parts, attempts: Attempts) -> None:
        self._p = parts
        self._attempts = attempts

    async def serve(self, line: CallerLine) -> None:
        """Dial the customer of the call that this channel was made for."""
        known = await line.read_variables("CC_CALL")
        call = self._p.calls.get(CallId(known["CC_CALL"])) if CALL_ID.fullmatch(known["CC_CALL"]) else None
        if call is None or not call.number.key:
            log.warning("an outbound channel without a call of ours")
            await line.finish()
            return
        self._p.in_dialogue.add(call.id)
        with structlog.contextvars.bound_contextvars(call_id=call.id):
            try:
                await self._dial(line, call)
            finally:
                self._p.in_dialogue.discard(call.id)
                self._p.left.discard(call.id)

    async def _dial(self, line: CallerLine, call: Call) -> None:
        call.channel_id = line.channel_id
        self._picked_up(call)
        self._p.calls.enter(call, Stage.RINGING, agent_id=call.agent_id)
        try:
            if call.queue is not None:  # a callback is recorded as the call would have been
                await start_recording(self._p, line, call, self._p.queues[call.queue])
            result = await line.dial(
                self._p.phone_book.outbound.format(number=call.number.key),
                ring_seconds=RING_SECONDS,
                call_id=call.id,
            )
        except (CallerGone, ActionFailed, ReleasedToFallback) as error:
            log.info("outbound call broke off", reason=error.message)
            if call.stage in {Stage.TALKING, Stage.HELD} and call.id not in self._p.left:
                return  # only our part broke: the talk goes on, and is ended by what is seen of it
            result = DialResult("failed", 0.0, 0.0, caller_gone=True)
        self._ended(call, result)
        await line.finish()

    def _picked_up(self, call: Call) -> None:
        """Who is offered a callback takes it by picking up."""
        offer = self._p.distributor.offer_of(call.id)
        if offer is not None:
            self._p.distributor.end(offer, OfferResult.ANSWERED)
            self._p.roster.talk_begun(offer.agent_id, call.id)

    def _wrap_up_seconds(self, call: Call) -> float:
        """A callback is of a queue; nobody answered, there is nothing to note. Who dials somebody notes that."""
        if call.queue is None:
            return self._p.wrap_up_seconds
        return self._p.queues[call.queue].wrap_up_seconds if call.stage is not Stage.RINGING else 0.0

    def _ended(self, call: Call, result: DialResult) -> None:
        attempt, reason = ENDS[result.outcome]
        if result.outcome == "answered" and call.stage is Stage.RINGING:
            call.marks.add("reconstructed")
            self._p.calls.enter(call, Stage.TALKING, agent_id=call.agent_id)
        if result.outcome == "answered" and not result.caller_gone:
            reason = EndReason.CALLER_HANGUP
        self._attempts.ended(call, attempt)
        agent_id = call.agent_id
        if agent_id is not None:
            self._p.roster.talk_ended(agent_id, call.id, self._wrap_up_seconds(call))
        self._p.calls.end(call, reason)
