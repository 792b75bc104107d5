"""Nodes that ask for keys: early and late ones, several, wrong ones, none, and floods of them."""

import pytest

from callcenter.ids import QueueName
from callcenter.ivr.front import FlowVisit
from callcenter.reception.visit import ToQueue
from tests.fakes.fake_ivr import Ground, a_flow, passed
from tests.fakes.fake_line import SILENCE, FakeLine

pytestmark = pytest.mark.unit

FLOW = a_flow(
    """
    hello: {type: say, prompt: hello, next: language}
    language: {type: language, prompt: which_language, keys: {"1": en, "2": zh}, seconds: 4, next: menu}
    menu:
      type: menu
      prompt: which
      keys: {"1": sales, "21": complaints, "22": bye, "*": menu}
      seconds: 6
      tries: 2
      no_input: nothing
      wrong_input: {say: wrong, then: bye}
    sales: {type: queue, queue: sales}
    complaints: {type: queue, queue: complaints}
    bye: {type: hangup, prompt: bye, reason: bye}
    """,
    language="zh",
)


async def walked(line: FakeLine) -> tuple[FlowVisit, str]:
    """The visit, and the queue or the reason that it ended with."""
    visit = Ground(line).visit(FLOW)
    end = await visit.start()
    return visit, end.queue if isinstance(end, ToQueue) else getattr(end, "reason", "")


async def test_the_way_to_a_queue() -> None:
    """Each node is a step with its way and seconds; prompts are in the language of the moment."""
    line = FakeLine(["1", "1"])
    visit, end = await walked(line)
    assert end == "sales"
    assert passed(visit) == ["hello: next", "language: key 1", "menu: key 1", "sales: queue"]
    assert [step.seconds for step in visit.walk.steps] == [2.0, 5.0, 3.0, 0.0]
    assert line.played == ["try.hello/zh", "try.which_language/zh", "try.which_language/en", "try.which/en"]
    assert visit.walk.call.language == "en"
    assert visit.walk.call.keys == [("language", "1"), ("menu", "1")]


async def test_a_key_cuts_a_question_short() -> None:
    """A key in a question's words answers it: its other language is not spoken."""
    line = FakeLine(["1"], cuts={"try.which_language/zh": "2"})
    visit, _ = await walked(line)
    assert line.played == ["try.hello/zh", "try.which_language/zh", "try.which/zh"]
    assert visit.walk.call.language == "zh"


async def test_a_key_in_an_announcement_answers_the_next_question() -> None:
    """Who knows the way presses ahead: the key is not lost, and its question isn't spoken."""
    line = FakeLine(["1"], cuts={"try.hello/zh": "1"})
    visit, end = await walked(line)
    assert end == "sales"
    assert line.played == ["try.hello/zh", "try.which/en"]
    assert visit.walk.call.keys == [("language", "1"), ("menu", "1")]


async def test_an_announcement_that_can_not_be_cut() -> None:
    """Without ``interrupt`` it is spoken to its end, keys or not."""
    line = FakeLine(cuts={"try.hello/en": "1"})
    flow = a_flow(
        """
        first: {type: say, prompt: hello, interrupt: false, next: menu}
        menu: {type: menu, prompt: which, keys: {"1": bye}, tries: 1}
        bye: {type: hangup}
        """
    )
    visit = Ground(line).visit(flow)
    assert isinstance(await visit.start(), ToQueue)
    assert line.played == ["try.hello/en", "try.which/en"]


async def test_silence_goes_to_the_default_queue() -> None:
    """No key at all: asked again with the words for it, then put to a person, never dropped."""
    line = FakeLine()
    visit, end = await walked(line)
    assert end == "support"
    assert line.played[-3:] == ["try.which/zh", "try.nothing/zh", "try.which/zh"]
    assert passed(visit) == ["hello: next", "language: no_input", "menu: no_input"]
    assert [(step.no_input, step.wrong_input) for step in visit.walk.steps] == [(0, 0), (2, 0), (2, 0)]


