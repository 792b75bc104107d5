"""Outbound attempts: each is on record from the moment it is dialled."""

import datetime as dt

from callcenter.calls.call import Call
from callcenter.follow_ups.follow_up import Attempt, AttemptResult
from callcenter.history.ports import Recorder
from callcenter.ids import AgentId, CallId


class Attempts:
    """Open attempts by call; ``ended`` says how each came out, once."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._open: dict[CallId, Attempt] = {}

    def began(self, call: Call, agent_id: AgentId, dialled_at: dt.datetime) -> None:
        """An agent dials a customer."""
        attempt = Attempt(
            call.id,
            agent_id,
            call.customer_id,
            call.follow_up_id,
            call.number.key or call.number.raw,
            dialled_at,
            AttemptResult.DIALLING,
        )
        self._open[call.id] = attempt
        self._recorder.attempt(attempt)

    def ended(self, call: Call, result: AttemptResult) -> None:
        """The attempt came out so; the first word counts."""
        attempt = self._open.pop(call.id, None)
        if attempt is None:
            return
        self._recorder.attempt(
            Attempt(
                attempt.call_id,
                attempt.agent_id,
                attempt.customer_id,
                attempt.follow_up_id,
                attempt.number,
                attempt.dialled_at,
                result,
            )
        )
