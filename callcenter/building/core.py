"""Everything that knows what goes on, joined by the bus."""

from collections import deque
from dataclasses import dataclass, field

from callcenter import journey
from callcenter.agents.roster import Roster, RosterRules
from callcenter.app_settings import ami_target, callback_rules, phone_book, queue_settings
from callcenter.building.flows import FlowSide, dialling, front_door
from callcenter.building.ground import Ground, Kept
from callcenter.calls.live_calls import LiveCalls
from callcenter.customers.identification import Identification
from callcenter.desk.desk import Desk, DeskParts
from callcenter.desk.feed import Feed
from callcenter.history.keeper import Keeper
from callcenter.ids import CallId
from callcenter.ivr.front import FrontDoor
from callcenter.reception.attempts import Attempts
from callcenter.reception.callback_calls import CallbackParts
from callcenter.reception.callbacks import Callbacks
from callcenter.reception.direct import Direct
from callcenter.reception.inbound import Inbound
from callcenter.reception.mirror import Mirror
from callcenter.reception.outbound import Outbound
from callcenter.reception.parts import Parts
from callcenter.reception.recovery import Recovery
from callcenter.reception.talks import Talks
from callcenter.routing.distributor import Distributor, OfferTimes
from callcenter.routing.line import Line
from callcenter.routing.publishing import PublishedRules
from callcenter.routing.watch import Watch
from callcenter.screen_pop.current import CurrentPops
from callcenter.screen_pop.presenter import Presenter
from callcenter.settings import Settings
from callcenter.supervision.board import Board
from callcenter.telephony.link import Telephony
from callcenter.telephony.phone_control import HttpPhoneControl
from callcenter.telephony.switch import AsteriskSwitch
from callcenter.web.screens import ScreenHub
from callcenter.wrap_up.notes import WrapUps


@dataclass(frozen=True)
class Showing:
    """The agents' screens, what is on them, and what keeps them true."""

    hub: ScreenHub = field(default_factory=ScreenHub)
    pops: CurrentPops = field(default_factory=CurrentPops)


@dataclass(frozen=True)
class AsteriskSide:
    """What we know from Asterisk, and what we order there."""

    telephony: Telephony
    switch: AsteriskSwitch
    control: HttpPhoneControl


@dataclass(frozen=True)
class Core:
    """The whole, as ``app.py`` runs it."""

    parts: Parts
    front: FrontDoor
    telephony: Telephony
    control: HttpPhoneControl
    recovery: Recovery
    mirror: Mirror
    inbound: Inbound
    outbound: Outbound
    callbacks: Callbacks
    watch: Watch
    desk: Desk
    board: Board
    hub: ScreenHub


def build(settings: Settings, ground: Ground, kept: Kept, flows: FlowSide, published: PublishedRules) -> Core:
    """Everything that knows what goes on, joined by the bus."""
    showing = Showing()
    asterisk = _asterisk(settings, ground)
    attempts = Attempts(kept.recorder)
    routed = _routed(settings, ground, kept, showing, published)
    callbacks = _callbacks(settings, ground, kept, routed, asterisk, attempts)
    front = front_door(
        settings,
        ground,
        kept,
        flows,
        identification=routed.identification,
        agents=routed.roster,
        lines=routed.distributor,
        callbacks=callbacks,
    )
    parts = _parts(settings, ground, routed, asterisk, front, callbacks)
    mirror = Mirror(asterisk.switch, parts.roster, parts.phone_book)
    recovery = Recovery(
        parts,
        asterisk.switch,
        mirror,
        asterisk.telephony,
        kept.history,
        kept.recorder,
        ground.tasks,
        ground.timers,
        settings.asterisk.release_after,
    )
    feed = Feed(showing.hub, parts.roster, parts.calls, showing.pops, ground.clock)
    wrap_ups = WrapUps(kept.recorder, ground.clock)
    board = Board(
        parts.distributor.line,
        parts.roster,
        parts.calls,
        parts.identification,
        feed,
        parts.queues,
        ground.clock,
    )
    handlers = journey.Handlers(
        recovery=recovery,
        roster=parts.roster,
        distributor=parts.distributor,
        handle_times=parts.distributor.handle_times,
        direct=Direct(parts, ground.tasks),
        talks=Talks(parts, attempts),
        counter=flows.counter,
        callbacks=callbacks,
        mirror=mirror,
        identification=parts.identification,
        wrap_ups=wrap_ups,
        feed=feed,
        keeper=Keeper(kept.recorder, ground.clock),
        board=board,
    )
    journey.subscribe(ground.bus, handlers)
    return Core(
        parts=parts,
        front=front,
        telephony=asterisk.telephony,
        control=asterisk.control,
        recovery=recovery,
        mirror=mirror,
        inbound=Inbound(parts),
        outbound=Outbound(parts, attempts),
        callbacks=callbacks,
        watch=Watch(parts.distributor, parts.roster, ground.clock),
        desk=_desk(settings, parts, kept, showing, asterisk, attempts, feed, wrap_ups),
        board=board,
        hub=showing.hub,
    )


