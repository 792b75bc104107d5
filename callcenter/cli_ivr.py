"""The command line of flows: check, try, rehearse, publish, roll back."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callcenter.command import DEFAULT_CONFIG, ConfigOption, JsonOption, explained, print_json
from callcenter.errors import BadInput, NotFound
from callcenter.ids import UserId
from callcenter.settings import Settings, load

if TYPE_CHECKING:
    from callcenter.history.flows import FlowVersion
    from callcenter.ivr.flow.loader import Folder
    from callcenter.storage.flows import StoredFlows

FilesArgument = Annotated[
    list[Path] | None, typer.Argument(help="All of the settings' folder when not given.")
]

COMMAND_LINE = UserId(0)
"""Nobody who is logged in."""

ivr = typer.Typer(help="The flows that callers meet.", no_args_is_help=True)


def _read(settings: Settings, files: list[Path] | None) -> "Folder":
    """The flows of these files, beside those of the settings' folder; or all of the folder."""
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
    if not files:
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
