"""Decisions on record: small, explained in words, and made again from the record alone with the same answer."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.calls.events import CallOffered
from callcenter.calls.skills import Levels
from callcenter.customers.customer import Tier
from callcenter.errors import BadInput
from callcenter.ids import AgentId
from callcenter.routing.decision import Explanation, explained, rerun
from callcenter.routing.demand import Wanted
from callcenter.routing.facts import Reason
from callcenter.routing.rules import QueueRules, Relationship, RingRule, RoutingRules, Strategy
from callcenter.routing.words import TEXTS, words
from tests.fakes.floor import SALES, SUPPORT, Floor

pytestmark = pytest.mark.unit


def record(event: CallOffered) -> str:
    """As it is kept."""
    assert event.decision is not None
    return event.decision.packed()


def told(event: CallOffered) -> Explanation:
    """And the same agent when it is made again."""
    kept = record(event)
    assert rerun(kept) == event.agent_id
    return explained(kept)


def test_everything_that_was_decided_from() -> None:
    """The figures of the example in the design: too low a level until the ring widens, a wrap-up, a break."""
    floor = Floor(
        RoutingRules(queues={SALES: QueueRules(rings=(RingRule(30, lower=1),)), SUPPORT: QueueRules()})
    )
    floor.agent(1, skills={"billing": 5})
    floor.agent(3, skills={"billing": 4})
    floor.agent(4, skills={"billing": 5})
    floor.agent(5, SUPPORT, skills={"billing": 5})
    floor.agent(7)
    floor.roster.reserve(AgentId(7), "o", "c", 99)  # type: ignore[arg-type]
    floor.roster.talk_begun(AgentId(7), "c")  # type: ignore[arg-type]
    floor.roster.talk_ended(AgentId(7), "c", 12)  # type: ignore[arg-type]
    floor.roster.not_ready(AgentId(4), "LUNCH")
    floor.joins("a", tier=Tier.KEY, skills={"billing": 5}, waited=10)
    found = told(floor.offered[0])
    assert (found.chosen, found.because.rule) == (1, "only_one")
    assert (found.queue, found.tier, found.waited, found.urgency) == (SALES, Tier.KEY, 10, 0.5)
    assert {agent: words(reason) for agent, reason in found.rejected} == {
        3: "billing 4 < 5 for 20 s more",
        4: "not ready: LUNCH",
        7: "wrap-up, 12 s left",
    }
    assert len(record(floor.offered[0])) < 500


def test_why_this_call() -> None:
    """The heads that it was compared with, the most urgent first."""
    floor = Floor()
    floor.joins("r", waited=15)
    floor.joins("v", tier=Tier.VIP, waited=9)
    floor.joins("s", SUPPORT, waited=200)
    floor.joins("k", tier=Tier.KEY, waited=2)
    floor.agent(1)
    found = told(floor.offered[0])
    assert (found.tier, found.urgency) == (Tier.VIP, 0.9)
    assert [(one.tier, one.value) for one in found.others] == [(Tier.REGULAR, 0.5), (Tier.KEY, 0.1)]


def test_a_record_that_was_changed_does_not_agree() -> None:
    """Somebody else more urgent, or another agent idle longer: the second look finds it."""
    floor = Floor()
    floor.agent(1)
    floor.pass_time(5)
    floor.agent(2)
    floor.pass_time(3)
    floor.joins("a", waited=5)
    kept = json.loads(record(floor.offered[0]))
    assert rerun(json.dumps(kept)) == 1
    kept["agents"]["ready"][0][3] = 0.0
    assert rerun(json.dumps(kept)) == 2
    kept["others"] = [["sales", "vip", 50.0, 1, 5.0]]
    assert rerun(json.dumps(kept)) is None


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "5", '{"form":2}', '{"form":1}', "{" * 5000],
)
def test_what_is_no_record(text: str) -> None:
    """One clear error, also for what cuts a good one off anywhere."""
    with pytest.raises(BadInput):
        rerun(text)
    with pytest.raises(BadInput):
        explained(text)


def test_damaged_records() -> None:
    """Whatever is missing or of another kind: BadInput, never another error."""
    floor = Floor()
    floor.agent(1)
    floor.joins("a")
    kept = json.loads(record(floor.offered[0]))
    for name in kept:
        others: list[object] = [None, "x", -5, [], {}, [[1]], [["sales"]]]
        for other in others:
            damaged = {**kept, name: other}
            for reading in (rerun, explained):
                try:
                    reading(json.dumps(damaged))
                except BadInput:
                    continue


def test_each_reason_has_words() -> None:
    """With names for agents, and no figure longer than it need be."""
    assert words(Reason("wanted", {"agent": 7}), lambda agent: f"Li ({agent})") == "Li (7) is wanted"
    assert words(Reason("longest_idle", {"idle": 12.345})) == "idle longest (12 s)"
    assert words(Reason("something_new")) == "something new"
    assert all("{" not in text or "}" in text for text in TEXTS.values())


levels = st.dictionaries(st.sampled_from(["billing", "cantonese"]), st.integers(1, 5))
people = st.lists(
    st.tuples(levels, st.integers(0, 30), st.sampled_from(["ready", "ready", "break", "busy", "hard"])),
    min_size=1,
    max_size=6,
)
waiting = st.lists(
    st.tuples(st.sampled_from(Tier), st.integers(0, 400), levels, st.sampled_from([None, 1, 2])), max_size=6
)


@given(people, waiting, st.sampled_from(Strategy), st.booleans())
@settings(max_examples=150, deadline=None)
def test_made_again_gives_the_same(
    staff: list[tuple[Levels, int, str]],
    callers: list[tuple[Tier, int, Levels, int | None]],
    strategy: Strategy,
    hard: bool,
) -> None:
    """Every decision of any floor, under any strategy, from its record alone; and all others have a reason."""
    own = QueueRules(
        strategy=strategy,
        prefers=("cantonese",),
        hard=hard,
        rest=8 if hard else 0,
        rings=(RingRule(5, lower=2), RingRule(15, lower=4)),
    )
    floor = Floor(RoutingRules(queues={SALES: own}, relationship=Relationship(owner_wait=10)))
    for number, (skills, idle, state) in enumerate(staff, 1):
        agent = floor.agent(number, skills=skills)
        agent.last_hard = state == "hard"
        floor.pass_time(idle)
        if state == "break":
            floor.roster.not_ready(agent.id, "BREAK")
        elif state == "busy":
            floor.roster.talk_begun(agent.id, f"talk {number}")  # type: ignore[arg-type]
            floor.roster.talk_ended(agent.id, f"talk {number}", 60)  # type: ignore[arg-type]
    for number, (tier, waited, skills, owner) in enumerate(callers):
        wanted = Wanted(owner=AgentId(owner) if owner else None)
        floor.joins(f"c{number}", tier=tier, waited=waited, skills=skills, wanted=wanted)
        floor.pass_time(3)
    floor.pass_time(60)
    for event in floor.offered:
        found = told(event)
        assert found.because == event.decision.because  # type: ignore[union-attr]
        assert words(found.because)
        assert all(words(reason) for _, reason in found.rejected)
        assert len({event.agent_id, *(agent for agent, _ in found.rejected)}) == 1 + len(found.rejected)
