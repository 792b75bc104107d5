"""What is made of the calls that went through a line: waits beyond the ideal line's, and times between calls."""

from typing import Any

import pytest

from callcenter.bench.ideal_line import Served, gaps, served, waits

pytestmark = pytest.mark.unit

MS = 1_000_000


def call(number: str, extension: str, *times: int) -> Served:
    """Joined, rang, answered, freed: milliseconds."""
    return Served(number, extension, *(time * MS for time in times))


def event(t: int, name: str, number: str, extension: str = "") -> dict[str, Any]:
    """What a phone or a caller saw, at so many milliseconds."""
    return {"t": t * MS, "event": name, "number": number, "extension": extension}


def test_calls_are_found_by_their_numbers() -> None:
    """In the order of joining; the ring that was answered counts, not one that was refused before; a caller who was
    never answered by Asterisk, or whose agent never hung up, is none that was served."""
    callers = [
        event(20, "dial_answered", "2"),
        event(10, "dial_answered", "1"),
        event(30, "dial_answered", "3"),
    ]
    phones = [
        event(11, "invite", "1", "1001"),
        event(12, "busy", "1", "1001"),
        event(14, "invite", "1", "1002"),
        event(15, "answered", "1", "1002"),
        event(21, "invite", "2", "1001"),
        event(22, "answered", "2", "1001"),
        event(25, "hung_up", "2", "1001"),
        event(31, "invite", "3", "1001"),
        event(32, "answered", "3", "1001"),
        event(33, "invite", "9", "1003"),
        event(34, "answered", "9", "1003"),
        event(35, "hung_up", "9", "1003"),
        event(40, "bye", "1", "1002"),
        event(41, "hung_up", "1", "1001"),
    ]
    assert served(callers, phones) == [call("1", "1002", 10, 14, 15, 40), call("2", "1001", 20, 21, 22, 25)]


def test_waits_beyond_the_ideal_line() -> None:
    """One agent. The first waits 5 ms though the agent is free; the second, in the ideal line, would begin when the
    first talk could have ended (at 100), not when it did: the lost time of the first is charged to the second too."""
    calls = [call("1", "1001", 0, 4, 5, 105), call("2", "1001", 10, 115, 120, 130)]
    found = waits(calls, 1)
    assert [one.waited for one in found] == pytest.approx([5.0, 110.0])
    assert [one.ideal for one in found] == pytest.approx([0.0, 90.0])
    assert [one.extra for one in found] == pytest.approx([5.0, 20.0])


def test_two_agents_serve_two_callers_at_once() -> None:
    """The third waits for whoever is free first."""
    calls = [
        call("1", "1001", 0, 0, 0, 100),
        call("2", "1002", 0, 0, 0, 50),
        call("3", "1002", 10, 60, 60, 70),
    ]
    assert [one.ideal for one in waits(calls, 2)] == pytest.approx([0.0, 0.0, 40.0])
    assert waits(calls, 2)[2].extra == pytest.approx(10.0)


def test_other_instants_of_joining() -> None:
    """They order the calls anew; a call that has none is left out."""
    calls = [
        call("1", "1001", 0, 4, 5, 105),
        call("2", "1001", 10, 115, 120, 130),
        call("3", "1001", 20, 1, 1, 2),
    ]
    found = waits(calls, 1, {"1": 3 * MS, "2": 13 * MS})
    assert [one.waited for one in found] == pytest.approx([2.0, 107.0])
    assert waits(calls, 1, {}) == []


def test_time_between_calls_counts_only_while_somebody_waits() -> None:
    """At 100 nobody waits; at 200 one waits for the one free agent; at 250 one caller still waits but two agents are
    free, and who of them is rung is no matter of speed."""
    calls = [
        call("1", "1001", 0, 1, 2, 100),
        call("2", "1001", 140, 141, 142, 200),
        call("3", "1002", 140, 141, 142, 250),
        call("4", "1001", 190, 260, 261, 300),
    ]
    assert gaps(calls, 2) == pytest.approx([60.0])
    assert gaps([*calls, call("5", "1002", 195, 270, 271, 400)], 2) == pytest.approx([60.0, 20.0])
