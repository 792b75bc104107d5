"""What the web needs of the rest of the program; ``app.py`` joins them."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from callcenter.customers.customer import CustomerRecord
from callcenter.ids import AgentId, CallId, CustomerId, FollowUpId, QueueName, UserId


class Desk(Protocol):
    """What an agent may order. Every method may raise ``CallcenterError``: the code and the message go back to
    who asked."""

    async def log_in(
        self, agent_id: AgentId, name: str, extension: str, queues: frozenset[QueueName]
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
    ) -> str:
        """Keep a complaint; gives its number."""

    async def plan_follow_up(
        self, agent_id: AgentId, *, customer_id: CustomerId, reason: str, note: str, due_at: dt.datetime
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


@dataclass(frozen=True, slots=True)
class UserRow:
    """Somebody who may log in. ``extension`` is the phone they usually take."""

    id: UserId
    username: str
    name: str
    role: str
    password_hash: str
    language: str = "en"
    extension: str = ""
    queues: frozenset[QueueName] = frozenset()
    active: bool = True


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One log-in. Only the SHA-256 of the cookie's token is kept; dates are aware UTC."""

    token_hash: str
    user_id: UserId
    created_at: dt.datetime
    seen_at: dt.datetime
    expires_at: dt.datetime
    extension: str = ""
    address: str = ""


class Users(Protocol):
    """Users and their sessions. Whoever changes a password or a role also drops the user's sessions."""

    async def user_by_name(self, username: str) -> UserRow | None:
        """By log-in name, letter case ignored."""

    async def user(self, user_id: UserId) -> UserRow | None:
        """By id."""

    async def set_language(self, user_id: UserId, language: str) -> None:
        """Remember ``en`` or ``zh``."""

    async def add_session(self, session: SessionRow) -> None:
        """Keep a log-in."""

    async def session(self, token_hash: str) -> SessionRow | None:
        """A log-in, also one that has expired."""

    async def touch_session(self, token_hash: str, seen_at: dt.datetime) -> None:
        """It was used."""

    async def drop_session(self, token_hash: str) -> None:
        """Forget it; unknown ones are no error."""

    async def drop_sessions_of(self, user_id: UserId) -> None:
        """Forget all log-ins of a user."""

    async def live_sessions(self, token_hashes: Collection[str]) -> Mapping[str, UserRow]:
        """Which of these log-ins still exist, and whose they are now: one query for all open pages."""


class Customers(Protocol):
    """The record behind the customer page."""

    async def record(self, customer_id: CustomerId) -> CustomerRecord | None:
        """The record, or None."""


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """One stretch of a call on its page; the seconds of all add up to the call's."""

    stage: str
    queue: str
    agent: str
    started_at: dt.datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One offer of the call to an agent."""

    agent: str
    offered_at: dt.datetime
    ended_at: dt.datetime | None
    result: str
    why: str


@dataclass(frozen=True, slots=True)
class WrapUpLine:
    """What an agent said of the call."""

    agent: str
    disposition: str
    note: str
    ended_at: dt.datetime
    timed_out: bool


@dataclass(frozen=True, slots=True)
class CallStory:
    """A call as its page tells it. ``agent_ids`` are all who were offered it or spoke in it."""

    call_id: CallId
    direction: str
    number: str
    did: str
    customer_id: CustomerId | None
    customer_name: str
    tier: str
    queue: str
    arrived_at: dt.datetime
    ended_at: dt.datetime | None
    end_reason: str
    marks: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    agent_ids: frozenset[int] = frozenset()
    segments: tuple[SegmentLine, ...] = ()
    offers: tuple[OfferLine, ...] = ()
    wrap_ups: tuple[WrapUpLine, ...] = ()
    recording_id: str | None = None


class CallStories(Protocol):
    """The kept record of single calls."""

    async def story(self, call_id: CallId) -> CallStory | None:
        """One call, or None."""


class Recordings(Protocol):
    """Where recordings are. The web checks again that the path is inside the root."""

    async def open(self, recording_id: str, user: UserRow) -> Path:
        """The file of this recording; ``NotFound`` when there is none or it is not for this user: agents hear
        their own calls, supervisors all."""


class Audit(Protocol):
    """Notes who looked at what."""

    def __call__(self, action: str, user_id: UserId, **facts: str) -> None:
        """Keep it; never waits, never fails."""
