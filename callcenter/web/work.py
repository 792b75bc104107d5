"""The page of what callers left: messages and callbacks; agents see those of their queues, supervisors all."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import structlog
from aiohttp import web

from callcenter.callbacks.callback import OPEN
from callcenter.errors import BadInput, CallcenterError, Conflict, NotFound
from callcenter.ids import AgentId, QueueName
from callcenter.voicemails.voicemail import Voicemail, VoicemailState
from callcenter.web.gate import language_of, status_of, visitor_of
from callcenter.web.parts import FRAGMENTS, PARTS, WebParts
from callcenter.web.ports import UserRow
from callcenter.web.roles import oversees

log = structlog.get_logger(__name__)

NOTE_LIMIT = 2000
MOST = 1000
"""So many are counted; nobody needs to know how many more than that are open."""


def queues_of(user: UserRow) -> frozenset[QueueName] | None:
    """Whose work a user sees; None is everybody's."""
    return None if oversees(user.role) else user.queues


async def open_work(parts: WebParts) -> Counter[QueueName]:
    """Open messages and callbacks, by queue."""
    messages = await parts.voicemails.recent(None, MOST)
    callbacks = await parts.callbacks.recent(None, MOST)
    return Counter(one.queue for one in messages if one.state is not VoicemailState.DONE) + Counter(
        one.queue for one in callbacks if one.state in OPEN
    )


def open_for(user: UserRow, work: Counter[QueueName]) -> int:
    """How much of it concerns this user."""
    queues = queues_of(user)
    return work.total() if queues is None else sum(work[queue] for queue in queues)


async def work_count(parts: WebParts, user: UserRow) -> dict[str, int]:
    """What a page's header shows; nothing open when it can't be known: a desk opens without it."""
    try:
        return {"open": open_for(user, await open_work(parts))}
    except CallcenterError as error:
        log.warning("open work can't be counted", reason=error.code)
        return {"open": 0}


async def inbox_page(request: web.Request) -> web.StreamResponse:
    """Messages and callbacks, open ones first."""
    return await _page(request)


async def _page(request: web.Request, error: CallcenterError | None = None) -> web.Response:
    visitor, parts = visitor_of(request), request.app[PARTS]
    fragments, language = request.app[FRAGMENTS], language_of(request)
    queues = queues_of(visitor.user)
    values: dict[str, Any] = {
        "voicemails": await parts.voicemails.recent(queues),
        "callbacks": await parts.callbacks.recent(queues),
        "problem": fragments.error(language, error.code, error.message) if error else "",
    }
    page = await fragments.page_in_slices(
        "work.html",
        language,
        csrf=visitor.csrf,
        user=visitor.user,
        path="/inbox",
        overseer=oversees(visitor.user.role),
        me=int(visitor.user.id),
        dials=parts.desk.logged_in(AgentId(int(visitor.user.id))),
        open_states=OPEN,
        **values,
    )
    status = status_of(error.code) if error else 200
    return web.Response(text=page, content_type="text/html", status=status)


async def take(request: web.Request) -> web.StreamResponse:
    """Make a message one's own work."""
    user, parts = visitor_of(request).user, request.app[PARTS]
    try:
        one = await _voicemail(request)
        await parts.voicemails.take(one.id, AgentId(int(user.id)))
    except (Conflict, NotFound) as error:
        return await _page(request, error)
    parts.audit("voicemail_taken", user.id, voicemail_id=one.id)
    raise web.HTTPSeeOther("/inbox")


async def done(request: web.Request) -> web.StreamResponse:
    """It has been seen to."""
    user, parts = visitor_of(request).user, request.app[PARTS]
    try:
        one = await _voicemail(request)
        await parts.voicemails.finish(
            one.id, AgentId(int(user.id)), _note((await request.post()).get("note"))
        )
    except (Conflict, NotFound, BadInput) as error:
        return await _page(request, error)
    parts.audit("voicemail_done", user.id, voicemail_id=one.id)
    raise web.HTTPSeeOther("/inbox")


async def cancel(request: web.Request) -> web.StreamResponse:
    """Take a callback out of the line."""
    user, parts = visitor_of(request).user, request.app[PARTS]
    callback_id = request.match_info["work_id"]
    if not parts.callback_desk.cancel(callback_id, user.id):
        return await _page(request, Conflict("This callback is not waiting any more."))
    parts.audit("callback_cancelled", user.id, callback_id=callback_id)
    raise web.HTTPSeeOther("/inbox")


async def _voicemail(request: web.Request) -> Voicemail:
    """The message that the address names, if it is one of those that the page shows to this user."""
    queues = queues_of(visitor_of(request).user)
    return _the(request.match_info["work_id"], await request.app[PARTS].voicemails.recent(queues))


def _the(voicemail_id: str, voicemails: Iterable[Voicemail]) -> Voicemail:
    for one in voicemails:
        if one.id == voicemail_id:
            return one
    raise NotFound("There is no such message for you.")


def _note(value: object) -> str:
    note = value if isinstance(value, str) else ""
    if len(note) > NOTE_LIMIT:
        raise BadInput(f"A note is at most {NOTE_LIMIT} characters long.")
    if any(ord(one) < 32 and one not in "\n\r\t" for one in note):
        raise BadInput("A note can't have control characters.")
    return note.strip()
