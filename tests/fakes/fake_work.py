"""What callers left, for tests of its page."""

import dataclasses
import datetime as dt
from dataclasses import dataclass, field

from callcenter.callbacks.callback import Callback, CallbackState
from callcenter.errors import Conflict, NotFound
from callcenter.ids import AgentId, CallId, CustomerId, QueueName, UserId
from callcenter.voicemails.voicemail import Voicemail, VoicemailState

AT = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


def voicemail(number: int, queue: str = "support", **changes: object) -> Voicemail:
    """The message with the id ``number`` in hex."""
    made = Voicemail(
        id=f"{number:032x}",
        call_id=CallId("a" * 32),
        queue=QueueName(queue),
        customer_id=CustomerId(17),
        number="+8613800138000",
        seconds=42.5,
        language="zh",
        left_at=AT + dt.timedelta(minutes=number),
        customer="王芳",
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def callback(number: int, queue: str = "support", **changes: object) -> Callback:
    """The callback with the id ``number`` in hex."""
    made = Callback(
        id=f"{number:032x}",
        number="+8613900139000",
        queue=QueueName(queue),
        tier="key",
        language="zh",
        call_id=CallId("a" * 32),
        customer_id=None,
        arrived_at=AT,
        asked_at=AT + dt.timedelta(minutes=2),
        not_before=AT + dt.timedelta(minutes=30),
        expires_at=AT + dt.timedelta(hours=8),
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


@dataclass
class FakeVoicemails:
    """Implements ``voicemails.ports.Voicemails``."""

    kept: dict[str, Voicemail] = field(default_factory=dict)

    def add(self, *voicemails: Voicemail) -> None:
        """These were left."""
        self.kept.update({one.id: one for one in voicemails})

    async def recent(self, queues: frozenset[QueueName] | None, limit: int = 200) -> list[Voicemail]:
        mine = [one for one in self.kept.values() if queues is None or one.queue in queues]
        return sorted(mine, key=lambda one: (one.state is VoicemailState.DONE, one.left_at))[:limit]

    async def take(self, voicemail_id: str, agent_id: AgentId) -> Voicemail:
        return self._change(voicemail_id, agent_id, VoicemailState.TAKEN, "")

    async def finish(self, voicemail_id: str, agent_id: AgentId, note: str) -> Voicemail:
        return self._change(voicemail_id, agent_id, VoicemailState.DONE, note)

    def _change(self, voicemail_id: str, agent_id: AgentId, state: VoicemailState, note: str) -> Voicemail:
        one = self.kept.get(voicemail_id)
        if one is None:
            raise NotFound("There is no such message.")
        if one.owner_id not in (None, agent_id):
            raise Conflict("Somebody else has this message.")
        owner = {1: "Li Na", 2: "Wei"}.get(int(agent_id), "Sofia")
        done = AT if state is VoicemailState.DONE else None
        changed = dataclasses.replace(
            one, state=state, owner_id=agent_id, owner=owner, note=note, done_at=done
        )
        self.kept[voicemail_id] = changed
        return changed


@dataclass
class FakeCallbacks:
    """Implements ``callbacks.ports.KeptCallbacks`` and ``web.ports.CallbackCanceller``."""

    kept: dict[str, Callback] = field(default_factory=dict)
    cancelled: list[tuple[str, UserId]] = field(default_factory=list)

    def add(self, *callbacks: Callback) -> None:
        """These were asked for."""
        self.kept.update({one.id: one for one in callbacks})

    async def open_callbacks(self) -> list[Callback]:
        return list(self.kept.values())

    async def recent(self, queues: frozenset[QueueName] | None, limit: int = 200) -> list[Callback]:
        return [one for one in self.kept.values() if queues is None or one.queue in queues][:limit]

    def cancel(self, callback_id: str, by: UserId) -> bool:
        one = self.kept.get(callback_id)
        if one is None or one.state is not CallbackState.QUEUED:
            return False
        self.kept[callback_id] = dataclasses.replace(one, state=CallbackState.CANCELLED, ended_at=AT)
        self.cancelled.append((callback_id, by))
        return True
