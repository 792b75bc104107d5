"""What every request passes: the session, the role table, the form token, the origin, and the answer's headers.

Forwarding headers (``X-Forwarded-*``) are not read: behind a proxy, ``public_url`` says how the site is called.
"""

import ipaddress
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from callcenter.errors import BadInput, CallcenterError, Forbidden
from callcenter.web.auth import Visitor, csrf_of, same
from callcenter.web.language import LANGUAGES, preferred
from callcenter.web.parts import AUTH, FRAGMENTS, PARTS, RULES, VISITOR
from callcenter.web.roles import Access, Answer, Body, Rule, may

log = structlog.get_logger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SESSION_COOKIE = "callcenter_session"
LOGIN_COOKIE = "callcenter_login"
LANGUAGE_COOKIE = "callcenter_language"
SOCKET = "/ws"

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers would then send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
STATUS = {
    "bad_input": HTTPStatus.BAD_REQUEST,
    "flow_invalid": HTTPStatus.BAD_REQUEST,
    "wrong_password": HTTPStatus.UNAUTHORIZED,
    "forbidden": HTTPStatus.FORBIDDEN,
    "old_form": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
    "too_many": HTTPStatus.TOO_MANY_REQUESTS,
    "action_failed": HTTPStatus.BAD_GATEWAY,
    "database_away": HTTPStatus.SERVICE_UNAVAILABLE,
    "telephony_down": HTTPStatus.SERVICE_UNAVAILABLE,
    "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Error codes that have a status of their own; any other is 500."""


def status_of(code: str) -> int:
    """The HTTP status of an error code."""
    return int(STATUS.get(code, HTTPStatus.INTERNAL_SERVER_ERROR))


def own_origin(request: web.Request) -> str:
    """How this site is called by browsers: ``public_url`` if it is set, else as this request called it."""
    public = request.app[PARTS].rules.public_url
    if public:
        parts = urlsplit(public)
        return f"{parts.scheme}://{parts.netloc}".lower()
    return f"{request.scheme}://{request.host}".lower()


def from_own_pages(request: web.Request, *, required: bool) -> bool:
    """Does the Origin header name this very site: scheme, host and port? Without one: not if it is required."""
    origins = request.headers.getall("Origin", [])
    if not origins:
        return not required
    return len(origins) == 1 and origins[0].lower() == own_origin(request)


def visitor_of(request: web.Request) -> Visitor:
    """Who asks; only for routes that strangers can't reach."""
    visitor: Visitor | None = request.get(VISITOR)
    if visitor is None:
        raise Forbidden("Log in first.")
    return visitor


def _rule(request: web.Request) -> Rule:
    route = request.match_info.route
    # What no route matches is answered with 404 to everybody.
    unknown = Rule(Access.PUBLIC if route.resource is None else Access.ADMINS, Answer.PAGE)
    return request.app[RULES].get(route, unknown)


def _on_loopback(request: web.Request) -> bool:
    try:
        return ipaddress.ip_address((request.remote or "").split("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse_stranger(request: web.Request, answer: Answer) -> web.StreamResponse:
    if answer is Answer.PAGE and request.method in {"GET", "HEAD"}:
        raise web.HTTPSeeOther("/login")
    return error_answer(request, answer, "signed_out", "Log in first.", int(HTTPStatus.UNAUTHORIZED))


async def _field_of_form(request: web.Request, name: str) -> str:
    if not request.can_read_body:
        return ""
    if request.content_type != Body.FORM.value:
        raise BadInput(f"A form must be sent as {Body.FORM.value}.")
    try:
        field = (await request.post()).get(name, "")
    except (ValueError, LookupError) as error:
        raise BadInput("The form can't be read.") from error
    return field if isinstance(field, str) else ""


async def _check_form(request: web.Request, visitor: Visitor | None) -> None:
    if not from_own_pages(request, required=False):
        raise Forbidden("This request came from another site.")
    field = await _field_of_form(request, "csrf")
    given = request.headers.get("X-CSRF-Token", "") or field
    expected = [visitor.csrf] if visitor is not None else []
    if visitor is None and (login := request.cookies.get(LOGIN_COOKIE)):
        expected.append(csrf_of(login))
    if not given or not any(same(given, one) for one in expected):
        raise Forbidden("This form is too old. Load the page again.", code="old_form")


def _check_json(request: web.Request, visitor: Visitor | None) -> None:
    """What our scripts send: the origin is always named, the kind of body is one that no other site's page may send
    without asking first, and the token is in a header. The body itself is not read here."""
    if not from_own_pages(request, required=True):
        raise Forbidden("This request came from another site.")
    if request.content_type != Body.JSON.value:
        raise BadInput(f"This must be sent as {Body.JSON.value}.")
    if visitor is None or not same(request.headers.get("X-CSRF-Token", ""), visitor.csrf):
        raise Forbidden("This page is too old. Load it again.", code="old_form")


@web.middleware
async def check_access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The session, the role table, the form token."""
    access, answer, body = _rule(request)
    if request.path == SOCKET and not from_own_pages(request, required=True):
        # Browsers let every site open sockets to us, with our cookies.
        raise Forbidden("The Origin of this socket is not this site.")
    visitor = None
    if token := request.cookies.get(SESSION_COOKIE):
        visitor = await request.app[AUTH].visitor(token)
    request[VISITOR] = visitor
    if access is Access.LOOPBACK:
        if not _on_loopback(request):
            raise Forbidden("Only programs on this machine may read this.")
    elif access is not Access.PUBLIC:
        if visitor is None:
            return _refuse_stranger(request, answer)
        if not may(visitor.user.role, access):
            raise Forbidden("Your role does not allow this.")
    if request.method not in {"GET", "HEAD"}:
        if body is Body.JSON:
            _check_json(request, visitor)
        else:
            await _check_form(request, visitor)
    return await handler(request)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error becomes an answer here, once."""
    answer = _rule(request).answer
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code = "not_found" if error.status in {404, 405} else "bad_input"
        return error_answer(request, answer, code, error.reason, error.status)
    except CallcenterError as error:
        return error_answer(request, answer, error.code, error.message, status_of(error.code))
    except Exception:  # the web is one of the edges: one bad request must not show its insides
        log.exception(
            "request failed", method=request.method, path=request.match_info.get_info().get("path", "")
        )
        return error_answer(request, answer, "internal", "Something went wrong here.", 500)


def error_answer(
    request: web.Request, answer: Answer, code: str, message: str, status: int
) -> web.StreamResponse:
    """An error for a person or for a program."""
    if answer is Answer.DATA:
        return web.json_response({"error": {"code": code, "message": message}}, status=status)
    language = language_of(request)
    fragments = request.app[FRAGMENTS]
    page = fragments.page("error.html", language, code=code, message=fragments.error(language, code, message))
    return web.Response(text=page, status=status, content_type="text/html")


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Security headers on every answer, also on errors and redirects."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "callcenter"
    if request.app[PARTS].rules.public_url.startswith("https:"):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"


def language_of(request: web.Request) -> str:
    """The language to answer in: the user's, else the browser's."""
    visitor = request.get(VISITOR)
    chosen = visitor.user.language if visitor is not None else request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else preferred(request.headers.get("Accept-Language", ""))
