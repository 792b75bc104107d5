"""The rules of routing, as people set and publish them: promises per tier, and how each queue chooses.

They are data: ``to_json`` and ``from_json`` keep a version of them, ``problems`` says in words what contradicts.
"""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from pydantic import TypeAdapter, ValidationError

from callcenter.customers.customer import Tier
from callcenter.errors import BadInput
from callcenter.ids import QueueName

MOST_RINGS = 6


class Order(enum.StrEnum):
    """Who is next: ``AGING`` (``policy`` says how), or ``STRICT``: the better tier first, whatever the wait."""

    AGING = "aging"
    STRICT = "strict"


class Strategy(enum.StrEnum):
    """Which of several free agents: idle longest; with the least work lately; best at what the call needs."""

    LONGEST_IDLE = "longest_idle"
    LEAST_WORK = "least_work"
    MOST_PROFICIENT = "most_proficient"


@dataclass(frozen=True, slots=True)
class Promise:
    """So many (``share``, 0 to 1) of a tier's callers are answered within ``seconds``."""

    seconds: float
    share: float = 0.8


@dataclass(frozen=True, slots=True)
class RingRule:
    """From ``after`` seconds of waiting: needed levels are ``lower`` by so many (a level never falls below 1), the
    skills in ``drop`` aren't needed any more, the agents of the queues in ``also`` may serve, too."""

    after: float
    lower: int = 0
    drop: frozenset[str] = frozenset()
    also: frozenset[QueueName] = frozenset()


@dataclass(frozen=True, slots=True)
class QueueRules:
    """How one queue chooses. ``weight``: 2 means that its callers age twice as fast. ``prefers``: skills that are no
    must; who has more of them is chosen first. ``rings``: who may serve, as the wait grows. ``hard``: its calls wear
    people out; ``rest`` is how many seconds such a call waits for somebody whose last call was not hard."""

    weight: float = 1.0
    strategy: Strategy = Strategy.LONGEST_IDLE
    prefers: tuple[str, ...] = ()
    rings: tuple[RingRule, ...] = ()
    hard: bool = False
    rest: float = 0.0


@dataclass(frozen=True, slots=True)
class Relationship:
    """How many seconds a caller waits for the account's owner, then for the agent of the last contact, where that was
    within ``last_agent_days``; 0: not at all."""

    owner_wait: float = 0.0
    last_agent_wait: float = 0.0
    last_agent_days: float = 7.0


def _shipped_promises() -> Mapping[Tier, Promise]:
    return {
        Tier.VIP: Promise(10, 0.9),
        Tier.KEY: Promise(20, 0.8),
        Tier.REGULAR: Promise(30, 0.8),
        Tier.SMALL: Promise(60, 0.7),
    }


@dataclass(frozen=True)
class RoutingRules:
    """All of them. ``ceiling``: nobody who has waited so many seconds is overtaken by a better tier.
    ``late_promise``: seconds that a customer is taken to have waited longer while we owe something that is late.
    ``resume_within``: seconds in which a caller who gave up or was cut off finds the old place. ``max_offers``: missed
    offers of one call after which the flow may take the caller elsewhere."""

    promises: Mapping[Tier, Promise] = field(default_factory=_shipped_promises)
    ceiling: float = 300.0
    order: Order = Order.AGING
    queues: Mapping[QueueName, QueueRules] = field(default_factory=dict)
    relationship: Relationship = Relationship()
    late_promise: float = 60.0
    resume_within: float = 600.0
    max_offers: int = 5

    def queue(self, name: QueueName) -> QueueRules:
        """How a queue chooses; one that isn't named, as usual."""
        return self.queues.get(name, USUAL)

    @cached_property
    def slopes(self) -> Mapping[tuple[QueueName, Tier], float]:
        """Urgency per second of waiting, of the named queues."""
        return {
            (queue, tier): rules.weight / promise.seconds
            for queue, rules in self.queues.items()
            for tier, promise in self.promises.items()
        }

    def slope(self, queue: QueueName, tier: Tier) -> float:
        """Urgency per second of waiting."""
        found = self.slopes.get((queue, tier))
        return found if found is not None else 1.0 / self.promises[tier].seconds


