"""From a recording's id to its file, for those who may hear it."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from callcenter.accounts.user import UserRow
from callcenter.errors import NotFound
from callcenter.history.story import CallStory
from callcenter.ids import AgentId, CallId, QueueName

RECORDING_ID = re.compile(r"[0-9a-f]{32}")
HEARS_ALL = frozenset({"supervisor", "admin"})


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording is of. ``queue``: where a message waits for somebody. ``owner_id``: whose work it is."""

    kind: Literal["call", "voicemail", "complaint", "survey"]
    call_id: CallId | None
    queue: QueueName | None = None
    owner_id: AgentId | None = None


class RecordedCalls(Protocol):
    """What is needed of the storage."""

    async def recorded(self, recording_id: str) -> Recorded | None:
        """What is on record with this recording."""

    async def story(self, call_id: CallId) -> CallStory | None:
        """The call as it is on record."""


class RecordingFiles:
    """``folder``: where Asterisk writes. Names in it are ids that we made, so nobody's text becomes a path.

    Supervisors and admins may hear all. An agent may hear what was recorded in a call that they were offered or spoke
    in, what is their own work, and the messages of their queues.
    """

    def __init__(self, calls: RecordedCalls, folder: Path) -> None:
        self._calls = calls
        self._folder = folder.absolute()

    async def open(self, recording_id: str, user: UserRow) -> Path:
        """The file; raises ``NotFound`` alike for no such recording, none for this user, and no file."""
        missing = NotFound("There is no such recording.")
        if not RECORDING_ID.fullmatch(recording_id):
            raise missing
        recorded = await self._calls.recorded(recording_id)
        if recorded is None or not await self._may_hear(recorded, user):
            raise missing
        path = self._folder / f"{recording_id}.wav"
        if not await asyncio.to_thread(path.is_file):
            raise missing
        return path

    async def _may_hear(self, recorded: Recorded, user: UserRow) -> bool:
        if user.role in HEARS_ALL or recorded.queue in user.queues:
            return True
        if recorded.owner_id is not None and int(user.id) == int(recorded.owner_id):
            return True
        story = await self._calls.story(recorded.call_id) if recorded.call_id else None
        return story is not None and int(user.id) in story.agent_ids
