"""Log-in, log-out, and the choice of language."""

import re
import secrets

from aiohttp import web

from callcenter.errors import BadInput, CallcenterError
from callcenter.ids import AgentId
from callcenter.web.auth import csrf_of, token_hash
from callcenter.web.gate import (
    LANGUAGE_COOKIE,
    LOGIN_COOKIE,
    SESSION_COOKIE,
    language_of,
    status_of,
    visitor_of,
)
from callcenter.web.language import LANGUAGES
from callcenter.web.parts import AUTH, FRAGMENTS, PARTS, VISITOR
from callcenter.web.ports import UserRow
from callcenter.web.roles import OVERSEERS
from callcenter.web.seats import phone_for, sit_down

LOCAL_PATH = re.compile(r"/(?:[A-Za-z0-9_-][A-Za-z0-9_/-]{0,200})?")
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600


def _set_cookie(request: web.Request, response: web.Response, name: str, value: str, age: int | None) -> None:
    secure = request.app[PARTS].rules.public_url.startswith("https:")
    response.set_cookie(name, value, max_age=age, path="/", httponly=True, samesite="Lax", secure=secure)


def _login_page(
    request: web.Request, *, error: str = "", username: str = "", extension: str = "", status: int = 200
) -> web.Response:
    cookie = request.cookies.get(LOGIN_COOKIE, "")
    fresh = not 20 <= len(cookie) <= 100
    if fresh:
        cookie = secrets.token_urlsafe(32)
    visitor = request.get(VISITOR)
    page = request.app[FRAGMENTS].page(
        "login.html",
        language_of(request),
        csrf=visitor.csrf if visitor is not None else csrf_of(cookie),
        error=error,
        username=username,
        extension=extension,
        path="/login",
    )
    response = web.Response(text=page, content_type="text/html", status=status)
    if fresh:
        _set_cookie(request, response, LOGIN_COOKIE, cookie, None)
    return response


async def show_login(request: web.Request) -> web.StreamResponse:
    """The log-in page."""
    return _login_page(request)


async def log_in(request: web.Request) -> web.StreamResponse:
    """Check name, password and phone; a new session, or the page again with what is wrong."""
    form = await request.post()
    username, password, extension = (_field(form.get(name)) for name in ("username", "password", "extension"))
    auth = request.app[AUTH]
    try:
        user = await auth.check(username, password, request.remote or "")
        phone = phone_for(user, extension)
        token = await auth.open(user, extension=phone, address=request.remote or "")
        await _sit_down_or_leave(request.app, user, phone, token)
    except CallcenterError as error:
        shown = request.app[FRAGMENTS].error(language_of(request), error.code, error.message)
        status = 400 if error.code in {"no_phone", "bad_extension"} else status_of(error.code)
        return _login_page(
            request, error=shown, username=username[:100], extension=extension[:20], status=status
        )
    if (before := request.get(VISITOR)) is not None:
        await auth.close(before.session_id)
        request.app[PARTS].hub.close_session(before.session_id)
    response = web.Response(status=303, headers={"Location": "/"})
    _set_cookie(request, response, SESSION_COOKIE, token, None)
    response.del_cookie(LOGIN_COOKIE, path="/")
    request.app[PARTS].audit("log_in", user.id)
    return response


async def _sit_down_or_leave(app: web.Application, user: UserRow, phone: str, token: str) -> None:
    try:
        await sit_down(app, user, phone)
    except CallcenterError:
        await app[AUTH].close(token_hash(token))
        raise


async def log_out(request: web.Request) -> web.StreamResponse:
    """End all sessions of this user: an agent is at one desk or at none."""
    visitor, parts = visitor_of(request), request.app[PARTS]
    agent_id = AgentId(int(visitor.user.id))
    await request.app[AUTH].close_all(visitor.user.id)
    if parts.desk.logged_in(agent_id):
        await parts.desk.log_out(agent_id)
    parts.hub.close_user(visitor.user.id, "logged out")
    response = web.Response(status=303, headers={"Location": "/login"})
    response.del_cookie(SESSION_COOKIE, path="/")
    parts.audit("log_out", visitor.user.id)
    return response


async def choose_language(request: web.Request) -> web.StreamResponse:
    """Remember the language, with the user or in a cookie, and go back to the page."""
    form = await request.post()
    language, path = _field(form.get("language")), _field(form.get("next"))
    if language not in LANGUAGES:
        raise BadInput("The language must be en or zh.")
    if not LOCAL_PATH.fullmatch(path):
        path = "/"
    if (visitor := request.get(VISITOR)) is not None:
        await request.app[PARTS].users.set_language(visitor.user.id, language)
    response = web.Response(status=303, headers={"Location": path})
    _set_cookie(request, response, LANGUAGE_COOKIE, language, LANGUAGE_COOKIE_AGE)
    return response


async def show_session(request: web.Request) -> web.StreamResponse:
    """Who is logged in, and the form token, for scripts."""
    visitor = visitor_of(request)
    user = visitor.user
    return web.json_response(
        {
            "csrf": visitor.csrf,
            "user": {"id": user.id, "username": user.username, "name": user.name, "role": user.role},
        }
    )


async def go_home(request: web.Request) -> web.StreamResponse:
    """To the page of one's role; who took a phone is sent to the agent's page."""
    visitor = visitor_of(request)
    overseer = visitor.user.role in OVERSEERS and not visitor.session.extension
    raise web.HTTPSeeOther("/supervisor" if overseer else "/agent")


def _field(value: object) -> str:
    return value if isinstance(value, str) else ""
