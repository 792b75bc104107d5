"""From files to flows: all faults at once, each with its file, line and node."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from callcenter.ivr.flow.checks.all import check
from callcenter.ivr.flow.checks.finding import Known
from callcenter.ivr.flow.document import (
    MAX_BYTES,
    Document,
    FlowInvalid,
    Problem,
    in_order,
    read_yaml,
)
from callcenter.ivr.flow.faults import explain, problems_of
from callcenter.ivr.flow.flow import Flow

__all__ = [
    "MAX_BYTES",
    "Document",
    "Examined",
    "FlowInvalid",
    "Folder",
    "Known",
    "Problem",
    "examine",
    "explain",
    "flow_files",
    "load_flow",
    "load_folder",
    "parse_flow",
    "problems_of",
    "read_flows",
    "read_folder",
    "read_yaml",
]


@dataclass(frozen=True, slots=True)
class Examined:
    """A text that was read. ``flow`` is there as soon as its form is right, even if it may not be published."""

    flow: Flow | None
    problems: tuple[Problem, ...]

    @property
    def good(self) -> bool:
        """May it be published? Warnings don't hinder it."""
        return not any(problem.level == "error" for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Folder:
    """All flows of a folder; a file that is no flow is only among the problems."""

    flows: Mapping[str, Flow]
    problems: tuple[Problem, ...]


def load_flow(path: Path, known: Known) -> Flow:
    """Read a flow from its file.

    Raises:
        FlowInvalid: with all the file's problems.
        OSError: the file can't be read.
    """
    return parse_flow(_read(path), str(path), known)


def parse_flow(data: bytes, file: str, known: Known) -> Flow:
    """As ``load_flow``, from bytes; ``file`` is only the name in the errors."""
    examined = examine(data, file, known)
    if examined.flow is None or not examined.good:
        raise FlowInvalid(problem for problem in examined.problems if problem.level == "error")
    return examined.flow


def examine(data: bytes, file: str, known: Known) -> Examined:
    """All that can be said about a text, errors and warnings; for pages and for ``ivr check``. Never raises."""
    try:
        document, flow = _form(data, file)
    except FlowInvalid as invalid:
        return Examined(None, invalid.problems)
    return Examined(flow, in_order(_faults(document, flow, known)))


def load_folder(folder: Path, known: Known) -> dict[str, Flow]:
    """Read every flow of a folder, by name; they know one another, beside what is ``known`` already.

    Raises:
        FlowInvalid: with all problems of all files.
        OSError: a file can't be read.
    """
    read = read_folder(folder, known)
    if errors := [problem for problem in read.problems if problem.level == "error"]:
        raise FlowInvalid(errors)
    return dict(read.flows)


def read_folder(folder: Path, known: Known) -> Folder:
    """As ``load_folder``, with all problems in the answer, warnings too. Raises ``OSError``."""
    return read_flows(flow_files(folder), known)


def read_flows(paths: Iterable[Path], known: Known) -> Folder:
    """As ``read_folder``, from these files."""
    problems: list[Problem] = []
    formed: dict[Path, tuple[Document, Flow]] = {}
    flows: dict[str, Flow | None] = dict(known.flows or {})
    for path in paths:
        flows[path.stem] = None
        try:
            document, flow = _form(_read(path), str(path))
        except FlowInvalid as invalid:
            problems += invalid.problems
            continue
        if flow.flow != path.stem:
            message = f"the flow is called “{flow.flow}” and its file “{path.stem}”: give both one name"
            problems.append(document.problem(("flow",), message))
        else:
            flows[flow.flow] = flow
        formed[path] = document, flow
    all_known = replace(known, flows=flows)
    for document, flow in formed.values():
        problems += _faults(document, flow, all_known)
    return Folder({flow.flow: flow for _, flow in formed.values()}, in_order(problems))


def flow_files(folder: Path) -> list[Path]:
    """The files of a folder that are flows; rehearsals aren't."""
    return sorted(path for path in folder.glob("*.yaml") if not path.name.endswith(".rehearsals.yaml"))


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _form(data: bytes, file: str) -> tuple[Document, Flow]:
    document = read_yaml(data, file)
    try:
        return document, Flow.model_validate(document.value)
    except ValidationError as error:
        raise FlowInvalid(problems_of(error, document, Flow)) from None


def _faults(document: Document, flow: Flow, known: Known) -> list[Problem]:
    return [document.problem(finding.place, finding.message, finding.level) for finding in check(flow, known)]
