"""A flow's words. Every node has a way out; one that is not written leads to the flow's default queue."""

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from callcenter.ids import QueueName

MAX_PROMPT_CHARACTERS = 1000
"""A minute of speech; nobody listens longer in an IVR."""
LANGUAGES: tuple["Language", ...] = ("en", "zh")

Language: TypeAlias = Literal["en", "zh"]
Key: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9*#]$")]
"""What a phone can press."""
Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_Queue: TypeAlias = Annotated[QueueName, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
_Seconds: TypeAlias = Annotated[float, Field(ge=1, le=30)]
_Tries: TypeAlias = Annotated[int, Field(ge=1, le=5)]


def _spoken(text: str) -> str:
    """One line of printable text, whatever way it was wrapped in the file."""
    line = " ".join(text.split())
    if not line or len(line) > MAX_PROMPT_CHARACTERS:
        raise ValueError(f"a prompt has 1 to {MAX_PROMPT_CHARACTERS} characters")
    if not line.isprintable():
        raise ValueError("a prompt can't have control characters")
    if not re.search(r"\w", line):
        raise ValueError("a prompt needs something to say")
    return line


Spoken: TypeAlias = Annotated[str, AfterValidator(_spoken)]


class _Part(BaseModel):
    """Strict and closed: an unknown word or a wrong kind of value is an error, never ignored."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Texts(_Part):
    """The same words in each language."""

    en: Spoken
    zh: Spoken

    def within(self, language: Language) -> str:
        """The text in one language."""
        return self.en if language == "en" else self.zh


class _Node(_Part):
    title: Texts | None = None
    """How agents and pages call this node; the node's name where there is none."""


class SayNode(_Node):
    """Speak a prompt. A key cuts it short and counts for the next question."""

    type: Literal["say"]
    prompt: Name
    next: Name | None = None


class GotoNode(_Node):
    """Go on elsewhere."""

    type: Literal["goto"]
    next: Name


class LanguageNode(_Node):
    """Ask for the language: the prompt is spoken in each one. No choice keeps the language and goes on."""

    type: Literal["language"]
    prompt: Name
    keys: Annotated[dict[Key, Language], Field(min_length=1)]
    seconds: _Seconds = 5.0
    tries: _Tries = 2
    next: Name | None = None


class MenuNode(_Node):
    """Ask for one key. After the last try without a good key the caller goes on to ``otherwise``.

    ``seconds`` is how long it waits after its words; ``no_input`` and ``wrong_input`` are spoken before it
    asks again.
    """

    type: Literal["menu"]
    prompt: Name
    keys: Annotated[dict[Key, Name], Field(min_length=1)]
    seconds: _Seconds = 5.0
    tries: _Tries = 3
    no_input: Name | None = None
    wrong_input: Name | None = None
    otherwise: Name | None = None


class QueueNode(_Node):
    """End of the flow: into a queue, after a prompt where there is one."""

    type: Literal["queue"]
    queue: _Queue
    prompt: Name | None = None


class HangupNode(_Node):
    """End of the flow and of the call. ``reason`` is for the record."""

    type: Literal["hangup"]
    prompt: Name | None = None
    reason: Name = "flow"


Node: TypeAlias = Annotated[
    SayNode | GotoNode | LanguageNode | MenuNode | QueueNode | HangupNode, Field(discriminator="type")
]


class Flow(_Part):
    """One way in. ``language`` is spoken until the caller chooses another."""

    flow: Name
    language: Language = "en"
    default_queue: _Queue
    start: Name
    prompts: dict[Name, Texts]
    nodes: Annotated[dict[Name, Node], Field(min_length=1)]


def prompts_of(node: Node) -> tuple[str, ...]:
    """The prompts that a node names."""
    named: tuple[str | None, ...] = ()
    match node:
        case SayNode() | LanguageNode() | QueueNode() | HangupNode():
            named = (node.prompt,)
        case MenuNode():
            named = (node.prompt, node.no_input, node.wrong_input)
        case GotoNode():
            pass
    return tuple(name for name in named if name is not None)


def targets_of(node: Node) -> tuple[str, ...]:
    """The nodes that a node leads to; the default queue is not among them."""
    named: tuple[str | None, ...] = ()
    match node:
        case SayNode() | GotoNode() | LanguageNode():
            named = (node.next,)
        case MenuNode():
            named = (*node.keys.values(), node.otherwise)
        case QueueNode() | HangupNode():
            pass
    return tuple(name for name in named if name is not None)
