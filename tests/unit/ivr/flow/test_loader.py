"""Reading flows: every fault with its line and node, and nothing hostile gets through."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.ids import QueueName
from callcenter.ivr.flow.flow import Flow, MenuNode
from callcenter.ivr.flow.loader import MAX_BYTES, FlowInvalid, Problem, parse_flow

pytestmark = pytest.mark.unit

QUEUES = frozenset({QueueName("support"), QueueName("sales")})
GOOD = """\
flow: main
default_queue: support
start: menu
prompts:
  menu:
    en: >
      For sales, press 1,
      or stay.
    zh: 销售请按一。
nodes:
  menu:
    type: menu
    prompt: menu
    keys: {1: sales, "#": menu}
    seconds: 4
  sales:
    type: queue
    queue: sales
"""


def load(text: str | bytes) -> Flow:
    """Parse as a file called ``f.yaml``."""
    return parse_flow(text.encode() if isinstance(text, str) else text, "f.yaml", QUEUES)


def problems(text: str | bytes) -> list[str]:
    """The faults of a text, as they are shown."""
    with pytest.raises(FlowInvalid) as invalid:
        load(text)
    return [str(problem) for problem in invalid.value.problems]


def test_a_good_flow() -> None:
    """Wrapped prompts are one line, unquoted digits are keys, what isn't written has its default."""
    flow = load(GOOD)
    menu = flow.nodes["menu"]
    assert isinstance(menu, MenuNode)
    assert menu.keys == {"1": "sales", "#": "menu"}
    assert (menu.seconds, menu.tries, menu.otherwise) == (4, 3, None)
    assert flow.prompts["menu"].within("en") == "For sales, press 1, or stay."
    assert flow.prompts["menu"].within("zh") == "销售请按一。"
    assert flow.language == "en"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("flow: main\n", "", "f.yaml:1: “flow” is missing"),
        ("    zh: 销售请按一。\n", "", "f.yaml:5: “zh” is missing"),
        ("start: menu", "start: main", "f.yaml:3: there is no node “main” to start with"),
        (
            "default_queue: support",
            "default_queue: x",
            "f.yaml:2: there is no queue “x” (there are: sales, support)",
        ),
        (
            "queue: sales",
            "queue: gold",
            "f.yaml:18: node sales: there is no queue “gold” (there are: sales, support)",
        ),
        (
            "type: queue",
            "type: quue",
            "f.yaml:16: node sales: “type” must be one of say, menu, language, queue",
        ),
        ("    type: queue\n", "", "f.yaml:16: node sales: “type” must be one of say, menu, language, queue"),
        (
            "    prompt: menu\n",
            "    prompt: welcome\n",
            "f.yaml:11: node menu: it speaks “welcome”, and there is no",
        ),
        (
            "{1: sales,",
            "{1: nowhere, 2: sales,",
            "f.yaml:11: node menu: it leads to “nowhere”, and there is no such",
        ),
        ("{1: sales,", "{12: sales,", "f.yaml:14: node menu: “12” can't be a key: phones have 0-9"),
        (
            "{1: sales,",
            "{1: sales, 1: menu,",
            "f.yaml:14: node menu: “1” stands here twice (also in line 14)",
        ),
        (
            "seconds: 4",
            "seconds: 0",
            "f.yaml:15: node menu: “seconds”: Input should be greater than or equal to 1",
        ),
        (
            "seconds: 4",
            "seconds: .inf",
            "f.yaml:15: node menu: “seconds”: Input should be less than or equal to 30",
        ),
        ("seconds: 4", "seconds: .nan", "f.yaml:15: node menu: “seconds”: Input should be"),
        ("seconds: 4", "seconds: '4'", "f.yaml:15: node menu: “seconds”: Input should be a valid number"),
        (
            "seconds: 4",
            "seconds: 4\n    second: 5",
            "f.yaml:16: node menu: “second” is not a word that is known",
        ),
        (
            "keys: {1: sales,",
            "keys: [1, 2] #",
            "f.yaml:14: node menu: “keys” must have lines of its own below",
        ),
        ("zh: 销售请按一。", 'zh: "\\u0007"', "f.yaml:9: “zh”: a prompt can't have control characters"),
        ("zh: 销售请按一。", f"zh: {'一' * 1001}", "f.yaml:9: “zh”: a prompt has 1 to 1000 characters"),
        ("zh: 销售请按一。", 'zh: "…"', "f.yaml:9: “zh”: a prompt needs something to say"),
        ("zh: 销售请按一。", "zh: [a]", "f.yaml:9: “zh”: Input should be a valid string"),
        ("  sales:\n", "  Sales:\n", "f.yaml:16: node Sales: “Sales” can't be a key: phones have"),
        ("start: menu", "start: *x", "f.yaml:3: anchors and aliases are not allowed"),
        ("start: menu", "start: &x menu", "f.yaml:3: anchors and aliases are not allowed"),
        (
            "start: menu",
            "start: !!python/name:os.system menu",
            "f.yaml:3: the tag tag:yaml.org,2002:python/name",
        ),
        ("nodes:\n", "nodes: !!set\n", "f.yaml:10: the tag tag:yaml.org,2002:set is not allowed"),
        ("start: menu", "start: 1" + ":1" * 50, "f.yaml:3: the number is too long"),
        ("start: menu", "start: menu: x", "f.yaml:3: mapping values are not allowed here"),
        ("start: menu", "? [a, b]\n: x\nstart: menu", "f.yaml:3: a key must be one word"),
    ],
)
def test_a_fault_has_its_line_and_node(old: str, new: str, expected: str) -> None:
    """One change in a good file gives that fault, at its line, under its node."""
    assert old in GOOD
    assert any(problem.startswith(expected) for problem in problems(GOOD.replace(old, new, 1)))


