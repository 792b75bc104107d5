"""Rehearsals: callers who are written down beside a flow, and where each of them must end.

The same ones run without Asterisk in milliseconds, and on a real one: ``timeline`` says when each key is pressed there.
"""

import datetime as dt
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from callcenter.ivr.flow.document import MAX_BYTES, FlowInvalid, read_yaml
from callcenter.ivr.flow.faults import problems_of
from callcenter.ivr.flow.texts import Language, Name, Part
from callcenter.ivr.ports import FlowSet
from callcenter.ivr.walk.virtual_line import SILENCE, Heard
from callcenter.ivr.walk.virtual_visit import (
    USUAL_NUMBER,
    Circumstances,
    Performance,
    perform,
    usual_length,
)
from callcenter.ivr.walk.virtual_world import Customer, Lengths, Passed
from callcenter.reception.visit import ToQueue, ToTransfer, VisitEnd


class InQueue(Part):
    """The caller ends in this queue, speaking this language."""

    queue: str
    language: Language


class FlowHangsUp(Part):
    """The flow hangs up for this reason."""

    hangup: Name


class PutThrough(Part):
    """The caller is put through to this extension or number."""

    transfer: str


End: TypeAlias = InQueue | FlowHangsUp | PutThrough | Literal["gone"]
"""``gone``: the caller hangs up on the way."""
Press: TypeAlias = (
    Annotated[str, StringConstraints(pattern=r"^[0-9*#]{1,64}$")] | Literal["silence", "hang up"]
)
Place: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39})?$")
]
"""A node or a prompt; one of another flow than the rehearsed is ``flow.name``."""


def _moment(text: str) -> str:
    if dt.datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("write its zone too, such as 2026-10-01T09:00:00+08:00")
    return text


class Rehearsal(Part):
    """One written caller.

    ``presses``: what the caller does at each question, all keys of one answer together; after the last one, silence.
    ``hears``: the prompts in order, where they matter; one that a key cut short is among them, one in two languages
    counts once. ``answers``: what nodes that ask others are told (by node, or by the name of what they ask): a row, a
    JSON value, ``known``, ``wrong``, ``locked``, ``kept``, ``refused``, null for not found, ``failed``. ``records``:
    seconds spoken at each recording. ``outcomes``: of each wait or transfer (``timeout``, ``key:9``, ``busy``); the
    rehearsal ends at the one after the last. ``after_call``: then comes the survey of the queue.
    """

    name: str
    presses: list[Press]
    facts: dict[Name, str] = Field({})
    """Variables that are set before the first node."""
    did: str = ""
    caller: str = USUAL_NUMBER
    at: Annotated[str, AfterValidator(_moment)] | None = None
    customer: Customer | None = None
    waiting: Annotated[int, Field(ge=0)] = 0
    answers: dict[Name, Any] = Field({})
    records: list[Annotated[float, Field(gt=0)]] = Field([])
    outcomes: list[str] = Field([])
    after_call: bool = False
    path: Annotated[list[Place], Field(min_length=1)]
    hears: list[Place] | None = None
    end: End

    def circumstances(self) -> Circumstances:
        """As a visit without Asterisk wants them."""
        return Circumstances(
            caller=self.caller,
            did=self.did,
            at=dt.datetime.fromisoformat(self.at) if self.at is not None else None,
            customer=self.customer,
            answers=self.answers,
            variables=self.facts,
            spoken=self.records,
            waiting=self.waiting,
            outcomes=self.outcomes,
            after_call=self.after_call,
        )


class _Rehearsals(Part):
    rehearsals: Annotated[list[Rehearsal], Field(min_length=1)]


def load_rehearsals(path: Path) -> list[Rehearsal]:
    """Read a file of rehearsals.

    Raises:
        FlowInvalid: with all the file's problems.
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        document = read_yaml(file.read(MAX_BYTES + 1), str(path))
    try:
        return _Rehearsals.model_validate(document.value).rehearsals
    except ValidationError as error:
        problems = list(problems_of(error, document, _Rehearsals))
        raise FlowInvalid(problems) from None


async def rehearse(flows: FlowSet, rehearsal: Rehearsal) -> list[str]:
    """Walk a written caller through the set's first flow; gives what differs, in words."""
    done = await _perform(flows, rehearsal, usual_length)
    differences: list[str] = []
    path = [_name(flows, f"{one.flow}.{one.node}") for one in done.passed]
    if path != rehearsal.path:
        differences.append(f"path: expected {' → '.join(rehearsal.path)}, was {' → '.join(path)}")
    hears = heard_names(flows, done.heard)
    if rehearsal.hears is not None and hears != rehearsal.hears:
        differences.append(f"hears: expected {', '.join(rehearsal.hears)}, was {', '.join(hears)}")
    end = _end(done)
    if end != rehearsal.end:
        differences.append(f"end: expected {_words(rehearsal.end)}, was {_words(end)}")
    return differences


@dataclass(frozen=True, slots=True)
class Timeline:
    """A rehearsal on a clock; seconds from the moment that Asterisk answers. ``presses``: (when, key). ``heard``: what
    is heard when, with its text as spoken. ``hangs_up``: when the caller hangs up, if so."""

    presses: tuple[tuple[float, str], ...]
    heard: tuple[Heard, ...]
    hangs_up: float | None
    passed: tuple[Passed, ...]


async def timeline(flows: FlowSet, rehearsal: Rehearsal, lengths: Lengths) -> Timeline:
    """When to press each key on a real line, where ``lengths`` gives the real length of each sound. Announcements in
    line are reception's: after a wait that ends with a key the times are only guessed."""
    done = await _perform(flows, rehearsal, lengths)
    return Timeline(done.presses, done.heard, done.hung_up_at, done.passed)


async def _perform(flows: FlowSet, rehearsal: Rehearsal, lengths: Lengths) -> Performance:
    presses = deque(rehearsal.presses)

    async def press() -> str:
        return presses.popleft() if presses else SILENCE

    return await perform(flows, press, rehearsal.circumstances(), lengths=lengths)


def heard_names(flows: FlowSet, heard: Iterable[Heard]) -> list[str]:
    """The prompts by name; one that is spoken in each language counts once."""
    names: list[str] = []
    languages: set[str] = set()
    for one in heard:
        name = _name(flows, one.sound.prompt)
        if not names or names[-1] != name or one.sound.language in languages:
            names.append(name)
            languages.clear()
        languages.add(one.sound.language)
    return names


def _name(flows: FlowSet, name: str) -> str:
    return name.removeprefix(f"{flows.start}.")


def _end(done: Performance) -> End:
    end: VisitEnd | None = done.end
    if end is None:
        return "gone"
    if isinstance(end, ToQueue):
        return InQueue(queue=end.queue, language=done.language)
    if isinstance(end, ToTransfer):
        return PutThrough(transfer=end.target)
    return FlowHangsUp(hangup=end.reason)


def _words(end: End) -> str:
    return end if isinstance(end, str) else ", ".join(f"{name} {value}" for name, value in end)
