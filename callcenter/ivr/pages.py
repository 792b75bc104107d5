"""What the flows' pages show and do: ``supervision.flows.Flows``."""

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence

from callcenter.errors import BadInput
from callcenter.history.flows import FlowBook, FlowFigures, FlowVersion
from callcenter.ids import UserId
from callcenter.ivr.counting import Counter
from callcenter.ivr.drawing import draw
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.loader import FlowInvalid, Known, examine
from callcenter.ivr.ports import FlowSet
from callcenter.ivr.shelf import Shelf
from callcenter.ivr.trying import HUNG_UP, Try
from callcenter.supervision.flows import Fault, FlowLine, Graph, Tried, TriedStep

MAX_PRESSES = 200
"""In one rehearsal on a page."""


class FlowPages:
    """Joins the shelf (what is published), the book (what was), and the counter (who is where)."""

    def __init__(self, shelf: Shelf, book: FlowBook, counter: Counter) -> None:
        self._shelf = shelf
        self._book = book
        self._counter = counter

    # -------------------------------------------------------- to be seen

    def listing(self) -> Sequence[FlowLine]:
        """All flows, by name."""
        return [self._line(name, flow) for name, flow in sorted(self._shelf.flows.items())]

    def _line(self, name: str, flow: Flow) -> FlowLine:
        kept = self._shelf.kept(name)
        titles = (flow.title.en, flow.title.zh) if flow.title else (name, name)
        return FlowLine(
            name,
            *titles,
            version=kept.version,
            at=kept.at,
            by=kept.by_name,
            callers=sum(self._counter.now(name).values()),
            numbers=self._shelf.entrances.numbers_of(name),
        )

    def text(self, flow: str) -> tuple[int, str]:
        """The current version's number and text."""
        kept = self._shelf.kept(flow)
        return kept.version, kept.text

    def graph(self, flow: str) -> Graph:
        """The current version as a picture."""
        self._shelf.kept(flow)
        return draw(self._shelf.flows[flow])

    def draw(self, text: str) -> Graph | None:
        """A text that is being edited as a picture, as soon as its form is right."""
        flow = examine(text.encode(), "flow.yaml", Known()).flow
        return draw(flow) if flow is not None else None

    def now(self, flow: str) -> Mapping[str, int]:
        """Callers at each node now."""
        return self._counter.now(flow)

    def version(self) -> int:
        """Grows whenever callers move, or a flow is published."""
        return self._counter.version() + self._shelf.changes

    async def versions(self, flow: str) -> Sequence[FlowVersion]:
        """All versions, the latest first."""
        self._shelf.kept(flow)
        return await self._book.versions(flow)

    async def figures(self, flow: str, since: dt.datetime, until: dt.datetime) -> FlowFigures:
        """What callers did in this period."""
        self._shelf.kept(flow)
        return await self._book.figures(flow, since, until)

    # -------------------------------------------------------- to be done

    async def check(self, flow: str, text: str) -> Sequence[Fault]:
        """Everything that is wrong with a text, warnings too."""
        self._shelf.kept(flow)
        examined = await asyncio.to_thread(self._shelf.examine, flow, text)
        return [
            Fault(one.line, one.node, one.message, warning=one.level == "warning")
            for one in examined.problems
        ]

    async def publish(self, flow: str, text: str, by: UserId, note: str, over: int | None) -> FlowVersion:
        """Put a text into service."""
        self._shelf.kept(flow)
        return await self._shelf.publish(flow, text, by, note, over)

    async def roll_back(self, flow: str, version: int, by: UserId) -> FlowVersion:
        """Put an old version into service again."""
        self._shelf.kept(flow)
        return await self._shelf.roll_back(flow, version, by)

    async def rehearse(self, text: str, keys: Sequence[str], facts: Mapping[str, str]) -> Tried:
        """Walk a caller with these keys through a text."""
        if len(keys) > MAX_PRESSES:
            raise BadInput(f"A rehearsal has {MAX_PRESSES} answers at most.")
        examined = await asyncio.to_thread(examine, text.encode(), "flow.yaml", Known())
        if examined.flow is None:
            raise FlowInvalid(examined.problems)
        name = examined.flow.flow
        done = await Try(FlowSet(name, {**self._shelf.flows, name: examined.flow}, {}), facts).walk_with(keys)
        steps = tuple(TriedStep(one.node, one.heard, one.pressed, one.at) for one in done.steps)
        return Tried(steps, done.end, gone=done.end == HUNG_UP)
