"""The command line of routing: check, rehearse, publish and roll back the rules; why a call went where it went."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callcenter.cli_rehearse import rehearse, staff
from callcenter.command import DEFAULT_CONFIG, ConfigOption, JsonOption, explained, print_json
from callcenter.errors import BadInput, NotFound, SettingsError
from callcenter.ids import CallId, QueueName, UserId
from callcenter.settings import Settings, load

if TYPE_CHECKING:
    from callcenter.accounts.coverage import Coverage
    from callcenter.history.story import CallStory
    from callcenter.routing.publishing import RulesVersion
    from callcenter.storage.database import Database
    from callcenter.storage.routing_rules import StoredRules

COMMAND_LINE = UserId(0)
"""Nobody who is logged in."""
MOST = 1000
"""Versions that are listed."""

routing = typer.Typer(help="The rules of who is next, and who serves.", no_args_is_help=True)
routing.command("rehearse")(rehearse)
routing.command("staff")(staff)


@routing.command("check")
@explained
def check(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Check the settings' rules, and whether there are people for them. Exit status 0 when they can be published."""
    from callcenter.app_settings import routing_rules  # noqa: PLC0415  commands load only what they need

    settings = load(config)
    problems: list[str] = []
    try:
        routing_rules(settings)
    except SettingsError as error:
        if not as_json:
            raise
        problems = [line.strip() for line in error.message.splitlines()[1:]] or [error.message]
    missing = asyncio.run(_coverage(settings))
    findings = [] if missing is None else list(_findings(missing))
    if as_json:
        print_json({"good": not problems, "problems": problems, "findings": findings})
        raise typer.Exit(1 if problems else 0)
    typer.echo(f"{config}: the rules of routing are good")
    for finding in findings:
        typer.echo(f"  note: {finding}")
    if missing is None:
        typer.echo("  There is no database of this version yet: whether there are people was not looked at.")


async def _coverage(settings: Settings) -> "Coverage | None":
    """What is missing among the people; None when there is no database to ask."""
    from callcenter.accounts.coverage import coverage  # noqa: PLC0415
    from callcenter.clock import SystemClock  # noqa: PLC0415
    from callcenter.errors import CallcenterError  # noqa: PLC0415
    from callcenter.storage.users import StoredUsers  # noqa: PLC0415

    try:
        async with _reading(settings) as database:
            users = await StoredUsers(database, SystemClock()).all_users()
    except CallcenterError:
        return None
    return coverage(users, settings.skills, [QueueName(queue.name) for queue in settings.queues])


def _findings(missing: "Coverage") -> Iterator[str]:
    for skill in missing.skills_nobody_has:
        yield f"nobody has the skill {skill}: callers who need it wait until a ring drops it (callcenter user skills)"
    for queue in missing.queues_without_agent:
        yield f"no agent serves the queue {queue}: its callers wait until a ring adds another queue"
    for agent in missing.agents_without_queue:
        yield f"the agent {agent} is in no queue: no call comes there"
    for agent, skill in missing.unknown_skills:
        yield f"the agent {agent} has the skill {skill}, which the settings don't name"
    for agent, queue in missing.unknown_queues:
        yield f"the agent {agent} is in the queue {queue}, which the settings don't have"


