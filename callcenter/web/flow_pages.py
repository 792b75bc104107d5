"""The pages of flows: the list, the picture with its figures and versions, the editor."""

import json
from typing import Any

from aiohttp import web

from callcenter.errors import NotFound
from callcenter.web.gate import language_of, visitor_of
from callcenter.web.parts import FRAGMENTS, PARTS
from callcenter.web.periods import PERIODS, period_of
from callcenter.web.pictures import figures_data, graph_data, table_rows
from callcenter.web.roles import Access, may


def flow_of(request: web.Request) -> str:
    """The flow that the address names."""
    return request.match_info["flow"]


async def _page(request: web.Request, template: str, **values: Any) -> web.Response:
    visitor = visitor_of(request)
    page = await request.app[FRAGMENTS].page_in_slices(
        template,
        language_of(request),
        csrf=visitor.csrf,
        user=visitor.user,
        path=request.path,
        admin=may(visitor.user.role, Access.ADMINS),
        **values,
    )
    return web.Response(text=page, content_type="text/html")


def _line(request: web.Request) -> Any:
    flow = flow_of(request)
    for line in request.app[PARTS].flows.listing():
        if line.name == flow:
            return line
    raise NotFound("There is no such flow.")


async def flow_list(request: web.Request) -> web.StreamResponse:
    """All flows: which is on which number, in which version, with how many callers in it."""
    return await _page(request, "flows.html", flows=request.app[PARTS].flows.listing())


async def flow_picture(request: web.Request) -> web.StreamResponse:
    """One flow as a picture, live; its figures of a period; its versions."""
    parts, fragments, language = request.app[PARTS], request.app[FRAGMENTS], language_of(request)
    line, flow = _line(request), flow_of(request)
    period = period_of(request.query, parts.clock.wall(), parts.rules.zone)
    figures = await parts.flows.figures(flow, period.since, period.until)
    versions = await parts.flows.versions(flow)
    graph, now = parts.flows.graph(flow), dict(parts.flows.now(flow))
    return await _page(
        request,
        "flow.html",
        flow=line,
        period=period,
        periods=tuple(PERIODS),
        figures=figures,
        rows=table_rows(graph, figures, now, language),
        versions=versions,
        graph=_json(graph_data(graph, language, fragments)),
        node_figures=_json(figures_data(figures, language, fragments)),
        now=_json(now),
    )


async def flow_editor(request: web.Request) -> web.StreamResponse:
    """The text of the current version, to be changed."""
    parts, line = request.app[PARTS], _line(request)
    version, text = parts.flows.text(flow_of(request))
    graph = graph_data(parts.flows.graph(flow_of(request)), language_of(request), request.app[FRAGMENTS])
    return await _page(request, "flow-edit.html", flow=line, version=version, text=text, graph=_json(graph))


async def version_text(request: web.Request) -> web.StreamResponse:
    """The text of one version."""
    wanted = int(request.match_info["version"])
    for one in await request.app[PARTS].flows.versions(flow_of(request)):
        if one.version == wanted:
            name = f"{one.flow}-{one.version}.yaml"
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return web.Response(
                text=one.text, content_type="application/yaml", charset="utf-8", headers=headers
            )
    raise NotFound("There is no such version.")


def _json(data: Any) -> str:
    """For an attribute of the page; the template escapes it."""
    return json.dumps(data, ensure_ascii=False)
