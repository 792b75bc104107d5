"""A caller's journey, top to bottom: arrive, be recognised, walk the flow, wait, be rung through, talk, end.

Whatever fails here ends the dialogue without ``finish``: then Asterisk's dialplan takes the caller to the fallback
queue. So a fault of ours costs a caller some seconds, never the call.
"""

from dataclasses import replace

import structlog

from callcenter.calls.call import Call, EndReason, Stage
from callcenter.calls.ports import CallerLine, QueueSettings
from callcenter.errors import ActionFailed, BadInput, CallerGone, ReleasedToFallback
from callcenter.ids import AgentId
from callcenter.reception.arrival import Arrival, arrive
from callcenter.reception.parts import Parts
from callcenter.reception.recording import start_recording
from callcenter.reception.ringing import Ringing
from callcenter.reception.staffing import Staffing
from callcenter.reception.transfer import Transfers
from callcenter.reception.visit import HungUp, Outcome, ToQueue, ToTransfer, Visit, VisitEnd
from callcenter.reception.waiting import Wait, turned_away
from callcenter.routing.demand import ANYBODY, Wanted

log = structlog.get_logger(__name__)

LOOKUP_PATIENCE = 0.5
"""Seconds that joining the line waits for a look-up that is not done by then; it takes milliseconds."""
NOTES_AT_ONCE = 5
"""How many read notes one dialogue deletes; a fifth of a millisecond each."""
MOST_TURNS = 500
"""Queues and transfers that one caller may be sent to: beyond it a flow goes round in a circle."""
OURS = frozenset({EndReason.IVR_END, EndReason.TRANSFERRED})
"""Ends that the flow decides while the caller is still there: the dialplan goes on, unless it took our last word."""
GONE = frozenset({EndReason.CALLER_HANGUP, EndReason.ABANDONED})
"""Ends of callers who are not there any more."""
OUTSIDE_RING = 45
"""Seconds that a number outside rings to which an agent puts a caller through."""
TARGET_WAIT = 30.0
"""Seconds that a caller whom one agent put through to another waits for that one before anybody else may help."""
TALKING = frozenset({Stage.TALKING, Stage.HELD, Stage.OUTSIDE})


