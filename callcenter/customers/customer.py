"""A customer as the people who serve one need to see them."""

import datetime as dt
import enum
from dataclasses import dataclass, field

from callcenter.ids import AgentId, ComplaintId, CustomerId, FollowUpId


class Tier(enum.StrEnum):
    """What a customer is worth to the company, best first: VIP客户, 主要客户, 普通客户, 小客户."""

    VIP = "vip"
    KEY = "key"
    REGULAR = "regular"
    SMALL = "small"


@dataclass(frozen=True, slots=True)
class CustomerCard:
    """The short form, for lists and choosers."""

    id: CustomerId
    name: str
    company: str
    tier: Tier


@dataclass(frozen=True, slots=True)
class ContactLine:
    """One earlier contact on the record; ``at`` is UTC."""

    at: dt.datetime
    kind: str
    """``inbound``, ``outbound`` or ``direct``."""
    queue: str
    agent: str
    outcome: str
    note: str
    call_id: str


@dataclass(frozen=True, slots=True)
class ComplaintLine:
    """An open complaint as the pop shows it."""

    id: ComplaintId
    number: str
    subject: str
    state: str
    opened_at: dt.datetime
    due_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class FollowUpLine:
    """A follow-up call that is due or planned."""

    id: FollowUpId
    reason: str
    due_at: dt.datetime
    note: str


@dataclass(frozen=True, slots=True)
class PromiseLine:
    """Something that was promised and not yet confirmed as kept."""

    what: str
    due_at: dt.datetime
    by: str


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """The record with its history, as fetched once while the caller is in the IVR."""

    id: CustomerId
    name: str
    company: str
    tier: Tier
    language: str
    owner_id: AgentId | None
    owner: str
    numbers: tuple[str, ...]
    notes: str
    orders_count: int
    orders_total: str
    """A decimal amount with its currency, such as ``12,340.50 CNY``."""
    complaints: tuple[ComplaintLine, ...] = ()
    contacts: tuple[ContactLine, ...] = ()
    follow_ups: tuple[FollowUpLine, ...] = ()
    promises: tuple[PromiseLine, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)
    last_agent_id: AgentId | None = None
    """Who talked last with the customer on our line, in or out, however long ago."""
    last_contact_at: dt.datetime | None = None
    """When that call began; UTC."""

    def card(self) -> CustomerCard:
        """Its short form."""
        return CustomerCard(self.id, self.name, self.company, self.tier)


def owes_late(record: CustomerRecord, now: dt.datetime) -> bool:
    """Did we promise this customer something that was due before ``now`` (aware) and isn't done?"""
    return any(promise.due_at < now for promise in record.promises)
