"""Callers who come back into a line from elsewhere: the node that leads there, its plan, and the way on from it."""

import dataclasses
import datetime as dt

import pytest

from callcenter.ids import QueueName
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.walk.runner import way_to
from callcenter.reception.visit import HungUp, ToQueue, WaitPlan
from tests.fakes.fake_ivr import Ground, a_flow, flow_set, passed
from tests.fakes.fake_line import FakeLine

pytestmark = pytest.mark.unit

SALES, SUPPORT = QueueName("sales"), QueueName("support")
HOURS = {"office": {"zone": "UTC", "open": {"daily": ["09:00-18:00"]}}}
MAIN = a_flow(
    """
    ask: {type: menu, prompt: say, keys: {"1": below, "2": first, "3": second}}
    below: {type: subflow, flow: part, results: {left: bye}}
    first:
      type: queue
      queue: support
      skills: {german: 2}
      survey: csat
      waiting: {music: jazz, full: {waiting: 5, next: bye}, timeout: {seconds: 60, next: bye}, nobody: bye}
    second: {type: queue, queue: support}
    bye: {type: hangup, reason: bye}
    """,
    name="main",
)
PART = a_flow(
    """
    wait: {type: queue, queue: sales, waiting: {timeout: {seconds: 30, next: out}}}
    out: {type: return, result: left}
    """,
    name="part",
    queue=None,
)


def closing(serve_waiting: bool) -> Flow:
    """A line with opening hours."""
    serve = str(serve_waiting).lower()
    return a_flow(
        f"""
        wait:
          type: queue
          queue: support
          waiting: {{closes: {{hours: office, next: closed, serve_waiting: {serve}}}}}
        closed: {{type: hangup, reason: closed}}
        """,
        hours=HOURS,
    )


async def test_the_first_node_that_leads_there() -> None:
    """With its plan, skills and survey; that it is full does not concern who was in line already."""
    ground = Ground(FakeLine())
    visit = ground.visit(MAIN, PART)
    plan = WaitPlan(music="jazz", timeout=60, nobody=True)
    assert await visit.rejoin(SUPPORT) == ToQueue(SUPPORT, plan, {"german": 2}, "csat")
    assert ground.line.played == []
    assert await visit.resume("timeout") == HungUp("bye")
    visit.over()
    assert passed(visit) == ["first: timeout", "bye: hangup"]
    [row] = ground.recorder.visits.values()
    assert (row.end, row.contained) == ("hangup", False)


async def test_who_is_served_left_no_visit() -> None:
    """The visit before the fallback is on record, and this one has added nothing to it."""
    ground = Ground(FakeLine())
    visit = ground.visit(MAIN, PART)
    await visit.rejoin(SUPPORT)
    visit.over()
    assert ground.recorder.visits == {}


async def test_a_node_of_a_flow_that_is_called() -> None:
    """The way back leads through the flow that called it."""
    visit = Ground(FakeLine()).visit(MAIN, PART)
    assert await visit.rejoin(SALES) == ToQueue(SALES, WaitPlan(timeout=30))
    assert await visit.resume("timeout") == HungUp("bye")
    assert passed(visit) == ["wait: timeout", "out: return left", "bye: hangup"]


async def test_what_the_call_needs_is_known() -> None:
    """It stays so, whatever the node says."""
    visit = Ground(FakeLine()).visit(MAIN, PART)
    visit.walk.call.skills = {"french": 4}
    assert (await visit.rejoin(SUPPORT)).skills == {"french": 4}


async def test_no_node_leads_there() -> None:
    """There is only the line; should the wait come to an end all the same, it is the default queue."""
    visit = Ground(FakeLine()).visit(PART)
    nowhere = QueueName("nowhere")
    assert await visit.rejoin(nowhere) == ToQueue(nowhere)
    other = Ground(FakeLine()).visit(MAIN, PART)
    await other.rejoin(nowhere)
    assert await other.resume("timeout") == ToQueue(SUPPORT)


def test_flows_that_call_one_another_in_a_circle() -> None:
    """Each is looked through once."""
    one = a_flow("a: {type: subflow, flow: two}", name="one")
    two = a_flow("a: {type: subflow, flow: one}", name="two")
    assert way_to(flow_set(one, two), SALES) is None
    assert way_to(flow_set(one), SALES) is None


@pytest.mark.parametrize(
    ("hour", "serve", "closes"),
    [(10, True, None), (10, False, 18), (20, True, None), (20, False, 20)],
)
async def test_opening_hours(hour: int, serve: bool, closes: int | None) -> None:
    """Who was in line when it closed is served, or led elsewhere at once."""
    ground = Ground(FakeLine())
    now = ground.clock.wall().replace(hour=hour, minute=0, second=0, microsecond=0)
    ground.clock.set_wall(now)
    to = await ground.visit(closing(serve)).rejoin(SUPPORT)
    at = None if closes is None else now.replace(hour=closes).astimezone(dt.UTC)
    assert to.plan == dataclasses.replace(WaitPlan(), closes_at=at)


@pytest.mark.parametrize(("hour", "end"), [(10, "support"), (18, "closed"), (8, "closed")])
async def test_who_comes_outside_the_hours(hour: int, end: str) -> None:
    """Led elsewhere at once, and not into the line; at the stroke of the hour it is closed."""
    ground = Ground(FakeLine())
    now = ground.clock.wall().replace(hour=hour, minute=0, second=0, microsecond=0)
    ground.clock.set_wall(now)
    visit = ground.visit(closing(True))
    came = await visit.start()
    assert came == (HungUp("closed") if end == "closed" else ToQueue(SUPPORT))
    assert passed(visit)[0] == ("wait: closes" if end == "closed" else "wait: queue")