class Inbound:
    """Serves callers; one ``serve`` runs per caller."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts
        self._ringing = Ringing(parts)
        self._transfers = Transfers(parts)
        self._staffing = Staffing(parts.distributor, parts.clock)

    async def serve(self, line: CallerLine) -> None:
        """The journey. Returns when the caller is gone or has been let go."""
        arrival = await arrive(line, self._p)
        call, lives_on = arrival.call, False
        self._p.in_dialogue.add(call.id)
        with structlog.contextvars.bound_contextvars(call_id=call.id):
            try:
                lives_on = await self._journey_to_end(line, arrival)
            finally:
                self._p.in_dialogue.discard(call.id)
                if call.stage is not Stage.ENDED and not lives_on:
                    self._left_unfinished(call)
                self._p.left.discard(call.id)
                if call.stage is Stage.ENDED:
                    self._p.blind_transfers.forget(call.id)

    async def _journey_to_end(self, line: CallerLine, arrival: Arrival) -> bool:
        """True when the caller goes on elsewhere, and the call with it."""
        call = arrival.call
        try:
            reason = await self._journey(line, arrival)
        except CallerGone:
            reason = self._gone_reason(call)
        except (ReleasedToFallback, ActionFailed) as error:
            log.warning("caller goes to the fallback queue", reason=error.message)
            return False
        if reason in GONE and await self._lives_on(line, call):
            return True
        await self._end(line, call, reason)
        return False

    async def _lives_on(self, line: CallerLine, call: Call) -> bool:
        """Is the caller not gone, but put through? An agent's part was over at that moment."""
        departure = await line.departure()
        if departure == "hung_up" or call.stage is Stage.ENDED:
            return False
        log.info("caller put through", departure=departure)
        self._p.blind_transfers.left(call.id, call.agent_id)
        elsewhere = departure == "elsewhere"
        self._p.calls.enter(call, Stage.OUTSIDE if elsewhere else Stage.WAITING, queue=call.queue)
        return True

    async def _end(self, line: CallerLine, call: Call, reason: EndReason) -> None:
        await self._forget_notes(line)
        # Last of all, before the line is closed: from here on the fallback must not take over.
        try:
            finished = await self._finish(line)
        except ActionFailed:
            return  # the line broke: Asterisk is gone, or goes on without us; its events will tell which
        if finished or reason not in OURS:
            self._p.calls.end(call, reason)
        if reason not in GONE:
            await self._hang_up(line)

    # -------------------------------------------------------- the steps

    async def _journey(self, line: CallerLine, arrival: Arrival) -> EndReason:
        call, resumed = arrival.call, arrival.queue
        await line.set_variables(CC_CALL=call.id)
        if resumed is None and arrival.dialled is None:
            self._p.calls.enter(call, Stage.IVR)
        visit = self._p.ivr.visit(line, call)
        try:
            if arrival.dialled is not None:
                return await self._put_through(line, call, visit, arrival.dialled)
            to = await visit.start() if resumed is None else await visit.rejoin(resumed)
            return await self._walk(line, call, visit, to)
        finally:
            visit.over()

    async def _put_through(self, line: CallerLine, call: Call, visit: Visit, dialled: str) -> EndReason:
        """An agent put the caller through: outside, or into a line with the arrival that the call has."""
        transfers = self._p.blind_transfers
        to = transfers.came_back(call, dialled)
        if (
            call.agent_id is not None
        ):  # a talk that we took over when we started, and whose end we did not see
            self._talk_over(call, call.agent_id)
        if to.number:
            outside = ToTransfer("number", to.number, OUTSIDE_RING)
            came = await self._transfers.put_through(line, call, outside)
            if isinstance(came, EndReason) or came == "done":
                return came if isinstance(came, EndReason) else EndReason.TRANSFERRED
        queue = transfers.queue_for(call, to)
        wanted = Wanted(target=to.agent_id, target_wait=TARGET_WAIT) if to.agent_id is not None else ANYBODY
        skills = transfers.skills_for(call, queue)
        return await self._walk(
            line, call, visit, replace(await visit.rejoin(queue), skills=skills, wanted=wanted)
        )

    async def _walk(self, line: CallerLine, call: Call, visit: Visit, to: VisitEnd) -> EndReason:
        """The flow says where to; what came of it goes back to the flow; until the call ends."""
        for _ in range(MOST_TURNS):
            came = await self._go(line, call, visit, to)
            if isinstance(came, EndReason):
                return came
            if call.stage is not Stage.IVR:
                self._p.calls.enter(call, Stage.IVR)
            to = await visit.resume(came)
            if came == "done" and isinstance(to, HungUp):
                return EndReason.TRANSFERRED
        raise ReleasedToFallback("The flow goes round in a circle.")

    async def _go(self, line: CallerLine, call: Call, visit: Visit, to: VisitEnd) -> Outcome | EndReason:
        match to:
            case ToQueue():
                return await self._line_up(line, call, visit, to)
            case ToTransfer():
                return await self._transfers.put_through(line, call, to)
            case HungUp():
                log.info("flow ended the call", reason=to.reason)
                return EndReason.IVR_END

    async def _line_up(self, line: CallerLine, call: Call, visit: Visit, to: ToQueue) -> Outcome | EndReason:
        """Wait for an agent and talk; as often as it takes."""
        if (instead := turned_away(self._p, self._staffing, to)) is not None:
            return instead
        queue = self._p.queues[to.queue]
        await self._p.identification.wait(call, LOOKUP_PATIENCE)
        await line.set_variables(CC_QUEUE=queue.name, CC_STAGE="waiting")
        await start_recording(self._p, line, call, queue)
        call.skills = to.skills
        if call.stage is not Stage.WAITING or call.queue != queue.name:
            self._p.calls.enter(call, Stage.WAITING, queue=queue.name)
        wait = Wait(self._p, line, call, visit, to.plan, self._staffing)
        await wait.begin(queue.name, to.wanted)
        try:
            came = await self._until_served(line, call, queue, wait)
        finally:
            await wait.leave()
        if came is EndReason.AGENT_HANGUP and to.survey is not None:
            await self._survey(line, call, visit, to.survey)
        return came

    async def _until_served(
        self, line: CallerLine, call: Call, queue: QueueSettings, wait: Wait
    ) -> Outcome | EndReason:
        while True:
            offer = await wait.next()
            if isinstance(offer, str):
                return offer
            reason = await self._ringing.ring(line, call, queue, offer, wait)
            if reason is not None:
                return reason
            self._p.calls.enter(call, Stage.WAITING, queue=queue.name)

    async def _survey(self, line: CallerLine, call: Call, visit: Visit, name: str) -> None:
        """The caller has been served: nothing that happens from here on may change how the call ended, or bring the
        caller into the fallback queue. Raises ``ActionFailed`` when there is no line any more."""
        await self._finish(line)
        self._p.calls.enter(call, Stage.SURVEY)
        try:
            await visit.survey(name)
        except CallerGone:
            log.info("caller left in the survey")
        except Exception:  # an edge: see above
            log.warning("survey broke off", survey=name, exc_info=True)

    # -------------------------------------------------------- what came of it

    def _left_unfinished(self, call: Call) -> None:
        """We failed this caller, or are being stopped: the dialplan goes on without us. A talk goes on too, and is
        ended by what is seen of it."""
        if call.stage is Stage.SURVEY:
            self._p.calls.end(call, EndReason.AGENT_HANGUP)
        elif call.id in self._p.left:
            if call.agent_id is not None:
                self._talk_over(call, call.agent_id)
            self._p.calls.end(call, self._gone_reason(call))
        elif call.stage not in TALKING and call.stage is not Stage.FALLBACK:
            call.marks.add("fallback")
            self._p.calls.enter(call, Stage.FALLBACK)

    def _talk_over(self, call: Call, agent_id: AgentId) -> None:
        talked = call.stage in TALKING and call.queue is not None
        seconds = self._p.queues[call.queue].wrap_up_seconds if talked and call.queue else 0
        self._p.roster.talk_ended(agent_id, call.id, seconds)

    def _gone_reason(self, call: Call) -> EndReason:
        if call.stage in {Stage.WAITING, Stage.RINGING}:
            return EndReason.ABANDONED
        return EndReason.CALLER_HANGUP

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
