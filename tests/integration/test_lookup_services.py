"""Named web services, on a real server of every bad kind."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import structlog
from aiohttp import web

from callcenter.errors import LookupFailed
from callcenter.lookups.named import NamedLookups
from callcenter.lookups.services import ANSWER_LIMIT, HttpServices, ServicePlan
from callcenter.reception.visit import Value

pytestmark = pytest.mark.integration

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Shop:
    """A server that answers as the test says, and notes what it was asked."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Any path, any method."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.method, request.raw_path, headers, await request.read()))
        return await self.handler(request)


@asynccontextmanager
async def shop(handler: Handler) -> AsyncIterator[Shop]:
    """It runs on a port that the system chose."""
    shop = Shop(handler)
    app = web.Application()
    app.router.add_route("*", "/{path:(?s:.*)}", shop.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    shop.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield shop
    finally:
        await runner.cleanup()


@asynccontextmanager
async def services(*plans: ServicePlan) -> AsyncIterator[HttpServices]:
    """Closed in the end."""
    made = HttpServices(plans)
    try:
        yield made
    finally:
        await made.close()


def json_of(value: object, status: int = 200) -> Handler:
    """A shop that always answers this."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response(value, status=status)

    return handler


def raw(body: bytes, **headers: str) -> Handler:
    """A shop that always answers these bytes."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, headers=headers)

    return handler


async def test_values_go_into_the_query_or_into_the_body() -> None:
    """What the URL names is in its path; the rest in the query, or as JSON; secrets in headers are sent."""
    async with shop(json_of({"state": "shipped"})) as one:
        by_query = ServicePlan("q", one.url + "/orders/{number}?v=1", headers={"X-Key": "secret"})
        by_json = ServicePlan("j", one.url + "/orders", method="POST", send="json")
        async with services(by_query, by_json) as made:
            assert made.names == {"q", "j"}
            values: dict[str, Value] = {"number": "12", "tier": "v&p=1", "vip": True, "none": None, "n": 3}
            assert await made.service("q", values, 2) == {"state": "shipped"}
            assert await made.service("j", values, 2) == {"state": "shipped"}
    (method, path, headers, body), (method_j, path_j, headers_j, body_j) = one.asked
    assert (method, path, body) == ("GET", "/orders/12?v=1&tier=v%26p%3D1&vip=true&n=3", b"")
    assert (headers["x-key"], headers["accept-encoding"]) == ("secret", "identity")
    assert (method_j, path_j, json.loads(body_j)) == ("POST", "/orders", values)
    assert headers_j["content-type"] == "application/json"
    assert "x-key" not in headers_j


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("a/../../admin", "/orders/a%2F..%2F..%2Fadmin/x"),
        ("1?admin=1#x", "/orders/1%3Fadmin%3D1%23x/x"),
        ("%2e%2e", "/orders/%252e%252e/x"),
        ("王\r\nX: y", "/orders/%E7%8E%8B%0D%0AX%3A%20y/x"),
        ("@evil.example", "/orders/%40evil.example/x"),
        ("{tier}", "/orders/%7Btier%7D/x"),
    ],
)
async def test_a_value_stays_in_its_place(value: str, path: str) -> None:
    """Whatever a caller says or types, it is one part of the path."""
    async with shop(json_of(1)) as one, services(ServicePlan("s", one.url + "/orders/{number}/x")) as made:
        assert await made.service("s", {"number": value, "tier": "q"}, 2) == 1
    assert one.asked[0][1] == path + "?tier=q"


@pytest.mark.parametrize("value", ["", ".", "..", None])
async def test_a_value_that_is_no_part_of_a_path_is_refused(value: str | None) -> None:
    """Nothing, or a step up: nobody is asked."""
    async with shop(json_of(1)) as one, services(ServicePlan("s", one.url + "/orders/{number}")) as made:
        with pytest.raises(LookupFailed, match="needs a value for number"):
            await made.service("s", {"number": value}, 2)
        with pytest.raises(LookupFailed, match="needs a value for number"):
            await made.service("s", {}, 2)
    assert one.asked == []


async def test_an_answer_of_a_hundred_megabytes_is_cut_and_refused() -> None:
    """Hardly more than the limit is ever taken, whether its length is told or not."""
    sent = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        told = request.query.get("told") == "true"
        response = web.StreamResponse(headers={"Content-Length": str(100 * 2**20)} if told else {})
        await response.prepare(request)
        for _ in range(1600):
            await response.write(b" " * 65536)
            sent += 65536
        return response

    async with shop(handler) as one, services(ServicePlan("s", one.url)) as made:
        for told in (True, False):
            sent, began = 0, time.perf_counter()
            with pytest.raises(LookupFailed, match="more than 64 KiB"):
                await made.service("s", {"told": told}, 5)
            assert time.perf_counter() - began < 2
            await asyncio.sleep(0.1)
            assert sent < 10 * 2**20  # what fits into the two sockets


