"""Asking, cancelling, ringing again, answering or not, links lost, cores restarted, in any order, on virtual time."""

import asyncio
import copy
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.agents.states import RoutingState
from callcenter.callbacks.callback import OPEN
from callcenter.calls.call import Direction, Stage
from callcenter.calls.events import OfferResult
from callcenter.errors import CallcenterError
from callcenter.ids import AgentId, UserId
from callcenter.routing.distributor import Place
from tests.fakes.callback_centre import CallbackCentre
from tests.fakes.centre import CALLBACK_RULES
from tests.fakes.fake_visit import SALES, SUPPORT
from tests.fakes.memory_recorder import MemoryRecorder
from tests.fakes.scripted_line import Phone
from tests.virtual_time import VirtualTimeLoop, settle

pytestmark = pytest.mark.unit

NUMBERS = ("+8613800138001", "+8613800138002", "+8613800138003")
AGENTS = (1, 2)
WITH_A_CALL = {RoutingState.RESERVED, RoutingState.ON_CALL}

deeds = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "asks",
                "asks",
                "cancels",
                "rings again",
                "agent answers",
                "agent answers",
                "agent rejects",
                "agent ready",
                "agent not ready",
                "customer answers",
                "customer answers",
                "customer rejects",
                "talk ends",
                "agent hangs up",
                "link lost",
                "link back",
                "asterisk refuses",
                "restart",
                "caller comes",
            ]
        ),
        st.integers(0, 2),
        st.sampled_from([0.0, 0.0, 1.0, 5.0, 30.0, 301.0, 4000.0]),
    ),
    max_size=30,
)


