"""Users and sessions in memory, for tests of the pages."""

import dataclasses
import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from argon2 import PasswordHasher

from callcenter.calls.skills import Levels
from callcenter.customers.customer import CustomerRecord
from callcenter.errors import NotFound
from callcenter.ids import CallId, CustomerId, QueueName, UserId
from callcenter.web.ports import CallStory, SessionRow, UserRow

QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Argon2 with hardly any cost, so that tests are quick."""


@dataclass
class FakeUsers:
    """Implements ``web.ports.Users``."""

    users: dict[UserId, UserRow] = field(default_factory=dict)
    sessions: dict[str, SessionRow] = field(default_factory=dict)

    def add(
        self,
        user_id: int,
        username: str,
        role: str,
        *,
        name: str = "",
        extension: str = "",
        skills: Levels | None = None,
    ) -> UserRow:
        user = UserRow(
            id=UserId(user_id),
            username=username,
            name=name or username.title(),
            role=role,
            password_hash=QUICK.hash(f"{username}-pass"),
            extension=extension,
            queues=frozenset({QueueName("sales"), QueueName("support")}),
            skills=skills or {},
        )
        self.users[user.id] = user
        return user

    def change(self, user_id: int, **changes: object) -> None:
        """Change a user as an administrator would."""
        self.users[UserId(user_id)] = dataclasses.replace(self.users[UserId(user_id)], **changes)  # type: ignore[arg-type]

    async def user_by_name(self, username: str) -> UserRow | None:
        return next((user for user in self.users.values() if user.username == username.casefold()), None)

    async def user(self, user_id: UserId) -> UserRow | None:
        return self.users.get(user_id)

    async def set_language(self, user_id: UserId, language: str) -> None:
        self.change(user_id, language=language)

    async def add_session(self, session: SessionRow) -> None:
        self.sessions[session.token_hash] = session

    async def session(self, token_hash: str) -> SessionRow | None:
        return self.sessions.get(token_hash)

    async def touch_session(self, token_hash: str, seen_at: dt.datetime) -> None:
        if token_hash in self.sessions:
            self.sessions[token_hash] = dataclasses.replace(self.sessions[token_hash], seen_at=seen_at)

    async def drop_session(self, token_hash: str) -> None:
        self.sessions.pop(token_hash, None)

    async def drop_sessions_of(self, user_id: UserId) -> None:
        self.sessions = {key: one for key, one in self.sessions.items() if one.user_id != user_id}

    async def live_sessions(self, token_hashes: Collection[str]) -> Mapping[str, UserRow]:
        return {one: self.users[self.sessions[one].user_id] for one in token_hashes if one in self.sessions}


@dataclass
class FakeRecords:
    """The customers, the kept calls and the recordings."""

    customers: dict[CustomerId, CustomerRecord] = field(default_factory=dict)
    stories: dict[CallId, CallStory] = field(default_factory=dict)
    recordings: dict[str, tuple[Path, frozenset[int]]] = field(default_factory=dict)

    async def record(self, customer_id: CustomerId) -> CustomerRecord | None:
        return self.customers.get(customer_id)

    async def story(self, call_id: CallId) -> CallStory | None:
        return self.stories.get(call_id)

    async def open(self, recording_id: str, user: UserRow) -> Path:
        path, agents = self.recordings.get(recording_id, (None, frozenset()))
        if path is None or (user.role == "agent" and int(user.id) not in agents):
            raise NotFound("There is no such recording.")
        return path
