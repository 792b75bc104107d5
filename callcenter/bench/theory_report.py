"""The rehearsal against theory, in words and pictures."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from callcenter.bench.report import number, table
from callcenter.bench.theory import LIMIT, SharedAgents, TheoryFigures
from callcenter.errors import BadInput
from callcenter.rehearsal.charts import Style, pygal, svg

WIDTH, HEIGHT = 900, 460
TICKS = (1, 2, 5, 10, 20, 50, 100, 200)
"""Seconds; about all mean waits of the bench lie within."""
STYLE = Style(
    background="white",
    plot_background="white",
    font_family="sans-serif",
    colors=("#1f5fa8", "#d1641b", "#2c8a4b", "#8a3fa0", "#a8891f", "#5b6770", "#c23b55"),
)


def show_theory(console: Console, figures: TheoryFigures) -> None:
    """Every row, and what of them is chance."""
    shown = table(
        f"The routing under drawn callers against queueing theory, {figures.replications} replications, s or shares",
        *(
            "theory",
            "agents",
            "load",
            "figure",
            "calls",
            "theory says",
            "simulated",
            "error",
            "z",
            "within 3",
        ),
    )
    for row in figures.rows:
        shown.add_row(
            *(row.theory, f"{row.agents}", f"{row.load:g}", row.figure, f"{row.calls:,}"),
            *(f"{row.expected:.4g}", f"{row.simulated:.4g}", f"{row.error:.2g}", f"{row.z:+.2f}"),
            "yes" if row.within else "NO",
        )
    console.print(shown)
    console.print(" ".join(_honest(figures)) + "\n", style="dim")
    shared = table(
        "Agents of two queues who serve both: mean wait of all calls, s",
        *("share who serve both", "mean wait", "error", "theory says", "z", "share of pooling's gain"),
    )
    for one in figures.shared:
        shared.add_row(*_shared_cells(one))
    console.print(shared)


def markdown(figures: TheoryFigures) -> str:
    """The same for ``docs/``."""
    return "\n".join(_lines(figures)) + "\n"


def draw_theory(figures: TheoryFigures, folder: Path) -> list[Path]:
    """``routing-theory-waits.svg``, ``-z.svg`` and ``-shared.svg`` in the folder; raises ``BadInput`` when they can't
    be written."""
    drawn = {
        "routing-theory-waits.svg": _waits(figures),
        "routing-theory-z.svg": _scores(figures),
        "routing-theory-shared.svg": _shared(figures),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in drawn.items():
            (folder / name).write_bytes(picture)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}") from error
    return [folder / name for name in drawn]


def _honest(figures: TheoryFigures) -> Iterator[str]:
    count = len(figures.rows)
    yield f"{figures.beyond} of {count} figures lie beyond {LIMIT:g} standard errors;"
    degrees = figures.replications - 1
    yield f"by chance alone {count * figures.chance_beyond:.1f} would (Student's t, {degrees} degrees)."
    yield f"The mean of z squared is {figures.chi_square:.2f} (about 1 where theory and errors are right);"
    yield "the figures of one case come from the same calls, so their z go together."


def _lines(figures: TheoryFigures) -> Iterator[str]:
    yield "| theory | agents | load | figure | calls | theory says | simulated | standard error | z |"
    yield "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |"
    for row in figures.rows:
        yield (
            f"| {row.theory} | {row.agents} | {row.load:g} | {row.figure} | {row.calls:,} | {row.expected:.4g} | "
            f"{row.simulated:.4g} | {row.error:.2g} | {row.z:+.2f}{'' if row.within else ' (!)'} |"
        )
    yield ""
    yield from _honest(figures)
    yield ""
    yield "| agents who serve both queues | mean wait of all, s | standard error | theory says | z | pooling's gain |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: |"
    for one in figures.shared:
        yield f"| {' | '.join(_shared_cells(one))} |"


def _shared_cells(one: SharedAgents) -> tuple[str, ...]:
    return (
        *(f"{one.flexible:.0%}", f"{one.wait:.1f}", f"{one.error:.1f}", number(one.expected)),
        *("-" if one.z is None else f"{one.z:+.2f}", f"{one.gain:.0%}"),
    )


def _waits(figures: TheoryFigures) -> bytes:
    """Each mean wait as theory has it, and as it was, on logarithmic axes: a point on the diagonal for each."""
    chart = pygal.XY(
        title="Mean waits: simulated over theory, seconds",
        x_title="theory says",
        y_title="simulated",
        stroke=False,
        logarithmic=True,
        xrange=(TICKS[0], TICKS[-1]),
        range=(TICKS[0], TICKS[-1]),
        x_labels=TICKS,
        y_labels=TICKS,
        **chart_style(),
    )
    rows = [row for row in figures.rows if row.figure.startswith("mean wait")]
    for theory in dict.fromkeys(row.theory for row in rows):
        chart.add(theory, [(row.expected, row.simulated) for row in rows if row.theory == theory])
    chart.add("equal", [(TICKS[0], TICKS[0]), (TICKS[-1], TICKS[-1])], stroke=True, show_dots=False)
    return svg(chart)


def _scores(figures: TheoryFigures) -> bytes:
    chart = pygal.XY(
        title="Distance from theory in standard errors",
        x_title="figure",
        y_title="z",
        stroke=False,
        range=(-4, 4),
        show_x_labels=False,
        **chart_style(),
    )
    numbered = list(enumerate(figures.rows, 1))
    for theory in dict.fromkeys(row.theory for row in figures.rows):
        chart.add(theory, [(number, row.z) for number, row in numbered if row.theory == theory])
    for edge in (-LIMIT, LIMIT):
        chart.add(f"{edge:+g}", [(1, edge), (len(numbered), edge)], stroke=True, show_dots=False)
    return svg(chart)


def _shared(figures: TheoryFigures) -> bytes:
    chart = pygal.XY(
        title="Two queues: mean wait by the share of agents who serve both, seconds",
        x_title="agents who serve both queues, %",
        range=(0, max((one.wait for one in figures.shared), default=1.0) * 1.1),
        **chart_style(),
    )
    chart.add("simulated", [(100 * one.flexible, round(one.wait, 1)) for one in figures.shared])
    known = [
        (100 * one.flexible, round(one.expected, 1)) for one in figures.shared if one.expected is not None
    ]
    chart.add("theory says (nothing in between)", known, stroke=False)
    return svg(chart)


def chart_style() -> dict[str, object]:
    """What all charts of the bench have."""
    return {"width": WIDTH, "height": HEIGHT, "style": STYLE, "js": (), "legend_at_bottom": True}
