"""A flow walked by somebody who types the keys: in a terminal, or on the page where flows are edited."""

import datetime as dt
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from callcenter.errors import BadInput
from callcenter.ivr.ports import FlowSet
from callcenter.ivr.walk.virtual_line import HANG_UP, KEYS, SILENCE, Heard, Presses
from callcenter.ivr.walk.virtual_visit import USUAL_NUMBER, Circumstances, Performance, perform
from callcenter.ivr.walk.virtual_world import Customer, Passed
from callcenter.reception.visit import ToQueue, ToTransfer

HUNG_UP = "the caller hung up"
Told = Callable[[str, str], None]
"""(node, text) of what is heard, while it is spoken."""


@dataclass(frozen=True, slots=True)
class TriedStep:
    """A node that was passed: what was heard there, as spoken, what was pressed (secrets hidden), and when it began,
    in seconds since the answer. A node of another flow is ``flow.node``."""

    node: str
    heard: tuple[str, ...]
    pressed: str
    at: float


@dataclass(frozen=True, slots=True)
class Tried:
    """The whole way, and in words where the caller ended."""

    steps: tuple[TriedStep, ...]
    end: str


class Try:
    """``flows``: those that callers would meet; ``facts``: ``circumstances`` says which there are."""

    def __init__(self, flows: FlowSet, facts: Mapping[str, str] | None = None) -> None:
        self._flows = flows
        self._given = circumstances(facts or {})

    async def walk(self, presses: Presses, told: Told | None = None) -> Tried:
        """With whoever answers ``presses``: asked at each question for keys, ``silence`` or ``hang up``."""

        def tell(passed: Passed, heard: Heard) -> None:
            if told is not None:
                told(self._name(passed), heard.sound.text)

        done = await perform(self._flows, presses, self._given, told=tell)
        steps = tuple(
            TriedStep(
                self._name(one), tuple(heard.sound.text for heard in one.heard), one.pressed, round(one.at, 1)
            )
            for one in done.passed
        )
        return Tried(steps, _end(done))

    async def walk_with(self, keys: Iterable[str], told: Told | None = None) -> Tried:
        """With keys that are known beforehand: one entry for each question, afterwards silence. Raises ``BadInput``."""
        entries = deque(checked(key) for key in keys)

        async def press() -> str:
            return entries.popleft() if entries else SILENCE

        return await self.walk(press, told)

    def _name(self, passed: Passed) -> str:
        return passed.node if passed.flow == self._flows.start else f"{passed.flow}.{passed.node}"


def checked(entry: str) -> str:
    """What may be answered to a question; an empty one is silence. Raises ``BadInput``."""
    entry = entry.strip()
    if entry in {"", SILENCE}:
        return SILENCE
    if entry == HANG_UP or (len(entry) <= 64 and set(entry) <= KEYS):
        return entry
    raise BadInput(f"write keys (0 to 9, * and #), “{SILENCE}” or “{HANG_UP}”")


def circumstances(facts: Mapping[str, str]) -> Circumstances:
    """From words: ``caller`` (a number), ``did``, ``at`` (ISO, with its zone), ``waiting`` (a number),
    ``customer.tier``, ``customer.name`` and the other fields of a customer, ``answers.NODE`` (a word, or JSON such as
    ``{"number": "O-1", "state": "shipped"}``); all else are variables.
    Raises ``BadInput``."""
    customer: dict[str, Any] = {}
    answers: dict[str, Any] = {}
    variables: dict[str, str] = {}
    for name, text in facts.items():
        group, _, field = name.partition(".")
        if group == "customer" and field:
            customer[field] = int(text) if text.isdecimal() and field in _WHOLE else text
        elif group == "answers" and field:
            answers[field] = _answer(text)
        elif name not in {"caller", "did", "at", "waiting"}:
            variables[name] = text
    try:
        return Circumstances(
            caller=facts.get("caller", USUAL_NUMBER),
            did=facts.get("did", ""),
            at=_moment(facts["at"]) if facts.get("at") else None,
            customer=Customer.model_validate(customer) if customer else None,
            answers=answers,
            variables=variables,
            waiting=int(facts.get("waiting") or 0),
        )
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise BadInput(f"customer.{place}: {fault['msg']}") from None
    except ValueError as error:
        raise BadInput(str(error)) from None


def _answer(text: str) -> Any:
    """What a node is told: a row or a list as JSON, or a word."""
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput('answers: this is no JSON; write {"number": "O-1", "state": "shipped"}') from None


_WHOLE = frozenset({"id", "open_complaints", "open_promises", "orders"})


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("at: write its zone too, such as 2026-10-01T09:00:00+08:00")
    return moment


def _end(done: Performance) -> str:
    end = done.end
    if end is None:
        return HUNG_UP
    if isinstance(end, ToQueue):
        return f"waits in the queue {end.queue}, language {done.language}"
    if isinstance(end, ToTransfer):
        return f"is put through to the {end.kind} {end.target}"
    return f"the flow hangs up: {end.reason}"
