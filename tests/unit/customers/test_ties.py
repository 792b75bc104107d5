"""Whose customer a caller is, who talked last with them, and what is owed: at which moment each counts."""

import datetime as dt
from typing import Any

import pytest

from callcenter.customers.customer import PromiseLine, Tier, owes_late
from callcenter.customers.lookup import Match, MatchKind
from callcenter.customers.ties import NO_TIES, Ties, ties
from callcenter.ids import AgentId
from tests.fakes.fake_directory import customer

pytestmark = pytest.mark.unit

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
DAY = dt.timedelta(days=1)
OWNER, LAST = AgentId(3), AgentId(4)


def known(**facts: Any) -> Match:
    """One customer with these facts."""
    return Match(MatchKind.KNOWN, customer(1, "Li", **facts))


def test_all_of_them() -> None:
    """Owner, last agent, something late; in the order that reception unpacks."""
    late = (PromiseLine("call back", NOW + DAY, "Wu"), PromiseLine("send", NOW - DAY, "Wu"))
    match = known(owner_id=OWNER, last_agent_id=LAST, last_contact_at=NOW - DAY, promises=late)
    assert ties(match, NOW, 7) == (OWNER, LAST, True)
    assert ties(known(), NOW, 7) == NO_TIES == Ties(None, None, False)


@pytest.mark.parametrize(
    ("ago", "days", "counts"),
    [
        (7 * DAY, 7.0, True),
        (7 * DAY + SECOND, 7.0, False),
        (dt.timedelta(hours=11), 0.5, True),
        (dt.timedelta(hours=13), 0.5, False),
        (dt.timedelta(0), 7.0, True),
        (-SECOND, 7.0, True),  # the clock was set back: that call was just now
        (-SECOND, 0.0, False),
        (dt.timedelta(0), 0.0, False),
        (900 * DAY, 1e300, True),
    ],
)
def test_the_last_agent_counts_for_so_long(ago: dt.timedelta, days: float, counts: bool) -> None:
    """To the second; never for no days, whatever the clock does; and any number of days can be set."""
    match = known(owner_id=OWNER, last_agent_id=LAST, last_contact_at=NOW - ago)
    assert ties(match, NOW, days) == (OWNER, LAST if counts else None, False)


@pytest.mark.parametrize(
    ("due", "late"), [((), False), ((SECOND,), False), ((0 * SECOND,), False), ((DAY, -SECOND), True)]
)
def test_late(due: tuple[dt.timedelta, ...], late: bool) -> None:
    """A promise is late once its time has passed, wherever on the record it stands; none is not."""
    promises = tuple(PromiseLine("call back", NOW + one, "Wu") for one in due)
    match = known(promises=promises)
    assert match.record is not None
    assert owes_late(match.record, NOW) is late
    assert ties(match, NOW, 7).owes_late is late


@pytest.mark.parametrize("kind", [one for one in MatchKind if one is not MatchKind.KNOWN])
def test_nobodys(kind: MatchKind) -> None:
    """Several candidates, nobody, or no answer from the database: no ties."""
    candidates = (customer(1, "Li", Tier.VIP).card(), customer(2, "Wu").card()) if kind == "several" else ()
    assert ties(Match(kind, None, candidates), NOW, 7) is NO_TIES
