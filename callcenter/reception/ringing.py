"""An agent is reserved: pop, ring, talk; and what came of it."""

import asyncio

import structlog

from callcenter.agents.states import SYSTEM_RONA, Presence
from callcenter.calls.call import Call, EndReason, Stage
from callcenter.calls.events import OfferResult
from callcenter.calls.ports import CallerLine, DialOutcome, DialResult, QueueSettings
from callcenter.errors import CallerGone
from callcenter.reception.parts import Parts
from callcenter.reception.waiting import Wait
from callcenter.routing.offer import Offer
from callcenter.screen_pop.pop import why_of

log = structlog.get_logger(__name__)

DUMPED_BELOW = 0.5
"""A talk shorter than this, ended by the agent's side, is no answer: the caller keeps the place."""

RESULTS = {
    "no_answer": OfferResult.NO_ANSWER,
    "busy": OfferResult.BUSY,
    "rejected": OfferResult.REJECTED,
    "cancelled": OfferResult.CALLER_GONE,
    "failed": OfferResult.FAILED,
}


def offer_result(outcome: DialOutcome) -> OfferResult:
    """What is said of an offer that came to no talk."""
    return RESULTS.get(outcome, OfferResult.NO_ANSWER)


class Ringing:
    """Brings a caller and the agent who is reserved together."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts

    async def ring(
        self, line: CallerLine, call: Call, queue: QueueSettings, offer: Offer, wait: Wait
    ) -> EndReason | None:
        """Pop, ring, talk. None when there was no talk and the caller is still here. Raises ``CallerGone``,
        ``ActionFailed``, ``ReleasedToFallback``."""
        p = self._p
        p.calls.enter(call, Stage.RINGING, queue=queue.name, agent_id=offer.agent_id)
        await self._prepare(line, call, offer, wait)
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
        self._not_talked(call, offer, result, wait)
        if result.caller_gone:
            raise CallerGone("while ringing")
        return None

    async def _prepare(self, line: CallerLine, call: Call, offer: Offer, wait: Wait) -> None:
        """The pop goes out while the caller's line is made free for the ring."""
        p = self._p
        why, figure = why_of(offer.because)

        async def free_the_line() -> None:
            await wait.hush()
            await line.set_variables(CC_AGENT=offer.extension)

        done = await asyncio.gather(
            p.presenter.show(
                offer.agent_id,
                call,
                p.identification.of(call.id),
                offer_id=offer.id,
                why=why,
                why_seconds=figure,
                put_through_by=p.blind_transfers.by_name(call.id),
            ),
            free_the_line(),
            return_exceptions=True,  # both have ended before we go on, also when one fails
        )
        for outcome in done:
            if isinstance(outcome, BaseException):
                raise outcome

    def _talked(self, call: Call, offer: Offer, queue: QueueSettings, result: DialResult) -> None:
        """The talk is over. Had we not seen it begin, it is put on record now, and marked."""
        p = self._p
        if call.stage is Stage.RINGING:
            call.marks.add("reconstructed")
            p.distributor.end(offer, OfferResult.ANSWERED)
            p.roster.talk_begun(offer.agent_id, call.id)
            p.calls.enter(call, Stage.TALKING, queue=queue.name, agent_id=offer.agent_id)
            log.warning("talk seen only at its end", seconds=result.talk_seconds)
        for agent_id in {offer.agent_id, call.agent_id}:  # another one after an attended transfer
            if agent_id is not None:
                p.roster.talk_ended(agent_id, call.id, queue.wrap_up_seconds)

    def _not_talked(self, call: Call, offer: Offer, result: DialResult, wait: Wait) -> None:
        p = self._p
        wait.rung()
        if not result.caller_gone:
            # Before the offer ends and others are told: nobody behind may be served in between.
            p.distributor.back(wait.place)
        outcome = OfferResult.CALLER_GONE if result.caller_gone else offer_result(result.outcome)
        p.distributor.end(offer, outcome)
        agent = p.roster.find(offer.agent_id)
        if agent is not None and result.outcome == "answered" and agent.presence is Presence.READY:
            # Taken and put down at once: a phone that does so would have this caller again and again.
            p.roster.not_ready(agent.id, SYSTEM_RONA)
        p.roster.talk_ended(offer.agent_id, call.id, 0)
        p.presenter.close(offer.agent_id, call.id)
