"""Who may ask for what: every route, walked as a stranger, an agent, a supervisor and an administrator."""

from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from callcenter.errors import CallcenterError
from callcenter.ids import CallId, CustomerId
from callcenter.web.parts import RULES, WebRules
from callcenter.web.ports import CallStory
from callcenter.web.server import build_app
from tests.fakes.fake_desk import AT, record
from tests.fakes.web_site import CSRF, Site, web_site

pytestmark = pytest.mark.integration

CALL, OTHER_CALL, SOUND = "a" * 32, "b" * 32, "c" * 32
EXPECTED: dict[tuple[str, str], tuple[int, int, int, int]] = {
    ("GET", "/"): (303, 303, 303, 303),
    ("GET", "/login"): (200, 200, 200, 200),
    ("POST", "/login"): (403, 403, 403, 403),
    ("POST", "/logout"): (401, 403, 403, 403),
    ("POST", "/language"): (403, 403, 403, 403),
    ("GET", "/agent"): (303, 200, 303, 303),
    ("GET", "/supervisor"): (303, 403, 200, 200),
    ("GET", "/calls/{call_id}"): (303, 200, 200, 200),
    ("GET", "/customers/{customer_id}"): (303, 200, 200, 200),
    ("GET", "/recordings/{recording_id}.wav"): (401, 200, 200, 200),
    ("GET", "/inbox"): (303, 200, 200, 200),
    ("POST", "/inbox/voicemails/{work_id}/take"): (401, 403, 403, 403),
    ("POST", "/inbox/voicemails/{work_id}/done"): (401, 403, 403, 403),
    ("POST", "/inbox/callbacks/{work_id}/cancel"): (401, 403, 403, 403),
    ("GET", "/flows"): (303, 403, 200, 200),
    ("GET", "/flows/{flow}"): (303, 403, 200, 200),
    ("GET", "/flows/{flow}/versions/{version}.yaml"): (401, 403, 200, 200),
    ("GET", "/flows/{flow}/edit"): (303, 403, 403, 200),
    ("POST", "/flows/{flow}/check"): (401, 403, 403, 403),
    ("POST", "/flows/{flow}/rehearse"): (401, 403, 403, 403),
    ("POST", "/flows/{flow}/publish"): (401, 403, 403, 403),
    ("POST", "/flows/{flow}/versions/{version}/publish"): (401, 403, 403, 403),
    ("GET", "/routing"): (303, 403, 200, 200),
    ("POST", "/routing/versions/{version}/publish"): (401, 403, 403, 403),
    ("GET", "/session"): (401, 200, 200, 200),
    ("GET", "/ws"): (403, 403, 403, 403),
    ("GET", "/assets/{name}"): (200, 200, 200, 200),
    ("GET", "/healthz"): (200, 200, 200, 200),
    ("GET", "/metrics"): (200, 200, 200, 200),
}
"""Status for a stranger, an agent, a supervisor, an administrator; POST without a form token, /ws without an origin."""
FILLED = {"call_id": CALL, "customer_id": "17", "recording_id": SOUND, "name": "app.js"}
FILLED |= {"flow": "main", "version": "1", "work_id": "e" * 32}


def story(call_id: str, *agents: int) -> CallStory:
    """A kept call of these agents."""
    return CallStory(
        CallId(call_id), "inbound", "+8613800138000", "400", CustomerId(17), "王芳", "vip", "support", AT, AT,
        "caller_hangup", agent_ids=frozenset(agents),
    )  # fmt: skip


def furnish(site: Site) -> None:
    """A customer, two calls and a recording of the first."""
    site.records.customers[CustomerId(17)] = record()
    site.records.stories = {CallId(CALL): story(CALL, 1), CallId(OTHER_CALL): story(OTHER_CALL, 2)}
    path = site.parts.folders.recordings / f"{SOUND}.wav"
    path.write_bytes(b"RIFF" + bytes(96))
    site.records.recordings = {SOUND: (path, frozenset({1}))}


