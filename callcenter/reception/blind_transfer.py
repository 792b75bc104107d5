"""Blind transfers: an agent puts the caller through, by the telephone or by the button of the screen, and is out.

The caller leaves one dialogue and comes back in the next, with the number that was dialled. It is looked up here: a
queue's own number, an agent's extension, or a number outside that the settings allow. Whoever is put through to
nobody's number goes back to the line that the call came from, never into silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from callcenter.agents.roster import Roster
from callcenter.calls.call import Call, Direction, Stage
from callcenter.calls.live_calls import LiveCalls
from callcenter.calls.ports import QueueSettings, Switch
from callcenter.calls.skills import Levels
from callcenter.errors import BadInput, Conflict
from callcenter.ids import AgentId, CallId, Extension, QueueName
from callcenter.reception.ports import OutsideNumbers

log = structlog.get_logger(__name__)

UNNAMED = "*"
"""Dialled by the button for a target that has no number of digits; it is nobody's."""


@dataclass(frozen=True, slots=True)
class BlindTransfer:
    """Who did it (if known), and one target; none of them: the number was nobody's."""

    by: AgentId | None
    by_name: str = ""
    agent_id: AgentId | None = None
    queue: QueueName | None = None
    number: str = ""
    """E.164, allowed."""


class BlindTransfers:
    """The last one of each living call."""

    def __init__(
        self,
        calls: LiveCalls,
        roster: Roster,
        queues: Mapping[QueueName, QueueSettings],
        switch: Switch,
        outside: OutsideNumbers | None = None,
    ) -> None:
        self._calls = calls
        self._roster = roster
        self._queues = queues
        self._switch = switch
        self._outside = outside
        self._last: dict[CallId, BlindTransfer] = {}
        self._by: dict[CallId, AgentId] = {}
        """Who let go of callers that have not come back yet."""
        self._ordered: dict[CallId, tuple[str, BlindTransfer]] = {}
        """By the button, with the number that was dialled for it."""

    # -------------------------------------------------------- by the button

    async def order(self, agent_id: AgentId, call_id: CallId, *, agent: str = "", queue: str = "") -> None:
        """Put the caller of this agent's call through to an agent's extension or a queue. Raises ``Conflict``,
        ``BadInput``, ``NotFound``, ``ActionFailed``, ``TelephonyDown``."""
        call = self._own_call(agent_id, call_id)
        order = self._target(agent_id, agent, queue)
        dialled = self._number_of(order)
        self._ordered[call.id] = (dialled, order)
        done = False
        try:
            await self._switch.put_through(call.id, dialled)
            done = True
        finally:
            if not done:
                self._ordered.pop(call.id, None)
        log.info(
            "caller put through", call_id=call.id, by=agent_id, to_agent=order.agent_id, queue=order.queue
        )

    def _own_call(self, agent_id: AgentId, call_id: CallId) -> Call:
        self._roster.get(agent_id)
        call = self._calls.get(call_id)
        if call is None or call.agent_id != agent_id or call.stage not in {Stage.TALKING, Stage.HELD}:
            raise Conflict("You are not talking in this call any more.", code="not_talking")
        if call.direction is not Direction.INBOUND:
            raise Conflict(
                "Only callers of the line can be put through here: use your phone for this call.",
                code="not_transferable",
            )
        return call

    def _target(self, agent_id: AgentId, agent: str, queue: str) -> BlindTransfer:
        by_name = self._roster.get(agent_id).name
        if bool(agent) == bool(queue):
            raise BadInput("Say either an agent or a queue.")
        if queue:
            if queue not in self._queues:
                raise BadInput("There is no such queue.", code="unknown_queue")
            return BlindTransfer(agent_id, by_name, queue=QueueName(queue))
        colleague = self._roster.by_extension(Extension(agent))
        if colleague is None:
            raise Conflict("Nobody is logged in at this phone any more.", code="colleague_gone")
        if colleague.id == agent_id:
            raise BadInput("You can't put a caller through to yourself.")
        return BlindTransfer(agent_id, by_name, agent_id=colleague.id)

    def _number_of(self, order: BlindTransfer) -> str:
        """What to dial for it: without us the dialplan knows agents by their extension, and nothing else."""
        number = ""
        if order.agent_id is not None:
            number = self._roster.get(order.agent_id).extension
        elif order.queue is not None:
            number = self._queues[order.queue].number
        return number if number.isascii() and number.isdigit() else UNNAMED

    # -------------------------------------------------------- the caller leaves, the caller comes

    def left(self, call_id: CallId, by: AgentId | None) -> None:
        """The caller has left the talk with this agent, and will come back."""
        if by is not None:
            self._by[call_id] = by

    def came_back(self, call: Call, dialled: str) -> BlindTransfer:
        """What the transfer of this caller, who is here again with the number that was dialled, means."""
        by = self._by.pop(call.id, call.agent_id)
        number, ordered = self._ordered.pop(call.id, ("", None))
        found = ordered if ordered is not None and number == dialled else self._looked_up(by, dialled)
        if found.agent_id is None and found.queue is None and not found.number:
            log.warning("caller put through to nobody", call_id=call.id, by=by, pii_dialled=dialled)
        self._last[call.id] = found
        return found

    def by_name(self, call_id: CallId) -> str:
        """Who put this caller through; empty when nobody did."""
        last = self._last.get(call_id)
        return last.by_name if last is not None else ""

    def forget(self, call_id: CallId) -> None:
        """The call is over."""
        self._last.pop(call_id, None)
        self._by.pop(call_id, None)
        self._ordered.pop(call_id, None)

    def queue_for(self, call: Call, transfer: BlindTransfer) -> QueueName:
        """In whose line the caller waits: the target's own, or the one that the call came from."""
        if transfer.queue is not None:
            return transfer.queue
        if call.queue is not None and call.queue in self._queues:
            return call.queue
        agent = self._roster.find(transfer.agent_id) if transfer.agent_id is not None else None
        served = sorted(agent.queues & self._queues.keys()) if agent is not None else []
        return served[0] if served else next(iter(self._queues))

    def skills_for(self, call: Call, queue: QueueName) -> Levels:
        """What the caller needs, as far as somebody in that queue has it: what one queue asks, another may not know."""
        if queue == call.queue:
            return call.skills
        return {skill: level for skill, level in call.skills.items() if _somebody(self._roster, queue, skill)}

    def _looked_up(self, by: AgentId | None, dialled: str) -> BlindTransfer:
        agent = self._roster.find(by) if by is not None else None
        name = agent.name if agent is not None else ""
        for queue in self._queues.values():
            if dialled and queue.number == dialled:
                return BlindTransfer(by, name, queue=queue.name)
        colleague = self._roster.by_extension(Extension(dialled))
        if colleague is not None:
            return BlindTransfer(by, name, agent_id=colleague.id)
        outside = self._outside.outside(dialled) if self._outside is not None else None
        return BlindTransfer(by, name, number=outside or "")


def _somebody(roster: Roster, queue: QueueName, skill: str) -> bool:
    return any(queue in agent.queues and skill in agent.skills for agent in roster)
