"""Outbound attempts: each is on record from the moment it is dialled."""

import dataclasses
import datetime as dt

from callcenter.calls.call import Call
from callcenter.follow_ups.follow_up import Attempt, AttemptResult
from callcenter.history.ports import Recorder
from callcenter.ids import AgentId, CallId


def attempt_of(call: Call, agent_id: AgentId, dialled_at: dt.datetime, result: AttemptResult) -> Attempt:
    """The attempt that an outbound call is."""
    return Attempt(
        call_id=call.id,
        agent_id=agent_id,
        customer_id=call.customer_id,
        follow_up_id=call.follow_up_id,
        number=call.number.key or call.number.raw,
        dialled_at=dialled_at,
        result=result,
    )


class Attempts:
    """Open attempts by call; ``ended`` says how each came out, once."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._open: dict[CallId, Attempt] = {}

    def began(self, call: Call, agent_id: AgentId, dialled_at: dt.datetime) -> None:
        """An agent dials a customer."""
        attempt = attempt_of(call, agent_id, dialled_at, AttemptResult.DIALLING)
        self._open[call.id] = attempt
        self._recorder.attempt(attempt)

    def ended(self, call: Call, result: AttemptResult) -> None:
        """The attempt came out so; the first word counts."""
        attempt = self._open.pop(call.id, None)
        if attempt is not None:
            self._recorder.attempt(dataclasses.replace(attempt, result=result))
