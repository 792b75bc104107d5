"""What happens to calls and offers is on record as it happens."""

import datetime as dt

import pytest

from callcenter.calls.call import Call, Direction, Stage
from callcenter.calls.events import CallChanged, CallEnded, CallOffered, OfferEnded, OfferResult
from callcenter.calls.number import normalise
from callcenter.clock import ManualClock
from callcenter.history.keeper import Keeper
from callcenter.ids import AgentId, CallId, Extension, OfferId
from tests.fakes.fake_routing import decision
from tests.fakes.memory_recorder import MemoryRecorder

pytestmark = pytest.mark.unit


def test_offers_and_calls() -> None:
    """An offer is one row from its beginning to its end; an end without a beginning writes nothing."""
    clock, recorder = ManualClock(), MemoryRecorder()
    keeper = Keeper(recorder, clock)
    call = Call(CallId("c"), Direction.INBOUND, normalise("10086", "CN"), "", "", clock.now(), clock.wall())
    keeper.call_changed(CallChanged(call, Stage.ARRIVED, clock.now()))
    offer = OfferId("o")
    keeper.call_offered(CallOffered(offer, call, AgentId(1), Extension("1001"), clock.now(), "longest idle"))
    assert recorder.offers[offer].result == "offered"
    assert recorder.offers[offer].ended_at is None
    clock.move(9)
    for result in (OfferResult.NO_ANSWER, OfferResult.ANSWERED):
        keeper.offer_ended(OfferEnded(offer, call, AgentId(1), result, clock.now()))
    row = recorder.offers[offer]
    assert (row.result, row.why, row.call_id, row.agent_id) == ("no_answer", "longest idle", "c", 1)
    assert row.ended_at is not None
    assert row.ended_at - row.offered_at == dt.timedelta(seconds=9)
    keeper.call_ended(CallEnded(call, clock.now()))
    assert set(recorder.calls) == {"c"}


def test_a_decision_is_kept_from_the_offers_beginning_to_its_end() -> None:
    """As JSON, so that the record needs no class of today; an offer that nobody decided has none."""
    clock, recorder = ManualClock(), MemoryRecorder()
    keeper = Keeper(recorder, clock)
    call = Call(CallId("c"), Direction.INBOUND, normalise("10086", "CN"), "", "", clock.now(), clock.wall())
    made, phone = decision(), Extension("1003")
    keeper.call_offered(CallOffered(OfferId("o"), call, AgentId(3), phone, clock.now(), "why", made))
    keeper.call_offered(CallOffered(OfferId("p"), call, AgentId(3), phone, clock.now(), "why"))
    assert recorder.offers[OfferId("o")].decision == made.packed()
    keeper.offer_ended(OfferEnded(OfferId("o"), call, AgentId(3), OfferResult.ANSWERED, clock.now()))
    row = recorder.offers[OfferId("o")]
    assert (row.result, row.why, row.decision) == ("answered", "why", made.packed())
    assert recorder.offers[OfferId("p")].decision == ""
