"""The command line. Every command says what it did, and on failure what to do; ``--json`` prints one JSON object."""

import asyncio
import getpass
import json
import sys
from collections.abc import Callable
from functools import wraps
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec, TypeVar

import typer

from callcenter import log as logs
from callcenter.errors import CallcenterError, SettingsError
from callcenter.settings import Settings, load
from callcenter.watchdog import UNUSABLE, Watchdog, serve_command

P = ParamSpec("P")
R = TypeVar("R")

app = typer.Typer(
    name="callcenter",
    help="A contact centre with CTI on Asterisk.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
user = typer.Typer(help="Who may log in.", no_args_is_help=True)
app.add_typer(user, name="user")

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The settings, a TOML file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DEFAULT_CONFIG = Path("config/callcenter.toml")


def _fail(error: CallcenterError, status: int = 1) -> NoReturn:
    typer.echo(f"callcenter: {error.message}", err=True)
    raise typer.Exit(status)


def _explained(command: Callable[P, R]) -> Callable[P, R]:
    """Errors of ours become one clear message and an exit status, never a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except SettingsError as error:
            _fail(error, UNUSABLE)
        except CallcenterError as error:
            _fail(error)

    return run


def _settings(config: Path) -> Settings:
    settings = load(config)
    logs.configure(settings.log.level, settings.log.form, personal=settings.log.personal)
    return settings


def _print(data: dict[str, Any]) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False))


@app.command()
@_explained
def serve(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run the call centre: the core, watched by a parent that starts it again should it die or hang."""
    _settings(config)
    raise typer.Exit(Watchdog(serve_command(str(config))).run())


@app.command(hidden=True)
@_explained
def core(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """The core itself, without a watchdog."""
    from callcenter.app import serve_forever  # noqa: PLC0415  the parent must not load what it does not need

    settings = _settings(config)
    asyncio.run(serve_forever(settings))


@app.command("check-config")
@_explained
def check_config(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check the settings; exit status 0 when they can be used."""
    load(config)
    typer.echo(f"{config}: good")


@app.command()
@_explained
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
        _print({"callcenter": found})
    else:
        typer.echo(f"callcenter {found}")


@user.command("add")
@_explained
def user_add(
    username: str,
    role: Annotated[str, typer.Option(help="agent, supervisor or admin")] = "agent",
    name: Annotated[str, typer.Option(help="What others see; the user name if not given.")] = "",
    extension: Annotated[str, typer.Option(help="The phone an agent usually takes, such as 1001.")] = "",
    queues: Annotated[str, typer.Option(help="The agent's queues, separated by commas.")] = "",
    password_file: Annotated[
        Path | None, typer.Option(help="Its first line is the password; asked for if not given.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a user. The first admin is made by this command: there is no default password."""
    from callcenter.accounts_cli import add_user  # noqa: PLC0415

    settings = _settings(config)
    password = _password(password_file)
    names = frozenset(part.strip() for part in queues.split(",") if part.strip())
    asyncio.run(
        add_user(
            settings,
            username=username,
            name=name or username,
            role=role,
            extension=extension,
            queues=names,
            password=password,
        )
    )
    typer.echo(f"{role} {username} added.")


def _password(file: Path | None) -> str:
    if file is not None:
        lines = file.read_text("utf-8").splitlines()
        return lines[0] if lines else ""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise SettingsError("The two passwords differ: nothing was added.")
    return first


def main() -> None:
    """The entry point."""
    app()