@routing.command("publish")
@explained
def publish(
    note: Annotated[str, typer.Option(help="What has changed and why, for the list of versions.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Publish the settings' rules: a running call centre serves with them some seconds later, nobody loses a place."""
    from callcenter.app_settings import routing_rules  # noqa: PLC0415
    from callcenter.routing.publishing import publish_rules  # noqa: PLC0415

    settings = load(config)
    rules = routing_rules(settings)

    async def keep() -> "tuple[RulesVersion, RulesVersion | None]":
        async with _book(settings) as book:
            before = await book.current()
            return await publish_rules(book, rules, COMMAND_LINE, note or f"from {config.name}"), before

    _told(*asyncio.run(keep()), as_json=as_json)


@routing.command("rollback")
@explained
def rollback(version: int, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Publish an old version of the rules again, as a new version."""
    from callcenter.routing.publishing import publish_again  # noqa: PLC0415

    settings = load(config)

    async def keep() -> "tuple[RulesVersion, RulesVersion | None]":
        async with _book(settings) as book:
            before = await book.current()
            return await publish_again(book, version, COMMAND_LINE), before

    _told(*asyncio.run(keep()), as_json=as_json)


def _told(kept: "RulesVersion", before: "RulesVersion | None", *, as_json: bool) -> None:
    changed = _changes(before, kept)
    if as_json:
        print_json({**_facts(kept), "changes": changed})
        return
    typer.echo(f"Version {kept.version} of the routing rules is published.")
    for change in changed:
        typer.echo(f"  {change}")


def _changes(before: "RulesVersion | None", after: "RulesVersion") -> list[str]:
    from callcenter.routing.publishing import rules_or_none  # noqa: PLC0415
    from callcenter.routing.rule_changes import change_words, changes  # noqa: PLC0415

    old, new = None if before is None else rules_or_none(before), rules_or_none(after)
    return [] if old is None or new is None else [change_words(one) for one in changes(old, new)]


@routing.command("versions")
@explained
def versions(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Who published what, and when."""
    settings = load(config)

    async def read() -> list["RulesVersion"]:
        async with _reading(settings) as database:
            return await _stored(database).versions(MOST)

    found = asyncio.run(read())
    if not found:
        raise NotFound("No routing rules have been published yet: that happens at the first start.")
    if as_json:
        print_json({"versions": [_facts(one) for one in found]})
        return
    for one in found:
        mark = "*" if one.current else " "
        typer.echo(f"{mark} {one.version:>4}  {one.at:%Y-%m-%d %H:%M}  {_who(one)}  {one.note}")


@routing.command("show")
@explained
def show(
    version: Annotated[int | None, typer.Option(help="The one in service when not given.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Print published rules, each with its name in the settings."""
    from callcenter.routing.publishing import rules_or_none  # noqa: PLC0415
    from callcenter.routing.rule_changes import leaves, plain, value_words  # noqa: PLC0415

    settings = load(config)

    async def read() -> "RulesVersion | None":
        async with _reading(settings) as database:
            book = _stored(database)
            return await (book.current() if version is None else book.version(version))

    kept = asyncio.run(read())
    if kept is None:
        raise NotFound("No routing rules have been published yet: that happens at the first start.")
    rules = rules_or_none(kept)
    if rules is None:
        raise BadInput(f"Version {kept.version} can't be read by this program.")
    if as_json:
        print_json({**_facts(kept), "rules": plain(rules)})
        return
    typer.echo(f"Version {kept.version}, {kept.at:%Y-%m-%d %H:%M}, {_who(kept)}  {kept.note}")
    for place, value in leaves(plain(rules)):
        typer.echo(f"  {'.'.join(place)} = {value_words(value)}")


def _who(one: "RulesVersion") -> str:
    if one.by is None:
        return "(start)"
    return "(command line)" if one.by == COMMAND_LINE else one.by_name


def _facts(one: "RulesVersion") -> dict[str, Any]:
    at: dt.datetime = one.at
    return {
        "version": one.version,
        "at": at.isoformat(),
        "by": _who(one),
        "note": one.note,
        "from_settings": one.from_file,
        "current": one.current,
        "digest": one.digest,
    }


# ------------------------------------------------------------ why


@routing.command("why")
@explained
def why(
    call_id: Annotated[str, typer.Argument(help="As in the address of the call's page.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Say for each offer of a call why this agent, why not the others, why this call, and decide it again from the
    record alone. Exit status 0 when every decision comes out the same."""
    from callcenter.history.told import all_same, lines, told  # noqa: PLC0415

    story = asyncio.run(_story(load(config), call_id))
    offers = told(story)
    if as_json:
        print_json({"call_id": story.call_id, "offers": offers})
    else:
        for line in lines(story, offers):
            typer.echo(line)
    raise typer.Exit(0 if all_same(offers) else 1)


async def _story(settings: Settings, call_id: str) -> "CallStory":
    from callcenter.clock import SystemClock  # noqa: PLC0415
    from callcenter.storage.calls import StoredCalls  # noqa: PLC0415

    async with _reading(settings) as database:
        story = await StoredCalls(database, SystemClock()).story(CallId(call_id))
    if story is None:
        raise NotFound(f"There is no call {call_id} on record.")
    return story


# ------------------------------------------------------------ the database


@asynccontextmanager
async def _book(settings: Settings) -> AsyncIterator["StoredRules"]:
    """To publish in: made or brought to this version if need be."""
    from callcenter.storage.database import Database, upgrade  # noqa: PLC0415

    await upgrade(settings.database.url)
    database = Database(settings.database.url)
    try:
        yield _stored(database)
    finally:
        await database.close()


@asynccontextmanager
async def _reading(settings: Settings) -> AsyncIterator["Database"]:
    """To look: nothing is made."""
    from callcenter.storage.database import Database, check  # noqa: PLC0415

    await check(settings.database.url)
    database = Database(settings.database.url)
    try:
        yield database
    finally:
        await database.close()


def _stored(database: "Database") -> "StoredRules":
    from callcenter.clock import SystemClock  # noqa: PLC0415
    from callcenter.storage.routing_rules import StoredRules  # noqa: PLC0415

    return StoredRules(database, SystemClock())
