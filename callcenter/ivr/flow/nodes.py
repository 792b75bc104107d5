"""What a flow can do, one class for each ``type``.

Three ways lead out of every node beside its own: ``no_input`` and ``wrong_input`` where it asks, and ``failure`` where
Asterisk or something behind us fails. One that is not written is the flow's default (``Flow.defaults``), and at last
its default queue: nobody is ever left without a way on.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from callcenter.ivr.flow.texts import (
    Digits,
    Expression,
    Key,
    Keys,
    Language,
    Name,
    Part,
    Pause,
    Queue,
    Seconds,
    Texts,
    Tries,
)

FlowName: TypeAlias = Name
MAX_MESSAGE_SECONDS = 600


class Way(Part):
    """What happens when the caller does not answer as asked: ``say`` before it asks again, ``then`` after the last
    try (``otherwise`` of the node when not written)."""

    say: Name | None = None
    then: Name | None = None


Ways: TypeAlias = Name | Way
"""A prompt's name alone is its ``say``."""


class Node(Part):
    """What every node has."""

    title: Texts | None = None
    """How agents and pages call this node; the node's name where there is none."""
    failure: Name | None = None
    """Where to go when it can't be done."""


class Question(Node):
    """What every node has that asks for keys. ``seconds`` count from the end of the words."""

    seconds: Seconds = 5.0
    tries: Tries = 3
    no_input: Ways | None = None
    wrong_input: Ways | None = None
    otherwise: Name | None = None
    """After the last try."""


class SayNode(Node):
    """Speak a prompt. A key cuts it short and counts for the next question, unless ``interrupt`` is false."""

    type: Literal["say"]
    prompt: Name
    interrupt: bool = True
    next: Name | None = None


class GotoNode(Node):
    """Go on elsewhere."""

    type: Literal["goto"]
    next: Name


class LanguageNode(Question):
    """Ask for the language: the prompt is spoken in each one. No choice keeps the language and goes on."""

    type: Literal["language"]
    prompt: Name
    keys: Annotated[dict[Key, Language], Field(min_length=1)]
    tries: Tries = 2
    next: Name | None = None


class MenuNode(Question):
    """Ask for one choice. Keys may have several digits (``"12"``) as long as none begins with another."""

    type: Literal["menu"]
    prompt: Name
    keys: Annotated[dict[Keys, Name], Field(min_length=1)]


class CollectNode(Question):
    """Ask for digits and keep them in the variable ``into``.

    The input ends with ``terminator`` (empty: none), at ``max_digits``, or when no key comes for
    ``between_seconds``. ``valid`` may judge it. ``secret`` digits (PINs, cards) are in no log, event or record, and
    only ``identify`` and ``lookup`` may read them.
    """

    type: Literal["collect"]
    prompt: Name
    into: Name
    min_digits: Digits = 1
    max_digits: Digits = 20
    terminator: Annotated[str, Field(pattern=r"^[*#]?$")] = "#"
    between_seconds: Seconds = 4.0
    valid: Expression | None = None
    secret: bool = False
    next: Name | None = None


class IdentifyNode(Question):
    """Know who the caller is.

    ``by: number`` takes the record that the caller's number led to. ``by: pin`` asks for the customer number
    (``prompt``) and the PIN (``pin_prompt``); too many wrong PINs for one customer lock that customer number for a
    while, whoever calls. ``unknown`` is the way of who could not be identified, ``locked`` of who is locked out.
    """

    type: Literal["identify"]
    by: Literal["number", "pin"] = "number"
    prompt: Name | None = None
    pin_prompt: Name | None = None
    next: Name | None = None
    unknown: Name | None = None
    locked: Name | None = None


class HoursNode(Node):
    """Open or closed now? ``holiday`` is the way on a public holiday; not written, it is ``closed``."""

    type: Literal["hours"]
    hours: Name
    open: Name
    closed: Name
    holiday: Name | None = None


class Case(Part):
    """One condition and its way."""

    when: Expression
    next: Name


class BranchNode(Node):
    """The first condition that holds decides. One that can't be worked out goes the way of ``failure``."""

    type: Literal["branch"]
    cases: Annotated[list[Case], Field(min_length=1, max_length=50)]
    otherwise: Name | None = None


