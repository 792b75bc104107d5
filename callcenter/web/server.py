"""Builds the web application from its parts, and runs it."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import structlog
from aiohttp import web

from callcenter.errors import PartMissing
from callcenter.tasks import Tasks
from callcenter.web import flow_changes, flow_pages, login, pages, playback, routing_pages, work
from callcenter.web.auth import Auth, Passwords
from callcenter.web.fragments import Fragments
from callcenter.web.gate import add_headers, answer_errors, check_access
from callcenter.web.limits import Window
from callcenter.web.orders import Orders
from callcenter.web.parts import ASSETS, AUTH, CHECKS, FRAGMENTS, ORDERS, PARTS, RULES, Asset, WebParts
from callcenter.web.roles import ROUTES
from callcenter.web.rounds import BoardRound, FlowRound, SessionRound, WorkRound
from callcenter.web.socket import page_socket

log = structlog.get_logger(__name__)

BODY_LIMIT = 64 * 1024
STOP_SECONDS = 5.0
LINGER_SECONDS = 1.0
"""A body that nobody wants is read on for so long, so that its sender sees the answer before the end."""
CONTENT_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

HANDLERS: dict[tuple[str, str], Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
    ("GET", "/"): login.go_home,
    ("GET", "/login"): login.show_login,
    ("POST", "/login"): login.log_in,
    ("POST", "/logout"): login.log_out,
    ("POST", "/language"): login.choose_language,
    ("GET", "/session"): login.show_session,
    ("GET", "/agent"): pages.agent_page,
    ("GET", "/supervisor"): pages.supervisor_page,
    ("GET", "/calls/*"): pages.call_page,
    ("GET", "/customers/*"): pages.customer_page,
    ("GET", "/recordings/*.wav"): playback.recording,
    ("GET", "/inbox"): work.inbox_page,
    ("POST", "/inbox/voicemails/*/take"): work.take,
    ("POST", "/inbox/voicemails/*/done"): work.done,
    ("POST", "/inbox/callbacks/*/cancel"): work.cancel,
    ("GET", "/flows"): flow_pages.flow_list,
    ("GET", "/flows/*"): flow_pages.flow_picture,
    ("GET", "/flows/*/edit"): flow_pages.flow_editor,
    ("GET", "/flows/*/versions/*.yaml"): flow_pages.version_text,
    ("POST", "/flows/*/check"): flow_changes.check,
    ("POST", "/flows/*/rehearse"): flow_changes.rehearse,
    ("POST", "/flows/*/publish"): flow_changes.publish,
    ("POST", "/flows/*/versions/*/publish"): flow_changes.roll_back,
    ("GET", "/routing"): routing_pages.routing_page,
    ("POST", "/routing/versions/*/publish"): routing_pages.roll_back,
    ("GET", "/ws"): page_socket,
    ("GET", "/assets/*"): pages.asset,
    ("GET", "/healthz"): pages.healthz,
    ("GET", "/metrics"): pages.metrics,
}
"""Who answers, by method and path, with a star for each part that varies."""
VARIABLE = re.compile(r"\{[a-z_]+:(?:[^{}]|\{[0-9,]+\})*\}")


def build_app(parts: WebParts) -> web.Application:
    """The application; templates, texts and assets are read when it starts (``PartMissing``)."""
    app = web.Application(middlewares=[answer_errors, check_access], client_max_size=BODY_LIMIT)
    app[PARTS] = parts
    rules = parts.rules
    app[AUTH] = Auth(
        parts.users,
        parts.clock,
        session_hours=rules.session_hours,
        tries=rules.login_tries,
        window=rules.login_window,
        passwords=parts.passwords or Passwords(),
    )
    app[CHECKS] = Window(parts.clock, flow_changes.CHECK_TRIES, flow_changes.CHECK_SECONDS)
    app[ORDERS] = Orders(parts.desk, parts.hub, parts.audit)
    fragments = app[FRAGMENTS] = Fragments(parts)
    parts.hub.use(fragments.render)
    assets = app[ASSETS] = {}
    app.on_response_prepare.append(add_headers)
    rules_of = app[RULES] = {}
    for (method, path), rule in ROUTES.items():
        route = app.router.add_route(method, path, HANDLERS[method, VARIABLE.sub("*", path)])
        rules_of[route] = rule
    app.cleanup_ctx.append(_contents(fragments, assets, parts.folders.dist))
    app.cleanup_ctx.append(_rounds)
    app.on_shutdown.append(_close_pages)
    return app


def _contents(
    fragments: Fragments, assets: dict[str, Asset], dist: Path
) -> Callable[[web.Application], AsyncIterator[None]]:
    async def read(app: web.Application) -> AsyncIterator[None]:
        await asyncio.to_thread(fragments.load)
        assets.update(await asyncio.to_thread(read_assets, dist))
        await app[AUTH].passwords.start()
        yield

    return read


def read_assets(folder: Path) -> dict[str, Asset]:
    """The built front end; raises ``PartMissing`` when it isn't built."""
    found = {}
    for path in sorted(folder.glob("*")):
        kind = CONTENT_TYPES.get(path.suffix)
        if kind is not None and path.is_file():
            body = path.read_bytes()
            found[path.name] = Asset(body, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    if not {"app.js", "app.css"} <= found.keys():
        raise PartMissing(
            f"The pages' scripts aren't built in {folder}: run npm ci and npm run build in agent_ui."
        )
    return found


async def _rounds(app: web.Application) -> AsyncIterator[None]:
    tasks = Tasks("web rounds")
    rounds: dict[str, SessionRound | BoardRound | FlowRound | WorkRound] = {
        "log-ins": SessionRound(app[PARTS]),
        "board": BoardRound(app[PARTS], app[FRAGMENTS]),
        "flows": FlowRound(app[PARTS]),
        "work": WorkRound(app[PARTS]),
    }
    _running = [tasks.start(one.run(), name) for name, one in rounds.items()]
    yield
    await tasks.close()


async def _close_pages(app: web.Application) -> None:
    app[PARTS].hub.close_all()


class WebServer:
    """The application on a port; 0 lets the system choose one."""

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        self._host, self._port = host, port
        # No access log: it would hold people's addresses; what matters is in the audit.
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=STOP_SECONDS, lingering_time=LINGER_SECONDS
        )
        self._site: web.TCPSite | None = None

    async def start(self) -> int:
        """Listen; gives the port. Raises ``PartMissing`` when the address can't be had."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise PartMissing(
                f"The pages can't be served on {self._host} port {self._port}: {error.strerror or error}. "
                "Choose another port with the setting web.port."
            ) from error
        self._site = site
        port = self.port
        log.info("pages are served", host=self._host, port=port)
        return port

    @property
    def port(self) -> int:
        """The port that is listened on."""
        addresses = self._runner.addresses
        return int(addresses[0][1]) if addresses else self._port

    async def stop(self) -> None:
        """Close all pages and stop, in ``STOP_SECONDS`` or so."""
        try:
            async with asyncio.timeout(STOP_SECONDS * 2):
                await self._runner.cleanup()
        except TimeoutError:
            log.exception("web server did not stop in time", seconds=STOP_SECONDS * 2)
