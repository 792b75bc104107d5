"""What a customer number with a PIN came to."""

from dataclasses import dataclass
from typing import Literal

from callcenter.ids import CustomerId


@dataclass(frozen=True, slots=True)
class PinResult:
    """``known`` with the customer, ``wrong``, or ``locked``."""

    kind: Literal["known", "wrong", "locked"]
    customer_id: CustomerId | None = None
