"""The bench's words: a table for each figure, the machine first."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from callcenter.bench.lookup import PROMISE_MS, LookupFigures
from callcenter.bench.machine import Machine
from callcenter.bench.parse import PANORAMISK, ParseFigures
from callcenter.bench.pops import (
    PROMISE_P50_MS,
    PROMISE_P99_MS,
    PROMISE_RATIO,
    DirectFigures,
    OfferFigures,
)
from callcenter.bench.replay import AGENTS, WholeFigures
from callcenter.bench.spread import Spread
from callcenter.bench.stage import TALK

SHARED = (
    f"Callers (SIPp), Asterisk, core, phones and screens shared this machine; talks of {TALK:g} s on average, phones "
    "without sound. 'machine busy' counts whatever else ran here too."
)


def show_machine(console: Console, machine: Machine) -> None:
    """On what it was taken."""
    console.print(
        f"{machine.cores} cores, {machine.memory_gib} GiB, {machine.processor}, {machine.kernel}\n"
        f"callcenter {machine.callcenter}, Python {machine.python}, Asterisk {machine.asterisk}, "
        f"SIPp {machine.sipp}, SQLite {machine.sqlite}; load average before the start {machine.load}\n"
    )


def show_parse(console: Console, figures: ParseFigures) -> None:
    """AMI events."""
    shown = table("AMI events per second, one core, the same captured bytes", "reader", "events/s", "ratio")
    if figures.panoramisk_per_second is not None:
        shown.add_row(
            "panoramisk: parse", f"{figures.panoramisk_per_second:,}", number(figures.panoramisk_ratio, 2)
        )
    shown.add_row("asterisk-ami: parse", f"{figures.asterisk_ami_per_second:,}", "1.00")
    shown.add_row("callcenter: parse", f"{figures.ours_parse_per_second:,}", f"{figures.parse_ratio:.2f}")
    shown.add_row(
        "callcenter: parse and translate", f"{figures.ours_whole_per_second:,}", f"{figures.whole_ratio:.2f}"
    )
    console.print(shown)
    console.print("Ours also refuses hostile bytes, which the others take.", style="dim")
    if figures.panoramisk_per_second is None:
        console.print(
            f"For a line of {PANORAMISK}: pip install {PANORAMISK} beside this program.", style="dim"
        )
    console.print()


def show_whole(console: Console, figures: WholeFigures) -> None:
    """AMI events, from the socket to the screen and the record."""
    shown = table(
        "AMI events through our whole way: socket, telephony, bus, look-up, record, pop on a web socket",
        *("events", "calls", "popped", "events/s, one core", "core ms per call"),
    )
    shown.add_row(
        *(f"{figures.events:,}", f"{figures.calls}", f"{figures.pops}"),
        *(f"{figures.per_second:,}", f"{figures.ms_per_call:.1f}"),
    )
    console.print(shown)
    console.print(
        f"The core as it runs in life, {AGENTS} screens; CPU of all its threads. {figures.events / figures.calls:.0f} "
        "events per call as captured, unfiltered; our AMI account asks for about half of them.\n",
        style="dim",
    )


def show_lookup(console: Console, figures: Sequence[LookupFigures]) -> None:
    """Who is calling."""
    shown = table(
        f"Who is calling: number to whole record, SQLite, ms (promise: warm p99 <= {PROMISE_MS:g})",
        *(
            "customers",
            "file MB",
            "made in s",
            "cold p50",
            "cold p99",
            "warm p50",
            "warm p99",
            "worst",
            "kept",
        ),
    )
    for one in figures:
        shown.add_row(
            f"{one.customers:,}",
            f"{one.file_mb:g}",
            f"{one.made_in:.0f}",
            *(f"{value:.2f}" for value in (one.cold.p50, one.cold.p99)),
            *(f"{value:.2f}" for value in (one.warm.p50, one.warm.p99, one.warm.worst)),
            kept(one.kept),
        )
    console.print(shown)
    console.print(
        "cold: the first look-ups after the kernel has forgotten the file; warm: 2,000 numbers, the second time.\n",
        style="dim",
    )


def show_pops(console: Console, direct: Sequence[DirectFigures], offers: Sequence[OfferFigures]) -> None:
    """When the pop is there."""
    if direct:
        shown = table(
            f"Direct calls: Asterisk's DialBegin to the pop at the screen, ms "
            f"(promise: p50 <= {PROMISE_P50_MS:g}, p99 <= {PROMISE_P99_MS:g})",
            *("screens", "calls/s", "calls", "p50", "p99", "worst", "> 50 ms", "no pop", "failed"),
            *("machine busy", "kept"),
        )
        for one in direct:
            shown.add_row(
                f"{one.screens}",
                f"{one.rate:g}",
                f"{one.calls}",
                *spread_cells(one.delay),
                f"{one.over:.1%}",
                f"{one.missing}",
                f"{one.failed}",
                f"{one.busy:.0%}",
                kept(one.kept, promised=one.promised),
            )
        console.print(shown)
    shown = table(
        "Own offers: the pop at the screen before the phone's INVITE, lead in ms (promise: 100 % before)",
        *("screens", "calls/s", "calls", "offers", "pop first", "lead p50", "lead p1", "least", "failed"),
        *("machine busy", "kept"),
    )
    for each in offers:
        shown.add_row(
            *(f"{each.screens}", f"{each.rate:g}", f"{each.calls}", f"{each.offers}", f"{each.first:.1%}"),
            *(number(value) for value in (each.lead_p50, each.lead_p1, each.lead_worst)),
            *(f"{each.failed}", f"{each.busy:.0%}", kept(each.kept, promised=each.promised)),
        )
    console.print(shown)
    console.print(SHARED + "\n", style="dim")


def show_cpu(console: Console, offers: Sequence[OfferFigures]) -> None:
    """What the core costs."""
    shown = table(
        "CPU per call: IVR with two keys, line, offer, talk; all threads, idle time included "
        f"(promise: ratio <= {PROMISE_RATIO:.1f})",
        *("screens", "calls/s", "calls", "core ms", "Asterisk ms", "core / Asterisk", "AMI events", "kept"),
    )
    for one in offers:
        shown.add_row(
            *(f"{one.screens}", f"{one.rate:g}", f"{one.calls}", f"{one.core_ms:.1f}"),
            *(
                f"{one.asterisk_ms:.1f}",
                f"{one.ratio:.2f}",
                f"{one.events:g}",
                kept(one.cheap, promised=one.promised),
            ),
        )
    console.print(shown)
    console.print(SHARED + "\n", style="dim")


def table(title: str, *columns: str) -> Table:
    """The first column is words, the others are figures."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left")
    return table


def spread_cells(values: Spread | None) -> tuple[str, str, str]:
    """p50, p99 and the worst."""
    return (
        ("-", "-", "-")
        if values is None
        else (f"{values.p50:.1f}", f"{values.p99:.1f}", f"{values.worst:.1f}")
    )


def number(value: float | None, digits: int = 1) -> str:
    """A cell."""
    return "-" if value is None else f"{value:.{digits}f}"


def kept(was: bool, *, promised: bool = True) -> str:
    """A cell: whether a promise was kept; where nothing is promised, nothing is said."""
    return ("yes" if was else "NO") if promised else "-"
