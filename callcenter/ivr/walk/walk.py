"""The state of one visit: where the caller is, what is known, what was pressed, which steps were made."""

import datetime as dt
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import structlog

from callcenter.calls.call import Call
from callcenter.calls.ports import CallerLine
from callcenter.errors import ActionFailed
from callcenter.history.ports import StepRow
from callcenter.ids import CustomerId, QueueName
from callcenter.ivr.flow import expression, template
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.parts import Node
from callcenter.ivr.flow.texts import LANGUAGES, Language, Texts
from callcenter.ivr.ports import FlowSet, Row
from callcenter.ivr.walk import facts, standard
from callcenter.ivr.walk.services import Services
from callcenter.reception.visit import Value, VisitEnd

log = structlog.get_logger(__name__)

ALL_KEYS = "0123456789*#"
MAX_DEPTH = 8
"""Flows that call one another, the first one included."""
MAX_TEXT = 200
"""Characters of a text that came from elsewhere."""
HIDDEN = "*"
"""Stands for a key that nobody may see."""

Missed: TypeAlias = Literal["no_input", "wrong_input"]
Next: TypeAlias = "str | VisitEnd | None"
"""Where a node leads: a node's name, the end of the visit, or the default (None)."""
Handler: TypeAlias = Callable[["Walk", Any], Awaitable[Next]]
"""Does what a node of one class says. Raises as the line and the ports do."""


@dataclass(slots=True)
class Frame:
    """A flow that is being walked, and the node the caller is at."""

    flow: Flow
    version: int
    node: str = ""


@dataclass(slots=True)
class Here:
    """The step that is being made. ``keys`` is as agents may see it."""

    flow: str
    version: int
    node: str
    entered: float
    entered_at: dt.datetime
    way: str = ""
    keys: str = ""
    no_input: int = 0
    wrong_input: int = 0
    missed: Missed = "no_input"
    """What was wrong with the last try."""

    def row(self, now: float) -> StepRow:
        """For the record. No key that could be personal is in it."""
        return StepRow(
            self.flow,
            self.version,
            self.node,
            self.entered_at,
            now - self.entered,
            self.way or "next",
            self.no_input,
            self.wrong_input,
        )


