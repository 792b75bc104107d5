"""Presses a key on a desk phone that can be told to by a web address (its "action URI").

The address is a template from the settings, with ``{extension}`` and ``{action}`` (``answer``, ``hangup``); what is
filled in is checked, so that no agent's text becomes part of an address.
"""

import re

import aiohttp

from callcenter.errors import ActionFailed, BadInput
from callcenter.ids import Extension

ACTIONS = frozenset({"answer", "hangup"})
LIMIT = 3.0
"""Seconds: a phone on the local network answers in milliseconds."""
_EXTENSION = re.compile(r"[0-9A-Za-z]{1,32}")


class HttpPhoneControl:
    """One client session for all phones; ``close`` it at the end."""

    def __init__(self, template: str, method: str = "GET") -> None:
        self._template = template
        self._method = method
        self._session: aiohttp.ClientSession | None = None

    @property
    def available(self) -> bool:
        """Whether the settings name a way."""
        return bool(self._template)

    async def press(self, extension: Extension, action: str) -> None:
        """Raises ``ActionFailed`` when the phone does not do it."""
        if action not in ACTIONS or not _EXTENSION.fullmatch(extension):
            raise BadInput("There is no such key.")
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LIMIT))
        url = self._template.format(extension=extension, action=action)
        try:
            async with self._session.request(self._method, url, allow_redirects=False) as answer:
                if answer.status >= 300:
                    raise ActionFailed(
                        f"The phone {extension} refused to {action}: answer on the phone itself."
                    )
        except (TimeoutError, aiohttp.ClientError) as error:
            text = f"The phone {extension} can't be told to {action} now: use the phone itself."
            raise ActionFailed(text) from error

    async def close(self) -> None:
        """Close the client."""
        if self._session is not None:
            await self._session.close()
