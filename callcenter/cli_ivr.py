"""The command line of flows: check, try, rehearse, publish, roll back."""

import asyncio
import datetime as dt
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callcenter.command import DEFAULT_CONFIG, ConfigOption, JsonOption, explained, print_json
from callcenter.errors import BadInput, NotFound
from callcenter.ids import UserId
from callcenter.settings import Settings, load

if TYPE_CHECKING:
    from callcenter.history.flows import FlowVersion
    from callcenter.ivr.flow.flow import Flow
    from callcenter.ivr.flow.loader import Folder
    from callcenter.storage.flows import StoredFlows

FilesArgument = Annotated[
    list[Path] | None, typer.Argument(help="All of the settings' folder when not given.")
]

COMMAND_LINE = UserId(0)
"""Nobody who is logged in."""

ivr = typer.Typer(help="The flows that callers meet.", no_args_is_help=True)


def _read(settings: Settings, files: list[Path] | None, *, all_flows: bool = False) -> "Folder":
    """These files, beside those of the settings' folder (``all_flows``: and those too); or all of the folder."""
    from callcenter.app_settings import ivr_known  # noqa: PLC0415  commands load only what they need
    from callcenter.clock import SystemClock  # noqa: PLC0415
    from callcenter.ivr.flow.loader import flow_files, read_flows  # noqa: PLC0415

    known = ivr_known(settings, SystemClock().wall().date())
    named = {path.stem: path for path in files or ()}
    try:
        paths = {path.stem: path for path in flow_files(settings.ivr.folder)} | named
        read = read_flows(list(paths.values()), known)
    except OSError as error:
        raise BadInput(f"{error.filename}: {error.strerror}") from error
    if not files or all_flows:
        return read
    return replace(
        read,
        flows={name: flow for name, flow in read.flows.items() if name in named},
        problems=tuple(one for one in read.problems if Path(one.file) in named.values()),
    )


