"""When pops came, from what Asterisk, the phones' and the screens' processes saw. Pure; the core is not asked.

All times are the machine's monotonic clock in nanoseconds.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from callcenter.demo.judge import Ring, rings

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Dialled:
    """Asterisk began to dial a phone for a caller."""

    number: str
    extension: str
    t: int


@dataclass(frozen=True)
class DirectPops:
    """``delays``: milliseconds from Asterisk's DialBegin to the pop at the screen; ``missing``: never came."""

    delays: Sequence[float]
    missing: int


@dataclass(frozen=True)
class OfferPops:
    """``leads``: milliseconds from the pop at the screen's process to the INVITE at the phone's; below 0 is late."""

    leads: Sequence[float]
    missing: int

    @property
    def offers(self) -> int:
        """How many times a phone rang."""
        return len(self.leads) + self.missing

    @property
    def first(self) -> float:
        """The share (0 to 1) of rings before which the pop was there."""
        return sum(lead > 0 for lead in self.leads) / self.offers if self.offers else 0.0


def between(events: Iterable[Event], start: int, end: int) -> list[Event]:
    """Those of one run."""
    return [event for event in events if start <= event["t"] <= end]


def direct_pops(dialled: Iterable[Dialled], screens: Iterable[Event]) -> DirectPops:
    """Each dialling with the first pop for this caller on that phone's screen."""
    waiting: dict[tuple[str, str], deque[int]] = defaultdict(deque)
    for event in screens:
        if event["event"] == "pop" and event.get("pop"):
            waiting[event["pop"]["number"], event["extension"]].append(event["t"])
    delays, missing = [], 0
    for one in dialled:
        times = waiting[one.number, one.extension]
        if times:
            delays.append((times.popleft() - one.t) / 1e6)
        else:
            missing += 1
    return DirectPops(delays, missing)


def offer_pops(phones: Iterable[Event], screens: Iterable[Event]) -> OfferPops:
    """Each ring of a call of ours with its pop."""
    found: list[Ring] = [ring for its in rings(phones, screens).values() for ring in its]
    leads = [ring.lead * 1000 for ring in found if ring.lead is not None]
    return OfferPops(leads, len(found) - len(leads))
