"""Logging in and out over real HTTP."""

from http.cookies import SimpleCookie
from pathlib import Path

import aiohttp
import pytest

from callcenter.clock import ManualClock
from callcenter.ids import AgentId
from callcenter.web.parts import WebRules
from tests.fakes.web_site import CSRF, web_site

pytestmark = pytest.mark.integration


async def test_log_in_opens_the_role_s_page_and_takes_the_phone(tmp_path: Path) -> None:
    """An agent sits down at their usual phone and sees the desk; a supervisor sees the board without a phone."""
    async with web_site(tmp_path) as site:
        async with site.logged_in("lina") as browser, browser.get(f"{site.url}/") as page:
            assert page.url.path == "/agent"
            assert "Lina" in await page.text()
        assert site.desk.seats[AgentId(1)]["agent"]["extension"] == "1001"
        async with site.logged_in("sofia") as browser, browser.get(f"{site.url}/") as page:
            assert page.url.path == "/supervisor"
        assert AgentId(9) not in site.desk.seats


async def test_the_session_cookie_is_closed_to_scripts_and_other_sites(tmp_path: Path) -> None:
    """HttpOnly, SameSite, the whole site; Secure when the site is called by https."""
    for public_url, secure in (("", False), ("https://desk.example.com", True)):
        folder = tmp_path / str(secure)
        folder.mkdir()
        async with (
            web_site(folder, rules=WebRules(public_url=public_url)) as site,
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as browser,
        ):
            async with browser.get(f"{site.url}/login") as page:
                login, csrf = page.cookies["callcenter_login"], CSRF.findall(await page.text())[0]
            form = {"username": "lina", "password": "lina-pass", "csrf": csrf}
            headers = {"Cookie": f"callcenter_login={login.value}"}
            async with browser.post(
                f"{site.url}/login", data=form, headers=headers, allow_redirects=False
            ) as answer:
                assert answer.status == 303
                cookie = answer.cookies["callcenter_session"]
                assert "Strict-Transport-Security" in answer.headers or not secure
            for one in (login, cookie):
                assert one["httponly"]
                assert one["samesite"] == "Lax"
                assert one["path"] == "/"
                assert bool(one["secure"]) is secure


async def test_a_session_from_outside_is_never_taken_over(tmp_path: Path) -> None:
    """A29, fixation: a cookie planted before log-in is replaced, and a second log-in ends the first session."""
    async with web_site(tmp_path) as site, site.logged_in("sofia") as browser:
        first = SimpleCookie(site.cookie_header(browser))["callcenter_session"].value
        async with await site.log_in(browser, "sofia") as answer:
            second = answer.cookies["callcenter_session"].value
        assert first != second
        headers = {"Cookie": f"callcenter_session={first}"}
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as other,
            other.get(f"{site.url}/session", headers=headers) as answer,
        ):
            assert answer.status == 401


@pytest.mark.parametrize(
    ("form", "status", "shown"),
    [
        ({"username": "lina", "password": "wrong"}, 401, "The user name or the password is wrong."),
        ({"username": "nobody", "password": "wrong"}, 401, "The user name or the password is wrong."),
        ({"username": "noah"}, 400, "An agent needs a phone"),
        ({"username": "noah", "extension": "10'01"}, 400, "An extension has digits only"),
        ({"username": "noah", "extension": "1001"}, 409, "The phone 1001 is taken."),
    ],
)
async def test_a_log_in_that_fails_says_why(
    tmp_path: Path, form: dict[str, str], status: int, shown: str
) -> None:
    """The page comes again with the reason and the name, without the password."""
    async with web_site(tmp_path) as site, site.logged_in("lina"):
        async with (
            aiohttp.ClientSession(cookie_jar=site.cookies) as browser,
            await site.log_in(browser, **form) as answer,
        ):
            text = await answer.text()
        assert answer.status == status
        assert shown in text
        assert f'value="{form["username"]}"' in text
        assert "wrong" not in text.replace(shown, "")
        assert "callcenter_session" not in answer.cookies
        assert {one.user_id for one in site.users.sessions.values()} == {1}


async def test_too_many_tries_are_stopped(tmp_path: Path) -> None:
    """After five failures even the right password gets 429 and the seconds to wait; later it works."""
    clock = ManualClock()
    async with (
        web_site(tmp_path, clock=clock) as site,
        aiohttp.ClientSession(cookie_jar=site.cookies) as browser,
    ):
        for _ in range(5):
            async with await site.log_in(browser, password="guess") as answer:
                assert answer.status == 401
        async with await site.log_in(browser) as answer:
            assert answer.status == 429
            assert "300 seconds" in await answer.text()
        clock.move(301)
        async with await site.log_in(browser) as answer:
            assert answer.status == 303


async def test_log_out_ends_the_session_on_the_server(tmp_path: Path) -> None:
    """The old cookie opens nothing any more, and the phone is free."""
    async with web_site(tmp_path) as site, site.logged_in("lina") as browser:
        cookies = site.cookie_header(browser)
        async with browser.get(f"{site.url}/agent") as page:
            csrf = CSRF.findall(await page.text())[0]
        async with browser.post(f"{site.url}/logout", data={"csrf": csrf}) as answer:
            assert answer.url.path == "/login"
        assert not site.desk.seats
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as other,
            other.get(f"{site.url}/session", headers={"Cookie": cookies}) as answer,
        ):
            assert answer.status == 401
        assert [action for action, _, _ in site.audited] == ["log_in", "log_out"]


async def test_a_restarted_core_gives_the_seat_back(tmp_path: Path) -> None:
    """The session remembers the phone: nobody has to log in again because the core was restarted."""
    async with web_site(tmp_path) as site, site.logged_in("lina", extension="1077") as browser:
        site.desk.seats.clear()
        async with browser.get(f"{site.url}/agent") as page:
            assert page.status == 200
        assert site.desk.seats[AgentId(1)]["agent"]["extension"] == "1077"


async def test_the_language_is_chosen_by_strangers_and_users(tmp_path: Path) -> None:
    """A stranger's choice lasts in a cookie; a user's is kept with the user. Only local paths are gone back to."""
    async with web_site(tmp_path) as site, aiohttp.ClientSession(cookie_jar=site.cookies) as browser:
        async with browser.get(f"{site.url}/login") as page:
            csrf = CSRF.findall(await page.text())[0]
        form = {"language": "zh", "next": "/login", "csrf": csrf}
        async with browser.post(f"{site.url}/language", data=form) as page:
            assert 'lang="zh-CN"' in await page.text()
        async with await site.log_in(browser) as answer:
            assert answer.status == 303
        async with browser.get(f"{site.url}/session") as answer:
            form["csrf"] = (await answer.json())["csrf"]
        for path in ("//evil.example", "https://evil.example", "/\\evil.example", "/..//evil.example", ""):
            form["next"] = path
            async with browser.post(f"{site.url}/language", data=form, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (303, "/")
        assert (await site.users.user_by_name("lina")).language == "zh"  # type: ignore[union-attr]
        form["language"] = "de"
        async with browser.post(f"{site.url}/language", data=form) as answer:
            assert answer.status == 400
