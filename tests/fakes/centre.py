"""A whole call centre on virtual time: every stage is the real one; Asterisk, screens and the database are not."""

import asyncio
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from callcenter import journey
from callcenter.agents.roster import Roster, RosterRules
from callcenter.agents.states import Agent, RoutingState
from callcenter.bus import Bus
from callcenter.callbacks.rules import CallbackRules
from callcenter.calls.call import Call
from callcenter.calls.events import OutboundFailed, PhoneState, PhoneStateChanged, TelephonyLost, TelephonyUp
from callcenter.calls.live_calls import LiveCalls
from callcenter.calls.ports import PhoneBook, QueueSettings
from callcenter.complaints.complaint import NewComplaint
from callcenter.customers.customer import CustomerRecord
from callcenter.customers.identification import Identification
from callcenter.desk.desk import Desk, DeskParts
from callcenter.desk.feed import Feed
from callcenter.follow_ups.follow_up import NewFollowUp
from callcenter.history.keeper import Keeper
from callcenter.ids import AgentId, CallId, ComplaintId, CustomerId, Extension, FollowUpId, QueueName
from callcenter.ivr.counting import Counter
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
from callcenter.routing.rules import RoutingRules
from callcenter.screen_pop.current import CurrentPops
from callcenter.screen_pop.presenter import Presenter
from callcenter.supervision.board import Board
from callcenter.tasks import Tasks
from callcenter.timers import LoopTimers
from callcenter.wrap_up.notes import WrapUps
from tests.fakes import fake_visit
from tests.fakes.fake_directory import FakeDirectory
from tests.fakes.fake_screens import FakeScreens
from tests.fakes.fake_switch import FakeSwitch
from tests.fakes.kept_callbacks import KeptInMemory
from tests.fakes.memory_recorder import MemoryRecorder
from tests.fakes.scripted_line import ScriptedLine, Trunk
from tests.virtual_time import START, LoopClock, settle

SALES, SUPPORT = fake_visit.SALES, fake_visit.SUPPORT
RING, WRAP_UP = 20, 60
ACK_LIMIT = 0.03
CALLBACK_RULES = CallbackRules(ZoneInfo("Asia/Shanghai"), tries=3, pause=300, expires_hours=24)
"""The clock begins at 17:00 in Shanghai."""
BOOK = PhoneBook("PJSIP/{extension}", "PJSIP/{extension}", "leg^s^1", "PJSIP/{number}@trunk")
QUEUES = {
    SALES: QueueSettings(SALES, "Sales", "销售", False, RING, WRAP_UP),
    SUPPORT: QueueSettings(SUPPORT, "Support", "客户服务", True, RING, WRAP_UP),
}


class FakePhoneControl:
    """A ``PhoneControl``."""

    available = False

    def __init__(self) -> None:
        self.pressed: list[tuple[Extension, str]] = []

    async def press(self, extension: Extension, action: str) -> None:
        self.pressed.append((extension, action))


class KeptWork:
    """``Complaints`` and ``FollowUps`` in memory."""

    def __init__(self) -> None:
        self.complaints: list[NewComplaint] = []
        self.plans: list[NewFollowUp] = []
        self.targets: dict[FollowUpId, tuple[CustomerId, str]] = {}
        self.numbers: dict[CustomerId, str] = {}

    async def add(self, complaint: NewComplaint) -> tuple[ComplaintId, str]:
        self.complaints.append(complaint)
        return ComplaintId(len(self.complaints)), f"C-{len(self.complaints):06d}"

    async def plan(self, follow_up: NewFollowUp) -> FollowUpId:
        self.plans.append(follow_up)
        return FollowUpId(len(self.plans))

    async def target(self, follow_up_id: FollowUpId) -> tuple[CustomerId, str] | None:
        return self.targets.get(follow_up_id)

    async def number_of(self, customer_id: CustomerId) -> str | None:
        return self.numbers.get(customer_id)


