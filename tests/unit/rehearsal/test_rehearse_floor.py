"""The simulated floor, the draws and the figures, by hand."""

import itertools
import math
import random
from array import array

import pytest

from callcenter.customers.customer import Tier
from callcenter.errors import BadInput
from callcenter.ids import QueueName
from callcenter.rehearsal import draws, warm_up
from callcenter.rehearsal.figures import Kind, Replication, Result, Sample, ratio
from callcenter.rehearsal.floor import Done, Floor
from callcenter.rehearsal.plan import INTERVAL, Contact, Day, Group, Plan, Recorded, Stream, TalkKind
from callcenter.rehearsal.replications import planned, replicate, together
from callcenter.rehearsal.theory.erlang_a import ErlangA
from callcenter.routing.rules import RoutingRules

pytestmark = pytest.mark.unit

SUPPORT, SALES = QueueName("support"), QueueName("sales")


def contact(at: float, talk: float, wrap_up: float = 0.0, patience: float = math.inf) -> Contact:
    """A regular caller for support."""
    return Contact(at, SUPPORT, Tier.REGULAR, talk, wrap_up, patience)


def run(floor: Floor, *coming: Contact) -> None:
    """Let all come and be served."""
    for one in coming:
        floor.until(one.at)
        floor.arrive(one)
    while floor.step():
        pass


def floor_of(*counts: int) -> tuple[Floor, list[Done]]:
    """Agents of one queue, by the half hour; and what becomes of the callers."""
    done: list[Done] = []
    return Floor([Group(counts, frozenset({SUPPORT}))], RoutingRules(), done.append), done


def test_wrap_up_keeps_the_agent() -> None:
    """The next caller is served when talk and wrap-up are over."""
    floor, done = floor_of(1)
    run(floor, contact(0, 100, wrap_up=20), contact(1, 10))
    assert [one.at for one in done] == [0, 120]


def test_hanging_up() -> None:
    """Who loses patience leaves the line at that instant and is served by nobody; who is served stays."""
    floor, done = floor_of(1)
    run(floor, contact(0, 100), contact(10, 10, patience=30), contact(20, 10, patience=80.5))
    assert [(one.number, one.at, one.agent_id) for one in done] == [(1, 0, 1), (2, 40, None), (3, 100, 1)]


def test_staff_comes_and_goes() -> None:
    """The second agent comes at the half hour; at the next one an agent ends the talk first and takes no other call."""
    floor, done = floor_of(1, 2, 1)
    late = 2 * INTERVAL
    run(
        floor,
        contact(0, INTERVAL + 100),
        contact(10, 10),
        contact(late - 5, 100),
        contact(late - 4, 50),
        contact(late - 3, 10),
    )
    assert [one.at for one in done] == [0, INTERVAL, late - 5, late - 4, late + 46]
    assert [one.agent_id for one in done] == [1, 2, 2, 1, 1], "the second is off duty"
    assert floor.waiting == 0


def test_staffed_time() -> None:
    """Agents' time is counted while they are ready or at work, not when they are off duty."""
    floor, _ = floor_of(2, 1)
    floor.until(INTERVAL + 100)
    assert floor.staffed == pytest.approx(2 * INTERVAL + 100)


def test_skills() -> None:
    """A call waits for somebody good enough, though another is free."""
    done: list[Done] = []
    groups = [Group((1,), frozenset({SUPPORT})), Group((1,), frozenset({SUPPORT}), {"billing": 4})]
    floor = Floor(groups, RoutingRules(), done.append)
    first = contact(0, 50)._replace(needs={"billing": 3})
    run(floor, first, first._replace(at=1.0))
    assert [(one.agent_id, one.at) for one in done] == [(2, 0), (2, 50)]


def test_the_same_seed_the_same_callers() -> None:
    """What is drawn depends on seed, replication and stream only."""
    one = Stream(SUPPORT, {Tier.VIP: 0.5, Tier.SMALL: 0.5}, (0.1,), 100)
    two = Stream(SALES, {Tier.SMALL: 1.0}, (0.2,), 100, TalkKind.LOG_NORMAL, patience=9.0)
    few, many = (Plan((Group((n,), frozenset({SUPPORT, SALES})),), (one, two)) for n in (1, 9))

    def first(plan: Plan, seed: int, number: int) -> list[Contact]:
        return list(itertools.islice(draws.contacts(plan, seed, number), 50))

    assert first(few, 7, 0) == first(many, 7, 0)
    assert first(few, 7, 0) != first(few, 7, 1) != first(few, 8, 1)
    assert sorted(first(few, 7, 0)) == first(few, 7, 0)


