"""Customers who say who they are: the number they type, the PIN with it, and what comes of the two."""

import re
from dataclasses import dataclass
from typing import Literal

from callcenter.errors import BadInput
from callcenter.ids import CustomerId

PIN = re.compile(r"[0-9]{4,12}")
NUMBER_LIMIT = 32
"""Digits of a typed number that are looked at."""
LARGEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class PinResult:
    """``known`` with the customer, ``wrong``, or ``locked``."""

    kind: Literal["known", "wrong", "locked"]
    customer_id: CustomerId | None = None


def checked_pin(pin: str) -> str:
    """The PIN, if it can be one; raises ``BadInput``, which does not repeat it."""
    if not PIN.fullmatch(pin):
        raise BadInput("A PIN has 4 to 12 digits.")
    return pin


def typed_number(text: str) -> str:
    """The digits of a customer number, without leading zeros: however it is typed, its wrong tries count together.
    Empty when there is no digit."""
    digits = "".join(one for one in text if one in "0123456789")[:NUMBER_LIMIT]
    return digits.lstrip("0") or digits[:1]


def customer_of(number: str) -> CustomerId | None:
    """The customer that a typed number means, who may not exist."""
    value = int(number) if number else 0
    return CustomerId(value) if 0 < value <= LARGEST_ID else None
