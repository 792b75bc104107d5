"""When what is said to who waits: a pure schedule."""

import pytest

from callcenter.reception.announcing import Position, Programme, position_prompts
from callcenter.reception.visit import WaitMessage, WaitPlan

pytestmark = pytest.mark.unit


def test_nothing_is_planned() -> None:
    """Then nothing is ever due."""
    programme = Programme(WaitPlan(), 100.0)
    assert programme.next_at() is None
    assert programme.take(10_000.0) is None


def test_the_position_comes_first_and_again() -> None:
    """At once, and its next time counts from when it was said."""
    programme = Programme(WaitPlan(announce_every=30.0), 100.0)
    assert programme.take(100.0) == Position()
    assert programme.take(129.9) is None
    assert programme.next_at() == 130.0
    assert programme.take(150.0) == Position()
    assert programme.next_at() == 180.0


def test_what_is_due_together_is_said_one_after_another() -> None:
    """The longest due first; what was due several times meanwhile is said once."""
    once, often = WaitMessage("once", 5.0, None), WaitMessage("often", 10.0, 10.0)
    programme = Programme(WaitPlan(messages=(often, once)), 0.0)
    assert programme.take(95.0) is once
    assert programme.take(95.0) is often
    assert programme.take(95.0) is None
    assert programme.next_at() == 105.0


POSITIONS = {
    "next": (WaitPlan(), 1, None, [("next_in_line", {})]),
    "third": (WaitPlan(), 3, None, [("position", {"position": 3})]),
    "short": (WaitPlan(), 2, 59.9, [("position", {"position": 2}), ("wait_short", {})]),
    "a minute": (WaitPlan(), None, 60.0, [("wait_minutes", {"minutes": 1})]),
    "more than a minute": (WaitPlan(), None, 60.1, [("wait_minutes", {"minutes": 2})]),
    "an hour": (WaitPlan(position=False), 9, 3600.0, [("wait_minutes", {"minutes": 60})]),
    "no wait": (WaitPlan(expected_wait=False), 9, 3600.0, [("position", {"position": 9})]),
    "nothing known": (WaitPlan(), None, None, []),
}


@pytest.mark.parametrize("name", POSITIONS)
def test_what_is_said_of_a_place(name: str) -> None:
    """What is known and wanted, in whole minutes that are not too few."""
    plan, position, expected, prompts = POSITIONS[name]
    assert position_prompts(plan, position, expected) == prompts


def test_a_plan_that_listens() -> None:
    """It does for keys of its own and for those of callbacks."""
    assert not WaitPlan(messages=(WaitMessage("x", 5.0, None),)).listens
    assert WaitPlan(messages=(WaitMessage("x", 5.0, None, "7"),)).listens
    assert WaitPlan(keys=frozenset("1")).listens
