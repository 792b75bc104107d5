"""A database of an earlier version becomes one of this version, with everything in it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, create_engine

from callcenter.clock import SystemClock
from callcenter.storage import database
from callcenter.storage.users import StoredUsers

pytestmark = pytest.mark.integration

ROWS = """
INSERT INTO users (id, username, username_key, display_name, role, password_hash, extension, queues, language, active,
                   created_at)
VALUES (7, 'fang', 'fang', '王芳', 'agent', 'hash', '1001', '["sales"]', 'zh', 1, 0);
INSERT INTO customers (id, name, company, tier, language, notes, extra, created_at)
VALUES (3, '李雷', '', 'key', 'zh', '', '{}', 0);
INSERT INTO complaints (id, customer_id, category, severity, subject, text, state, owner_id, opened_at)
VALUES (12, 3, 'service', 'high', '迟到', 'x', 'received', 7, 5);
INSERT INTO complaint_events (complaint_id, at, by_id, state, text) VALUES (12, 5, 7, 'received', '迟到');
INSERT INTO sessions (token_hash, user_id, created_at, seen_at, expires_at, extension, address)
VALUES ('t', 7, 0, 0, 9, '1001', '127.0.0.1');
"""


def move(path: Path, to: str, *, down: bool = False) -> None:
    """Bring the database to a certain version."""

    def act(connection: Connection) -> None:
        config = database.alembic_config()
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, to)

    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        act(connection)
    engine.dispose()


def test_the_first_version_is_brought_to_this_one_and_back(tmp_path: Path) -> None:
    """People, their log-ins and complaints stay; users of before have no skills; going back leaves the old tables."""
    path = tmp_path / "callcenter.db"
    move(path, "0001")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(ROWS)
    url = f"sqlite+aiosqlite:///{path}"

    async def read() -> None:
        await database.upgrade(url)
        await database.check(url)
        db = database.Database(url)
        users = StoredUsers(db, SystemClock())
        [user] = await users.all_users()
        assert (user.name, sorted(user.queues), sorted(user.skills)) == ("王芳", ["sales"], [])
        assert await users.session("t") is not None
        await users.set_skills(user.id, {"billing": 4, "cantonese": 1})
        [user] = await users.all_users()
        assert user.skills == {"billing": 4, "cantonese": 1}
        await db.close()

    asyncio.run(read())
    with closing(sqlite3.connect(path)) as connection:
        kept = connection.execute("SELECT subject, owner_id, recording FROM complaints").fetchall()
        assert kept == [("迟到", 7, None)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    move(path, "0001", down=True)
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(users)")]
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert "skills" not in columns
        assert not names & {"flow_versions", "flow_steps", "voicemails", "callbacks", "pin_tries"}
        assert connection.execute("SELECT subject FROM complaints").fetchall() == [("迟到",)]


def test_offers_of_before_decisions_were_kept_stay(tmp_path: Path) -> None:
    """They have an empty decision; going back drops decisions and published rules, and nothing else."""
    path = tmp_path / "callcenter.db"
    move(path, "0002")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO offers VALUES ('o', 'c', 7, 1, 2, 'answered', 'longest idle')")
    move(path, "0003")
    with closing(sqlite3.connect(path)) as connection, connection:
        kept = connection.execute("SELECT id, why, decision FROM offers").fetchall()
        assert kept == [("o", "longest idle", "")]
        connection.execute("INSERT INTO routing_versions VALUES (1, '{}', 'd', 1, NULL, '', 1)")
    move(path, "0002", down=True)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM offers").fetchall() == [
            ("o", "c", 7, 1, 2, "answered", "longest idle")
        ]
        assert not connection.execute(
            "SELECT name FROM sqlite_master WHERE name = 'routing_versions'"
        ).fetchall()
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    move(path, "0003")
