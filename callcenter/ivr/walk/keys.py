"""How a question is asked and its answer read: keys one by one, tries, and what is said in between.

However many keys the caller's phone sends, a question reads at most ``tries`` times its longest answer and one more.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from callcenter.ivr.flow.parts import Question
from callcenter.ivr.flow.texts import Language
from callcenter.ivr.flow.ways import (
    after_no_input,
    after_wrong_input,
    spoken_on_no_input,
    spoken_on_wrong_input,
)
from callcenter.ivr.walk.walk import Missed, Walk


@dataclass(frozen=True, slots=True)
class Reading:
    """When an answer is complete. Seconds: ``first`` after the words, ``between`` two keys. ``enough`` looks at what
    was typed so far."""

    first: float
    between: float
    enough: Callable[[str], bool]
    limit: int
    terminator: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """``pressed``: was there any key, were it only the terminator?"""

    keys: str
    pressed: bool


def one_key(seconds: float) -> Reading:
    """Any key is an answer."""
    return Reading(seconds, seconds, lambda _: True, 1)


def digits(seconds: float, between: float, limit: int, terminator: str, *, secret: bool = False) -> Reading:
    """Digits until the terminator, the limit, or a pause. What is no digit ends it: it can't become right."""
    return Reading(seconds, between, lambda typed: not typed[-1].isdecimal(), limit, terminator, secret)


async def read(walk: Walk, words: Iterable[tuple[str, Language]], how: Reading) -> Typed:
    """Ask, and read one answer. Raises as the line does."""
    key = await walk.ask_key(words, how.first, secret=how.secret)
    pressed, typed = bool(key), ""
    while key and key != how.terminator:
        typed += key
        if len(typed) >= how.limit or how.enough(typed):
            break
        key = await walk.more_keys(how.between, secret=how.secret)
    return Typed(typed, pressed)


async def ask(
    walk: Walk, node: Question, prompt: str, how: Reading, right: Callable[[str], bool]
) -> str | None:
    """Ask until an answer is right, ``node.tries`` times at most; None after the last. ``right`` may raise
    ``ExpressionFailed``."""
    before: str | None = None
    for _ in range(node.tries):
        typed = await read(walk, in_language(walk, before, prompt), how)
        if typed.pressed and right(typed.keys):
            return typed.keys
        before = miss(walk, node, "wrong_input" if typed.pressed else "no_input")
    return None


def in_language(walk: Walk, *prompts: str | None) -> list[tuple[str, Language]]:
    """Prompts one after the other, those that there are, in the caller's language."""
    return [(prompt, walk.language) for prompt in prompts if prompt is not None]


def miss(walk: Walk, node: Question, how: Missed) -> str | None:
    """The caller did not answer as asked: count it; gives what is said before it is asked again."""
    if walk.here is not None:
        walk.here.missed = how
        if how == "no_input":
            walk.here.no_input += 1
        else:
            walk.here.wrong_input += 1
    if how == "no_input":
        return spoken_on_no_input(walk.flow, node)
    return spoken_on_wrong_input(walk.flow, node)


def unanswered(walk: Walk, node: Question) -> str | None:
    """The way after the last try, by what went wrong in it."""
    missed = walk.here.missed if walk.here is not None else "no_input"
    walk.way(missed)
    if missed == "wrong_input":
        return after_wrong_input(walk.flow, node)
    return after_no_input(walk.flow, node)
