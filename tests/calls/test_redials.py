"""Callers who ring again: who finds the old place, once, and what leaves none; on virtual time."""

import asyncio
import datetime as dt
from typing import Self

import pytest

from callcenter.callbacks.callback import CallbackState
from callcenter.callbacks.redial import SERVED, Came, PastCall
from callcenter.calls.call import Direction, EndReason
from callcenter.calls.events import CallerLeft
from callcenter.calls.number import normalise
from callcenter.errors import CallcenterError
from callcenter.ids import AgentId, CallId, QueueName, new_id
from callcenter.reception import redials
from callcenter.reception.redials import READS, SETTLED, Redials
from callcenter.reception.visit import ToQueue, WaitPlan
from callcenter.routing.rules import RoutingRules
from tests.fakes.callback_centre import CUSTOMER, CallbackCentre
from tests.fakes.centre import Centre, adds_up
from tests.fakes.fake_visit import SALES, SUPPORT
from tests.fakes.scripted_line import ScriptedLine
from tests.virtual_time import settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

WITHIN = RoutingRules().resume_within
OTHER = "13900139000"


async def leaves(*lines: ScriptedLine) -> None:
    """They hang up."""
    for line in lines:
        line.leave()
    await settle()


def age(centre: Centre, line: ScriptedLine) -> float:
    """Seconds that this caller has waited, as the line counts."""
    waiting = centre.distributor.line.get(CallId(line.variables["CC_CALL"]))
    assert waiting is not None
    return round(centre.clock.now() - waiting.arrived, 1)


def resumed(centre: Centre, line: ScriptedLine) -> bool:
    """Does the record say so?"""
    return "resumed" in centre.record_of(line).marks


async def gives_up(centre: Centre, seconds: float = 100.0, queue: QueueName = SUPPORT) -> ScriptedLine:
    """The usual caller waits so long, and hangs up."""
    line = await centre.waiting(queue=queue)
    await asyncio.sleep(seconds)
    await leaves(line)
    assert centre.record_of(line).end_reason is EndReason.ABANDONED
    return line


async def talks(centre: Centre, line: ScriptedLine, seconds: float, *, caller_ends: bool = True) -> None:
    """Agent 1, who is logged in, takes the call."""
    centre.desk.ready(AgentId(1))
    await asyncio.sleep(1)
    centre.trunk.phones["1001"].move(answered=True)
    await asyncio.sleep(seconds)
    if caller_ends:
        line.leave()
    else:
        centre.trunk.phones["1001"].move()
    await settle()


# ------------------------------------------------------------ found


async def test_who_gave_up_finds_the_old_place() -> None:
    """Ahead of a caller of the same tier who came meanwhile; the record of the second call says so."""
    async with Centre() as centre:
        first = await gives_up(centre)
        other = await centre.waiting(OTHER)
        await asyncio.sleep(50)
        again = await centre.waiting()
        assert age(centre, again) == 150
        assert age(centre, other) == 50
        assert centre.distributor.position(CallId(again.variables["CC_CALL"])) == 1
        assert (resumed(centre, first), resumed(centre, again), resumed(centre, other)) == (
            False,
            True,
            False,
        )
        await centre.agent(1)
        await asyncio.sleep(1)
        assert centre.trunk.rung[0].call_id == again.variables["CC_CALL"]
        await leaves(again, other)
        assert adds_up(centre.record_of(again))


async def test_it_is_found_once() -> None:
    """A third call, while the second lives, has its own place; so has one after the second was served."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        await gives_up(centre)
        again, third = await centre.waiting(), await centre.waiting()
        assert (age(centre, again), age(centre, third)) == (100, 0)
        await leaves(third)
        await talks(centre, again, 60)
        later = await centre.waiting()
        assert (age(centre, later), resumed(centre, later)) == (0, False)
        await leaves(later)


async def test_the_time_in_which_it_is_found() -> None:
    """To the last second of it, from the end of the call; it is the rules that are in service then."""
    for rules, later, found in (
        (None, WITHIN, True),
        (None, WITHIN + 0.1, False),
        (RoutingRules(resume_within=WITHIN + 100), WITHIN + 100, True),
        (RoutingRules(resume_within=0), 1, False),
    ):
        async with Centre() as centre:
            await gives_up(centre, 10)
            if rules is not None:
                centre.distributor.apply(rules, 2)
            await asyncio.sleep(later)
            again = await centre.waiting()
            assert resumed(centre, again) is found
            assert age(centre, again) == (10 + later if found else 0)
            await leaves(again)


async def test_only_in_the_same_queue() -> None:
    """Asked for somebody else, the caller has the call's own place; the old one is still there."""
    async with Centre() as centre:
        await gives_up(centre)
        elsewhere = await centre.waiting(queue=SALES)
        assert (age(centre, elsewhere), resumed(centre, elsewhere)) == (0, False)
        again = await centre.waiting()
        assert age(centre, again) == 100
        await leaves(elsewhere, again)


