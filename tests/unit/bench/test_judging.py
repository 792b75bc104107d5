"""What is made of what Asterisk, phones and screens saw."""

from typing import Any

import pytest

from callcenter.bench.judging import Dialled, between, direct_pops, offer_pops

pytestmark = pytest.mark.unit

MS = 1_000_000


def pop(t: int, extension: str, number: str, call: str = "c1") -> dict[str, Any]:
    """A screen got a pop."""
    facts = {"call_id": call, "number": number, "match": "known", "caller_name": ""}
    return {"t": t, "event": "pop", "extension": extension, "pop": facts}


def invite(t: int, extension: str, call: str | None) -> dict[str, Any]:
    """A phone got an INVITE."""
    return {
        "t": t,
        "event": "invite",
        "extension": extension,
        "call": call,
        "from_number": "+861",
        "sip_call_id": f"{call}@{t}",
    }


def test_direct_pops_belong_to_their_own_dialling() -> None:
    """By caller and phone: neither another caller's pop on this screen nor this caller's on another counts; a pop
    that is taken away (an empty one) is no pop."""
    screens = [
        {"t": 1 * MS, "event": "pop", "extension": "1001", "pop": None},
        {"t": 1 * MS, "event": "state", "extension": "1001"},
        pop(14 * MS, "1001", "+862"),
        pop(15 * MS, "1001", "+861"),
        pop(16 * MS, "1002", "+863"),
    ]
    dialled = [
        Dialled("+861", "1001", 10 * MS),
        Dialled("+862", "1001", 11 * MS),
        Dialled("+863", "1001", 12 * MS),
    ]
    found = direct_pops(dialled, screens)
    assert list(found.delays) == [5.0, 3.0]
    assert found.missing == 1


def test_the_same_caller_twice() -> None:
    """Each dialling has its own pop, in order."""
    screens = [pop(12 * MS, "1001", "+861"), pop(25 * MS, "1001", "+861", "c2")]
    dialled = [Dialled("+861", "1001", 10 * MS), Dialled("+861", "1001", 20 * MS)]
    assert list(direct_pops(dialled, screens).delays) == [2.0, 5.0]


def test_offers_first_late_and_without_a_pop() -> None:
    """The lead is from the pop to the INVITE; a ring without a pop is not first; direct calls are no offers."""
    phones = [
        invite(14 * MS, "1001", "c1"),
        invite(30 * MS, "1002", "c2"),
        invite(40 * MS, "1003", "c3"),
        invite(50 * MS, "1004", None),
    ]
    screens = [pop(10 * MS, "1001", "+861", "c1"), pop(31 * MS, "1002", "+861", "c2")]
    found = offer_pops(phones, screens)
    assert sorted(found.leads) == [-1.0, 4.0]
    assert (found.missing, found.offers) == (1, 3)
    assert found.first == pytest.approx(1 / 3)


def test_no_offers_are_not_all_in_time() -> None:
    """A core that offers nothing has kept no promise."""
    assert offer_pops([], []).first == 0.0


def test_events_of_one_run() -> None:
    """Earlier and later ones are left out."""
    assert between([{"t": t} for t in (1, 2, 3, 4)], 2, 3) == [{"t": 2}, {"t": 3}]
