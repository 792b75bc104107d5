"""One caller's walk: keys early and late, silence, wrong keys, hang-ups, and always an end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.errors import CallerGone
from callcenter.ids import QueueName
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.loader import parse_flow
from callcenter.ivr.walk.runner import MAX_STEPS, HungUp, IvrEnd, Step, ToQueue, run
from tests.fakes.fake_line import HANG_UP, NO_ANSWER, SILENCE, FakeLine

pytestmark = pytest.mark.unit

QUEUES = frozenset({QueueName("support"), QueueName("sales")})
TEXT = """
flow: try
language: zh
default_queue: support
start: hello
prompts:
  hello: {en: Hello., zh: 您好。}
  which: {en: One or two., zh: 一还是二。}
  bye: {en: Bye., zh: 再见。}
  nothing: {en: Nothing., zh: 没有。}
  wrong: {en: Wrong., zh: 错了。}
nodes:
  hello: {type: say, prompt: hello, next: jump}
  jump: {type: goto, next: language}
  language: {type: language, prompt: which, keys: {"1": en, "2": zh}, seconds: 4, tries: 2, next: menu}
  menu:
    type: menu
    prompt: which
    keys: {"1": sales, "2": bye, "3": menu, "4": alone}
    seconds: 6
    tries: 2
    no_input: nothing
    wrong_input: wrong
  sales: {type: queue, queue: sales, prompt: hello}
  bye: {type: hangup, prompt: bye, reason: said_bye}
  alone: {type: say, prompt: bye}
"""
FLOW = parse_flow(TEXT.encode(), "try.yaml", QUEUES)


class Names:
    """Every prompt's path is its name and language."""

    def path(self, prompt: str, language: str) -> str:
        """As it is asked for."""
        return f"{prompt}/{language}"


async def walk(line: FakeLine, flow: Flow = FLOW, path: list[Step] | None = None) -> IvrEnd:
    """Run a flow on a fake line."""
    return await run(flow, line, facts={}, prompts=Names(), clock=line.clock, path=path)


async def test_the_way_to_a_queue() -> None:
    """Each node is a step with its keys and seconds; prompts are in the language of the moment."""
    line = FakeLine(["1", "1"])
    end = await walk(line)
    assert end == ToQueue(
        QueueName("sales"),
        "en",
        (
            Step("hello", "", 2.0),
            Step("jump", "", 0.0),
            Step("language", "1", 5.0),
            Step("menu", "1", 3.0),
            Step("sales", "", 2.0),
        ),
    )
    assert line.played == ["try.hello/zh", "try.which/zh", "try.which/en", "try.which/en", "try.hello/en"]


async def test_a_key_cuts_a_question_short() -> None:
    """A key in a menu's words answers it at once: nothing more is spoken or waited for."""
    line = FakeLine(["2"], cuts={"try.which/en": "1"})
    end = await walk(line)
    # The language question is cut in its English part, so the rest of the menu is in English and unhurried.
    assert isinstance(end, HungUp)
    assert line.played == ["try.hello/zh", "try.which/zh", "try.which/en", "try.which/en", "try.bye/en"]


async def test_a_key_in_an_announcement_answers_the_next_question() -> None:
    """Who knows the way presses ahead: the key is not lost, and its question isn't spoken."""
    line = FakeLine(["1"], cuts={"try.hello/zh": "1"})
    end = await walk(line)
    assert isinstance(end, ToQueue)
    assert (end.queue, end.language) == ("sales", "en")
    assert line.played == ["try.hello/zh", "try.which/en", "try.hello/en"]
    assert [step.keys for step in end.path] == ["", "", "1", "1", ""]


async def test_silence_goes_to_the_default_queue() -> None:
    """No key at all: asked again with the words for it, then put to a person, never dropped."""
    line = FakeLine()
    end = await walk(line)
    assert isinstance(end, ToQueue)
    assert (end.queue, end.language) == ("support", "zh")
    assert line.played[-3:] == ["try.which/zh", "try.nothing/zh", "try.which/zh"]
    assert [step.seconds for step in end.path] == [2.0, 0.0, 16.0, 18.0]


async def test_wrong_keys_are_kept_and_answered() -> None:
    """A wrong key is told so, and the path shows all keys pressed."""
    line = FakeLine(["9", "*", "8", "1"])
    end = await walk(line)
    assert isinstance(end, ToQueue)
    assert end.queue == "sales"
    assert [step.keys for step in end.path] == ["", "", "9*", "81", ""]
    assert "try.wrong/zh" in line.played


async def test_the_flow_hangs_up() -> None:
    """A hang-up node speaks its words, and gives its reason."""
    end = await walk(FakeLine(["2", "2"]))
    assert isinstance(end, HungUp)
    assert (end.reason, end.language, end.path[-1].node) == ("said_bye", "zh", "bye")


async def test_a_node_without_a_next_is_no_dead_end() -> None:
    """Where the file says nothing, the default queue follows."""
    end = await walk(FakeLine(["1", "4"]))
    assert isinstance(end, ToQueue)
    assert end.queue == "support"


async def test_a_caller_who_goes_round_is_put_to_a_person() -> None:
    """A flood of keys that leads back to the menu for ever ends at the limit."""
    end = await walk(FakeLine(["1", *["3"] * 1000]))
    assert isinstance(end, ToQueue)
    assert end.queue == "support"
    assert len(end.path) == MAX_STEPS


@pytest.mark.parametrize(
    ("line", "nodes"),
    [
        (FakeLine(cuts={"try.hello/zh": HANG_UP}), ["hello"]),
        (FakeLine([HANG_UP]), ["hello", "jump", "language"]),
        (FakeLine(["1", SILENCE, HANG_UP]), ["hello", "jump", "language", "menu"]),
        (FakeLine(["2", "2"], cuts={"try.bye/zh": HANG_UP}), ["hello", "jump", "language", "menu", "bye"]),
    ],
    ids=["say", "language", "menu", "hangup"],
)
async def test_hang_up_at_any_node(line: FakeLine, nodes: list[str]) -> None:
    """The caller's hang-up ends the walk, and the path until then is not lost."""
    path: list[Step] = []
    with pytest.raises(CallerGone):
        await walk(line, path=path)
    assert [step.node for step in path] == nodes


async def test_asterisk_not_answering_ends_in_the_default_queue() -> None:
    """A command without an answer does not lose the caller."""
    end = await walk(FakeLine(["1", NO_ANSWER]))
    assert isinstance(end, ToQueue)
    assert (end.queue, end.language) == ("support", "en")


@settings(deadline=None)
@given(st.lists(st.sampled_from([*"0123456789*#", SILENCE]), max_size=40))
async def test_any_keys_come_to_an_end(presses: list[str]) -> None:
    """Whatever is pressed, there is an end in a queue or with the flow's own good-bye."""
    end = await walk(FakeLine(presses))
    assert isinstance(end, HungUp) or end.queue in QUEUES
