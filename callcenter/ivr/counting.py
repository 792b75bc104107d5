"""How many callers are at each node now."""

from collections import Counter as Tally
from collections.abc import Mapping

from callcenter.calls.call import Stage
from callcenter.calls.events import CallChanged
from callcenter.ids import CallId

_WITH_SOMEBODY = frozenset({Stage.TALKING, Stage.HELD, Stage.OUTSIDE, Stage.FALLBACK})


class Counter:
    """Implements ``ports.Counting``. A caller who waits in a queue is at the node that led there."""

    def __init__(self) -> None:
        self._where: dict[CallId, tuple[str, str]] = {}
        self._changes = 0

    def at(self, call_id: CallId, flow: str, node: str) -> None:
        """The caller is at this node now."""
        if self._where.get(call_id) != (flow, node):
            self._where[call_id] = (flow, node)
            self._changes += 1

    def left(self, call_id: CallId) -> None:
        """The caller has left the flow; told twice, it counts once."""
        if self._where.pop(call_id, None) is not None:
            self._changes += 1

    def call_changed(self, event: CallChanged) -> None:
        """Who talks to a person is in the flow no more; who comes back to it is counted again."""
        if event.call.stage in _WITH_SOMEBODY:
            self.left(event.call.id)

    def now(self, flow: str) -> Mapping[str, int]:
        """Callers at each node of a flow; only nodes with callers."""
        return Tally(node for name, node in self._where.values() if name == flow)

    def version(self) -> int:
        """Grows whenever ``now`` of any flow changes."""
        return self._changes
