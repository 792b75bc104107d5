"""Calls and agents with skills, exactly: against what is known otherwise."""

from collections.abc import Sequence

import pytest

from callcenter.errors import BadInput
from callcenter.rehearsal.theory.erlang_c import ErlangC
from callcenter.rehearsal.theory.matching import matched_waits

pytestmark = pytest.mark.unit

ONE, OTHER = frozenset({0}), frozenset({1})
BOTH = ONE | OTHER


def test_everybody_serves_everything() -> None:
    """One line: Erlang C, for each kind of call."""
    expected = ErlangC(4, 0.017, 180).mean_wait
    assert matched_waits([BOTH] * 4, [0.01, 0.007], 180) == pytest.approx((expected, expected))


def test_nobody_serves_both() -> None:
    """Two lines of their own."""
    expected = (ErlangC(2, 0.008, 180).mean_wait, ErlangC(3, 0.006, 180).mean_wait)
    assert matched_waits([ONE] * 2 + [OTHER] * 3, [0.008, 0.006], 180) == pytest.approx(expected)


def test_one_agent_of_two_serves_both() -> None:
    """The smallest N, few calls: the chain of states, iterated step by step, gives the same waits."""
    waits = matched_waits([ONE, BOTH], [0.001, 0.0006], 180)
    assert waits == pytest.approx(by_iteration(0.001, 0.0006, 1 / 180), rel=2e-3)


def by_iteration(first: float, second: float, ends: float, most: int = 7) -> tuple[float, float]:
    """Mean waits: agent 0 serves kind 0, agent 1 both. A state is whether each is busy, who has been idle longer, and
    the kinds in line in the order of arrival (at most so many, hardly ever reached)."""
    whole = first + second + 2 * ends
    start: State = (False, False, 0, ())
    now = {start: 1.0}
    totals = [0.0, 0.0]
    weight = 0.0
    for step in range(150):
        after: dict[State, float] = {}
        for state, probability in now.items():
            for rate, reached in moves(state, first, second, ends, most):
                after[reached] = after.get(reached, 0.0) + probability * rate / whole
        now = {state: probability for state, probability in after.items() if probability > 1e-12}
        if step >= 120:
            weight += sum(now.values())
            for state, probability in now.items():
                for kind in (0, 1):
                    totals[kind] += probability * state[3].count(kind)
    return totals[0] / weight / first, totals[1] / weight / second


State = tuple[bool, bool, int, tuple[int, ...]]


def moves(state: State, first: float, second: float, ends: float, most: int) -> Sequence[tuple[float, State]]:
    """Rates and where they lead; rates add up to the same everywhere (what can't happen leads nowhere)."""
    busy0, busy1, longest, line = state
    found: list[tuple[float, State]] = []
    # a call of the first kind: whoever is idle, the longest first
    if not busy0 and (busy1 or longest == 0):
        found.append((first, (True, busy1, 1, line)))
    elif not busy1:
        found.append((first, (busy0, True, 0, line)))
    else:
        found.append((first, (True, True, 0, (*line, 0)[:most])))
    # of the second kind: only agent 1
    if not busy1:
        found.append((second, (busy0, True, 0, line)))
    else:
        found.append((second, (busy0, True, longest, (*line, 1)[:most])))
    # agent 0 ends a talk and takes the first of the first kind
    if busy0 and 0 in line:
        place = line.index(0)
        found.append((ends, (True, busy1, longest, line[:place] + line[place + 1 :])))
    else:
        found.append((ends, (False, busy1, longest if not busy0 else 1 if not busy1 else 0, line)))
    # agent 1 ends a talk and takes the first of all
    if busy1 and line:
        found.append((ends, (busy0, True, longest, line[1:])))
    else:
        found.append((ends, (busy0, False, longest if not busy1 else 0 if not busy0 else 1, line)))
    return found


def test_what_has_no_steady_state() -> None:
    """Too many calls for those who serve them, nobody who does, an agent without calls, too many agents."""
    with pytest.raises(BadInput, match="too much"):
        matched_waits([ONE, BOTH], [0.001, 0.006], 180)
    with pytest.raises(BadInput, match="nobody"):
        matched_waits([ONE], [0.001, 0.001], 180)
    with pytest.raises(BadInput, match="no calls"):
        matched_waits([ONE, OTHER], [0.001, 0.0], 180)
    with pytest.raises(BadInput, match="agents"):
        matched_waits([ONE] * 8, [0.001], 180)
