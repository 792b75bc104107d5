"""The rehearsal against queueing theory, at a size that takes seconds; ``make bench`` has the long one."""

import random
from collections.abc import Iterator, Sequence

import pytest

from callcenter.customers.customer import Tier
from callcenter.ids import QueueName
from callcenter.rehearsal.draws import contacts
from callcenter.rehearsal.figures import Result
from callcenter.rehearsal.floor import Done, Floor
from callcenter.rehearsal.plan import Contact, Group, Plan, Stream
from callcenter.rehearsal.replications import Run, replicate
from callcenter.rehearsal.theory.erlang_a import ErlangA
from callcenter.rehearsal.theory.erlang_c import ErlangC
from callcenter.rehearsal.theory.matching import matched_waits
from callcenter.rehearsal.theory.priorities import cobham, kleinrock
from callcenter.rehearsal.theory.recursion import kiefer_wolfowitz
from callcenter.routing import distributor, policy
from callcenter.routing.line import Line
from callcenter.routing.policy import Waiting
from callcenter.routing.rules import Order, RoutingRules
from tests.fakes.floor import Floor as ServingFloor

pytestmark = pytest.mark.unit

SUPPORT, SALES = QueueName("support"), QueueName("sales")
TALK = 180.0
ONE_TIER = {Tier.REGULAR: 1.0}
TWO_TIERS = {Tier.VIP: 0.2, Tier.REGULAR: 0.8}


def plan_of(
    agents: int,
    load: float,
    tiers: dict[Tier, float],
    rules: RoutingRules | None = None,
    patience: float = float("inf"),
) -> Plan:
    """One queue, everybody serves it."""
    stream = Stream(SUPPORT, tiers, (load * agents / TALK,), TALK, patience=patience)
    return Plan((Group((agents,), frozenset({SUPPORT})),), (stream,), rules or RoutingRules())


def rehearsed(plan: Plan, calls: int = 6000, warm_up: float = 2 * TALK) -> Result:
    """In this process, so that what a test breaks is broken there too. The warm-up is short: all begins near the steady
    state anyway, which this proves too."""
    return replicate(Run(plan, calls, seed=7, warm_up=warm_up), processes=1)


def test_erlang_c() -> None:
    """Five agents at a load of 0.7: mean wait and share that waits are Erlang's."""
    plan = plan_of(5, 0.7, ONE_TIER)
    result, theory = rehearsed(plan), ErlangC(5, plan.streams[0].rates[0], TALK)
    assert abs(result.mean_wait().z(theory.mean_wait)) < 3
    assert abs(result.delayed().z(theory.wait_probability)) < 3
    assert result.mean_wait().error < theory.mean_wait / 5, "long enough to mean something"
    assert result.figures().occupancy == pytest.approx(0.7, abs=0.05)


def test_short_replications_are_no_different() -> None:
    """The first callers measured find the steady state, too: 400 replications of five callers each, without a warm-up,
    wait as often as Erlang says (a measurement that begins at an instant would find too few)."""
    plan = plan_of(5, 0.7, ONE_TIER)
    result = replicate(Run(plan, 2000, replications=400, seed=7), processes=1)
    theory = ErlangC(5, plan.streams[0].rates[0], TALK)
    assert abs(result.delayed().z(theory.wait_probability)) < 3
    assert result.delayed().error < theory.wait_probability / 15


def test_cobham() -> None:
    """Two tiers, the better one always first: each tier waits as Cobham says."""
    plan = plan_of(5, 0.7, TWO_TIERS, RoutingRules(order=Order.STRICT))
    result, rate = rehearsed(plan, warm_up=8 * TALK), plan.streams[0].rates[0]
    vip, regular = cobham(5, [0.2 * rate, 0.8 * rate], TALK)
    assert abs(result.mean_wait(Tier.VIP).z(vip)) < 3
    assert abs(result.mean_wait(Tier.REGULAR).z(regular)) < 3
    assert regular > vip + 5 * result.mean_wait(Tier.VIP).error, "the tiers are told apart"


def test_ageing() -> None:
    """The shipped rule, its ceiling out of reach: each tier waits as Kleinrock's formula says."""
    tiers = {Tier.VIP: 0.3, Tier.SMALL: 0.7}
    plan = plan_of(3, 0.7, tiers, RoutingRules(ceiling=1e9))
    result, rate = rehearsed(plan, warm_up=8 * TALK), plan.streams[0].rates[0]
    vip, small = kleinrock(3, [0.3 * rate, 0.7 * rate], [1 / 10, 1 / 60], TALK)
    assert abs(result.mean_wait(Tier.VIP).z(vip)) < 3
    assert abs(result.mean_wait(Tier.SMALL).z(small)) < 3


def test_erlang_a() -> None:
    """More work than five agents can do, and callers who hang up after a minute: waits and hang-ups are Palm's."""
    plan = plan_of(5, 1.1, ONE_TIER, patience=60.0)
    result, theory = rehearsed(plan), ErlangA(5, plan.streams[0].rates[0], TALK, 60.0)
    assert abs(result.mean_wait().z(theory.mean_wait)) < 3
    assert abs(result.abandoned().z(theory.abandon_probability)) < 3
    assert result.figures().occupancy == pytest.approx(theory.occupancy, abs=0.02)


