"""The pages of people who are logged in, and the two small ones for machines."""

from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from callcenter.errors import NotFound
from callcenter.ids import AgentId, CallId, CustomerId
from callcenter.web.auth import Visitor
from callcenter.web.gate import language_of, visitor_of
from callcenter.web.parts import ASSETS, FRAGMENTS, PARTS
from callcenter.web.pictures import title_of
from callcenter.web.ports import CallStory, Flows
from callcenter.web.roles import oversees
from callcenter.web.seats import take_seat
from callcenter.web.whys import why_views
from callcenter.web.work import work_count


def _page(request: web.Request, template: str, visitor: Visitor, **values: Any) -> web.Response:
    page = request.app[FRAGMENTS].page(
        template, language_of(request), csrf=visitor.csrf, user=visitor.user, path=request.path, **values
    )
    return web.Response(text=page, content_type="text/html")


async def agent_page(request: web.Request) -> web.StreamResponse:
    """The agent's desk, with everything as it is now: reloading loses nothing."""
    visitor = visitor_of(request)
    if not await take_seat(request.app, visitor):
        raise web.HTTPSeeOther("/supervisor")
    snapshot = request.app[PARTS].desk.snapshot(AgentId(int(visitor.user.id)))
    work = await work_count(request.app[PARTS], visitor.user)
    return _page(request, "agent.html", visitor, work=work, **snapshot)


async def supervisor_page(request: web.Request) -> web.StreamResponse:
    """The board."""
    visitor, board = visitor_of(request), request.app[PARTS].board.snapshot()
    page = await request.app[FRAGMENTS].page_in_slices(
        "supervisor.html",
        language_of(request),
        csrf=visitor.csrf,
        user=visitor.user,
        path=request.path,
        board=board,
        telephony=board["telephony"],
        work=await work_count(request.app[PARTS], visitor.user),
    )
    return web.Response(text=page, content_type="text/html")


async def call_page(request: web.Request) -> web.StreamResponse:
    """One call as it is on record; agents see those they had a part in."""
    visitor, parts = visitor_of(request), request.app[PARTS]
    story = await parts.stories.story(CallId(request.match_info["call_id"]))
    if story is None or not _may_see(visitor, story):
        parts.audit("call_refused", visitor.user.id, call_id=request.match_info["call_id"])
        raise NotFound("There is no such call for you.")
    parts.audit("call_shown", visitor.user.id, call_id=story.call_id)
    total = sum(segment.seconds for segment in story.segments)
    language = language_of(request)
    steps = path_of(story, parts.flows, language)
    decisions = [one.decision for one in story.offers]
    whys = await why_views(decisions, request.app[FRAGMENTS], language, story.names)
    return _page(
        request,
        "call.html",
        visitor,
        story=story,
        bar=bar_of(story),
        total=total,
        steps=steps,
        offers=list(zip(story.offers, whys, strict=True)),
    )


def _may_see(visitor: Visitor, story: CallStory) -> bool:
    return oversees(visitor.user.role) or int(visitor.user.id) in story.agent_ids


def bar_of(story: CallStory, width: float = 1000.0) -> list[tuple[str, float, float]]:
    """The segments as a bar: (stage, left edge, width), adding up to ``width``."""
    total = sum(segment.seconds for segment in story.segments)
    bar, left = [], 0.0
    for segment in story.segments:
        share = segment.seconds / total * width if total > 0 else 0.0
        bar.append((segment.stage, round(left, 2), round(share, 2)))
        left += share
    return bar


def path_of(story: CallStory, flows: Flows, language: str) -> list[dict[str, Any]]:
    """The nodes that the caller passed, by their titles of today; ``starts``: another flow begins here."""
    titles: dict[str, dict[str, str]] = {}
    steps, before = [], ""
    for step in story.steps:
        if step.flow not in titles:
            titles[step.flow] = _titles(flows, step.flow, language)
        steps.append(
            {
                "title": titles[step.flow].get(step.node, step.node),
                "flow": step.flow,
                "starts": step.flow != before,
                "seconds": step.seconds,
                "way": step.way,
            }
        )
        before = step.flow
    return steps


def _titles(flows: Flows, flow: str, language: str) -> dict[str, str]:
    try:
        return {node.name: title_of(node, language) for node in flows.graph(flow).nodes}
    except NotFound:
        return {}


async def customer_page(request: web.Request) -> web.StreamResponse:
    """One customer's record, to be read."""
    visitor, parts = visitor_of(request), request.app[PARTS]
    record = await parts.customers.record(CustomerId(int(request.match_info["customer_id"])))
    if record is None:
        raise NotFound("There is no such customer.")
    parts.audit("customer_shown", visitor.user.id, customer_id=str(record.id))
    return _page(request, "customer.html", visitor, customer=record)


async def asset(request: web.Request) -> web.StreamResponse:
    """A file of the built front end, from memory."""
    found = request.app[ASSETS].get(request.match_info["name"])
    if found is None:
        raise NotFound("There is no such file.")
    headers = {"ETag": found.etag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match") == found.etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=found.body, content_type=found.content_type, charset="utf-8", headers=headers)


async def healthz(request: web.Request) -> web.StreamResponse:
    """Alive; nothing about the inside."""
    return web.json_response({"status": "ok"})


async def metrics(request: web.Request) -> web.StreamResponse:
    """Prometheus."""
    body = generate_latest(request.app[PARTS].registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
