"""What a walk needs of the rest of the program. ``storage``, ``reception`` and ``telephony`` implement it.

Nothing here may hold up a caller: each call is made with a limit, and what fails has its way in the flow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from callcenter.calls.call import Call
from callcenter.complaints.status import Status
from callcenter.customers.lookup import Match
from callcenter.customers.pins import PinResult
from callcenter.errors import LookupFailed
from callcenter.history.ports import VisitRow
from callcenter.ids import CallId, CustomerId, QueueName
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.texts import Language
from callcenter.reception.visit import Value
from callcenter.surveys.answer import SurveyAnswer
from callcenter.voicemails.voicemail import Voicemail

__all__ = [
    "CallbackAsking",
    "CaseDesk",
    "Counting",
    "Dialling",
    "FlowSet",
    "Identities",
    "Knowing",
    "Lines",
    "LookupFailed",
    "Lookups",
    "PinResult",
    "Prompts",
    "Row",
    "Shelf",
    "Status",
    "VisitRecorder",
]

Row: TypeAlias = Mapping[str, Value]


class Lookups(Protocol):
    """Named queries and services, as the settings have them."""

    async def query(self, name: str, values: Row, seconds: float) -> Row | None:
        """The first row of a database query, None when there is none. Raises ``LookupFailed``."""

    async def service(self, name: str, values: Row, seconds: float) -> object | None:
        """The JSON answer of a web service; None for 404. Raises ``LookupFailed``."""


class Knowing(Protocol):
    """What the caller's number led to (``customers.identification.Identification``)."""

    async def wait(self, call: Call, limit: float) -> Match:
        """The match, at the latest after ``limit`` seconds as far as it is known then. Never raises."""

    def of(self, call_id: CallId) -> Match:
        """What is known now."""

    async def as_customer(self, call: Call, customer_id: CustomerId) -> Match:
        """It is this customer: fetch the record. Never raises; a few seconds at most."""


class Lines(Protocol):
    """Who waits."""

    def waiting_in(self, queue: QueueName) -> int:
        """How many wait in this queue now."""


class Identities(Protocol):
    """Who is who by customer number and PIN."""

    async def verify(self, customer_number: str, pin: str) -> PinResult:
        """Check; counts wrong ones per customer number (also of customers who don't exist, so that nobody learns
        which do) and locks. Raises ``DatabaseAway``."""


class CaseDesk(Protocol):
    """Orders and complaints, for callers who serve themselves."""

    async def status(self, of: str, customer_id: CustomerId, number: str | None) -> Status | None:
        """Of ``order`` or ``complaint``; only this customer's, by number or the latest. Raises ``DatabaseAway``."""

    async def complain(self, call: Call, category: str, severity: str, recording: str, seconds: float) -> str:
        """Keep a complaint that was spoken; gives its number (``C-000123``). Raises ``DatabaseAway``."""


class Dialling(Protocol):
    """Where callers may be put through to."""

    def extension(self, text: str) -> str | None:
        """The extension, if it is one that callers may reach."""

    def outside(self, text: str) -> str | None:
        """The number (E.164), if callers may be put through to it."""


class Prompts(Protocol):
    """The sound of what is said."""

    async def sound(self, name: str, text: str, language: Language, values: Row) -> str:
        """The extension-less path of a text, its variables filled in; ``name`` is ``flow.prompt``, for recordings that
        replace it. Never raises; what can't be had in 2 s is “please hold”, and an alarm."""


class VisitRecorder(Protocol):
    """What a visit leaves behind (a part of ``history.ports.Recorder``); never waits, never fails."""

    def visit(self, row: VisitRow) -> None:
        """A caller's way through a flow is over."""

    def voicemail(self, voicemail: Voicemail) -> None:
        """A message was left."""

    def survey_answer(self, answer: SurveyAnswer) -> None:
        """A customer answered."""


class Counting(Protocol):
    """Who is where now, for the page that shows it."""

    def at(self, call_id: CallId, flow: str, node: str) -> None:
        """The caller is at this node now."""

    def left(self, call_id: CallId) -> None:
        """The caller has left the flow."""


class CallbackAsking(Protocol):
    """See ``callbacks.ports.CallbackDesk.ask``."""

    def ask(self, call: Call, queue: QueueName, number: str, arrived: float) -> str:
        """``kept``, ``merged`` or ``refused``."""


@dataclass(frozen=True, slots=True)
class FlowSet:
    """What a visit is made on, whatever is published while it lasts: the flow it starts in, all flows by name, and the
    version number of each."""

    start: str
    flows: Mapping[str, Flow]
    versions: Mapping[str, int]


class Shelf(Protocol):
    """The flows that are published now."""

    def entrance(self, did: str) -> FlowSet:
        """For a caller who dialled this number."""
