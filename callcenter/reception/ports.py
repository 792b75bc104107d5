"""What reception needs of others beside the stages that it joins."""

from typing import Protocol

from callcenter.calls.ports import LiveChannel


class LiveChannels(Protocol):
    """The channels of the last snapshot and since."""

    def live_channels(self) -> list[LiveChannel]:
        """All that live now."""


class OutsideNumbers(Protocol):
    """Where callers may be put through to outside (``ivr.dialling.AllowedDialling``)."""

    def outside(self, text: str) -> str | None:
        """The number (E.164), if the settings allow it."""
