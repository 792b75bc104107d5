"""Builds every part by constructor, starts them in order, stops them in reverse. Nothing else reads the settings."""

import asyncio
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from callcenter import journey
from callcenter.agents.roster import Roster, RosterRules
from callcenter.agents.states import Presence
from callcenter.app_settings import ami_target, line_policy, phone_book, queue_settings
from callcenter.asterisk.agi.server import AgiServer
from callcenter.asterisk.agi.session import AgiSession
from callcenter.asterisk.ami.connection import AmiTarget
from callcenter.bus import Bus
from callcenter.calls.live_calls import LiveCalls
from callcenter.clock import SystemClock
from callcenter.customers.identification import Identification
from callcenter.desk.desk import Desk, DeskParts
from callcenter.desk.feed import Feed
from callcenter.errors import CallcenterError, SettingsError
from callcenter.history.keeper import Keeper
from callcenter.ids import Extension, UserId
from callcenter.ivr.front import FrontDoor
from callcenter.ivr.loader import load_flow
from callcenter.ivr.prompts import PromptLibrary
from callcenter.ivr.speech import Pyttsx3Engine
from callcenter.reception.attempts import Attempts
from callcenter.reception.direct import Direct
from callcenter.reception.inbound import Inbound
from callcenter.reception.mirror import Mirror
from callcenter.reception.outbound import Outbound
from callcenter.reception.parts import Parts
from callcenter.reception.recovery import Recovery
from callcenter.reception.talks import Talks
from callcenter.recordings.files import RecordingFiles
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
from callcenter.telephony.caller_line import AgiCallerLine
from callcenter.telephony.link import Telephony
from callcenter.telephony.outbound_line import AgiOutboundLine
from callcenter.telephony.phone_control import HttpPhoneControl
from callcenter.telephony.switch import AsteriskSwitch
from callcenter.timers import LoopTimers
from callcenter.watchdog import BEAT_EVERY, HEARTBEAT_FD
from callcenter.web.parts import Titled, WebFolders, WebParts, WebRules
from callcenter.web.screens import ScreenHub
from callcenter.web.server import WebServer, build_app
from callcenter.wrap_up.notes import WrapUps

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Ground:
    """What everything stands on."""

    clock: SystemClock
    bus: Bus
    tasks: Tasks
    timers: LoopTimers


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
class Core:
    """The parts that know what goes on."""

    parts: Parts
    telephony: Telephony
    recovery: Recovery
    mirror: Mirror
    inbound: Inbound
    outbound: Outbound
    desk: Desk
    board: Board
    hub: ScreenHub
    feed: Feed