async def test_a_service_that_hangs_is_given_up() -> None:
    """Before the answer, in its head, or one byte at a time; and a connection is free for the next."""

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.query["how"] == "silent":
            await asyncio.sleep(5)
        response = web.StreamResponse()
        await response.prepare(request)
        while request.query["how"] == "slow":
            await response.write(b" ")
            await asyncio.sleep(0.02)
        await response.write(b"[1]")
        return response

    async with shop(handler) as one, services(ServicePlan("s", one.url)) as made:
        for how in ("silent", "slow"):
            began = time.perf_counter()
            with pytest.raises(LookupFailed, match=r"longer than 0\.2 s"):
                await made.service("s", {"how": how}, 0.2)
            assert time.perf_counter() - began < 1
        assert await made.service("s", {"how": "well"}, 2) == [1]


async def test_no_redirect_is_followed() -> None:
    """A service can't send us to another address, of the inside say."""

    async def handler(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"{request.url.origin()}/inside")

    async with shop(handler) as one, services(ServicePlan("s", one.url + "/a")) as made:
        with pytest.raises(LookupFailed, match="status 302"):
            await made.service("s", {}, 2)
    assert [asked[1] for asked in one.asked] == ["/a"]


async def test_cookies_are_not_kept() -> None:
    """One caller's answer does not change what is asked for the next."""

    async def handler(_: web.Request) -> web.StreamResponse:
        response = web.json_response(1)
        response.set_cookie("who", "first")
        return response

    async with shop(handler) as one, services(ServicePlan("s", one.url)) as made:
        for _ in range(2):
            await made.service("s", {}, 2)
    assert "cookie" not in one.asked[1][2]


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a caller typed goes to the service alone."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with shop(json_of(1)) as one, services(ServicePlan("s", one.url)) as made:
        assert await made.service("s", {}, 2) == 1


@pytest.mark.parametrize(
    ("status", "found"), [(404, True), (204, True), (500, False), (403, False), (301, False)]
)
async def test_a_status_says_whether_there_is_an_answer(status: int, found: bool) -> None:
    """404 and 204 are “there is none”; all but 2xx is a failure, whose text is not read."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text="" if status == 204 else "secret")

    async with shop(handler) as one, services(ServicePlan("s", one.url)) as made:
        if found:
            assert await made.service("s", {}, 2) is None
            return
        with pytest.raises(LookupFailed, match=f"status {status}") as caught:
            await made.service("s", {}, 2)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>secret</html>",
        b"",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"[" * 40 + b"]" * 40,
        b'{"a":NaN}',
        b"[1e999]",
        b"1" * 60_000,
        b'"\\ud800"',
        b'"\xff"',
        b"{'a': 1}",
    ],
    ids=[
        "html",
        "empty",
        "open",
        "objects",
        "deep",
        "nan",
        "infinite",
        "huge",
        "surrogate",
        "latin",
        "python",
    ],
)
async def test_what_is_no_sane_json_is_refused(body: bytes) -> None:
    """Not JSON, too deep, not finite, not text: one kind of error, without what was said."""
    assert len(body) <= ANSWER_LIMIT
    async with shop(raw(body)) as one, services(ServicePlan("s", one.url)) as made:
        with pytest.raises(LookupFailed, match="JSON") as caught:
            await made.service("s", {}, 5)
    assert "secret" not in str(caught.value)


async def test_nothing_is_unpacked() -> None:
    """A small answer that would be a gigabyte when unpacked is refused as it is."""
    bomb = gzip.compress(b" " * 10_000_000)
    assert len(bomb) < ANSWER_LIMIT
    handler = raw(bomb, **{"Content-Encoding": "gzip"})
    async with shop(handler) as one, services(ServicePlan("s", one.url)) as made:
        with pytest.raises(LookupFailed, match="compressed"):
            await made.service("s", {}, 5)


async def test_failures_tell_nothing_of_the_caller() -> None:
    """A service that is not there, and one that breaks off: neither error nor log has the values."""

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with shop(handler) as one:
        gone = ServicePlan("gone", "http://127.0.0.1:1/{pin}", headers={"Authorization": "Bearer secret"})
        breaks = ServicePlan("breaks", one.url + "/{pin}")
        async with services(gone, breaks) as made:
            for name in ("gone", "breaks", "other"):
                with structlog.testing.capture_logs() as logs, pytest.raises(LookupFailed) as caught:
                    await made.service(name, {"pin": "9753186420"}, 2)
                assert "9753186420" not in repr(logs) + str(caught.value)
    assert "secret" not in repr(gone)


async def test_queries_and_services_are_one_port() -> None:
    """The flows see both under one roof."""

    class Queries:
        async def query(
            self, name: str, values: object, seconds: float
        ) -> dict[str, str | int | float | bool | None]:
            return {"name": name, "seconds": seconds}

    async with shop(json_of([1])) as one, services(ServicePlan("s", one.url)) as made:
        lookups = NamedLookups(Queries(), made)
        assert await lookups.query("q", {}, 1) == {"name": "q", "seconds": 1}
        assert await lookups.service("s", {}, 2) == [1]
