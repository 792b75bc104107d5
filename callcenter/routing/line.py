"""The line: everybody who waits, in classes of one queue and one tier, each in order of arrival."""

from bisect import insort
from collections.abc import Iterator

from callcenter.customers.customer import Tier
from callcenter.ids import CallId, QueueName
from callcenter.routing.policy import LinePolicy, Waiting, order_key


def _place(waiting: Waiting) -> tuple[float, str]:
    return (waiting.arrived, waiting.call_id)


class Line:
    """Only the heads of the classes are compared, since within a class the order never changes."""

    def __init__(self, policy: LinePolicy) -> None:
        self._policy = policy
        self._classes: dict[tuple[QueueName, Tier], list[Waiting]] = {}
        self._by_call: dict[CallId, Waiting] = {}

    def __len__(self) -> int:
        return len(self._by_call)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(self._by_call.values())

    def join(self, waiting: Waiting) -> None:
        """Take the place that ``arrived`` gives; joining twice is one place."""
        self.leave(waiting.call_id)
        self._by_call[waiting.call_id] = waiting
        insort(self._classes.setdefault((waiting.queue, waiting.tier), []), waiting, key=_place)

    def leave(self, call_id: CallId) -> Waiting | None:
        """Give the place up; None when there was none."""
        waiting = self._by_call.pop(call_id, None)
        if waiting is not None:
            key = (waiting.queue, waiting.tier)
            self._classes[key].remove(waiting)
            if not self._classes[key]:
                del self._classes[key]
        return waiting

    def heads(self, now: float) -> list[Waiting]:
        """The first of each class, the most urgent first."""
        firsts = [members[0] for members in self._classes.values()]
        return sorted(firsts, key=lambda waiting: order_key(waiting, now, self._policy))

    def counts(self, queue: QueueName) -> dict[Tier, int]:
        """How many wait in a queue, by tier."""
        return {tier: len(self._classes.get((queue, tier), ())) for tier in Tier}

    def longest_wait(self, queue: QueueName, now: float) -> float:
        """Seconds the first to come has waited; 0 when nobody waits."""
        firsts = [members[0].arrived for (name, _), members in self._classes.items() if name == queue]
        return now - min(firsts) if firsts else 0.0
