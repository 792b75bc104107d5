"""The flow puts a caller through: to an extension, which may be an agent's, or to a number outside."""

import structlog

from callcenter.agents.states import Agent, RoutingState
from callcenter.calls.call import Call, EndReason, Stage
from callcenter.calls.ports import CallerLine, DialOutcome, DialResult
from callcenter.errors import BadInput
from callcenter.ids import Extension
from callcenter.reception.parts import Parts
from callcenter.reception.visit import Outcome, ToTransfer
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
        p = self._p
        p.calls.enter(call, Stage.RINGING, agent_id=agent.id)
        await p.presenter.show(agent.id, call, p.identification.of(call.id), why=Why.DIRECT)
        try:
            await line.set_variables(CC_AGENT=agent.extension)
            result = await self._dial(line, call, to)
        except BaseException:
            if call.stage is Stage.RINGING:
                p.presenter.close(agent.id, call.id)
            raise
        if result.outcome != "answered":
            p.presenter.close(agent.id, call.id)
        elif call.stage is Stage.RINGING:
            call.marks.add("reconstructed")
            p.roster.talk_begun(agent.id, call.id)
            p.calls.enter(call, Stage.TALKING, agent_id=agent.id)
        p.roster.talk_ended(agent.id, call.id, p.wrap_up_seconds if result.outcome == "answered" else 0)
        return await self._outcome(line, result)

    async def _dial(self, line: CallerLine, call: Call, to: ToTransfer) -> DialResult:
        book = self._p.phone_book
        inside = to.kind == "extension"
        try:
            phone = (
                book.dial_string(Extension(to.target)) if inside else book.outbound.format(number=to.target)
            )
            return await line.dial(
                phone,
                ring_seconds=to.ring_seconds,
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
