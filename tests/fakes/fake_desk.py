"""A desk and a board for tests of the pages: they note what they are told and announce like the real ones."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from callcenter.calls.skills import Levels
from callcenter.customers.customer import (
    ComplaintLine,
    ContactLine,
    CustomerCard,
    CustomerRecord,
    FollowUpLine,
    PromiseLine,
    Tier,
)
from callcenter.errors import BadInput, Conflict
from callcenter.ids import AgentId, CallId, ComplaintId, CustomerId, FollowUpId, OfferId, QueueName
from callcenter.screen_pop.pop import Pop, Why
from callcenter.web.screens import ScreenHub

AT = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


@dataclass
class FakeDesk:
    """Implements ``web.ports.Desk``; ``told`` is the list of orders that came through."""

    hub: ScreenHub
    told: list[tuple[Any, ...]] = field(default_factory=list)
    seats: dict[AgentId, dict[str, Any]] = field(default_factory=dict)
    screens: dict[AgentId, int] = field(default_factory=dict)
    reasons: frozenset[str] = frozenset({"BREAK", "LUNCH", "MEETING"})

    async def log_in(
        self,
        agent_id: AgentId,
        name: str,
        extension: str,
        queues: frozenset[QueueName],
        *,
        skills: Levels | None = None,
    ) -> None:
        for other, seat in self.seats.items():
            if other != agent_id and seat["agent"]["extension"] == extension:
                raise Conflict(f"The phone {extension} is taken.")
        agent = agent_data(int(agent_id), name, extension)
        agent["queues"] = sorted(queues)
        self.seats[agent_id] = {
            "agent": agent,
            "call": None,
            "pop": None,
            "wrap_up": None,
            "telephony": "up",
        }

    async def log_out(self, agent_id: AgentId) -> None:
        self.told.append(("log_out", agent_id))
        self.seats.pop(agent_id, None)

    def logged_in(self, agent_id: AgentId) -> bool:
        return agent_id in self.seats

    def screen_opened(self, agent_id: AgentId) -> None:
        self.screens[agent_id] = self.screens.get(agent_id, 0) + 1

    def screen_closed(self, agent_id: AgentId) -> None:
        self.screens[agent_id] -= 1

    def ready(self, agent_id: AgentId) -> None:
        self._become(agent_id, "ready", "")

    def not_ready(self, agent_id: AgentId, reason: str) -> None:
        if reason not in self.reasons:
            raise BadInput(f"{reason} is not one of the reasons.")
        self._become(agent_id, "not_ready", reason)

    async def answer(self, agent_id: AgentId) -> None:
        self.told.append(("answer", agent_id))

    async def hang_up(self, agent_id: AgentId) -> None:
        self.told.append(("hang_up", agent_id))

    async def dial(
        self,
        agent_id: AgentId,
        *,
        number: str | None = None,
        customer_id: CustomerId | None = None,
        follow_up_id: FollowUpId | None = None,
    ) -> CallId:
        self.told.append(("dial", agent_id, number, customer_id, follow_up_id))
        return CallId("c" * 32)

    async def transfer(self, agent_id: AgentId, call_id: CallId, *, agent: str = "", queue: str = "") -> None:
        if agent == "1009":
            raise Conflict("Nobody is logged in at this phone any more.", code="colleague_gone")
        self.told.append(("transfer", agent_id, call_id, agent, queue))

    def targets(self, agent_id: AgentId) -> dict[str, Any]:
        return {
            "agents": [
                {"extension": "1002", "name": "Noah <b>Smith</b>", "state": "ready"},
                {"extension": "1009", "name": "Wang Fang", "state": "on_call"},
            ],
            "queues": [
                {"name": "sales", "number": "600", "ready": 1},
                {"name": "support", "number": "", "ready": 0},
            ],
        }

    def finish_wrap_up(self, agent_id: AgentId, disposition: str, note: str) -> None:
        if self.seats[agent_id]["wrap_up"] is None:
            raise Conflict("There is no wrap-up to finish.")
        self.told.append(("finish_wrap_up", agent_id, disposition, note))
        self.set(agent_id, "wrap_up", None)
        self.set(agent_id, "pop", None)

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
        if not subject.strip():
            raise BadInput("A complaint needs a subject: one line that says what is wrong.")
        self.told.append(("log_complaint", agent_id, category, severity, subject, text, customer_id))
        return "C-000042"

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
        self.told.append(("plan_follow_up", agent_id, customer_id, reason, note, due_at))
        return FollowUpId(7)

    def snapshot(self, agent_id: AgentId) -> dict[str, Any]:
        return dict(self.seats[agent_id])

    def set(self, agent_id: AgentId, kind: str, value: Any) -> None:
        """Change something of an agent and announce it, as the real feed does."""
        self.seats[agent_id][kind] = value
        self.hub.update(agent_id, kind, {kind: value})

    async def offer(self, agent_id: AgentId, pop: Pop, limit: float = 0.03) -> bool:
        """Reserve the agent: state, call and pop, as at a real offer."""
        agent = {**self.seats[agent_id]["agent"], "state": "reserved", "state_seconds": 0.0}
        self.seats[agent_id]["pop"] = pop.to_json()
        shown = await self.hub.show_pop(agent_id, pop, limit)
        self.set(agent_id, "agent", agent)
        self.set(agent_id, "call", call_data(pop))
        return shown

    def _become(self, agent_id: AgentId, state: str, reason: str) -> None:
        self.told.append((state, agent_id, reason))
        agent = {
            **self.seats[agent_id]["agent"],
            "state": state,
            "presence": state,
            "reason": reason,
            "state_seconds": 0.0,
        }
        self.set(agent_id, "agent", agent)


@dataclass
class FakeBoard:
    """Implements ``web.ports.Board``."""

    board: dict[str, Any]
    changes: int = 1

    def snapshot(self) -> dict[str, Any]:
        return self.board

    def version(self) -> int:
        return self.changes


def agent_data(agent_id: int = 1, name: str = "Li Na", extension: str = "1001") -> dict[str, Any]:
    """An agent as the desk shows one."""
    return {
        "id": agent_id,
        "name": name,
        "extension": extension,
        "presence": "not_ready",
        "state": "not_ready",
        "reason": "LOGIN",
        "state_seconds": 3.0,
        "phone": "idle",
        "queues": ["sales", "support"],
    }


def call_data(pop: Pop, stage: str = "ringing") -> dict[str, Any]:
    """A call as the desk shows one."""
    return {
        "id": pop.call_id,
        "direction": pop.direction,
        "stage": stage,
        "stage_seconds": 0.4,
        "total_seconds": 48.0,
        "queue": pop.queue,
        "number": pop.number,
        "customer_id": pop.customer.id if pop.customer else None,
        "tier": pop.tier,
    }


def record(name: str = "王芳", company: str = "Dawn Trading Co.") -> CustomerRecord:
    """A customer with some of everything."""
    day = dt.timedelta(days=1)
    return CustomerRecord(
        id=CustomerId(17),
        name=name,
        company=company,
        tier=Tier.VIP,
        language="zh",
        owner_id=AgentId(4),
        owner="Zhang Wei",
        numbers=("+8613800138000", "+862112345678"),
        notes="Prefers calls after 14:00.",
        orders_count=42,
        orders_total="128,340.50 CNY",
        complaints=(
            ComplaintLine(
                ComplaintId(3), "C-000031", "Late delivery", "investigating", AT - 3 * day, AT + day
            ),
        ),
        contacts=(
            ContactLine(
                AT - day, "inbound", "support", "Li Na", "RESOLVED", "Asked for an invoice.", "b" * 32
            ),
            ContactLine(AT - 9 * day, "outbound", "", "Zhang Wei", "NO_CONTACT", "", "d" * 32),
        ),
        follow_ups=(FollowUpLine(FollowUpId(5), "Check the new delivery date", AT + day, "before noon"),),
        promises=(PromiseLine("Refund of the freight", AT + 2 * day, "Li Na"),),
    )


def pop_for(customer: CustomerRecord | None, *, match: str = "known", number: str = "+8613800138000") -> Pop:
    """A pop for this customer, or for somebody unknown."""
    return Pop(
        call_id=CallId("a" * 32),
        offer_id=OfferId("e" * 32),
        direction="inbound",
        match=match,
        number=number,
        caller_name="WANG",
        queue="support",
        queue_title_en="Support",
        queue_title_zh="客户服务",
        waited=23.4,
        in_ivr=18.2,
        language="zh",
        did="4008001000",
        keys=(("main_menu", "2"), ("language", "1")),
        tier=customer.tier.value if customer else "regular",
        customer=customer,
        candidates=(),
        why=Why.LONGEST_IDLE,
        why_seconds=34.0,
    )


def candidates() -> tuple[CustomerCard, ...]:
    """Two customers with the same number."""
    return (
        CustomerCard(CustomerId(17), "王芳", "Dawn Trading Co.", Tier.VIP),
        CustomerCard(CustomerId(18), "王强", "", Tier.SMALL),
    )


def board_data() -> dict[str, Any]:
    """A board with two queues, two agents and two calls."""
    return {
        "queues": [
            {
                "name": "support",
                "title_en": "Support",
                "title_zh": "客户服务",
                "waiting": {"vip": 1, "key": 0, "regular": 3, "small": 0},
                "longest_wait": 41.0,
                "agents_ready": 1,
                "agents_on_call": 1,
            },
            {
                "name": "sales",
                "title_en": "Sales",
                "title_zh": "销售",
                "waiting": {"vip": 0, "key": 0, "regular": 0, "small": 0},
                "longest_wait": 0.0,
                "agents_ready": 1,
                "agents_on_call": 0,
            },
        ],
        "agents": [
            {
                **agent_data(1, "Li Na", "1001"),
                "state": "on_call",
                "state_seconds": 75.0,
                "call_id": "a" * 32,
            },
            {**agent_data(2, "Zhang Wei", "1002"), "state": "ready", "reason": "", "call_id": None},
        ],
        "calls": [
            {
                **call_data(pop_for(record()), "talking"),
                "customer_name": "王芳",
                "agent": "Li Na",
                "place": None,
            },
            {
                **call_data(pop_for(None, match="unknown", number="+8613911112222"), "waiting"),
                "id": "f" * 32,
                "customer_name": "",
                "agent": "",
                "place": {"position": 1, "waited": 27.0, "promise": 30.0, "urgency": 0.9},
            },
        ],
        "telephony": "up",
        "gaps": [],
    }
