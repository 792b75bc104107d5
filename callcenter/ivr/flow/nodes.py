"""What a flow can do, one class for each ``type``.

Three ways lead out of every node beside its own: ``no_input`` and ``wrong_input`` where it asks, and ``failure`` where
Asterisk or something behind us fails. One that is not written is the flow's default (``Flow.defaults``), and at last
its default queue: nobody is ever left without a way on.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from callcenter.ivr.flow.parts import Node, Question, Skills, Waiting, refusal
from callcenter.ivr.flow.texts import (
    Digits,
    Expression,
    Key,
    Keys,
    Language,
    Name,
    Part,
    Queue,
    Seconds,
    Tries,
)

FlowName: TypeAlias = Name
MAX_MESSAGE_SECONDS = 600


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

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.min_digits > self.max_digits:
            raise refusal(f"min_digits ({self.min_digits}) is more than max_digits ({self.max_digits})")
        return self


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

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.by == "pin" and (self.prompt is None or self.pin_prompt is None):
            raise refusal("“by: pin” asks twice: write prompt (for the customer number) and pin_prompt")
        if self.by == "number" and not (self.prompt is None and self.pin_prompt is None):
            raise refusal("“by: number” asks nothing: take prompt and pin_prompt out, or write “by: pin”")
        return self


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
    send: dict[Name, Expression] = Field({})
    into: Annotated[dict[Name, str], Field(min_length=1)]
    seconds: Annotated[float, Field(ge=0.1, le=15)] = 3.0
    prompt: Name | None = None
    next: Name | None = None
    not_found: Name | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.query is None) == (self.service is None):
            raise refusal("write one of query and service, not both")
        return self


class SetNode(Node):
    """Set variables, in the order written."""

    type: Literal["set"]
    values: Annotated[dict[Name, Expression], Field(min_length=1)]
    next: Name | None = None


class QueueNode(Node):
    """Wait for a person in a queue, after a prompt where there is one. ``skills`` are those an agent must have, each
    with the level that is needed at least (``{billing: 4}``); a list of names means level 1. ``survey`` is the flow
    that asks, when the agent has hung up, how it was."""

    type: Literal["queue"]
    queue: Queue
    prompt: Name | None = None
    skills: Skills = Field([])
    waiting: Waiting = Waiting()
    survey: FlowName | None = None

    @property
    def levels(self) -> dict[str, int]:
        """The skills with their levels, however they are written."""
        return dict(self.skills) if isinstance(self.skills, dict) else dict.fromkeys(self.skills, 1)


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

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if sum(target is not None for target in (self.extension, self.number, self.queue)) != 1:
            raise refusal("write exactly one of extension, number and queue")
        return self


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

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.keys)) < len(self.keys):
            raise refusal(f"a key stands twice in “{self.keys}”")
        return self


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

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [question.name for question in self.questions]
        for name in names:
            if names.count(name) > 1:
                raise refusal(f"two questions are named “{name}”: their answers could not be told apart")
        return self


class SubflowNode(Node):
    """Walk another flow and come back: ``results`` has ways for what it returned, ``next`` for all else."""

    type: Literal["subflow"]
    flow: FlowName
    results: dict[Name, Name] = Field({})
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
    SayNode | GotoNode | LanguageNode | MenuNode | CollectNode | IdentifyNode | HoursNode | BranchNode | LookupNode
    | SetNode | QueueNode | CallbackNode | VoicemailNode | RecordNode | ComplaintNode | TransferNode | StatusNode
    | SurveyNode | SubflowNode | ReturnNode | HangupNode,
    Field(discriminator="type"),
]  # fmt: skip


Kind: TypeAlias = Literal["prompt", "target"]
_PROMPTS = frozenset({"prompt", "pin_prompt", "said", "thanks", "found", "say"})
_TARGETS = frozenset(
    {"next", "failure", "otherwise", "then", "unknown", "locked", "open", "closed", "holiday", "not_found", "refused",
     "busy", "no_answer", "nobody", "unanswered", "keys", "results"}
)  # fmt: skip


def prompts_of(part: Part) -> tuple[str, ...]:
    """The prompts that a node (or a part of one) names, once each; the defaults are not among them."""
    return tuple(dict.fromkeys(name for kind, _, name in names_in(part) if kind == "prompt"))


def targets_of(part: Part) -> tuple[str, ...]:
    """The nodes that a node (or a part of one) leads to, once each; the defaults are not among them."""
    return tuple(dict.fromkeys(name for kind, _, name in names_in(part) if kind == "target"))


def names_in(part: Part, at: tuple[str, ...] = ()) -> Iterator[tuple[Kind, tuple[str, ...], str]]:
    """Each prompt and node that a part names: which of them, where it stands (below ``at``), the name."""
    for field, value in part:
        if isinstance(value, Part):
            yield from names_in(value, (*at, field))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, Part):
                    yield from names_in(item, (*at, field, str(index)))
        elif value is not None and (kind := _kind(part, field)) is not None:
            if isinstance(value, dict):
                yield from ((kind, (*at, field, key), name) for key, name in value.items())
            else:
                yield kind, (*at, field), value


def _kind(part: Part, field: str) -> Kind | None:
    """What a field's text names: nodes and prompts; other words, such as a language's keys, name neither."""
    if field in {"no_input", "wrong_input"}:
        # A message's own is where it leads; a question's is what it says.
        return "target" if isinstance(part, MessageNode) else "prompt"
    if field == "keys" and isinstance(part, LanguageNode | Asked):
        return None
    if field in _PROMPTS:
        return "prompt"
    return "target" if field in _TARGETS else None
