"""Which agent: the rule, and that the agents who are kept in order give the same as looking at everybody."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.agents.states import RoutingState
from callcenter.calls.events import PhoneState
from callcenter.calls.skills import Levels
from callcenter.ids import AgentId, QueueName
from callcenter.routing.choose import because, choose, next_best
from callcenter.routing.demand import Demand
from callcenter.routing.facts import AgentFacts, Reason, why_not
from callcenter.routing.idle import IdleAgents
from callcenter.routing.rules import Strategy

pytestmark = pytest.mark.unit

SALES, SUPPORT = QueueName("sales"), QueueName("support")
NOW = 1000.0
S = RoutingState


def agent(
    number: int,
    *queues: QueueName,
    skills: Levels | None = None,
    state: RoutingState = S.READY,
    screen: bool = True,
    phone: PhoneState = PhoneState.IDLE,
    idle: float = 10.0,
    work: float = -math.inf,
    last_hard: bool = False,
) -> AgentFacts:
    """An agent as they may be; idle so many seconds at NOW."""
    return AgentFacts(
        AgentId(number),
        f"Agent {number}",
        frozenset(queues or (SALES,)),
        skills or {},
        state,
        "BREAK" if state is S.NOT_READY else "",
        NOW + 5,
        screen,
        phone,
        NOW - idle,
        work,
        last_hard,
    )


def demand(strategy: Strategy = Strategy.LONGEST_IDLE, **asked: object) -> Demand:
    """Of the sales queue."""
    return Demand(frozenset({SALES}), strategy=strategy, **asked)  # type: ignore[arg-type]


def test_longest_idle() -> None:
    """Then the lower number."""
    people = [agent(1, idle=5), agent(2, idle=9), agent(3, idle=9)]
    chosen = choose(people, demand(), NOW)
    assert chosen is people[1]
    assert because(chosen, people[2], demand(), NOW) == Reason("longest_idle", {"idle": 9.0})


def test_least_work() -> None:
    """Who did least lately, also when somebody else has been idle longer."""
    people = [agent(1, idle=60, work=8.0), agent(2, idle=5, work=7.0), agent(3, idle=1, work=9.0)]
    asked = demand(Strategy.LEAST_WORK)
    chosen = choose(people, asked, NOW)
    assert chosen is people[1]
    assert because(chosen, people[0], asked, NOW).rule == "least_work"


def test_most_proficient() -> None:
    """The best at what the call needs; what it does not need is no merit."""
    people = [
        agent(1, skills={"billing": 3, "cantonese": 5}, idle=60),
        agent(2, skills={"billing": 4}),
        agent(3, skills={"billing": 2}, idle=99),
    ]
    asked = demand(Strategy.MOST_PROFICIENT, needs=(("billing", 3),))
    chosen = choose(people, asked, NOW)
    assert chosen is people[1]
    assert because(chosen, people[0], asked, NOW) == Reason("most_proficient", {"level": 4})
    assert why_not(people[2], asked, NOW) == Reason("skill", {"skill": "billing", "have": 2, "need": 3})


def test_preferred_skills_are_no_must() -> None:
    """Who has more of them comes first, before the strategy; who has none may serve all the same."""
    people = [agent(1, idle=60), agent(2, skills={"cantonese": 2}), agent(3, skills={"cantonese": 4})]
    asked = demand(prefers=("cantonese",))
    chosen = choose(people, asked, NOW)
    assert chosen is people[2]
    assert because(chosen, people[1], asked, NOW) == Reason("prefers", {"level": 4})
    assert choose(people[:1], asked, NOW) is people[0]


def test_hard_calls_are_shared() -> None:
    """Whose last call was hard comes last for a hard one, and not at all while the call waits for somebody rested."""
    people = [agent(1, idle=60, last_hard=True), agent(2, idle=5)]
    assert choose(people, demand(hard=True), NOW) is people[1]
    assert choose(people, demand(), NOW) is people[0]
    assert choose(people[:1], demand(hard=True), NOW) is people[0]
    assert choose(people[:1], demand(hard=True, rested=True), NOW) is None
    assert because(people[1], people[0], demand(hard=True), NOW) == Reason("rested")


def test_only_the_wanted_one() -> None:
    """Of any queue and skill, when free; nobody else however free."""
    people = [agent(1), agent(2, SUPPORT)]
    asked = demand(needs=(("billing", 5),), only=AgentId(2), bond="owner")
    assert choose(people, asked, NOW) is people[1]
    assert because(people[1], None, asked, NOW).rule == "owner"
    assert why_not(people[0], asked, NOW) == Reason("wanted", {"agent": 2})


def test_who_missed_it_is_asked_last() -> None:
    """But is asked when nobody else is free."""
    people = [agent(1, idle=60), agent(2)]
    assert choose(people, demand(), NOW, {AgentId(1)}) is people[1]
    assert choose(people[:1], demand(), NOW, {AgentId(1)}) is people[0]


def test_nobody_who_is_not_free() -> None:
    """Busy, without a screen, with a phone that isn't free, of another queue."""
    people = [
        *(agent(n, state=state) for n, state in enumerate(S) if state is not S.READY),
        agent(10, screen=False),
        *(agent(20 + n, phone=phone) for n, phone in enumerate(PhoneState) if phone is not PhoneState.IDLE),
        agent(30, SUPPORT),
    ]
    assert choose(people, demand(), NOW) is None
    assert all(why_not(one, demand(), NOW) for one in people)