USUAL = QueueRules()
_ADAPTER = TypeAdapter(RoutingRules)


def to_json(rules: RoutingRules) -> str:
    """One JSON object."""
    return _ADAPTER.dump_json(rules).decode()


def from_json(text: str) -> RoutingRules:
    """The rules that ``to_json`` wrote; raises ``BadInput`` for what are none, or contradict themselves."""
    try:
        rules = _ADAPTER.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"These are no routing rules: {place}: {first['msg']}.") from error
    if found := list(problems(rules)):
        raise BadInput("These routing rules can't be used: " + "; ".join(found))
    return rules


def problems(rules: RoutingRules) -> Iterator[str]:
    """What is wrong with them, each with its place; nothing when they can be used."""
    missing = [tier.value for tier in Tier if tier not in rules.promises]
    if missing:
        yield f"promises: {', '.join(missing)} is missing"
    for tier, promise in rules.promises.items():
        if not promise.seconds > 0:
            yield f"{tier.value}: seconds must be more than 0, not {promise.seconds:g}"
        if not 0 < promise.share <= 1:
            yield f"{tier.value}: share must be between 0 and 1, not {promise.share:g}"
    yield from _order_problems(rules)
    for name, queue in rules.queues.items():
        yield from (f"queue {name}: {text}" for text in _queue_problems(rules, queue))
    for what, seconds in _not_negative(rules):
        if not 0 <= seconds < float("inf"):
            yield f"{what}: must be 0 or more, not {seconds:g}"
    if rules.max_offers < 1:
        yield f"max_offers: must be 1 or more, not {rules.max_offers}"


def _not_negative(rules: RoutingRules) -> Iterator[tuple[str, float]]:
    yield "late_promise", rules.late_promise
    yield "resume_within", rules.resume_within
    yield "owner_wait", rules.relationship.owner_wait
    yield "last_agent_wait", rules.relationship.last_agent_wait
    yield "last_agent_days", rules.relationship.last_agent_days


def _order_problems(rules: RoutingRules) -> Iterator[str]:
    kept = [(tier, rules.promises[tier].seconds) for tier in Tier if tier in rules.promises]
    for (better, short), (worse, long) in pairwise(kept):
        if short > long:
            yield f"{better.value} is promised {short:g} s, {worse.value} {long:g} s: the better tier would wait longer"
    longest = max((seconds for _, seconds in kept), default=0.0)
    if not rules.ceiling >= longest:
        yield f"ceiling: {rules.ceiling:g} s is less than the longest promise ({longest:g} s)"
    if rules.ceiling == float("inf"):
        yield "ceiling: must be a number of seconds"


def _queue_problems(rules: RoutingRules, queue: QueueRules) -> Iterator[str]:
    if not 0 < queue.weight <= 100:
        yield f"weight must be more than 0 and at most 100, not {queue.weight:g}"
    if not 0 <= queue.rest <= 600:
        yield f"rest must be between 0 and 600 s, not {queue.rest:g}"
    if queue.rest and not queue.hard:
        yield "rest has no meaning without hard = true"
    if len(queue.rings) > MOST_RINGS:
        yield f"at most {MOST_RINGS} rings"
    before = RingRule(after=-1.0)
    for ring in queue.rings:
        if ring.after < 0 or ring.after <= before.after:
            yield f"ring after {ring.after:g} s: rings must be in the order of their time"
        if not 0 <= ring.lower <= 4:
            yield f"ring after {ring.after:g} s: lower must be between 0 and 4, not {ring.lower}"
        if ring.lower < before.lower or not ring.drop >= before.drop or not ring.also >= before.also:
            yield f"ring after {ring.after:g} s: a later ring must let in all whom the earlier one does"
        unknown = sorted(name for name in ring.also if name not in rules.queues)
        if unknown:
            yield f"ring after {ring.after:g} s: there is no queue {', '.join(unknown)}"
        before = ring
