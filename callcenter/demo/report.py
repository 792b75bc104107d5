"""The demo's words: one line a call, and the sum."""

from rich.console import Console
from rich.table import Table

from callcenter.demo.judge import Summary, Verdict

HEADER = f"{'who':<24} {'tier':<8} {'IVR':<3} {'queue':<11} {'waited':>7} {'agent':<14} {'pop before ring':<17} outcome"


def line(verdict: Verdict) -> str:
    """One call, one line; Chinese characters take two columns."""
    waited = f"{verdict.waited:.1f} s" if verdict.waited is not None else "-"
    if verdict.pop_before_ring is None:
        pop = "-"
    elif verdict.pop_before_ring:
        pop = f"yes, by {verdict.lead_ms:.1f} ms"
    else:
        pop = "NO"
    outcome = verdict.outcome if verdict.right else f"{verdict.outcome}, WRONG POP"
    if verdict.offers > 1:
        outcome += f", {verdict.offers} offers"
    return (
        f"{_fit(verdict.who, 24)} {verdict.tier or '-':<8} {verdict.choice:<3} {verdict.queue:<11} {waited:>7} "
        f"{_fit(verdict.agent or '-', 14)} {pop:<17} {outcome}"
    )


def show(console: Console, summary: Summary) -> None:
    """The sum, as a small table."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in (
        ("calls", summary.calls),
        ("answered", summary.answered),
        ("gave up, as they meant to", summary.gave_up),
        ("lost", summary.lost),
        ("popped late", summary.late),
        ("popped wrongly", summary.wrong + summary.wrong_screens),
        ("not on record", summary.not_on_record),
        ("offers made", summary.offers),
        ("pop before the phone's INVITE, median", _ms(summary.lead_ms_p50)),
        ("the same, at the worst", _ms(summary.lead_ms_min)),
        ("waited in line, median / longest", f"{_s(summary.waited_p50)} / {_s(summary.waited_max)}"),
    ):
        table.add_row(name, str(value))
    console.print(table)
    console.print("good" if summary.good else "NOT GOOD", style="bold green" if summary.good else "bold red")


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


def _s(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def _fit(text: str, columns: int) -> str:
    """Cut or fill to so many columns of a terminal."""
    kept, used = "", 0
    for character in text:
        width = 2 if ord(character) >= 0x1100 else 1
        if used + width > columns:
            break
        kept, used = kept + character, used + width
    return kept + " " * (columns - used)
