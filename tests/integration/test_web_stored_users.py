"""The pages on the real store of users: log-in, sockets and their end, with SQLite behind them."""

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from websockets.exceptions import ConnectionClosed

from callcenter.clock import SystemClock
from callcenter.ids import QueueName, UserId
from callcenter.storage.database import Database, upgrade
from callcenter.storage.users import StoredUsers
from callcenter.web.screen import SESSION_OVER
from callcenter.web.server import WebServer, build_app
from tests.fakes.fake_desk import FakeBoard, FakeDesk
from tests.fakes.fake_users import QUICK, FakeRecords, FakeUsers
from tests.fakes.web_site import Site, parts_for

pytestmark = pytest.mark.integration


@contextlib.asynccontextmanager
async def stored_site(folder: Path) -> AsyncIterator[tuple[Site, StoredUsers, UserId]]:
    """A site whose users are in a database: one agent."""
    url = f"sqlite+aiosqlite:///{folder / 'callcenter.db'}"
    await upgrade(url)
    database = Database(url)
    users = StoredUsers(database, SystemClock())
    secret = await asyncio.to_thread(QUICK.hash, "lina-pass")
    user_id = await users.add(
        "Lina", "李娜", "agent", secret, extension="1001", queues=[QueueName("sales")], language="zh"
    )
    parts = dataclasses.replace(parts_for(folder, FakeUsers(), FakeRecords()), users=users)
    server = WebServer(build_app(parts), "127.0.0.1", 0)
    desk, board = cast("FakeDesk", parts.desk), cast("FakeBoard", parts.board)
    site = Site(desk, board, FakeUsers(), FakeRecords(), parts.hub, parts, [], await server.start())
    try:
        yield site, users, user_id
    finally:
        await server.stop()
        await database.close()


async def test_log_in_socket_and_the_end_of_the_log_in(tmp_path: Path) -> None:
    """The store's user sits down with their queues and language; a new password closes the page within 5 s."""
    async with (
        stored_site(tmp_path) as (site, users, user_id),
        site.logged_in("lina") as browser,
        site.socket(browser, query="") as ws,
    ):
        first = json.loads(await ws.recv())
        assert (first["agent"]["name"], first["agent"]["queues"]) == ("李娜", ["sales"])
        assert "示忙" in first["html"]["agent-bar"]
        await users.set_password(user_id, "$argon2$another")
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(5):
                while True:
                    await ws.recv()
        assert ws.close_code == SESSION_OVER
        async with browser.get(f"{site.url}/session") as answer:
            assert answer.status == 401