def routes_of(site: Site) -> set[tuple[str, str]]:
    """All routes that a fresh application of these parts has."""
    app = build_app(site.parts)
    rules = app[RULES]
    assert set(rules.keys()) == set(app.router.routes())
    return {(one.method, one.resource.canonical) for one in app.router.routes() if one.resource is not None}


async def test_every_route_for_everybody(tmp_path: Path) -> None:
    """The whole table, as four kinds of people; a route that this test does not know fails it."""
    async with web_site(tmp_path) as site:
        furnish(site)
        assert routes_of(site) == set(EXPECTED)
        async with (
            aiohttp.ClientSession(cookie_jar=site.cookies) as stranger,
            site.logged_in("lina") as agent,
            site.logged_in("sofia") as supervisor,
            site.logged_in("root") as admin,
        ):
            for (method, path), expected in EXPECTED.items():
                url = site.url + path.format(**FILLED)
                for browser, status in zip((stranger, agent, supervisor, admin), expected, strict=True):
                    async with browser.request(method, url, allow_redirects=False) as answer:
                        assert answer.status == status, (method, path, status)
                        if status == 303 and browser is stranger:
                            assert answer.headers["Location"] == "/login"


async def test_agents_see_their_own_calls_only(tmp_path: Path) -> None:
    """A15: somebody else's call or recording is not there, and that it was tried is noted."""
    async with web_site(tmp_path) as site:
        furnish(site)
        async with site.logged_in("lina") as agent:
            for path in (f"/calls/{OTHER_CALL}", f"/calls/{'d' * 32}", "/customers/999"):
                async with agent.get(site.url + path) as answer:
                    assert answer.status == 404
        async with site.logged_in("wei") as agent, agent.get(f"{site.url}/recordings/{SOUND}.wav") as answer:
            assert answer.status == 404
        refused = [(action, who) for action, who, _ in site.audited if action.endswith("refused")]
        assert refused == [("call_refused", 1), ("call_refused", 1), ("recording_refused", 2)]


async def test_a_form_needs_its_token_and_our_own_origin(tmp_path: Path) -> None:
    """A29: wrong token, another session's token, another site's form: refused, nothing done."""
    async with web_site(tmp_path) as site, site.logged_in("lina") as agent, site.logged_in("wei") as other:
        tokens = []
        for browser in (agent, other):
            async with browser.get(f"{site.url}/session") as answer:
                tokens.append((await answer.json())["csrf"])
        for token, headers in (
            ("", {}),
            ("x" * 64, {}),
            (tokens[1], {}),
            (tokens[0], {"Origin": "https://evil.example"}),
            (tokens[0], {"Origin": "null"}),
        ):
            async with agent.post(f"{site.url}/logout", data={"csrf": token}, headers=headers) as answer:
                assert answer.status == 403
        async with agent.get(f"{site.url}/session") as answer:
            assert answer.status == 200
        headers = {"X-CSRF-Token": tokens[0], "Origin": site.url}
        async with agent.post(f"{site.url}/logout", headers=headers, allow_redirects=False) as answer:
            assert answer.status == 303


async def test_every_answer_carries_the_security_headers(tmp_path: Path) -> None:
    """Pages, errors, redirects, files; and no answer invites other sites in."""
    async with web_site(tmp_path) as site, aiohttp.ClientSession(cookie_jar=site.cookies) as browser:
        for path in (
            "/login",
            "/",
            "/nothing",
            "/assets/app.js",
            "/assets/none.js",
            "/session",
            "/healthz",
            "/ws",
        ):
            headers = {"Origin": "https://evil.example"}
            async with browser.get(site.url + path, headers=headers, allow_redirects=False) as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'self'" in policy
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Referrer-Policy"] == "same-origin"
                assert not [name for name in answer.headers if name.startswith("Access-Control")]
                assert "aiohttp" not in answer.headers["Server"]


