"""The flows as reception wants them: a visit for each caller, on the versions published when it begins."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping

import structlog

from callcenter.calls.call import Call
from callcenter.calls.ports import CallerLine
from callcenter.errors import ReleasedToFallback
from callcenter.history.ports import VisitRow
from callcenter.ids import QueueName
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.nodes import LanguageNode, MenuNode
from callcenter.ivr.flow.texts import LANGUAGES
from callcenter.ivr.ports import FlowSet, Shelf
from callcenter.ivr.walk import runner
from callcenter.ivr.walk.services import Services
from callcenter.ivr.walk.walk import Walk
from callcenter.reception.visit import HungUp, Outcome, ToQueue, ToTransfer, Value, VisitEnd

__all__ = ["FlowVisit", "FrontDoor", "key_words"]

log = structlog.get_logger(__name__)

LANGUAGE_NAMES = {"en": ("English", "英语"), "zh": ("Chinese", "中文")}
GONE = "gone"


def key_words(flows: Iterable[Flow]) -> dict[tuple[str, str], tuple[str, str]]:
    """What a key means at a node, in English and Chinese: the title of where it leads, or the language chosen. Where
    two flows have a node of the same name, the first flow counts."""
    words: dict[tuple[str, str], tuple[str, str]] = {}
    for flow in flows:
        for name, node in flow.nodes.items():
            if isinstance(node, MenuNode):
                for key, target in node.keys.items():
                    title = flow.nodes[target].title if target in flow.nodes else None
                    words.setdefault((name, key), (title.en, title.zh) if title else (target, target))
            elif isinstance(node, LanguageNode):
                for key, language in node.keys.items():
                    words.setdefault((name, key), LANGUAGE_NAMES[language])
    return words


class FrontDoor:
    """Implements ``reception.visit.Ivr``."""

    def __init__(self, shelf: Shelf, services: Services) -> None:
        self._shelf = shelf
        self._services = services
        self._worded: Mapping[str, Flow] | None = None
        self._words: dict[tuple[str, str], tuple[str, str]] = {}

    @property
    def key_words(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Of the flows that are published now, those of the usual entrance first."""
        flows = self._shelf.entrance("")
        if flows.flows is not self._worded:
            first = flows.flows[flows.start]
            self._words = key_words([first, *(flow for flow in flows.flows.values() if flow is not first)])
            self._worded = flows.flows
        return self._words

    def visit(self, line: CallerLine, call: Call) -> "FlowVisit":
        """A caller has come; the call is not answered yet."""
        return FlowVisit(line, call, self._shelf.entrance(call.did), self._services)


class FlowVisit:
    """Implements ``reception.visit.Visit``."""

    def __init__(self, line: CallerLine, call: Call, flows: FlowSet, services: Services) -> None:
        self._walk = Walk(line, call, services, flows)
        if call.language in LANGUAGES:
            self._walk.language = call.language  # of a caller who comes back from the fallback queue
        self._flows = flows
        self._began: dt.datetime | None = None
        self._end = GONE
        self._contained = True
        self._over = False

    @property
    def walk(self) -> Walk:
        """Where the caller is and what is known."""
        return self._walk

    async def start(self) -> VisitEnd:
        """Take the call and walk from the flow's first node. Raises ``CallerGone``, ``ReleasedToFallback``,
        ``ActionFailed`` when Asterisk does not even take the call."""
        walk = self._walk
        self._began = walk.services.clock.wall()
        flow = self._flows.flows.get(self._flows.start)
        if flow is not None:
            walk.speak(flow.language)
        await walk.line.answer()
        return self._ended(await runner.begin(walk, self._flows.start))

    async def rejoin(self, queue: QueueName) -> ToQueue:
        """Back into the line of this queue. It is on record as a visit only if the caller leaves the line again; what
        the call needs is known already, where the call is."""
        self._contained = False
        to = await runner.rejoin(self._walk, queue)
        return dataclasses.replace(to, skills=self._walk.call.skills or to.skills)

    async def resume(self, outcome: Outcome) -> VisitEnd:
        """On from the node that the visit was left at."""
        if self._began is None:
            self._began = self._walk.services.clock.wall()
        before, self._end = self._end, GONE  # until it is known better
        end = self._ended(await runner.resume(self._walk, outcome))
        if outcome == "done" and isinstance(end, HungUp):
            self._end = before  # the transfer was the end
        return end

    async def sound(self, prompt: str, values: Mapping[str, Value]) -> str:
        """The path of one of the flow's prompts, or of a standard one. Never raises."""
        return await self._walk.sound(prompt, values)

    async def survey(self, name: str) -> None:
        """Walk this flow with the caller whose agent has hung up; it ends as it likes, the call is over then."""
        walk = self._walk
        frames, walk.frames = walk.frames, []
        walk.made = walk.broken = 0
        try:
            await runner.begin(walk, name)
        except ReleasedToFallback as error:
            log.warning("survey not held", flow=name, reason=error.message)
        finally:
            walk.frames = frames

    def over(self) -> None:
        """Put the visit on record. Once; never raises."""
        if self._over:
            return
        self._over = True
        walk = self._walk
        walk.secrets.clear()
        walk.services.counting.left(walk.call.id)
        if self._began is None:
            return
        walk.services.recorder.visit(
            VisitRow(
                call_id=walk.call.id,
                flow=self._flows.start,
                version=self._flows.versions.get(self._flows.start, 0),
                started_at=self._began,
                ended_at=walk.services.clock.wall(),
                end=self._end,
                contained=self._contained,
                steps=tuple(walk.steps),
            )
        )

    def _ended(self, end: VisitEnd) -> VisitEnd:
        match end:
            case ToQueue():
                self._end, self._contained = "queue", False
            case ToTransfer():
                self._end, self._contained = "transfer", False
            case HungUp():
                self._end = "hangup"
        return end