def test_draws_are_as_asked() -> None:
    """Rate, tiers, talks and patience on average, over a day whose second half hour is empty."""
    stream = Stream(
        SUPPORT, {Tier.VIP: 0.25, Tier.SMALL: 0.75}, (2.0, 0.0), 100, TalkKind.LOG_NORMAL, patience=40.0
    )
    found = list(draws.contacts(Plan((Group((1,), frozenset({SUPPORT})),), (stream,), intervals=2), 1, 0))
    count = len(found)
    assert count == pytest.approx(2 * INTERVAL, rel=0.06)
    assert max(one.at for one in found) < INTERVAL
    assert sum(one.tier is Tier.VIP for one in found) / count == pytest.approx(0.25, abs=0.03)
    assert sum(one.talk for one in found) / count == pytest.approx(100, rel=0.06)
    assert sum(one.patience for one in found) / count == pytest.approx(40, rel=0.07)


def test_rest_of_a_talk() -> None:
    """The mean residual of a log-normal talk is (1 + variation squared) / 2 of its mean; an exponential one has no
    memory."""
    source = random.Random(1)
    for kind, expected in ((TalkKind.EXPONENTIAL, 100), (TalkKind.LOG_NORMAL, 100 * (1 + 0.75**2) / 2)):
        stream = Stream(SUPPORT, {Tier.VIP: 1.0}, (1.0,), 100, kind)
        rests = [draws.rest_of_talk(stream, source) for _ in range(20_000)]
        assert sum(rests) / len(rests) == pytest.approx(expected, rel=0.03)


def test_replayed_day() -> None:
    """Who was served keeps talk and wrap-up and would have waited on; who hung up has just that patience and a talk of
    somebody else of the queue."""
    served = Recorded(0.0, SUPPORT, Tier.VIP, 60.0, 5.0, waited=10.0)
    gone = Recorded(1.0, SUPPORT, Tier.VIP, None, 0.0, waited=7.0)
    first, second = draws.replayed(Day("a day", (served, gone), 17.0), random.Random(1))
    assert (first.talk, first.wrap_up, first.patience > 10) == (60, 5, True)
    assert (second.talk, second.wrap_up, second.patience) == (60, 5, 7)
    patient, _ = draws.replayed(Day("a day", (served, gone), math.inf), random.Random(1))
    assert patient.patience == math.inf


def test_stationary_start() -> None:
    """The number of callers at the start has the distribution of M/M/n+M: as many wait as Erlang A says."""
    probabilities = warm_up.stationary(5, 0.04, 180.0, 1 / 60)
    waiting = sum(max(0, n - 5) * one for n, one in enumerate(probabilities))
    assert math.fsum(probabilities) == pytest.approx(1)
    assert waiting == pytest.approx(ErlangA(5, 0.04, 180.0, 60.0).mean_queue, rel=1e-6)


def test_relaxation_time() -> None:
    """As the formula says; callers who hang up shorten it, and nothing is shorter than a talk."""
    assert warm_up.relaxation(100, 95 / 180, 180, 0) == pytest.approx(2808, rel=0.01)
    assert warm_up.relaxation(100, 95 / 180, 180, 1 / 60) == 180
    assert warm_up.relaxation(100, 1 / 180, 180, 0) == 180


def test_ratio_and_its_error() -> None:
    """The ratio of sums; equal replications have no error, a single one has none to tell."""
    assert ratio([(10, 5), (20, 10)]) == (2.0, 0.0)
    value, error = ratio([(10, 5), (30, 5)])
    assert value == 4.0
    assert error == pytest.approx(2.0)
    assert math.isnan(ratio([(10, 5)]).error)


def test_figures() -> None:
    """Percentiles are waits that were; shares are of all who came; occupancy is of the time that was staffed."""
    kind = Kind(SUPPORT, Tier.VIP)
    waits = array("d", [0.0, 0.0, 10.0, 40.0])
    one = Replication({kind: Sample(waits, in_time=3, abandoned=1, work=50.0)}, staffed=100.0)
    figures = Result([one, one]).figures(None, Tier.VIP)
    assert (figures.n, figures.mean_wait, figures.p50, figures.p90, figures.p99) == (8, 12.5, 0.0, 40.0, 40.0)
    assert (figures.within_promise, figures.abandoned, figures.occupancy) == (0.75, 0.25, 0.5)
    assert (figures.standard_error, Result([one]).figures().standard_error) == (0.0, None)
    assert Result([one]).figures(None, Tier.SMALL).n == 0
    assert set(Result([one]).to_json()) == {"all", "tiers"}


