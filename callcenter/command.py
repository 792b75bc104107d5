"""What all commands share: options, and errors that become one clear message."""

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec, TypeVar

import typer

from callcenter.errors import CallcenterError, SettingsError
from callcenter.watchdog import UNUSABLE

P = ParamSpec("P")
R = TypeVar("R")

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The settings, a TOML file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DEFAULT_CONFIG = Path("config/callcenter.toml")


def _fail(error: CallcenterError, status: int = 1) -> NoReturn:
    typer.echo(f"callcenter: {error.message}", err=True)
    raise typer.Exit(status)


def explained(command: Callable[P, R]) -> Callable[P, R]:
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


def print_json(data: Any) -> None:
    """One JSON value in one line."""
    typer.echo(json.dumps(data, ensure_ascii=False))
