"""Identities: each kind of thing has its own type, so that swapping two is a type error."""

import secrets
from typing import NewType

from callcenter.clock import Clock

CallId = NewType("CallId", str)
"""32 lower-case hex digits made by us; the only call id that leaves the server."""
OfferId = NewType("OfferId", str)
SegmentId = NewType("SegmentId", str)
AgentId = NewType("AgentId", int)
"""The ``users.id`` of the person who answers."""
UserId = NewType("UserId", int)
CustomerId = NewType("CustomerId", int)
ComplaintId = NewType("ComplaintId", int)
FollowUpId = NewType("FollowUpId", int)
QueueName = NewType("QueueName", str)
"""Lower-case letters, digits and dashes, as in ``config/callcenter.toml``."""
Extension = NewType("Extension", str)
"""What a phone is dialled by inside, such as ``1001``."""


def new_id(clock: Clock) -> str:
    """A fresh id: 48 bits of wall-clock milliseconds, then 80 random bits, as 32 hex digits.

    It sorts by time of birth, and nobody outside can guess one.
    """
    return f"{int(clock.wall().timestamp() * 1000) & 0xFFFF_FFFF_FFFF:012x}{secrets.token_hex(10)}"
