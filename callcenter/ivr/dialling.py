"""Where a flow may put callers through to. What callers type may end here, so nothing is allowed that isn't named."""

import re
from collections.abc import Collection, Sequence
from typing import Protocol

from callcenter.calls.number import NumberKind, normalise
from callcenter.ids import Extension

_EXTENSION = re.compile(r"[0-9A-Za-z]{1,32}")


class Agents(Protocol):
    """Who is logged in (``agents.roster.Roster``)."""

    def by_extension(self, extension: Extension) -> object | None:
        """The agent at this phone."""


class AllowedDialling:
    """Implements ``ports.Dialling``: phones of agents who are logged in, the ``extensions`` of the settings, and
    outside numbers that begin as the settings say (``prefixes``, with their country code)."""

    def __init__(
        self, agents: Agents, extensions: Collection[str], prefixes: Sequence[str], region: str
    ) -> None:
        self._agents = agents
        self._extensions = frozenset(extensions)
        self._prefixes = tuple(prefixes)
        self._region = region

    def extension(self, text: str) -> str | None:
        """The extension, if it may be reached."""
        if not _EXTENSION.fullmatch(text):
            return None
        known = text in self._extensions or self._agents.by_extension(Extension(text)) is not None
        return text if known else None

    def outside(self, text: str) -> str | None:
        """The number (E.164), if it may be reached."""
        number = normalise(text, self._region)
        allowed = number.kind is NumberKind.E164 and number.key.startswith(self._prefixes)
        return number.key if allowed and self._prefixes else None
