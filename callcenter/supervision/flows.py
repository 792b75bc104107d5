"""The flows as supervisors and admins see them: the list, the picture, the figures, a rehearsal, publishing."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from callcenter.history.flows import FlowFigures, FlowVersion
from callcenter.ids import UserId


@dataclass(frozen=True, slots=True)
class FlowLine:
    """One flow in the list. ``numbers``: those that lead to it ("" is any other number). ``callers``: in it now."""

    name: str
    title_en: str
    title_zh: str
    version: int
    at: dt.datetime
    by: str
    callers: int
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node of the picture. ``text_en``/``text_zh``: what it says first, shortened; empty for silent ones."""

    name: str
    type: str
    title_en: str
    title_zh: str
    text_en: str
    text_zh: str


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """A way: ``label`` is a key, a condition or the way's name; ``usual`` is false for no input, failure and so on."""

    source: str
    target: str
    label: str
    usual: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """A flow as a picture. Ends that are no node (a queue by default) are nodes of type ``end``."""

    start: str
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem in a text; lines count from 1. A ``warning`` is no hindrance to publishing."""

    line: int
    node: str
    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class TriedStep:
    """One line of a rehearsal: the node, what was heard there (texts as spoken), what was pressed, seconds since the
    start."""

    node: str
    heard: tuple[str, ...]
    pressed: str
    at: float


@dataclass(frozen=True, slots=True)
class Tried:
    """A rehearsal: the steps, and in words where the caller ended. ``gone``: by hanging up."""

    steps: tuple[TriedStep, ...]
    end: str
    gone: bool = False


class Flows(Protocol):
    """The flows, as their pages need them. All may raise ``NotFound`` for a flow that is not there."""

    def listing(self) -> Sequence[FlowLine]:
        """All flows, by name."""

    def text(self, flow: str) -> tuple[int, str]:
        """The current version's number and text."""

    def graph(self, flow: str) -> Graph:
        """The current version as a picture."""

    def draw(self, text: str) -> Graph | None:
        """A text that is being edited as a picture, as far as it can be read; None when it can't."""

    def now(self, flow: str) -> Mapping[str, int]:
        """Callers at each node now; only nodes with callers."""

    def version(self) -> int:
        """Grows whenever ``now`` of any flow changes."""

    async def check(self, flow: str, text: str) -> Sequence[Fault]:
        """What is wrong with a text; only warnings, or nothing, when it could be published."""

    async def rehearse(self, text: str, keys: Sequence[str], facts: Mapping[str, str]) -> Tried:
        """Walk a caller with these keys (``silence`` and ``hang up`` too) through a text. Raises ``BadInput``."""

    async def publish(self, flow: str, text: str, by: UserId, note: str, over: int | None) -> FlowVersion:
        """Check, render the prompts, keep, switch over: callers who come now get it, others stay on theirs.
        ``BadInput`` with all faults in its message, ``Conflict`` when ``over`` is not current any more."""

    async def roll_back(self, flow: str, version: int, by: UserId) -> FlowVersion:
        """Publish an old version again. Raises as ``publish``."""

    async def versions(self, flow: str) -> Sequence[FlowVersion]:
        """All of them, latest first."""

    async def figures(self, flow: str, since: dt.datetime, until: dt.datetime) -> FlowFigures:
        """What callers did in this period."""
