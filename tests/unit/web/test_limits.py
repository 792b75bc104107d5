"""How often something may be tried."""

import pytest

from callcenter.clock import ManualClock
from callcenter.web.limits import KEYS_KEPT, Rate, Window

pytestmark = pytest.mark.unit


def test_a_key_waits_until_its_oldest_try_has_left_the_window() -> None:
    """After the allowed tries the wait is the rest of the window, and other keys don't wait."""
    clock = ManualClock()
    window = Window(clock, tries=3, seconds=60)
    for _ in range(3):
        assert window.wait("a") == 0
        window.note("a")
        clock.move(10)
    assert window.wait("a") == pytest.approx(30)
    assert window.wait("b") == 0
    clock.move(30)
    assert window.wait("a") == 0


def test_success_forgives() -> None:
    """A name that proved itself starts afresh."""
    window = Window(ManualClock(), tries=2, seconds=60)
    window.note("a")
    window.note("a")
    assert window.wait("a") > 0
    window.forgive("a")
    assert window.wait("a") == 0


def test_memory_is_bounded() -> None:
    """Somebody who tries many names makes us forget the oldest, not grow."""
    window = Window(ManualClock(), tries=1, seconds=60)
    for number in range(KEYS_KEPT + 1):
        window.note(str(number))
    assert window.wait("0") == 0
    assert window.wait(str(KEYS_KEPT)) > 0


def test_a_socket_may_send_so_many_messages_in_so_many_seconds() -> None:
    """The message too many is refused, and later ones are allowed again."""
    clock = ManualClock()
    rate = Rate(clock, 2, 10)
    assert [rate.allows(), rate.allows(), rate.allows()] == [True, True, False]
    clock.move(10)
    assert rate.allows()
