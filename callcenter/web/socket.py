"""``/ws``: one socket per open page.

``?beside=1`` is a page that stands beside the desk: it may order, shows no pop, and holds nobody's seat. ``?flow=NAME``
is one that shows the callers in a flow.
"""

import json
from collections.abc import Mapping
from typing import Any

import structlog
from aiohttp import WSMsgType, web

from callcenter.errors import BadInput, CallcenterError, Forbidden
from callcenter.tasks import Tasks
from callcenter.web.auth import Visitor
from callcenter.web.gate import language_of, visitor_of
from callcenter.web.limits import Rate
from callcenter.web.parts import AUTH, FRAGMENTS, ORDERS, PARTS
from callcenter.web.roles import oversees
from callcenter.web.screen import SESSION_OVER, TOO_MUCH, Message, Screen
from callcenter.web.seats import take_seat

log = structlog.get_logger(__name__)

FRAME_LIMIT = 64 * 1024
MESSAGES, MESSAGE_SECONDS = 100, 10.0
HEARTBEAT_SECONDS = 10.0
"""A page whose machine is gone is noticed within one and a half of these."""
SILENT_SECONDS = 90.0
"""A page says ``alive`` every 5 s; browsers slow hidden pages down to once a minute."""


async def page_socket(request: web.Request) -> web.StreamResponse:
    """Serve one page until it closes."""
    visitor = visitor_of(request)
    desk, flow = "beside" not in request.query, _watched(request, visitor)
    if desk:
        await take_seat(request.app, visitor)
    ws = web.WebSocketResponse(
        max_msg_size=FRAME_LIMIT,
        heartbeat=HEARTBEAT_SECONDS,
        compress=False,
        timeout=2,
        receive_timeout=SILENT_SECONDS,
    )
    await ws.prepare(request)
    language = None if request.query.get("json") == "1" else language_of(request)
    screen = Screen(ws, visitor, language=language, transport=request.transport, desk=desk, flow=flow)
    tasks = Tasks(f"page of user {visitor.user.id}")
    _writer = tasks.start(screen.write(), "writer")
    try:
        await _converse(request.app, ws, screen)
    finally:
        await tasks.close()
    return ws


def _watched(request: web.Request, visitor: Visitor) -> str:
    """The flow whose callers the page shows; raises ``NotFound``, ``Forbidden``."""
    flow = request.query.get("flow", "")
    if flow:
        if not oversees(visitor.user.role):
            raise Forbidden("Your role does not allow this.")
        request.app[PARTS].flows.now(flow)
    return flow


async def _converse(app: web.Application, ws: web.WebSocketResponse, screen: Screen) -> None:
    parts = app[PARTS]
    if parts.hub.crowded(screen.agent_id):
        screen.close(TOO_MUCH, "too many pages")
        await _read_out(ws)
        return
    # One synchronous step: nothing can happen between the snapshot and the stream.
    seated = screen.desk and parts.desk.logged_in(screen.agent_id)
    parts.hub.add(screen, parts.hub.message("snapshot", snapshot_of(app, screen, seated=seated)))
    try:
        if seated:
            parts.desk.screen_opened(screen.agent_id)
        await _read(app, ws, screen)
    finally:
        parts.hub.remove(screen)
        if seated:
            parts.desk.screen_closed(screen.agent_id)


def snapshot_of(app: web.Application, screen: Screen, *, seated: bool) -> dict[str, Any]:
    """What a page is told first."""
    parts = app[PARTS]
    if seated:
        return parts.desk.snapshot(screen.agent_id)
    telephony = parts.board.snapshot().get("telephony", "up")
    return {"agent": None, "call": None, "pop": None, "wrap_up": None, "telephony": telephony}


async def _read(app: web.Application, ws: web.WebSocketResponse, screen: Screen) -> None:
    rate = Rate(app[PARTS].clock, MESSAGES, MESSAGE_SECONDS)
    try:
        async for frame in ws:
            if frame.type is not WSMsgType.TEXT or screen.closing:
                continue
            if not rate.allows():
                log.warning("page sends too much: closed", agent_id=screen.agent_id)
                screen.close(TOO_MUCH, "too many messages")
                continue
            await _handle(app, screen, frame.data)
    except TimeoutError:
        log.info("page was silent: closed", agent_id=screen.agent_id, seconds=SILENT_SECONDS)


async def _read_out(ws: web.WebSocketResponse) -> None:
    async for _ in ws:
        continue


async def _handle(app: web.Application, screen: Screen, text: str) -> None:
    ref: Any = None
    try:
        fields = _parsed(text)
        ref = fields.get("ref")
        if not isinstance(ref, str | int | None):
            ref = None
            raise BadInput("ref must be a text or a number.")
        if fields.get("type") == "log_out":
            await _log_out(app, screen)
            return
        done = await app[ORDERS].obey(screen.agent_id, fields)
    except CallcenterError as error:
        _tell_error(app, screen, ref, error.code, error.message)
    except Exception:  # the web is one of the edges: one bad order must not end the agent's page
        log.exception("order failed", agent_id=screen.agent_id)
        _tell_error(app, screen, ref, "internal", "Something went wrong here.")
    else:
        if done is not None:
            screen.put(Message("done", {"ref": ref, **done}))


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput("A message must be a JSON object.") from None
    if not isinstance(fields, dict):
        raise BadInput("A message must be a JSON object.")
    return fields


def _tell_error(app: web.Application, screen: Screen, ref: Any, code: str, message: str) -> None:
    text = message if screen.language is None else app[FRAGMENTS].error(screen.language, code, message)
    screen.put(Message("error", {"ref": ref, "code": code, "message": text}))


async def _log_out(app: web.Application, screen: Screen) -> None:
    parts = app[PARTS]
    if parts.desk.logged_in(screen.agent_id):
        await parts.desk.log_out(screen.agent_id)
    await app[AUTH].close_all(screen.user.id)
    parts.hub.close_user(screen.user.id, "logged out")
    screen.close(SESSION_OVER, "logged out")
