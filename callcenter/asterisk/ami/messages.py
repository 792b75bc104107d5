"""What Asterisk says over AMI: asterisk-ami's ``Event`` and ``Response``, typed.

Only the vocabulary is taken from that package. Its constructors share one default dictionary among all
messages and its readers split on Unicode line breaks, so both have a constructor of their own here and are
only ever built by ``framing``.
"""

import re
from typing import Any

from asterisk.ami import Event as _Event
from asterisk.ami import Response as _Response

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""C0, DEL, C1 and Unicode's own line breaks: none belongs inside a header."""


class _Headers:
    """Reading access to a message's headers."""

    keys: dict[str, Any]

    def get(self, key: str, default: str = "") -> str:
        """The header's text. A header that is absent, or that holds variables, gives the default."""
        value = self.keys.get(key, default)
        return value if isinstance(value, str) else default

    def variables_of(self, header: str) -> dict[str, str]:
        """The variables under one header, such as ``OrigTransfererChanVariable``."""
        value = self.keys.get(header)
        return value if isinstance(value, dict) else {}

    @property
    def variables(self) -> dict[str, str]:
        """``ChanVariable``: what ``channelvars`` in manager.conf asks for, of the event's own channel."""
        return self.variables_of("ChanVariable") or self.variables_of(f"ChanVariable({self.get('Channel')})")

    @property
    def dest_variables(self) -> dict[str, str]:
        """``DestChanVariable``: the same of the channel that is dialled."""
        return self.variables_of("DestChanVariable")

    @property
    def action_id(self) -> str:
        """The id of the action that this answers, or nothing."""
        return self.get("ActionID")

    @property
    def system_name(self) -> str:
        """The Asterisk that says so; absent from responses and from the events of a list."""
        return self.get("SystemName")

    @property
    def event_list(self) -> str:
        """``start``, ``Complete`` or ``cancelled`` around a list of events."""
        return self.get("EventList")


class Event(_Headers, _Event):  # type: ignore[misc]  # asterisk-ami has no types
    """Something happened, or one item of a list that was asked for. It prints without callers' numbers."""

    name: str

    def __init__(self, name: str, keys: dict[str, Any]) -> None:
        self.name = name
        self.keys = keys

    def __repr__(self) -> str:
        return f"Event({self.name}, {len(self.keys)} headers)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and (self.name, self.keys) == (other.name, other.keys)

    __hash__ = None  # type: ignore[assignment]  # its headers are a dictionary


class Response(_Headers, _Response):  # type: ignore[misc]  # asterisk-ami has no types
    """The answer to one action. It prints without what was asked."""

    status: str
    follows: list[str]

    def __init__(self, status: str, keys: dict[str, Any]) -> None:
        self.status = status
        self.keys = keys
        self.follows = []

    @property
    def failed(self) -> bool:
        """Asterisk refused the action; ``Message`` says why."""
        return self.status.lower() == "error"

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.keys)} headers)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Response) and (self.status, self.keys) == (other.status, other.keys)

    __hash__ = None  # type: ignore[assignment]  # its headers are a dictionary


Message = Event | Response
