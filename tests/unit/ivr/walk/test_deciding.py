"""Nodes that decide: conditions, hours, variables, flows that call one another."""

import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

import pytest

from callcenter.clock import ManualClock
from callcenter.customers.lookup import Match, MatchKind
from callcenter.ivr.flow.flow import Flow
from callcenter.reception.visit import HungUp, ToQueue, VisitEnd
from tests.fakes.fake_ivr import Ground, a_flow, customer, passed
from tests.fakes.fake_line import FakeLine

pytestmark = pytest.mark.unit

ENDS = """
    one: {type: hangup, reason: one}
    two: {type: hangup, reason: two}
    three: {type: hangup, reason: three}
    trouble: {type: hangup, reason: trouble}
"""


async def end_of(*flows: Flow, ground: Ground | None = None) -> str:
    """The reason or queue at the end."""
    end = await (ground or Ground(FakeLine())).visit(*flows).start()
    return end.queue if isinstance(end, ToQueue) else getattr(end, "reason", "")


@pytest.mark.parametrize(
    ("condition", "end"),
    [
        ("customer.tier == 'vip'", "one"),
        ("caller.known and customer.open_complaints == 0", "one"),
        ("caller.number == '+8613800138000' and call.did == '4001'", "one"),
        ("language == 'en'", "one"),
        ("queue.waiting > 5", "two"),
        ("customer.name == 'Nobody'", "two"),
        ("amount > 3", "one"),
        ("amount > nobody", "trouble"),
        ("amount - 'x' > 3", "trouble"),
    ],
)
async def test_branch(condition: str, end: str) -> None:
    """The first condition that holds decides; one that can't be worked out is a failure."""
    flow = a_flow(
        f"""
    look:
      type: branch
      cases: [{{when: "1 == 2", next: three}}, {{when: "{condition}", next: one}}]
      otherwise: two
      failure: trouble
    {ENDS}""",
        variables={"amount": 4},
    )
    ground = Ground(FakeLine())
    ground.knowing.match = Match(MatchKind.KNOWN, customer())
    ground.lines.waiting = 5
    visit = ground.visit(flow)
    visit.walk.call.tier = "vip"
    result = await visit.start()
    assert getattr(result, "reason", "") == end


async def test_branch_without_any_way() -> None:
    """Nothing holds and nothing is written: the default queue."""
    assert await end_of(a_flow("look: {type: branch, cases: [{when: '1 == 2', next: look}]}")) == "support"


OFFICE = {"zone": "Asia/Shanghai", "calendar": "CN", "open": {"mon-fri": ["09:00-18:00"]}}
DOOR = a_flow(
    f"""
    door: {{type: hours, hours: office, open: one, closed: two, holiday: three}}
    {ENDS}""",
    hours={"office": OFFICE},
)
_CLOCK = f"""
    look: {{type: branch, cases: [{{when: "time.hour == 17", next: one}}], otherwise: two}}
    {ENDS}"""
CLOCK = a_flow(_CLOCK)
LONDON = a_flow(_CLOCK, hours={"office": {"zone": "Europe/London", "open": {"mon-fri": ["09:00-18:00"]}}})


@pytest.mark.parametrize(
    ("at", "end", "way"),
    [
        ("2026-01-05T09:00+08:00", "one", "open"),
        ("2026-01-05T08:59+08:00", "two", "closed"),
        ("2026-01-05T01:00+00:00", "one", "open"),
        ("2026-01-11T10:00+08:00", "two", "closed"),
        ("2026-02-17T10:00+08:00", "three", "holiday"),
    ],
)
async def test_hours(at: str, end: str, way: str) -> None:
    """Open, closed, and a public holiday in China, in the hours' own zone."""
    visit = Ground(FakeLine(clock=ManualClock(dt.datetime.fromisoformat(at)))).visit(DOOR)
    assert getattr(await visit.start(), "reason", "") == end
    assert passed(visit)[0] == f"door: {way}"


async def test_the_time_is_that_of_the_hours() -> None:
    """``time.hour`` counts in the zone of the flow's hours, and in the services' zone where it has none."""
    for name in sorted(available_timezones())[:20]:
        ZoneInfo(
            name
        )  # Python forgets the others now; yet none is read from disk while callers are being served
    assert await end_of(CLOCK) == "one"
    assert await end_of(LONDON) == "two"


