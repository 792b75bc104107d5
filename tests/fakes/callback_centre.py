"""A call centre that calls back: the centre on virtual time, with what callbacks need of Asterisk and the record."""

import asyncio
import datetime as dt
from typing import Self

from callcenter.agents.roster import RosterRules
from callcenter.callbacks.callback import Callback
from callcenter.callbacks.rules import CallbackRules
from callcenter.calls.call import Call, Direction
from callcenter.calls.events import OutboundFailed, PhoneState
from callcenter.calls.number import normalise
from callcenter.customers.customer import CustomerRecord
from callcenter.ids import CallId, QueueName, new_id
from tests.fakes.centre import CALLBACK_RULES, Centre
from tests.fakes.fake_switch import FakeSwitch
from tests.fakes.fake_visit import SUPPORT
from tests.fakes.memory_recorder import MemoryRecorder
from tests.fakes.scripted_line import ScriptedLine
from tests.virtual_time import settle

CUSTOMER = "+8613800138000"


class HangingSwitch(FakeSwitch):
    """Hanging up a call ends what rings for it."""

    centre: "CallbackCentre"

    async def hang_up_call(self, call_id: CallId) -> None:
        await super().hang_up_call(call_id)
        self.centre.hang_up(call_id)


class CallbackCentre(Centre):
    """``record``: that of a centre which has ended, whose callbacks are taken up."""

    def __init__(
        self,
        *customers: CustomerRecord,
        rules: RosterRules | None = None,
        callback_rules: CallbackRules = CALLBACK_RULES,
        record: MemoryRecorder | None = None,
        database_away: bool = False,
    ) -> None:
        self._record = record
        self.callback_rules = callback_rules
        self.agents_lines: dict[CallId, ScriptedLine] = {}
        self.phones_rung: dict[CallId, str] = {}
        super().__init__(*customers, rules=rules)
        self.kept_callbacks.away = database_away

    def _build(self, rules: RosterRules) -> None:
        switch = HangingSwitch()
        switch.centre = self
        self.switch = switch
        if self._record is not None:
            self.recorder = self._record
        super()._build(rules)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.callbacks.start()
        await settle()
        return self

    # ------------------------------------------------------------ Asterisk

    def hang_up(self, call_id: CallId) -> None:
        """The channel that carries the call: the agent's, or the ring at the agent's phone."""
        if (line := self.agents_lines.get(call_id)) is not None:
            line.leave()
        elif (phone := self.phones_rung.get(call_id)) is not None:
            self.trunk.phones[phone].move(reaction="rejected")

    async def _originate(self, call_id: CallId, phone: str, ring_seconds: int) -> None:
        owner = self.trunk.phone(phone)
        owner.forget()
        self.phones_rung[call_id] = owner.extension
        self.trunk.set_state(owner, PhoneState.RINGING)
        try:
            async with asyncio.timeout(ring_seconds):
                await owner.moves.wait()
        except TimeoutError:
            owner.move(reaction="no_answer")
        del self.phones_rung[call_id]
        if owner.reaction is not None:
            self.trunk.set_state(owner, PhoneState.IDLE)
            self.trunk.see(OutboundFailed(call_id, owner.reaction, self.clock.now()))
            return
        self.trunk.set_state(owner, PhoneState.BUSY)
        line = ScriptedLine(self.trunk, own=owner.extension, channel_id=f"node7f-2.{call_id}")
        line.variables["CC_CALL"] = call_id
        self.agents_lines[call_id] = self.agent_line = line
        try:
            await self.outbound.serve(line)
        finally:
            del self.agents_lines[call_id]
            self.trunk.set_state(owner, PhoneState.IDLE)

    # ------------------------------------------------------------ people

    def caller(self, number: str = CUSTOMER, *, waited: float = 0.0, tier: str = "regular") -> Call:
        """The call of somebody who has waited so long."""
        return Call(
            id=CallId(new_id(self.clock)),
            direction=Direction.INBOUND,
            number=normalise(number, "CN"),
            caller_name="",
            did="4001",
            arrived=self.clock.now() - waited,
            arrived_at=self.clock.wall() - dt.timedelta(seconds=waited),
            tier=tier,
            language="zh",
        )

    def asks(
        self,
        number: str = CUSTOMER,
        *,
        queue: QueueName = SUPPORT,
        waited: float = 0.0,
        tier: str = "regular",
        call: Call | None = None,
    ) -> str:
        """Somebody who has waited so long asks to be called back, and hangs up."""
        call = call or self.caller(number, waited=waited, tier=tier)
        return self.callbacks.ask(call, queue, number, call.arrived)

    # ------------------------------------------------------------ what came of it

    def callback(self, number: str = CUSTOMER) -> Callback:
        """The latest callback to this number, as the record has it."""
        found = [one for one in self.recorder.callbacks.values() if one.number == number]
        return max(found, key=lambda one: (one.asked_at, one.id))

    def states(self, number: str = CUSTOMER) -> list[str]:
        """Its states, as they were written, each once in a row."""
        told: list[str] = []
        for one in self.recorder.callback_writes:
            if one.number == number and told[-1:] != [one.state.value]:
                told.append(one.state.value)
        return told

    def rung_at(self, number: str = CUSTOMER) -> list[float]:
        """When this customer's telephone was rung."""
        return [round(one.at - 1000.0) for one in self.trunk.rung if one.extension == number]

    def callbacks_in_hand(self) -> list[str]:
        """Numbers that an agent is reserved for, or speaks with."""
        return [call.number.key for call in self.calls if call.direction is Direction.OUTBOUND]
