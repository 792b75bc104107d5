"""THE TABLE: what happens, and who is told, in the order of a call's life. Nothing else subscribes."""

from dataclasses import dataclass

from callcenter.agents.events import AgentChanged, AgentLoggedOut, WrapUpEnded, WrapUpStarted
from callcenter.agents.roster import Roster
from callcenter.bus import Bus
from callcenter.calls.events import (
    CallChanged,
    CallEnded,
    CallerLeft,
    CallOffered,
    DirectCallRinging,
    OfferEnded,
    OutboundFailed,
    PartyAnswered,
    PartyGone,
    PartyHeld,
    PartyResumed,
    PartyTransferred,
    PhoneStateChanged,
    TelephonyLost,
    TelephonyUp,
)
from callcenter.customers.identification import Identification
from callcenter.desk.feed import Feed
from callcenter.history.keeper import Keeper
from callcenter.ivr.counting import Counter
from callcenter.reception.callbacks import Callbacks
from callcenter.reception.direct import Direct
from callcenter.reception.mirror import Mirror
from callcenter.reception.recovery import Recovery
from callcenter.reception.talks import Talks
from callcenter.routing.distributor import Distributor
from callcenter.routing.handle_times import HandleTimes
from callcenter.supervision.board import Board
from callcenter.wrap_up.notes import WrapUps


@dataclass(frozen=True, slots=True)
class Handlers:
    """Everybody who listens."""

    recovery: Recovery
    roster: Roster
    distributor: Distributor
    handle_times: HandleTimes
    counter: Counter
    callbacks: Callbacks
    direct: Direct
    talks: Talks
    mirror: Mirror
    identification: Identification
    wrap_ups: WrapUps
    feed: Feed
    keeper: Keeper
    board: Board


def subscribe(bus: Bus, h: Handlers) -> None:
    """Join events and handlers. Within a line, left is told first."""
    # Asterisk is there, or not
    bus.subscribe(TelephonyLost, h.recovery.lost, h.feed.telephony_lost, h.board.changed)
    bus.subscribe(TelephonyUp, h.feed.telephony_back, h.recovery.up, h.board.telephony_back)
    bus.subscribe(PhoneStateChanged, lambda event: h.roster.phone_changed(event.extension, event.state))
    # a call arrives, moves on, is offered
    bus.subscribe(
        CallChanged,
        h.keeper.call_changed,
        h.counter.call_changed,
        h.callbacks.call_changed,
        h.feed.call_changed,
        h.board.changed,
    )
    bus.subscribe(CallOffered, h.keeper.call_offered)
    bus.subscribe(DirectCallRinging, h.direct.ringing)
    # a phone is answered, held, put down
    bus.subscribe(PartyAnswered, h.talks.answered)
    bus.subscribe(PartyHeld, h.talks.held)
    bus.subscribe(PartyResumed, h.talks.resumed)
    bus.subscribe(PartyTransferred, h.talks.transferred, h.direct.transferred)
    bus.subscribe(PartyGone, h.talks.party_gone)
    bus.subscribe(CallerLeft, h.talks.caller_left)
    bus.subscribe(OutboundFailed, h.talks.outbound_failed)
    bus.subscribe(OfferEnded, h.keeper.offer_ended, h.callbacks.offer_ended, h.feed.offer_ended)
    # agents change, which may let somebody be served
    bus.subscribe(
        AgentChanged,
        h.keeper.agent_changed,
        h.feed.agent_changed,
        h.mirror.agent_changed,
        h.board.changed,
        h.distributor.agent_changed,
    )
    bus.subscribe(
        AgentLoggedOut,
        h.keeper.agent_logged_out,
        h.feed.agent_logged_out,
        h.mirror.agent_logged_out,
        h.board.changed,
        h.distributor.agent_gone,
    )
    # the call is over, the work on it goes on
    bus.subscribe(
        CallEnded,
        h.keeper.call_ended,
        h.handle_times.call_ended,
        h.callbacks.call_ended,
        h.feed.call_ended,
        h.board.changed,
        lambda event: h.identification.forget(event.call.id),
    )
    bus.subscribe(WrapUpStarted, h.wrap_ups.started, h.handle_times.wrap_up_started, h.feed.wrap_up_started)
    bus.subscribe(WrapUpEnded, h.wrap_ups.ended, h.handle_times.wrap_up_ended, h.feed.wrap_up_ended)
