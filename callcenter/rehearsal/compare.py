"""Rehearsals side by side, for people: a table per tier and queue, bars, and a chart as SVG."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.bar import Bar
from rich.console import Console
from rich.table import Table

from callcenter.errors import BadInput
from callcenter.rehearsal.charts import pygal, svg
from callcenter.rehearsal.figures import Figures, Result

BAR_WIDTH = 30


@dataclass(frozen=True, slots=True)
class Case:
    """One of those compared, by what sets it apart."""

    name: str
    result: Result


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure: its name, how it is taken and how it is written."""

    name: str
    of: Callable[[Figures], float | None]
    share: bool

    def cell(self, figures: Figures) -> str:
        """As people read it."""
        value = self.of(figures)
        if value is None:
            return "-"
        return f"{value:.1%}" if self.share else f"{value:.1f}"


MEASURES = (
    Measure("within promise", lambda one: one.within_promise, share=True),
    Measure("hung up", lambda one: one.abandoned, share=True),
    Measure("mean wait", lambda one: one.mean_wait, share=False),
    Measure("error", lambda one: one.standard_error, share=False),
    Measure("p90", lambda one: one.p90, share=False),
    Measure("occupancy", lambda one: one.occupancy, share=True),
)


def show(console: Console, cases: Sequence[Case]) -> None:
    """A row for each queue and tier; of two cases or more, those of each below each other, with a bar."""
    console.print(_table(cases))
    console.print(_bars(cases))
    console.print(
        "within promise: served within the tier's promise, of all who came. mean wait, its standard error, p90: "
        "seconds, of all; those who hung up until they did. occupancy: of the agents' time; of a tier its part.",
        style="dim",
    )


def rows(result: Result) -> Iterator[tuple[str, Figures]]:
    """The figures of everybody, of each tier, and of each queue when there are several."""
    yield "all", result.figures()
    for tier in result.tiers:
        yield tier.value, result.figures(None, tier)
    if len(result.queues) > 1:
        for queue in result.queues:
            yield queue, result.figures(queue)
            for tier in result.tiers:
                figures = result.figures(queue, tier)
                if figures.n:
                    yield f"{queue} {tier.value}", figures


def draw(path: Path, cases: Sequence[Case]) -> None:
    """The share served within the promise, as SVG; raises ``BadInput`` when it can't be written."""
    chart = pygal.Bar(
        title="Served within the promise, %",
        js=(),
        range=(0, 100),
        legend_at_bottom=True,
        width=900,
        height=450,
    )
    found = [(case.name, dict(rows(case.result))) for case in cases]
    chart.x_labels = list(dict.fromkeys(name for _, figures in found for name in figures))
    for name, figures in found:
        chart.add(name, [_percent(figures.get(label)) for label in chart.x_labels])
    try:
        path.write_bytes(svg(chart))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error


def _percent(figures: Figures | None) -> float | None:
    share = figures.within_promise if figures is not None else None
    return None if share is None else round(100 * share, 2)


def _table(cases: Sequence[Case]) -> Table:
    table = Table(title="Rehearsed", title_justify="left", title_style="bold")
    table.add_column("callers")
    if len(cases) > 1:
        table.add_column("case", no_wrap=True)
    for column in ("n", *(measure.name for measure in MEASURES)):
        table.add_column(column, justify="right")
    found = [(case.name, dict(rows(case.result))) for case in cases]
    for label in dict.fromkeys(label for _, figures in found for label in figures):
        for place, (name, figures) in enumerate(found):
            if label in figures:
                beginning = [label if place == 0 else "", *([name] if len(cases) > 1 else [])]
                table.add_row(
                    *beginning,
                    *_cells(figures[label]),
                    end_section=len(found) > 1 and place == len(found) - 1,
                )
    return table


def _cells(figures: Figures) -> Iterator[str]:
    yield f"{figures.n:,}"
    for measure in MEASURES:
        yield measure.cell(figures)


def _bars(cases: Sequence[Case]) -> Table:
    table = Table(
        title="Served within the promise",
        title_justify="left",
        title_style="bold",
        show_header=False,
        box=None,
    )
    found = [(case.name, dict(rows(case.result))) for case in cases]
    for label in dict.fromkeys(label for _, figures in found for label in figures):
        for place, (name, figures) in enumerate(found):
            share = figures[label].within_promise if label in figures else None
            bar = Bar(1.0, 0.0, share or 0.0, width=BAR_WIDTH)
            table.add_row(
                label if place == 0 else "", name if len(cases) > 1 else "", bar, _percent_text(share)
            )
    return table


def _percent_text(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
