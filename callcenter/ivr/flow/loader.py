"""From YAML to a flow: all faults at once, each with its file, line and node.

The file may come from an admin's browser, so it is hostile until read: a size limit, no aliases (they can
multiply a small file into gigabytes), no tags, no key twice, and not too deep.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from callcenter.errors import BadInput
from callcenter.ids import QueueName
from callcenter.ivr.flow.checks import check
from callcenter.ivr.flow.flow import Flow

MAX_BYTES = 256 * 1024
MAX_DEPTH = 12
_TAG = "tag:yaml.org,2002:"
_Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a file. ``node`` is empty when it belongs to no node; lines count from 1."""

    file: str
    line: int
    node: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {f'node {self.node}: ' if self.node else ''}{self.message}"


class FlowInvalid(BadInput):
    """A flow can't be used; ``problems`` has every fault that was found."""

    code = "flow_invalid"

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.message)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def load_flow(path: Path, known_queues: Collection[QueueName]) -> Flow:
    """Read a flow from its file.

    Raises:
        FlowInvalid: with all the file's problems.
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    return parse_flow(data, str(path), known_queues)


def parse_flow(data: bytes, file: str, known_queues: Collection[QueueName]) -> Flow:
    """As ``load_flow``, from bytes; ``file`` is only the name in the errors."""
    document = read_yaml(data, file)
    try:
        flow = Flow.model_validate(document.value)
    except ValidationError as error:
        raise FlowInvalid(
            [
                document.problem(document.place_of(fault["loc"]), explain(fault))
                for fault in error.errors(include_url=False, include_context=False)
            ]
        ) from None
    findings = check(flow, known_queues)
    if findings:
        raise FlowInvalid([document.problem(finding.place, finding.message) for finding in findings])
    return flow


class Document:
    """Plain values read from YAML, and the line of each."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.value: Any = None
        self.lines: dict[_Place, int] = {(): 1}

    def problem(self, place: _Place, message: str) -> Problem:
        """A fault at a place, or at what encloses it when the place itself is missing."""
        while place not in self.lines:
            place = place[:-1]
        node = place[1] if len(place) > 1 and place[0] == "nodes" else ""
        return Problem(self.file, self.lines[place], node, message)

    def place_of(self, location: tuple[int | str, ...]) -> _Place:
        """Pydantic's location without what is not in the file (a union's tag, a missing field)."""
        place: _Place = ()
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
        loader = _Composer(data.decode("utf-8-sig"))
        root = loader.get_single_node()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FlowInvalid([Problem(file, line, "", "the file is not UTF-8 text")]) from None
    except yaml.reader.ReaderError as error:
        raise FlowInvalid([Problem(file, 1, "", f"character {error.position} can't stand in YAML")]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise FlowInvalid(
            [Problem(file, mark.line + 1 if mark else 1, "", error.problem or "this is no YAML")]
        ) from None
    document = Document(file)
    problems: list[Problem] = []
    if root is not None:
        document.value = _plain(root, (), document, problems)
    if problems:
        raise FlowInvalid(problems)
    return document


class _Composer(yaml.SafeLoader):
    """YAML without aliases and without depth. It composes nodes only; nothing is ever constructed by tag."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """One node; refuses what multiplies or nests without end."""
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refusal(event, "anchors and aliases are not allowed")
        if self._depth >= MAX_DEPTH:
            raise _refusal(event, "nested too deep")
        self._depth += 1
        try:
            node: yaml.Node | None = super().compose_node(parent, index)
        finally:
            self._depth -= 1
        return node


def _refusal(event: yaml.Event, problem: str) -> yaml.MarkedYAMLError:
    mark: Any = event.start_mark
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _plain(node: yaml.Node, place: _Place, document: Document, problems: list[Problem]) -> Any:
    document.lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
        return _mapping(node, place, document, problems)
    if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
        return [_plain(item, (*place, str(i)), document, problems) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode) and node.tag.removeprefix(_TAG) in _SCALARS:
        if len(node.value) <= _MAX_NUMBER or node.tag == _TAG + "str":
            return _SCALARS[node.tag.removeprefix(_TAG)](node)
        problems.append(document.problem(place, "the number is too long: quote it if it is text"))
        return None
    problems.append(document.problem(place, f"the tag {node.tag} is not allowed"))
    return None


def _mapping(
    node: yaml.MappingNode, place: _Place, document: Document, problems: list[Problem]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            problems.append(Problem(document.file, line, "", "a key must be one word"))
            continue
        below = (*place, key.value)
        if key.value in values:
            fault = document.problem(below, f"“{key.value}” stands here twice (also in line {line})")
            problems.append(fault)
            continue
        document.lines[below] = line
        values[key.value] = _plain(value, below, document, problems)
    return values


_construct = yaml.constructor.SafeConstructor()
_SCALARS: Mapping[str, Callable[[yaml.ScalarNode], Any]] = {
    "str": lambda node: node.value,
    "timestamp": lambda node: node.value,  # a date is text until a field says otherwise
    "int": _construct.construct_yaml_int,
    "float": _construct.construct_yaml_float,
    "bool": _construct.construct_yaml_bool,
    "null": lambda _: None,
}
_MAX_NUMBER = 40  # characters; YAML's base-60 numbers cost the square of their length


def explain(fault: ErrorDetails) -> str:
    """Pydantic's finding in plain words."""
    field = str(fault["loc"][-1]) if fault["loc"] else "the file"
    match fault["type"]:
        case "missing":
            return f"“{field}” is missing"
        case "extra_forbidden":
            return f"“{field}” is not a word that is known here"
        case "union_tag_invalid" | "union_tag_not_found":
            return "“type” must be one of say, menu, language, queue, hangup, goto"
        case "string_pattern_mismatch" if field == "[key]":
            return f"“{fault['loc'][-2]}” can't be a key: phones have 0-9, * and #, names are like main_menu"
        case "model_type" | "dict_type" | "model_attributes_type":
            return f"“{field}” must have lines of its own below it (name: value)"
        case _:
            return f"“{field}”: {fault['msg'].removeprefix('Value error, ')}"
