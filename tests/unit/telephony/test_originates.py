"""The outcome of a click-to-call, in any order (F31)."""

import pytest

from callcenter.asterisk.ami.messages import Event
from callcenter.calls.events import OutboundFailed
from callcenter.ids import CallId
from callcenter.telephony.originates import Originates

pytestmark = pytest.mark.unit

CALL = CallId("a" * 32)


def outcome(response: str, reason: str = "3", action_id: str = "x1") -> Event:
    """Asterisk's word for it."""
    return Event("OriginateResponse", {"Response": response, "Reason": reason, "ActionID": action_id})


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("3", "no_answer"),
        ("1", "rejected"),
        ("5", "busy"),
        ("8", "congestion"),
        ("0", "failed"),
        ("", "failed"),
    ],
)
def test_failure_after_the_order(reason: str, word: str) -> None:
    """A failure is told once, with its reason in our words."""
    originates = Originates()
    assert originates.ordered("x1", CALL, 1.0) is None
    assert originates.outcome(outcome("Failure", reason), 2.0) == OutboundFailed(CALL, word, 2.0)
    assert originates.outcome(outcome("Failure", reason), 3.0) is None


def test_failure_before_the_order_is_known() -> None:
    """Asterisk may be faster than its own answer."""
    originates = Originates()
    assert originates.outcome(outcome("Failure"), 1.0) is None
    assert originates.ordered("x1", CALL, 2.0) == OutboundFailed(CALL, "no_answer", 2.0)
    assert len(originates) == 0


def test_success_and_strangers() -> None:
    """Success is no failure; other people's orders are not ours, and are forgotten in the end."""
    originates = Originates()
    originates.ordered("x1", CALL, 1.0)
    assert originates.outcome(outcome("Success", "4"), 1.0) is None
    for number in range(3000):
        assert originates.outcome(outcome("Failure", action_id=f"s{number}"), 1.0) is None
        originates.ordered(f"o{number}", CALL, 1.0)
    assert len(originates) <= 1000
    assert len(originates._early) <= 1000
    originates.forget()
    assert len(originates) == 0
