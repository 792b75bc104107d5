"""A call's segments: whatever happens, they add up to its time, and no clock jump bends them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.bus import Bus
from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.events import CallChanged, CallEnded
from callcenter.calls.live_calls import LiveCalls
from callcenter.calls.number import normalise
from callcenter.clock import ManualClock
from callcenter.ids import AgentId, CallId, QueueName, new_id

pytestmark = pytest.mark.unit

STAGES = [stage for stage in Stage if stage not in {Stage.ARRIVED, Stage.ENDED}]


class Office:
    """Live calls and what was told of them."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.bus = Bus()
        self.told: list[CallChanged | CallEnded] = []
        self.bus.subscribe(CallChanged, self.told.append)
        self.bus.subscribe(CallEnded, self.told.append)
        self.calls = LiveCalls(self.bus, self.clock)

    def arrives(self) -> Call:
        """A caller."""
        number = normalise("13800138000", "CN")
        call_id = CallId(new_id(self.clock))
        call = Call(call_id, Direction.INBOUND, number, "", "4001", self.clock.now(), self.clock.wall())
        self.calls.add(call)
        return call


steps = st.lists(
    st.tuples(
        st.sampled_from(STAGES),
        st.floats(0, 10_000, allow_nan=False),
        st.integers(-7200, 7200),
        st.sampled_from([None, AgentId(1), AgentId(2)]),
    ),
    max_size=25,
)


@given(steps, st.sampled_from(EndReason))
def test_segments_add_up(journey: list[tuple[Stage, float, int, AgentId | None]], reason: EndReason) -> None:
    """Any stages in any order, with the machine's clock set back and forth between (F38)."""
    office = Office()
    call = office.arrives()
    for stage, seconds, jump, agent in journey:
        office.clock.move(seconds)
        office.clock.set_wall(office.clock.wall() + dt.timedelta(seconds=jump))
        office.calls.enter(call, stage, queue=QueueName("sales"), agent_id=agent)
    office.calls.end(call, reason)
    assert call.ended is not None
    assert call.ended_at is not None
    edges = [s.started for s in call.segments] + [call.ended]
    assert edges[0] == call.arrived
    assert [s.ended for s in call.segments] == edges[1:]
    dates = [s.started_at for s in call.segments] + [call.ended_at]
    assert [s.ended_at for s in call.segments] == dates[1:]
    assert dates == sorted(dates)
    assert (call.ended_at - call.arrived_at).total_seconds() == pytest.approx(
        call.ended - call.arrived, abs=1e-5
    )
    waited, talked = call.waited(call.ended), call.talked(call.ended)
    assert waited + talked <= call.ended - call.arrived + 1e-6


def test_an_end_is_an_end() -> None:
    """Nothing changes a call that is over, and its end is told once."""
    office = Office()
    call = office.arrives()
    office.calls.end(call, EndReason.ABANDONED)
    office.clock.move(5)
    office.calls.end(call, EndReason.CALLER_HANGUP)
    office.calls.enter(call, Stage.TALKING, agent_id=AgentId(1))
    assert (call.stage, call.end_reason, call.ended) == (Stage.ENDED, EndReason.ABANDONED, 1000.0)
    assert [type(event) for event in office.told] == [CallChanged, CallEnded]
    assert office.calls.get(call.id) is None
    assert list(office.calls) == []


def test_every_change_is_told_with_the_old_stage() -> None:
    """Who listens sees where the call came from; the agent's call is found by agent."""
    office = Office()
    call = office.arrives()
    office.calls.enter(call, Stage.WAITING, queue=QueueName("sales"))
    office.calls.enter(call, Stage.RINGING, agent_id=AgentId(7))
    office.calls.touch(call)
    assert [event.old for event in office.told if isinstance(event, CallChanged)] == [
        Stage.ARRIVED,
        Stage.ARRIVED,
        Stage.WAITING,
        Stage.RINGING,
    ]
    assert office.calls.of_agent(AgentId(7)) is call
    assert office.calls.of_agent(AgentId(8)) is None
    assert call.queue == "sales"
    office.calls.enter(call, Stage.WAITING, queue=QueueName("sales"))
    assert office.calls.of_agent(AgentId(7)) is None


def test_waited_counts_ringing_and_talked_counts_hold() -> None:
    """The caller waits while a phone rings, and is in the talk while on hold."""
    office = Office()
    call = office.arrives()
    seconds = {Stage.IVR: 7, Stage.WAITING: 10, Stage.RINGING: 4, Stage.TALKING: 60, Stage.HELD: 20}
    for stage in (*seconds, Stage.TALKING, Stage.WAITING):
        office.calls.enter(call, stage)
        office.clock.move(seconds[stage])
    now = office.clock.now()
    assert (call.waited(now), call.talked(now), now - call.stage_since()) == (24, 140, 10)
