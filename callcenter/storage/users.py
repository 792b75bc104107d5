"""Who may log in, and their log-ins."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import RowMapping, Select, delete, exc, insert, select, update

from callcenter.accounts.user import SessionRow, UserRow
from callcenter.calls.skills import Levels, levels_of
from callcenter.clock import Clock
from callcenter.errors import Conflict
from callcenter.ids import QueueName, UserId
from callcenter.storage.database import Database
from callcenter.storage.tables import sessions, users

_USER = (
    users.c.id,
    users.c.username,
    users.c.display_name,
    users.c.role,
    users.c.password_hash,
    users.c.language,
    users.c.extension,
    users.c.queues,
    users.c.active,
    users.c.skills,
)


class StoredUsers:
    """The ``Users`` of the web, and what the command line and the sample need beyond it. Times come from the
    clock; every method may raise ``DatabaseAway``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(
        self,
        username: str,
        name: str,
        role: str,
        password_hash: str,
        *,
        extension: str = "",
        queues: Iterable[QueueName] = (),
        language: str = "en",
        skills: Levels | None = None,
    ) -> UserId:
        """Keep a new user; raises ``Conflict`` when the log-in name is taken, whatever its letter case."""
        row = {
            "username": username,
            "username_key": username.casefold(),
            "display_name": name,
            "role": role,
            "password_hash": password_hash,
            "extension": extension,
            "queues": sorted(queues),
            "language": language,
            "active": True,
            "skills": dict(sorted((skills or {}).items())),
            "created_at": self._clock.wall(),
        }
        try:
            async with self._database.writing() as connection:
                user_id = await connection.scalar(insert(users).values(row).returning(users.c.id))
        except exc.IntegrityError as error:
            raise Conflict(f"There is a user named {username} already.") from error
        return UserId(int(user_id or 0))

    async def all_users(self) -> list[UserRow]:
        """Everybody, by log-in name."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(*_USER).order_by(users.c.username_key))
            return [_user(row) for row in rows.mappings()]

    async def user_by_name(self, username: str) -> UserRow | None:
        """By log-in name, letter case ignored."""
        return await self._one(select(*_USER).where(users.c.username_key == username.casefold()))

    async def user(self, user_id: UserId) -> UserRow | None:
        """By id."""
        return await self._one(select(*_USER).where(users.c.id == user_id))

    async def set_language(self, user_id: UserId, language: str) -> None:
        """Remember ``en`` or ``zh``."""
        await self._change(user_id, {"language": language})

    async def set_password(self, user_id: UserId, password_hash: str) -> None:
        """Another password; all log-ins of the user end."""
        await self._change(user_id, {"password_hash": password_hash}, ends_sessions=True)

    async def set_role(self, user_id: UserId, role: str) -> None:
        """Another role; all log-ins of the user end."""
        await self._change(user_id, {"role": role}, ends_sessions=True)

    async def set_skills(self, user_id: UserId, skills: Levels) -> None:
        """What the user can do, in the words of the queues' nodes, and how well; it counts from the next log-in of a
        phone."""
        await self._change(user_id, {"skills": dict(sorted(skills.items()))})

    async def set_active(self, user_id: UserId, *, active: bool) -> None:
        """Let somebody in, or not any more; all log-ins of the user end."""
        await self._change(user_id, {"active": active}, ends_sessions=True)

    async def add_session(self, session: SessionRow) -> None:
        """Keep a log-in; log-ins that have run out are forgotten on the way."""
        row = {name: getattr(session, name) for name in SessionRow.__dataclass_fields__}
        async with self._database.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.expires_at < self._clock.wall()))
            await connection.execute(insert(sessions), row)

    async def session(self, token_hash: str) -> SessionRow | None:
        """A log-in, also one that has expired."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(sessions).where(sessions.c.token_hash == token_hash))
            row = rows.mappings().first()
        return SessionRow(**row) if row else None

    async def touch_session(self, token_hash: str, seen_at: dt.datetime) -> None:
        """It was used at ``seen_at`` (aware UTC)."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(sessions).where(sessions.c.token_hash == token_hash).values(seen_at=seen_at)
            )

    async def drop_session(self, token_hash: str) -> None:
        """Forget it; unknown ones are no error."""
        async with self._database.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))

    async def drop_sessions_of(self, user_id: UserId) -> None:
        """Forget all log-ins of a user."""
        async with self._database.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.user_id == user_id))

    async def live_sessions(self, token_hashes: Collection[str]) -> Mapping[str, UserRow]:
        """Which of these log-ins still exist and have not run out, and whose they are now."""
        query = (
            select(sessions.c.token_hash, *_USER)
            .join(users, users.c.id == sessions.c.user_id)
            .where(sessions.c.token_hash.in_(token_hashes), sessions.c.expires_at > self._clock.wall())
            .where(users.c.active)
        )
        async with self._database.reading() as connection:
            rows = await connection.execute(query)
            return {row["token_hash"]: _user(row) for row in rows.mappings()}

    async def _one(self, query: Select[Any]) -> UserRow | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _user(row) if row else None

    async def _change(
        self, user_id: UserId, values: Mapping[str, object], *, ends_sessions: bool = False
    ) -> None:
        async with self._database.writing() as connection:
            await connection.execute(update(users).where(users.c.id == user_id).values(values))
            if ends_sessions:
                await connection.execute(delete(sessions).where(sessions.c.user_id == user_id))


def _user(row: RowMapping) -> UserRow:
    return UserRow(
        id=UserId(row["id"]),
        username=row["username"],
        name=row["display_name"],
        role=row["role"],
        password_hash=row["password_hash"],
        language=row["language"],
        extension=row["extension"],
        queues=frozenset(QueueName(queue) for queue in row["queues"]),
        active=row["active"],
        skills=levels_of(row["skills"]),
    )
