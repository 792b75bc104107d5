"""``callcenter bench``: take the figures, show them, with the machine that they were taken on."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from callcenter import log as logs
from callcenter.bench import (
    app_queue,
    decisions,
    decisions_report,
    ivr,
    ivr_report,
    line_report,
    lookup,
    machine,
    parse,
    pops,
    replay,
    report,
    theory,
    theory_report,
)
from callcenter.bench.app_queue import SideBySide
from callcenter.bench.decisions import DecisionFigures
from callcenter.bench.ivr import IvrFigures
from callcenter.bench.lookup import LookupFigures
from callcenter.bench.machine import Machine
from callcenter.bench.parse import ParseFigures
from callcenter.bench.pops import PopFigures
from callcenter.bench.replay import WholeFigures
from callcenter.bench.theory import TheoryFigures
from callcenter.errors import BadInput
from callcenter.rig.asterisk_install import cache_folder

PARTS = ("parse", "whole", "lookup", "routing", "theory", "pops", "cpu", "line", "ivr")
WIDTH = 120
QUICK_THEORY = 0.1
"""As a share of the callers of the long proof."""
RECORDINGS = Path("tests/recordings")
T = TypeVar("T")


@dataclass
class Figures:
    """What was taken; None: not asked for."""

    machine: Machine
    parse: ParseFigures | None = None
    whole: WholeFigures | None = None
    lookup: Sequence[LookupFigures] | None = None
    routing: Sequence[DecisionFigures] | None = None
    theory: TheoryFigures | None = None
    pops: PopFigures | None = None
    line: SideBySide | None = None
    ivr: IvrFigures | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        data: dict[str, Any] = {"machine": self.machine.to_json()}
        if self.parse is not None:
            data["parse"] = self.parse.to_json()
        if self.whole is not None:
            data["whole"] = self.whole.to_json()
        if self.lookup is not None:
            data["lookup"] = [one.to_json() for one in self.lookup]
        if self.routing is not None:
            data["routing"] = [one.to_json() for one in self.routing]
        if self.theory is not None:
            data["theory"] = self.theory.to_json()
        if self.pops is not None:
            data["direct"] = [one.to_json() for one in self.pops.direct]
            data["offers"] = [one.to_json() for one in self.pops.offers]
        if self.line is not None:
            data["line"] = self.line.to_json()
        if self.ivr is not None:
            data["ivr"] = self.ivr.to_json()
        return data


class Bench:
    """One run. Figures are shown as soon as they are there."""

    def __init__(
        self, parts: Sequence[str], console: Console, progress: Progress, *, quick: bool = False
    ) -> None:
        """``quick``: fewer calls, where that is what takes the time."""
        self._parts, self._console, self._progress, self._quick = parts, console, progress, quick

    async def run(self) -> Figures:
        """Take what was asked for. Raises ``PartMissing``."""
        figures = Figures(await machine.look())
        report.show_machine(self._console, figures.machine)
        if "parse" in self._parts:
            figures.parse = self._parse()
            report.show_parse(self._console, figures.parse)
        if "whole" in self._parts:
            figures.whole = await self._whole()
            report.show_whole(self._console, figures.whole)
        if "lookup" in self._parts:
            figures.lookup = [await self._lookup(customers) for customers in lookup.SIZES]
            report.show_lookup(self._console, figures.lookup)
        self._alone(figures)
        if "pops" in self._parts or "cpu" in self._parts:
            figures.pops = await self._pops()
            if "pops" in self._parts:
                report.show_pops(self._console, figures.pops.direct, figures.pops.offers)
            if "cpu" in self._parts:
                report.show_cpu(self._console, figures.pops.offers)
        if "line" in self._parts:
            figures.line = await self._line()
            line_report.show_line(self._console, figures.line)
        if "ivr" in self._parts:
            figures.ivr = await self._ivr()
            ivr_report.show_ivr(self._console, figures.ivr)
        return figures

    def _alone(self, figures: Figures) -> None:
        """What needs no other process."""
        if "routing" in self._parts:
            figures.routing = self._routing()
            decisions_report.show_decisions(self._console, figures.routing)
        if "theory" in self._parts:
            figures.theory = self._theory()
            theory_report.show_theory(self._console, figures.theory)

    def _parse(self) -> ParseFigures:
        task = self._progress.add_task("parsing AMI events")
        try:
            return parse.measure(
                RECORDINGS, progress=lambda done, of: self._progress.update(task, total=of, completed=done)
            )
        finally:
            self._progress.remove_task(task)

    async def _whole(self) -> WholeFigures:
        return await self._played(
            lambda folder, prompts, progress: replay.measure(RECORDINGS, folder, prompts, progress)
        )

    async def _lookup(self, customers: int) -> LookupFigures:
        task = self._progress.add_task(f"{customers:,} customers", total=None)

        def made(done: int, of: int) -> None:
            text = f"making {of:,} customers, once: {done:,}" if done < of else f"looking up among {of:,}"
            self._progress.update(task, description=text)

        try:
            return await lookup.measure(cache_folder() / "bench", customers, progress=made)
        finally:
            self._progress.remove_task(task)

    def _routing(self) -> Sequence[DecisionFigures]:
        waiting = decisions.WAITING[:-1] if self._quick else decisions.WAITING
        with self._told() as told:
            return decisions.measure(told, waiting=waiting)

    def _theory(self) -> TheoryFigures:
        with self._told() as told:
            return theory.measure(QUICK_THEORY if self._quick else 1.0, told)

    @contextmanager
    def _told(self) -> Iterator[Callable[[str], None]]:
        """What a part that needs nobody else says of how far it is."""
        task = self._progress.add_task("starting", total=None)
        try:
            yield lambda text: self._progress.update(task, description=text)
        finally:
            self._progress.remove_task(task)

    async def _pops(self) -> PopFigures:
        grid = pops.QUICK_SCENES if self._quick else pops.SCENES
        scenes = grid if "pops" in self._parts else pops.without_direct(grid)
        return await self._played(
            lambda folder, prompts, progress: pops.measure(folder, prompts, scenes, progress)
        )

    async def _line(self) -> SideBySide:
        load = app_queue.QUICK if self._quick else app_queue.FULL
        return await self._played(
            lambda folder, prompts, progress: app_queue.measure(folder, prompts, progress, load)
        )

    async def _ivr(self) -> IvrFigures:
        return await self._played(ivr.measure)

    async def _played(self, measure: Callable[[Path, Path, Callable[[str], None]], Awaitable[T]]) -> T:
        """What needs processes of its own: they get a folder, and tell how far they are."""
        task = self._progress.add_task("starting", total=None)
        try:
            async with _kept_on_failure() as folder:
                return await measure(
                    folder,
                    cache_folder() / "bench" / "prompts",
                    lambda text: self._progress.update(task, description=text),
                )
        finally:
            self._progress.remove_task(task)


@asynccontextmanager
async def _kept_on_failure() -> AsyncIterator[Path]:
    """A folder for a run's files. It stays when the run fails, for whoever wants to know why."""
    # A short path: Asterisk's control socket must have one.
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="callcenter-bench-"))
    yield folder
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def chosen(only: str) -> tuple[str, ...]:
    """The parts to take: all, or one. Raises ``BadInput`` for one that there isn't."""
    if only and only not in PARTS:
        raise BadInput(f"There is no figure {only!r}: --only takes one of {', '.join(PARTS)}.")
    return (only,) if only else PARTS


def _draw(figures: Figures, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if figures.routing is not None:
        decisions_report.draw_decisions(figures.routing, folder)
    if figures.theory is not None:
        theory_report.draw_theory(figures.theory, folder)
        (folder / "routing-theory.md").write_text(theory_report.markdown(figures.theory), "utf-8")


def _console(*, as_json: bool) -> Console:
    """Standard output, or standard error where the figures are for a program. A pipe has no width: a table's."""
    console = Console(stderr=as_json, highlight=False)
    return console if console.is_terminal else Console(stderr=as_json, highlight=False, width=WIDTH)


def run_bench(only: str, *, as_json: bool, quick: bool = False, charts: Path | None = None) -> int:
    """Take all figures, or ``only`` one; print tables, or one JSON object. ``quick``: shorter runs;
    ``charts``: a folder for the pictures. The status is 0 whatever they are: a figure is no test. Raises ``BadInput``
    and ``PartMissing``."""
    parts = chosen(only)
    logs.configure("ERROR", "console")
    console = _console(as_json=as_json)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        figures = asyncio.run(Bench(parts, console, progress, quick=quick).run())
    if charts is not None:
        _draw(figures, charts)
    if as_json:
        print(json.dumps(figures.to_json(), ensure_ascii=False))
    return 0
