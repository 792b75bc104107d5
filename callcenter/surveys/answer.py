"""One answer to one question of a survey."""

import datetime as dt
from dataclasses import dataclass

from callcenter.ids import AgentId, CallId, CustomerId


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """``score`` is the key pressed; None for a comment, whose recording is ``recording``. (call, survey, question) is
    its identity."""

    call_id: CallId
    survey: str
    question: str
    agent_id: AgentId | None
    customer_id: CustomerId | None
    score: int | None
    recording: str | None
    at: dt.datetime
