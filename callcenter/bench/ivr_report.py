"""The IVR's figures in words."""

from rich.console import Console

from callcenter.bench.ivr import IvrFigures
from callcenter.bench.menus import KeyFigures
from callcenter.bench.report import number, spread_cells, table


def show_ivr(console: Console, figures: IvrFigures) -> None:
    """Steps, commands, keys, prompts, waits."""
    _steps(console, figures)
    _commands(console, figures)
    _keys(console, figures.menus.keys)
    _prompts(console, figures)
    _waits(console, figures)


def _steps(console: Console, figures: IvrFigures) -> None:
    shown = table(
        "Flow steps per second, one core, without Asterisk", "walk", "steps", "steps/s", "ms a walk", "spread"
    )
    for one in figures.steps:
        shown.add_row(
            one.walk, f"{one.steps}", f"{one.steps_per_second:,}", f"{one.walk_ms:.2f}", f"{one.spread:.2f}"
        )
    console.print(shown)
    console.print("spread: the fastest round over the slowest.\n", style="dim")


def _commands(console: Console, figures: IvrFigures) -> None:
    commands = figures.menus.commands
    shown = table("AGI commands per caller: two keys, a wait in line, hang-up", "command", "per caller")
    for kind, count in commands.kinds.items():
        shown.add_row(kind, f"{count:.2f}")
    shown.add_row("all", f"{commands.per_caller:.1f}")
    console.print(shown)


def _keys(console: Console, keys: KeyFigures) -> None:
    shown = table(
        f"From a key to the next prompt, {keys.callers} callers in menus at once, ms",
        *(
            "keys",
            "p50",
            "p99",
            "worst",
            "no prompt",
            "failed",
            "core ms a key",
            "Asterisk ms a key",
            "machine busy",
        ),
    )
    shown.add_row(
        number(keys.delay.count if keys.delay else 0, 0),
        *spread_cells(keys.delay),
        *(
            f"{keys.silent}",
            f"{keys.failed}",
            f"{keys.core_ms:.2f}",
            f"{keys.asterisk_ms:.2f}",
            f"{keys.busy:.0%}",
        ),
    )
    console.print(shown)
    console.print(
        "From the first packet that says the key's end (RFC 4733) to the arrival of the next prompt's first packet, "
        "on the monotonic clock of the callers' own process; Asterisk, core and callers shared this machine. CPU of a "
        "key has the sound of its prompt in it.\n",
        style="dim",
    )


def _prompts(console: Console, figures: IvrFigures) -> None:
    shown = table("How long a caller waits for a prompt, ms", "prompt", "count", "p50", "p99", "longest")
    for one in figures.prompts.waits:
        shown.add_row(
            one.kind, f"{one.count}", *(f"{value:.3f}" for value in (one.p50, one.p99, one.longest))
        )
    console.print(shown)


def _waits(console: Console, figures: IvrFigures) -> None:
    shown = table(
        "The announced wait against the real one, simulated, 20 agents, seconds",
        *("scenario", "callers", "mean wait", "mean error", "mean |error|", "p50 |error|", "p90 |error|"),
    )
    names = ("mean_wait", "mean_error", "mean_abs_error", "p50_abs_error", "p90_abs_error")
    for scenario, one in figures.waits.items():
        shown.add_row(
            scenario, f"{one['n']}", *(f"{one[name]:.1f}" if name in one else "-" for name in names)
        )
    console.print(shown)