class Centre:
    """``async with Centre(...)``; then agents log in and callers call."""

    callback_rules = CALLBACK_RULES

    def __init__(self, *customers: CustomerRecord, rules: RosterRules | None = None) -> None:
        self.clock = LoopClock()
        self.bus = Bus()
        self.tasks = Tasks("centre")
        self.timers = LoopTimers(self.clock)
        self.directory = FakeDirectory(*customers)
        self.screens = FakeScreens(self.clock)
        self.recorder = MemoryRecorder()
        self.switch = FakeSwitch()
        self.kept = KeptWork()
        self.control = FakePhoneControl()
        self.ivr = fake_visit.FakeIvr()
        self.trunk = Trunk(self.bus, self.clock)
        self.channels = 0
        self._build(rules or RosterRules())
        self._join()

    def _build(self, rules: RosterRules) -> None:
        self.calls = LiveCalls(self.bus, self.clock)
        self.identification = Identification(self.directory, self.calls, self.tasks)
        self.roster = Roster(self.bus, self.clock, self.timers, rules)
        times = OfferTimes({name: queue.ring_seconds for name, queue in QUEUES.items()}, 5.0)
        self.distributor = Distributor(
            Line(RoutingRules()), self.roster, self.bus, self.clock, self.timers, times
        )
        self.pops = CurrentPops()
        titles = {name: (queue.title_en, queue.title_zh) for name, queue in QUEUES.items()}
        self.presenter = Presenter(self.screens, self.pops, self.clock, titles, ACK_LIMIT)
        self.attempts = Attempts(self.recorder)
        in_dialogue: set[CallId] = set()
        self.kept_callbacks = KeptInMemory(self.recorder)
        self.callbacks = Callbacks(self._callback_parts(in_dialogue))
        self.parts = Parts(
            calls=self.calls,
            identification=self.identification,
            roster=self.roster,
            distributor=self.distributor,
            presenter=self.presenter,
            ivr=self.ivr,
            switch=self.switch,
            phone_book=BOOK,
            queues=QUEUES,
            clock=self.clock,
            region="CN",
            recordings=Path("/recordings"),
            wrap_up_seconds=WRAP_UP,
            in_dialogue=in_dialogue,
            notes_read=deque(),
            callbacks=self.callbacks,
        )

    def _callback_parts(self, in_dialogue: set[CallId]) -> CallbackParts:
        return CallbackParts(
            calls=self.calls,
            identification=self.identification,
            distributor=self.distributor,
            presenter=self.presenter,
            switch=self.switch,
            phone_book=BOOK,
            queues=QUEUES,
            attempts=self.attempts,
            recorder=self.recorder,
            kept=self.kept_callbacks,
            rules=self.callback_rules,
            tasks=self.tasks,
            clock=self.clock,
            region="CN",
            in_dialogue=in_dialogue,
        )

    def _join(self) -> None:
        attempts = self.attempts
        self.mirror = Mirror(self.switch, self.roster, BOOK)
        self.recovery = Recovery(
            self.parts,
            self.switch,
            self.mirror,
            self.switch,
            self.recorder,
            self.recorder,
            self.tasks,
            self.timers,
            15.0,
        )
        self.feed = Feed(self.screens, self.roster, self.calls, self.pops, self.clock)
        self.wrap_ups = WrapUps(self.recorder, self.clock)
        self.board = Board(
            self.distributor.line, self.roster, self.calls, self.identification, self.feed, QUEUES, self.clock
        )
        self.inbound = Inbound(self.parts)
        self.outbound = Outbound(self.parts, attempts)
        self.desk = Desk(self._desk_parts(attempts))
        journey.subscribe(
            self.bus,
            journey.Handlers(
                recovery=self.recovery,
                roster=self.roster,
                distributor=self.distributor,
                handle_times=self.distributor.handle_times,
                counter=Counter(),
                callbacks=self.callbacks,
                direct=Direct(self.parts, self.tasks),
                talks=Talks(self.parts, attempts),
                mirror=self.mirror,
                identification=self.identification,
                wrap_ups=self.wrap_ups,
                feed=self.feed,
                keeper=Keeper(self.recorder, self.clock),
                board=self.board,
            ),
        )

    def _desk_parts(self, attempts: Attempts) -> DeskParts:
        return DeskParts(
            roster=self.roster,
            calls=self.calls,
            identification=self.identification,
            presenter=self.presenter,
            pops=self.pops,
            feed=self.feed,
            wrap_ups=self.wrap_ups,
            attempts=attempts,
            transfers=self.parts.blind_transfers,
            queues=QUEUES,
            switch=self.switch,
            phone_control=self.control,
            phone_book=BOOK,
            complaints=self.kept,
            follow_ups=self.kept,
            clock=self.clock,
            region="CN",
            ring_seconds=RING,
            reasons=frozenset({"BREAK", "LUNCH"}),
        )

    async def __aenter__(self) -> Self:
        self.switch.on_click = self._click
        self.switch.on_cut = self.trunk.cut
        self.tasks.run(self.mirror.run(), "mirror")
        self.up()
        await settle()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.callbacks.stop()
        self.timers.close()
        await self.tasks.close()

    # ------------------------------------------------------------ Asterisk

    def up(self, *, restarted: bool = False, living: Iterable[CallId] = (), gap: float = 0.0) -> None:
        """The snapshot has been taken; phones say how they are."""
        self.trunk.blind = False
        for phone in self.trunk.phones.values():
            if phone.extension.isalnum():
                self.bus.publish(PhoneStateChanged(Extension(phone.extension), phone.state, self.clock.now()))
        self.bus.publish(TelephonyUp(self.clock.now(), restarted, frozenset(living), gap))

    def down(self) -> None:
        """The link is lost."""
        self.trunk.blind = True
        self.bus.publish(TelephonyLost(self.clock.now(), "cut"))

    # ------------------------------------------------------------ people

    async def agent(
        self, number: int, *queues: QueueName, ready: bool = True, extension: str | None = None
    ) -> Agent:
        """An agent with a screen and a free phone (``100N``)."""
        extension = extension or str(1000 + number)
        agent_id = AgentId(number)
        await self.desk.log_in(agent_id, f"Agent {number}", extension, frozenset(queues or QUEUES))
        self.desk.screen_opened(agent_id)
        self.trunk.set_state(self.trunk.phone(extension), PhoneState.IDLE)
        if ready:
            self.desk.ready(agent_id)
        return self.roster.get(agent_id)

    def line(self, number: str = "13800138000", **facts: str) -> ScriptedLine:
        """A caller's line; ``facts`` are channel variables that it brings."""
        self.channels += 1
        line = ScriptedLine(self.trunk, number=number, channel_id=f"node7f-1.{self.channels}")
        line.variables.update(facts)
        return line

    def call(self, number: str = "13800138000", **facts: str) -> ScriptedLine:
        """A caller calls."""
        line = self.line(number, **facts)
        _ = self.serve(line)
        return line

    def serve(self, line: ScriptedLine) -> "asyncio.Task[None]":
        """Asterisk hands this line to us."""
        return self.tasks.start(self.inbound.serve(line), f"caller {line.channel_id}")

    async def waiting(self, number: str = "13800138000", queue: QueueName = SUPPORT) -> ScriptedLine:
        """A caller who has chosen this queue already."""
        line = self.call(number)
        await settle()
        line.press("1" if queue == SALES else "2")
        await settle()
        return line

    async def _click(self, call_id: CallId, phone: str, number: str, ring_seconds: int) -> None:
        del number
        self.tasks.run(self._originate(call_id, phone, ring_seconds), f"originate {call_id}")

    async def _originate(self, call_id: CallId, phone: str, ring_seconds: int) -> None:
        """Ring the agent's phone; picked up, its channel comes to us."""
        owner = self.trunk.phone(phone)
        owner.forget()
        self.trunk.set_state(owner, PhoneState.RINGING)
        try:
            async with asyncio.timeout(ring_seconds):
                await owner.moves.wait()
        except TimeoutError:
            owner.move(reaction="no_answer")
        if owner.reaction is not None:
            self.trunk.set_state(owner, PhoneState.IDLE)
            self.bus.publish(OutboundFailed(call_id, owner.reaction, self.clock.now()))
            return
        self.trunk.set_state(owner, PhoneState.BUSY)
        line = self.agent_line = ScriptedLine(self.trunk, own=owner.extension, channel_id="node7f-2.1")
        line.variables["CC_CALL"] = call_id
        await self.outbound.serve(line)
        self.trunk.set_state(owner, PhoneState.IDLE)

    # ------------------------------------------------------------ what came of it

    def at(self) -> float:
        """Seconds since the start."""
        return self.clock.now() - START

    def record_of(self, line: ScriptedLine) -> Call:
        """The call as the record has it."""
        return self.recorder.calls[CallId(line.variables["CC_CALL"])]

    def state(self, number: int) -> RoutingState:
        """An agent's routing state."""
        return self.roster.get(AgentId(number)).state

    def results(self) -> list[tuple[int, str]]:
        """Every offer: agent and result, in order."""
        rows = sorted(self.recorder.offers.values(), key=lambda row: row.offered_at)
        return [(row.agent_id, row.result) for row in rows]


def told(call: Call) -> list[tuple[str, float]]:
    """A call's segments: stage and seconds."""
    return [(s.stage.value, round(s.seconds(call.ended or 0.0), 3)) for s in call.segments]


def adds_up(call: Call) -> bool:
    """Whether the segments follow one another from arrival to end without a gap."""
    edges = [call.arrived, *(s.ended for s in call.segments)]
    starts = [*(s.started for s in call.segments), call.ended]
    return edges == starts