@ivr.command("check")
@explained
def check(
    files: FilesArgument = None, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """Check flows; every problem with its file, line and node. Exit status 0 when all can be published."""
    read = _read(load(config), files)
    errors = [one for one in read.problems if one.level == "error"]
    if as_json:
        problems = [
            {"file": one.file, "line": one.line, "node": one.node, "level": one.level, "message": one.message}
            for one in read.problems
        ]
        print_json({"good": not errors, "flows": sorted(read.flows), "problems": problems})
    else:
        for one in read.problems:
            typer.echo(str(one), err=one.level == "error")
        count = len(read.flows)
        typer.echo(
            f"{count} {'flow' if count == 1 else 'flows'}: "
            + ("good" if not errors else "not to be published")
        )
    raise typer.Exit(1 if errors else 0)


@ivr.command("try")
@explained
def try_flow(
    flow: Annotated[str, typer.Argument(help="A flow's name, or its file.")],
    keys: Annotated[
        str | None,
        typer.Option(
            help='What is pressed at each question: "1,2,12345#,silence,hang up"; typed here if not given.'
        ),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--with", help="What is known, NAME=VALUE: caller, did, at, customer.tier, ...; may be repeated."
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Walk a flow in the terminal: each prompt as it is spoken, and where the caller ends. No Asterisk, no sound."""
    from callcenter.ivr.ports import FlowSet  # noqa: PLC0415
    from callcenter.ivr.trying import Try  # noqa: PLC0415

    flows, name = _flows_with(load(config), flow)
    trial = Try(FlowSet(name, flows, {}), dict(_pair(text) for text in given or ()))
    told = None if as_json else lambda node, text: typer.echo(f"  [{node}] {text}")
    if keys is not None:
        done = asyncio.run(trial.walk_with([key.strip() for key in keys.split(",")] if keys else [], told))
    elif sys.stdin.isatty():
        typer.echo("Type keys (1, 12345#), Enter for silence, or “hang up”.")
        done = asyncio.run(trial.walk(_typed, told))
    else:
        raise BadInput('There is nobody to type keys: give them with --keys, such as --keys "1,2,12345#".')
    if as_json:
        steps = [asdict(one) for one in done.steps]
        print_json({"flow": name, "steps": steps, "end": done.end})
        return
    typer.echo(
        "Way: " + " → ".join(one.node + (f" ({one.pressed})" if one.pressed else "") for one in done.steps)
    )
    typer.echo(f"End: {done.end}")


async def _typed() -> str:
    """What somebody at the terminal presses."""
    from callcenter.ivr.trying import checked  # noqa: PLC0415

    while True:
        try:
            typed = await asyncio.to_thread(input, "> ")
        except EOFError:
            return "hang up"
        try:
            return checked(typed.strip() or "silence")
        except BadInput as error:
            typer.echo(error.message)


@ivr.command("rehearse")
@explained
def rehearse(
    files: FilesArgument = None, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """Walk the written callers (NAME.rehearsals.yaml beside each flow). Exit status 0 when all end as written."""
    from callcenter.ivr.flow.loader import flow_files  # noqa: PLC0415
    from callcenter.ivr.ports import FlowSet  # noqa: PLC0415
    from callcenter.ivr.rehearsal import load_rehearsals  # noqa: PLC0415
    from callcenter.ivr.rehearsal import rehearse as walk  # noqa: PLC0415

    settings = load(config)
    paths = files or flow_files(settings.ivr.folder)
    read = _read(settings, files, all_flows=True)
    _must_be_good(read)
    results: list[dict[str, Any]] = []
    for path in paths:
        beside = path.with_suffix(".rehearsals.yaml")
        if not beside.is_file():
            continue
        for written in load_rehearsals(beside):
            differences = asyncio.run(walk(FlowSet(path.stem, read.flows, {}), written))
            results.append({"flow": path.stem, "name": written.name, "differences": differences})
            if not as_json:
                typer.echo(f"{'good' if not differences else 'BAD '}  {path.stem}: {written.name}")
                for difference in differences:
                    typer.echo(f"      {difference}")
    bad = sum(1 for one in results if one["differences"])
    if as_json:
        print_json({"good": not bad, "rehearsals": results})
    else:
        count = f"{len(results)} rehearsal{'' if len(results) == 1 else 's'}"
        typer.echo(f"{count}, {bad} bad" if bad else f"{count}, all good")
    raise typer.Exit(1 if bad or not results else 0)


def _flows_with(settings: Settings, named: str) -> "tuple[Mapping[str, Flow], str]":
    """The folder's flows, and the name of the one that is meant: by its name, or by its file, wherever that is."""
    file = Path(named) if named.endswith(".yaml") else None
    read = _read(settings, [file] if file else None, all_flows=True)
    name = file.stem if file else named
    flow = read.flows.get(name)
    if flow is None:
        faults = [str(one) for one in read.problems if one.level == "error" and Path(one.file).stem == name]
        there = f"There is no flow “{name}” (there are: {', '.join(sorted(read.flows))})."
        raise BadInput("\n".join(["The flow can't be read:", *faults]) if faults else there)
    return read.flows, name


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadInput(f"--with {text}: write NAME=VALUE, such as customer.tier=vip")
    return name.strip(), value.strip()


@ivr.command("schema")
@explained
def schema() -> None:
    """Print the JSON Schema of flows, for editors."""
    from callcenter.ivr.flow.schema import schema_text  # noqa: PLC0415

    typer.echo(schema_text(), nl=False)


@ivr.command("publish")
@explained
def publish(
    file: Path,
    note: Annotated[str, typer.Option(help="What has changed, for the list of versions.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Publish a flow: callers who come some seconds later are served with it, calls in progress stay on theirs."""
    settings = load(config)
    _must_be_good(_read(settings, [file]))
    text = file.read_text("utf-8")

    async def keep() -> "FlowVersion":
        async with _book(settings) as book:
            return await book.publish(file.stem, text, COMMAND_LINE, note or f"from {file.name}")

    _told(asyncio.run(keep()), as_json=as_json)


@ivr.command("rollback")
@explained
def rollback(
    flow: str, version: int, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """Publish an old version of a flow again, as a new version."""
    settings = load(config)

    async def keep() -> "FlowVersion":
        from callcenter.app_settings import ivr_known  # noqa: PLC0415
        from callcenter.clock import SystemClock  # noqa: PLC0415
        from callcenter.ivr.shelf import examined_together  # noqa: PLC0415

        async with _book(settings) as book:
            old = await _version(book, flow, version)
            texts = {one.flow: one.text for one in await book.current()} | {flow: old.text}
            read = examined_together(texts, ivr_known(settings, SystemClock().wall().date()))
            faults = [str(fault) for one in read.values() for fault in one.problems if fault.level == "error"]
            if faults:
                raise BadInput("\n".join([f"Version {version} does not fit any more:", *faults]))
            return await book.roll_back(flow, version, COMMAND_LINE, f"version {version} again")

    _told(asyncio.run(keep()), as_json=as_json)


@ivr.command("versions")
@explained
def versions(flow: str, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Who published what, and when."""
    settings = load(config)

    async def read() -> list["FlowVersion"]:
        async with _book(settings) as book:
            return await book.versions(flow)

    found = asyncio.run(read())
    if not found:
        raise NotFound(f"No version of the flow “{flow}” has been published.")
    if as_json:
        print_json({"flow": flow, "versions": [_facts(one) for one in found]})
        return
    for one in found:
        mark = "*" if one.current else " "
        typer.echo(f"{mark} {one.version:>4}  {one.at:%Y-%m-%d %H:%M}  {_who(one)}  {one.note}")


@ivr.command("export")
@explained
def export(
    flow: str,
    version: Annotated[int | None, typer.Option(help="The current one when not given.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Print a published version's text."""
    settings = load(config)

    async def read() -> str:
        async with _book(settings) as book:
            return (await _version(book, flow, version)).text

    typer.echo(asyncio.run(read()), nl=False)


async def _version(book: "StoredFlows", flow: str, version: int | None) -> "FlowVersion":
    for one in await book.versions(flow):
        if one.version == version or (version is None and one.current):
            return one
    which = "no published version" if version is None else f"no version {version}"
    raise NotFound(f"The flow “{flow}” has {which}.")


@asynccontextmanager
async def _book(settings: Settings) -> AsyncIterator["StoredFlows"]:
    from callcenter.clock import SystemClock  # noqa: PLC0415
    from callcenter.storage.database import Database, upgrade  # noqa: PLC0415
    from callcenter.storage.flows import StoredFlows  # noqa: PLC0415

    await upgrade(settings.database.url)
    database = Database(settings.database.url)
    try:
        yield StoredFlows(database, SystemClock())
    finally:
        await database.close()


def _must_be_good(read: "Folder") -> None:
    faults = [str(one) for one in read.problems if one.level == "error"]
    if faults:
        raise BadInput("\n".join(["The flow has faults and was not published:", *faults]))


def _who(one: "FlowVersion") -> str:
    if one.by is None:
        return "(file)"
    return "(command line)" if one.by == COMMAND_LINE else one.by_name


def _facts(one: "FlowVersion") -> dict[str, Any]:
    at: dt.datetime = one.at
    return {
        "version": one.version,
        "at": at.isoformat(),
        "by": _who(one),
        "note": one.note,
        "current": one.current,
        "digest": one.digest,
    }


def _told(kept: "FlowVersion", *, as_json: bool) -> None:
    if as_json:
        print_json({"flow": kept.flow, **_facts(kept)})
    else:
        typer.echo(f"{kept.flow}: version {kept.version} is published.")
