"""Who is calling: each way a look-up ends, and what it does to the call."""

import asyncio

import pytest
from structlog.testing import capture_logs

from callcenter.bus import Bus
from callcenter.calls.call import Call, Direction, EndReason
from callcenter.calls.events import CallChanged
from callcenter.calls.live_calls import LiveCalls
from callcenter.calls.number import normalise
from callcenter.customers.customer import Tier
from callcenter.customers.identification import PENDING, Identification
from callcenter.customers.lookup import MatchKind, identify, recall
from callcenter.ids import CallId, CustomerId
from callcenter.tasks import Tasks
from tests.fakes.fake_directory import FakeDirectory, customer
from tests.virtual_time import LoopClock, settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

NUMBER = "+8613800138000"
KEY = customer(1, "Li", Tier.KEY, NUMBER)
SMALL = customer(2, "Wu", Tier.SMALL, NUMBER)


class Front:
    """Live calls and the look-ups that run for them."""

    def __init__(self, *records: object) -> None:
        self.clock = LoopClock()
        self.bus = Bus()
        self.tasks = Tasks("front")
        self.calls = LiveCalls(self.bus, self.clock)
        self.directory = FakeDirectory(*records)  # type: ignore[arg-type]
        self.ident = Identification(self.directory, self.calls, self.tasks)

    def call(self, number: str = NUMBER) -> Call:
        """A caller."""
        now, wall = self.clock.now(), self.clock.wall()
        call = Call(CallId(f"c{now}"), Direction.INBOUND, normalise(number, "CN"), "", "4001", now, wall)
        self.calls.add(call)
        return call


async def test_known() -> None:
    """Tier and customer are written into the call, and it is told; asked once however often it is begun."""
    front = Front(KEY)
    call = front.call()
    told: list[CallChanged] = []
    front.bus.subscribe(CallChanged, told.append)
    assert front.ident.of(call.id) is PENDING
    front.ident.begin(call)
    front.ident.begin(call)
    match = await front.ident.wait(call, 1)
    assert (match.kind, match.record) == (MatchKind.KNOWN, KEY)
    assert (call.tier, call.customer_id) == ("key", 1)
    assert front.directory.asked == [NUMBER]
    assert len(told) == 1


async def test_several() -> None:
    """The best tier sets the place; who it is stays open."""
    front = Front(SMALL, KEY)
    call = front.call()
    match = await front.ident.wait(call, 1)
    assert [card.name for card in match.candidates] == ["Li", "Wu"]
    assert (match.kind, call.tier, call.customer_id) == (MatchKind.SEVERAL, "key", None)


async def test_patience() -> None:
    """Waiting gives what is known by then; what comes later is kept."""
    front = Front(KEY)
    front.directory.delay = 1
    call = front.call()
    began = front.clock.now()
    assert (await front.ident.wait(call, 0.5)).kind is MatchKind.UNAVAILABLE
    assert front.clock.now() - began == pytest.approx(0.5)
    await asyncio.sleep(2)
    assert front.ident.of(call.id).record == KEY


async def test_a_look_up_has_an_end() -> None:
    """A database that hangs is unavailable after three seconds, and says so once in the log, without the number."""
    directory = FakeDirectory(KEY)
    directory.delay = 3600
    with capture_logs() as logs:
        assert (await identify(directory, normalise(NUMBER, "CN"))).kind is MatchKind.UNAVAILABLE
        assert (await recall(directory, CustomerId(1))).kind is MatchKind.UNAVAILABLE
    assert [line["reason"] for line in logs] == ["TimeoutError", "TimeoutError"]
    assert NUMBER not in repr(logs)


async def test_recall() -> None:
    """A customer known beforehand: the record, or honestly none."""
    front = Front(KEY)
    call = front.call("anonymous")
    assert (await front.ident.as_customer(call, CustomerId(1))).record == KEY
    assert call.tier == "key"
    assert (await recall(front.directory, CustomerId(9))).kind is MatchKind.UNKNOWN


async def test_forgotten_with_the_call() -> None:
    """A look-up that still runs is ended; nothing is kept of a call that is over."""
    front = Front(KEY)
    front.directory.delay = 2
    call = front.call()
    front.ident.begin(call)
    await settle()
    front.calls.end(call, EndReason.ABANDONED)
    front.ident.forget(call.id)
    await settle()
    assert len(front.tasks) == 0
    assert front.ident.of(call.id) is PENDING