@dataclass(frozen=True)
class _Routed:
    """Who calls, who works, and who is shown to whom."""

    calls: LiveCalls
    identification: Identification
    roster: Roster
    distributor: Distributor
    presenter: Presenter
    in_dialogue: set[CallId] = field(default_factory=set)


def _routed(
    settings: Settings, ground: Ground, kept: Kept, showing: Showing, published: PublishedRules
) -> _Routed:
    routing, queues = settings.routing, queue_settings(settings)
    calls = LiveCalls(ground.bus, ground.clock)
    rules = RosterRules(routing.screen_grace, routing.missed_before_not_ready)
    roster = Roster(ground.bus, ground.clock, ground.timers, rules)
    times = OfferTimes(
        {queue.name: queue.ring_seconds for queue in queues.values()}, routing.reservation_margin
    )
    distributor = Distributor(Line(published.rules), roster, ground.bus, ground.clock, ground.timers, times)
    distributor.version = published.version.version
    published.attach(distributor.apply)
    titles = {queue.name: (queue.title_en, queue.title_zh) for queue in queues.values()}
    return _Routed(
        calls=calls,
        identification=Identification(kept.customers, calls, ground.tasks),
        roster=roster,
        distributor=distributor,
        presenter=Presenter(showing.hub, showing.pops, ground.clock, titles, routing.pop_ack_limit),
    )


def _callbacks(
    settings: Settings,
    ground: Ground,
    kept: Kept,
    routed: _Routed,
    asterisk: AsteriskSide,
    attempts: Attempts,
) -> Callbacks:
    return Callbacks(
        CallbackParts(
            calls=routed.calls,
            identification=routed.identification,
            distributor=routed.distributor,
            presenter=routed.presenter,
            switch=asterisk.switch,
            phone_book=phone_book(settings.phones),
            queues=queue_settings(settings),
            attempts=attempts,
            recorder=kept.recorder,
            kept=kept.callbacks,
            past=kept.past_calls,
            rules=callback_rules(settings),
            tasks=ground.tasks,
            clock=ground.clock,
            region=settings.region,
            in_dialogue=routed.in_dialogue,
        )
    )


def _parts(
    settings: Settings,
    ground: Ground,
    routed: _Routed,
    asterisk: AsteriskSide,
    front: FrontDoor,
    callbacks: Callbacks,
) -> Parts:
    return Parts(
        calls=routed.calls,
        identification=routed.identification,
        roster=routed.roster,
        distributor=routed.distributor,
        presenter=routed.presenter,
        ivr=front,
        switch=asterisk.switch,
        phone_book=phone_book(settings.phones),
        queues=queue_settings(settings),
        clock=ground.clock,
        region=settings.region,
        recordings=settings.recordings.folder.absolute(),
        wrap_up_seconds=settings.routing.wrap_up_seconds,
        in_dialogue=routed.in_dialogue,
        notes_read=deque(),
        callbacks=callbacks,
        outside=dialling(settings, routed.roster),
    )


def _asterisk(settings: Settings, ground: Ground) -> AsteriskSide:
    target, book = ami_target(settings.asterisk), phone_book(settings.phones)
    telephony = Telephony(target, ground.bus, ground.clock, book, settings.asterisk.fallback_queue)
    return AsteriskSide(
        telephony,
        AsteriskSwitch(telephony, ground.clock, caller_id=settings.phones.caller_id),
        HttpPhoneControl(settings.phones.action_uri, settings.phones.action_method),
    )


def _desk(
    settings: Settings,
    parts: Parts,
    kept: Kept,
    showing: Showing,
    asterisk: AsteriskSide,
    attempts: Attempts,
    feed: Feed,
    wrap_ups: WrapUps,
) -> Desk:
    return Desk(
        DeskParts(
            roster=parts.roster,
            calls=parts.calls,
            identification=parts.identification,
            presenter=parts.presenter,
            pops=showing.pops,
            feed=feed,
            wrap_ups=wrap_ups,
            attempts=attempts,
            transfers=parts.blind_transfers,
            queues=parts.queues,
            switch=asterisk.switch,
            phone_control=asterisk.control,
            phone_book=parts.phone_book,
            complaints=kept.complaints,
            follow_ups=kept.follow_ups,
            clock=parts.clock,
            region=settings.region,
            ring_seconds=settings.routing.ring_seconds,
            reasons=frozenset(reason.code for reason in settings.not_ready_reasons),
        )
    )
