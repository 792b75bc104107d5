"""Logs are facts with keys: fixed text, then what it is about.

Personal data (numbers, names, pressed keys) goes under keys that begin with ``pii_`` and is dropped
unless the settings ask for it. Control characters are escaped, so no caller's name can forge a line.
"""

import json
import logging
import sys
from collections.abc import Callable
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


def drop_personal(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave out what tells who somebody is."""
    return {key: value for key, value in event.items() if not key.startswith("pii_")}


def escape_controls(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Neutralise control characters for terminals, where an escape sequence would be obeyed."""
    return {key: _plain(value) if isinstance(value, str) else value for key, value in event.items()}


def one_line(event: EventDict, default: Callable[[object], object]) -> str:
    """As JSON. By itself that escapes only the oldest control characters: not those of 8-bit terminals, nor turned
    text."""
    line = json.dumps(event, default=default, ensure_ascii=False)
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else _json_escape(c) for c in line)


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _plain(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def configure(
    level: str = "INFO", form: Literal["json", "console"] = "json", *, personal: bool = False
) -> None:
    """Set up logging once, at the start, to standard error."""
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if not personal:
        processors.append(drop_personal)
    if form == "json":
        processors += [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=one_line),
        ]
    else:
        processors += [
            escape_controls,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)r")
