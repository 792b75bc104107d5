"""The cost of decisions, in words and pictures."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from callcenter.bench.decisions import DecisionFigures
from callcenter.bench.report import table
from callcenter.bench.theory_report import chart_style
from callcenter.rehearsal.charts import pygal, svg

PROMISE = 100.0
"""Microseconds at 1,000 agents, 10,000 waiting and 3 skills."""


def show_decisions(console: Console, figures: Sequence[DecisionFigures]) -> None:
    """Every scene."""
    shown = table(
        "A routing decision, from an agent's being free to the offer, microseconds",
        *(
            "agents",
            "waiting",
            "skills",
            "p50",
            "p99",
            "decisions/s",
            "looking at everybody",
            "its record",
            "bytes",
        ),
    )
    for one in figures:
        shown.add_row(
            f"{one.agents:,}",
            f"{one.waiting:,}",
            f"{one.skills}",
            f"{one.p50:.0f}",
            f"{one.p99:.0f}",
            f"{one.per_second:,.0f}",
            f"{one.plain:,.0f}" if one.plain is not None else "-",
            f"{one.pack:,.0f}",
            f"{one.record:,}",
        )
    console.print(shown)
    promised = next(
        (one for one in figures if (one.agents, one.waiting, one.skills) == (1000, 10_000, 3)), None
    )
    if promised is not None:
        kept = "kept" if promised.p50 <= PROMISE else "not kept"
        console.print(
            "Promise: 1,000 agents, 10,000 waiting, 3 skills "
            f"within {PROMISE:.0f} us: {kept} "
            f"(p50 {promised.p50:.0f}). The record is made after the decision.\n",
            style="dim",
        )


def draw_decisions(figures: Sequence[DecisionFigures], folder: Path) -> Path:
    """Growth by callers who wait, one line for each number of agents; beside it, looking at everybody."""
    chart = pygal.XY(
        title="A routing decision, microseconds (p50, 3 skills)",
        x_title="callers who wait",
        logarithmic=True,
        xrange=(10, 100_000),
        **chart_style(),
    )
    of_three = [one for one in figures if one.skills == 3]
    for agents in dict.fromkeys(one.agents for one in of_three):
        mine = [one for one in of_three if one.agents == agents]
        chart.add(f"{agents:,} agents", [(one.waiting, one.p50) for one in mine])
        plain = [(one.waiting, one.plain) for one in mine if one.plain is not None]
        chart.add(f"{agents:,}, looking at everybody", plain, stroke_style={"dasharray": "3, 6"})
    path = folder / "routing-decisions.svg"
    path.write_bytes(svg(chart))
    return path