def steady(agents: int, rate: float, patience: float = math.inf) -> Plan:
    """One queue, two tiers."""
    stream = Stream(SUPPORT, {Tier.VIP: 0.2, Tier.SMALL: 0.8}, (rate,), 100, patience=patience)
    return Plan((Group((agents,), frozenset({SUPPORT})),), (stream,))


def test_a_line_that_grows_for_ever_ends() -> None:
    """Too much work and nobody hangs up: it is said, and the run ends all the same with everybody counted."""
    run_ = planned(steady(2, 0.04), 300, 1)
    assert "grows for ever" in " ".join(run_.doubts)
    figures = replicate(run_).figures()
    assert figures.n == 300
    assert figures.occupancy is not None
    assert 0.5 < figures.occupancy <= 1


def test_compared_runs_measure_the_same_callers() -> None:
    """Both have the longer warm-up, so the same callers are measured."""
    runs = together({"few": planned(steady(3, 0.02), 60, 1), "many": planned(steady(5, 0.02), 60, 1)})
    few, many = (replicate(one) for one in runs.values())
    assert runs["few"].warm_up == runs["many"].warm_up
    assert [few.figures(None, tier).n for tier in Tier] == [many.figures(None, tier).n for tier in Tier]


def test_as_many_are_measured_as_asked() -> None:
    """Also when they can't be shared out evenly."""
    assert replicate(planned(steady(3, 0.01), 95, 1)).figures().n == 95


def test_a_day_is_measured_whole() -> None:
    """Everybody who came is counted, also those who are served after the last half hour, and those nobody serves."""
    stream = Stream(SUPPORT, {Tier.VIP: 1.0}, (0.01, 0.02), 100)
    plan = Plan((Group((1, 1, 0), frozenset({SUPPORT})),), (stream,), intervals=3)
    result = replicate(planned(plan, 0, 1, replications=2))
    came = [len(list(draws.contacts(plan, 1, number))) for number in range(2)]
    assert result.figures().n == sum(came) > 0
    assert (result.figures().abandoned or 0) > 0, "nobody was there any more"


def test_recorded_days_are_replayed_equally_often() -> None:
    """Two days, three replications asked: four are made."""
    day = Day("one", (Recorded(0.0, SUPPORT, Tier.VIP, 60.0, 5.0, 10.0),), math.inf)
    plan = Plan((Group((1,), frozenset({SUPPORT})),), days=(day, day))
    assert planned(plan, 0, 1).replications == 2
    assert planned(plan, 0, 1, 3).replications == 4
    assert replicate(planned(plan, 0, 1)).figures().n == 2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: steady(0, 1.0), "at least one agent"),
        (lambda: steady(-1, 1.0), "between 0 and"),
        (lambda: steady(1, 0.0), "no arrivals"),
        (lambda: steady(1, -1.0), "0 or more"),
        (lambda: steady(1, math.nan), "0 or more"),
        (lambda: Stream(SUPPORT, {Tier.VIP: 0.5}, (1.0,), 100), "add up to 1, not 0.5"),
        (lambda: Stream(SUPPORT, {Tier.VIP: -1.0, Tier.KEY: 2.0}, (1.0,), 100), "between 0 and 1"),
        (lambda: Stream(SUPPORT, {Tier.VIP: 1.0}, (1.0,), 0), "more than 0 s"),
        (lambda: Stream(SUPPORT, {Tier.VIP: 1.0}, (1.0,), 1, wrap_up=-1), "0 s or more"),
        (lambda: Stream(SUPPORT, {Tier.VIP: 1.0}, (1.0,), 1, patience=-1), "more than 0 s"),
        (
            lambda: Plan((Group((1,), frozenset({SALES})),), steady(1, 1.0).streams),
            "serves the queue support",
        ),
        (lambda: planned(steady(1, 0.001), 29, 1), "At least 30 calls"),
        (lambda: planned(steady(1, 0.001), 29, 1, -2), "1 or more"),
    ],
)
def test_what_makes_no_plan(make: object, words: str) -> None:
    """It is said what is wrong."""
    with pytest.raises(BadInput, match=words):
        make()  # type: ignore[operator]


def test_processes_make_no_difference() -> None:
    """Two processes find the very figures that one does."""
    run_ = planned(steady(3, 0.02), 300, 1)
    assert replicate(run_, processes=2).to_json() == replicate(run_, processes=1).to_json()
