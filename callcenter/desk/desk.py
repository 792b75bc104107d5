"""What an agent may order; each method raises ``CallcenterError`` with words for the agent when it can't be done."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from callcenter.agents.roster import Roster
from callcenter.agents.states import Agent, RoutingState
from callcenter.calls.call import Call, Direction, EndReason, Stage
from callcenter.calls.live_calls import LiveCalls
from callcenter.calls.number import NumberKind, normalise
from callcenter.calls.ports import PhoneBook, QueueSettings, Switch
from callcenter.calls.skills import Levels
from callcenter.clock import Clock
from callcenter.complaints.complaint import NewComplaint, Severity
from callcenter.complaints.complaint import checked as checked_complaint
from callcenter.complaints.ports import Complaints
from callcenter.customers.identification import Identification
from callcenter.desk.feed import Feed
from callcenter.desk.views import agent_view, call_view, targets_view, wrap_up_view
from callcenter.errors import BadInput, Conflict
from callcenter.follow_ups.follow_up import AttemptResult, NewFollowUp
from callcenter.follow_ups.follow_up import checked as checked_follow_up
from callcenter.follow_ups.ports import FollowUps
from callcenter.ids import AgentId, CallId, CustomerId, Extension, FollowUpId, QueueName, new_id
from callcenter.screen_pop.current import CurrentPops
from callcenter.screen_pop.pop import Why
from callcenter.screen_pop.presenter import Presenter
from callcenter.wrap_up.notes import WrapUps

EXTENSION_LIMIT = 20
"""Characters; longer than any that a person would dial."""


class PhoneControl(Protocol):
    """Presses a key on an agent's own phone, where the phone can be told to (its action URI)."""

    @property
    def available(self) -> bool:
        """Whether the settings name a way to tell phones."""

    async def press(self, extension: Extension, action: str) -> None:
        """``answer`` or ``hangup``; raises ``ActionFailed``."""


class OutboundAttempts(Protocol):
    """The record of outbound attempts."""

    def began(self, call: Call, agent_id: AgentId, dialled_at: dt.datetime) -> None:
        """An agent dials."""

    def ended(self, call: Call, result: AttemptResult) -> None:
        """So it came out."""


class PuttingThrough(Protocol):
    """Puts callers through (``reception.blind_transfer.BlindTransfers``)."""

    async def order(self, agent_id: AgentId, call_id: CallId, *, agent: str = "", queue: str = "") -> None:
        """To an agent's extension or to a queue; raises ``CallcenterError``."""


@dataclass(frozen=True, slots=True)
class DeskParts:
    """What the desk works with; ``reasons``: the not-ready codes an agent may choose."""

    roster: Roster
    calls: LiveCalls
    identification: Identification
    presenter: Presenter
    pops: CurrentPops
    feed: Feed
    wrap_ups: WrapUps
    attempts: OutboundAttempts
    transfers: PuttingThrough
    queues: Mapping[QueueName, QueueSettings]
    switch: Switch
    phone_control: PhoneControl
    phone_book: PhoneBook
    complaints: Complaints
    follow_ups: FollowUps
    clock: Clock
    region: str
    ring_seconds: int
    reasons: frozenset[str]


@dataclass(frozen=True, slots=True)
class Target:
    """Whom an outbound call is for."""

    number: str
    customer_id: CustomerId | None = None
    follow_up_id: FollowUpId | None = None


