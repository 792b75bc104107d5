"""Rules of routing and decisions for tests of their pages."""

import dataclasses
import datetime as dt
from dataclasses import dataclass, field

from callcenter.agents.states import RoutingState
from callcenter.calls.events import PhoneState
from callcenter.calls.skills import Levels
from callcenter.customers.customer import Tier
from callcenter.errors import Conflict, NotFound
from callcenter.history.decisions import DecisionLine
from callcenter.ids import AgentId, CallId, QueueName, UserId
from callcenter.routing.decision import Decision
from callcenter.routing.demand import ANYBODY, rings
from callcenter.routing.facts import AgentFacts, Reason
from callcenter.routing.policy import Waiting
from callcenter.routing.publishing import RulesVersion, digest_of, read_rules, text_of
from callcenter.routing.rules import Promise, QueueRules, RingRule, RoutingRules, Strategy

AT = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
SUPPORT, SALES = QueueName("support"), QueueName("sales")
NEEDS = {"billing": 5}
BEFORE = RoutingRules()
AFTER = RoutingRules(
    promises={**BEFORE.promises, Tier.VIP: Promise(8, 0.95)},
    ceiling=240,
    queues={
        SUPPORT: QueueRules(
            weight=2,
            strategy=Strategy.LEAST_WORK,
            prefers=("cantonese",),
            rings=(
                RingRule(0),
                RingRule(30, lower=1),
                RingRule(60, 2, frozenset({"billing"}), frozenset({SALES})),
            ),
            hard=True,
            rest=20,
        ),
        SALES: QueueRules(),
    },
)


def rules_version(number: int, rules: RoutingRules, by: int | None = None, **changes: object) -> RulesVersion:
    """A published version; the second of two is in service."""
    text = text_of(rules)
    made = RulesVersion(
        number, text, digest_of(text), AT + dt.timedelta(hours=number), None if by is None else UserId(by),
        {None: "", 0: ""}.get(by, "孙丽"), "", by is None, number == 2,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


@dataclass
class FakeRouting:
    """Implements ``web.ports.Routing`` and ``history.decisions.Decisions``."""

    kept: list[RulesVersion] = field(
        default_factory=lambda: [
            rules_version(1, BEFORE, note="from the settings"),
            rules_version(2, AFTER, 10, note="VIP sooner"),
        ]
    )
    decided: list[DecisionLine] = field(default_factory=list)

    @property
    def rules(self) -> RoutingRules:
        return read_rules(self.kept[-1].rules, None)

    @property
    def version(self) -> RulesVersion:
        return self.kept[-1]

    async def versions(self, limit: int) -> list[RulesVersion]:
        return self.kept[::-1][:limit]

    async def roll_back(self, version: int, by: UserId) -> RulesVersion:
        old = next((one for one in self.kept if one.version == version), None)
        if old is None:
            raise NotFound("There is no such version.")
        if old is self.kept[-1]:
            raise Conflict("It is in service already.")
        made = dataclasses.replace(old, version=len(self.kept) + 1, by=by, note=f"version {version} again")
        self.kept.append(made)
        return made

    async def latest(self, limit: int) -> list[DecisionLine]:
        return self.decided[::-1][:limit]


def facts(agent_id: int, state: RoutingState = RoutingState.READY, **known: object) -> AgentFacts:
    """An agent of the support queue, idle for ten seconds times the number."""
    usual: dict[str, object] = {
        "queues": frozenset({SUPPORT}), "skills": {"billing": 5}, "reason": "", "wrap_up_until": 0.0,
        "screen": True, "phone": PhoneState.IDLE, "idle_since": 1000.0 - 10 * agent_id, "work": float("-inf"),
        "last_hard": False,
    }  # fmt: skip
    return AgentFacts(id=AgentId(agent_id), name=f"Agent {agent_id}", state=state, **{**usual, **known})  # type: ignore[arg-type]


def waiting(
    number: int,
    tier: Tier,
    waited: float,
    *,
    rules: RoutingRules = AFTER,
    needs: Levels = NEEDS,
    boost: float = 0.0,
) -> Waiting:
    """A place in the support line."""
    arrived = 1000.0 - waited
    made = rings(SUPPORT, needs, ANYBODY, rules=rules, arrived=arrived, now=1000.0, at_work=lambda _: True)
    return Waiting(CallId(f"{number:032x}"), SUPPORT, tier, arrived, made, boost=boost)


def decision() -> Decision:
    """A VIP with billing 5 who waited 12 s: agent 3 of eight; a key customer and a regular one wait beside."""
    agents = (
        facts(1, skills={"billing": 4}),
        facts(2, RoutingState.WRAP_UP, wrap_up_until=1012.0),
        facts(3, idle_since=900.0),
        facts(4, RoutingState.ON_CALL),
        facts(5, RoutingState.ON_CALL),
        facts(6, RoutingState.NOT_READY, reason="LUNCH"),
        facts(7, phone=PhoneState.UNREACHABLE),
        facts(8, work=7.0),
    )
    return Decision(
        at=1000.0,
        waiting=waiting(1, Tier.VIP, 12, boost=2.0),
        chosen=AgentId(3),
        because=Reason("least_work", {"worked": 0.0}),
        tried=frozenset(),
        agents=agents,
        others=(waiting(2, Tier.KEY, 9), waiting(3, Tier.REGULAR, 11)),
        rules=AFTER,
        version=2,
    )


NAMES = {
    AgentId(number): f"100{number} {name}"
    for number, name in enumerate(
        ("Li Na", "王芳", "Zhang Wei", "陈静", "Noah", "Sofia", "赵强", "Wu Lei"), 1
    )
}


def decision_line(number: int, **changes: object) -> DecisionLine:
    """The decision of the call with this id."""
    at = AT + dt.timedelta(minutes=number)
    made = DecisionLine(CallId(f"{number:032x}"), at, "王芳", "Zhang Wei", "answered", decision().packed())
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]
