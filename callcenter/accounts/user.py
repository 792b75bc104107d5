"""Users and their log-ins, and what is needed of the storage for them."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from callcenter.calls.skills import Levels
from callcenter.ids import QueueName, UserId


@dataclass(frozen=True, slots=True)
class UserRow:
    """Somebody who may log in. ``extension`` is the phone they usually take; ``skills``: how well they do what."""

    id: UserId
    username: str
    name: str
    role: str
    password_hash: str
    language: str = "en"
    extension: str = ""
    queues: frozenset[QueueName] = frozenset()
    skills: Levels = field(default_factory=dict, hash=False)
    active: bool = True


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One log-in. Only the SHA-256 of the cookie's token is kept; dates are aware UTC."""

    token_hash: str
    user_id: UserId
    created_at: dt.datetime
    seen_at: dt.datetime
    expires_at: dt.datetime
    extension: str = ""
    address: str = ""


class Users(Protocol):
    """Users and their sessions. Whoever changes a password or a role also drops the user's sessions."""

    async def user_by_name(self, username: str) -> UserRow | None:
        """By log-in name, letter case ignored."""

    async def user(self, user_id: UserId) -> UserRow | None:
        """By id."""

    async def set_language(self, user_id: UserId, language: str) -> None:
        """Remember ``en`` or ``zh``."""

    async def add_session(self, session: SessionRow) -> None:
        """Keep a log-in."""

    async def session(self, token_hash: str) -> SessionRow | None:
        """A log-in, also one that has expired."""

    async def touch_session(self, token_hash: str, seen_at: dt.datetime) -> None:
        """It was used."""

    async def drop_session(self, token_hash: str) -> None:
        """Forget it; unknown ones are no error."""

    async def drop_sessions_of(self, user_id: UserId) -> None:
        """Forget all log-ins of a user."""

    async def live_sessions(self, token_hashes: Collection[str]) -> Mapping[str, UserRow]:
        """Which of these log-ins still exist, and whose they are now: one query for all open pages."""
