"""Prompts with variables: ``Your complaint {number:digits} is being handled by {owner}``.

``{name}`` or ``{name:format}``; ``{{`` and ``}}`` are braces. Formats, and the values that they understand:

============= =====================================================================================================
(none)        a text as it is (in Chinese, codes such as ``C-000123`` are spelt); a number as a number
``digits``    one by one, letters too: numbers of orders, complaints, telephones
``number``    ``12340.5`` or ``"12,340.50"``
``ordinal``   a whole number
``money``     ``"12,340.50 CNY"`` or a number; yuan where no currency is written
``date``      ISO text, its date
``time``      ISO text or ``"14:05"``, its time, as written: no time zone is changed
``datetime``  ISO text, both
``duration``  seconds: "about two minutes" (the "about" is part of it)
``state``     the code of an order's or a complaint's state
============= =====================================================================================================

A value that its format does not understand is said as a text; null and missing ones are left out, and what remains is
said. Values are hostile (names from a database, answers of a web service): they are cleaned of everything that is
not text, and cut, so that none can reach the speech engine's own commands or fill an hour.
"""

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal, TypeAlias

from callcenter.ivr.speech.words import saying as words
from callcenter.ivr.speech.words.saying import Words
from callcenter.reception.visit import Value

MAX_VALUE = 200
"""Characters of one value that are said."""
MAX_SAID = 1000
"""Characters of the whole."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A variable in a prompt. ``format`` is empty where none is written."""

    name: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt that was read. ``parts`` are its texts and its variables, in order."""

    parts: tuple[str | Slot, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Its variables, in order, as often as they are written."""
        return tuple(part for part in self.parts if isinstance(part, Slot))

    @property
    def fixed(self) -> bool:
        """Has it no variable? Then it can be spoken ahead of time."""
        return not self.slots


_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}(?:\.[a-z][a-z0-9_]{0,39})*")
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[^{}]+|[{}]")


@lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """Read a prompt.

    Raises:
        ValueError: a brace without its partner, a bad name or an unknown format; says what to do.
    """
    parts: list[str | Slot] = []
    for piece in _PIECE.finditer(text):
        found = piece[0]
        if piece[1] is not None:
            parts.append(_slot(piece[1]))
        elif found in ("{", "}"):
            raise ValueError(
                f"at character {piece.start() + 1}: {found} has no partner: write {{name}} for a variable, "
                f"{found}{found} for the brace itself"
            )
        else:
            plain = found[0] if found in ("{{", "}}") else found
            if parts and isinstance(parts[-1], str):
                parts[-1] += plain
            else:
                parts.append(plain)
    return Template(tuple(parts))


def _slot(inside: str) -> Slot:
    name, colon, style = inside.partition(":")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{{{inside}}} has no good name: names are lower-case letters, digits and _, parts joined by dots"
        )
    if colon and style not in _FORMATS:
        raise ValueError(f"{{{inside}}}: there is no format {style!r}: there are {', '.join(_FORMATS)}")
    return Slot(name, style)


def fill(text: str, language: Literal["en", "zh"], values: Mapping[str, Value]) -> str:
    """What is said: each variable by its format. May be empty when nothing can be said.

    Raises:
        ValueError: as ``parse``; never because of a value.
    """
    spoken = words.of(language)
    said = "".join(
        part if isinstance(part, str) else _said(part.format, values.get(part.name), spoken)
        for part in parse(text).parts
    )
    return " ".join(said.split())[:MAX_SAID]


def _said(style: str, value: Value, spoken: Words) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        value = cleaned(value)
    found = _FORMATS[style](value, spoken) if style else None
    return _plain(value, spoken) if found is None else found


def cleaned(text: str) -> str:
    """A value as plain text: letters, digits and common marks, in one line, ``MAX_VALUE`` characters at most."""
    shaped = unicodedata.normalize("NFKC", text[: 4 * MAX_VALUE])
    kept = "".join(sign if _sayable(sign) else " " for sign in shaped)
    return " ".join(kept.split())[:MAX_VALUE]


_MARKS = frozenset(".,:;!?'\"()-+/%&@#*=°$€£¥，。、：；！？（）“”‘’·")


def _sayable(sign: str) -> bool:
    """Letters, digits and common marks: no control or invisible characters, no pictures, and none of the brackets in
    which speech engines take commands."""
    return sign in _MARKS or unicodedata.category(sign)[0] in "LN"


_Format: TypeAlias = Callable[[Value, Words], str | None]


def _plain(value: Value, spoken: Words) -> str:
    if isinstance(value, bool):
        return spoken.truth(value)
    if isinstance(value, str):
        return spoken.text(value)
    found = _exact(value)
    return "" if found is None else words.number(found, spoken)


def _exact(value: Value) -> Decimal | None:
    """The number that a value is or writes, commas allowed; None for all else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        plain = value.replace(",", "")
        return Decimal(plain) if re.fullmatch(r"[-+]?[0-9]{1,30}(\.[0-9]{1,20})?", plain) else None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    exact = Decimal(str(value)) if isinstance(value, float) else Decimal(max(-_HUGE, min(_HUGE, value)))
    return max(Decimal(-_HUGE), min(Decimal(_HUGE), exact))


_HUGE = 10**30
"""No number is larger; also Python's limit for numbers as text stays out of reach."""


def _digits(value: Value, spoken: Words) -> str | None:
    if isinstance(value, str):
        return spoken.digits(value) or None
    exact = _exact(value)
    return None if exact is None else spoken.digits(f"{exact:f}")


def _number(value: Value, spoken: Words) -> str | None:
    exact = _exact(value)
    return None if exact is None else words.number(exact, spoken)


def _ordinal(value: Value, spoken: Words) -> str | None:
    exact = _exact(value)
    return None if exact is None or exact != exact.to_integral_value() else words.ordinal(int(exact), spoken)


_MONEY = re.compile(r"([-+]?[0-9.,]+) ?([A-Za-z]{3})?")


def _money(value: Value, spoken: Words) -> str | None:
    currency = "CNY"
    if isinstance(value, str):
        match = _MONEY.fullmatch(value)
        if match is None:
            return None
        value, currency = match[1], (match[2] or currency).upper()
    exact = _exact(value)
    return None if exact is None else words.money(exact, currency, spoken)


def _date(value: Value, spoken: Words) -> str | None:
    moment = _moment(value)
    return None if moment is None else spoken.date(moment.date())


def _time(value: Value, spoken: Words) -> str | None:
    try:
        return spoken.time(dt.time.fromisoformat(value)) if isinstance(value, str) else None
    except ValueError:
        moment = _moment(value)
        return None if moment is None else spoken.time(moment.time())


def _datetime(value: Value, spoken: Words) -> str | None:
    moment = _moment(value)
    return None if moment is None else f"{spoken.date(moment.date())}, {spoken.time(moment.time())}"


def _moment(value: Value) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


_MAX_SECONDS = 10 * 365 * 24 * 3600


def _duration(value: Value, spoken: Words) -> str | None:
    exact = _exact(value)
    return None if exact is None else words.duration(min(float(exact), _MAX_SECONDS), spoken)


def _state(value: Value, spoken: Words) -> str | None:
    # Cleaning took the underscores: a voice says them.
    return spoken.state(value.replace(" ", "_")) if isinstance(value, str) else None


_FORMATS: dict[str, _Format] = {
    "digits": _digits,
    "number": _number,
    "ordinal": _ordinal,
    "money": _money,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "duration": _duration,
    "state": _state,
}
