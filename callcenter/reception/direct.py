"""Calls that reach an agent's phone past our line: dialled directly, transferred, or put through by another queue.

They pop as early as can be: from the moment that Asterisk says it dials the phone.
"""

from callcenter.agents.states import Agent
from callcenter.calls.call import Call, Direction, Stage
from callcenter.calls.events import DirectCallRinging, PartyTransferred
from callcenter.calls.number import normalise
from callcenter.reception.arrival import shown_name
from callcenter.reception.parts import Parts
from callcenter.screen_pop.pop import Why
from callcenter.tasks import Tasks

LOOKUP_PATIENCE = 1.0
"""Seconds; what is found later reaches the screen with the call's next change."""


class Direct:
    """Handler on the bus."""

    def __init__(self, parts: Parts, tasks: Tasks) -> None:
        self._p = parts
        self._tasks = tasks

    def ringing(self, event: DirectCallRinging) -> None:
        """A phone rings: if somebody of ours holds it, it is a call on record, and pops."""
        agent = self._p.roster.by_extension(event.extension)
        if agent is None:
            return
        call = Call(
            id=event.call_id,
            direction=Direction.DIRECT,
            number=normalise(event.number, self._p.region),
            caller_name=shown_name(event.name),
            did=event.extension,
            arrived=event.at,
            arrived_at=self._p.clock.wall(),
            channel_id=event.channel_id,
        )
        self._p.calls.add(call)
        self._p.calls.enter(call, Stage.RINGING, agent_id=agent.id)
        self._tasks.run(self._pop(agent, call), f"pop {call.id}")

    def transferred(self, event: PartyTransferred) -> None:
        """A colleague has joined the agent, whom they had called, with a caller of the line: now the caller pops."""
        call, agent = self._p.calls.get(event.call_id), self._p.roster.by_extension(event.to)
        if call is None or agent is None or call.agent_id != agent.id:
            return
        by = self._p.roster.by_extension(event.by)
        shown = self._p.presenter.show(
            agent.id,
            call,
            self._p.identification.of(call.id),
            why=Why.TARGET,
            put_through_by=by.name if by is not None else "",
        )
        self._tasks.run(shown, f"pop {call.id}")

    async def _pop(self, agent: Agent, call: Call) -> None:
        match = await self._p.identification.wait(call, LOOKUP_PATIENCE)
        if call.stage is not Stage.ENDED:
            await self._p.presenter.show(agent.id, call, match, why=Why.DIRECT)
