"""What nodes are made of: ways out, questions, and what is heard while waiting."""

from typing import Annotated, Self, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from callcenter.ivr.flow.texts import Key, Level, Name, Part, Pause, Seconds, Skill, Texts, Tries

MAX_SKILLS = 10


def refusal(message: str) -> PydanticCustomError:
    """A fault of several words together; its text stands for itself, without a field's name."""
    return PydanticCustomError("node", "{message}", {"message": message})


class Way(Part):
    """What happens when the caller does not answer as asked: ``say`` before it asks again, ``then`` after the last
    try (``otherwise`` of the node when not written)."""

    say: Name | None = None
    then: Name | None = None


def _form(written: object) -> str:
    return "way" if isinstance(written, dict | Way) else "name"


Ways: TypeAlias = Annotated[Annotated[Name, Tag("name")] | Annotated[Way, Tag("way")], Discriminator(_form)]
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


def way_of(written: Ways | None) -> Way:
    """A way as an object, however it is written."""
    if isinstance(written, Way):
        return written
    return Way(say=written)


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


class Closes(Part):
    """Outside these ``hours`` of the flow, elsewhere. Who waits already when they end is served, unless
    ``serve_waiting`` is false."""

    hours: Name
    next: Name
    serve_waiting: bool = True


class Waiting(Part):
    """What is heard and may be pressed while waiting. ``announce`` seconds lie between two announcements of the
    position (and of the expected wait); the first comes at once.

    ``nobody`` is the way when nobody who serves this queue is logged in, ``unanswered`` when as many offers of this
    call came to nothing as the rules of routing allow. A way that is not written keeps the caller in the line.
    """

    music: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,40}$")] = ""
    announce: Pause | None = None
    position: bool = True
    expected_wait: bool = True
    messages: Annotated[list[Message], Field(max_length=10)] = Field([])
    callback: CallbackOffer | None = None
    keys: dict[Key, Name] = Field({})
    timeout: Timeout | None = None
    full: Full | None = None
    nobody: Name | None = None
    closes: Closes | None = None
    unanswered: Name | None = None

    @model_validator(mode="after")
    def _one_meaning_each(self) -> Self:
        if self.callback is not None and self.callback.key in self.keys:
            raise refusal(
                f"key {self.callback.key} of the callback is among keys too: give one of them another key"
            )
        return self


def _skills_form(written: object) -> str:
    return "levels" if isinstance(written, dict) else "names"


Skills: TypeAlias = Annotated[
    Annotated[list[Skill], Field(max_length=MAX_SKILLS), Tag("names")]
    | Annotated[dict[Skill, Level], Field(max_length=MAX_SKILLS), Tag("levels")],
    Discriminator(_skills_form),
]
"""What an agent must have: names (level 1 each), or names with the level that is needed at least."""
