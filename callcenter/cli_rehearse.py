"""``callcenter routing rehearse`` and ``callcenter routing staff``: what would happen, and who is needed."""

import asyncio
import datetime as dt
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from callcenter.command import DEFAULT_CONFIG, JsonOption, explained, print_json
from callcenter.customers.customer import Tier
from callcenter.errors import BadInput
from callcenter.routing.rules import Order, RoutingRules

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from callcenter.rehearsal.asked import Asked
    from callcenter.rehearsal.compare import Case
    from callcenter.rehearsal.plan import Day, Plan
    from callcenter.storage.arrivals import Arrival

INTERRUPTED = 130
MOST_DAYS = 31
WIDTH = 120
"""Of a table that goes into a pipe, which has none."""
SHIPPED = "shipped rules"

AgentsOption = Annotated[int, typer.Option(help="How many answer, each serving every queue.")]
PerQueueOption = Annotated[str, typer.Option(help="support=12,billing=6: agents who serve one queue each.")]
RateOption = Annotated[float, typer.Option(help="Poisson arrivals.")]
TalkOption = Annotated[float, typer.Option(help="Mean seconds of a talk.")]
KindOption = Annotated[str, typer.Option(help="exponential, or log-normal (deviation 0.75 of the mean).")]
WrapUpOption = Annotated[float, typer.Option(help="Seconds after each talk.")]
PatienceOption = Annotated[
    float, typer.Option(help="Mean seconds until a caller who waits hangs up (exponential); 0: nobody does.")
]
TiersOption = Annotated[
    str, typer.Option(help="The callers' tiers and their shares, such as vip=0.2,regular=0.8.")
]
QueueOption = Annotated[str, typer.Option(help="Where they wait: the rules may say something for it.")]
PolicyOption = Annotated[
    Order | None, typer.Option(help="aging, or strict: the better tier first. Else as the rules say.")
]
ScenarioOption = Annotated[
    Path | None, typer.Option(help="A TOML file with [[agents]] and [[arrivals]] of each half hour.")
]
RulesOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings whose rules count; else the shipped rules.")
]