class Desk:
    """One object serves all agents; each method names whose desk it is."""

    def __init__(self, parts: DeskParts) -> None:
        self._p = parts

    # -------------------------------------------------------- presence

    async def log_in(
        self,
        agent_id: AgentId,
        name: str,
        extension: str,
        queues: frozenset[QueueName],
        *,
        skills: Levels | None = None,
    ) -> None:
        """Take a phone; raises ``Conflict`` when another agent holds it."""
        if not extension.isalnum() or not extension.isascii() or len(extension) > EXTENSION_LIMIT:
            raise BadInput("A phone is named by its extension, for example 1001.")
        self._p.roster.log_in(agent_id, name, Extension(extension), queues, skills=skills)

    async def log_out(self, agent_id: AgentId) -> None:
        """Give the phone back."""
        self._p.roster.log_out(agent_id)

    def logged_in(self, agent_id: AgentId) -> bool:
        """Does this agent hold a phone?"""
        return self._p.roster.find(agent_id) is not None

    def screen_opened(self, agent_id: AgentId) -> None:
        """A screen's socket came."""
        self._p.roster.screen_opened(agent_id)

    def screen_closed(self, agent_id: AgentId) -> None:
        """A screen's socket went."""
        self._p.roster.screen_closed(agent_id)

    def ready(self, agent_id: AgentId) -> None:
        """Calls, please."""
        self._p.roster.ready(agent_id)

    def not_ready(self, agent_id: AgentId, reason: str) -> None:
        """No calls for now."""
        if reason not in self._p.reasons:
            raise BadInput("Choose a reason from the list.", code="unknown_reason")
        self._p.roster.not_ready(agent_id, reason)

    # -------------------------------------------------------- calls

    async def answer(self, agent_id: AgentId) -> None:
        """Answer on the agent's phone, where the phone can be told to."""
        agent = self._p.roster.get(agent_id)
        call = self._p.calls.of_agent(agent_id)
        if call is None or call.stage not in {Stage.RINGING, Stage.DIALLING}:
            raise Conflict("There is no call to answer.", code="no_call")
        if not self._p.phone_control.available:
            raise Conflict("Answer on your phone: it can't be told to from here.", code="answer_on_phone")
        await self._p.phone_control.press(agent.extension, "answer")

    async def hang_up(self, agent_id: AgentId) -> None:
        """End the agent's part of the call."""
        agent = self._p.roster.get(agent_id)
        call = self._p.calls.of_agent(agent_id)
        if call is None or call.stage is Stage.ENDED:
            raise Conflict("There is no call to hang up.", code="no_call")
        if call.direction is Direction.OUTBOUND:
            await self._p.switch.hang_up_call(call.id)
        else:
            await self._p.switch.hang_up_phone(call.id, self._p.phone_book.device_name(agent.extension))

    async def dial(
        self,
        agent_id: AgentId,
        *,
        number: str | None = None,
        customer_id: CustomerId | None = None,
        follow_up_id: FollowUpId | None = None,
    ) -> CallId:
        """Ring the agent's phone, then the customer's; every attempt is on record."""
        agent = self._p.roster.get(agent_id)
        self._may_dial(agent)
        target = await self._target(number, customer_id, follow_up_id)
        self._may_dial(agent)
        call = self._new_call(agent, target)
        self._p.calls.add(call)
        self._p.roster.talk_begun(agent_id, call.id)
        self._p.calls.enter(call, Stage.DIALLING, agent_id=agent_id)
        self._p.attempts.began(call, agent_id, call.arrived_at)
        accepted = False
        try:
            await self._show(agent, call)
            await self._p.switch.click_to_call(
                call.id,
                self._p.phone_book.dial_string(agent.extension),
                call.number.key,
                ring_seconds=self._p.ring_seconds,
                variables={"CC_AGENT": agent.extension},
            )
            accepted = True
        finally:
            # However it failed, and also when the page's request was given up: nobody stays on a call that never was.
            if not accepted:
                self._broke_off(agent, call)
        return call.id

    async def transfer(self, agent_id: AgentId, call_id: CallId, *, agent: str = "", queue: str = "") -> None:
        """Put the caller of this call, who talks with this agent, through to a colleague's extension or to a queue;
        the agent's part is over."""
        await self._p.transfers.order(agent_id, call_id, agent=agent, queue=queue)

    def targets(self, agent_id: AgentId) -> dict[str, Any]:
        """Where a caller may be put through to."""
        self._p.roster.get(agent_id)
        colleagues = [agent for agent in self._p.roster if agent.id != agent_id]
        return targets_view(colleagues, self._p.queues.values())

    # -------------------------------------------------------- afterwards

    def finish_wrap_up(self, agent_id: AgentId, disposition: str, note: str) -> None:
        """Say how the call came out, and be free again."""
        agent = self._p.roster.get(agent_id)
        if agent.wrap_up_call is None:
            raise Conflict("The wrap-up has ended already.", code="no_wrap_up")
        self._p.wrap_ups.say(agent_id, agent.wrap_up_call, disposition, note)
        self._p.roster.finish_wrap_up(agent_id)

    async def log_complaint(
        self,
        agent_id: AgentId,
        *,
        category: str,
        severity: str,
        subject: str,
        text: str,
        customer_id: CustomerId | None,
        call_id: CallId | None = None,
    ) -> str:
        """Keep a complaint, tied to the call it was begun in, or the one at hand; gives its number."""
        agent = self._p.roster.get(agent_id)
        if severity not in set(Severity):
            raise BadInput("Choose a severity from the list.")
        if not category or len(category) > 60:
            raise BadInput("Choose a category from the list.")
        pop = self._p.pops.of(agent_id)
        customer = (
            customer_id if customer_id is not None else pop.customer.id if pop and pop.customer else None
        )
        complaint = checked_complaint(
            NewComplaint(
                customer,
                self._call_meant(agent, call_id),
                agent_id,
                category,
                Severity(severity),
                subject,
                text,
            )
        )
        _, number = await self._p.complaints.add(complaint)
        return number

    async def plan_follow_up(
        self,
        agent_id: AgentId,
        *,
        customer_id: CustomerId,
        reason: str,
        note: str,
        due_at: dt.datetime,
        call_id: CallId | None = None,
    ) -> FollowUpId:
        """Plan a follow-up call, owned by this agent."""
        agent = self._p.roster.get(agent_id)
        plan = NewFollowUp(customer_id, agent_id, reason, note, due_at, self._call_meant(agent, call_id))
        return await self._p.follow_ups.plan(checked_follow_up(plan, self._p.clock.wall()))

    # -------------------------------------------------------- what the screen shows

    def snapshot(self, agent_id: AgentId) -> dict[str, Any]:
        """All that a screen needs to begin with."""
        now = self._p.clock.now()
        agent = self._p.roster.get(agent_id)
        call = self._p.calls.of_agent(agent_id)
        pop = self._p.pops.of(agent_id)
        customer_id = pop.customer.id if pop and pop.customer else None
        return {
            "agent": agent_view(agent, now),
            "call": call_view(call, now) if call else None,
            "pop": pop.to_json() if pop else None,
            "wrap_up": wrap_up_view(agent, customer_id, now),
            "telephony": "up" if self._p.feed.telephony_up else "down",
        }

    # -------------------------------------------------------- inside

    def _may_dial(self, agent: Agent) -> None:
        if agent.state in {RoutingState.RESERVED, RoutingState.ON_CALL}:
            raise Conflict("You have a call: finish it before you dial.", code="busy")

    async def _target(
        self, number: str | None, customer_id: CustomerId | None, follow_up_id: FollowUpId | None
    ) -> Target:
        if follow_up_id is not None:
            planned = await self._p.follow_ups.target(follow_up_id)
            if planned is None:
                raise Conflict("This follow-up call is done or gone.", code="follow_up_gone")
            return Target(planned[1], planned[0], follow_up_id)
        if number is None and customer_id is not None:
            number = await self._p.follow_ups.number_of(customer_id)
            if number is None:
                raise Conflict("This customer has no number on record.", code="no_number")
        if not number:
            raise BadInput("Say whom to call: a number, a customer or a follow-up.")
        return Target(number, customer_id)

    def _new_call(self, agent: Agent, target: Target) -> Call:
        number = normalise(target.number, self._p.region)
        if number.kind is not NumberKind.E164:
            raise BadInput("This is not a telephone number that can be dialled, for example +8613800000000.")
        return Call(
            id=CallId(new_id(self._p.clock)),
            direction=Direction.OUTBOUND,
            number=number,
            caller_name="",
            did=agent.extension,
            arrived=self._p.clock.now(),
            arrived_at=self._p.clock.wall(),
            customer_id=target.customer_id,
            follow_up_id=target.follow_up_id,
        )

    async def _show(self, agent: Agent, call: Call) -> None:
        if call.customer_id is not None:
            match = await self._p.identification.as_customer(call, call.customer_id)
        else:
            match = await self._p.identification.wait(call, 1.0)
        await self._p.presenter.show(agent.id, call, match, why=Why.OUTBOUND)

    def _broke_off(self, agent: Agent, call: Call) -> None:
        self._p.attempts.ended(call, AttemptResult.FAILED)
        self._p.roster.talk_ended(agent.id, call.id, 0)
        self._p.presenter.close(agent.id, call.id)
        self._p.calls.end(call, EndReason.FAILED)

    def _call_meant(self, agent: Agent, call_id: CallId | None) -> CallId | None:
        """The call that a form was begun in, if it is one of the agent's last; else the one at hand."""
        if call_id is not None and call_id in agent.recent_calls:
            return call_id
        return agent.call_id or agent.wrap_up_call or agent.offer_call
