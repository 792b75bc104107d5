"""What ties a caller to people here: whose customer it is, who talked with them last, what we owe them.

Only for one known customer: with several candidates, or none, nobody can say whose ties they would be.
"""

import datetime as dt
from typing import NamedTuple

from callcenter.customers.customer import owes_late
from callcenter.customers.lookup import Match
from callcenter.ids import AgentId

DAY = 86_400.0


class Ties(NamedTuple):
    """``last_agent_id`` only if that was recent enough; ``owes_late``: something promised is overdue."""

    owner_id: AgentId | None = None
    last_agent_id: AgentId | None = None
    owes_late: bool = False


NO_TIES = Ties()


def ties(match: Match, now: dt.datetime, days: float) -> Ties:
    """A caller's at ``now`` (aware). The last agent counts for ``days`` from the beginning of that call; 0: never."""
    record = match.record
    if record is None:
        return NO_TIES
    at = record.last_contact_at
    recent = at is not None and days > 0 and (now - at).total_seconds() <= days * DAY
    return Ties(record.owner_id, record.last_agent_id if recent else None, owes_late(record, now))
