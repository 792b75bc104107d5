"""What reception needs of the flow that callers meet: a visit, which may be left for a while and come back.

::

    start ──> ToQueue ──(timeout, key, full, nobody)──> resume ──> ToTransfer ──(busy)──> resume ──> ... ──> HungUp
    rejoin ──> ToQueue ──> ...
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from callcenter.calls.call import Call
from callcenter.calls.ports import CallerLine
from callcenter.calls.skills import Levels
from callcenter.ids import QueueName
from callcenter.routing.demand import Wanted

Outcome: TypeAlias = str
"""What a wait or a transfer came back with: ``timeout``, ``full``, ``nobody``, ``closes``, ``unanswered``, ``key:5``,
``callback`` (of a wait); ``done``, ``busy``, ``no_answer``, ``failed`` (of a transfer)."""


@dataclass(frozen=True, slots=True)
class WaitMessage:
    """A prompt of the flow, said first ``after`` seconds in line, then each ``every`` (None: once)."""

    prompt: str
    after: float
    every: float | None
    key: str = ""
    """Pressed during it or after it, the wait ends with ``callback``: an offer to be called back."""


@dataclass(frozen=True, slots=True)
class WaitPlan:
    """What a caller hears and may press in line. Seconds."""

    music: str = ""
    announce_every: float | None = None
    position: bool = True
    expected_wait: bool = True
    messages: tuple[WaitMessage, ...] = ()
    keys: frozenset[str] = frozenset()
    """Keys that end the wait with ``key:K``; the key of a callback's offer is not among them."""
    timeout: float | None = None
    full_at: int | None = None
    """So many who wait in this queue already are too many."""
    nobody: bool = False
    """Does the wait end with ``nobody`` when nobody who serves the queue is logged in?"""
    closes_at: dt.datetime | None = None
    """The wait ends with ``closes`` at this moment (UTC)."""
    unanswered: bool = False
    """Does it end with ``unanswered`` when too many offers came to nothing?"""

    @property
    def listens(self) -> bool:
        """May the caller press anything? Then an AGI command is always in flight."""
        return bool(self.keys) or any(message.key for message in self.messages)


@dataclass(frozen=True, slots=True)
class ToQueue:
    """The caller is to wait for a person. ``survey``: the flow for after the call."""

    queue: QueueName
    plan: WaitPlan = WaitPlan()
    skills: Levels = field(default_factory=dict)
    survey: str | None = None
    wanted: Wanted | None = None
    """Whom an agent put the caller through to, or anybody; None: whom the caller's ties lead to."""


@dataclass(frozen=True, slots=True)
class ToTransfer:
    """The caller is to be put through to an extension, or outside to a number (already allowed, E.164)."""

    kind: Literal["extension", "number"]
    target: str
    ring_seconds: int


@dataclass(frozen=True, slots=True)
class HungUp:
    """The flow ends the call; reception hangs up."""

    reason: str


Value: TypeAlias = str | int | float | bool | None
"""What a variable of a flow can hold; dates are ISO text."""
VisitEnd: TypeAlias = ToQueue | ToTransfer | HungUp


class Visit(Protocol):
    """One caller in one flow, on the version that was published when the visit began."""

    async def start(self) -> VisitEnd:
        """From the flow's first node. Raises ``CallerGone``, ``ReleasedToFallback``."""

    async def resume(self, outcome: Outcome) -> VisitEnd:
        """On from the node that the visit was left at. Raises as ``start``."""

    async def rejoin(self, queue: QueueName) -> ToQueue:
        """Instead of ``start``, for a caller who has been in line for this queue and comes back from elsewhere: as the
        first node that leads there says, and on from that node. No ``full_at``: who waits is not too many."""

    async def sound(self, prompt: str, values: Mapping[str, Value]) -> str:
        """The path of one of the flow's prompts, or of a standard one (``position``, ``next_in_line``,
        ``wait_minutes``, ``wait_short``), in the caller's language. Never raises, waits 2 s at most."""

    async def survey(self, name: str) -> None:
        """After the agent has hung up: walk this flow with the caller. Raises as ``start``."""

    def over(self) -> None:
        """The call is over, however: what the visit was is put on record. Once; never raises."""


class Ivr(Protocol):
    """The flows that callers meet."""

    def visit(self, line: CallerLine, call: Call) -> Visit:
        """A caller has come; which flow it is depends on the number dialled. The call is not answered yet."""
