"""The calls that callbacks are made by: the agent who is reserved sees whom it is about, the agent's phone rings, and
answered, the outbound dialogue dials the customer."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from callcenter.callbacks.callback import Callback
from callcenter.callbacks.ports import KeptCallbacks, PastCalls
from callcenter.callbacks.rules import CallbackRules
from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.live_calls import LiveCalls
from callcenter.calls.number import normalise
from callcenter.calls.ports import PhoneBook, QueueSettings, Switch
from callcenter.clock import Clock
from callcenter.customers.identification import Identification
from callcenter.errors import CallcenterError
from callcenter.follow_ups.follow_up import AttemptResult
from callcenter.history.ports import Recorder
from callcenter.ids import CallId, QueueName, new_id
from callcenter.reception.attempts import Attempts
from callcenter.routing.distributor import Distributor
from callcenter.routing.offer import Offer
from callcenter.screen_pop.pop import Why
from callcenter.screen_pop.presenter import Presenter
from callcenter.tasks import Tasks

log = structlog.get_logger(__name__)

LOOKUP_PATIENCE = 1.0
"""Seconds; what is found later reaches the screen with the call's next change."""


@dataclass(frozen=True, slots=True)
class CallbackParts:
    """What callbacks are made with; ``in_dialogue``: as in ``reception.parts``."""

    calls: LiveCalls
    identification: Identification
    distributor: Distributor
    presenter: Presenter
    switch: Switch
    phone_book: PhoneBook
    queues: Mapping[QueueName, QueueSettings]
    attempts: Attempts
    recorder: Recorder
    kept: KeptCallbacks
    rules: CallbackRules
    tasks: Tasks
    clock: Clock
    region: str
    in_dialogue: set[CallId]
    past: PastCalls | None = None
    """The record of calls, for callers who ring again after our restart."""


class CallbackCalls:
    """One call for each try. It is on record from the moment that it is dialled."""

    def __init__(self, parts: CallbackParts) -> None:
        self._p = parts

    def new(self, callback: Callback) -> Call:
        """The call of the next try, which takes the place in line."""
        p = self._p
        return Call(
            id=CallId(new_id(p.clock)),
            direction=Direction.OUTBOUND,
            number=normalise(callback.number, p.region),
            caller_name="",
            did="",
            arrived=p.clock.now(),
            arrived_at=p.clock.wall(),
            language=callback.language,
            queue=callback.queue,
            tier=callback.tier,
            skills=callback.skills,
            customer_id=callback.customer_id,
        )

    def begin(self, call: Call, offer: Offer) -> None:
        """An agent is reserved: the call begins now, what waited until now was the callback."""
        p = self._p
        call.arrived, call.arrived_at, call.did = p.clock.now(), p.clock.wall(), offer.extension
        p.calls.add(call)
        p.calls.enter(call, Stage.DIALLING, queue=call.queue, agent_id=offer.agent_id)
        p.attempts.began(call, offer.agent_id, call.arrived_at)

    async def show(self, call: Call, offer: Offer, asked_at: dt.datetime) -> None:
        """The pop on the agent's screen: it says how long ago the customer asked."""
        p = self._p
        if call.customer_id is not None:
            match = await p.identification.as_customer(call, call.customer_id)
        else:
            match = await p.identification.wait(call, LOOKUP_PATIENCE)
        await p.presenter.show(
            offer.agent_id,
            call,
            match,
            offer_id=offer.id,
            why=Why.CALLBACK,
            why_seconds=max(0.0, (p.clock.wall() - asked_at).total_seconds()),
        )

    async def ring(self, call: Call, offer: Offer, ring_seconds: int) -> None:
        """The agent's phone; raises ``TelephonyDown``, ``ActionFailed``, ``BadInput``."""
        await self._p.switch.click_to_call(
            call.id,
            self._p.phone_book.dial_string(offer.extension),
            call.number.key,
            ring_seconds=ring_seconds,
            variables={"CC_AGENT": offer.extension},
        )

    def break_off(self, call: Call, attempt: AttemptResult, reason: EndReason) -> None:
        """The call ends before a dialogue has it; one that is in dialogue is ended there."""
        if call.stage is Stage.ENDED or call.id in self._p.in_dialogue:
            return
        self._p.attempts.ended(call, attempt)
        if call.agent_id is not None:
            self._p.presenter.close(call.agent_id, call.id)
        self._p.calls.end(call, reason)

    def hang_up(self, call: Call) -> None:
        """Whatever rings for it stops."""
        self._p.tasks.run(self._hang_up(call.id), f"hang up {call.id}")

    async def _hang_up(self, call_id: CallId) -> None:
        try:
            await self._p.switch.hang_up_call(call_id)
        except CallcenterError as error:
            log.info("nothing to hang up for a callback", call_id=call_id, reason=error.message)
