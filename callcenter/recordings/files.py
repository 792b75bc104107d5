"""From a recording's id to its file, for those who may hear it."""

import asyncio
import re
from pathlib import Path
from typing import Protocol

from callcenter.accounts.user import UserRow
from callcenter.errors import NotFound
from callcenter.history.story import CallStory
from callcenter.ids import CallId

RECORDING_ID = re.compile(r"[0-9a-f]{32}")
HEARS_ALL = frozenset({"supervisor", "admin"})


class RecordedCalls(Protocol):
    """What is needed of the storage."""

    async def call_of_recording(self, recording_id: str) -> CallId | None:
        """The call with this recording."""

    async def story(self, call_id: CallId) -> CallStory | None:
        """The call as it is on record."""


class RecordingFiles:
    """``folder``: where Asterisk writes. Names in it are ids that we made, so nobody's text becomes a path."""

    def __init__(self, calls: RecordedCalls, folder: Path) -> None:
        self._calls = calls
        self._folder = folder.absolute()

    async def open(self, recording_id: str, user: UserRow) -> Path:
        """The file; raises ``NotFound`` alike for no such recording, none for this user, and no file."""
        missing = NotFound("There is no such recording.")
        if not RECORDING_ID.fullmatch(recording_id):
            raise missing
        call_id = await self._calls.call_of_recording(recording_id)
        story = await self._calls.story(call_id) if call_id else None
        if story is None or (user.role not in HEARS_ALL and int(user.id) not in story.agent_ids):
            raise missing
        path = self._folder / f"{recording_id}.wav"
        if not await asyncio.to_thread(path.is_file):
            raise missing
        return path
