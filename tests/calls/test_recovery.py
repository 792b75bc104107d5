"""Coming back: after our own restart, with the fallback's notes, and the mirror that the fallback lives by."""

import asyncio
import datetime as dt
from typing import Self

import pytest

from callcenter.agents.states import RoutingState
from callcenter.calls.call import Call, Direction, Stage
from callcenter.calls.events import CallerLeft, PartyAnswered, PartyGone
from callcenter.calls.number import normalise
from callcenter.calls.ports import LiveChannel, MissedCall
from callcenter.errors import CallcenterError
from callcenter.ids import AgentId, CallId, Extension, QueueName, SegmentId
from tests.fakes.centre import WRAP_UP, Centre
from tests.virtual_time import settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

OLD = CallId("0" * 31 + "1")
OTHER = CallId("0" * 31 + "2")


def kept(centre: Centre, call_id: CallId, *, age: float, seen_ago: float) -> None:
    """A call that the record has as open: it arrived ``age`` seconds ago and was last seen ``seen_ago`` ago."""
    now, wall = centre.clock.now(), centre.clock.wall()
    call = Call(
        call_id,
        Direction.INBOUND,
        normalise("13800138000", "CN"),
        "",
        "4001",
        now - age,
        wall - dt.timedelta(seconds=age),
        queue=QueueName("support"),
    )
    call.enter(Stage.WAITING, now - age, SegmentId("s" + call_id), queue=QueueName("support"))
    centre.recorder.open.append((call, wall - dt.timedelta(seconds=seen_ago)))


def channel(call_id: CallId, phone: str, *, bridged: bool) -> LiveChannel:
    """A channel in the snapshot."""
    return LiveChannel("n-1.1", "n-1.1", f"{phone}-00000001", phone, call_id, "Up", "Dial", bridged, 9, "")


def note(key: str, call_id: CallId | None, *, answered: int = 0, ended: int = 0) -> MissedCall:
    """What the fallback wrote down."""
    return MissedCall(key, call_id, "4001", "13800138000", 1, "fallback", "", "", answered, "1001", "", ended)


class Restarted(Centre):
    """A centre whose link comes up only when the test says so: the record and Asterisk are laid out before."""

    async def __aenter__(self) -> Self:
        await self.agent(1)
        return self


async def test_a_talk_is_taken_over() -> None:
    """Two people talk on: their call, their agent and, at its end, the wrap-up are ours again."""
    async with Restarted() as centre:
        kept(centre, OLD, age=100, seen_ago=10)
        centre.switch.channels = [
            channel(OLD, "PJSIP/trunk", bridged=True),
            channel(OLD, "PJSIP/1001", bridged=True),
        ]
        centre.up(living=[OLD])
        await settle()
        call = centre.calls.get(OLD)
        assert call is not None
        assert (call.stage, call.agent_id) == (Stage.TALKING, AgentId(1))
        assert call.marks == {"reconstructed"}
        assert centre.state(1) is RoutingState.ON_CALL
        await asyncio.sleep(30)
        now = centre.clock.now()
        centre.bus.publish(PartyGone(OLD, Extension("1001"), now))
        centre.bus.publish(CallerLeft(OLD, now))
        assert centre.state(1) is RoutingState.WRAP_UP
        assert centre.recorder.calls[OLD].end_reason == "caller_hangup"


async def test_a_waiting_caller_is_taken_over() -> None:
    """Who still waits in the fallback is called back: the call is known, and comes back by the dialplan."""
    async with Restarted() as centre:
        kept(centre, OLD, age=100, seen_ago=10)
        centre.switch.channels = [channel(OLD, "PJSIP/trunk", bridged=False)]
        centre.desk.not_ready(AgentId(1), "BREAK")
        centre.up(living=[OLD])
        await settle()
        assert ("withdraw_waiting",) in centre.switch.told
        call = centre.calls.get(OLD)
        assert call is not None
        assert call.stage is Stage.FALLBACK
        line = centre.call(CC_CALL=OLD, CC_QUEUE="support", CC_ARRIVED="1")
        await settle()
        assert call.stage.value == "waiting"
        assert centre.clock.now() - call.arrived == 100
        line.leave()
        await settle()


async def test_the_fallback_serves_a_caller_that_we_know() -> None:
    """Answered in the fallback queue while we watch, its end unseen: the agent is on the call and wraps up, and the
    note, which knows when, is what the record keeps."""
    async with Restarted() as centre:
        kept(centre, OLD, age=100, seen_ago=10)
        centre.switch.channels = [channel(OLD, "PJSIP/trunk", bridged=False)]
        centre.up(living=[OLD])
        await settle()
        now = centre.clock.now()
        centre.bus.publish(PartyAnswered(OLD, Extension("1001"), now))
        assert centre.state(1) is RoutingState.ON_CALL
        await asyncio.sleep(5)
        centre.switch.missed = [note("k", OLD, answered=5, ended=9)]
        await centre.recovery.import_missed()
        assert centre.state(1) is RoutingState.WRAP_UP
        assert centre.recorder.calls[OLD].end_reason == "lost_track"
        assert [call_id for _, call_id in centre.recorder.missed_rows] == [OLD]


