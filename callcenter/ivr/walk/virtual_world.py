"""What stands behind a walk without a database, speech, or anybody at work: answers that are written down."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from callcenter.calls.call import Call
from callcenter.clock import ManualClock
from callcenter.complaints.status import Status
from callcenter.customers.customer import ComplaintLine, CustomerRecord, PromiseLine, Tier
from callcenter.customers.lookup import Match, MatchKind
from callcenter.customers.pins import PinResult
from callcenter.errors import LookupFailed
from callcenter.history.ports import VisitRow
from callcenter.ids import CallId, ComplaintId, CustomerId, QueueName
from callcenter.ivr.flow import template
from callcenter.ivr.flow.texts import Language, Part
from callcenter.ivr.ports import Row
from callcenter.ivr.walk.services import Services
from callcenter.ivr.walk.virtual_line import Heard, Sound, VirtualLine
from callcenter.surveys.answer import SurveyAnswer
from callcenter.voicemails.voicemail import Voicemail

FAILED = "failed"
"""As an answer: what was asked is out of order."""

_STATUS = frozenset(field.name for field in fields(Status))

Lengths = Callable[[str, Language, str], Awaitable[float]]
"""(``flow.prompt``, language, text as spoken) -> seconds."""


class Customer(Part):
    """Who calls. ``known_by: pin``: the number leads nowhere, the PIN does."""

    id: int = 1
    number: str = ""
    name: str = "Li Wei"
    company: str = ""
    tier: Literal["vip", "key", "regular", "small"] = "regular"
    language: Literal["en", "zh"] = "zh"
    open_complaints: Annotated[int, Field(ge=0, le=50)] = 0
    open_promises: Annotated[int, Field(ge=0, le=50)] = 0
    orders: int = 0
    known_by: Literal["number", "pin"] = "number"

    def match(self, now: dt.datetime) -> Match:
        """As the look-up gives it."""
        complaint = ComplaintLine(ComplaintId(1), "C-000001", "", "received", now, None)
        record = CustomerRecord(
            id=CustomerId(self.id),
            name=self.name,
            company=self.company,
            tier=Tier(self.tier),
            language=self.language,
            owner_id=None,
            owner="",
            numbers=(),
            notes="",
            orders_count=self.orders,
            orders_total="",
            complaints=(complaint,) * self.open_complaints,
            promises=(PromiseLine("", now, ""),) * self.open_promises,
            extra={"number": self.number},
        )
        return Match(MatchKind.KNOWN, record)


@dataclass(slots=True)
class Passed:
    """A node that the caller came to, ``at`` seconds after the answer, and what was heard there. ``pressed``: as agents
    would see it."""

    flow: str
    node: str
    at: float
    heard: list[Heard] = field(default_factory=list)
    pressed: str = ""


class VirtualWorld:
    """Implements all that ``Services`` holds. ``answers``: by the name of the node that asks, or of what is asked; a
    list is given one by one, and its last one again and again."""

    def __init__(
        self,
        line: VirtualLine,
        clock: ManualClock,
        call: Call,
        *,
        customer: Customer | None = None,
        answers: Mapping[str, Any] | None = None,
        waiting: int = 0,
        lengths: Lengths,
    ) -> None:
        self.passed: list[Passed] = []
        self.visits: list[VisitRow] = []
        self.voicemails: list[Voicemail] = []
        self.survey_answers: list[SurveyAnswer] = []
        self._line = line
        self._clock = clock
        self._call = call
        self._customer = customer
        self._found = customer is not None and customer.known_by == "number"
        self._answers = dict(answers or {})
        self._given: dict[str, int] = {}
        self._waiting = waiting
        self._lengths = lengths
        if self._found:
            self._know()

    def services(self) -> Services:
        """As a walk wants them."""
        return Services(
            clock=self._clock,
            recordings=Path("recordings"),
            prompts=self,
            identification=self,
            identities=self,
            lookups=self,
            cases=self,
            dialling=self,
            callbacks=self,
            lines=self,
            counting=self,
            recorder=self,
            zone=self._clock.wall().tzinfo or dt.UTC,
        )

    def close_step(self) -> None:
        """What was pressed at the last node is known when it has been left."""
        if self.passed and self._call.keys:
            self.passed[-1].pressed = "".join(keys for _, keys in self._call.keys)
            self._call.keys.clear()

    def note(self, heard: Heard) -> None:
        """Something was heard at this node."""
        if self.passed:
            self.passed[-1].heard.append(heard)

    # -------------------------------------------------------- prompts, counting, record

    async def sound(self, name: str, text: str, language: Language, values: Row) -> str:
        """An index in the line's sounds."""
        said = template.fill(text, language, values)
        self._line.sounds.append(Sound(name, language, said, await self._lengths(name, language, said)))
        return str(len(self._line.sounds) - 1)

    def at(self, call_id: CallId, flow: str, node: str) -> None:
        """The caller comes to a node."""
        del call_id
        self.close_step()
        self.passed.append(Passed(flow, node, self._line.now))

    def left(self, call_id: CallId) -> None:
        """The visit is over."""
        del call_id
        self.close_step()

    def visit(self, row: VisitRow) -> None:
        """Kept."""
        self.visits.append(row)

    def voicemail(self, voicemail: Voicemail) -> None:
        """Kept."""
        self.voicemails.append(voicemail)

    def survey_answer(self, answer: SurveyAnswer) -> None:
        """Kept."""
        self.survey_answers.append(answer)

    # -------------------------------------------------------- who is calling

    async def wait(self, call: Call, limit: float) -> Match:
        """Known at once."""
        del limit
        if self._answer("", None) == FAILED:
            return Match(MatchKind.UNAVAILABLE)
        return self.of(call.id)

    def of(self, call_id: CallId) -> Match:
        """The customer, once known."""
        del call_id
        if self._customer is None or not self._found:
            return Match(MatchKind.UNKNOWN)
        return self._customer.match(self._clock.wall())

    async def as_customer(self, call: Call, customer_id: CustomerId) -> Match:
        """From now on known."""
        del customer_id
        self._know()
        return self.of(call.id)

    async def verify(self, customer_number: str, pin: str) -> PinResult:
        """Right when there is a customer, unless answered otherwise."""
        del customer_number, pin
        match self._answer("pin", "known" if self._customer is not None else "wrong"):
            case "known":
                return PinResult("known", CustomerId(self._customer.id if self._customer else 1))
            case "locked":
                return PinResult("locked")
            case "failed":
                raise LookupFailed("rehearsed")
            case _:
                return PinResult("wrong")

    def _know(self) -> None:
        self._found = True
        if self._customer is not None:
            self._call.customer_id, self._call.tier = CustomerId(self._customer.id), self._customer.tier

    # -------------------------------------------------------- what is asked of others

    async def query(self, name: str, values: Row, seconds: float) -> Row | None:
        """The written row."""
        del values, seconds
        answer = self._kept(name)
        if answer is not None and not isinstance(answer, Mapping):
            raise LookupFailed("the written answer is no row")
        return answer

    async def service(self, name: str, values: Row, seconds: float) -> object | None:
        """The written answer."""
        del values, seconds
        answer: object | None = self._kept(name)
        return answer

    async def status(self, of: str, customer_id: CustomerId, number: str | None) -> Status | None:
        """The written one."""
        del customer_id
        answer = self._kept(of)
        if not isinstance(answer, Mapping):
            return None
        told = {"number": number or "", "state": "", "date": ""} | {k: str(v) for k, v in answer.items()}
        return Status(**{k: v for k, v in told.items() if k in _STATUS})

    async def complain(self, call: Call, category: str, severity: str, recording: str, seconds: float) -> str:
        """A number."""
        del call, category, severity, recording, seconds
        return str(self._kept("complain", "C-000123"))

    def extension(self, text: str) -> str | None:
        """Any, unless refused."""
        return None if self._answer("", None) == "refused" else text or None

    def outside(self, text: str) -> str | None:
        """Any, unless refused."""
        return self.extension(text)

    def ask(self, call: Call, queue: QueueName, number: str, arrived: float) -> str:
        """Kept where there is a number, unless answered otherwise."""
        del call, queue, arrived
        return str(self._answer("callback", "kept" if number else "refused"))

    def waiting_in(self, queue: QueueName) -> int:
        """As written."""
        del queue
        return self._waiting

    def _kept(self, name: str, usual: Any = None) -> Any:
        answer = self._answer(name, usual)
        if answer == FAILED:
            raise LookupFailed("rehearsed")
        return answer

    def _answer(self, name: str, usual: Any) -> Any:
        """The answer written for the node that asks, or for the thing asked."""
        node = self.passed[-1].node if self.passed else ""
        key = node if node in self._answers else name
        answer = self._answers.get(key, usual)
        if not isinstance(answer, list):
            return answer
        given = self._given.get(key, 0)
        self._given[key] = given + 1
        return answer[min(given, len(answer) - 1)] if answer else usual
