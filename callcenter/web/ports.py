"""What the web needs of the rest of the program; ``app.py`` joins them."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from callcenter.accounts.user import SessionRow, UserRow, Users
from callcenter.callbacks.callback import Callback
from callcenter.callbacks.ports import KeptCallbacks
from callcenter.calls.skills import Levels
from callcenter.customers.customer import CustomerRecord
from callcenter.history.decisions import Decisions
from callcenter.history.story import CallStories, CallStory, OfferLine, SegmentLine, WrapUpLine
from callcenter.ids import AgentId, CallId, CustomerId, FollowUpId, QueueName, UserId
from callcenter.routing.publishing import RulesVersion
from callcenter.routing.rules import RoutingRules
from callcenter.supervision.flows import Flows
from callcenter.voicemails.ports import Voicemails

__all__ = [
    "Audit",
    "Board",
    "CallStories",
    "CallStory",
    "Callback",
    "CallbackCanceller",
    "Customers",
    "Decisions",
    "Desk",
    "Flows",
    "KeptCallbacks",
    "OfferLine",
    "Recordings",
    "Routing",
    "RulesVersion",
    "SegmentLine",
    "SessionRow",
    "UserRow",
    "Users",
    "Voicemails",
    "WrapUpLine",
]


class Desk(Protocol):
    """What an agent may order. Every method may raise ``CallcenterError``: the code and the message go back to
    who asked."""

    async def log_in(
        self,
        agent_id: AgentId,
        name: str,
        extension: str,
        queues: frozenset[QueueName],
        *,
        skills: Levels | None = None,
    ) -> None:
        """Take a phone and join the queues; ``Conflict`` when the phone is held by another."""

    async def log_out(self, agent_id: AgentId) -> None:
        """Leave; the phone is free again."""

    def logged_in(self, agent_id: AgentId) -> bool:
        """Has this agent a phone now?"""

    def screen_opened(self, agent_id: AgentId) -> None:
        """One more page of this agent is connected."""

    def screen_closed(self, agent_id: AgentId) -> None:
        """One page less."""

    def ready(self, agent_id: AgentId) -> None:
        """The agent wants calls."""

    def not_ready(self, agent_id: AgentId, reason: str) -> None:
        """The agent wants no calls now."""

    async def answer(self, agent_id: AgentId) -> None:
        """Let the agent's phone answer, where it can be told to."""

    async def hang_up(self, agent_id: AgentId) -> None:
        """End the agent's leg of the call."""

    async def dial(
        self,
        agent_id: AgentId,
        *,
        number: str | None = None,
        customer_id: CustomerId | None = None,
        follow_up_id: FollowUpId | None = None,
    ) -> CallId:
        """Ring the agent's phone, then dial."""

    async def transfer(self, agent_id: AgentId, call_id: CallId, *, agent: str = "", queue: str = "") -> None:
        """Put the caller of the agent's call through to a colleague's extension or to a queue."""

    def targets(self, agent_id: AgentId) -> dict[str, Any]:
        """Where to: ``agents`` (extension, name, state) and ``queues`` (name, number, ready), as plain data."""

    def finish_wrap_up(self, agent_id: AgentId, disposition: str, note: str) -> None:
        """End the wrap-up with an outcome."""

    async def log_complaint(
        self,
        agent_id: AgentId,
        *,
        category: str,
        severity: str,
        subject: str,
        text: str,
        customer_id: CustomerId | None,
        call_id: CallId | None = None,
    ) -> str:
        """Keep a complaint; gives its number."""

    async def plan_follow_up(
        self,
        agent_id: AgentId,
        *,
        customer_id: CustomerId,
        reason: str,
        note: str,
        due_at: dt.datetime,
        call_id: CallId | None = None,
    ) -> FollowUpId:
        """Keep a plan to call a customer."""

    def snapshot(self, agent_id: AgentId) -> dict[str, Any]:
        """``agent``, ``call``, ``pop``, ``wrap_up``, ``telephony``, as plain data."""


class Board(Protocol):
    """What supervisors watch."""

    def snapshot(self) -> dict[str, Any]:
        """Queues, agents, calls, telephony and gaps, as plain data."""

    def version(self) -> int:
        """Grows whenever the snapshot would differ by more than its clocks."""


class Customers(Protocol):
    """The record behind the customer page."""

    async def record(self, customer_id: CustomerId) -> CustomerRecord | None:
        """The record, or None."""


class Recordings(Protocol):
    """Where recordings are. The web checks again that the path is inside the root."""

    async def open(self, recording_id: str, user: UserRow) -> Path:
        """The file of this recording; ``NotFound`` when there is none or it is not for this user: agents hear
        their own calls, supervisors all."""


class CallbackCanceller(Protocol):
    """Takes callbacks out of the line; ``callbacks.ports.CallbackDesk`` can."""

    def cancel(self, callback_id: str, by: UserId) -> bool:
        """False when it is not waiting any more."""


class Routing(Protocol):
    """The rules of routing that are in service; ``routing.publishing.PublishedRules`` has them."""

    @property
    def rules(self) -> RoutingRules:
        """The rules."""

    @property
    def version(self) -> RulesVersion:
        """Which version they are."""

    async def versions(self, limit: int) -> Sequence[RulesVersion]:
        """The latest ones, newest first."""

    async def roll_back(self, version: int, by: UserId) -> RulesVersion:
        """Put an old version into service again, as a new one. ``NotFound``, ``Conflict``, ``BadInput``."""


class Audit(Protocol):
    """Notes who looked at what."""

    def __call__(self, action: str, user_id: UserId, **facts: str) -> None:
        """Keep it; never waits, never fails."""
