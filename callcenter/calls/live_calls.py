"""The calls that live now. Every change goes through here, so that each is announced."""

from collections.abc import Iterator

from callcenter.bus import Bus
from callcenter.calls.call import Call, EndReason, Stage
from callcenter.calls.events import CallChanged, CallEnded
from callcenter.clock import Clock
from callcenter.ids import AgentId, CallId, QueueName, SegmentId, new_id


class LiveCalls:
    """By id, and by the agent who has the call."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._calls: dict[CallId, Call] = {}

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls.values()))

    def __len__(self) -> int:
        return len(self._calls)

    def get(self, call_id: CallId) -> Call | None:
        """The living call with this id."""
        return self._calls.get(call_id)

    def of_agent(self, agent_id: AgentId) -> Call | None:
        """The call that this agent is offered or has."""
        return next((call for call in self._calls.values() if call.agent_id == agent_id), None)

    def add(self, call: Call) -> None:
        """A call arrived."""
        self._calls[call.id] = call
        self.enter(call, Stage.ARRIVED)

    def add_living(self, call: Call) -> None:
        """A call that was going on before the core was: it keeps its segments."""
        self._calls[call.id] = call

    def enter(
        self, call: Call, stage: Stage, *, queue: QueueName | None = None, agent_id: AgentId | None = None
    ) -> None:
        """Move a call to its next stage and tell everybody; a call that has ended stays so."""
        if call.stage is Stage.ENDED:
            return
        old, now = call.stage, self._clock.now()
        call.enter(stage, now, SegmentId(new_id(self._clock)), queue=queue, agent_id=agent_id)
        self._bus.publish(CallChanged(call, old, now))

    def touch(self, call: Call) -> None:
        """Something that is known about the call changed, not its stage."""
        self._bus.publish(CallChanged(call, call.stage, self._clock.now()))

    def end(self, call: Call, reason: EndReason) -> None:
        """The call is over; saying so twice is harmless."""
        now = self._clock.now()
        if call.end(reason, now):
            self._calls.pop(call.id, None)
            self._bus.publish(CallEnded(call, now))