async def test_the_newest_place_counts() -> None:
    """One for each number: who gave up in another queue since has left the first."""
    async with Centre() as centre:
        await gives_up(centre, 100)
        await gives_up(centre, 20, SALES)
        support, sales = await centre.waiting(), await centre.waiting(queue=SALES)
        assert (age(centre, support), age(centre, sales)) == (0, 20)
        await leaves(support, sales)


async def test_giving_up_again_and_again() -> None:
    """The place goes on: three calls of 100 s have waited 300 s."""
    async with Centre() as centre:
        for _ in range(3):
            await gives_up(centre, 100)
        again = await centre.waiting()
        assert age(centre, again) == 300
        await leaves(again)


async def test_back_in_the_same_line_it_is_still_there() -> None:
    """Led away by a key and back again, the caller keeps the place as long as the call lives."""
    async with Centre() as centre:
        await gives_up(centre)
        centre.ivr.plan = WaitPlan(keys=frozenset("5"))
        centre.ivr.ways["key:5"] = ToQueue(SUPPORT)
        again = await centre.waiting()
        again.press("5")
        await settle()
        assert centre.ivr.visits[-1].outcomes == ["key:5"]
        assert age(centre, again) == 100
        await leaves(again)


@pytest.mark.parametrize("caller_ends", [True, False])
@pytest.mark.parametrize(("talk", "found"), [(SERVED - 1, True), (SERVED + 1, False)])
async def test_cut_off_in_a_talk(caller_ends: bool, talk: float, found: bool) -> None:
    """A talk that was too short to be one, whoever ended it, leaves the place; a longer one does not."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        line = await centre.waiting()
        await asyncio.sleep(100)
        await talks(centre, line, talk, caller_ends=caller_ends)
        again = await centre.waiting()
        assert resumed(centre, again) is found
        await leaves(again)


async def test_who_was_served_leaves_nothing() -> None:
    """Not even what an earlier call left, in whatever queue."""
    async with Centre() as centre:
        await centre.agent(1, ready=False)
        await gives_up(centre)
        sales = await centre.waiting(queue=SALES)
        await talks(centre, sales, 60)
        again = await centre.waiting()
        assert not resumed(centre, again)
        await leaves(again)


async def test_lost_while_waiting() -> None:
    """Asterisk was away, and the call is not there any more: no fault of the caller's."""
    async with Centre() as centre:
        line = await centre.waiting()
        await asyncio.sleep(30)
        call = centre.record_of(line)
        centre.down()
        await asyncio.sleep(15.1)
        await settle()
        centre.up(living=[call.id])
        centre.bus.publish(CallerLeft(call.id, centre.clock.now()))
        assert centre.record_of(line).end_reason is EndReason.FALLBACK_LOST
        again = await centre.waiting()
        assert age(centre, again) > 45
        await leaves(again)


# ------------------------------------------------------------ nothing is left


@pytest.mark.parametrize("number", ["anonymous", "", "1234", "<script>"])
async def test_numbers_that_are_nobodys(number: str) -> None:
    """Withheld, short and broken numbers: whoever comes next with such a one is somebody else."""
    async with Centre() as centre:
        line = await centre.waiting(number)
        await asyncio.sleep(100)
        await leaves(line)
        assert len(centre.callbacks.redials) == 0
        again = await centre.waiting(number)
        assert (age(centre, again), resumed(centre, again)) == (0, False)
        await leaves(again)


@pytest.mark.parametrize("how", ["in the ivr", "goodbye", "by key", "after the time"])
async def test_who_was_not_in_line_at_the_end(how: str) -> None:
    """Hung up in a menu, or left the line by an own way: there is no place to come back to."""
    async with Centre() as centre:
        centre.ivr.plan = WaitPlan(keys=frozenset("5"), timeout=50.0)
        if how in {"in the ivr", "goodbye"}:
            line = centre.call()
            await settle()
            if how == "goodbye":
                line.press("9")
        else:
            line = await centre.waiting()
            await asyncio.sleep(20)
            if how == "by key":
                line.press("5")
                await settle()
            else:
                await asyncio.sleep(31)
        await leaves(line)
        assert centre.record_of(line).ended is not None
        assert len(centre.callbacks.redials) == 0


