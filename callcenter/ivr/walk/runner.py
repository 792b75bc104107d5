"""One caller's walk through a flow. It always ends: in a queue, or with a hang-up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from callcenter.calls.ports import CallerLine
from callcenter.clock import Clock
from callcenter.errors import ActionFailed
from callcenter.ids import QueueName
from callcenter.ivr.flow.flow import (
    LANGUAGES,
    Flow,
    GotoNode,
    HangupNode,
    Language,
    LanguageNode,
    MenuNode,
    Node,
    QueueNode,
    SayNode,
)

log = structlog.get_logger(__name__)

ALL_KEYS = "0123456789*#"
MAX_STEPS = 200
"""Nodes in one walk. Nobody needs more; a caller who keeps going round is put to a person."""


class PromptPaths(Protocol):
    """Where the sound of a prompt is."""

    def path(self, prompt: str, language: str) -> str:
        """The extension-less path of a prompt (``flow.name``); always one that can be played."""


@dataclass(frozen=True, slots=True)
class Step:
    """A node that the caller passed: the keys pressed there (personal data) and the seconds spent."""

    node: str
    keys: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ToQueue:
    """The caller is to wait in a queue and speaks this language."""

    queue: QueueName
    language: Language
    path: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class HungUp:
    """The flow ends the call; whoever runs it hangs up."""

    reason: str
    language: Language
    path: tuple[Step, ...]


IvrEnd = ToQueue | HungUp


async def run(
    flow: Flow,
    line: CallerLine,
    *,
    facts: Mapping[str, str],
    prompts: PromptPaths,
    clock: Clock,
    path: list[Step] | None = None,
) -> IvrEnd:
    """Walk one caller, already answered, through a flow.

    ``facts`` is what is known of the caller, for nodes that branch. ``path`` may be given to see the steps also
    when the caller hangs up on the way; a step is in it when its node is done or left. If Asterisk stops
    answering, the walk ends in the default queue.

    Raises:
        CallerGone: the caller hung up.
    """
    walk = _Walk(flow, line, prompts, clock, [] if path is None else path)
    return await walk.to_the_end()


class _Walk:
    def __init__(
        self, flow: Flow, line: CallerLine, prompts: PromptPaths, clock: Clock, path: list[Step]
    ) -> None:
        self._flow = flow
        self._line = line
        self._prompts = prompts
        self._clock = clock
        self._path = path
        self._language: Language = flow.language
        self._ahead = ""  # a key that cut an announcement short: it answers the next question
        self._keys = ""

    async def to_the_end(self) -> IvrEnd:
        name: str | None = self._flow.start
        try:
            for _ in range(MAX_STEPS):
                if name is None:
                    return self._to_queue(self._flow.default_queue)
                node = self._flow.nodes[name]
                end = await self._step(name, node)
                if isinstance(node, QueueNode):
                    return self._to_queue(node.queue)
                if isinstance(node, HangupNode):
                    return HungUp(node.reason, self._language, tuple(self._path))
                name = end
            log.warning("ivr walk too long", flow=self._flow.flow, node=name, steps=MAX_STEPS)
        except ActionFailed as error:
            log.warning("ivr walk cut short", flow=self._flow.flow, problem=error.message)
        return self._to_queue(self._flow.default_queue)

    def _to_queue(self, queue: QueueName) -> ToQueue:
        return ToQueue(queue, self._language, tuple(self._path))

    async def _step(self, name: str, node: Node) -> str | None:
        """Pass one node; gives the next one's name, or None for the default queue."""
        start = self._clock.now()
        self._keys = ""
        try:
            return await self._pass(node)
        finally:
            self._path.append(Step(name, self._keys, self._clock.now() - start))

    async def _pass(self, node: Node) -> str | None:
        match node:
            case SayNode():
                self._ahead = self._ahead or await self._speak([(node.prompt, self._language)], ALL_KEYS)
                return node.next
            case GotoNode():
                return node.next
            case LanguageNode():
                return await self._choose_language(node)
            case MenuNode():
                return await self._menu(node)
            case QueueNode() | HangupNode():
                if node.prompt is not None:
                    await self._speak([(node.prompt, self._language)], "")
                return None

    async def _choose_language(self, node: LanguageNode) -> str | None:
        spoken = [(node.prompt, language) for language in self._languages()]
        for _ in range(node.tries):
            key = await self._ask(spoken, node.seconds)
            if key in node.keys:
                self._language = node.keys[key]
                break
        return node.next

    async def _menu(self, node: MenuNode) -> str | None:
        before: str | None = None
        for _ in range(node.tries):
            names = [node.prompt] if before is None else [before, node.prompt]
            key = await self._ask([(name, self._language) for name in names], node.seconds)
            if key in node.keys:
                return node.keys[key]
            before = node.wrong_input if key else node.no_input
        return node.otherwise

    async def _ask(self, spoken: Iterable[tuple[str, Language]], seconds: float) -> str:
        """One key: one pressed already, one that cuts the question short, or one in time after it."""
        key, self._ahead = self._ahead, ""
        key = key or await self._speak(spoken, ALL_KEYS) or await self._line.read_key(seconds)
        self._keys += key
        return key

    async def _speak(self, spoken: Iterable[tuple[str, Language]], interrupt_keys: str) -> str:
        for name, language in spoken:
            path = self._prompts.path(f"{self._flow.flow}.{name}", language)
            key = await self._line.play(path, interrupt_keys=interrupt_keys)
            if key:
                return key
        return ""

    def _languages(self) -> list[Language]:
        """The flow's own language first."""
        return sorted(LANGUAGES, key=lambda language: language != self._flow.language)