async def test_wrong_keys_have_their_own_way() -> None:
    """A wrong key is told so, counted, and after the last try goes where the node says."""
    line = FakeLine(["1", "9", "0"])
    visit, end = await walked(line)
    assert end == "bye"
    assert "try.wrong/en" in line.played
    assert passed(visit)[2] == "menu: wrong_input"
    assert visit.walk.steps[2].wrong_input == 2
    assert visit.walk.call.keys[-1] == ("menu", "90")


@pytest.mark.parametrize(
    ("keys", "end"),
    [
        (["2", "1"], "complaints"),
        (["2", "2"], "bye"),
        (["2", "3", "1"], "sales"),
        (["2", SILENCE, "1"], "sales"),
        (["2", SILENCE, "2", SILENCE], "bye"),
        (["*", "1"], "sales"),
        (["A", "1"], "sales"),
    ],
)
async def test_choices_of_several_keys(keys: list[str], end: str) -> None:
    """A choice is taken when it is complete; what can't become one, or stops half-way, is wrong."""
    assert (await walked(FakeLine(["1", *keys])))[1] == end


COLLECT = """
    number:
      type: collect
      prompt: number
      into: order
      min_digits: 3
      max_digits: 6
      seconds: 5
      between_seconds: 2
      tries: 2
      next: done
      wrong_input: wrong
      otherwise: gave_up
      {more}
    done: {{type: hangup, reason: done}}
    gave_up: {{type: hangup, reason: gave_up}}
    trouble: {{type: hangup, reason: trouble}}
"""


@pytest.mark.parametrize(
    ("more", "keys", "end", "kept"),
    [
        ("", "123#", "done", "123"),
        ("", "123456", "done", "123456"),
        ("", "1234", "done", "1234"),
        ("", "12#1234#", "done", "1234"),
        ("", "#123#", "done", "123"),
        ("", "12*345#", "done", "345"),
        ("", "1#2#", "gave_up", None),
        ("", "", "gave_up", None),
        ('terminator: "*"', "1234*", "done", "1234"),
        ('terminator: ""', "123#456#", "gave_up", None),
        ("valid: starts_with(order, '20')", "111#204#", "done", "204"),
        ("valid: starts_with(order, '20')", "111#112#", "gave_up", None),
        ("valid: nobody > 3\n      failure: trouble", "111#", "trouble", None),
    ],
)
async def test_collected_digits(more: str, keys: str, end: str, kept: str | None) -> None:
    """Terminator, length, pause and ``valid`` decide; only right digits are kept."""
    visit = Ground(FakeLine(keys)).visit(a_flow(COLLECT.format(more=more)))
    assert getattr(await visit.start(), "reason", "") == end
    assert visit.walk.variables.get("order") == kept


async def test_the_time_for_digits() -> None:
    """The first key has ``seconds`` after the words, each further one ``between_seconds``."""
    line = FakeLine(["1", "2", "3"])
    await Ground(line).visit(a_flow(COLLECT.format(more=""))).start()
    assert line.clock.now() == 1000.0 + 2.0 + 3 * 1.0 + 2.0


@pytest.mark.parametrize("key", list("0123456789*#A"))
async def test_a_flood_of_keys_ends(key: str) -> None:
    """Ten thousand keys in Asterisk's queue: each question reads as many as its answer can have, no more."""
    line = FakeLine([key] * 10_000)
    flow = a_flow(COLLECT.format(more="valid: order == 'x'"))
    visit = Ground(line).visit(flow)
    assert getattr(await visit.start(), "reason", "") == "gave_up"
    assert line.keys_read <= 2 * (6 + 1)
    line = FakeLine([key] * 10_000)
    visit = Ground(line).visit(FLOW)
    await visit.start()
    assert line.keys_read <= 2 * 500


async def test_a_language_that_nobody_chooses() -> None:
    """No choice keeps the language of the flow and goes on."""
    flow = a_flow(
        """
        language: {type: language, prompt: which, keys: {"1": en, "2": zh}, next: sales}
        sales: {type: queue, queue: sales}
        """,
        language="zh",
        defaults={"no_input": "say_nothing"},
    )
    line = FakeLine()
    visit = Ground(line).visit(flow)
    end = await visit.start()
    assert isinstance(end, ToQueue)
    assert end.queue == QueueName("sales")
    assert visit.walk.call.language == "zh"
    assert line.played[2] == "try.say_nothing/zh"