class App:
    """One call centre. ``run`` starts it, beats until it is told to stop, and stops it."""

    def __init__(self, settings: Settings) -> None:
        self._s = settings
        self._stop = asyncio.Event()
        self._queues = queue_settings(settings)
        self._book = phone_book(settings.phones)
        clock = SystemClock()
        self._ground = Ground(clock, Bus(), Tasks("core"), LoopTimers(clock))

    def stop(self) -> None:
        """Ask for the end."""
        self._stop.set()

    async def run(self) -> None:
        """From start to stop; raises ``CallcenterError`` when a part can't be started."""
        target = ami_target(self._s.asterisk)
        async with AsyncExitStack() as stack:
            stack.callback(self._ground.timers.close)
            stack.push_async_callback(self._ground.tasks.close)
            kept = await stack.enter_async_context(self._storage())
            core = await self._build(kept, target, stack)
            await self._restore(core, kept)
            agi = await self._open(core, kept, stack)
            log.info("call centre is open", web_port=self._s.web.port, agi_port=agi.port)
            await self._beat()
            log.info("call centre closes")

    # -------------------------------------------------------- building

    @asynccontextmanager
    async def _storage(self) -> AsyncIterator[Kept]:
        clock = self._ground.clock
        await upgrade(self._s.database.url)
        database = Database(self._s.database.url)
        recorder = DatabaseRecorder(database, self._s.database.journal, clock, region=self._s.region)
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

    async def _build(self, kept: Kept, target: AmiTarget, stack: AsyncExitStack) -> Core:
        g, s = self._ground, self._s
        calls = LiveCalls(g.bus, g.clock)
        identification = Identification(kept.customers, calls, g.tasks)
        rules = RosterRules(s.routing.screen_grace, s.routing.missed_before_not_ready)
        roster = Roster(g.bus, g.clock, g.timers, rules)
        ring = {queue.name: queue.ring_seconds for queue in self._queues.values()}
        times = OfferTimes(ring, s.routing.reservation_margin)
        distributor = Distributor(Line(line_policy(s)), roster, g.bus, g.clock, g.timers, times)
        hub, pops = ScreenHub(), CurrentPops()
        titles = {queue.name: (queue.title_en, queue.title_zh) for queue in self._queues.values()}
        presenter = Presenter(hub, pops, g.clock, titles, s.routing.pop_ack_limit)
        parts = Parts(
            calls=calls,
            identification=identification,
            roster=roster,
            distributor=distributor,
            presenter=presenter,
            ivr=await self._ivr(),
            phone_book=self._book,
            queues=self._queues,
            clock=g.clock,
            region=s.region,
            recordings=s.recordings.folder.absolute(),
            wrap_up_seconds=s.routing.wrap_up_seconds,
            in_dialogue=set(),
            notes_read=deque(),
        )
        return self._join(parts, kept, target, hub, pops, stack)

    async def _ivr(self) -> FrontDoor:
        flow = load_flow(self._s.ivr.flow, self._queues.keys())
        prompts = PromptLibrary(
            Pyttsx3Engine(), self._s.ivr.prompts_folder, self._s.ivr.flow.parent / "prompts"
        )
        prepared = await prompts.prepare(flow)
        log.info("prompts are ready", made=prepared.made, cached=prepared.cached, failed=prepared.failed)
        return FrontDoor(flow, prompts, self._ground.clock)

    def _join(
        self,
        parts: Parts,
        kept: Kept,
        target: AmiTarget,
        hub: ScreenHub,
        pops: CurrentPops,
        stack: AsyncExitStack,
    ) -> Core:
        g, s = self._ground, self._s
        telephony = Telephony(target, g.bus, g.clock, self._book, s.asterisk.fallback_queue)
        switch = AsteriskSwitch(telephony, g.clock, caller_id=s.phones.caller_id)
        mirror = Mirror(switch, parts.roster, self._book)
        attempts = Attempts(kept.recorder)
        recovery = Recovery(
            parts,
            switch,
            mirror,
            telephony,
            kept.history,
            kept.recorder,
            g.tasks,
            g.timers,
            s.asterisk.release_after,
        )
        feed = Feed(hub, parts.roster, parts.calls, pops, g.clock)
        wrap_ups = WrapUps(kept.recorder, g.clock)
        board = Board(
            parts.distributor.line,
            parts.roster,
            parts.calls,
            parts.identification,
            feed,
            self._queues,
            g.clock,
        )
        control = HttpPhoneControl(s.phones.action_uri, s.phones.action_method)
        stack.push_async_callback(control.close)
        desk = Desk(
            DeskParts(
                roster=parts.roster,
                calls=parts.calls,
                identification=parts.identification,
                presenter=parts.presenter,
                pops=pops,
                feed=feed,
                wrap_ups=wrap_ups,
                attempts=attempts,
                switch=switch,
                phone_control=control,
                phone_book=self._book,
                complaints=kept.complaints,
                follow_ups=kept.follow_ups,
                recorder=kept.recorder,
                clock=g.clock,
                region=s.region,
                ring_seconds=s.routing.ring_seconds,
                reasons=frozenset(reason.code for reason in s.not_ready_reasons),
            )
        )
        journey.subscribe(
            g.bus,
            journey.Handlers(
                recovery=recovery,
                roster=parts.roster,
                distributor=parts.distributor,
                direct=Direct(parts, g.tasks),
                talks=Talks(parts, attempts),
                mirror=mirror,
                identification=parts.identification,
                wrap_ups=wrap_ups,
                feed=feed,
                keeper=Keeper(kept.recorder, g.clock),
                board=board,
            ),
        )
        return Core(
            parts,
            telephony,
            recovery,
            mirror,
            Inbound(parts),
            Outbound(parts, attempts),
            desk,
            board,
            hub,
            feed,
        )

    # -------------------------------------------------------- running

    async def _restore(self, core: Core, kept: Kept) -> None:
        """Agents who were logged in when we died are so again; their screens have the usual grace to return."""
        for row in await kept.history.presences():
            user = await kept.users.user(UserId(row.agent_id))
            if user is None or not user.active:
                continue
            try:
                core.parts.roster.log_in(row.agent_id, user.name, Extension(row.extension), user.queues)
                core.parts.roster.restore(row.agent_id, Presence(row.presence), row.reason)
            except CallcenterError as error:
                log.warning("agent not restored", agent_id=row.agent_id, reason=error.message)

    async def _open(self, core: Core, kept: Kept, stack: AsyncExitStack) -> AgiServer:
        """Open the doors: pages first, so that agents are there when callers come."""
        server = WebServer(build_app(self._web_parts(core, kept)), self._s.web.host, self._s.web.port)
        await self._listen(server.start(), "web", self._s.web.port)
        stack.push_async_callback(server.stop)
        asterisk = self._s.asterisk
        handlers = {"call": self._caller(core), "outbound": self._outbound(core)}
        agi = AgiServer(
            asterisk.agi_host, asterisk.agi_port, handlers, frozenset(asterisk.agi_nodes), self._ground.clock
        )
        await self._listen(agi.start(), "asterisk.agi", asterisk.agi_port)
        stack.push_async_callback(agi.stop)
        self._ground.tasks.run(core.mirror.run(), "mirror")
        self._ground.tasks.run(core.recovery.look_again(), "missed")
        self._ground.tasks.run(core.telephony.run(), "telephony")
        return agi

    async def _listen(self, starting: Awaitable[object], name: str, port: int) -> None:
        try:
            await starting
        except OSError as error:
            raise SettingsError(
                f"{name}_port: {port} can't be listened on ({error.strerror}): choose a free one, "
                f"for example {name}_port = {port + 1}"
            ) from error

    def _caller(self, core: Core) -> Callable[[AgiSession], Awaitable[None]]:
        async def serve(session: AgiSession) -> None:
            if await core.telephony.confirms(session.request.uniqueid):
                await core.inbound.serve(
                    AgiCallerLine(session, self._ground.clock, core.telephony.answered_at)
                )
            else:
                log.warning("a dialogue that Asterisk does not confirm is refused")

        return serve

    def _outbound(self, core: Core) -> Callable[[AgiSession], Awaitable[None]]:
        async def serve(session: AgiSession) -> None:
            if await core.telephony.confirms(session.request.uniqueid):
                line = AgiOutboundLine(session, self._ground.clock, core.telephony.answered_at, self._book)
                await core.outbound.serve(line)

        return serve

    def _web_parts(self, core: Core, kept: Kept) -> WebParts:
        s = self._s
        folder = s.web.assets_folder.absolute()
        return WebParts(
            desk=core.desk,
            board=core.board,
            users=kept.users,
            customers=kept.customers,
            stories=kept.calls,
            recordings=RecordingFiles(kept.calls, s.recordings.folder),
            hub=core.hub,
            clock=self._ground.clock,
            folders=WebFolders(
                folder / "templates", folder / "locales", folder / "dist", s.recordings.folder.absolute()
            ),
            rules=WebRules(s.web.public_url, s.web.session_hours, s.web.login_tries, s.web.login_window),
            queues=[Titled(queue.name, queue.title_en, queue.title_zh) for queue in s.queues],
            reasons=[Titled(r.code, r.title_en, r.title_zh) for r in s.not_ready_reasons],
            audit=kept.audit,
        )

    async def _beat(self) -> None:
        """Let the watchdog feel the pulse of the loop, until told to stop or nobody feels it any more."""
        beat = int(os.environ.get(HEARTBEAT_FD, "-1"))
        while not self._stop.is_set():
            if beat >= 0:
                try:
                    os.write(beat, b".")
                except OSError:
                    log.error("the watchdog is gone, closing")  # noqa: TRY400  what happened is all in the words
                    return
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_EVERY):
                    await self._stop.wait()


async def serve_forever(settings: Settings) -> None:
    """Run the call centre until SIGTERM or SIGINT."""
    app = App(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, app.stop)
    await app.run()
