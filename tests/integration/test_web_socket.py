"""The screens' sockets, with a real client."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from callcenter.errors import Conflict
from callcenter.ids import AgentId
from callcenter.web import rounds, screen, socket
from tests.fakes.fake_desk import agent_data, board_data, pop_for, record
from tests.fakes.web_site import AGENT, SUPERVISOR, Site, receive, tell, web_site

pytestmark = pytest.mark.integration
CALL = "a" * 32


async def close_code(ws: ClientConnection) -> int | None:
    """Read to the end; the code that the server closed with."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await ws.recv()
    return ws.close_code


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


async def test_snapshot_first_then_the_stream(tmp_path: Path) -> None:
    """The first message is the whole state; each later one has the next number; the desk knows of the screen."""
    async with web_site(tmp_path) as site, site.logged_in() as browser:
        async with site.socket(browser) as ws:
            first = json.loads(await ws.recv())
            assert (first["type"], first["seq"]) == ("snapshot", 1)
            assert first["agent"]["name"] == "Lina"
            assert {"call", "pop", "wrap_up", "telephony"} <= first.keys()
            assert "html" not in first
            assert site.desk.screens == {AGENT: 1}
            await tell(ws, "ready", ref="r1")
            answers = [json.loads(await ws.recv()) for _ in range(2)]
            assert answers[0] == {"type": "agent", "agent": answers[0]["agent"], "seq": 2}
            assert answers[0]["agent"]["state"] == "ready"
            assert answers[1] == {"type": "done", "ref": "r1", "seq": 3}
        await until(lambda: site.desk.screens == {AGENT: 0})
        assert len(site.hub) == 0


async def test_a_pop_is_confirmed_by_the_first_screen_that_shows_it(tmp_path: Path) -> None:
    """Two tabs get it once each; one acknowledgement is enough; without one the answer is False at the limit."""
    async with (
        web_site(tmp_path) as site,
        site.logged_in() as browser,
        site.socket(browser) as one,
        site.socket(browser, query="") as two,
    ):
        offering = asyncio.create_task(site.desk.offer(AGENT, pop_for(record()), 5))
        seen = [await receive(ws, "pop") for ws in (one, two)]
        assert "html" not in seen[0]
        assert "王芳" in seen[1]["html"]["pop"]
        await tell(two, "pop_shown", call_id="a" * 32, offer_id="f" * 32)
        await tell(two, "pop_shown", call_id="a" * 32, offer_id="e" * 32)
        assert await offering is True
        assert await site.hub.show_pop(AGENT, pop_for(record()), 0.02) is False
        assert await site.hub.show_pop(AgentId(77), pop_for(record()), 0.02) is False
        await tell(one, "alive")
        await receive(one, "pop")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(one.recv(), 0.1)


async def test_another_agents_screen_can_t_confirm_a_pop(tmp_path: Path) -> None:
    """Acknowledgements count for the agent of the session only, and pops go to nobody else."""
    async with (
        web_site(tmp_path) as site,
        site.logged_in() as lina,
        site.logged_in("wei") as wei,
        site.socket(lina) as hers,
        site.socket(wei) as his,
    ):
        await his.recv()
        offering = asyncio.create_task(site.desk.offer(AGENT, pop_for(record()), 0.2))
        await receive(hers, "pop")
        await tell(his, "pop_shown", call_id="a" * 32, offer_id="e" * 32)
        assert await offering is False
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(his.recv(), 0.1)


async def test_a_reload_gets_everything_again(tmp_path: Path) -> None:
    """Also the pop and the wrap-up, with their fragments."""
    async with web_site(tmp_path) as site, site.logged_in() as browser:
        await site.desk.offer(AGENT, pop_for(record()), 0.01)
        site.desk.set(AGENT, "wrap_up", {"call_id": "a" * 32, "seconds_left": 40.0, "customer_id": 17})
        async with site.socket(browser, query="") as ws:
            first = json.loads(await ws.recv())
        assert first["pop"]["customer"]["name"] == "王芳"
        assert 'data-seconds="40.0"' in first["html"]["wrap-up"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", None, "{url}.evil.example", "{url}0", "https://127.0.0.1:{port}"],
)
async def test_sockets_are_for_our_own_pages(tmp_path: Path, origin: str | None) -> None:
    """A11: another site, null, no origin, lookalikes, another scheme: 403, with a valid session."""
    async with web_site(tmp_path) as site, site.logged_in() as browser:
        given = origin.format(url=site.url, port=site.port) if origin else None
        with pytest.raises(InvalidStatus) as refused:
            async with site.socket(browser, origin=given):
                pass
        assert refused.value.response.status_code == 403
        assert site.desk.screens == {}


