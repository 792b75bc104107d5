"""The flow puts a caller through: to an extension, which may be an agent's, or to a number outside."""

import structlog

from callcenter.agents.states import Agent, RoutingState
from callcenter.calls.call import Call, EndReason, Stage
from callcenter.calls.events import OfferResult
from callcenter.calls.ports import CallerLine, DialOutcome, DialResult
from callcenter.errors import BadInput
from callcenter.ids import Extension
from callcenter.reception.parts import Parts
from callcenter.reception.ringing import offer_result
from callcenter.reception.visit import Outcome, ToTransfer
from callcenter.routing.offer import Offer
from callcenter.screen_pop.pop import Why

log = structlog.get_logger(__name__)

OUTCOMES: dict[DialOutcome, Outcome] = {
    "answered": "done",
    "no_answer": "no_answer",
    "cancelled": "no_answer",
    "busy": "busy",
    "rejected": "busy",
    "failed": "failed",
}
ENGAGED = frozenset({RoutingState.RESERVED, RoutingState.ON_CALL})


class Transfers:
    """Puts callers through."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts

    async def put_through(self, line: CallerLine, call: Call, to: ToTransfer) -> Outcome | EndReason:
        """Ring, and stay for the talk. What came of it, or how the call ended when the caller has gone.

        Raises ``CallerGone``, ``ActionFailed``, ``ReleasedToFallback``.
        """
        agent = self._p.roster.by_extension(Extension(to.target)) if to.kind == "extension" else None
        if agent is not None:
            if agent.state in ENGAGED:
                return "busy"
            return await self._to_agent(line, call, agent, to)
        self._p.calls.enter(call, Stage.DIALLING)
        result = await self._dial(line, call, to)
        if result.outcome == "answered" and call.stage is Stage.DIALLING:
            call.marks.add("reconstructed")
            self._p.calls.enter(call, Stage.OUTSIDE)
        return await self._outcome(line, result)

    async def _to_agent(
        self, line: CallerLine, call: Call, agent: Agent, to: ToTransfer
    ) -> Outcome | EndReason:
        """An agent who is free is reserved first, so that the line offers nobody else to them meanwhile."""
        p = self._p
        claimed = p.distributor.claim(call, agent.id) if agent.state is RoutingState.READY else None
        offer = claimed if isinstance(claimed, Offer) else None
        p.calls.enter(call, Stage.RINGING, agent_id=agent.id)
        result: DialResult | None = None
        try:
            await self._show(call, agent, offer)
            await line.set_variables(CC_AGENT=agent.extension)
            result = await self._dial(line, call, to, offer)
        finally:
            if result is None:
                self._not_taken(call, agent, offer, OfferResult.CALLER_GONE)
        if result.outcome == "answered":
            self._talked(call, agent, offer)
        else:
            gone = result.caller_gone
            self._not_taken(
                call, agent, offer, OfferResult.CALLER_GONE if gone else offer_result(result.outcome)
            )
        return await self._outcome(line, result)

    async def _show(self, call: Call, agent: Agent, offer: Offer | None) -> None:
        p, offer_id = self._p, offer.id if offer is not None else None
        match = p.identification.of(call.id)
        await p.presenter.show(agent.id, call, match, why=Why.DIRECT, offer_id=offer_id)

    def _talked(self, call: Call, agent: Agent, offer: Offer | None) -> None:
        p = self._p
        if call.stage is Stage.RINGING:
            call.marks.add("reconstructed")
            if offer is not None:
                p.distributor.end(offer, OfferResult.ANSWERED)
            p.roster.talk_begun(agent.id, call.id)
            p.calls.enter(call, Stage.TALKING, agent_id=agent.id)
        for agent_id in {agent.id, call.agent_id}:  # another one after an attended transfer
            if agent_id is not None:
                p.roster.talk_ended(agent_id, call.id, p.wrap_up_seconds)

    def _not_taken(self, call: Call, agent: Agent, offer: Offer | None, result: OfferResult) -> None:
        p = self._p
        if offer is not None:
            p.distributor.end(offer, result)
        if call.stage is Stage.RINGING:  # a dialogue that broke in the talk leaves it to what is seen of it
            p.roster.talk_ended(agent.id, call.id, 0)
            p.presenter.close(agent.id, call.id)

    async def _dial(
        self, line: CallerLine, call: Call, to: ToTransfer, offer: Offer | None = None
    ) -> DialResult:
        """A phone rings no longer than its agent is reserved."""
        book, ring_seconds = self._p.phone_book, to.ring_seconds
        if offer is not None:
            ring_seconds = min(ring_seconds, max(1, int(offer.until - self._p.clock.now())))
        inside = to.kind == "extension"
        try:
            phone = (
                book.dial_string(Extension(to.target)) if inside else book.outbound.format(number=to.target)
            )
            return await line.dial(
                phone,
                ring_seconds=ring_seconds,
                call_id=call.id,
                predial=book.predial if inside else "",
                answered=book.answered if inside else "",
            )
        except BadInput as error:
            log.warning("callers can't be put through there", reason=error.message)
            return DialResult("failed", 0.0, 0.0, caller_gone=False)

    async def _outcome(self, line: CallerLine, result: DialResult) -> Outcome | EndReason:
        if result.caller_gone:
            return EndReason.CALLER_HANGUP
        if result.outcome == "answered":
            # Should we die from here on, the dialplan must not take the caller for served.
            await line.set_variables(CC_STAGE="waiting")
        return OUTCOMES[result.outcome]