@explained
def rehearse(
    agents: AgentsOption = 0,
    agents_per_queue: PerQueueOption = "",
    calls_per_hour: RateOption = 0,
    talk: TalkOption = 180,
    talk_kind: KindOption = "exponential",
    wrap_up: WrapUpOption = 0,
    patience: PatienceOption = 0,
    tiers: TiersOption = "regular=1",
    queue: QueueOption = "support",
    policy: PolicyOption = None,
    scenario: ScenarioOption = None,
    day: Annotated[Path | None, typer.Option(help="A CSV file of recorded calls, to replay.")] = None,
    recorded: Annotated[
        str,
        typer.Option(help="2026-11-20 or 2026-11-16..2026-11-20: replay the database's calls of these days."),
    ] = "",
    save: Annotated[
        Path | None, typer.Option(help="Write the recorded day there, as CSV for --day, and end.")
    ] = None,
    calls: Annotated[int, typer.Option(help="How many are measured, all replications together.")] = 100_000,
    replications: Annotated[
        int, typer.Option(help="Independent runs; 0: 30, or one for each recorded day.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="The same seed, the same callers.")] = 1,
    config: RulesOption = None,
    compare: Annotated[Path | None, typer.Option(help="Other settings: their rules, side by side.")] = None,
    compare_agents: Annotated[int, typer.Option(help="Another number of agents, side by side.")] = 0,
    chart: Annotated[
        Path | None, typer.Option(help="Draw the shares within the promise there, as SVG.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Rehearse: callers, drawn at random or recorded, through the routing that serves calls, in virtual time.

    Agents answer at once when they are offered a call; who hangs up does not call again. A steady load begins near
    its steady state, runs unmeasured for 3 relaxation times of the floor, and is measured in 30 independent
    replications; a day begins empty and ends when the last caller is served.

    Figures, of all callers measured: mean_wait with its standard_error, p50, p90, p99 (seconds; those who hang up wait
    until they do), within_promise (served within the tier's promise, of all who came), abandoned (hung up, of all who
    came), occupancy (of the agents' time; of a tier: the part that went there).
    """
    from callcenter.rehearsal.asked import Asked, plan_of  # noqa: PLC0415  commands load only what they need

    asked = Asked(
        agents, agents_per_queue, calls_per_hour, talk, talk_kind, wrap_up, patience, tiers, queue, scenario
    )
    if save is not None:
        _save(recorded, config, save)
        return
    days = _days(day, recorded, config, scenario)
    plan = plan_of(asked, _rules(config, policy), days)
    plans = {_name(plan, config, compare, compare_agents): plan}
    if compare is not None or compare_agents:
        other = plan_of(_other_staff(asked, compare_agents), _rules(compare or config, policy), days)
        plans[_name(other, compare or config, compare, compare_agents)] = other
        if len(plans) < 2:
            raise BadInput("There is nothing to compare: both sides are the same.")
    cases = _rehearsed(plans, calls, replications, seed)
    if chart is not None:
        from callcenter.rehearsal.compare import draw  # noqa: PLC0415

        draw(chart, cases)
    _show(cases, as_json=as_json)


@explained
def staff(
    calls_per_hour: RateOption = 0,
    talk: TalkOption = 180,
    wrap_up: WrapUpOption = 0,
    patience: PatienceOption = 0,
    tiers: TiersOption = "regular=1",
    queue: QueueOption = "support",
    policy: PolicyOption = None,
    scenario: ScenarioOption = None,
    most_occupancy: Annotated[
        float, typer.Option(help="The share of their time that agents work at most.")
    ] = 0.9,
    shrinkage: Annotated[float, typer.Option(help="The share of paid time that agents aren't at work.")] = 0,
    config: RulesOption = None,
    as_json: JsonOption = False,
) -> None:
    """How many agents each half hour needs for every tier's promise, by Erlang's formulas.

    Each queue as if it had agents of its own, all alike; never too few for the promises in a steady half hour, at
    times some too many. What the formulas don't know (skills, shared agents, a line that was long before) a rehearsal
    does: callcenter routing rehearse --scenario with the same file.
    """
    from callcenter.rehearsal.advice import rows, table  # noqa: PLC0415
    from callcenter.rehearsal.asked import Asked, stream_of  # noqa: PLC0415
    from callcenter.rehearsal.scenario import Arrivals, arrivals_of  # noqa: PLC0415
    from callcenter.rehearsal.staffing import Need  # noqa: PLC0415

    if scenario is not None:
        arrivals = arrivals_of(scenario)
    else:
        asked = Asked(0, "", calls_per_hour, talk, "exponential", wrap_up, patience, tiers, queue)
        arrivals = Arrivals((stream_of(asked),), 0, dt.time(0))
    need = Need(most_occupancy=most_occupancy, shrinkage=shrinkage)
    found = rows(arrivals, _rules(config, policy), need)
    if as_json:
        print_json({"half_hours": [row.to_json() for row in found]})
        return
    _console().print(table(found, [tier for tier in Tier if any(tier in row.advice.tiers for row in found)]))


# ------------------------------------------------------------ what is compared


def _name(plan: "Plan", config: Path | None, compare: Path | None, compare_agents: int) -> str:
    """What sets it apart from the other."""
    rules = (
        [str(config) if config is not None else SHIPPED] if compare is not None or not compare_agents else []
    )
    return ", ".join([f"{plan.agents} agents", *rules])


def _other_staff(asked: "Asked", agents: int) -> "Asked":
    if not agents:
        return asked
    if asked.agents_per_queue:
        raise BadInput("--compare-agents is compared with --agents, not with --agents-per-queue.")
    return replace(asked, agents=agents)


def _rules(config: Path | None, policy: Order | None) -> RoutingRules:
    rules = RoutingRules()
    if config is not None:
        from callcenter.app_settings import routing_rules  # noqa: PLC0415
        from callcenter.settings import load  # noqa: PLC0415

        rules = routing_rules(load(config))
    return rules if policy is None else replace(rules, order=policy)


# ------------------------------------------------------------ recorded days


def _days(day: Path | None, recorded: str, config: Path | None, scenario: Path | None) -> list["Day"]:
    from callcenter.rehearsal.recorded import day_of, read_day  # noqa: PLC0415
    from callcenter.rehearsal.scenario import begins_of  # noqa: PLC0415

    if day is not None and recorded:
        raise BadInput("Either --day or --recorded: not both.")
    if day is None and not recorded:
        return []
    begins = begins_of(scenario) if scenario is not None else dt.time(0)
    if day is not None:
        return [read_day(day, begins)]
    zone, found = _recorded(recorded, config)
    return [day_of(name, arrivals, zone, begins) for name, arrivals in found.items()]


def _recorded(text: str, config: Path | None) -> tuple[ZoneInfo, dict[str, list["Arrival"]]]:
    """Arrivals by day, from the database of the settings."""
    from callcenter.settings import load  # noqa: PLC0415
    from callcenter.storage.arrivals import StoredArrivals  # noqa: PLC0415
    from callcenter.storage.database import Database  # noqa: PLC0415

    settings = load(config or DEFAULT_CONFIG)
    zone = ZoneInfo(settings.zone)

    async def read() -> dict[str, list["Arrival"]]:
        database = Database(settings.database.url)
        try:
            stored = StoredArrivals(database)
            return {
                date.isoformat(): await stored.between(_midnight(date, zone), _midnight(date + DAY, zone))
                for date in _dates(text)
            }
        finally:
            await database.close()

    found = asyncio.run(read())
    if not any(found.values()):
        raise BadInput(f"No calls that waited in a queue are on record for {text}.")
    return zone, {name: arrivals for name, arrivals in found.items() if arrivals}


DAY = dt.timedelta(days=1)


def _midnight(date: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(date, dt.time(0), zone)


def _dates(text: str) -> Iterator[dt.date]:
    first, dots, last = text.partition("..")
    try:
        begin = dt.date.fromisoformat(first)
        end = dt.date.fromisoformat(last) if dots else begin
    except ValueError as error:
        raise BadInput(f"“{text[:30]}” is no day: write 2026-11-20, or 2026-11-16..2026-11-20.") from error
    if not begin <= end < begin + MOST_DAYS * DAY:
        raise BadInput(f"{text}: at most {MOST_DAYS} days, the earlier first.")
    for number in range((end - begin).days + 1):
        yield begin + number * DAY


def _save(recorded: str, config: Path | None, path: Path) -> None:
    from callcenter.rehearsal.recorded import write_day  # noqa: PLC0415

    if not recorded or ".." in recorded:
        raise BadInput("--save writes one recorded day: give it with --recorded 2026-11-20.")
    zone, found = _recorded(recorded, config)
    (arrivals,) = found.values()
    write_day(path, arrivals, zone)
    typer.echo(f"{path}: {len(arrivals)} calls")


# ------------------------------------------------------------ run and show


def _rehearsed(plans: dict[str, "Plan"], calls: int, replications: int, seed: int) -> list["Case"]:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    from callcenter import log as logs  # noqa: PLC0415
    from callcenter.rehearsal.compare import Case  # noqa: PLC0415
    from callcenter.rehearsal.replications import planned, replicate, together  # noqa: PLC0415

    logs.configure("ERROR", "console")
    runs = together({name: planned(plan, calls, seed, replications) for name, plan in plans.items()})
    for run in runs.values():
        for text in run.doubts:
            typer.echo(f"callcenter: {text}", err=True)
    cases = []
    try:
        with Progress(
            console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
        ) as progress:
            for name, run in runs.items():
                task = progress.add_task(name, total=run.replications)
                cases.append(Case(name, replicate(run, progress=partial(_done, progress, task))))
    except KeyboardInterrupt:
        typer.echo("callcenter: interrupted", err=True)
        raise typer.Exit(INTERRUPTED) from None
    return cases


def _done(progress: "Progress", task: "TaskID", done: int) -> None:
    progress.update(task, completed=done)


def _show(cases: list["Case"], *, as_json: bool) -> None:
    if as_json:
        first, *others = cases
        compared = {case.name: case.result.to_json() for case in others}
        print_json(first.result.to_json() | ({"compared": compared} if compared else {}))
        return
    from callcenter.rehearsal.compare import show  # noqa: PLC0415

    show(_console(), cases)


def _console() -> "Console":
    from rich.console import Console  # noqa: PLC0415

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)
