"""What the editor of flows asks for: check, rehearse, publish, roll back."""

import asyncio
from typing import Any

from aiohttp import web

from callcenter.errors import BadInput, Conflict, TooMany
from callcenter.history.flows import FlowVersion
from callcenter.web.bodies import (
    TEXT_LIMIT,
    facts_field,
    fields_of,
    line_field,
    text_field,
    whole_field,
    words_field,
)
from callcenter.web.flow_pages import flow_of
from callcenter.web.gate import language_of, visitor_of
from callcenter.web.parts import CHECKS, FRAGMENTS, PARTS
from callcenter.web.pictures import fault_data, graph_data, tried_data

CHECK_TRIES, CHECK_SECONDS = 40, 10.0
"""Checks, rehearsals and publications of one user. Somebody who types asks for two or three a second."""
KEY_LIMIT, KEYS = 40, 500
FACT_LIMIT, FACTS = 200, 40
NOTE_LIMIT = 2000


def _allow(request: web.Request) -> None:
    checks, who = request.app[CHECKS], str(visitor_of(request).user.id)
    if wait := checks.wait(who):
        raise TooMany(f"Too many checks. Try again in {wait:.0f} seconds.")
    checks.note(who)


async def check(request: web.Request) -> web.StreamResponse:
    """What is wrong with a text, and its picture as far as it can be read."""
    _allow(request)
    text = text_field(await fields_of(request), "text", TEXT_LIMIT)
    flows = request.app[PARTS].flows
    faults = await flows.check(flow_of(request), text)
    graph = await asyncio.to_thread(flows.draw, text)
    drawn = None if graph is None else graph_data(graph, language_of(request), request.app[FRAGMENTS])
    return web.json_response({"faults": fault_data(faults), "graph": drawn})


async def rehearse(request: web.Request) -> web.StreamResponse:
    """Walk a caller through a text."""
    _allow(request)
    fields = await fields_of(request)
    tried = await request.app[PARTS].flows.rehearse(
        text_field(fields, "text", TEXT_LIMIT),
        words_field(fields, "keys", KEYS, KEY_LIMIT),
        facts_field(fields, "facts", FACTS, FACT_LIMIT),
    )
    return web.json_response(tried_data(tried))


async def publish(request: web.Request) -> web.StreamResponse:
    """Make a text the flow that callers meet. 400 with all faults; 409 with who published meanwhile."""
    _allow(request)
    flow, parts, user = flow_of(request), request.app[PARTS], visitor_of(request).user
    fields = await fields_of(request)
    text, note = text_field(fields, "text", TEXT_LIMIT), line_field(fields, "note", NOTE_LIMIT)
    try:
        made = await parts.flows.publish(flow, text, user.id, note, whole_field(fields, "over"))
    except BadInput as error:
        faults = fault_data(await parts.flows.check(flow, text))
        return _refused(request, 400, error, faults=faults)
    except Conflict as error:
        current = [one for one in await parts.flows.versions(flow) if one.current]
        return _refused(request, 409, error, current=_version_data(current[0]) if current else None)
    parts.audit("flow_published", user.id, flow=flow, version=str(made.version))
    return web.json_response({"version": made.version})


async def roll_back(request: web.Request) -> web.StreamResponse:
    """Publish an old version again, as a new one."""
    flow, parts, user = flow_of(request), request.app[PARTS], visitor_of(request).user
    version = int(request.match_info["version"])
    made = await parts.flows.roll_back(flow, version, user.id)
    parts.audit("flow_rolled_back", user.id, flow=flow, to=str(version), version=str(made.version))
    raise web.HTTPSeeOther(f"/flows/{flow}")


def _version_data(version: FlowVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "by": version.by_name,
        "at": version.at.isoformat(),
        "note": version.note,
    }


def _refused(request: web.Request, status: int, error: BadInput | Conflict, **more: Any) -> web.Response:
    message = request.app[FRAGMENTS].error(language_of(request), error.code, error.message)
    return web.json_response({"error": {"code": error.code, "message": message}, **more}, status=status)
