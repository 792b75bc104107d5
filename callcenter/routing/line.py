"""The line: everybody who waits, in classes of one queue, one tier and the same demand, each in order of arrival."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from sortedcontainers import SortedList

from callcenter.customers.customer import Tier
from callcenter.ids import CallId, QueueName
from callcenter.routing.demand import Demand
from callcenter.routing.policy import OrderKey, Waiting, order_key
from callcenter.routing.rules import RoutingRules


class ClassKey(NamedTuple):
    """Within such a class the order never changes."""

    queue: QueueName
    tier: Tier
    demand: Demand
    below: bool = False


def class_of(waiting: Waiting) -> ClassKey:
    """The class that a place belongs to now."""
    return ClassKey(waiting.queue, waiting.tier, waiting.demand, waiting.below)


def general_class(waiting: Waiting) -> ClassKey:
    """The class once nobody in particular is waited for."""
    return ClassKey(waiting.queue, waiting.tier, waiting.general, waiting.below)


Group: TypeAlias = tuple[QueueName, Tier, bool]
"""Queue, tier, below: all of them age alike, so the one who came first is the most urgent."""


class Line:
    """Only the first of each class can be next, since within a class the order never changes; and of those whom the
    same agent may serve, only the earliest of each queue and tier."""

    def __init__(self, rules: RoutingRules) -> None:
        self.rules = rules
        self._by_call: dict[CallId, Waiting] = {}
        self._classes: dict[ClassKey, SortedList[tuple[float, CallId]]] = {}
        self._firsts: dict[Demand, dict[Group, Waiting]] = {}

    def __len__(self) -> int:
        return len(self._by_call)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(self._by_call.values())

    def get(self, call_id: CallId) -> Waiting | None:
        """This call's place, if it waits."""
        return self._by_call.get(call_id)

    def join(self, waiting: Waiting) -> None:
        """Take the place that ``arrived`` gives; joining twice is one place."""
        self.leave(waiting.call_id)
        self._by_call[waiting.call_id] = waiting
        key = class_of(waiting)
        members = self._classes.get(key)
        if members is None:
            members = self._classes[key] = SortedList()
        members.add((waiting.arrived, waiting.call_id))
        self._note_first(key, members)

    def leave(self, call_id: CallId) -> Waiting | None:
        """Give the place up; None when there was none."""
        waiting = self._by_call.pop(call_id, None)
        if waiting is not None:
            key = class_of(waiting)
            members = self._classes[key]
            members.remove((waiting.arrived, call_id))
            self._note_first(key, members)
        return waiting

    # -------------------------------------------------------- who is next

    def asks(self, demand: Demand) -> bool:
        """Does anybody wait with this demand?"""
        return demand in self._firsts

    def demands(self) -> Collection[Demand]:
        """Of all who wait."""
        return self._firsts.keys()

    def heads_of(self, demands: Iterable[Demand]) -> list[Waiting]:
        """Of those with these demands, the first of each queue and tier: one of them is the most urgent."""
        found: dict[Group, Waiting] = {}
        for demand in demands:
            for group, first in self._firsts.get(demand, {}).items():
                other = found.get(group)
                if other is None or (first.arrived, first.call_id) < (other.arrived, other.call_id):
                    found[group] = first
        return list(found.values())

    def heads(self, now: float) -> list[Waiting]:
        """The first of each class, the most urgent first."""
        firsts = [first for group in self._firsts.values() for first in group.values()]
        return sorted(firsts, key=lambda waiting: order_key(waiting, now, self.rules))

    # -------------------------------------------------------- how long it is

    def ahead(self, waiting: Waiting, now: float) -> Mapping[ClassKey, int]:
        """How many of each class, of all queues, would be served before this one, were it decided now. Costs the number
        of classes times the logarithm of their length."""
        mine = order_key(waiting, now, self.rules)
        before = {key: self._before(key, mine, now) for key in self._classes}
        return {key: count for key, count in before.items() if count}

    def position(self, call_id: CallId, now: float) -> int | None:
        """The place in the caller's own queue, 1 for the next to be served; None when the call doesn't wait."""
        waiting = self._by_call.get(call_id)
        if waiting is None:
            return None
        return 1 + sum(n for key, n in self.ahead(waiting, now).items() if key.queue == waiting.queue)

    def waiting_in(self, queue: QueueName) -> int:
        """How many wait in a queue."""
        return sum(len(members) for key, members in self._classes.items() if key.queue == queue)

    def counts(self, queue: QueueName) -> dict[Tier, int]:
        """How many wait in a queue, by tier."""
        found = dict.fromkeys(Tier, 0)
        for key, members in self._classes.items():
            if key.queue == queue:
                found[key.tier] += len(members)
        return found

    def longest_wait(self, queue: QueueName, now: float) -> float:
        """Seconds the first to come has waited; 0 when nobody waits. Boosts don't count."""
        firsts = [
            first for group in self._firsts.values() for first in group.values() if first.queue == queue
        ]
        return max((now - first.arrived - first.boost for first in firsts), default=0.0)

    def _note_first(self, key: ClassKey, members: "SortedList[tuple[float, CallId]]") -> None:
        """A class has changed: who is first in it, or that it is no more."""
        group = (key.queue, key.tier, key.below)
        if members:
            self._firsts.setdefault(key.demand, {})[group] = self._by_call[members[0][1]]
            return
        del self._classes[key]
        del self._firsts[key.demand][group]
        if not self._firsts[key.demand]:
            del self._firsts[key.demand]

    def _before(self, key: ClassKey, mine: OrderKey, now: float) -> int:
        members = self._classes[key]
        low, high = 0, len(members)
        while low < high:
            middle = (low + high) // 2
            if order_key(self._by_call[members[middle][1]], now, self.rules) < mine:
                low = middle + 1
            else:
                high = middle
        return low