async def test_set_in_order() -> None:
    """Each value sees those before it; a text from a loop can't grow without end."""
    flow = a_flow(
        f"""
    first: {{type: set, values: {{a: "2 + 3", b: "a * 2", c: "'x' + b"}}, next: look}}
    look: {{type: branch, cases: [{{when: "b == 10 and c == 'x10'", next: one}}], otherwise: two}}
    {ENDS}"""
    )
    assert await end_of(flow) == "one"
    grow = a_flow(
        'grow: {type: set, values: {a: "a + a"}, next: grow, failure: one}\none: {type: hangup}',
        variables={"a": "xy"},
    )
    ground = Ground(FakeLine())
    visit = ground.visit(grow)
    await visit.start()
    assert len(str(visit.walk.variables["a"])) <= 200


# ------------------------------------------------------------ flows that call one another


CALLER = a_flow(
    f"""
    ask: {{type: subflow, flow: part, results: {{agreed: one}}, next: two, failure: trouble}}
    {ENDS}"""
)


@pytest.mark.parametrize(
    ("part", "end"),
    [
        ("answer: {type: return, result: agreed}", "one"),
        ("answer: {type: return, result: maybe}", "two"),
        ("answer: {type: return}", "two"),
        ("answer: {type: say, prompt: hello}", "two"),
        ("answer: {type: hangup, reason: inside}", "inside"),
        ("answer: {type: queue, queue: sales}", "sales"),
    ],
)
async def test_subflow(part: str, end: str) -> None:
    """What it returns decides; a way that is written nowhere returns; an end in it is the end."""
    assert await end_of(CALLER, a_flow(part, name="part", queue=None)) == end


async def test_a_part_with_a_queue_of_its_own() -> None:
    """Where the part's own ways end, its default queue counts, not the caller's flow."""
    assert await end_of(CALLER, a_flow("x: {type: say, prompt: a}", name="part", queue="complaints")) == (
        "complaints"
    )


async def test_a_return_without_a_caller() -> None:
    """Nobody called: the flow's own default queue, or the end."""
    assert await end_of(a_flow("x: {type: return, result: said}")) == "support"
    assert await end_of(a_flow("x: {type: return, result: said}", queue=None)) == "said"


async def test_variables_are_shared() -> None:
    """A part sees the variables and fills them; its first values don't overwrite."""
    flow = a_flow(
        f"""
    first: {{type: set, values: {{given: "7"}}, next: ask}}
    ask: {{type: subflow, flow: part, next: look}}
    look: {{type: branch, cases: [{{when: "found == 8 and own == 1", next: one}}], otherwise: two}}
    {ENDS}"""
    )
    part = a_flow(
        'x: {type: set, values: {found: "given + own"}, next: y}\ny: {type: return}',
        name="part",
        variables={"given": 0, "own": 1},
    )
    assert await end_of(flow, part) == "one"


async def test_a_flow_that_is_not_there() -> None:
    """Goes the failure way."""
    assert await end_of(CALLER) == "trouble"


async def test_flows_that_call_one_another_for_ever() -> None:
    """A circle is a failure at the node that would close it."""
    part = a_flow(
        f"\n    back: {{type: subflow, flow: try, failure: trouble}}{ENDS}".replace(
            "reason: trouble", "reason: round"
        ),
        name="part",
        queue=None,
    )
    assert await end_of(CALLER, part) == "round"
    itself = a_flow(f"\n    again: {{type: subflow, flow: try, failure: trouble}}{ENDS}")
    assert await end_of(itself) == "trouble"


async def test_flows_too_deep() -> None:
    """Eight flows inside one another are enough."""
    chain = [
        a_flow(
            f"""
            down: {{type: subflow, flow: f{depth + 1}, failure: trouble}}
            trouble: {{type: hangup, reason: at{depth}}}
            """,
            name=f"f{depth}",
            queue=None,
        )
        for depth in range(12)
    ]
    end: VisitEnd = await Ground(FakeLine()).visit(*chain).start()
    assert end == HungUp("at7")