def test_all_faults_at_once() -> None:
    """Faults are collected, in the order of the lines."""
    text = (
        GOOD.replace("seconds: 4", "seconds: 99")
        .replace("    zh: 销售请按一。\n", "")
        .replace("queue: sales", "qu: s")
    )
    assert [problem.split(" ")[0] for problem in problems(text)] == [
        "f.yaml:5:",
        "f.yaml:14:",
        "f.yaml:15:",
        "f.yaml:17:",
    ]


def test_ways_that_never_end() -> None:
    """Speech that comes round without a question, and nodes that nothing leads to, are faults."""
    text = GOOD.replace("{1: sales,", "{1: one, 2: sales,")
    text += "  one: {type: say, prompt: menu, next: two}\n  two: {type: goto, next: one}\n"
    text += "  alone: {type: hangup}\n"
    assert problems(text) == [
        "f.yaml:19: node one: it comes round without asking anything: one → two → one",
        "f.yaml:21: node alone: no way leads to this node: give it one, or take it out",
    ]


def test_a_problem_is_plain_data() -> None:
    """Pages can show file, line and node apart."""
    with pytest.raises(FlowInvalid) as invalid:
        load(GOOD.replace("seconds: 4", "seconds: x"))
    [problem] = invalid.value.problems
    assert (problem.file, problem.line, problem.node) == ("f.yaml", 15, "menu")
    assert isinstance(problem, Problem)
    assert invalid.value.code == "flow_invalid"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "f.yaml:1: “the file” must have lines"),
        (b"- a\n", "f.yaml:1: “the file” must have lines"),
        (b"a: \xff\n", "f.yaml:1: the file is not UTF-8 text"),
        (b"a: 1\nb: \x00\n", "f.yaml:1: character 8 can't stand in YAML"),
        (b"a: 1\n---\nb: 2\n", "f.yaml:2: but found another document"),
        (b"a: 'x\n", "f.yaml:2: found unexpected end of stream"),
        (b"x" * (MAX_BYTES + 1), "f.yaml:1: the file is larger than 256 KiB"),
        (b"[" * 100_000, "f.yaml:1: nested too deep"),
        (b"{a: " * 50_000, "f.yaml:1: nested too deep"),
        (b"- " * 50_000, "f.yaml:1: nested too deep"),
        (b"a: &a [x,x]\nb: &b [*a,*a]\n", "f.yaml:1: anchors and aliases are not allowed"),
    ],
)
def test_hostile_files(data: bytes, expected: str) -> None:
    """Bombs, broken text and files without a flow are refused in words, in seconds at most."""
    start = time.perf_counter()
    assert problems(data)[0].startswith(expected)
    assert time.perf_counter() - start < 10


def test_a_large_honest_flow() -> None:
    """A thousand nodes are no problem."""
    nodes = "".join(f"  n{n}: {{type: goto, next: n{n + 1}}}\n" for n in range(1000))
    text = GOOD.replace("start: menu", "start: n0") + nodes + "  n1000: {type: goto, next: menu}\n"
    assert len(load(text).nodes) == 1003


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    """Whatever the bytes are, the answer is a list of problems."""
    assert problems(data)


@settings(deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.characters(exclude_categories=["Cs"]))
def test_one_changed_character(place: int, character: str) -> None:
    """A good file with one character changed is a flow, or a list of problems; never another error."""
    with contextlib.suppress(FlowInvalid):
        load(GOOD[:place] + character + GOOD[place + 1 :])
