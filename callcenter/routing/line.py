"""The line: everybody who waits, in classes of one queue, one tier and the same skills, each in order of arrival."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from callcenter.customers.customer import Tier
from callcenter.ids import CallId, QueueName
from callcenter.routing.policy import LinePolicy, Waiting, order_key

ClassKey: TypeAlias = tuple[QueueName, Tier, frozenset[str]]
"""Queue, tier, skills needed: within such a class the order never changes."""


def _place(waiting: Waiting) -> tuple[float, str]:
    return (waiting.arrived, waiting.call_id)


def class_of(waiting: Waiting) -> ClassKey:
    """The class that a place belongs to."""
    return (waiting.queue, waiting.tier, waiting.skills)


class Line:
    """Only the heads of the classes are compared, since within a class the order never changes."""

    def __init__(self, policy: LinePolicy) -> None:
        self.policy = policy
        self._classes: dict[ClassKey, list[Waiting]] = {}
        self._by_call: dict[CallId, Waiting] = {}

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
        insort(self._classes.setdefault(class_of(waiting), []), waiting, key=_place)

    def leave(self, call_id: CallId) -> Waiting | None:
        """Give the place up; None when there was none."""
        waiting = self._by_call.pop(call_id, None)
        if waiting is not None:
            key = class_of(waiting)
            members = self._classes[key]
            del members[bisect_left(members, _place(waiting), key=_place)]
            if not members:
                del self._classes[key]
        return waiting

    def heads(self, now: float) -> list[Waiting]:
        """The first of each class, the most urgent first."""
        firsts = [members[0] for members in self._classes.values()]
        return sorted(firsts, key=lambda waiting: order_key(waiting, now, self.policy))

    def ahead(self, waiting: Waiting, now: float) -> Mapping[ClassKey, int]:
        """How many of each class, of all queues, the policy would serve before this one, were it decided now. Costs
        the number of classes times the logarithm of their length."""
        mine = order_key(waiting, now, self.policy)
        before = {
            key: bisect_left(members, mine, key=lambda one: order_key(one, now, self.policy))
            for key, members in self._classes.items()
        }
        return {key: count for key, count in before.items() if count}

    def position(self, call_id: CallId, now: float) -> int | None:
        """The place in the caller's own queue, 1 for the next to be served; None when the call doesn't wait."""
        waiting = self._by_call.get(call_id)
        if waiting is None:
            return None
        return 1 + sum(n for (queue, _, _), n in self.ahead(waiting, now).items() if queue == waiting.queue)

    def waiting_in(self, queue: QueueName) -> int:
        """How many wait in a queue."""
        return sum(len(members) for (name, _, _), members in self._classes.items() if name == queue)

    def counts(self, queue: QueueName) -> dict[Tier, int]:
        """How many wait in a queue, by tier."""
        found = dict.fromkeys(Tier, 0)
        for (name, tier, _), members in self._classes.items():
            if name == queue:
                found[tier] += len(members)
        return found

    def longest_wait(self, queue: QueueName, now: float) -> float:
        """Seconds the first to come has waited; 0 when nobody waits."""
        firsts = [members[0].arrived for (name, _, _), members in self._classes.items() if name == queue]
        return now - min(firsts) if firsts else 0.0
