"""Bodies that our scripts send: JSON, read piece by piece up to a limit of their own."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from callcenter.errors import BadInput

TEXT_LIMIT = 1024 * 1024
"""Bytes of a flow's text."""
BODY_LIMIT = 2 * TEXT_LIMIT + 64 * 1024
"""JSON writes line ends and quotes as two characters."""

Fields = Mapping[str, Any]


async def fields_of(request: web.Request) -> Fields:
    """The object that was sent; raises ``BadInput``, and 413 when it is too big."""
    # The application's own limit is for forms; ``request.read`` would keep to that one.
    if (request.content_length or 0) > BODY_LIMIT:
        raise _too_big()
    read = bytearray()
    async for piece in request.content.iter_any():
        read += piece
        if len(read) > BODY_LIMIT:
            raise _too_big()
    try:
        fields = json.loads(read.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadInput("What was sent is no JSON.") from None
    if not isinstance(fields, dict):
        raise BadInput("What was sent must be a JSON object.")
    return fields


def _too_big() -> web.HTTPRequestEntityTooLarge:
    return web.HTTPRequestEntityTooLarge(
        max_size=BODY_LIMIT, actual_size=BODY_LIMIT + 1, reason="This text is too long."
    )


def text_field(fields: Fields, name: str, limit: int, default: str | None = None) -> str:
    """A text of at most ``limit`` bytes that can be stored; raises ``BadInput``."""
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise BadInput(f"{name} must be a text.")
    try:
        size = len(value.encode("utf-8"))
    except UnicodeEncodeError:
        raise BadInput(f"{name} has half a character in it.") from None
    if size > limit:
        raise BadInput(f"{name} is longer than {limit} bytes.")
    if "\0" in value:
        raise BadInput(f"{name} has a zero character in it.")
    return value


def line_field(fields: Fields, name: str, limit: int) -> str:
    """A short text on one line; empty when it is not there."""
    value = " ".join(text_field(fields, name, limit, "").split())
    if not value.isprintable():
        raise BadInput(f"{name} contains control characters.")
    return value


def whole_field(fields: Fields, name: str) -> int | None:
    """A positive whole number, or None."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
        raise BadInput(f"{name} must be a positive whole number.")
    return value


def words_field(fields: Fields, name: str, count: int, limit: int) -> Sequence[str]:
    """A list of at most ``count`` short texts."""
    value = fields.get(name, [])
    if not isinstance(value, list) or len(value) > count:
        raise BadInput(f"{name} must be a list of at most {count} texts.")
    if not all(isinstance(one, str) and len(one) <= limit and one.isprintable() for one in value):
        raise BadInput(f"Each of {name} must be a text of at most {limit} characters.")
    return value


def facts_field(fields: Fields, name: str, count: int, limit: int) -> Mapping[str, str]:
    """Names with short texts."""
    value = fields.get(name, {})
    if not isinstance(value, dict) or len(value) > count:
        raise BadInput(f"{name} must be an object of at most {count} texts.")
    for key, one in value.items():
        if not isinstance(one, str) or max(len(key), len(one)) > limit or not (key + one).isprintable():
            raise BadInput(f"Each of {name} must be a text of at most {limit} characters.")
    return value
