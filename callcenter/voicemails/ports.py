"""What pages need of the kept messages; they are written by the ``Recorder``."""

from typing import Protocol

from callcenter.ids import AgentId, QueueName
from callcenter.voicemails.voicemail import Voicemail


class Voicemails(Protocol):
    """The kept messages."""

    async def recent(self, queues: frozenset[QueueName] | None, limit: int = 200) -> list[Voicemail]:
        """Undone ones first (oldest first), then the latest done; of these queues, or of all (None)."""

    async def take(self, voicemail_id: str, agent_id: AgentId) -> Voicemail:
        """Make it this agent's work. ``Conflict`` when somebody else has it, ``NotFound``."""

    async def finish(self, voicemail_id: str, agent_id: AgentId, note: str) -> Voicemail:
        """Seen to. ``Conflict`` when somebody else has it, ``NotFound``, ``BadInput``."""