async def test_metrics_are_for_this_machine_and_forwarded_headers_mean_nothing(tmp_path: Path) -> None:
    """A30: nobody becomes somebody else by saying so in a header."""
    async with web_site(tmp_path) as site, aiohttp.ClientSession(cookie_jar=site.cookies) as browser:
        headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil"}
        headers |= {"X-User-ID": "1", "Forwarded": "for=203.0.113.9"}
        async with browser.get(f"{site.url}/metrics", headers=headers) as answer:
            assert answer.status == 200
        async with browser.get(f"{site.url}/session", headers=headers) as answer:
            assert answer.status == 401


async def test_bad_requests_are_answered_not_suffered(tmp_path: Path) -> None:
    """Bodies that are too big, of the wrong kind or broken get 4xx, and the site goes on."""
    async with web_site(tmp_path) as site, aiohttp.ClientSession(cookie_jar=site.cookies) as browser:
        bodies: list[tuple[bytes, str]] = [
            (b"x" * 200_000, "application/x-www-form-urlencoded"),
            (b"\xff\xfe=%zz", "application/x-www-form-urlencoded"),
            (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
            (b"--x", "multipart/form-data"),
            (b"{}", "application/json"),
            (b"csrf=a", "application/x-www-form-urlencoded; charset=no-such"),
        ]
        for body, kind in bodies:
            async with browser.post(f"{site.url}/login", data=body, headers={"Content-Type": kind}) as answer:
                assert 400 <= answer.status < 500, (kind, answer.status)
        for path in ("/calls/../../etc/passwd", "/calls/%2e%2e", "/customers/1e5", "/assets/..%2fapp.js"):
            async with browser.get(site.url + path) as answer:
                assert answer.status == 404 or answer.url.path == "/login"
        async with browser.get(f"{site.url}/healthz") as answer:
            assert answer.status == 200


async def test_an_error_inside_shows_nothing_of_the_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours is 500 with plain words; a database that is away is 503."""
    async with web_site(tmp_path) as site, site.logged_in("sofia") as browser:

        def broken() -> None:
            raise ValueError("secret inside")

        monkeypatch.setattr(site.board, "snapshot", broken)
        with capture_logs() as logged:
            async with browser.get(f"{site.url}/supervisor") as answer:
                assert answer.status == 500
                assert "secret" not in await answer.text()
        assert [one["event"] for one in logged] == ["request failed"]

        def away() -> None:
            raise CallcenterError("locked", code="database_away")

        monkeypatch.setattr(site.board, "snapshot", away)
        async with browser.get(f"{site.url}/supervisor") as answer:
            assert answer.status == 503


async def test_files_are_named_by_their_content(tmp_path: Path) -> None:
    """A page that has the newest script is told so."""
    async with web_site(tmp_path) as site, aiohttp.ClientSession() as browser:
        async with browser.get(f"{site.url}/assets/app.js") as answer:
            tag = answer.headers["ETag"]
            assert answer.content_type == "text/javascript"
        async with browser.get(f"{site.url}/assets/app.js", headers={"If-None-Match": tag}) as answer:
            assert answer.status == 304


async def test_a_public_name_is_the_only_origin(tmp_path: Path) -> None:
    """With ``public_url`` set, the address behind the proxy is no origin of ours."""
    rules = WebRules(public_url="https://desk.example.com/")
    async with (
        web_site(tmp_path, rules=rules) as site,
        aiohttp.ClientSession(cookie_jar=site.cookies) as browser,
    ):
        async with browser.get(f"{site.url}/login") as page:
            csrf = CSRF.findall(await page.text())[0]
            cookie = page.cookies["callcenter_login"].value
        form = {"username": "lina", "password": "lina-pass", "csrf": csrf}
        for origin, status in ((site.url, 403), ("https://desk.example.com", 303)):
            headers = {"Origin": origin, "Cookie": f"callcenter_login={cookie}"}
            async with browser.post(
                f"{site.url}/login", data=form, headers=headers, allow_redirects=False
            ) as answer:
                assert answer.status == status
