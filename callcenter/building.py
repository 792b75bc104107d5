"""Builds the parts of one call centre by constructor, each from those below it. ``app.py`` starts and stops them."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from callcenter import journey
from callcenter.agents.roster import Roster, RosterRules
from callcenter.app_settings import ami_target, line_policy, phone_book, queue_settings
from callcenter.bus import Bus
from callcenter.calls.live_calls import LiveCalls
from callcenter.clock import SystemClock
from callcenter.customers.identification import Identification
from callcenter.desk.desk import Desk, DeskParts
from callcenter.desk.feed import Feed
from callcenter.history.keeper import Keeper
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.loader import Known, load_flow
from callcenter.ivr.front import FrontDoor
from callcenter.ivr.speech.engine import Pyttsx3Engine
from callcenter.ivr.speech.prompts import PromptLibrary
from callcenter.reception.attempts import Attempts
from callcenter.reception.direct import Direct
from callcenter.reception.inbound import Inbound
from callcenter.reception.mirror import Mirror
from callcenter.reception.outbound import Outbound
from callcenter.reception.parts import Parts
from callcenter.reception.recovery import Recovery
from callcenter.reception.talks import Talks
from callcenter.routing.distributor import Distributor, OfferTimes
from callcenter.routing.line import Line
from callcenter.screen_pop.current import CurrentPops
from callcenter.screen_pop.presenter import Presenter
from callcenter.settings import Settings
from callcenter.storage.audit import Audit
from callcenter.storage.calls import StoredCalls, StoredHistory
from callcenter.storage.complaints import StoredComplaints
from callcenter.storage.customers import StoredCustomers
from callcenter.storage.database import Database, upgrade
from callcenter.storage.follow_ups import StoredFollowUps
from callcenter.storage.recorder import DatabaseRecorder
from callcenter.storage.users import StoredUsers
from callcenter.supervision.board import Board
from callcenter.tasks import Tasks
from callcenter.telephony.link import Telephony
from callcenter.telephony.phone_control import HttpPhoneControl
from callcenter.telephony.switch import AsteriskSwitch
from callcenter.timers import LoopTimers
from callcenter.web.screens import ScreenHub
from callcenter.wrap_up.notes import WrapUps

log = structlog.get_logger(__name__)


class Ground:
    """What everything stands on."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.bus = Bus()
        self.tasks = Tasks("core")
        self.timers = LoopTimers(self.clock)

    async def close(self) -> None:
        """No timer fires any more, and every task has ended."""
        self.timers.close()
        await self.tasks.close()


@dataclass(frozen=True)
class Kept:
    """The database's side."""

    customers: StoredCustomers
    users: StoredUsers
    complaints: StoredComplaints
    follow_ups: StoredFollowUps
    calls: StoredCalls
    history: StoredHistory
    audit: Audit
    recorder: DatabaseRecorder


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
    telephony: Telephony
    control: HttpPhoneControl
    recovery: Recovery
    mirror: Mirror
    inbound: Inbound
    outbound: Outbound
    desk: Desk
    board: Board
    hub: ScreenHub


@asynccontextmanager
async def storage(settings: Settings, ground: Ground) -> AsyncIterator[Kept]:
    """The database at this program's version, and the recorder running; raises ``PartMissing``, ``SettingsError``."""
    clock = ground.clock
    await upgrade(settings.database.url)
    database = Database(settings.database.url)
    recorder = DatabaseRecorder(database, settings.database.journal, clock, region=settings.region)
    await recorder.start()
    try:
        yield Kept(
            StoredCustomers(database),
            StoredUsers(database, clock),
            StoredComplaints(database, clock),
            StoredFollowUps(database, clock),
            StoredCalls(database, clock),
            StoredHistory(database, clock),
            Audit(recorder, clock),
            recorder,
        )
    finally:
        await recorder.close()
        await database.close()


async def front_door(settings: Settings, ground: Ground) -> FrontDoor:
    """The flow that callers meet, with its prompts spoken; raises ``FlowInvalid``."""
    ivr = settings.ivr
    flow = load_flow(ivr.flow, Known(queues=queue_settings(settings).keys()))
    prompts = PromptLibrary(Pyttsx3Engine(), ivr.prompts_folder, ivr.flow.parent / "prompts")
    if await prompts.recall(flow):
        # All are there from an earlier start: callers need not wait until the speech engine has said so.
        ground.tasks.run(_speak(prompts, flow), "prompts")
    else:
        await _speak(prompts, flow)
    return FrontDoor(flow, prompts, ground.clock)


async def _speak(prompts: PromptLibrary, flow: Flow) -> None:
    prepared = await prompts.prepare(flow)
    log.info("prompts are ready", made=prepared.made, cached=prepared.cached, failed=prepared.failed)


def build(settings: Settings, ground: Ground, kept: Kept, front: FrontDoor) -> Core:
    """Everything that knows what goes on, joined by the bus."""
    showing = Showing()
    parts = _parts(settings, ground, kept, showing, front)
    asterisk = _asterisk(settings, ground)
    mirror = Mirror(asterisk.switch, parts.roster, parts.phone_book)
    attempts = Attempts(kept.recorder)
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
        direct=Direct(parts, ground.tasks),
        talks=Talks(parts, attempts),
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
        telephony=asterisk.telephony,
        control=asterisk.control,
        recovery=recovery,
        mirror=mirror,
        inbound=Inbound(parts),
        outbound=Outbound(parts, attempts),
        desk=_desk(settings, parts, kept, showing, asterisk, attempts, feed, wrap_ups),
        board=board,
        hub=showing.hub,
    )


def _parts(settings: Settings, ground: Ground, kept: Kept, showing: Showing, front: FrontDoor) -> Parts:
    routing, queues = settings.routing, queue_settings(settings)
    calls = LiveCalls(ground.bus, ground.clock)
    rules = RosterRules(routing.screen_grace, routing.missed_before_not_ready)
    roster = Roster(ground.bus, ground.clock, ground.timers, rules)
    times = OfferTimes(
        {queue.name: queue.ring_seconds for queue in queues.values()}, routing.reservation_margin
    )
    line = Line(line_policy(settings))
    titles = {queue.name: (queue.title_en, queue.title_zh) for queue in queues.values()}
    return Parts(
        calls=calls,
        identification=Identification(kept.customers, calls, ground.tasks),
        roster=roster,
        distributor=Distributor(line, roster, ground.bus, ground.clock, ground.timers, times),
        presenter=Presenter(showing.hub, showing.pops, ground.clock, titles, routing.pop_ack_limit),
        ivr=front,
        phone_book=phone_book(settings.phones),
        queues=queues,
        clock=ground.clock,
        region=settings.region,
        recordings=settings.recordings.folder.absolute(),
        wrap_up_seconds=routing.wrap_up_seconds,
        in_dialogue=set(),
        notes_read=deque(),
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
