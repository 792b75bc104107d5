"""What happens to calls, in the past tense. Times are monotonic seconds of our own clock.

The first group is what telephony saw on Asterisk; the second is what the core decided. Audience in brackets:
who may be shown the event.
"""

import enum
from dataclasses import dataclass
from typing import Protocol

from callcenter.calls.call import Call, Stage
from callcenter.ids import AgentId, CallId, Extension, OfferId


class PhoneState(enum.StrEnum):
    """What Asterisk says of an agent's phone."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    RINGING = "ringing"
    BUSY = "busy"
    UNREACHABLE = "unreachable"


# ------------------------------------------------------------ seen on Asterisk [core only]


@dataclass(frozen=True, slots=True)
class PartyRinging:
    """A phone of ours rings for a call that carries our id."""

    call_id: CallId
    extension: Extension
    at: float


@dataclass(frozen=True, slots=True)
class PartyAnswered:
    """That phone was answered."""

    call_id: CallId
    extension: Extension
    at: float


@dataclass(frozen=True, slots=True)
class PartyHeld:
    """One side put the other on hold."""

    call_id: CallId
    at: float


@dataclass(frozen=True, slots=True)
class PartyResumed:
    """Off hold."""

    call_id: CallId
    at: float


@dataclass(frozen=True, slots=True)
class PartyGone:
    """The agent's leg of a call has ended."""

    call_id: CallId
    extension: Extension
    at: float


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """The caller's own channel has ended (or, for an outbound call, the agent's, which carries it)."""

    call_id: CallId
    at: float


@dataclass(frozen=True, slots=True)
class PartyTransferred:
    """An attended transfer: the agent at ``by`` has asked somebody and joined them with the caller, and is out.
    ``to``: their extension, empty for a phone that is none of ours; ``asked``: the direct call that the asking was."""

    call_id: CallId
    by: Extension
    to: Extension
    asked: CallId | None
    at: float


@dataclass(frozen=True, slots=True)
class DirectCallRinging:
    """An agent's phone rings for a call that is not ours: dialled directly, transferred, or put through by
    somebody else's queue. ``number`` and ``name`` are raw, unchecked."""

    call_id: CallId
    channel_id: str
    extension: Extension
    number: str
    name: str
    at: float


@dataclass(frozen=True, slots=True)
class OutboundFailed:
    """Click-to-call did not get as far as the dialogue: the agent's own phone was not answered."""

    call_id: CallId
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class PhoneStateChanged:
    """A phone became free, busy, or went away."""

    extension: Extension
    state: PhoneState
    at: float


@dataclass(frozen=True, slots=True)
class TelephonyUp:
    """The link to Asterisk is up and the snapshot has been taken. ``restarted``: Asterisk itself is new, so
    no earlier channel lives. ``live_calls``: our ids on living channels. ``gap_seconds``: how long we saw
    nothing, 0 at the first start."""

    at: float
    restarted: bool
    live_calls: frozenset[CallId]
    gap_seconds: float


@dataclass(frozen=True, slots=True)
class TelephonyLost:
    """The link to Asterisk is down: what phones do is unknown until ``TelephonyUp``."""

    at: float
    reason: str


# ------------------------------------------------------------ decided by the core [agent, supervisor]


@dataclass(frozen=True, slots=True)
class CallChanged:
    """A call entered another stage, or what is known about it changed (``old`` equals the stage then)."""

    call: Call
    old: Stage
    at: float


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A call is over."""

    call: Call
    at: float


class OfferResult(enum.StrEnum):
    """How an offer ended."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    FAILED = "failed"
    CALLER_GONE = "caller_gone"
    LEASE_LOST = "lease_lost"


class Packable(Protocol):
    """A decision of the routing, which this stage knows nothing of, as it goes on record."""

    def packed(self) -> str:
        """Compact JSON."""


@dataclass(frozen=True, slots=True)
class CallOffered:
    """One agent is reserved for a waiting call; the phone does not ring yet. ``why``: in words; ``decision``: all that
    it was decided from, None when nobody chose."""

    offer_id: OfferId
    call: Call
    agent_id: AgentId
    extension: Extension
    at: float
    why: str = ""
    decision: Packable | None = None


@dataclass(frozen=True, slots=True)
class OfferEnded:
    """The reservation is over, whatever came of it."""

    offer_id: OfferId
    call: Call
    agent_id: AgentId
    result: OfferResult
    at: float
