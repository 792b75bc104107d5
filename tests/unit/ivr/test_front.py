"""A visit as reception sees it: versions, sounds, the survey, the record, and who is where."""

import pytest
import structlog

from callcenter.ids import CallId
from callcenter.ivr.counting import Counter
from callcenter.ivr.front import FrontDoor, key_words
from callcenter.ivr.ports import FlowSet
from callcenter.reception.visit import HungUp, ToQueue
from tests.fakes.fake_ivr import Ground, OneShelf, a_flow, flow_set
from tests.fakes.fake_line import FakeLine

pytestmark = pytest.mark.unit

MAIN = a_flow(
    """
    language: {type: language, prompt: which, keys: {"1": en, "2": zh}, next: menu}
    menu: {type: menu, prompt: which, keys: {"1": sales, "2": bye}}
    sales:
      type: queue
      title: {en: Sales, zh: 销售}
      queue: sales
      survey: how
      waiting: {timeout: {seconds: 60, next: bye}}
    bye: {type: hangup}
    """,
    prompts={"position": {"en": "Number {position}, dear.", "zh": "第{position}位。"}},
)
SURVEY = a_flow(
    """
    ask: {type: survey, questions: [{name: good, prompt: good}], next: end}
    end: {type: hangup}
    """,
    name="how",
    queue=None,
)


async def test_the_version_of_the_beginning() -> None:
    """What is published during a call does not change it, not even its survey."""
    shelf = OneShelf(flow_set(MAIN, SURVEY))
    ground = Ground(FakeLine(["1", "1"]))
    visit = FrontDoor(shelf, ground.services()).visit(ground.line, ground.call())
    shelf.flows = FlowSet("try", {"try": a_flow("x: {type: hangup, reason: other}")}, {"try": 4})
    end = await visit.start()
    assert isinstance(end, ToQueue)
    assert end.queue == "sales"
    await visit.survey("how")
    visit.over()
    (row,) = ground.recorder.visits.values()
    assert (row.flow, row.version) == ("try", 3)
    assert [(step.flow, step.node, step.version) for step in row.steps] == [
        ("try", "language", 3),
        ("try", "menu", 3),
        ("try", "sales", 3),
        ("how", "ask", 3),
        ("how", "end", 3),
    ]


async def test_the_line_is_answered_first() -> None:
    """Nothing is heard on a line that was not taken."""
    ground = Ground(FakeLine())
    visit = ground.visit(MAIN)
    assert not ground.line.answered
    await visit.start()
    assert ground.line.answered


@pytest.mark.parametrize(
    ("keys", "end", "contained"), [(["1", "2"], "hangup", True), (["1", "1"], "queue", False)]
)
async def test_the_record(keys: list[str], end: str, contained: bool) -> None:
    """One row for the visit, whose end and containment are as they were."""
    ground = Ground(FakeLine(keys))
    visit = ground.visit(MAIN)
    await visit.start()
    ground.clock.move(5)
    visit.over()
    (row,) = ground.recorder.visits.values()
    assert (row.end, row.contained, row.call_id) == (end, contained, "0" * 32)
    assert (row.ended_at - row.started_at).total_seconds() == 4.0 + 1.0 + 2.0 + 1.0 + 5.0


async def test_a_wait_that_ends_in_the_flow_is_not_contained() -> None:
    """Who has waited for a person counts so, also when the flow then hangs up."""
    ground = Ground(FakeLine(["1", "1"]))
    visit = ground.visit(MAIN)
    await visit.start()
    assert await visit.resume("timeout") == HungUp("flow")
    visit.over()
    (row,) = ground.recorder.visits.values()
    assert (row.end, row.contained) == ("hangup", False)


async def test_a_visit_that_never_began() -> None:
    """The caller was gone before: nothing to put on record."""
    ground = Ground(FakeLine())
    visit = ground.visit(MAIN)
    visit.over()
    assert ground.recorder.visits == {}


@pytest.mark.parametrize(
    ("prompt", "name", "text"),
    [
        ("position", "try.position", "第{position}位。"),
        ("wait_short", "standard.wait_short", "预计等待时间不到一分钟。"),
        ("nothing_like_it", "standard.please_hold", "请稍候。"),
    ],
)
async def test_sounds_in_line(prompt: str, name: str, text: str) -> None:
    """The flow's own prompt comes before the standard one, in the caller's language; one that is nowhere is “please
    hold”."""
    ground = Ground(FakeLine(["2", "1"]))
    visit = ground.visit(MAIN)
    await visit.start()
    assert await visit.sound(prompt, {"position": 3}) == f"{name}/zh"
    asked = ground.prompts.asked[-1]
    assert asked[1] == text
    assert asked[3].get("position") == (3 if "{" in text else None)


async def test_sounds_before_any_flow() -> None:
    """A caller who comes back from the fallback queue walks no flow, and hears the announcements in their language."""
    ground = Ground(FakeLine())
    call = ground.call()
    call.language = "zh"
    visit = FrontDoor(OneShelf(flow_set(MAIN)), ground.services()).visit(ground.line, call)
    assert await visit.sound("position", {"position": 1}) == "standard.position/zh"


async def test_a_survey_that_is_not_there() -> None:
    """The flow was not published: no survey, no fault, the flow goes on as it was."""
    ground = Ground(FakeLine(["1", "1"]))
    visit = ground.visit(MAIN)
    await visit.start()
    with structlog.testing.capture_logs() as logs:
        await visit.survey("how")
    assert "survey not held" in [line["event"] for line in logs]
    assert await visit.resume("timeout") == HungUp("flow")


def test_what_keys_mean() -> None:
    """For agents: the title of where a key leads, the language that it chooses."""
    other = a_flow(
        "menu: {type: menu, prompt: which, keys: {'1': x, '7': x}}\nx: {type: hangup}", name="other"
    )
    words = key_words([MAIN, other])
    assert words["menu", "1"] == ("Sales", "销售")
    assert words["menu", "2"] == ("bye", "bye")
    assert words["menu", "7"] == ("x", "x")
    assert words["language", "2"] == ("Chinese", "中文")
    ground = Ground(FakeLine())
    assert FrontDoor(OneShelf(flow_set(MAIN, other)), ground.services()).key_words == words


def test_who_is_where() -> None:
    """Callers per node; the version grows with each change, and only then."""
    counter, one, two = Counter(), CallId("1"), CallId("2")
    counter.at(one, "main", "menu")
    counter.at(two, "main", "menu")
    before = counter.version()
    counter.at(two, "main", "menu")
    assert (counter.now("main"), counter.version()) == ({"menu": 2}, before)
    counter.at(one, "part", "ask")
    assert (counter.now("main"), counter.now("part")) == ({"menu": 1}, {"ask": 1})
    counter.left(one)
    counter.left(two)
    after = counter.version()
    counter.left(two)
    assert (counter.now("main"), counter.now("part"), counter.version()) == ({}, {}, after)


async def test_who_waits_is_at_the_queue() -> None:
    """Until the visit is over."""
    ground = Ground(FakeLine(["1", "1"]))
    visit = ground.visit(MAIN)
    assert await visit.start() != HungUp("flow")
    assert ground.counter.now("try") == {"sales": 1}
    visit.over()
    assert ground.counter.now("try") == {}
