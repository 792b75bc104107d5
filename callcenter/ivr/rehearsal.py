"""Rehearsals: callers who are written down beside a flow, and where each of them must end."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from callcenter.calls.ports import CallerLine
from callcenter.clock import Clock
from callcenter.errors import CallerGone
from callcenter.ivr.flow.flow import Flow, Key, Language, Name
from callcenter.ivr.flow.loader import MAX_BYTES, FlowInvalid, Problem, explain, read_yaml
from callcenter.ivr.walk.runner import HungUp, Step, ToQueue, run


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class InQueue(_Part):
    """The caller ends in this queue, speaking this language."""

    queue: str
    language: Language


class FlowHangsUp(_Part):
    """The flow hangs up for this reason."""

    hangup: Name


End: TypeAlias = InQueue | FlowHangsUp | Literal["gone"]
"""``gone``: the caller hangs up on the way."""
Press: TypeAlias = Key | Literal["silence", "hang up"]


class Rehearsal(_Part):
    """One written caller.

    ``presses``: what the caller does at each question; after the last one, silence. ``hears``: the prompts in
    order, where they matter; one that a key cut short is among them.
    """

    name: str
    presses: list[Press]
    facts: dict[str, str] = {}
    path: Annotated[list[Name], Field(min_length=1)]
    hears: list[Name] | None = None
    end: End


class _Rehearsals(_Part):
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
        problems: list[Problem] = [
            document.problem(document.place_of(fault["loc"]), explain(fault))
            for fault in error.errors(include_url=False, include_context=False)
        ]
        raise FlowInvalid(problems) from None


async def rehearse(flow: Flow, rehearsal: Rehearsal, line: CallerLine, clock: Clock) -> list[str]:
    """Walk a written caller, whose line presses the keys, through a flow; gives what differs, in words."""
    heard = _Heard()
    path: list[Step] = []
    end: End
    try:
        ended = await run(flow, line, facts=rehearsal.facts, prompts=heard, clock=clock, path=path)
    except CallerGone:
        end = "gone"
    else:
        end = _end(ended)
    differences: list[str] = []
    if (nodes := [step.node for step in path]) != rehearsal.path:
        differences.append(f"path: expected {' → '.join(rehearsal.path)}, was {' → '.join(nodes)}")
    if rehearsal.hears is not None and heard.prompts != rehearsal.hears:
        differences.append(f"hears: expected {', '.join(rehearsal.hears)}, was {', '.join(heard.prompts)}")
    if end != rehearsal.end:
        differences.append(f"end: expected {rehearsal.end}, was {end}")
    return differences


def _end(end: ToQueue | HungUp) -> End:
    if isinstance(end, ToQueue):
        return InQueue(queue=end.queue, language=end.language)
    return FlowHangsUp(hangup=end.reason)


class _Heard:
    """Stands for the sound files, and keeps what was asked for. A prompt in two languages counts once."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self._languages: set[str] = set()

    def path(self, prompt: str, language: str) -> str:
        """The prompt's name is its path."""
        name = prompt.partition(".")[2]
        if not self.prompts or self.prompts[-1] != name or language in self._languages:
            self.prompts.append(name)
            self._languages.clear()
        self._languages.add(language)
        return f"{name}/{language}"
