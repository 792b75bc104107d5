"""Our waits against those of the ideal line: the same arrivals, the same talks, and no time lost in between. Pure.

The ideal line (one tier, first come first served, equal agents) serves the n-th caller in the instant in which the
first of its agents is free (``rehearsal.theory.recursion``). What a caller waits longer than that is ours: seeing that
an agent is free, choosing, the pop, the ring, and that of all callers before who kept an agent busy longer.

All times are the machine's monotonic clock in nanoseconds, unless said otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from callcenter.rehearsal.theory.recursion import kiefer_wolfowitz

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Served:
    """One call: in line, a phone rang, the agent answered, the agent hung up and was free again."""

    number: str
    extension: str
    joined: int
    rang: int
    answered: int
    freed: int


def served(callers: Iterable[Event], phones: Iterable[Event]) -> list[Served]:
    """The calls that an agent talked to, in the order of joining the line: for these systems, the instant in which the
    caller was answered by Asterisk. The first ring that was answered counts."""
    joined: dict[str, int] = {}
    for event in callers:
        if event["event"] == "dial_answered":
            joined.setdefault(event["number"], event["t"])
    rang: dict[tuple[str, str], int] = {}
    answered: dict[str, tuple[str, int, int]] = {}
    found: dict[str, Served] = {}
    for event in phones:
        number, extension = event.get("number", ""), event.get("extension", "")
        if event["event"] == "invite":
            rang[number, extension] = event["t"]
        elif event["event"] == "answered":
            answered.setdefault(number, (extension, rang[number, extension], event["t"]))
        elif event["event"] in {"hung_up", "bye"} and number in answered and number not in found:
            who, rung, at = answered[number]
            if who == extension and number in joined:
                found[number] = Served(number, extension, joined[number], rung, at, event["t"])
    return sorted(found.values(), key=lambda call: call.joined)


@dataclass(frozen=True, slots=True)
class Wait:
    """Of one caller, in milliseconds; ``extra`` may be below 0 for one who was served out of turn."""

    waited: float
    ideal: float

    @property
    def extra(self) -> float:
        """How much longer than in the ideal line."""
        return self.waited - self.ideal


def waits(calls: Sequence[Served], agents: int, joined: Mapping[str, int] | None = None) -> list[Wait]:
    """Each caller's wait from joining to the agent's answer, and the ideal one. ``joined``: other instants of joining
    the line, by number, for those who are in it; others are left out."""
    began = {call.number: call.joined for call in calls} if joined is None else joined
    ordered = sorted((call for call in calls if call.number in began), key=lambda call: began[call.number])
    if not ordered:
        return []
    first = began[ordered[0].number]
    arrivals = [(began[call.number] - first) / 1e9 for call in ordered]
    talks = [(call.freed - call.answered) / 1e9 for call in ordered]
    ideal = kiefer_wolfowitz(arrivals, talks, agents)
    return [
        Wait((call.answered - began[call.number]) / 1e6, alone * 1000)
        for call, alone in zip(ordered, ideal, strict=True)
    ]


def gaps(calls: Sequence[Served], agents: int) -> list[float]:
    """Milliseconds from an agent's hanging up to the next ring of that phone, each time that at least as many callers
    waited as agents were free: then every free agent, and so this one, had a caller to serve."""
    rings: dict[str, list[int]] = {}
    for call in calls:
        rings.setdefault(call.extension, []).append(call.rang)
    found = []
    for call in calls:
        instant = call.freed
        waiting = sum(other.joined <= instant < other.rang for other in calls)
        busy = sum(other.rang <= instant < other.freed for other in calls)
        next_ring = min((ring for ring in rings[call.extension] if ring >= instant), default=None)
        if next_ring is not None and waiting >= agents - busy:
            found.append((next_ring - instant) / 1e6)
    return found
