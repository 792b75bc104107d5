"""What really happened, from the processes of callers, phones and screens, set against what was expected. Pure.

A call is found in the phones' and screens' events by our call id, which the INVITE carries, and joined to its caller
by the number. Times are the machine's monotonic clock, taken in the process that saw the thing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from callcenter.demo.story import Expected
from callcenter.rig.callers import CallerResult, Outcome

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Ring:
    """One phone that rang for a call, and the pop on that agent's screen."""

    call_id: str
    extension: str
    invited: int
    popped: int | None
    pop: Mapping[str, Any] | None
    answered: bool

    @property
    def in_time(self) -> bool:
        """The screen had the pop before the phone had the INVITE."""
        return self.popped is not None and self.popped < self.invited

    @property
    def lead(self) -> float | None:
        """Seconds from the pop on the screen to the INVITE at the phone; negative is late."""
        return None if self.popped is None else (self.invited - self.popped) / 1e9


@dataclass(frozen=True)
class Verdict:
    """What is said of one call. ``waited`` is seconds in line as the pop told the agent."""

    who: str
    number: str
    tier: str
    choice: str
    queue: str
    waited: float | None
    agent: str
    offers: int
    pop_before_ring: bool | None
    lead_ms: float | None
    right: bool
    outcome: str
    lost: bool

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Summary:
    """The whole run; ``wrong_screens`` are pops for a call on a screen whose phone it never rang."""

    calls: int
    answered: int
    gave_up: int
    lost: int
    late: int
    wrong: int
    wrong_screens: int
    not_on_record: int
    offers: int
    lead_ms_p50: float | None
    lead_ms_min: float | None
    waited_p50: float | None
    waited_max: float | None

    @property
    def good(self) -> bool:
        """Nothing lost, late or wrong."""
        return not (self.lost or self.late or self.wrong or self.wrong_screens or self.not_on_record)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "good": self.good}


def rings(phones: Iterable[Event], screens: Iterable[Event]) -> dict[str, list[Ring]]:
    """Every ring of a call of ours, by the caller's key (number, or name where it is withheld)."""
    pops: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in screens:
        if event["event"] == "pop" and event.get("pop"):
            pops[event["pop"]["call_id"], event["extension"]].append(event)
    invites, answers = [], set()
    for event in phones:
        if event["event"] == "invite" and event.get("call"):
            invites.append(event)
        elif event["event"] == "answered":
            answers.add(event["sip_call_id"])
    found: dict[str, list[Ring]] = defaultdict(list)
    for event in invites:
        waiting = pops[event["call"], event["extension"]]
        pop = waiting.pop(0) if waiting else None
        ring = Ring(
            event["call"],
            event["extension"],
            event["t"],
            pop["t"] if pop else None,
            pop["pop"] if pop else None,
            event["sip_call_id"] in answers,
        )
        number = event.get("from_number") or ""
        withheld = ring.pop is not None and ring.pop["match"] == "withheld"
        found[ring.pop["caller_name"] if withheld and ring.pop else number].append(ring)
    return found


def wrong_screens(phones: Iterable[Event], screens: Iterable[Event], gone: set[str]) -> int:
    """Pops whose phone never rang for that call, calls in ``gone`` (the caller hung up at that moment) left out."""
    rung = {(event["call"], event["extension"]) for event in phones if event["event"] == "invite"}
    return sum(
        (event["pop"]["call_id"], event["extension"]) not in rung and event["pop"]["call_id"] not in gone
        for event in screens
        if event["event"] == "pop" and event.get("pop")
    )


def verdict(
    expected: Expected, result: CallerResult, its_rings: Sequence[Ring], names: Mapping[str, str]
) -> Verdict:
    """Judge one call."""
    answered = next((ring for ring in its_rings if ring.answered), None)
    last = answered or (its_rings[-1] if its_rings else None)
    leads = [ring.lead for ring in its_rings if ring.lead is not None]
    right = all(_right(expected, ring.pop) for ring in its_rings if ring.pop is not None)
    lost = (
        result.outcome is not Outcome.PATIENCE
        if expected.gives_up and answered is None
        else (answered is None or result.outcome is not Outcome.ASTERISK)
    )
    if expected.gives_up and answered is not None:
        lost = result.outcome not in {Outcome.ASTERISK, Outcome.PATIENCE}
    return Verdict(
        who=expected.name,
        number=expected.plan.number,
        tier=expected.tier,
        choice=expected.choice,
        queue=str(last.pop["queue"]) if last and last.pop else expected.queue,
        waited=float(last.pop["waited"]) if last and last.pop else None,
        agent=names.get(last.extension, last.extension) if last else "",
        offers=len(its_rings),
        pop_before_ring=all(ring.in_time for ring in its_rings) if its_rings else None,
        lead_ms=round(min(leads) * 1000, 2) if leads else None,
        right=right,
        outcome="lost" if lost else "answered" if answered else "gave up",
        lost=lost,
    )


def _right(expected: Expected, pop: Mapping[str, Any]) -> bool:
    """Is this the customer who called, in the queue that was chosen?"""
    customer = pop.get("customer")
    return (
        pop["match"] == expected.match
        and (customer["id"] if customer else None) == expected.customer_id
        and pop["queue"] == expected.queue
    )


def summary(verdicts: Sequence[Verdict], *, wrong_screens: int, not_on_record: int) -> Summary:
    """Count."""
    leads = sorted(v.lead_ms for v in verdicts if v.lead_ms is not None)
    waits = sorted(v.waited for v in verdicts if v.waited is not None)
    return Summary(
        calls=len(verdicts),
        answered=sum(v.outcome == "answered" for v in verdicts),
        gave_up=sum(v.outcome == "gave up" for v in verdicts),
        lost=sum(v.lost for v in verdicts),
        late=sum(v.pop_before_ring is False for v in verdicts),
        wrong=sum(not v.right for v in verdicts),
        wrong_screens=wrong_screens,
        not_on_record=not_on_record,
        offers=sum(v.offers for v in verdicts),
        lead_ms_p50=leads[len(leads) // 2] if leads else None,
        lead_ms_min=leads[0] if leads else None,
        waited_p50=waits[len(waits) // 2] if waits else None,
        waited_max=waits[-1] if waits else None,
    )