async def test_strangers_have_no_socket(tmp_path: Path) -> None:
    """Nor do tokens in the address count (A12)."""
    async with web_site(tmp_path) as site, site.logged_in() as browser:
        cookies = site.cookie_header(browser)
        browser.cookie_jar.clear()
        for query in ("?json=1", f"?json=1&{cookies.replace('; ', '&')}"):
            with pytest.raises(InvalidStatus) as refused:
                async with site.socket(browser, query=query):
                    pass
            assert refused.value.response.status_code == 401


async def test_orders_and_errors_come_back_with_their_ref(tmp_path: Path) -> None:
    """A refused order says code and sentence; a broken message is an error, not the end."""
    async with web_site(tmp_path) as site, site.logged_in() as browser, site.socket(browser) as ws:
        await ws.recv()
        await tell(ws, "finish_wrap_up", ref=7, disposition="RESOLVED", note="")
        error = await receive(ws, "error")
        assert (error["ref"], error["code"]) == (7, "conflict")
        for text in (
            "{",
            "[]",
            '"x"',
            "null",
            "[" * 20000,
            '{"type": "listen", "agent_id": 2}',
            '{"ref": {}}',
        ):
            await ws.send(text)
            assert (await receive(ws, "error"))["code"] == "bad_input"
        await tell(ws, "log_complaint", ref="c", category="other", severity="low", subject="Late", text="")
        assert (await receive(ws, "done"))["number"] == "C-000042"
        await tell(ws, "answer", ref=1)
        await tell(ws, "hang_up", ref=2)
        await receive(ws, "done")
        await receive(ws, "done")
        assert [one[0] for one in site.desk.told] == ["log_complaint", "answer", "hang_up"]


async def test_chinese_readers_get_chinese_errors(tmp_path: Path) -> None:
    """A page gets the sentence of its language; a script the exact English one."""
    async with web_site(tmp_path) as site, site.logged_in() as browser:
        site.users.change(1, language="zh")
        async with site.socket(browser, query="") as page, site.socket(browser) as script:
            sentences = []
            for ws in (page, script):
                await tell(ws, "dial", number="x")
                sentences.append((await receive(ws, "error"))["message"])
        assert sentences[0] == "输入有误，请检查后重试。"
        assert sentences[1].startswith("A number has digits")


@pytest.mark.parametrize("ending", ["log_out", "role", "password", "blocked", "dropped", "logout form"])
async def test_a_log_in_that_ends_takes_its_pages_along(tmp_path: Path, ending: str) -> None:
    """A13: within 5 s, with 4401, for each way that a log-in can end."""
    async with web_site(tmp_path) as site, site.logged_in() as browser, site.socket(browser) as ws:
        await ws.recv()
        match ending:
            case "log_out":
                await tell(ws, "log_out")
            case "role":
                site.users.change(1, role="supervisor")
            case "password":
                site.users.change(1, password_hash="another")
            case "blocked":
                site.users.change(1, active=False)
            case "dropped":
                site.users.sessions.clear()
            case _:
                async with browser.get(f"{site.url}/session") as answer:
                    csrf = (await answer.json())["csrf"]
                async with browser.post(f"{site.url}/logout", headers={"X-CSRF-Token": csrf}) as answer:
                    assert answer.status == 200
        async with asyncio.timeout(5):
            assert await close_code(ws) == screen.SESSION_OVER


async def test_open_pages_keep_their_session_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent who only takes calls loads no page for hours; the open socket counts as use."""
    monkeypatch.setattr(rounds, "TOUCH_SECONDS", 0.0)
    async with web_site(tmp_path) as site, site.logged_in() as browser, site.socket(browser) as ws:
        await ws.recv()
        before = next(iter(site.users.sessions.values())).seen_at
        await until(lambda: next(iter(site.users.sessions.values())).seen_at > before)


async def test_too_many_messages_and_too_many_pages(tmp_path: Path) -> None:
    """A16: the 101st message in ten seconds, and the 11th page, are the end of that page; others go on."""
    async with (
        web_site(tmp_path) as site,
        site.logged_in() as browser,
        site.logged_in("wei") as other,
        contextlib.AsyncExitStack() as stack,
    ):
        pages = [await stack.enter_async_context(site.socket(browser)) for _ in range(10)]
        await until(lambda: len(site.hub) == 10)
        extra = await stack.enter_async_context(site.socket(browser))
        assert await close_code(extra) == screen.TOO_MUCH
        for _ in range(socket.MESSAGES + 1):
            await tell(pages[0], "alive")
        assert await close_code(pages[0]) == screen.TOO_MUCH
        ws = await stack.enter_async_context(site.socket(other))
        assert json.loads(await ws.recv())["type"] == "snapshot"


async def test_a_frame_that_is_too_big_is_the_end(tmp_path: Path) -> None:
    """A16: 64 KiB are enough for everything a page says; binary frames are passed over."""
    async with web_site(tmp_path) as site, site.logged_in() as browser, site.socket(browser) as ws:
        await ws.recv()
        await ws.send(b"\x00\x01")
        await tell(ws, "ready", ref=1)
        await receive(ws, "done")
        await ws.send("x" * (64 * 1024 + 1))
        assert await close_code(ws) == 1009


async def test_a_page_that_does_not_read_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A16, rule 7: the slow page is closed; meanwhile another agent's pop arrives at once."""
    monkeypatch.setattr(screen, "SEND_SECONDS", 0.5)
    async with (
        web_site(tmp_path) as site,
        site.logged_in() as slow,
        site.logged_in("wei") as other,
        site.socket(slow) as stuck,
        site.socket(other) as quick,
    ):
        await stuck.recv()
        stuck.transport.pause_reading()
        big = {**agent_data(), "name": "x" * 200_000}
        for _ in range(60):
            site.hub.update(AGENT, "agent", {"agent": big})
            await asyncio.sleep(0.001)
        offering = asyncio.create_task(site.hub.show_pop(AgentId(2), pop_for(record()), 1))
        async with asyncio.timeout(0.3):
            await receive(quick, "pop")
        await tell(quick, "pop_shown", call_id="a" * 32, offer_id="e" * 32)
        assert await offering
        await until(lambda: site.desk.screens[AGENT] == 0)
        stuck.transport.abort()


