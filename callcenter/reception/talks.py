"""What telephony saw of calls that we know: a phone answered, a hold, a leg that ended."""

import structlog

from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.events import (
    CallerLeft,
    OfferResult,
    OutboundFailed,
    PartyAnswered,
    PartyGone,
    PartyHeld,
    PartyResumed,
    PartyTransferred,
)
from callcenter.follow_ups.follow_up import AttemptResult
from callcenter.ids import AgentId, Extension
from callcenter.reception.attempts import Attempts
from callcenter.reception.parts import Parts

log = structlog.get_logger(__name__)


class Talks:
    """Handlers on the bus. A call with a coroutine of its own is ended by it, the others here."""

    def __init__(self, parts: Parts, attempts: Attempts) -> None:
        self._p = parts
        self._attempts = attempts

    def answered(self, event: PartyAnswered) -> None:
        """A phone was answered: the offer is taken, the talk begins."""
        call = self._p.calls.get(event.call_id)
        if call is None:
            return
        if call.direction is Direction.OUTBOUND:
            self._outbound_answered(call, event.extension)
            return
        if call.stage is Stage.DIALLING:
            self._p.calls.enter(call, Stage.OUTSIDE)  # the flow put the caller through to somebody else
            return
        agent = self._p.roster.by_extension(event.extension)
        agent_id = agent.id if agent else None
        if self._has_coroutine(call) and not _may_answer(call, agent_id):
            log.info("late word of an answer", call_id=call.id)
            return
        if call.stage is Stage.RINGING and (offer := self._p.distributor.offer_of(call.id)) is not None:
            self._p.distributor.end(offer, OfferResult.ANSWERED)
        if agent_id is not None:
            self._p.roster.talk_begun(agent_id, call.id)
        self._p.calls.enter(call, Stage.TALKING, queue=call.queue, agent_id=agent_id)

    def held(self, event: PartyHeld) -> None:
        """On hold."""
        call = self._p.calls.get(event.call_id)
        if call is not None and call.stage is Stage.TALKING:
            self._p.calls.enter(call, Stage.HELD, queue=call.queue, agent_id=call.agent_id)

    def resumed(self, event: PartyResumed) -> None:
        """Off hold."""
        call = self._p.calls.get(event.call_id)
        if call is not None and call.stage is Stage.HELD:
            self._p.calls.enter(call, Stage.TALKING, queue=call.queue, agent_id=call.agent_id)

    def transferred(self, event: PartyTransferred) -> None:
        """An agent has joined the caller with a colleague: the first has wrap-up, the second the call."""
        call = self._p.calls.get(event.call_id)
        if call is None or call.stage not in {Stage.TALKING, Stage.HELD}:
            return
        if call.agent_id is not None:
            self.end_talk(call, call.agent_id)
        agent = self._p.roster.by_extension(event.to) if event.to else None
        agent_id = agent.id if agent is not None else None
        if agent_id is not None:
            self._p.roster.talk_begun(agent_id, call.id)
        asking = self._p.calls.get(event.asked) if event.asked is not None else None
        if asking is not None:
            self._p.calls.end(asking, EndReason.TRANSFERRED)
        stage = Stage.TALKING if agent_id is not None else Stage.OUTSIDE
        self._p.calls.enter(call, stage, queue=call.queue, agent_id=agent_id)

    def party_gone(self, event: PartyGone) -> None:
        """The agent's leg ended. For a call without a coroutine (direct, or taken over after a restart of
        ours) the agent's part is over."""
        call = self._p.calls.get(event.call_id)
        if call is None or call.agent_id is None or self._has_coroutine(call):
            return
        agent = self._p.roster.find(call.agent_id)
        if agent is None or agent.extension != event.extension:
            return
        self.end_talk(call, call.agent_id)
        if call.direction is Direction.DIRECT:
            missed = call.stage is Stage.RINGING
            self._p.calls.end(call, EndReason.NO_ANSWER if missed else EndReason.AGENT_HANGUP)

    def caller_left(self, event: CallerLeft) -> None:
        """The caller's channel ended; with a coroutine, that one hears it too and says how."""
        call = self._p.calls.get(event.call_id)
        if call is None:
            return
        if self._has_coroutine(call):
            self._p.left.add(call.id)
            return
        talked = any(segment.stage in {Stage.TALKING, Stage.OUTSIDE} for segment in call.segments)
        if call.agent_id is not None:
            self.end_talk(call, call.agent_id)
        if call.direction is Direction.OUTBOUND:
            self._attempts.ended(call, AttemptResult.ANSWERED if talked else AttemptResult.FAILED)
        if call.stage is Stage.WAITING:
            reason = EndReason.ABANDONED  # put through, and did not come back to us
        elif talked:
            reason = EndReason.FALLBACK_SERVED if "fallback" in call.marks else EndReason.CALLER_HANGUP
        elif "fallback" in call.marks:
            reason = EndReason.FALLBACK_LOST
        else:
            reason = EndReason.ABANDONED
        self._p.blind_transfers.forget(call.id)
        self._p.calls.end(call, reason)

    def outbound_failed(self, event: OutboundFailed) -> None:
        """Our own agent's phone was not picked up."""
        call = self._p.calls.get(event.call_id)
        if call is None or self._has_coroutine(call):
            return
        self._attempts.ended(call, AttemptResult.AGENT_NOT_REACHED)
        if call.agent_id is not None:
            self._p.roster.talk_ended(call.agent_id, call.id, 0)
            self._p.presenter.close(call.agent_id, call.id)
        self._p.calls.end(call, EndReason.NO_ANSWER)

    def end_talk(self, call: Call, agent_id: AgentId) -> None:
        """The agent's part is over: wrap-up if there was a talk, else the pop goes away."""
        if call.stage in {Stage.TALKING, Stage.HELD}:
            self._p.roster.talk_ended(agent_id, call.id, self._wrap_up_seconds(call))
        else:
            self._p.roster.talk_ended(agent_id, call.id, 0)
            self._p.presenter.close(agent_id, call.id)

    def _wrap_up_seconds(self, call: Call) -> float:
        queue = self._p.queues.get(call.queue) if call.queue else None
        return queue.wrap_up_seconds if queue else self._p.wrap_up_seconds

    def _outbound_answered(self, call: Call, extension: Extension) -> None:
        """The agent's own phone answers first, which is no talk yet; the customer has no extension."""
        if not extension and call.stage in {Stage.DIALLING, Stage.RINGING}:
            self._p.calls.enter(call, Stage.TALKING, agent_id=call.agent_id)

    def _has_coroutine(self, call: Call) -> bool:
        return call.id in self._p.in_dialogue


def _may_answer(call: Call, agent_id: AgentId | None) -> bool:
    """Events may come later than the dialogue's own word: then the call waits again, or another phone rings."""
    match call.stage:
        case Stage.RINGING:
            return agent_id is not None and agent_id == call.agent_id
        case Stage.TALKING | Stage.HELD:
            return True  # a transfer
        case _:
            return False