async def test_there_is_an_end_to_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are kept; what is too old goes, though nobody asks for it."""
    monkeypatch.setattr(redials, "MOST", 5)
    async with CallbackCentre() as centre:
        kept = centre.callbacks.redials
        for number in range(8):
            call = centre.caller(f"+861380013800{number}")
            kept.keep(call, SUPPORT, call.arrived)
        assert len(kept) == 5
        found = [kept.take(normalise(f"+861380013800{n}", "CN"), SUPPORT) is not None for n in range(8)]
        assert found == [False] * 3 + [True] * 5
        kept.keep(centre.caller(), SUPPORT, 0.0)
        await asyncio.sleep(WITHIN + 1)
        kept.keep(centre.caller("+8613900139000"), SUPPORT, 0.0)
        assert len(kept) == 1


# ------------------------------------------------------------ and callbacks


async def test_asking_for_a_callback_takes_the_place_along() -> None:
    """Who gave up, rings again and would rather be called back keeps the old place, and leaves no second one."""
    async with CallbackCentre() as centre:
        await gives_up(centre, 100)
        assert len(centre.callbacks.redials) == 1
        assert centre.asks(waited=10) == "kept"
        kept = centre.callback()
        assert (kept.asked_at - kept.arrived_at).total_seconds() == pytest.approx(100)
        assert len(centre.callbacks.redials) == 0


async def test_a_caller_who_resumed_and_asks() -> None:
    """The same from the line: the old place goes on in the callback, and with the next call."""
    async with CallbackCentre() as centre:
        await gives_up(centre, 100)
        again = await centre.waiting()
        await asyncio.sleep(20)
        call = centre.record_of(again)
        assert centre.callbacks.ask(call, SUPPORT, call.number.key, call.arrived) == "kept"
        await leaves(again)
        kept = centre.callback()
        assert (kept.asked_at - kept.arrived_at).total_seconds() == pytest.approx(120)
        third = await centre.waiting()
        assert age(centre, third) == 120
        assert centre.callback().state is CallbackState.MERGED
        await leaves(third)


async def test_never_two_places() -> None:
    """A callback waits, and the same number gives up in line: the next call finds both, the earlier place counts, and
    nobody is rung any more."""
    async with CallbackCentre() as centre:
        line = await centre.waiting()
        await asyncio.sleep(50)
        assert centre.asks(waited=10) == "kept"
        await leaves(line)
        assert (len(centre.callbacks), len(centre.callbacks.redials)) == (1, 1)
        again = await centre.waiting()
        assert age(centre, again) == 50
        assert (len(centre.callbacks), len(centre.callbacks.redials)) == (0, 0)
        third = await centre.waiting()
        assert age(centre, third) == 0
        assert centre.distributor.waiting_in(SUPPORT) == 2
        await leaves(again, third)


async def test_refused_callbacks_take_nothing() -> None:
    """A number that can't be rung: the place stays for who rings again."""
    async with CallbackCentre() as centre:
        await gives_up(centre, 100)
        call = centre.caller()
        assert centre.callbacks.ask(call, SUPPORT, "110", call.arrived) == "refused"
        again = await centre.waiting()
        assert age(centre, again) == 100
        await leaves(again)


@pytest.mark.parametrize(("talk", "found"), [(SERVED - 2, True), (SERVED + 5, False)])
async def test_cut_off_in_a_callback(talk: float, found: bool) -> None:
    """Called back and cut off: who rings us then has the place that the callback had."""
    async with CallbackCentre() as centre:
        await centre.agent(1)
        centre.asks(waited=100)
        await asyncio.sleep(1)
        centre.trunk.phones["1001"].move(answered=True)
        await asyncio.sleep(4)
        centre.trunk.phones[CUSTOMER].move(answered=True)
        await asyncio.sleep(talk)
        centre.trunk.phones[CUSTOMER].move()
        await settle()
        assert centre.callback().state is CallbackState.CONNECTED
        again = await centre.waiting()
        assert age(centre, again) == (105 + talk if found else 0)
        await leaves(again)


# ------------------------------------------------------------ after a restart


class Record:
    """The calls that the record has."""

    def __init__(self, *calls: PastCall) -> None:
        self.calls = list(calls)
        self.asked: list[dt.datetime] = []
        self.away = False

    async def past_calls(self, since: dt.datetime) -> list[PastCall]:
        self.asked.append(since)
        if self.away:
            raise CallcenterError("the database is away")
        return self.calls


class Restarted(CallbackCentre):
    """A centre that begins with this record."""

    def __init__(self, record: Record) -> None:
        self.past = record
        super().__init__()

    async def __aenter__(self) -> Self:
        self.callbacks.redials = Redials(self.distributor, self.clock, self.tasks, self.past)
        return await super().__aenter__()

    def past_call(
        self,
        arrived: float,
        ended: float | None,
        came: Came = Came.LEFT,
        *,
        queue: QueueName = SUPPORT,
        resumed: bool = False,
        number: str = CUSTOMER,
    ) -> PastCall:
        """One that arrived and ended so many seconds ago."""
        wall = self.clock.wall()
        return PastCall(
            CallId(new_id(self.clock)),
            number,
            Direction.INBOUND,
            queue,
            wall - dt.timedelta(seconds=arrived),
            None if ended is None else wall - dt.timedelta(seconds=ended),
            came,
            resumed,
        )


