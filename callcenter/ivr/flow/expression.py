"""The small safe language of ``when:``, ``valid:``, ``values:`` and ``send:`` in flows.

::

    customer.tier in ['vip', 'key'] and not (open_complaints == 0)
    'C-' + digits(entered)
    len(order_number) == 8 and starts_with(order_number, '20')

Numbers, ``'text'`` or ``"text"`` (no escapes: use the other quote), ``true``, ``false``, ``null``; variables, whose
dots are part of the name; ``and``, ``or``, ``not``, ``== != < <= > >=``, ``in`` and ``not in`` with a list,
``+ - * / %``, parentheses and the functions of ``operations.FUNCTIONS``; what they mean is said there. Nothing
reaches Python: a name is one key of a mapping, and only the listed functions can be called.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from callcenter.ivr.flow import operations
from callcenter.ivr.flow.operations import (
    FUNCTIONS,
    ExpressionFailed,
    bounded_text,
    calculate,
    compare,
    equal,
)
from callcenter.reception.visit import Value

__all__ = ["MAX_CHARACTERS", "MAX_DEPTH", "Expression", "ExpressionFailed", "Value", "parse"]

MAX_CHARACTERS = 500
MAX_DEPTH = 30
"""Parentheses, functions, ``not`` and ``-`` inside one another; it keeps Python's own stack out of reach."""

Values: TypeAlias = Mapping[str, Value]
_Node: TypeAlias = Callable[[Values], Value]


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was read. It may be worked out again and again, by many callers at once."""

    text: str
    names: frozenset[str]
    """The variables that it reads."""
    _node: _Node = field(repr=False, compare=False)

    def value(self, values: Values) -> Value:
        """What it comes to. Raises ``ExpressionFailed``: an unknown variable, or values that don't fit."""
        return self._node(values)

    def holds(self, values: Values) -> bool:
        """Is it so? null, false, 0 and the empty text are not. Raises ``ExpressionFailed``."""
        return operations.holds(self._node(values))


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        ValueError: it can't be read; says at which character (the first is 1) and what to do.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(
            f"the expression is longer than {MAX_CHARACTERS} characters: use set nodes for its parts"
        )
    parser = _Parser(text)
    node = parser.whole()
    return Expression(text, frozenset(parser.names), node)


class _Token(NamedTuple):
    kind: str
    """number, text, name, sign or end; keywords are signs."""
    text: str
    at: int


