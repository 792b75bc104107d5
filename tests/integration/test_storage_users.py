"""Users and log-ins in a real database."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from callcenter.calls.skills import Levels
from callcenter.clock import ManualClock
from callcenter.errors import Conflict
from callcenter.ids import QueueName, UserId
from callcenter.storage.database import Database, upgrade
from callcenter.storage.users import StoredUsers
from callcenter.web.ports import SessionRow, Users

pytestmark = pytest.mark.integration


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database of the latest version."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'callcenter.db'}"
    await upgrade(url)
    database = Database(url)
    yield database
    await database.close()


def log_in(user_id: UserId, clock: ManualClock, token: str = "a" * 64) -> SessionRow:
    """A log-in of one hour."""
    now = clock.wall()
    return SessionRow(token, user_id, now, now, now + dt.timedelta(hours=1), "1001", "127.0.0.1")


async def test_a_user_comes_back_as_given(database: Database) -> None:
    """All fields, by id and by name in any letter case; it is the web's Protocol."""
    stored = StoredUsers(database, ManualClock())
    users: Users = stored
    queues = [QueueName("support"), QueueName("sales")]
    skills = {"cantonese": 1, "billing": 4}
    user_id = await stored.add(
        "Wang.Fang", "王芳", "agent", "$argon2$x", extension="1001", queues=queues, skills=skills
    )
    found = await users.user(user_id)
    assert found is not None
    assert (found.username, found.name, found.role, found.password_hash) == (
        "Wang.Fang", "王芳", "agent", "$argon2$x",
    )  # fmt: skip
    assert (found.extension, found.queues, found.language, found.active, found.skills) == (
        "1001", frozenset(queues), "en", True, skills,
    )  # fmt: skip
    assert await users.user_by_name("WANG.fang") == found
    assert await users.user_by_name("' OR 1=1 --") is None
    assert await users.user(UserId(999)) is None
    await users.set_language(user_id, "zh")
    changed = await users.user(user_id)
    assert changed is not None
    assert changed.language == "zh"


async def test_skills_are_kept_with_their_levels(database: Database) -> None:
    """As a JSON object; the list of an earlier version means level 1 each; what is no level is left out."""
    stored = StoredUsers(database, ManualClock())
    user_id = await stored.add("anna", "Anna", "agent", "x")

    async def read() -> Levels:
        found = await stored.user(user_id)
        assert found is not None
        return found.skills

    async def keep(what: str) -> None:
        async with database.writing() as connection:
            await connection.execute(text("UPDATE users SET skills = :skills"), {"skills": what})

    assert await read() == {}
    await stored.set_skills(user_id, {"cantonese": 1, "billing": 4})
    assert await read() == {"cantonese": 1, "billing": 4}
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT skills FROM users")) == '{"billing": 4, "cantonese": 1}'
    await keep('["billing", "cantonese"]')
    assert await read() == {"billing": 1, "cantonese": 1}
    await keep('{"billing": 9, "cantonese": 2, "german": "good"}')
    assert await read() == {"cantonese": 2}
    await keep("null")
    assert await read() == {}


async def test_a_log_in_name_is_taken_once(database: Database) -> None:
    """Also in another letter case."""
    users = StoredUsers(database, ManualClock())
    await users.add("anna", "Anna", "admin", "x")
    with pytest.raises(Conflict, match="ANNA"):
        await users.add("ANNA", "Other", "agent", "x")
    assert [user.username for user in await users.all_users()] == ["anna"]


async def test_a_session_lives_and_ends(database: Database) -> None:
    """Kept as given, touched, alive until it expires, dropped; an expired one is swept by the next log-in."""
    clock = ManualClock()
    users = StoredUsers(database, clock)
    user_id = await users.add("anna", "Anna", "agent", "x")
    session = log_in(user_id, clock)
    await users.add_session(session)
    assert await users.session(session.token_hash) == session
    clock.move(60)
    await users.touch_session(session.token_hash, clock.wall())
    touched = await users.session(session.token_hash)
    assert touched is not None
    assert touched.seen_at == clock.wall()
    alive = await users.live_sessions([session.token_hash, "unknown"])
    assert {token: user.id for token, user in alive.items()} == {session.token_hash: user_id}
    clock.move(3600)
    assert await users.live_sessions([session.token_hash]) == {}
    assert await users.session(session.token_hash) is not None
    await users.add_session(log_in(user_id, clock, "b" * 64))
    assert await users.session(session.token_hash) is None
    await users.drop_session("b" * 64)
    await users.drop_session("b" * 64)
    assert await users.session("b" * 64) is None


@pytest.mark.parametrize("change", ["password", "role", "active", "drop"])
async def test_a_change_of_rights_ends_all_log_ins(database: Database, change: str) -> None:
    """Password, role, being let in: each ends that user's sessions and no other's."""
    clock = ManualClock()
    users = StoredUsers(database, clock)
    anna = await users.add("anna", "Anna", "agent", "x")
    bob = await users.add("bob", "Bob", "agent", "x")
    await users.add_session(log_in(anna, clock, "a" * 64))
    await users.add_session(log_in(bob, clock, "b" * 64))
    match change:
        case "password":
            await users.set_password(anna, "y")
        case "role":
            await users.set_role(anna, "admin")
        case "active":
            await users.set_active(anna, active=False)
        case _:
            await users.drop_sessions_of(anna)
    assert list(await users.live_sessions(["a" * 64, "b" * 64])) == ["b" * 64]
