"""What agents say of their calls, put on record when the wrap-up ends, however it ends."""

import datetime as dt
from dataclasses import dataclass

from callcenter.agents.events import WrapUpEnded, WrapUpStarted
from callcenter.clock import Clock
from callcenter.errors import BadInput
from callcenter.history.ports import Recorder, WrapUpRow
from callcenter.ids import AgentId, CallId
from callcenter.wrap_up.dispositions import DEFAULTS, NONE_GIVEN

NOTE_LIMIT = 4000
"""Characters."""


@dataclass(frozen=True, slots=True)
class Said:
    """A disposition and a note, not yet on record."""

    call_id: CallId
    disposition: str
    note: str


class WrapUps:
    """Holds what was said until the wrap-up ends."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock
        self._said: dict[AgentId, Said] = {}
        self._started: dict[AgentId, float] = {}

    def say(self, agent_id: AgentId, call_id: CallId, disposition: str, note: str) -> None:
        """Keep the agent's word; raises ``BadInput`` for an unknown code or an endless note."""
        if disposition not in {known.code for known in DEFAULTS}:
            raise BadInput("Choose how the call came out from the list.", code="unknown_disposition")
        if len(note) > NOTE_LIMIT:
            raise BadInput(f"The note is longer than {NOTE_LIMIT} characters.")
        self._said[agent_id] = Said(call_id, disposition, note)

    def started(self, event: WrapUpStarted) -> None:
        """Remember when."""
        self._started[event.agent_id] = event.at

    def ended(self, event: WrapUpEnded) -> None:
        """Put it on record."""
        said = self._said.pop(event.agent_id, None)
        if said is None or said.call_id != event.call_id:
            said = Said(event.call_id, NONE_GIVEN, "")
        wall = self._clock.wall()
        began = self._started.pop(event.agent_id, event.at)
        self._recorder.wrap_up(
            WrapUpRow(
                call_id=event.call_id,
                agent_id=event.agent_id,
                disposition=said.disposition,
                note=said.note,
                started_at=wall - dt.timedelta(seconds=event.at - began),
                ended_at=wall,
                timed_out=event.timed_out,
            )
        )
