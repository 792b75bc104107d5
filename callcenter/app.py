"""Starts the parts of one call centre in order, lets them run, stops them in reverse."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, suppress
from zoneinfo import ZoneInfo

import structlog

from callcenter.agents.states import Presence
from callcenter.app_settings import routing_rules
from callcenter.asterisk.agi.server import AgiServer
from callcenter.asterisk.agi.session import AgiSession
from callcenter.building.core import Core, build
from callcenter.building.flows import FlowSide, flow_side
from callcenter.building.ground import Ground, Kept, storage
from callcenter.calls.number import load_all_regions
from callcenter.errors import ActionFailed, CallcenterError, SettingsError, TelephonyDown
from callcenter.ids import Extension, QueueName, UserId
from callcenter.ivr.front import FrontDoor
from callcenter.recordings.files import RecordingFiles
from callcenter.routing.publishing import PublishedRules
from callcenter.settings import Settings
from callcenter.telephony.caller_line import AgiCallerLine
from callcenter.telephony.outbound_line import AgiOutboundLine
from callcenter.telephony.self_test import account_faults
from callcenter.watchdog import BEAT_EVERY, HEARTBEAT_FD
from callcenter.web.parts import Titled, WebFolders, WebParts, WebRules
from callcenter.web.server import WebServer, build_app

log = structlog.get_logger(__name__)

SELF_TEST_EVERY = 1.0
"""Seconds between looks whether Asterisk is there to be asked."""


class App:
    """One call centre. ``run`` starts it, beats until it is told to stop, and stops it."""

    def __init__(self, settings: Settings) -> None:
        self._s = settings
        self._stop = asyncio.Event()
        self._fault: SettingsError | None = None
        self._ground = Ground()

    def stop(self) -> None:
        """Ask for the end."""
        self._stop.set()

    async def run(self) -> None:
        """From start to stop; raises ``CallcenterError`` when a part can't be started."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._ground.close)
            kept = await stack.enter_async_context(storage(self._s, self._ground))
            numbering = self._ground.tasks.start(asyncio.to_thread(load_all_regions), "numbering plans")
            flows = await stack.enter_async_context(flow_side(self._s, self._ground, kept))
            await numbering
            published = PublishedRules(kept.rules, [QueueName(queue.name) for queue in self._s.queues])
            await published.open(routing_rules(self._s))
            core = build(self._s, self._ground, kept, flows, published)
            self._ground.tasks.run(published.look_again(), "published rules")
            self._ground.tasks.run(core.watch.run(), "watch of the line")
            stack.push_async_callback(core.control.close)
            await self._restore(core, kept)
            core.callbacks.start()
            agi = await self._open(core, kept, flows, published, stack)
            # Before the dialogues end: a callback that is being dialled then keeps its try.
            stack.callback(core.callbacks.stop)
            log.info("call centre is open", web_port=self._s.web.port, agi_port=agi.port)
            await self._beat()
            log.info("call centre closes")
        if self._fault is not None:
            raise self._fault

    async def _restore(self, core: Core, kept: Kept) -> None:
        """Agents who were logged in when we died are so again; their screens have the usual grace to return."""
        for row in await kept.history.presences():
            user = await kept.users.user(UserId(row.agent_id))
            if user is None or not user.active:
                continue
            try:
                core.parts.roster.log_in(
                    row.agent_id, user.name, Extension(row.extension), user.queues, skills=user.skills
                )
                core.parts.roster.restore(row.agent_id, Presence(row.presence), row.reason)
            except CallcenterError as error:
                log.warning("agent not restored", agent_id=row.agent_id, reason=error.message)

    async def _open(
        self, core: Core, kept: Kept, flows: FlowSide, published: PublishedRules, stack: AsyncExitStack
    ) -> AgiServer:
        """Open the doors: pages first, so that agents are there when callers come."""
        pages = build_app(self._web_parts(core, kept, flows, published))
        server = WebServer(pages, self._s.web.host, self._s.web.port)
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
        self._ground.tasks.run(self._self_test(core), "self-test")
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
                line = AgiOutboundLine(
                    session, self._ground.clock, core.telephony.answered_at, core.parts.phone_book
                )
                await core.outbound.serve(line)

        return serve

    def _web_parts(self, core: Core, kept: Kept, flows: FlowSide, published: PublishedRules) -> WebParts:
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
            rules=WebRules(
                s.web.public_url, s.web.session_hours, s.web.login_tries, s.web.login_window, ZoneInfo(s.zone)
            ),
            queues=[Titled(queue.name, queue.title_en, queue.title_zh) for queue in s.queues],
            reasons=[Titled(r.code, r.title_en, r.title_zh) for r in s.not_ready_reasons],
            audit=kept.audit,
            key_words=_KeyWords(core.front),
            flows=flows.pages,
            routing=published,
            decisions=kept.decisions,
            voicemails=kept.voicemails,
            callbacks=kept.callbacks,
            callback_desk=core.callbacks,
        )

    async def _self_test(self, core: Core) -> None:
        """At the first connection: an AMI account that is too weak would fail callers later, one that is too strong
        is a shell on Asterisk's machine for whoever steals its secret. Either stops the start."""
        faults: list[str] | None = None
        while faults is None:
            try:
                faults = await account_faults(core.telephony)
            except (TelephonyDown, ActionFailed):
                await asyncio.sleep(SELF_TEST_EVERY)
        if faults:
            self._fault = SettingsError("\n  ".join(["Asterisk's AMI account can't be used:", *faults]))
            self.stop()

    async def _beat(self) -> None:
        """Let the watchdog feel the loop's pulse, until told to stop or nobody feels it any more."""
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


class _KeyWords(Mapping[tuple[str, str], Titled]):
    """What keys mean in the flows that are published at this moment."""

    def __init__(self, front: FrontDoor) -> None:
        self._front = front

    def __getitem__(self, place: tuple[str, str]) -> Titled:
        return Titled("", *self._front.key_words[place])

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._front.key_words)

    def __len__(self) -> int:
        return len(self._front.key_words)


async def serve_forever(settings: Settings) -> None:
    """Run the call centre until SIGTERM or SIGINT."""
    app = App(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, app.stop)
    await app.run()
