"""What customers who ask by themselves are told of a case of theirs: a complaint, or an order."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """How an order or a complaint stands. ``state`` is a code; dates are ISO text, empty when there is none."""

    number: str
    state: str
    date: str
    owner: str = ""
    due: str = ""
    amount: str = ""
