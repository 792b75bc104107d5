"""The small words that flows are made of: names, keys, languages, and what is spoken in each."""

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from callcenter.calls import skills
from callcenter.ids import QueueName
from callcenter.ivr.flow import expression, template

MAX_PROMPT_CHARACTERS = 1000
"""A minute of speech; nobody listens longer in an IVR."""

Language: TypeAlias = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

Key: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9*#]$")]
"""What a phone can press."""
Keys: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9*#]{1,8}$")]
"""One key, or several pressed one after the other."""
Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Queue: TypeAlias = Annotated[QueueName, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Seconds: TypeAlias = Annotated[float, Field(ge=1, le=30)]
"""Waiting for a key."""
Pause: TypeAlias = Annotated[float, Field(ge=5, le=3600)]
"""Waiting for a person."""
Tries: TypeAlias = Annotated[int, Field(ge=1, le=5)]
Skill: TypeAlias = Annotated[str, StringConstraints(pattern=f"^{skills.NAME.pattern}$")]
Level: TypeAlias = Annotated[int, Field(ge=1, le=skills.BEST)]
"""How well somebody must do it, at least."""
Digits: TypeAlias = Annotated[int, Field(ge=1, le=32)]


def _condition(text: str) -> str:
    expression.parse(text)
    return text


Expression: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=500), AfterValidator(_condition)
]
"""The small language of ``expression``."""


def _spoken(text: str) -> str:
    """One line of printable text, whatever way it was wrapped in the file."""
    line = " ".join(text.split())
    if not line or len(line) > MAX_PROMPT_CHARACTERS:
        raise ValueError(f"a prompt has 1 to {MAX_PROMPT_CHARACTERS} characters")
    if not line.isprintable():
        raise ValueError("a prompt can't have control characters")
    if not re.search(r"\w", line):
        raise ValueError("a prompt needs something to say")
    template.parse(line)
    return line


Spoken: TypeAlias = Annotated[str, AfterValidator(_spoken)]
"""A text with ``{variable}`` or ``{variable:format}`` in it (``template``)."""


class Part(BaseModel):
    """Strict and closed: an unknown word or a wrong kind of value is an error, never ignored."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True)


class Texts(Part):
    """The same words in each language."""

    en: Spoken
    zh: Spoken

    def within(self, language: Language) -> str:
        """The text in one language."""
        return self.en if language == "en" else self.zh