class LookupNode(Node):
    """Ask a database query or a web service that the settings name. ``into``: variable -> field of the answer
    (for a web service a path such as ``order.lines.0.state``). ``seconds`` is all the time it has; ``prompt`` is
    spoken meanwhile."""

    type: Literal["lookup"]
    query: Name | None = None
    service: Name | None = None
    send: dict[Name, Expression] = {}
    into: Annotated[dict[Name, str], Field(min_length=1)]
    seconds: Annotated[float, Field(ge=0.1, le=15)] = 3.0
    prompt: Name | None = None
    next: Name | None = None
    not_found: Name | None = None


class SetNode(Node):
    """Set variables, in the order written."""

    type: Literal["set"]
    values: Annotated[dict[Name, Expression], Field(min_length=1)]
    next: Name | None = None


class Message(Part):
    """Something said to who waits: first ``after`` seconds, then each ``every``."""

    prompt: Name
    after: Pause = 60.0
    every: Pause | None = None


class CallbackOffer(Part):
    """Offered while waiting, ``after`` seconds: press ``key`` and be called back, keeping the place. ``next`` is a
    ``callback`` node."""

    key: Key
    prompt: Name
    after: Pause = 60.0
    every: Pause | None = None
    next: Name


class Timeout(Part):
    """After so many seconds, elsewhere."""

    seconds: Annotated[float, Field(ge=5, le=86400)]
    next: Name


class Full(Part):
    """When so many already wait in this queue, elsewhere."""

    waiting: Annotated[int, Field(ge=0, le=10000)]
    next: Name


class Waiting(Part):
    """What is heard and may be pressed while waiting. ``announce`` seconds lie between two announcements of the
    position (and of the expected wait); the first comes at once."""

    music: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,40}$")] = ""
    announce: Pause | None = None
    position: bool = True
    expected_wait: bool = True
    messages: Annotated[list[Message], Field(max_length=10)] = []
    callback: CallbackOffer | None = None
    keys: dict[Key, Name] = {}
    timeout: Timeout | None = None
    full: Full | None = None


class QueueNode(Node):
    """Wait for a person in a queue, after a prompt where there is one. ``skills`` are those an agent must have.
    ``survey`` is the flow that asks, when the agent has hung up, how it was."""

    type: Literal["queue"]
    queue: Queue
    prompt: Name | None = None
    skills: Annotated[list[Name], Field(max_length=10)] = []
    waiting: Waiting = Waiting()
    survey: FlowName | None = None


class CallbackNode(Node):
    """Call back later, at the place that the caller has in the line of ``queue``. ``number`` (an expression) is the
    caller's own when not written; ``refused`` is the way when it can't be called."""

    type: Literal["callback"]
    queue: Queue
    number: Expression | None = None
    prompt: Name | None = None
    """Spoken when it is agreed; ``{callback_number}`` is known in it."""
    next: Name | None = None
    refused: Name | None = None


class MessageNode(Node):
    """What every node has that records the caller's voice: after ``prompt`` and a tone, until ``finish``, silence
    or ``max_seconds``. ``no_input`` is the way when nothing was said."""

    prompt: Name
    max_seconds: Annotated[int, Field(ge=3, le=MAX_MESSAGE_SECONDS)] = 120
    silence: Annotated[int, Field(ge=1, le=30)] = 4
    finish: Annotated[str, Field(pattern=r"^[0-9*#]{1,12}$")] = "#"
    thanks: Name | None = None
    next: Name | None = None
    no_input: Name | None = None


class VoicemailNode(MessageNode):
    """Leave a message: it becomes work for the people of ``queue``."""

    type: Literal["voicemail"]
    queue: Queue


class RecordNode(MessageNode):
    """Record the caller's voice; the recording's id is in the variable ``into``."""

    type: Literal["record"]
    into: Name


class ComplaintNode(MessageNode):
    """Take a complaint by voice. ``said`` reads its number back: ``{complaint_number}`` is known in it."""

    type: Literal["complaint"]
    category: Annotated[str, Field(min_length=1, max_length=60)] = "other"
    severity: Literal["low", "medium", "high"] = "medium"
    said: Name


class TransferNode(Node):
    """Put the caller through to one of ``extension``, ``number`` (outside, only where the settings allow it) and
    ``queue``. ``next`` is the way after a talk; not written, the call ends."""

    type: Literal["transfer"]
    extension: Expression | None = None
    number: Expression | None = None
    queue: Queue | None = None
    prompt: Name | None = None
    ring_seconds: Annotated[int, Field(ge=5, le=120)] = 25
    next: Name | None = None
    busy: Name | None = None
    no_answer: Name | None = None


