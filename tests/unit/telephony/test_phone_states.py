"""Device states become phone states, told once."""

import pytest

from callcenter.asterisk.ami.messages import Event
from callcenter.calls.events import PhoneState, PhoneStateChanged
from callcenter.calls.ports import PhoneBook
from callcenter.ids import Extension
from callcenter.telephony.phone_states import PhoneStates, phone_state

pytestmark = pytest.mark.unit

BOOK = PhoneBook("PJSIP/{extension}", "PJSIP/{extension}", "", "")
ANNA = Extension("1001")


def change(device: str, state: str) -> Event:
    """Asterisk's word for it."""
    return Event("DeviceStateChange", {"Device": device, "State": state})


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("NOT_INUSE", PhoneState.IDLE),
        ("INUSE", PhoneState.BUSY),
        ("ONHOLD", PhoneState.BUSY),
        ("BUSY", PhoneState.BUSY),
        ("RINGING", PhoneState.RINGING),
        ("RINGINUSE", PhoneState.RINGING),
        ("UNAVAILABLE", PhoneState.UNREACHABLE),
        ("INVALID", PhoneState.UNREACHABLE),
        ("UNKNOWN", PhoneState.UNREACHABLE),
        ("inuse", PhoneState.UNREACHABLE),
    ],
)
def test_each_state(said: str, meant: PhoneState) -> None:
    """Each of Asterisk's states has its meaning; what is not known can't be rung."""
    assert phone_state(said) is meant


def test_only_changes_are_told() -> None:
    """The same again is silent; two states that mean the same are one; after forgetting all is news."""
    phones = PhoneStates(BOOK)
    assert phones.of(ANNA) is PhoneState.UNKNOWN
    told = PhoneStateChanged(ANNA, PhoneState.BUSY, 5.0)
    assert phones.apply(change("PJSIP/1001", "INUSE"), 5.0) == [told]
    assert phones.apply(change("PJSIP/1001", "ONHOLD"), 6.0) == []
    phones.forget()
    assert phones.apply(change("PJSIP/1001", "INUSE"), 5.0) == [told]


@pytest.mark.parametrize(
    "device", ["", "Queue:sales_avail", "Local/1001@x", "PJSIP/", "PJSIP/1001;", "SIP/1001"]
)
def test_other_devices(device: str) -> None:
    """Devices that are no phone of ours, and events without a state, tell nothing."""
    phones = PhoneStates(BOOK)
    assert phones.apply(change(device, "INUSE"), 0.0) == []
    assert phones.apply(change("PJSIP/1001", ""), 0.0) == []