async def test_a_page_whose_messages_can_t_be_drawn_is_cut(tmp_path: Path) -> None:
    """A fault in a template must not leave a page that looks alive and hears nothing; scripts are not touched."""
    async with (
        web_site(tmp_path) as site,
        site.logged_in() as browser,
        site.socket(browser, query="") as page,
        site.socket(browser) as script,
    ):
        await page.recv()
        await script.recv()
        with capture_logs() as logged:
            site.hub.update(AGENT, "call", {"call": {"id": CALL, "stage": "ringing"}})
            assert await close_code(page) == 1006
        assert [one["event"] for one in logged] == ["task failed"]
        assert (await receive(script, "call"))["call"]["stage"] == "ringing"


async def test_a_silent_page_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page whose script has stopped says nothing; it does not keep its agent ready."""
    monkeypatch.setattr(socket, "SILENT_SECONDS", 0.2)
    async with web_site(tmp_path) as site, site.logged_in() as browser, site.socket(browser) as ws:
        await close_code(ws)
        await until(lambda: site.desk.screens == {AGENT: 0})


async def test_the_board_comes_when_it_has_changed(tmp_path: Path) -> None:
    """A supervisor without a phone gets a snapshot, the board, and the board again only after a change; agents
    get none."""
    async with web_site(tmp_path) as site, site.logged_in("sofia") as browser, site.logged_in() as agent:
        async with site.socket(browser, query="") as ws, site.socket(agent) as hers:
            await hers.recv()
            first = json.loads(await ws.recv())
            assert first["agent"] is None
            board = await receive(ws, "board")
            assert board["board"] == board_data()
            assert "王芳" in board["html"]["board"]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ws.recv(), rounds.BOARD_SECONDS * 2.5)
            site.board.board["telephony"] = "down"
            site.board.changes += 1
            html = (await receive(ws, "board"))["html"]
            assert "hidden" not in html["telephony"]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(hers.recv(), 0.01)
        assert SUPERVISOR not in site.desk.screens


async def test_a_phone_taken_by_another_ends_the_log_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart somebody else may have the phone: the page is told to log in again."""

    async def taken(*_: Any, **__: Any) -> None:
        raise Conflict("The phone 1001 is taken.")

    async with web_site(tmp_path) as site, site.logged_in() as browser:
        site.desk.seats.clear()
        monkeypatch.setattr(site.desk, "log_in", taken)
        with pytest.raises(InvalidStatus) as refused:
            async with site.socket(browser):
                pass
        assert refused.value.response.status_code == 409
        assert site.users.sessions == {}


async def test_the_server_stops_with_pages_open(tmp_path: Path) -> None:
    """Pages are told, and nothing is left behind (the leak check sees to that)."""
    async with contextlib.AsyncExitStack() as stack:
        async with web_site(tmp_path) as site:
            browser = await stack.enter_async_context(site.logged_in())
            ws = await stack.enter_async_context(site.socket(browser))
            await ws.recv()
        assert json.loads(await ws.recv())["type"] == "bye"
        assert await close_code(ws) == screen.GOING_AWAY


def pops_of(site: Site) -> int:
    """How many pops are waited for."""
    return len(site.hub._awaited)


async def test_nothing_is_kept_of_pops_that_nobody_confirms(tmp_path: Path) -> None:
    """Waiting ends with the limit, also when whoever waits is cancelled."""
    async with web_site(tmp_path) as site, site.logged_in() as browser, site.socket(browser) as ws:
        await ws.recv()
        await site.hub.show_pop(AGENT, pop_for(record()), 0.01)
        waiting = asyncio.create_task(site.hub.show_pop(AGENT, pop_for(record()), 60))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert pops_of(site) == 0