_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>[0-9]{1,15}(?:\.[0-9]{1,9})?(?![0-9A-Za-z_.]))
    | (?P<text>'[^']*'|"[^"]*")
    | (?P<name>[a-z][a-z0-9_]{0,39}(?:\.[a-z][a-z0-9_]{0,39})*(?![0-9A-Za-z_.]))
    | (?P<sign>==|!=|<=|>=|[-+*/%<>(),\[\]])
    )""",
    re.VERBOSE,
)
_KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false", "null"})
_CONSTANTS: dict[str, Value] = {"true": True, "false": False, "null": None}
_POWERS = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "not"), 4),  # an infix not is "not in"
    "+": 5,
    "-": 5,
    **dict.fromkeys(("*", "/", "%"), 6),
}
_NOT, _COMPARE, _MINUS = 3, 4, 7
_ADVICE = {
    "=": "write == to compare",
    "!": "write not, or != for unequal",
    "&": "write and",
    "|": "write or",
    "'": "the text has no closing quote",
    '"': "the text has no closing quote",
    ".": "a dot belongs between the parts of a name, or in a number with digits on both sides",
}


def _tokens(text: str) -> Iterable[_Token]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unreadable(text, position)
        kind = match.lastgroup or ""
        found = match[kind]
        if kind == "text" and not found.isprintable():
            raise ValueError(f"{_where(match.start(kind))}a text can't have control characters")
        yield _Token("sign" if found in _KEYWORDS else kind, found, match.start(kind))
        position = match.end()
    yield _Token("end", "", end)


def _unreadable(text: str, position: int) -> ValueError:
    position += len(text[position:]) - len(text[position:].lstrip())
    sign = text[position]
    if sign in _ADVICE:
        return ValueError(_where(position) + _ADVICE[sign])
    if sign.isalnum() or sign == "_":
        return ValueError(
            f"{_where(position)}this is no number and no name: names are lower-case letters, digits and _, parts "
            "joined by dots; texts stand in quotes"
        )
    shown = sign if sign.isprintable() else "a control character"
    return ValueError(f"{_where(position)}{shown} has no meaning here")


def _where(position: int) -> str:
    return f"at character {position + 1}: "


class _Parser:
    """A Pratt parser. Operators of one strength become one chain, so that depth comes from nesting only."""

    def __init__(self, text: str) -> None:
        self.names: set[str] = set()
        self._tokens = list(_tokens(text))
        self._next = 0
        self._depth = 0

    def whole(self) -> _Node:
        node = self._expression(0)
        token = self._peek()
        if token.kind != "end":
            raise ValueError(
                f"{_where(token.at)}{token.text} is not expected here: an operator is missing before it"
            )
        return node

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _is(self, sign: str) -> bool:
        token = self._peek()
        return token.kind == "sign" and token.text == sign

    def _expect(self, sign: str) -> None:
        if not self._is(sign):
            raise ValueError(f"{_where(self._peek().at)}{sign} is missing")
        self._take()

    def _power(self) -> int:
        token = self._peek()
        return _POWERS.get(token.text, 0) if token.kind == "sign" else 0

    def _expression(self, weaker: int) -> _Node:
        left = self._prefix()
        while (power := self._power()) > weaker:
            left = self._comparison(left) if power == _COMPARE else self._chain(left, power)
        return left

    def _inside(self, weaker: int) -> _Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ValueError(
                f"{_where(self._peek().at)}more than {MAX_DEPTH} levels inside one another: use set nodes"
            )
        node = self._expression(weaker)
        self._depth -= 1
        return node

    def _prefix(self) -> _Node:
        token = self._take()
        if token.kind == "number":
            return _constant(float(token.text) if "." in token.text else int(token.text))
        if token.kind == "text":
            return _constant(token.text[1:-1])
        if token.kind == "name":
            return self._call(token) if self._is("(") else self._name(token)
        if token.kind == "end":
            raise ValueError(f"{_where(token.at)}something is missing at the end")
        return self._sign(token)

    def _sign(self, token: _Token) -> _Node:
        if token.text in _CONSTANTS:
            return _constant(_CONSTANTS[token.text])
        if token.text == "not":
            return _negated(self._inside(_NOT))
        if token.text == "-":
            return _minus(self._inside(_MINUS))
        if token.text == "(":
            node = self._inside(0)
            self._expect(")")
            return node
        if token.text == "[":
            raise ValueError(f"{_where(token.at)}a list stands only after in: x in [1, 2]")
        raise ValueError(f"{_where(token.at)}a value is missing before {token.text}")

    def _name(self, token: _Token) -> _Node:
        self.names.add(token.text)
        return _variable(token.text)

    def _call(self, token: _Token) -> _Node:
        if token.text not in FUNCTIONS:
            known = ", ".join(sorted(FUNCTIONS))
            raise ValueError(f"{_where(token.at)}there is no function {token.text}: there are {known}")
        self._take()
        arguments = self._list(")")
        least, most, _ = FUNCTIONS[token.text]
        if not least <= len(arguments) <= most:
            wanted = f"{least}" if least == most else f"{least} or more" if most > 2 else f"{least} or {most}"
            raise ValueError(f"{_where(token.at)}{token.text}() takes {wanted} values, not {len(arguments)}")
        return _called(token.text, arguments)

    def _list(self, closing: str) -> list[_Node]:
        items: list[_Node] = []
        while not self._is(closing):
            if items:
                self._expect(",")
            items.append(self._inside(0))
        self._take()
        return items

    def _comparison(self, left: _Node) -> _Node:
        token = self._take()
        if token.text in ("in", "not"):
            if token.text == "not":
                self._expect("in")
            self._expect("[")
            found = _among(left, self._list("]"))
            node = _negated(found) if token.text == "not" else found
        else:
            node = _compared(token.text, left, self._expression(_COMPARE))
        if self._power() == _COMPARE:
            at = self._peek().at
            raise ValueError(f"{_where(at)}compare two values at a time, and join comparisons with and")
        return node

    def _chain(self, first: _Node, power: int) -> _Node:
        rest: list[tuple[str, _Node]] = []
        while self._power() == power:
            sign = self._take().text
            rest.append((sign, self._expression(power)))
        if rest[0][0] in ("and", "or"):
            return _joined(rest[0][0] == "or", [first, *(node for _, node in rest)])
        return _calculated(first, rest)


def _constant(value: Value) -> _Node:
    return lambda values: value


def _variable(name: str) -> _Node:
    def read(values: Values) -> Value:
        if name not in values:
            raise ExpressionFailed(f"there is no variable {name}")
        value = values[name]
        if value is not None and not isinstance(value, str | int | float):
            raise ExpressionFailed(f"the variable {name} is {operations.kind(value)}")
        return bounded_text(value) if isinstance(value, str) else value

    return read


def _negated(node: _Node) -> _Node:
    return lambda values: not operations.holds(node(values))


def _minus(node: _Node) -> _Node:
    return lambda values: operations.negative(node(values))


def _called(name: str, arguments: list[_Node]) -> _Node:
    return lambda values: operations.call(name, [argument(values) for argument in arguments])


def _among(left: _Node, items: list[_Node]) -> _Node:
    def found(values: Values) -> Value:
        wanted = left(values)
        return any(equal(wanted, item(values)) for item in items)

    return found


def _compared(sign: str, left: _Node, right: _Node) -> _Node:
    if sign == "==":
        return lambda values: equal(left(values), right(values))
    if sign == "!=":
        return lambda values: not equal(left(values), right(values))
    return lambda values: compare(sign, left(values), right(values))


def _joined(decides: bool, nodes: list[_Node]) -> _Node:
    """``or`` ends at the first that holds, ``and`` at the first that doesn't."""

    def judged(values: Values) -> Value:
        return any(operations.holds(node(values)) is decides for node in nodes) is decides

    return judged


def _calculated(first: _Node, rest: list[tuple[str, _Node]]) -> _Node:
    def result(values: Values) -> Value:
        value = first(values)
        for sign, node in rest:
            value = calculate(sign, value, node(values))
        return value

    return result