class World:
    """Plays deeds on a centre that may be started again, and looks at it after each."""

    centre: CallbackCentre

    def __init__(self) -> None:
        self.inbound: list[Place] = []
        self.places: dict[str, float] = {}
        """Of each callback: the wall time of the arrival that it was asked with, by id."""

    async def open(self, record: MemoryRecorder | None = None) -> None:
        """A core begins."""
        self.centre = CallbackCentre(record=record)
        await self.centre.__aenter__()
        for number in AGENTS:
            await self.centre.agent(number)

    async def close(self) -> MemoryRecorder:
        """And ends; what is on record is left."""
        record = copy.deepcopy(self.centre.recorder)
        for place in self.inbound:
            self.centre.distributor.leave(place)
        self.inbound.clear()
        for line in list(self.centre.agents_lines.values()):
            line.leave()
        await settle()
        await self.centre.__aexit__(None, None, None)
        await settle()
        return record

    async def play(self, script: list[tuple[str, int, float]]) -> None:
        """All of it; then everybody is patient and answers, and every callback comes to an end."""
        await self.open()
        try:
            for deed, which, later in script:
                await self.act(deed, which)
                await settle()
                self.look()
                await asyncio.sleep(later)
                self.look()
            await self.finish()
        finally:
            await self.close()

    async def act(self, deed: str, which: int) -> None:
        """One deed."""
        if deed == "restart":
            await self.open(await self.close())
            return
        acts: dict[str, Callable[[int], object]] = {
            "asks": self.asks,
            "cancels": self.cancels,
            "rings again": self.rings_again,
            "agent answers": lambda n: self.agents_phone(n).move(answered=True),
            "agent rejects": lambda n: self.agents_phone(n).move(reaction="rejected"),
            "agent ready": lambda n: self.centre.desk.ready(AgentId(1 + n % 2)),
            "agent not ready": lambda n: self.centre.desk.not_ready(AgentId(1 + n % 2), "BREAK"),
            "customer answers": lambda n: self.customers_phone(n).move(answered=True),
            "customer rejects": lambda n: self.customers_phone(n).move(reaction="rejected"),
            "talk ends": lambda n: self.customers_phone(n).move(),
            "agent hangs up": self.agent_hangs_up,
            "link lost": lambda _: self.centre.down(),
            "link back": lambda _: self.link_back(),
            "asterisk refuses": self.refuse,
            "caller comes": self.caller_comes,
        }
        acts[deed](which)

    # ------------------------------------------------------------ deeds

    def asks(self, which: int) -> None:
        self.centre.asks(NUMBERS[which], waited=10.0 * which)
        kept = self.centre.callback(NUMBERS[which])
        self.places.setdefault(kept.id, kept.arrived_at.timestamp())
        assert kept.arrived_at.timestamp() <= self.places[kept.id] + 1e-3

    def cancels(self, which: int) -> None:
        kept = [one for one in self.centre.recorder.callbacks.values() if one.state in OPEN]
        if kept:
            self.centre.callbacks.cancel(kept[which % len(kept)].id, UserId(9))

    def rings_again(self, which: int) -> None:
        """The place is that of the callback, to the millisecond."""
        before = self.centre.callback(NUMBERS[which]) if self.known(which) else None
        call = self.centre.caller(NUMBERS[which])
        arrived = self.centre.callbacks.resume_place(call, SUPPORT)
        assert (arrived is not None) == (before is not None and before.state in OPEN)
        if arrived is not None and before is not None:
            wall = self.centre.clock.wall().timestamp() - (self.centre.clock.now() - arrived)
            assert wall == pytest.approx(before.arrived_at.timestamp(), abs=1e-3)
            assert self.centre.callback(NUMBERS[which]).state.value == "merged"
        self.inbound.append(self.centre.distributor.join(call, SUPPORT, arrived or call.arrived))

    def caller_comes(self, which: int) -> None:
        call = self.centre.caller("13900139009", waited=7.0 * which)
        self.inbound.append(self.centre.distributor.join(call, SALES if which else SUPPORT, call.arrived))

    def agent_hangs_up(self, which: int) -> None:
        lines = list(self.centre.agents_lines.values())
        if lines:
            lines[which % len(lines)].leave()

    def link_back(self) -> None:
        self.centre.switch.fails.clear()
        self.centre.up(living=list(self.centre.agents_lines), gap=1.0)

    def refuse(self, which: int) -> None:
        if which:
            self.centre.switch.refuse("click_to_call")
        else:
            self.centre.switch.fails.clear()

    def agents_phone(self, which: int) -> Phone:
        return self.centre.trunk.phone(str(1001 + which % 2))

    def customers_phone(self, which: int) -> Phone:
        return self.centre.trunk.phone(NUMBERS[which])

    def known(self, which: int) -> bool:
        return any(one.number == NUMBERS[which] for one in self.centre.recorder.callbacks.values())

    # ------------------------------------------------------------ what always holds

    def look(self) -> None:
        """One call for one number, one agent for each call, one open callback for each number."""
        self.serve_callers()
        calls = [call for call in self.centre.calls if call.direction is Direction.OUTBOUND]
        assert all(count == 1 for count in Counter(call.number.key for call in calls).values())
        dialled = [call for call in calls if call.stage is Stage.RINGING]
        assert all(count == 1 for count in Counter(call.agent_id for call in calls).values())
        reserved = {agent.id for agent in self.centre.roster if agent.state in WITH_A_CALL}
        assert {call.agent_id for call in dialled} <= reserved
        assert len(dialled) <= len(reserved)
        kept = [one for one in self.centre.recorder.callbacks.values() if one.state in OPEN]
        assert all(count == 1 for count in Counter(one.number for one in kept).values())
        assert len(kept) == len(self.centre.callbacks)
        for one in self.centre.recorder.callbacks.values():
            assert one.tries <= CALLBACK_RULES.tries
            if one.id in self.places:
                assert one.arrived_at.timestamp() <= self.places[one.id] + 1e-3

    def serve_callers(self) -> None:
        """Whoever is offered a caller answers and is done at once; callers who are let go, go."""
        for place in list(self.inbound):
            offer = place.taken()
            if offer is not None:
                self.inbound.remove(place)
                self.centre.distributor.end(offer, OfferResult.ANSWERED)
                self.centre.roster.talk_begun(offer.agent_id, place.call.id)
                self.centre.distributor.leave(place)
                self.centre.roster.talk_ended(offer.agent_id, place.call.id, 0)
            elif not place.pending:
                self.inbound.remove(place)
                self.centre.distributor.leave(place)

    async def finish(self) -> None:
        """A day later nothing is open, nobody is held."""
        self.link_back()
        for _ in range(32):
            for number in AGENTS:
                try:
                    self.centre.desk.ready(AgentId(number))
                except CallcenterError as error:
                    raise AssertionError(error.message) from error
                self.centre.trunk.phone(str(1000 + number)).move(answered=True)
            await asyncio.sleep(2)
            for customer in NUMBERS:
                self.centre.trunk.phone(customer).move()
            self.look()
            await asyncio.sleep(3600)
            self.look()
            if len(self.centre.callbacks) == 0:
                break
        assert len(self.centre.callbacks) == 0
        assert not [one for one in self.centre.recorder.callbacks.values() if one.state in OPEN]
        assert not [call for call in self.centre.calls if call.direction is Direction.OUTBOUND]
        assert len(self.centre.distributor.line) == 0
        assert not self.centre.parts.in_dialogue
        assert not {agent.state for agent in self.centre.roster} & WITH_A_CALL


@settings(max_examples=50, deadline=None)
@given(deeds)
def test_whatever_happens(script: list[tuple[str, int, float]]) -> None:
    """Never two calls for one callback, never more dialled than agents reserved, no place worse than it was, every
    callback comes to an end, and no agent is left held."""
    loop = VirtualTimeLoop()
    try:
        loop.run_until_complete(World().play(script))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
