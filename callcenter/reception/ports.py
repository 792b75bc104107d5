"""What recovery needs of telephony beside orders."""

from typing import Protocol

from callcenter.calls.ports import LiveChannel


class LiveChannels(Protocol):
    """The channels of the last snapshot and since."""

    def live_channels(self) -> list[LiveChannel]:
        """All that live now."""