@dataclass(slots=True)
class Walk:
    """One visit. Secrets are apart from the variables: no log, no step, no prompt and no ordinary expression sees
    them."""

    line: CallerLine
    call: Call
    services: Services
    flows: FlowSet
    language: Language = "en"
    variables: dict[str, Value] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    customer_id: CustomerId | None = None
    """Who the caller was found to be by an ``identify`` node; nobody else's cases are told."""
    ahead: str = ""
    """A key that cut an announcement short: it answers the next question."""
    frames: list[Frame] = field(default_factory=list)
    steps: list[StepRow] = field(default_factory=list)
    here: Here | None = None
    left: Here | None = None
    """The step before."""
    made: int = 0
    """Steps so far."""
    failures: int = 0
    """How often a node could not be done."""
    broken: int = 0
    """How often Asterisk did not do as asked."""

    # -------------------------------------------------------- where the caller is

    @property
    def frame(self) -> Frame:
        """The flow that is being walked now."""
        return self.frames[-1]

    @property
    def flow(self) -> Flow:
        """Its text."""
        return self.frames[-1].flow

    @property
    def node(self) -> Node | None:
        """The node that the caller is at; None when this flow was just entered."""
        return self.flow.nodes.get(self.frame.node)

    def enter_flow(self, name: str) -> str | None:
        """Go into a flow; gives its first node, or None when there is no such flow, it is too deep, or it is being
        walked already (it would call itself for ever)."""
        flow = self.flows.flows.get(name)
        if flow is None or len(self.frames) >= MAX_DEPTH or any(f.flow.flow == name for f in self.frames):
            log.warning("subflow can't be entered", flow=name, depth=len(self.frames), known=flow is not None)
            return None
        self.frames.append(Frame(flow, self.flows.versions.get(name, 0)))
        for variable, value in flow.variables.items():
            self.variables.setdefault(variable, value)
        return flow.start

    def arrive(self, node: str) -> Here:
        """The caller is at this node now: a step begins."""
        frame, clock = self.frame, self.services.clock
        frame.node = node
        self.made += 1
        self.here = Here(frame.flow.flow, frame.version, node, clock.now(), clock.wall())
        self.services.counting.at(self.call.id, frame.flow.flow, node)
        return self.here

    def leave(self) -> None:
        """The step is over, however; what was pressed is noted for agents."""
        here, self.here = self.here, None
        if here is None:
            return
        self.left = here
        self.steps.append(here.row(self.services.clock.now()))
        if here.keys:
            self.call.keys.append((here.node, here.keys))

    def come_back(self, outcome: str) -> None:
        """The caller returns to the node that the visit was left at: the time in between was spent there."""
        if self.left is not None:
            self.left.way = outcome
            self.steps[-1] = self.left.row(self.services.clock.now())

    def way(self, name: str) -> None:
        """How this step is left, for the record; the first word counts."""
        if self.here is not None and not self.here.way:
            self.here.way = name

    def speak(self, language: Language) -> None:
        """From now on this language."""
        self.language = language
        self.call.language = language

    # -------------------------------------------------------- what is known

    def values(self) -> dict[str, Value]:
        """All that expressions and prompts may use; no secrets."""
        return {**self._built_in(), **self.variables}

    def _built_in(self) -> dict[str, Value]:
        queue, services = self.default_queue(), self.services
        return facts.built_in(
            self.call,
            services.identification.of(self.call.id),
            self.language,
            services.clock.wall().astimezone(self._zone()),
            services.lines.waiting_in(queue) if queue is not None else 0,
        )

    def _zone(self) -> dt.tzinfo:
        """That of the flow's opening hours; the services' own where it has none."""
        return (facts.zone_of(self.flow) if self.frames else None) or self.services.zone

    def value(self, text: str) -> Value:
        """An expression's value. Raises ``ExpressionFailed``."""
        return expression.parse(text).value(self.values())

    def holds(self, text: str) -> bool:
        """Is it so? Raises ``ExpressionFailed``."""
        return expression.parse(text).holds(self.values())

    def keep(self, name: str, value: Value) -> None:
        """Set a variable; it is no secret from now on."""
        self.secrets.pop(name, None)
        self.variables[name] = value[:MAX_TEXT] if isinstance(value, str) else value

    def keep_secret(self, name: str, value: str) -> None:
        """Set a variable that only ``identify`` and ``lookup`` may read."""
        self.variables.pop(name, None)
        self.secrets[name] = value

    def default_queue(self) -> QueueName | None:
        """Of the flow being walked, or of the nearest that called it."""
        return next((f.flow.default_queue for f in reversed(self.frames) if f.flow.default_queue), None)

    # -------------------------------------------------------- what is heard and pressed

    async def sound(self, prompt: str, values: Row, language: Language | None = None) -> str:
        """The path of a prompt of the flow, or of a standard one. Never raises."""
        language = language or self.language
        name, texts = self._words(prompt)
        text = texts.within(language)
        known = {} if template.parse(text).fixed else {**self.values(), **values}
        return await self.services.prompts.sound(name, text, language, known)

    async def say(self, prompt: str, values: Row | None = None, *, interrupt: bool = True) -> None:
        """Speak. A key cuts it short and is kept for the next question; with such a key at hand, nothing that may be
        cut is spoken at all."""
        if interrupt and self.ahead:
            return
        path = await self.sound(prompt, values or {})
        key = await self.line.play(path, interrupt_keys=ALL_KEYS if interrupt else "")
        self.ahead = key or self.ahead

    async def say_if_possible(self, prompt: str | None) -> None:
        """Speak to the end what is good to hear and not needed: when it can't be played, the caller goes on."""
        if prompt is None:
            return
        try:
            await self.say(prompt, interrupt=False)
        except ActionFailed as error:
            log.warning("prompt not played", flow=self.flow.flow, node=self.frame.node, reason=error.message)

    async def ask_key(
        self, words: Iterable[tuple[str, Language]], seconds: float, *, secret: bool = False
    ) -> str:
        """One key: one pressed already, one that cuts the words short, or one in time after them."""
        key, self.ahead = self.ahead, ""
        key = key or await self._speak(words) or await self.line.read_key(seconds)
        self._show(key, secret)
        return key

    async def more_keys(self, seconds: float, *, secret: bool = False) -> str:
        """The next key of the same answer."""
        key = await self.line.read_key(seconds)
        self._show(key, secret)
        return key

    async def _speak(self, words: Iterable[tuple[str, Language]]) -> str:
        for prompt, language in words:
            path = await self.sound(prompt, {}, language)
            key = await self.line.play(path, interrupt_keys=ALL_KEYS)
            if key:
                return key
        return ""

    def _show(self, key: str, secret: bool) -> None:
        if self.here is not None:
            self.here.keys += HIDDEN if key and secret else key

    def _words(self, prompt: str) -> tuple[str, Texts]:
        own = self.flow.prompts.get(prompt) if self.frames else None
        if own is not None:
            return f"{self.flow.flow}.{prompt}", own
        if prompt not in standard.STANDARD:
            log.error("flow speaks a prompt that it does not have", prompt=prompt)
            prompt = "please_hold"
        return f"{standard.FLOW}.{prompt}", standard.STANDARD[prompt]

    def languages(self) -> list[Language]:
        """All languages, the flow's own first."""
        return sorted(LANGUAGES, key=lambda language: language != self.flow.language)
