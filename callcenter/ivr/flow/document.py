"""From YAML to plain values, with the line of each.

The file may come from an admin's browser, so it is hostile until read: a size limit, no aliases (they can multiply a
small file into gigabytes), no tags, no key twice, and not too deep.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import yaml

from callcenter.errors import BadInput

MAX_BYTES = 1024 * 1024
"""The largest flow (2000 nodes that speak, in two languages) is half of it."""
MAX_DEPTH = 12
MAX_PROBLEMS = 200
"""More are not read by anybody."""
_MAX_NUMBER = 40  # characters; YAML's base-60 numbers cost the square of their length
_TAG = "tag:yaml.org,2002:"

Place: TypeAlias = tuple[str, ...]
"""A path of keys, such as ``("nodes", "menu", "next")``; places in a list are numbers as text."""
Level: TypeAlias = Literal["error", "warning"]
"""An error keeps a flow from being published; a warning is only told."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a file. ``node`` is empty when it belongs to no node; lines count from 1."""

    file: str
    line: int
    node: str
    message: str
    level: Level = "error"

    def __str__(self) -> str:
        level = "warning: " if self.level == "warning" else ""
        return f"{self.file}:{self.line}: {level}{f'node {self.node}: ' if self.node else ''}{self.message}"


class FlowInvalid(BadInput):
    """A flow can't be used; ``problems`` has every fault that was found, by file and line."""

    code = "flow_invalid"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By file and line, each once; after ``MAX_PROBLEMS`` only how many more there are."""
    found = sorted(set(problems), key=lambda problem: (problem.file, problem.line, problem.message))
    if len(found) <= MAX_PROBLEMS:
        return tuple(found)
    worst = [problem for problem in found if problem.level == "error"] or found
    shown = worst[:MAX_PROBLEMS]
    last = shown[-1]
    more = Problem(last.file, last.line, "", f"… and {len(found) - len(shown)} more", last.level)
    return (*shown, more)


def printable(text: str) -> str:
    """A text of the file as it may be shown: in one line, without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


class Document:
    """Plain values read from YAML, and the line of each."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.value: Any = None
        self.lines: dict[Place, int] = {(): 1}

    def problem(self, place: Place, message: str, level: Level = "error") -> Problem:
        """A fault at a place, or at what encloses it when the place itself is missing."""
        while place not in self.lines:
            place = place[:-1]
        node = place[1] if len(place) > 1 and place[0] == "nodes" else ""
        return Problem(self.file, self.lines[place], printable(node), printable(message), level)

    def place_of(self, location: tuple[int | str, ...]) -> Place:
        """Pydantic's location without what is not in the file (a union's tag, a missing field)."""
        place: Place = ()
        for part in location:
            if (*place, str(part)) in self.lines:
                place = (*place, str(part))
        return place


def read_yaml(data: bytes, file: str) -> Document:
    """Read one YAML document of plain values; keys are always text, as written.

    Raises:
        FlowInvalid: it is too large, no YAML, or uses what is not allowed.
    """
    if len(data) > MAX_BYTES:
        raise FlowInvalid([Problem(file, 1, "", f"the file is larger than {MAX_BYTES // 1024} KiB")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FlowInvalid([Problem(file, line, "", "the file is not UTF-8 text")]) from None
    if (bad := yaml.reader.Reader.NON_PRINTABLE.search(text)) is not None:
        line = text.count("\n", 0, bad.start()) + 1
        character = f"U+{ord(bad.group()):04X}"
        raise FlowInvalid([Problem(file, line, "", f"the character {character} can't stand in YAML")])
    reader = _Reader(text, Document(file))
    try:
        reader.read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = Problem(file, mark.line + 1 if mark else 1, "", error.problem or "this is no YAML")
        raise FlowInvalid([*reader.problems, problem]) from None
    if reader.problems:
        raise FlowInvalid(reader.problems)
    return reader.document


# libyaml is six times as fast; without it the answers are the same, in other words where the YAML itself is broken.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Reader:
    """Builds plain values straight from YAML's events: nothing is ever constructed by tag."""

    def __init__(self, text: str, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self._events: Iterator[Any] = yaml.parse(text, Loader=_Loader)

    def read(self) -> None:
        """The whole text. Raises ``yaml.MarkedYAMLError``."""
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _refusal(event, "a second document (---) is not allowed")
                self.document.value = self._value(next(self._events), (), 0)

    def _value(self, event: Any, place: Place, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise _refusal(event, "anchors and aliases are not allowed")
        if depth >= MAX_DEPTH:
            raise _refusal(event, "nested too deep")
        self.document.lines.setdefault(place, event.start_mark.line + 1)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, place)
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in {None, "!", f"{_TAG}{'map' if mapping else 'seq'}"}:
            self.problems.append(self.document.problem(place, f"the tag {event.tag} is not allowed"))
        return self._mapping(place, depth) if mapping else self._sequence(place, depth)

    def _sequence(self, place: Place, depth: int) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            values.append(self._value(event, (*place, str(len(values))), depth + 1))
        return values

    def _mapping(self, place: Place, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            if not isinstance(event, yaml.ScalarEvent) or event.anchor is not None:
                self._value(event, place, depth + 1)
                self._value(next(self._events), place, depth + 1)
                self.problems.append(Problem(self.document.file, line, "", "a key must be one word"))
                continue
            key, below = event.value, (*place, event.value)
            if twice := key in values:
                message = f"“{key}” stands here twice (also in line {line})"
                self.problems.append(self.document.problem(below, message))
            self.document.lines.setdefault(below, line)
            value = self._value(next(self._events), below, depth + 1)
            if not twice:
                values[key] = value
        return values

    def _scalar(self, event: Any, place: Place) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            plain = event.implicit[0] and tag is None
            tag = _resolver.resolve(yaml.ScalarNode, event.value, (plain, not plain))
        kind = tag.removeprefix(_TAG)
        if kind not in _SCALARS:
            self.problems.append(self.document.problem(place, f"the tag {tag} is not allowed"))
            return None
        if len(event.value) > _MAX_NUMBER and kind != "str":
            self.problems.append(
                self.document.problem(place, "the number is too long: quote it if it is text")
            )
            return None
        try:
            return _SCALARS[kind](yaml.ScalarNode(tag, event.value))
        except (ValueError, KeyError):
            # Only with a tag that the writer chose: !!int x.
            self.problems.append(
                self.document.problem(place, f"“{event.value[:40]}” is not of the kind {kind}")
            )
            return None


def _refusal(event: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


_resolver: Any = yaml.resolver.Resolver()
_construct: Any = yaml.constructor.SafeConstructor()
_SCALARS: Mapping[str, Callable[[yaml.ScalarNode], Any]] = {
    "str": lambda node: node.value,
    "timestamp": lambda node: node.value,  # a date is text until a field says otherwise
    "int": _construct.construct_yaml_int,
    "float": _construct.construct_yaml_float,
    "bool": _construct.construct_yaml_bool,
    "null": lambda _: None,
}
