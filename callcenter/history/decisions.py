"""The latest decisions of the routing, as a list."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from callcenter.ids import CallId


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """One offer that was decided. ``caller``: the customer's name, else the number; ``decision``: the record that
    ``routing.decision`` explains; ``result``: as in ``OfferRow``."""

    call_id: CallId
    at: dt.datetime
    caller: str
    agent: str
    result: str
    decision: str


class Decisions(Protocol):
    """The kept decisions."""

    async def latest(self, limit: int) -> Sequence[DecisionLine]:
        """The latest ones, newest first."""
