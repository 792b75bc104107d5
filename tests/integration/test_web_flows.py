"""The pages of flows, their editor's requests, and the callers in them, over HTTP and a socket."""

import asyncio
import dataclasses
import datetime as dt
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from websockets.exceptions import InvalidStatus

from callcenter.web.bodies import BODY_LIMIT
from callcenter.web.flow_changes import CHECK_TRIES
from callcenter.web.parts import WebRules
from tests.fakes.fake_flows import TEXT
from tests.fakes.web_site import Site, receive, web_site

pytestmark = pytest.mark.integration

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOSTILE = "<img src=x onerror=alert(1)>'\"</textarea><script>alert(2)</script>"


@asynccontextmanager
async def editor(
    site: Site, username: str = "root"
) -> AsyncIterator[tuple[aiohttp.ClientSession, dict[str, str]]]:
    """A browser with a session, and the headers that our script sends with JSON."""
    async with site.logged_in(username) as browser:
        async with browser.get(f"{site.url}/session") as answer:
            token = (await answer.json())["csrf"]
        yield browser, {"X-CSRF-Token": token, "Origin": site.url}


async def send(
    site: Site, browser: aiohttp.ClientSession, path: str, headers: dict[str, str], **fields: Any
) -> tuple[int, dict[str, Any]]:
    """POST JSON; gives the status and what came back."""
    async with browser.post(f"{site.url}/flows/{path}", json=fields, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_change_needs_its_token_in_a_header_our_origin_and_json(tmp_path: Path) -> None:
    """No token, another's, a foreign or no origin, a form: refused, and the flow is not even looked at."""
    async with (
        web_site(tmp_path) as site,
        editor(site) as (browser, good),
        editor(site, "sofia") as (_, others),
    ):
        token = good["X-CSRF-Token"]
        for headers in (
            {"Origin": site.url},
            {"X-CSRF-Token": "", "Origin": site.url},
            {"X-CSRF-Token": "x" * 64, "Origin": site.url},
            {"X-CSRF-Token": others["X-CSRF-Token"], "Origin": site.url},
            {"X-CSRF-Token": token},
            {"X-CSRF-Token": token, "Origin": "https://evil.example"},
            {"X-CSRF-Token": token, "Origin": "null"},
        ):
            for path in ("main/check", "main/rehearse", "main/publish"):
                assert (await send(site, browser, path, headers, text=TEXT))[0] == 403, headers
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
            headers = {**good, "Content-Type": kind}
            body = f'{{"csrf": "{token}", "text": "a"}}'
            async with browser.post(f"{site.url}/flows/main/check", data=body, headers=headers) as answer:
                assert answer.status == 400, kind
        assert site.flows.checked == []
        async with browser.post(
            f"{site.url}/flows/main/check", json={"csrf": token}, headers={"Origin": site.url}
        ) as answer:
            assert answer.status == 403
        assert (await send(site, browser, "main/check", good, text=TEXT))[0] == 200


async def test_supervisors_see_and_admins_change(tmp_path: Path) -> None:
    """A supervisor with a right token still can't check, publish or roll back, and is shown no button for it."""
    async with web_site(tmp_path) as site, editor(site, "sofia") as (browser, headers):
        for path in ("main/check", "main/rehearse", "main/publish"):
            assert (await send(site, browser, path, headers, text=TEXT))[0] == 403
        async with browser.post(f"{site.url}/flows/main/versions/1/publish", headers=headers) as answer:
            assert answer.status == 403
        async with browser.get(f"{site.url}/flows/main") as answer:
            page = await answer.text()
        assert "/edit" not in page
        assert "versions/1/publish" not in page
        assert len(site.flows.kept) == 2


async def test_check_tells_faults_and_picture(tmp_path: Path) -> None:
    """Faults with their lines; the picture in the reader's language; none for a text that can't be read."""
    async with web_site(tmp_path) as site, editor(site) as (browser, headers):
        site.users.change(10, language="zh")
        status, answer = await send(site, browser, "main/check", headers, text="a\nbad one\n")
        assert (status, answer["faults"]) == (
            200,
            [{"line": 2, "node": "main_menu", "message": "There is no node bad one", "warning": False}],
        )
        nodes = {one["name"]: one for one in answer["graph"]["nodes"]}
        assert nodes["main_menu"]["title"] == "主菜单"
        assert nodes["main_menu"]["kind"] == "菜单"
        assert {"source": "main_menu", "target": "operator", "label": "无输入", "usual": False} in answer[
            "graph"
        ]["edges"]
        assert (await send(site, browser, "main/check", headers, text="unreadable"))[1]["graph"] is None
        assert (await send(site, browser, "nothing/check", headers, text=TEXT))[0] == 404


async def test_publish_and_what_stands_in_its_way(tmp_path: Path) -> None:
    """A new version is kept with who and why; faults are 400, all of them; a newer version is 409 with who made it."""
    async with web_site(tmp_path) as site, editor(site) as (browser, headers):
        status, answer = await send(
            site, browser, "main/publish", headers, text=TEXT + "# x", note=" Two\twords ", over=2
        )
        assert (status, answer) == (200, {"version": 3})
        assert (site.flows.kept[-1].note, site.flows.kept[-1].by) == ("Two words", 10)
        status, answer = await send(site, browser, "main/publish", headers, text="bad\nbad", note="", over=3)
        assert (status, [one["line"] for one in answer["faults"]]) == (400, [1, 2])
        site.flows.publish_meanwhile(TEXT)
        status, answer = await send(site, browser, "main/publish", headers, text=TEXT, note="", over=3)
        assert status == 409
        assert (answer["current"]["version"], answer["current"]["by"]) == (4, "Sofia")
        assert [fact for action, who, fact in site.audited if action == "flow_published"] == [
            {"flow": "main", "version": "3"}
        ]


async def test_roll_back_is_a_form(tmp_path: Path) -> None:
    """An old text becomes a new version; one that never was is not found."""
    async with web_site(tmp_path) as site, editor(site) as (browser, headers):
        form = {"csrf": headers["X-CSRF-Token"]}
        url = f"{site.url}/flows/main/versions"
        async with browser.post(f"{url}/1/publish", data=form, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/flows/main")
        assert (site.flows.kept[-1].version, site.flows.kept[-1].text) == (3, site.flows.kept[0].text)
        async with browser.post(f"{url}/99/publish", data=form) as answer:
            assert answer.status == 404
        async with browser.get(f"{url}/1.yaml") as answer:
            assert await answer.text() == site.flows.kept[0].text
        async with browser.get(f"{url}/99.yaml") as answer:
            assert answer.status == 404


async def test_bodies_that_are_no_use(tmp_path: Path) -> None:
    """Too long, no JSON, deep, of wrong kinds: 4xx; 1 MiB of quotes passes, which JSON makes twice as long."""
    async with web_site(tmp_path) as site, editor(site) as (browser, headers):
        url = f"{site.url}/flows/main/check"
        bodies = (
            (b"{", 400),
            (b"[" * 200_000, 400),
            (b"[]", 400),
            (b"\xff\xfe", 400),
            (b'{"text": 5}', 400),
            (b'{"text": "\\ud800"}', 400),
            (b'{"text": "a\\u0000b"}', 400),
            (json.dumps({"text": "x" * (1024 * 1024 + 1)}).encode(), 400),
            (json.dumps({"text": '"' * 1024 * 1024}).encode(), 200),
        )
        for body, status in bodies:
            async with browser.post(
                url, data=io.BytesIO(body), headers={**headers, "Content-Type": "application/json"}
            ) as answer:
                assert answer.status == status, body[:40]
        wrong: tuple[dict[str, Any], ...] = (
            {"keys": "12"},
            {"keys": [1]},
            {"keys": ["1"] * 501},
            {"facts": {"a": 1}},
            {"facts": []},
            {"keys": ["\x07"]},
        )
        for fields in wrong:
            assert (await send(site, browser, "main/rehearse", headers, text=TEXT, **fields))[0] == 400, (
                fields
            )
        for over in ("2", True, 0, -1, 2.5, 2**40):
            assert (await send(site, browser, "main/publish", headers, text=TEXT, over=over))[0] == 400, over
        # Other routes keep their small limit.
        async with browser.post(f"{site.url}/logout", data=b"x" * 200_000) as answer:
            assert 400 <= answer.status < 500


async def test_a_body_that_is_too_long_is_not_read_to_its_end(tmp_path: Path) -> None:
    """Said in its length or found out on the way: 413."""
    async with web_site(tmp_path) as site, editor(site) as (browser, headers):
        fields = {
            **headers,
            "Cookie": site.cookie_header(browser),
            "Content-Type": "application/json",
            "Host": "x",
        }
        fields["Origin"] = "http://x"
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        for length, body in (
            (f"Content-Length: {BODY_LIMIT + 1}", b"{"),
            ("Transfer-Encoding: chunked", chunk * (BODY_LIMIT // 65536 + 1)),
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            lines = ["POST /flows/main/check HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items()), length]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            assert b" 413 " in await reader.readline()
            with suppress(ConnectionError):
                await reader.read()
            writer.close()


async def test_rehearse_answers_with_steps(tmp_path: Path) -> None:
    """Keys go in, what is heard and the end come out."""
    async with web_site(tmp_path) as site, editor(site) as (browser, headers):
        status, answer = await send(
            site, browser, "main/rehearse", headers, text=TEXT, keys=["1", "silence"], facts={"tier": "vip"}
        )
        assert status == 200
        assert [one["pressed"] for one in answer["steps"]] == ["", "1", "silence"]
        assert (answer["end"], answer["gone"]) == ("waits in the queue support [('tier', 'vip')]", False)
        assert (await send(site, browser, "main/rehearse", headers, text="bad"))[0] == 400


async def test_checks_are_limited_for_each_user(tmp_path: Path) -> None:
    """One who asks without end is told to wait; another is not."""
    async with web_site(tmp_path) as site, editor(site) as (browser, headers):
        statuses = [
            (await send(site, browser, "main/check", headers, text="a"))[0] for _ in range(CHECK_TRIES + 1)
        ]
        assert statuses == [200] * CHECK_TRIES + [429]
        site.users.add(11, "ada", "admin")
        async with editor(site, "ada") as (other, own):
            assert (await send(site, other, "main/check", own, text="a"))[0] == 200


async def test_periods_are_days_of_the_centre(tmp_path: Path) -> None:
    """Midnight is that of the centre's zone, both days of a custom period are meant, nonsense is refused."""
    async with (
        web_site(tmp_path, rules=WebRules(zone=SHANGHAI)) as site,
        site.logged_in("sofia") as browser,
    ):
        url = f"{site.url}/flows/main"
        for query, days in (("", 1), ("?period=today", 1), ("?period=week", 7), ("?period=month", 30)):
            async with browser.get(url + query) as answer:
                assert answer.status == 200
            since, until = site.flows.asked[-1]
            assert until - since == dt.timedelta(days=days)
            assert since.astimezone(dt.UTC).hour == 16
        async with browser.get(f"{url}?period=custom&from=2026-01-05&to=2026-01-06") as answer:
            assert answer.status == 200
        since, until = site.flows.asked[-1]
        assert (since.isoformat(), until.isoformat()) == (
            "2026-01-04T16:00:00+00:00",
            "2026-01-06T16:00:00+00:00",
        )
        for query in (
            "period=never",
            "period=custom",
            "period=custom&from=2026-01-06&to=2026-01-05",
            "period=custom&from=0001-01-01&to=9999-12-31",
        ):
            async with browser.get(f"{url}?{query}") as answer:
                assert answer.status == 400, query


async def test_hostile_words_are_text_on_every_page(tmp_path: Path) -> None:
    """Titles, prompts, notes, texts and names of authors make no element and end no attribute."""
    async with web_site(tmp_path) as site, site.logged_in("root") as browser:
        graph = site.flows.graphs["main"]
        evil = dataclasses.replace(graph.nodes[0], title_en=HOSTILE, text_en=HOSTILE, name=HOSTILE)
        site.flows.graphs["main"] = dataclasses.replace(graph, nodes=(evil, *graph.nodes[1:]))
        kept = site.flows.kept[-1]
        site.flows.kept[-1] = dataclasses.replace(kept, note=HOSTILE, by_name=HOSTILE, text=HOSTILE)
        for path in ("/flows", "/flows/main", "/flows/main/edit"):
            async with browser.get(site.url + path) as answer:
                page = await answer.text()
            assert answer.status == 200
            assert "<img" not in page
            assert "alert(2)</script>" not in page
            assert "&lt;img src=x" in page


async def test_callers_are_pushed_to_those_who_watch(tmp_path: Path) -> None:
    """The page gets the counts when it comes and when they change, only then; nobody else gets them, and a page beside
    the desk gets neither board nor pops, nor does it hold a seat."""
    async with (
        web_site(tmp_path) as site,
        site.logged_in("sofia") as browser,
        site.logged_in("lina") as agent,
    ):
        async with (
            site.socket(browser, query="?json=1&beside=1&flow=main") as ws,
            site.socket(browser) as board,
        ):
            message = await receive(ws, "now")
            assert message["now"] == {"flow": "main", "nodes": {"main_menu": 3, "service": 12}}
            site.flows.changes += 1
            await asyncio.sleep(0.7)
            site.flows.count(main_menu=4)
            message = json.loads(await ws.recv())
            assert (message["type"], message["now"]["nodes"]) == ("now", {"main_menu": 4})
            assert json.loads(await board.recv())["type"] == "snapshot"
            assert json.loads(await board.recv())["type"] == "board"
        async with site.socket(agent, query="?json=1&beside=1"):
            await asyncio.sleep(0.05)
            assert not any(site.desk.screens.values())
        for who, query, status in (
            (agent, "?beside=1&flow=main", 403),
            (browser, "?beside=1&flow=none", 404),
        ):
            with pytest.raises(InvalidStatus) as refused:
                await site.socket(who, query=query)
            assert refused.value.response.status_code == status
