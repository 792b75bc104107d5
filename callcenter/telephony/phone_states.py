"""Asterisk's device states as states of agents' phones."""

from callcenter.asterisk.ami.messages import Event
from callcenter.calls.events import PhoneState, PhoneStateChanged
from callcenter.calls.ports import PhoneBook
from callcenter.ids import Extension

MOST_PHONES = 20_000
"""Phones that are remembered; Asterisk's own configuration is the real limit."""

_STATES = {
    "NOT_INUSE": PhoneState.IDLE,
    "INUSE": PhoneState.BUSY,
    "ONHOLD": PhoneState.BUSY,
    "BUSY": PhoneState.BUSY,
    "RINGING": PhoneState.RINGING,
    "RINGINUSE": PhoneState.RINGING,
}


def phone_state(device_state: str) -> PhoneState:
    """The phone's state; a device state that is not known can't be rung, so it counts as unreachable."""
    return _STATES.get(device_state, PhoneState.UNREACHABLE)


class PhoneStates:
    """The last state of each phone, so that only changes are told."""

    def __init__(self, phone_book: PhoneBook) -> None:
        self._book = phone_book
        self._known: dict[Extension, PhoneState] = {}

    def of(self, extension: Extension) -> PhoneState:
        """What is known now."""
        return self._known.get(extension, PhoneState.UNKNOWN)

    def apply(self, event: Event, now: float) -> list[PhoneStateChanged]:
        """One DeviceStateChange, alone or of a list; devices that are no phone of ours tell nothing."""
        extension = self._book.extension_of(event.get("Device"))
        if extension is None or not event.get("State"):
            return []
        return self.set(extension, phone_state(event.get("State")), now)

    def set(self, extension: Extension, state: PhoneState, now: float) -> list[PhoneStateChanged]:
        """Take note, and tell if it is new."""
        if self._known.get(extension) is state:
            return []
        if extension not in self._known and len(self._known) >= MOST_PHONES:
            return []
        self._known[extension] = state
        return [PhoneStateChanged(extension, state, now)]

    def forget(self) -> None:
        """Nothing is known any more."""
        self._known.clear()
