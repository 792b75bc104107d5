"""The command line. Every command says what it did, and on failure what to do; ``--json`` prints one JSON object."""

import asyncio
import getpass
import sys
from contextlib import suppress
from importlib.metadata import version as package_version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from callcenter import log as logs
from callcenter.cli_ivr import ivr
from callcenter.cli_routing import routing
from callcenter.command import DEFAULT_CONFIG, ConfigOption, JsonOption, explained, print_json
from callcenter.errors import BadInput, NotFound
from callcenter.settings import Settings, load
from callcenter.watchdog import Watchdog, serve_command

if TYPE_CHECKING:
    from callcenter.accounts.adding import NewUser
    from callcenter.accounts.user import UserRow
    from callcenter.calls.skills import Levels
    from callcenter.ids import CustomerId

app = typer.Typer(
    name="callcenter",
    help="A contact centre with CTI on Asterisk.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
user = typer.Typer(help="Who may log in.", no_args_is_help=True)
app.add_typer(user, name="user")


def _settings(config: Path) -> Settings:
    settings = load(config)
    logs.configure(settings.log.level, settings.log.form, personal=settings.log.personal)
    return settings


@app.command()
@explained
def serve(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run the call centre: the core, watched by a parent that starts it again should it die or hang."""
    _settings(config)
    raise typer.Exit(Watchdog(serve_command(str(config))).run())


@app.command(hidden=True)
@explained
def core(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """The core itself, without a watchdog."""
    from callcenter.app import serve_forever  # noqa: PLC0415  the parent must not load what it does not need

    settings = _settings(config)
    asyncio.run(serve_forever(settings))


@app.command("check-config")
@explained
def check_config(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check the settings; exit status 0 when they can be used."""
    load(config)
    typer.echo(f"{config}: good")


@app.command()
@explained
def upgrade(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Bring the database to this program's version, making it if there is none."""
    from callcenter.storage.database import upgrade as upgrade_database  # noqa: PLC0415

    settings = _settings(config)
    asyncio.run(upgrade_database(settings.database.url))
    typer.echo("The database is up to date.")


@app.command()
def version(as_json: JsonOption = False) -> None:
    """Print the program's version."""
    found = package_version("callcenter")
    if as_json:
        print_json({"callcenter": found})
    else:
        typer.echo(f"callcenter {found}")


@app.command()
@explained
def doctor(
    config: ConfigOption = DEFAULT_CONFIG,
    sip: Annotated[
        str | None, typer.Option(help="host:port of Asterisk's SIP, to test that a password is asked for.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the Asterisk of the settings, the database and the speech engine, and say what is missing."""
    from callcenter.doctor.command import run_doctor  # noqa: PLC0415

    settings = load(config)
    logs.configure("ERROR", "console")
    raise typer.Exit(run_doctor(settings, as_json=as_json, sip=sip))


@app.command()
@explained
def demo(
    headless: Annotated[bool, typer.Option(help="No seat: make the calls, judge them, end.")] = False,
    calls: Annotated[int, typer.Option(help="How many, headless.")] = 30,
    agents: Annotated[
        int | None, typer.Option(help="Simulated agents; 6 headless, 2 beside your seat.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Calls a second, headless.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed, the same callers.")] = 1,
    folder: Annotated[Path, typer.Option(help="Where all that it writes goes.")] = Path("var/demo"),
    port: Annotated[int, typer.Option(help="The pages' port; 0 takes a free one.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Show the main job with a real Asterisk and simulated people: calls, pops, agents, the record."""
    from callcenter.demo.run import DemoOptions, run_demo  # noqa: PLC0415

    count = agents if agents is not None else 6 if headless else 2
    options = DemoOptions(folder, headless, calls, count, rate, seed, as_json, port)
    raise typer.Exit(asyncio.run(run_demo(options)))


@app.command()
@explained
def bench(
    only: Annotated[
        str, typer.Option(help="One of the parts, such as routing or pops; all when not given.")
    ] = "",
    quick: Annotated[bool, typer.Option(help="Shorter runs, rougher figures.")] = False,
    charts: Annotated[
        Path | None, typer.Option(help="A folder for pictures and tables of the figures.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure, and print ratios with the machine's size."""
    from callcenter.bench.run import run_bench  # noqa: PLC0415

    raise typer.Exit(run_bench(only, as_json=as_json, quick=quick, charts=charts))


@app.command()
@explained
def watch(
    url: Annotated[str, typer.Argument(help="Where the pages are, such as http://127.0.0.1:8080")],
    username: Annotated[str, typer.Option("--user", help="A supervisor's or an agent's user name.")],
    password_file: Annotated[
        Path | None, typer.Option(help="Its first line is the password; asked for if not given.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="End after so long; 0: at Ctrl-C.")] = 0,
) -> None:
    """Watch what a screen is told, a line of JSON for each message: for scripts, and to see what goes on."""
    from callcenter.watching import watch_screen  # noqa: PLC0415

    with suppress(KeyboardInterrupt):
        asyncio.run(watch_screen(url, username, _password(password_file, twice=False), seconds))


app.add_typer(ivr, name="ivr")
app.add_typer(routing, name="routing")


@user.command("add")
@explained
def user_add(
    username: str,
    role: Annotated[str, typer.Option(help="agent, supervisor or admin")] = "agent",
    name: Annotated[str, typer.Option(help="What others see; the user name if not given.")] = "",
    extension: Annotated[str, typer.Option(help="The phone an agent usually takes, such as 1001.")] = "",
    queues: Annotated[str, typer.Option(help="The agent's queues, separated by commas.")] = "",
    skills: Annotated[
        str, typer.Option(help="What the agent can do and how well (1 to 5): billing=4,cantonese.")
    ] = "",
    password_file: Annotated[
        Path | None, typer.Option(help="Its first line is the password; asked for if not given.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a user. The first admin is made by this command: there is no default password."""
    from callcenter.accounts.adding import NewUser  # noqa: PLC0415
    from callcenter.calls.skills import parse_levels  # noqa: PLC0415

    settings = _settings(config)
    new = NewUser(
        username,
        name or username,
        role,
        extension,
        frozenset(part.strip() for part in queues.split(",") if part.strip()),
        parse_levels(skills),
    )
    asyncio.run(_keep_user(settings, new, _password(password_file)))
    typer.echo(f"{role} {username} added.")


async def _keep_user(settings: Settings, new: "NewUser", password: str) -> None:
    from callcenter.accounts.adding import add_user  # noqa: PLC0415
    from callcenter.clock import SystemClock  # noqa: PLC0415
    from callcenter.ids import QueueName  # noqa: PLC0415
    from callcenter.storage.database import Database, upgrade  # noqa: PLC0415
    from callcenter.storage.users import StoredUsers  # noqa: PLC0415

    await upgrade(settings.database.url)
    database = Database(settings.database.url)
    try:
        queues = frozenset(QueueName(queue.name) for queue in settings.queues)
        users, skills = StoredUsers(database, SystemClock()), frozenset(settings.skills)
        await add_user(users, new, password, queues, skills)
    finally:
        await database.close()


@user.command("skills")
@explained
def user_skills(
    username: str,
    skills: Annotated[
        str,
        typer.Argument(
            help="All that the agent can do and how well (1 to 5): billing=4,cantonese; '' for nothing."
        ),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say what an agent can do, as the settings name it, and how well. It counts from the agent's next log-in."""
    from callcenter.accounts.adding import check_skills  # noqa: PLC0415
    from callcenter.calls.skills import parse_levels, words  # noqa: PLC0415

    settings = _settings(config)
    wanted = parse_levels(skills)
    check_skills(wanted, settings.skills)
    asyncio.run(_keep_skills(settings, username, wanted))
    typer.echo(f"{username}: {words(wanted) or 'no skills'}.")


async def _keep_skills(settings: Settings, username: str, skills: "Levels") -> None:
    from callcenter.clock import SystemClock  # noqa: PLC0415
    from callcenter.storage.database import Database, upgrade  # noqa: PLC0415
    from callcenter.storage.users import StoredUsers  # noqa: PLC0415

    await upgrade(settings.database.url)
    database = Database(settings.database.url)
    try:
        users = StoredUsers(database, SystemClock())
        found = await users.user_by_name(username)
        if found is None:
            raise NotFound(f"There is no user {username}.")
        await users.set_skills(found.id, skills)
    finally:
        await database.close()


@user.command("list")
@explained
def user_list(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show who may log in: role, phone, queues and skills. It changes nothing."""
    from callcenter.accounts.listing import lines, plain  # noqa: PLC0415

    users = asyncio.run(_users(_settings(config)))
    if as_json:
        print_json({"users": [plain(one) for one in users]})
    else:
        for line in lines(users):
            typer.echo(line)


async def _users(settings: Settings) -> "list[UserRow]":
    from callcenter.clock import SystemClock  # noqa: PLC0415
    from callcenter.storage.database import Database, check  # noqa: PLC0415
    from callcenter.storage.users import StoredUsers  # noqa: PLC0415

    await check(settings.database.url)
    database = Database(settings.database.url)
    try:
        return await StoredUsers(database, SystemClock()).all_users()
    finally:
        await database.close()


customer = typer.Typer(help="Customers.", no_args_is_help=True)
app.add_typer(customer, name="customer")


@customer.command("pin")
@explained
def customer_pin(
    customer_id: Annotated[int, typer.Argument(help="The customer number, as on the customer's page.")],
    pin_file: Annotated[
        Path | None, typer.Option(help="Its first line is the PIN; asked for if not given.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Give a customer the PIN for serving themselves by telephone, or another one; it also ends a lock-out."""
    from callcenter.ids import CustomerId  # noqa: PLC0415

    settings = _settings(config)
    asyncio.run(_keep_pin(settings, CustomerId(customer_id), _password(pin_file, what="PIN")))
    typer.echo(f"The PIN of customer {customer_id} is set.")


async def _keep_pin(settings: Settings, customer_id: "CustomerId", pin: str) -> None:
    from callcenter.clock import SystemClock  # noqa: PLC0415
    from callcenter.storage.database import Database, upgrade  # noqa: PLC0415
    from callcenter.storage.pins import StoredPins  # noqa: PLC0415

    await upgrade(settings.database.url)
    database = Database(settings.database.url)
    try:
        await StoredPins(database, SystemClock()).set_pin(customer_id, pin)
    finally:
        await database.close()


def _password(file: Path | None, *, twice: bool = True, what: str = "password") -> str:
    if file is not None:
        try:
            lines = file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{file} can't be read: {error}") from error
        return lines[0] if lines else ""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass(f"{what[0].upper()}{what[1:]}: ")
    if twice and getpass.getpass("Again: ") != first:
        raise BadInput("The two differ: nothing was changed.")
    return first


def main() -> None:
    """The entry point."""
    app()
