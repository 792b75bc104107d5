"""The page of the routing's rules: what is in service, what was, and the latest decisions."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from aiohttp import web

from callcenter.errors import BadInput
from callcenter.history.decisions import DecisionLine
from callcenter.ids import QueueName
from callcenter.routing.decision import explained
from callcenter.routing.publishing import NOTE_FROM_FILE, RulesVersion, rules_or_none
from callcenter.routing.rule_changes import RuleChange, changes
from callcenter.routing.rules import QueueRules, RoutingRules
from callcenter.web.fragments import Fragments
from callcenter.web.gate import language_of, visitor_of
from callcenter.web.parts import FRAGMENTS, PARTS, WebParts
from callcenter.web.roles import Access, may
from callcenter.web.whys import reason_text

VERSIONS_SHOWN = 20
DECISIONS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version, and what was new in it; None for the first, or where one of the two can't be read."""

    version: RulesVersion
    changes: list[RuleChange] | None

    @property
    def note(self) -> str:
        """What its publisher wrote; the usual one of a start says nothing new."""
        return "" if self.version.note == NOTE_FROM_FILE else self.version.note


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision of the list. ``beside``: how many other agents could have come into question."""

    line: DecisionLine
    because: str
    queue: str
    tier: str
    waited: float
    beside: int


async def routing_page(request: web.Request) -> web.StreamResponse:
    """The rules in words, their versions, the latest decisions."""
    visitor, parts = visitor_of(request), request.app[PARTS]
    fragments, language = request.app[FRAGMENTS], language_of(request)
    rules = parts.routing.rules
    page = await fragments.page_in_slices(
        "routing.html",
        language,
        csrf=visitor.csrf,
        user=visitor.user,
        path=request.path,
        admin=may(visitor.user.role, Access.ADMINS),
        rules=rules,
        in_service=parts.routing.version,
        queues=queue_lines(parts, rules),
        versions=version_lines(await parts.routing.versions(VERSIONS_SHOWN + 1)),
        decisions=await decision_rows(await parts.decisions.latest(DECISIONS_SHOWN), fragments, language),
    )
    return web.Response(text=page, content_type="text/html")


async def roll_back(request: web.Request) -> web.StreamResponse:
    """Put an old version into service again, as a new one."""
    parts, user = request.app[PARTS], visitor_of(request).user
    version = int(request.match_info["version"])
    made = await parts.routing.roll_back(version, user.id)
    parts.audit("routing_rolled_back", user.id, to=str(version), version=str(made.version))
    raise web.HTTPSeeOther("/routing")


def queue_lines(parts: WebParts, rules: RoutingRules) -> list[tuple[str, QueueRules]]:
    """The call centre's queues, each with the rules that hold for it."""
    names = [queue.code for queue in parts.queues]
    names += sorted(name for name in rules.queues if name not in names)
    return [(name, rules.queue(QueueName(name))) for name in names]


def version_lines(versions: Sequence[RulesVersion]) -> list[VersionLine]:
    """Newest first, each compared with the one before."""
    read = [(one, rules_or_none(one)) for one in versions]
    lines = [
        VersionLine(one, None if old is None or new is None else changes(old, new))
        for (one, new), (_, old) in pairwise(read)
    ]
    if read and len(read) <= VERSIONS_SHOWN:
        lines.append(VersionLine(read[-1][0], None))
    return lines


async def decision_rows(
    decisions: Sequence[DecisionLine], fragments: Fragments, language: str
) -> list[DecisionRow]:
    """Those that can be read. One among a thousand agents takes some milliseconds: others get their turn in between."""
    rows = []
    for one in decisions:
        await asyncio.sleep(0)
        try:
            told = explained(one.decision)
        except BadInput:
            continue
        because = reason_text(told.because, fragments, language, {})
        rows.append(
            DecisionRow(one, because, told.queue, told.tier.value, max(0.0, told.waited), len(told.rejected))
        )
    return rows