def waits_of(drawn: Sequence[Contact], agents: int) -> list[float]:
    """Of each caller in the order of arrival, through the floor."""
    done: dict[int, Done] = {}
    floor = Floor(
        [Group((agents,), frozenset({SUPPORT}))],
        RoutingRules(),
        lambda one: done.update({one.number: one}),
    )
    for contact in drawn:
        floor.until(contact.at)
        floor.arrive(contact)
    while floor.step():
        pass
    return [done[number].waited for number in range(1, len(drawn) + 1)]


def ideal(drawn: Sequence[Contact], agents: int) -> list[float]:
    """As Kiefer and Wolfowitz have them."""
    return list(kiefer_wolfowitz([one.at for one in drawn], [one.talk for one in drawn], agents))


def draws(agents: int, load: float, count: int) -> list[Contact]:
    """The first of a stream."""
    coming = contacts(plan_of(agents, load, ONE_TIER), 7, 0)
    return [next(coming) for _ in range(count)]


def test_every_single_wait() -> None:
    """One tier, equal agents: each caller waits just as long as in the ideal line of the same draws."""
    drawn = draws(7, 0.95, 3000)
    waits, expected = waits_of(drawn, 7), ideal(drawn, 7)
    assert max(abs(one - other) for one, other in zip(waits, expected, strict=True)) < 1e-9
    assert max(expected) > TALK, "some waited long"


def shared(load: float, flexible: int) -> Plan:
    """Two queues, four agents, of whom some serve both."""
    both = frozenset({SUPPORT, SALES})
    single = (4 - flexible) // 2
    groups = [Group((single,), frozenset({queue})) for queue in sorted(both) if single]
    groups += [Group((flexible,), both)] if flexible else []
    streams = tuple(Stream(queue, ONE_TIER, (load * 2 / TALK,), TALK) for queue in sorted(both))
    return Plan(tuple(groups), streams)


def test_pooled_skills() -> None:
    """Apart, two queues wait as two small Erlang C lines do; pooled as one large; with two of four agents who serve
    both, as Adan and Weiss have solved it: in between, and nearer the pooled."""
    load = 0.7
    plans = {flexible: shared(load, flexible) for flexible in (0, 2, 4)}
    apart, half, pooled = (rehearsed(plan, warm_up=8 * TALK).mean_wait() for plan in plans.values())
    small, large = ErlangC(2, load * 2 / TALK, TALK).mean_wait, ErlangC(4, load * 4 / TALK, TALK).mean_wait
    assert abs(apart.z(small)) < 3
    assert abs(pooled.z(large)) < 3
    one, other = frozenset({0}), frozenset({1})
    exact, _ = matched_waits([one, other, one | other, one | other], [load * 2 / TALK] * 2, TALK)
    assert abs(half.z(exact)) < 3
    assert large < exact < (large + small) / 2


# ------------------------------------------------------------ it is the routing that serves


def served_first(serving: ServingFloor) -> str:
    """Who of those in line the serving distributor gives to the agent who becomes ready."""
    serving.agent(1)
    return serving.pairs()[0][0]


def test_a_broken_order_breaks_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turn the order of tiers round in ``callcenter.routing``: the floor that serves gives the agent to the wrong
    caller, and the rehearsal finds the tiers' waits upside down."""
    rules = RoutingRules(order=Order.STRICT)

    def in_line() -> ServingFloor:
        serving = ServingFloor(rules)
        serving.joins("small", tier=Tier.SMALL)
        serving.joins("vip", tier=Tier.VIP)
        return serving

    def waits() -> tuple[float, float]:
        result = rehearsed(plan_of(2, 0.8, {Tier.VIP: 0.5, Tier.SMALL: 0.5}, rules), 600, 0)
        return result.mean_wait(Tier.VIP).value, result.mean_wait(Tier.SMALL).value

    assert served_first(in_line()) == "vip"
    vip, small = waits()
    assert vip < small

    def worst_first(waiting: Waiting, now: float, rules: RoutingRules) -> policy.OrderKey:
        level, value, arrived, call_id = policy.order_key(waiting, now, rules)
        return level, -value, arrived, call_id

    monkeypatch.setattr(distributor, "order_key", worst_first)
    assert served_first(in_line()) == "small"
    vip, small = waits()
    assert vip > small


def test_a_broken_line_breaks_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the youngest of a class be its head: the floor that serves takes the youngest, and the rehearsed waits are
    not the ideal line's any more."""
    drawn = draws(3, 0.9, 300)

    def in_line() -> ServingFloor:
        serving = ServingFloor()
        serving.joins("old", waited=30)
        serving.joins("young", waited=1)
        return serving

    assert served_first(in_line()) == "old"
    assert waits_of(drawn, 3) == pytest.approx(ideal(drawn, 3), abs=1e-9)

    def youngest(line: Line, demand: object) -> Iterator[Waiting]:
        yield max(line, key=lambda waiting: waiting.arrived)

    monkeypatch.setattr(Line, "heads_of", youngest)
    assert served_first(in_line()) == "young"
    assert waits_of(drawn, 3) != pytest.approx(ideal(drawn, 3), abs=1)


def test_agents_are_chosen_as_served() -> None:
    """Who has been idle longest gets the call, in the rehearsal as at work: three agents take turns."""
    taken: list[int | None] = []
    floor = Floor([Group((3,), frozenset({SUPPORT}))], RoutingRules(), lambda one: taken.append(one.agent_id))
    source = random.Random(7)
    for number in range(9):
        floor.until(number * 100.0)
        floor.arrive(Contact(number * 100.0, SUPPORT, Tier.REGULAR, talk=source.uniform(1, 90)))
    assert taken == [1, 2, 3] * 3