async def test_what_is_gone_is_lost_track_of() -> None:
    """It ended while nobody looked: as lost, marked, and not a second longer than it was last seen."""
    async with Restarted() as centre:
        kept(centre, OLD, age=36_000, seen_ago=35_000)
        centre.up()
        await settle()
        call = centre.recorder.calls[OLD]
        assert call.end_reason == "lost_track"
        assert call.marks == {"reconstructed"}
        assert call.ended is not None
        assert call.ended - call.arrived == pytest.approx(1000)
        assert sum(s.seconds(0) for s in call.segments) == pytest.approx(1000)
        assert len(centre.calls) == 0


async def test_what_the_fallback_wrote_is_not_overwritten() -> None:
    """The fallback knows how it ended: that stays on record, not that we lost track."""
    async with Restarted() as centre:
        kept(centre, OLD, age=100, seen_ago=50)
        centre.switch.missed = [note("k1", OLD, answered=5, ended=9), note("k2", None, ended=7)]
        centre.up()
        await settle()
        assert OLD not in centre.recorder.calls
        assert [missed.key for missed, _ in centre.recorder.missed_rows] == ["k1", "k2"]
        assert centre.recorder.missed_rows[0][1] == OLD
        assert len(centre.recorder.missed_rows[1][1]) == 32
        assert list(centre.parts.notes_read) == ["k1", "k2"]


async def test_notes_are_put_on_record_once_and_when_they_are_whole() -> None:
    """A note without an end waits for it; one that was read is not read again."""
    async with Restarted() as centre:
        centre.switch.missed = [note("k1", OTHER)]
        centre.up()
        await settle()
        assert centre.recorder.missed_rows == []
        centre.switch.missed = [note("k1", OTHER, ended=5)]
        for _ in range(3):
            await centre.recovery.import_missed()
        assert len(centre.recorder.missed_rows) == 1


async def test_the_database_is_away_at_the_start() -> None:
    """The record can't be read: the mirror is told and callers are called back all the same."""
    async with Restarted() as centre:
        centre.recorder.away = True
        centre.up()
        await settle()
        assert ("withdraw_waiting",) in centre.switch.told


async def test_a_step_that_asterisk_refuses() -> None:
    """No step of taking over keeps the others from being done."""
    for step in ("missed_calls", "mirror_agent", "withdraw_waiting"):
        async with Restarted() as centre:
            kept(centre, OLD, age=100, seen_ago=50)
            centre.switch.refuse(step)
            centre.up()
            await settle()
            assert centre.recorder.calls[OLD].end_reason == "lost_track", step
            assert ("withdraw_waiting",) in centre.switch.told


async def test_asterisk_restarted() -> None:
    """A new Asterisk has none of our calls: those without a dialogue end as lost; the gap says why."""
    async with Centre() as centre:
        await centre.agent(1)
        centre.down()
        await asyncio.sleep(3)
        centre.up(restarted=True, gap=3)
        assert centre.recorder.gaps[0].reason == "asterisk restarted"
        gap = centre.recorder.gaps[0]
        assert (gap.ended_at - gap.started_at).total_seconds() == 3


# ------------------------------------------------------------ the mirror


async def test_the_mirror_follows_the_agents() -> None:
    """The fallback queue rings who would be ready here, and nobody else."""
    async with Centre() as centre:
        agent = await centre.agent(1)
        await settle()
        assert centre.switch.members == {"PJSIP/1001": True}
        centre.desk.not_ready(agent.id, "BREAK")
        await settle()
        assert centre.switch.members == {"PJSIP/1001": False}
        await centre.desk.log_out(agent.id)
        await settle()
        assert centre.switch.members == {}


async def test_another_phone() -> None:
    """Who changes the phone is not rung on the old one."""
    async with Centre() as centre:
        await centre.agent(1)
        await settle()
        await centre.desk.log_in(AgentId(1), "Agent 1", "1009", frozenset({QueueName("support")}))
        await settle()
        assert centre.switch.members == {"PJSIP/1009": True}


async def test_on_a_call_but_wanting_no_more() -> None:
    """An agent who chose not ready during a call is not rung by the fallback after it."""
    async with Centre() as centre:
        agent = await centre.agent(1)
        line = await centre.waiting()
        await asyncio.sleep(1)
        centre.trunk.phones["1001"].move(answered=True)
        await settle()
        assert centre.switch.members == {"PJSIP/1001": True}
        centre.desk.not_ready(agent.id, "BREAK")
        await settle()
        assert centre.switch.members == {"PJSIP/1001": False}
        line.leave()
        await settle()


async def test_the_mirror_is_told_again_after_a_gap() -> None:
    """Asterisk may have forgotten; orders that failed are given again, and only the latest state of each agent."""
    async with Centre() as centre:
        agent = await centre.agent(1)
        await settle()
        centre.switch.fails["mirror_agent"] = CallcenterError("away")
        for _ in range(50):
            centre.desk.not_ready(agent.id, "BREAK")
            centre.desk.ready(agent.id)
        centre.desk.not_ready(agent.id, "LUNCH")
        await settle()
        centre.switch.fails.clear()
        before = len(centre.switch.told)
        centre.switch.members.clear()
        centre.up(gap=1)
        await settle()
        assert centre.switch.members == {"PJSIP/1001": False}
        assert len([order for order in centre.switch.told[before:] if order[0] == "mirror_agent"]) == 1
        await asyncio.sleep(WRAP_UP)
