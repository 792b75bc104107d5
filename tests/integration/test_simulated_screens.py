"""Simulated screens against a small server that keeps the web contract: as a real process, over real sockets."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from callcenter.rig.journal import read_journal
from callcenter.rig.screen_client import LogInRefused, form_token, log_in

pytestmark = [pytest.mark.integration, pytest.mark.timeout(30)]

AGENT = {"id": 1, "name": "A", "extension": "1001", "state": "not_ready"}
POP = {"call_id": "c1", "offer_id": "o1", "caller_name": "李雷"}


class SmallServer:
    """Log-in with form token and cookies, and a socket that offers one call on ready."""

    def __init__(self) -> None:
        self.url = ""
        self.said: list[dict[str, Any]] = []
        self.origins: list[str | None] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.early = 0

    async def start(self) -> web.AppRunner:
        """Serve on a free port."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/login", self.form),
                web.post("/login", self.enter),
                web.get("/session", self.session),
                web.get("/ws", self.socket),
            ]
        )
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def form(self, _request: web.Request) -> web.Response:
        """The log-in page."""
        page = web.Response(text='<form><input type="hidden" name="csrf" value="t&amp;1"></form>')
        page.set_cookie("callcenter_login", "pre")
        return page

    async def enter(self, request: web.Request) -> web.Response:
        """The log-in."""
        if self.early:
            self.early -= 1
            return web.Response(status=429)
        form = await request.post()
        if request.cookies.get("callcenter_login") != "pre" or form.get("csrf") != "t&1":
            return web.Response(status=403)
        if form.get("password") != "right":
            return web.Response(status=401)
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie("callcenter_session", "s1")
        return answer

    async def session(self, request: web.Request) -> web.Response:
        """Who is it?"""
        if request.cookies.get("callcenter_session") != "s1":
            return web.Response(status=401)
        return web.json_response({"csrf": "x", "user": {}})

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """The agent's socket."""
        if request.cookies.get("callcenter_session") != "s1":
            return web.Response(status=401)
        self.origins.append(request.headers.get("Origin"))
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        self.sockets.append(ws)
        seq = 1
        await ws.send_json(
            {"type": "snapshot", "seq": 1, "agent": AGENT, "call": None, "pop": None, "wrap_up": None}
        )
        async for frame in ws:
            if frame.type is not WSMsgType.TEXT:
                continue
            said = json.loads(frame.data)
            self.said.append(said)
            for answer in self.answers(said["type"]):
                seq += 1
                await ws.send_json({**answer, "seq": seq})
        return ws

    def answers(self, kind: str) -> list[dict[str, Any]]:
        """What the server says to that."""
        match kind:
            case "ready":
                return [{"type": "agent", "agent": {**AGENT, "state": "ready"}}, {"type": "pop", "pop": POP}]
            case "pop_shown":
                return [{"type": "wrap_up", "wrap_up": {"call_id": "c1", "seconds_left": 30}}]
            case "finish_wrap_up":
                return [{"type": "wrap_up", "wrap_up": None}]
            case _:
                return []


@pytest.fixture
async def server() -> AsyncIterator[SmallServer]:
    """A server of its own for each test."""
    small = SmallServer()
    runner = await small.start()
    yield small
    await runner.cleanup()


@contextlib.asynccontextmanager
async def screens(folder: Path, server: SmallServer, **agent: object) -> AsyncIterator[Path]:
    """The program with one screen; its events."""
    events = folder / "screens.jsonl"
    one = {"username": "a1", "password": "right", "extension": "1001", "finish_after": [0, 0.1], **agent}
    config = folder / "screens.json"
    config.write_text(json.dumps({"url": server.url, "events": str(events), "screens": [one]}))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "callcenter.rig.screens", "--config", str(config)), stdout=subprocess.DEVNULL
    )
    try:
        yield events
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()


async def until(events: Path, *names: str) -> list[dict[str, object]]:
    """Wait until all these events are in the journal, as often as they are named."""
    async with asyncio.timeout(15):
        while True:
            seen = read_journal(events)
            found = [str(line["event"]) for line in seen]
            if all(found.count(name) >= names.count(name) for name in names):
                return seen
            await asyncio.sleep(0.05)


async def test_an_agents_work(server: SmallServer, tmp_path: Path) -> None:
    """A screen logs in, sends the page's Origin, says ready, acknowledges the pop and finishes the wrap-up."""
    async with screens(tmp_path, server) as events:
        seen = await until(events, "connected", "snapshot", "state", "pop", "wrap_up", "wrap_up")
    assert server.origins == [server.url]
    said = [message for message in server.said if message["type"] != "alive"]
    assert [message["type"] for message in said] == ["ready", "pop_shown", "finish_wrap_up"]
    assert (said[1]["call_id"], said[1]["offer_id"]) == ("c1", "o1")
    assert said[2]["disposition"] in {"RESOLVED", "INFORMATION"}
    pop = next(line for line in seen if line["event"] == "pop")
    assert (pop["agent"], pop["extension"], pop["pop"]) == ("a1", "1001", POP)
    assert read_journal(events)[-1]["gaps"] == 0


async def test_comes_back(server: SmallServer, tmp_path: Path) -> None:
    """A lost connection is opened again with the same session, and the snapshot comes first again."""
    async with screens(tmp_path, server, drop_at=[0.5], ready=False) as events:
        seen = await until(events, "connected", "dropped", "connected", "snapshot", "snapshot")
    assert next(line["code"] for line in seen if line["event"] == "dropped") == 1006
    assert not [message for message in server.said if message["type"] == "ready"]


async def test_session_over(server: SmallServer, tmp_path: Path) -> None:
    """When the server says that the session is over (4401), the screen stays away."""
    async with screens(tmp_path, server) as events:
        await until(events, "pop")
        await server.sockets[0].close(code=4401, message=b"logged out")
        seen = await until(events, "over")
        await asyncio.sleep(0.5)
    assert seen[-1]["why"] == "logged out"
    assert len(server.sockets) == 1


async def test_tries_later(server: SmallServer, tmp_path: Path) -> None:
    """A log-in that comes too early (429) is tried again."""
    server.early = 1
    async with screens(tmp_path, server) as events:
        await until(events, "log_in_refused", "connected")


async def test_wrong_password(server: SmallServer) -> None:
    """A refused log-in is an error that says so."""
    with pytest.raises(LogInRefused) as refused:
        await log_in(server.url, "a1", "wrong")
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("page", "token"),
    [
        ('<input type="hidden" name="csrf" value="a&quot;b">', 'a"b'),
        ("<input value='x' name='csrf'/>", "x"),
        ('<input name="csrf_other" value="no">', None),
        ("<input name=csrf>", None),
        ("", None),
    ],
)
def test_form_token(page: str, token: str | None) -> None:
    """The token is found however the field is written, and nothing else is taken for it."""
    assert form_token(page) == token
