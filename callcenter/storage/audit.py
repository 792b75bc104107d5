"""Who looked at what, such as who listened to which recording."""

import json

from callcenter.clock import Clock
from callcenter.ids import UserId, new_id
from callcenter.storage.entries import AUDIT, Entry
from callcenter.storage.recorder import DatabaseRecorder


class Audit:
    """Goes the recorder's way: never waits, never fails, and is kept while the database is away."""

    def __init__(self, recorder: DatabaseRecorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock

    def note(self, user_id: UserId, action: str, subject: str, detail: str = "") -> None:
        """Keep that this user did ``action`` (such as ``recording_heard``) to ``subject``."""
        row = {
            "id": new_id(self._clock),
            "at": self._clock.wall(),
            "user_id": user_id,
            "action": action,
            "subject": subject,
            "detail": detail,
        }
        self._recorder.put(Entry(AUDIT, row))

    def __call__(self, action: str, user_id: UserId, **facts: str) -> None:
        """The same with named facts: the first one is the subject, the others are its detail."""
        subject, *_ = [*facts.values(), ""]
        self.note(user_id, action, subject, json.dumps(facts, ensure_ascii=False) if facts else "")
