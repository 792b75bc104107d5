"""The callbacks on record, in memory."""

from callcenter.callbacks.callback import OPEN, Callback
from callcenter.errors import CallcenterError
from callcenter.ids import QueueName
from tests.fakes.memory_recorder import MemoryRecorder


class KeptInMemory:
    """A ``KeptCallbacks`` over the record in memory."""

    def __init__(self, record: MemoryRecorder) -> None:
        self.record = record
        self.away = False

    async def open_callbacks(self) -> list[Callback]:
        if self.away:
            raise CallcenterError("the database is away")
        return sorted(
            (one for one in self.record.callbacks.values() if one.state in OPEN),
            key=lambda one: one.arrived_at,
        )

    async def recent(self, queues: frozenset[QueueName] | None, limit: int = 200) -> list[Callback]:
        found = [one for one in self.record.callbacks.values() if queues is None or one.queue in queues]
        return sorted(found, key=lambda one: one.asked_at, reverse=True)[:limit]
