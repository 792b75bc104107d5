"""A whole web server with fakes behind it, for integration and browser tests."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp
from websockets.asyncio.client import ClientConnection, connect

from callcenter.clock import Clock, SystemClock
from callcenter.ids import AgentId, UserId
from callcenter.web.auth import Passwords
from callcenter.web.parts import Titled, WebFolders, WebParts, WebRules, log_audit
from callcenter.web.ports import Audit
from callcenter.web.screens import ScreenHub
from callcenter.web.server import WebServer, build_app
from tests.fakes.fake_desk import FakeBoard, FakeDesk, board_data
from tests.fakes.fake_flows import FakeFlows
from tests.fakes.fake_routing import FakeRouting
from tests.fakes.fake_users import QUICK, FakeRecords, FakeUsers
from tests.fakes.fake_work import FakeCallbacks, FakeVoicemails

ROOT = Path(__file__).resolve().parents[2]
AGENT_UI = ROOT / "agent_ui"
CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')
AGENT, SUPERVISOR = AgentId(1), AgentId(9)


@dataclass
class Site:
    """The server and what is behind it."""

    desk: FakeDesk
    board: FakeBoard
    users: FakeUsers
    records: FakeRecords
    hub: ScreenHub
    parts: WebParts
    audited: list[tuple[str, int, dict[str, str]]]
    port: int = 0

    @property
    def flows(self) -> FakeFlows:
        return cast("FakeFlows", self.parts.flows)

    @property
    def voicemails(self) -> FakeVoicemails:
        return cast("FakeVoicemails", self.parts.voicemails)

    @property
    def callbacks(self) -> FakeCallbacks:
        return cast("FakeCallbacks", self.parts.callbacks)

    @property
    def routing(self) -> FakeRouting:
        return cast("FakeRouting", self.parts.routing)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cookies(self) -> aiohttp.CookieJar:
        """A jar that keeps cookies of an address without a name."""
        return aiohttp.CookieJar(unsafe=True)

    async def log_in(
        self, browser: aiohttp.ClientSession, username: str = "lina", password: str = "", extension: str = ""
    ) -> aiohttp.ClientResponse:
        """Read the form, send it."""
        async with browser.get(f"{self.url}/login") as page:
            csrf = CSRF.findall(await page.text())[0]
        form = {
            "username": username,
            "password": password or f"{username}-pass",
            "extension": extension,
            "csrf": csrf,
        }
        return await browser.post(f"{self.url}/login", data=form, allow_redirects=False)

    @asynccontextmanager
    async def logged_in(
        self, username: str = "lina", extension: str = ""
    ) -> AsyncIterator[aiohttp.ClientSession]:
        """A browser with a session."""
        async with aiohttp.ClientSession(cookie_jar=self.cookies) as browser:
            async with await self.log_in(browser, username, extension=extension) as answer:
                assert answer.status == 303, await answer.text()
            yield browser

    def cookie_header(self, browser: aiohttp.ClientSession) -> str:
        return "; ".join(f"{one.key}={one.value}" for one in browser.cookie_jar)

    def socket(
        self, browser: aiohttp.ClientSession, *, query: str = "?json=1", origin: str | None = ""
    ) -> connect:
        """A socket of this browser's session; use it as a context."""
        headers = {"Cookie": self.cookie_header(browser)}
        if origin is not None:
            headers["Origin"] = origin or self.url
        return connect(
            f"ws://127.0.0.1:{self.port}/ws{query}",
            additional_headers=headers,
            compression=None,
            proxy=None,
            max_size=2**20,
        )


def built_pages(folder: Path) -> Path:
    """Stand-ins for the built scripts: enough for tests without a browser."""
    folder.mkdir(exist_ok=True)
    (folder / "app.js").write_text("export {};\n")
    (folder / "app.css").write_text("body{}\n")
    return folder


def parts_for(
    folder: Path,
    users: FakeUsers,
    records: FakeRecords,
    *,
    dist: Path | None = None,
    rules: WebRules | None = None,
    clock: Clock | None = None,
    audit: Audit = log_audit,
) -> WebParts:
    """The parts of a site with fakes behind it."""
    hub, callbacks, routing = ScreenHub(), FakeCallbacks(), FakeRouting()
    return WebParts(
        desk=FakeDesk(hub),
        board=FakeBoard(board_data()),
        users=users,
        customers=records,
        stories=records,
        recordings=records,
        hub=hub,
        clock=clock or SystemClock(),
        folders=WebFolders(
            templates=AGENT_UI / "templates",
            locales=AGENT_UI / "locales",
            dist=dist or built_pages(folder / "dist"),
            recordings=folder / "recordings",
        ),
        rules=rules or WebRules(),
        queues=(Titled("support", "Support", "客户服务"), Titled("sales", "Sales", "销售")),
        reasons=(Titled("BREAK", "Break", "小休"), Titled("LUNCH", "Lunch", "午餐")),
        audit=audit,
        passwords=Passwords(QUICK),
        flows=FakeFlows(),
        voicemails=FakeVoicemails(),
        callbacks=callbacks,
        callback_desk=callbacks,
        routing=routing,
        decisions=routing,
    )


@asynccontextmanager
async def web_site(
    folder: Path, *, dist: Path | None = None, rules: WebRules | None = None, clock: Clock | None = None
) -> AsyncIterator[Site]:
    """A running site with three agents, a supervisor and an administrator."""
    (folder / "recordings").mkdir()
    users, records = FakeUsers(), FakeRecords()
    for number, username, role, extension in (
        (1, "lina", "agent", "1001"),
        (2, "wei", "agent", "1002"),
        (3, "noah", "agent", ""),
        (9, "sofia", "supervisor", ""),
        (10, "root", "admin", ""),
    ):
        users.add(number, username, role, extension=extension)
    audited: list[tuple[str, int, dict[str, str]]] = []

    def audit(action: str, user_id: UserId, **facts: str) -> None:
        audited.append((action, int(user_id), facts))

    parts = parts_for(folder, users, records, dist=dist, rules=rules, clock=clock, audit=audit)
    desk, board = cast("FakeDesk", parts.desk), cast("FakeBoard", parts.board)
    server = WebServer(build_app(parts), "127.0.0.1", 0)
    site = Site(desk, board, users, records, parts.hub, parts, audited, await server.start())
    try:
        yield site
    finally:
        await server.stop()


async def receive(ws: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of this type; others are passed over."""
    while True:
        message: dict[str, Any] = json.loads(await ws.recv())
        if message["type"] == kind:
            return message


async def tell(ws: ClientConnection, kind: str, **fields: Any) -> None:
    """Send one message."""
    await ws.send(json.dumps({"type": kind, **fields}))