levels = st.dictionaries(st.sampled_from(["billing", "cantonese"]), st.integers(1, 5))
facts = st.builds(
    lambda number, queues, **known: agent(number, *queues, **known),
    st.integers(1, 6),
    st.sets(st.sampled_from([SALES, SUPPORT])),
    skills=levels,
    state=st.sampled_from([S.READY, S.READY, S.READY, S.ON_CALL, S.WRAP_UP, S.NOT_READY]),
    screen=st.sampled_from([True, True, False]),
    phone=st.sampled_from([PhoneState.IDLE, PhoneState.IDLE, PhoneState.BUSY]),
    idle=st.integers(0, 9),
    work=st.sampled_from([-math.inf, 1.0, 2.0, 3.5]),
    last_hard=st.booleans(),
)
demands = st.builds(
    Demand,
    st.sampled_from([frozenset({SALES}), frozenset({SUPPORT}), frozenset({SALES, SUPPORT})]),
    levels.map(lambda needs: tuple(sorted(needs.items()))),
    st.sampled_from([(), ("cantonese",)]),
    st.sampled_from(Strategy),
    st.sampled_from([None, None, AgentId(1), AgentId(3)]),
    rested=st.booleans(),
    hard=st.booleans(),
)
changes = st.lists(st.one_of(facts, st.integers(1, 6), demands), max_size=60)


@given(changes, demands, st.sets(st.integers(1, 6).map(AgentId), max_size=6))
@settings(max_examples=500, deadline=None)
def test_kept_in_order_is_the_same_as_looking_at_everybody(
    steps: list[AgentFacts | int | Demand], last: Demand, tried: set[AgentId]
) -> None:
    """Agents come, change and go, demands are asked at any time: always the agent whom the plain rule gives."""
    idle, known = IdleAgents(lambda _: False), dict[AgentId, AgentFacts]()
    for step in [*steps, last]:
        match step:
            case AgentFacts():
                free_for = idle.put(step, NOW)
                idle.keep(step.id, free_for)
                known[step.id] = step
                assert all(why_not(step, one, NOW) is None for one in free_for)
            case int():
                idle.drop(AgentId(step))
                known.pop(AgentId(step), None)
            case Demand():
                expected = choose(known.values(), step, NOW, tried)
                assert idle.best(step, NOW, tried) is expected
                assert idle.anybody(step, NOW) == (expected is not None)
                if expected is not None:
                    free = [one for one in known.values() if why_not(one, step, NOW) is None]
                    assert idle.next_best(expected.id, step, NOW, tried) is next_best(
                        free, expected, step, tried
                    )
    for queue in (SALES, SUPPORT):
        assert idle.staffed(queue) == any(queue in one.queues for one in known.values())


def test_demands_that_nobody_asks_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is bounded; what somebody waits with is kept, and agents are found for it when they come."""
    monkeypatch.setattr("callcenter.routing.idle.KEPT", 10)
    waited_for = demand(needs=(("billing", 5),))
    idle = IdleAgents(lambda one: one == waited_for)
    idle.keep(AgentId(99), idle.put(agent(99), NOW))
    assert idle.best(waited_for, NOW) is None
    for number in range(50):
        assert idle.best(demand(prefers=(f"skill{number}",)), NOW) is not None
    assert len(idle._free) == 10
    assert idle.put(agent(1, skills={"billing": 5}), NOW)[0] == waited_for