async def place_of(centre: Restarted) -> float | None:
    """How long the usual caller who rings now has waited; None: has no older place."""
    line = await centre.waiting()
    waited = age(centre, line)
    found = resumed(centre, line)
    await leaves(line)
    return waited if found else None


@pytest.mark.parametrize(
    ("calls", "waited"),
    [
        ([(300, 200, "left")], 300),
        ([(300, 200, "served")], None),
        ([(300, 200, "nothing")], None),
        ([(900, WITHIN + 1, "left")], None),
        ([(400, 300, "left"), (200, 100, "left")], 200),
        ([(400, 300, "left"), (200, 100, "served")], None),
        ([(400, 300, "left"), (200, 100, "nothing")], 400),
        ([(400, 300, "left"), (200, 100, "left", "resumed")], 400),
        ([(400, 300, "left"), (200, 100, "nothing", "resumed")], None),
        ([(500, 400, "left"), (390, 300, "left", "resumed"), (200, 100, "left", "resumed")], 500),
    ],
)
async def test_read_back(
    calls: list[tuple[float, float, str] | tuple[float, float, str, str]], waited: float | None
) -> None:
    """What the calls of the last minutes left, as if we had been there: in the order of what happened."""
    record = Record()
    async with Restarted(record) as centre:
        record.calls = [centre.past_call(c[0], c[1], Came(c[2]), resumed=len(c) > 3) for c in calls]
        centre.callbacks.redials.start()
        await asyncio.sleep(0.5)
        found = await place_of(centre)
        assert found == (None if waited is None else waited + 0.5)


async def test_a_caller_who_has_been_resumed_when_we_ended() -> None:
    """Back from the fallback queue, the call still has the older place."""
    record = Record()
    async with Restarted(record) as centre:
        living = centre.past_call(200, None, Came.NOTHING, resumed=True)
        record.calls = [centre.past_call(400, 300), living]
        centre.callbacks.redials.start()
        await settle()
        line = centre.call(CC_CALL=living.call_id, CC_QUEUE="support", CC_ARRIVED="")
        await settle()
        assert age(centre, line) == 400
        await leaves(line)


async def test_the_record_is_read_again() -> None:
    """The fallback's notes come on record a little after our start; what was found already is not found twice."""
    record = Record()
    async with Restarted(record) as centre:
        record.calls = [centre.past_call(300, 200)]
        centre.callbacks.redials.start()
        await settle()
        assert await place_of(centre) == 300
        again = await centre.waiting()
        assert resumed(centre, again)
        record.calls.append(centre.past_call(100, 50, number="+8613900139000"))
        await asyncio.sleep(READS[-1] + 1)
        assert len(record.asked) >= len(READS)
        other = await centre.waiting(OTHER)
        assert resumed(centre, other)
        third = await centre.waiting()
        assert not resumed(centre, third)
        await leaves(again, other, third)


async def test_the_database_is_away() -> None:
    """Nobody finds a place, and nothing breaks; it is tried again."""
    record = Record()
    record.away = True
    async with Restarted(record) as centre:
        centre.callbacks.redials.start()
        await settle()
        assert await place_of(centre) is None
        record.away = False
        record.calls = [centre.past_call(300, 100, number="+8613900139000")]
        await asyncio.sleep(READS[-1] + 1)
        other = await centre.waiting(OTHER)
        assert resumed(centre, other)
        await leaves(other)


@pytest.mark.parametrize("came", [Came.SERVED, Came.LEFT])
async def test_what_only_the_fallback_saw(came: Came) -> None:
    """A caller in the fallback queue is gone, unseen: whether somebody served them is on record a little later."""
    record = Record()
    async with Restarted(record) as centre:
        line = await centre.waiting()
        call = centre.record_of(line)
        centre.down()
        await asyncio.sleep(15.1)
        await settle()
        assert centre.record_of(line).stage.value == "fallback"
        centre.up()
        await settle()
        assert centre.record_of(line).end_reason is EndReason.LOST_TRACK
        assert len(centre.callbacks.redials) == 0
        wall = centre.clock.wall()
        record.calls = [
            PastCall(call.id, call.number.key, Direction.INBOUND, SUPPORT, call.arrived_at, wall, came)
        ]
        await asyncio.sleep(SETTLED + 0.1)
        assert (await place_of(centre) is not None) is (came is Came.LEFT)