class StatusNode(Node):
    """Read out how an order or a complaint stands: by its ``number`` (an expression), or the customer's latest.

    Only what belongs to the identified customer is found. ``found`` is spoken with ``{number}``, ``{state}``,
    ``{date}`` and, of a complaint, ``{owner}`` and ``{due}``, of an order ``{amount}``; the same are variables
    afterwards (``status_number``, ...).
    """

    type: Literal["status"]
    of: Literal["order", "complaint"]
    number: Expression | None = None
    found: Name
    next: Name | None = None
    not_found: Name | None = None


class Asked(Part):
    """One question of a survey; ``keys`` are the answers allowed."""

    name: Name
    prompt: Name
    keys: Annotated[str, Field(pattern=r"^[0-9]{1,10}$")] = "12345"


class Comment(Part):
    """A word in the caller's own voice."""

    prompt: Name
    max_seconds: Annotated[int, Field(ge=3, le=MAX_MESSAGE_SECONDS)] = 60


class SurveyNode(Question):
    """Ask how it was. Each answer is kept with the call and its agent at once, so a hang-up loses none."""

    type: Literal["survey"]
    questions: Annotated[list[Asked], Field(min_length=1, max_length=10)]
    comment: Comment | None = None
    thanks: Name | None = None
    tries: Tries = 2
    next: Name | None = None


class SubflowNode(Node):
    """Walk another flow and come back: ``results`` has ways for what it returned, ``next`` for all else."""

    type: Literal["subflow"]
    flow: FlowName
    results: dict[Name, Name] = {}
    next: Name | None = None


class ReturnNode(Node):
    """The end of a flow that another one called."""

    type: Literal["return"]
    result: Name = "done"


class HangupNode(Node):
    """The end of the call. ``reason`` is for the record."""

    type: Literal["hangup"]
    prompt: Name | None = None
    reason: Name = "flow"


AnyNode: TypeAlias = Annotated[
    SayNode
    | GotoNode
    | LanguageNode
    | MenuNode
    | CollectNode
    | IdentifyNode
    | HoursNode
    | BranchNode
    | LookupNode
    | SetNode
    | QueueNode
    | CallbackNode
    | VoicemailNode
    | RecordNode
    | ComplaintNode
    | TransferNode
    | StatusNode
    | SurveyNode
    | SubflowNode
    | ReturnNode
    | HangupNode,
    Field(discriminator="type"),
]


def way_of(written: Ways | None) -> Way:
    """A way as an object, however it is written."""
    if isinstance(written, Way):
        return written
    return Way(say=written)


_PROMPTS = frozenset({"prompt", "pin_prompt", "said", "thanks", "found", "say"})
_TARGETS = frozenset(
    {"next", "failure", "otherwise", "then", "unknown", "locked", "open", "closed", "holiday", "not_found", "refused",
     "busy", "no_answer"}
)  # fmt: skip


def prompts_of(node: Node) -> tuple[str, ...]:
    """The prompts that a node names, once each."""
    return tuple(dict.fromkeys(name for kind, name in _named(node) if kind == "prompt"))


def targets_of(node: Node) -> tuple[str, ...]:
    """The nodes that a node leads to, once each; the defaults are not among them."""
    return tuple(dict.fromkeys(name for kind, name in _named(node) if kind == "target"))


def _named(part: Part) -> Iterator[tuple[str, str]]:
    """(``prompt`` or ``target``, name) for every name in a node."""
    for field, value in part:
        yield from _names_in(part, field, value)


def _names_in(part: Part, field: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Part):
        if not isinstance(value, Texts):
            yield from _named(value)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, Part):
                yield from _named(item)
    elif isinstance(value, dict):
        if (field == "keys" and not isinstance(part, LanguageNode)) or field == "results":
            yield from (("target", name) for name in value.values())
    elif isinstance(value, str):
        if field in {"no_input", "wrong_input"}:
            # A question's own is what it says; a message's is where it leads.
            yield ("prompt" if isinstance(part, Question) else "target"), value
        elif field in _PROMPTS:
            yield "prompt", value
        elif field in _TARGETS:
            yield "target", value
