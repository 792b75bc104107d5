"""What the operators and functions of an expression mean.

Values are texts, numbers, true, false and null. The rules, for people who write flows:

- ``==``: null equals only null, true only true. A text of digits equals the number that it writes (``'007' == 7``:
  what a caller presses is text); two texts are equal when they are the same.
- ``<`` and its like: two numbers; a text of digits counts as its number, so ``'10' > '9'``; other texts go by their
  characters, which is right for dates as ISO text. Null, true and false have no order: that fails.
- ``+`` adds two numbers and joins a text with a text or a number. ``- * / %`` take numbers only; ``number(x)`` makes
  one of a text.
- null, false, 0 and the empty text do not hold; all else does.

Everything is bounded: no number beyond 1e15, no text over 1000 characters. Messages name kinds, never values: a value
may be personal.
"""

import math
import operator
import re
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeAlias

from callcenter.errors import CallcenterError
from callcenter.reception.visit import Value

MAX_NUMBER = 10**15
"""Beyond it floats lose whole units."""
MAX_TEXT = 1000
_DECIMALS = 9  # hides that 0.1 + 0.2 is not 0.3

Number: TypeAlias = int | float
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?")


class ExpressionFailed(CallcenterError):
    """An expression could not be worked out with these values; the message says why and holds none of them."""

    code = "expression_failed"


def holds(value: Value) -> bool:
    """Does it count as true?"""
    return bool(value)


def equal(left: Value, right: Value) -> bool:
    """``==``. Never fails."""
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        return left is right
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    first, second = written_number(left), written_number(right)
    return first is not None and second is not None and first == second


def compare(sign: str, left: Value, right: Value) -> bool:
    """``<``, ``<=``, ``>``, ``>=``. Raises ``ExpressionFailed``."""
    first, second = written_number(left), written_number(right)
    if first is not None and second is not None:
        return bool(_ORDER[sign](first, second))
    if isinstance(left, str) and isinstance(right, str):
        return bool(_ORDER[sign](left, right))
    raise ExpressionFailed(f"{sign} can't compare {kind(left)} with {kind(right)}")


def calculate(sign: str, left: Value, right: Value) -> Value:
    """``+ - * / %``. Raises ``ExpressionFailed``."""
    if sign == "+" and (isinstance(left, str) or isinstance(right, str)):
        return bounded_text(_joined(left) + _joined(right))
    first, second = number_of(sign, left), number_of(sign, right)
    if sign in "/%" and second == 0:
        raise ExpressionFailed(f"{sign} by zero")
    return bounded(_ARITHMETIC[sign](first, second))


def negative(value: Value) -> Value:
    """Unary minus. Raises ``ExpressionFailed``."""
    return bounded(-number_of("-", value))


def call(name: str, arguments: Sequence[Value]) -> Value:
    """One of ``FUNCTIONS``. Raises ``ExpressionFailed``."""
    return FUNCTIONS[name][2](*arguments)


def kind(value: object) -> str:
    """What kind of value it is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "a text" if isinstance(value, str) else "something that is no value"


def written_number(value: Value) -> Number | None:
    """A number, or the number that a text of digits writes; None for all else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return None
        return float(value) if "." in value else int(value)
    return value


def number_of(who: str, value: Value) -> Number:
    """A number within bounds; a text is none. Raises ``ExpressionFailed``; ``who`` asks."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        advice = ": number(x) makes a number of a text" if isinstance(value, str) else ""
        raise ExpressionFailed(f"{who} needs numbers, not {kind(value)}{advice}")
    return bounded(value)


def bounded(value: Number) -> Number:
    """A number that is not too large; whole ones as ``int``. Raises ``ExpressionFailed``."""
    if not abs(value) <= MAX_NUMBER:  # this way round, since NaN compares false
        raise ExpressionFailed("a number is too large")
    if isinstance(value, int):
        return value
    value = round(value, _DECIMALS)
    return int(value) if value.is_integer() else value


def bounded_text(text: str) -> str:
    """A text that is not too long. Raises ``ExpressionFailed``."""
    if len(text) > MAX_TEXT:
        raise ExpressionFailed(f"a text is longer than {MAX_TEXT} characters")
    return text


def _joined(value: Value) -> str:
    if value is None or isinstance(value, bool):
        raise ExpressionFailed(f"+ can't join a text with {kind(value)}: text(x) makes a text of it")
    return as_text(value)


def as_text(value: Value) -> str:
    """``text(x)``: numbers without an exponent, null as nothing. Raises ``ExpressionFailed``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return bounded_text(value)
    value = bounded(value)
    return str(value) if isinstance(value, int) else f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")


def _text(who: str, value: Value) -> str:
    if isinstance(value, bool) or value is None:
        raise ExpressionFailed(f"{who} needs a text, not {kind(value)}")
    return as_text(value)


def _number(value: Value) -> Value:
    found = written_number(value.strip() if isinstance(value, str) else value)
    if found is None:
        raise ExpressionFailed(f"number() can't make a number of {kind(value)}")
    return bounded(found)


def _round(value: Value, places: Value = 0) -> Value:
    number, count = number_of("round()", value), number_of("round()", places)
    if count not in range(_DECIMALS + 1):
        raise ExpressionFailed(f"round() keeps 0 to {_DECIMALS} places")
    # Half up, as people round; Python's own rounds 2.5 to 2.
    exact = Decimal(str(number)).quantize(Decimal(1).scaleb(-int(count)), rounding=ROUND_HALF_UP)
    return bounded(float(exact))


def _least(*values: Value) -> Value:
    return min(number_of("min()", value) for value in values)


def _greatest(*values: Value) -> Value:
    return max(number_of("max()", value) for value in values)


_ORDER: dict[str, Callable[..., bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}
FUNCTIONS: dict[str, tuple[int, float, Callable[..., Value]]] = {
    "len": (1, 1, lambda x: len(_text("len()", x))),
    "number": (1, 1, _number),
    "text": (1, 1, as_text),
    "min": (1, math.inf, _least),
    "max": (1, math.inf, _greatest),
    "round": (1, 2, _round),
    "starts_with": (2, 2, lambda x, y: _text("starts_with()", x).startswith(_text("starts_with()", y))),
    "ends_with": (2, 2, lambda x, y: _text("ends_with()", x).endswith(_text("ends_with()", y))),
    "contains": (2, 2, lambda x, y: _text("contains()", y) in _text("contains()", x)),
    "digits": (1, 1, lambda x: "".join(re.findall("[0-9]", _text("digits()", x)))),
}
"""Name -> least and greatest number of arguments, and what it does. Nothing else can be called."""
