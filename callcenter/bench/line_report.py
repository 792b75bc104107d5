"""Words for the calls that went through app_queue and through us."""

from rich.console import Console

from callcenter.bench.app_queue import OURS, PROMISE_P50_MS, PROMISE_P99_MS, LineFigures, SideBySide
from callcenter.bench.report import kept, spread_cells, table


def show_line(console: Console, figures: SideBySide) -> None:
    """Waits beyond the ideal line's, times between calls, CPU."""
    load = figures.load
    given = (
        f"{load.agents} agents, {load.calls} Poisson calls, exponential talks of {load.talk:g} s on average, "
        f"load {load.load:g}; the same Asterisk, phones, callers and talks"
    )
    waited = table(
        "Waits beyond the ideal line (one tier, first come first served; Kiefer-Wolfowitz on the same arrivals and "
        f"talks), ms (promise of ours: p50 <= {PROMISE_P50_MS:g}, p99 <= {PROMISE_P99_MS:g})",
        *("system", "served", "mean wait", "ideal mean", "extra p50", "p99", "worst", "kept"),
    )
    between = table(
        "From an agent's hanging up to the phone's next ring, while callers wait, ms; CPU per call, ms",
        *("system", "times", "p50", "p99", "worst", "Asterisk", "core", "both", "machine busy"),
    )
    for one in figures.systems:
        waited.add_row(
            *(one.system, f"{one.served} of {one.calls}", f"{one.mean_wait:.0f}", f"{one.mean_ideal:.0f}"),
            *(*spread_cells(one.extra), kept(one.kept, promised=one.system == OURS)),
        )
        between.add_row(
            *(one.system, f"{one.gap.count if one.gap else 0}", *spread_cells(one.gap)),
            *(f"{one.asterisk_ms:.1f}", f"{one.core_ms:.1f}", f"{one.asterisk_ms + one.core_ms:.1f}"),
            f"{one.busy:.0%}",
        )
    console.print(waited)
    console.print(between)
    console.print(f"{given}.\n{''.join(_in_line(one) for one in figures.systems)}", style="dim")


def _in_line(one: LineFigures) -> str:
    if one.in_line is None:
        return ""
    p50, p99, worst = spread_cells(one.in_line)
    return (
        "Counted from the instant of joining our line, by our record, and not from the caller's answer: "
        f"p50 {p50}, p99 {p99}, worst {worst}.\n"
    )
