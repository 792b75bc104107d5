"""Reading flows: every fault with its line and node, and nothing hostile gets through."""

import contextlib
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.ivr.flow import document
from callcenter.ivr.flow.document import MAX_PROBLEMS, in_order
from callcenter.ivr.flow.faults import TYPES
from callcenter.ivr.flow.flow import MAX_NODES, Flow
from callcenter.ivr.flow.loader import (
    MAX_BYTES,
    FlowInvalid,
    Known,
    Problem,
    examine,
    load_flow,
    load_folder,
    parse_flow,
    read_folder,
)
from callcenter.ivr.flow.nodes import MenuNode

pytestmark = pytest.mark.unit

KNOWN = Known(queues={"support", "sales"})
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
    return parse_flow(text.encode() if isinstance(text, str) else text, "f.yaml", KNOWN)


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
            "f.yaml:16: node sales: “type” must be one of say, goto, language, menu, collect",
        ),
        ("    type: queue\n", "", "f.yaml:16: node sales: “type” is missing: it must be one of say, goto"),
        (
            "    prompt: menu\n",
            "    prompt: welcome\n",
            "f.yaml:13: node menu: it speaks “welcome”, and there is no such prompt: add it under prompts",
        ),
        (
            "{1: sales,",
            "{1: nowhere, 2: sales,",
            "f.yaml:14: node menu: it leads to “nowhere”, and there is no such node: add it under nodes",
        ),
        ("{1: sales,", "{x: sales,", "f.yaml:14: node menu: “x” can't be a key: phones have 0-9"),
        (
            "{1: sales,",
            "{1: salse,",
            "f.yaml:14: node menu: it leads to “salse”, and there is no such node: did you mean “sales”?",
        ),
        (
            "seconds: 4",
            "second: 4",
            "f.yaml:15: node menu: “second” is not a word that is known here: did you mean “seconds”?",
        ),
        (
            "start: menu",
            "stat: menu",
            "f.yaml:3: “stat” is not a word that is known here: did you mean “start”?",
        ),
        (
            "type: menu",
            "type: manu",
            "f.yaml:11: node menu: “type” must be one of " + ", ".join(TYPES) + ": did you mean “menu”?",
        ),
        (
            "seconds: 4",
            "no_input: {sya: menu}",
            "f.yaml:15: node menu: “sya” is not a word that is known here: did you mean “say”?",
        ),
        (
            "seconds: 4",
            "no_input: 5",
            "f.yaml:15: node menu: “no_input”: Input should be a valid string: quote the number",
        ),
        (
            "seconds: 4",
            "otherwise: no",
            "f.yaml:15: node menu: “otherwise”: Input should be a valid string: YAML reads yes, no, on",
        ),
        (
            "seconds: 4",
            "otherwise: Main menu",
            "f.yaml:15: node menu: “otherwise”: “Main menu” can't stand here: it must match",
        ),
        (
            "start: menu",
            "start: menu\nvariables: {x: [1]}",
            "f.yaml:4: “x”: write a text, a number of 15 digits at most",
        ),
        ("start: menu", "start: menu\nvariables: {x: .inf}", "f.yaml:4: “x”: write a text, a number"),
        ("start: menu", "start: menu\nvariables: {x: 1000000000000000000}", "f.yaml:4: “x”: write a text"),
        ("start: menu", "start: !!int x", "f.yaml:3: “x” is not of the kind int"),
        (
            "    type: queue\n",
            "    type: transfer\n    extension: x y\n",
            "f.yaml:18: node sales: “extension”: ",
        ),
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
            "f.yaml:15: node menu: “seconds”: Input should be",
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
        ("start: menu", "start: menu: x", "f.yaml:3: mapping values are not allowed"),
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
        (
            "f.yaml:19: node one: it comes round without asking anything: one → two → one; put a question or a queue "
            "on the way, or let it end"
        ),
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
        (b"a: 1\nb: \x00\n", "f.yaml:2: the character U+0000 can't stand in YAML"),
        (b"a: 1\nb: \x1b[2J\n", "f.yaml:2: the character U+001B can't stand in YAML"),
        ("a: 1\nb: \ufffe\n".encode(), "f.yaml:2: the character U+FFFE can't stand in YAML"),
        ("a: 1".encode("utf-16"), "f.yaml:1: the file is not UTF-8 text"),
        (b"a: 1\n---\nb: 2\n", "f.yaml:2: a second document (---) is not allowed"),
        (b"a: 'x\n", "f.yaml:2: found unexpected end of stream"),
        (b"x" * (MAX_BYTES + 1), "f.yaml:1: the file is larger than 1024 KiB"),
        (b"[" * 100_000, "f.yaml:1: nested too deep"),
        (b"{a: " * 50_000, "f.yaml:1: nested too deep"),
        (b"- " * 50_000, "f.yaml:1: nested too deep"),
        (b"a: &a [x,x]\nb: &b [*a,*a]\n", "f.yaml:1: anchors and aliases are not allowed"),
        (b"&a k: 1\n", "f.yaml:1: anchors and aliases are not allowed"),
        (b"<<: {flow: x}\n", "f.yaml:1: “<<” is not a word that is known here"),
        (b"a: 0x" + b"f" * 100_000, "f.yaml:1: the number is too long"),
        (b'"\\e[31m": 1\n', "f.yaml:1: “flow” is missing"),
        (b"start: 1\n" * 20_000, "f.yaml:1: “start” stands here twice"),
        (b"".join(b"k%d: 1\n" % n for n in range(20_000)), "f.yaml:1: “flow” is missing"),
    ],
)
def test_hostile_files(data: bytes, expected: str) -> None:
    """Bombs, broken text and files without a flow are refused in words, in seconds at most."""
    start = time.process_time()
    assert problems(data)[0].startswith(expected)
    assert time.process_time() - start < 10


def largest(nodes: int, *, last: str = "hangup", first: str = "") -> str:
    """A flow of menus in a row, each with a prompt of its own."""
    lines = [f"flow: main\nstart: n0\ndefaults: {{otherwise: n0}}\n{first}prompts:\n"]
    lines += (f"  p{n}: {{en: Press one; this is menu {n}., zh: 请按一。}}\n" for n in range(nodes))
    lines.append("nodes:\n")
    lines += (
        f"  n{n}:\n    type: menu\n    title: {{en: Menu {n}, zh: 菜单}}\n    prompt: p{n}\n"
        f"    keys: {{1: n{n + 1}, 2: n0}}\n"
        for n in range(nodes - 1)
    )
    return "".join(lines) + f"  n{nodes - 1}: {{type: {last}, prompt: p{nodes - 1}}}\n"


def test_the_largest_flow() -> None:
    """As many nodes as may be, each leading to the next: read and checked in little time, without recursion."""
    text = largest(MAX_NODES)
    start = time.process_time()
    assert len(load(text).nodes) == MAX_NODES
    # 0.7 s on a slow machine; the limit is for one that does other things too.
    assert time.process_time() - start < 5


@pytest.mark.parametrize("nodes", [MAX_NODES + 1, 5000])
def test_too_many_nodes(nodes: int) -> None:
    """One clear fault, at the line of “nodes”."""
    [problem] = problems(largest(nodes))
    assert problem == (
        f"f.yaml:{5 + nodes}: “nodes”: there are more than 2000: split the flow, and join its parts with subflow"
    )


def test_ten_thousand_nodes() -> None:
    """Ten thousand steps in a row are refused, not walked."""
    nodes = "".join(f"  n{n}: {{type: goto, next: n{n + 1}}}\n" for n in range(10_000))
    start = time.process_time()
    [problem] = problems(f"flow: main\nstart: n0\nnodes:\n{nodes}")
    assert problem.startswith("f.yaml:3: “nodes”: there are more than 2000")
    assert time.process_time() - start < 5


def test_thousands_of_faults() -> None:
    """What nobody can read is counted; finding near words does not take hours."""
    start = time.process_time()
    text = (
        largest(MAX_NODES)
        .replace("{1: n", "{1: m")
        .replace("Press one", "<x>")
        .replace("zh: 请按一。", "zz: x")
    )
    found = problems(text)
    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1].split("… and ")[1].endswith(" more")
    assert time.process_time() - start < 10


def test_a_menu_of_everything() -> None:
    """Tens of thousands of keys, and all of them hide others: no more work than reading them."""
    keys = ", ".join(f'"{n}": end' for n in range(20_000))
    start = time.process_time()
    found = problems(
        f"flow: x\nstart: a\nnodes:\n  a: {{type: menu, prompt: no_key, keys: {{{keys}}}}}\n  end: {{type: hangup}}\n"
    )
    assert (
        found[0]
        == "f.yaml:4: node a: “10000” can never be pressed, “1” is taken at once: let no key begin another"
    )
    assert time.process_time() - start < 10


def test_warnings_give_way_to_errors() -> None:
    """Where not all can be shown, it is the warnings that are not."""
    warnings = [Problem("f", n, "", "w", "warning") for n in range(MAX_PROBLEMS)]
    shown = in_order([*warnings, Problem("f", 999, "", "e")])
    assert [str(problem) for problem in shown] == ["f:999: e", f"f:999: … and {MAX_PROBLEMS} more"]


def test_prompts_that_are_too_long() -> None:
    """A prompt of 5,000 characters is refused, and its text is not in the message."""
    [problem] = problems(GOOD.replace("销售请按一。", "销" * 5000))
    assert problem == "f.yaml:9: “zh”: a prompt has 1 to 1000 characters"


def test_nothing_in_a_message_steers_a_terminal() -> None:
    """Names of the file are shown as they are, except for what can't be seen."""
    found = problems('"\\e[31m\\u202e": 1\n' + GOOD)
    assert found == ["f.yaml:1: “�[31m�” is not a word that is known here"]


def test_faults_in_expressions_and_hours() -> None:
    """What other languages inside the flow find has a line too."""
    text = GOOD.replace("seconds: 4", "seconds: 4\n    otherwise: split")
    text += "  split:\n    type: branch\n    cases:\n      - when: 1 ==\n        next: menu\n"
    text += "hours:\n  office:\n    zone: Asia/Nowhere\n    open: {mon: [9-5]}\n"
    found = problems(text)
    assert [problem.partition("“when”")[0] for problem in found[:1]] == ["f.yaml:23: node split: "]
    assert (
        found[1] == "f.yaml:27: “zone”: there is no time zone Asia/Nowhere: write one such as Asia/Shanghai"
    )
    assert found[2].startswith("f.yaml:28: “mon”: “9-5” can't stand here: it must match")


def test_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML's own parser reads the same."""
    fast = load(GOOD)
    monkeypatch.setattr(document, "_Loader", yaml.SafeLoader)
    assert load(GOOD) == fast
    assert problems(GOOD.replace("start: menu", "start: *x")) == [
        "f.yaml:3: anchors and aliases are not allowed"
    ]
    assert problems("[" * 100_000) == ["f.yaml:1: nested too deep"]
    assert problems("a: 'x\n") == ["f.yaml:2: found unexpected end of stream"]


# ------------------------------------------------------------ warnings, files and folders


def test_warnings_do_not_hinder() -> None:
    """They are told beside a flow that can be used."""
    text = GOOD.replace("nodes:\n", "  spare: {en: Spare., zh: 备用。}\nnodes:\n")
    examined = examine(text.encode(), "f.yaml", KNOWN)
    assert examined.good
    assert examined.flow == load(text)
    assert [str(problem) for problem in examined.problems] == [
        "f.yaml:10: warning: no node speaks “spare”: take it out, or name it in a node"
    ]


def test_a_flow_with_errors_may_still_be_drawn() -> None:
    """A page shows what there is; it is not good."""
    examined = examine(GOOD.replace("{1: sales,", "{1: nowhere,").encode(), "f.yaml", KNOWN)
    assert examined.flow is not None
    assert not examined.good
    assert examine(b"[", "f.yaml", KNOWN).flow is None


def folder(path: Path, **flows: str) -> Path:
    """A folder with these flows, and what is not one."""
    for name, text in flows.items():
        (path / f"{name}.yaml").write_text(text)
    (path / "main.rehearsals.yaml").write_text("rehearsals: []\n")
    (path / "README.md").write_text("# Flows\n")
    return path


PART = "flow: part\nstart: end\nnodes:\n  end: {type: return}\n"


def test_a_folder(tmp_path: Path) -> None:
    """Every flow by its name; rehearsals are none; the flows know one another."""
    main = (
        GOOD.replace("{1: sales,", "{1: sales, 2: part,")
        + "  part: {type: subflow, flow: part, next: menu}\n"
    )
    flows = load_folder(folder(tmp_path, main=main, part=PART), KNOWN)
    assert {name: flow.flow for name, flow in flows.items()} == {"main": "main", "part": "part"}
    assert load_flow(tmp_path / "main.yaml", KNOWN) == flows["main"]


def test_all_problems_of_all_files(tmp_path: Path) -> None:
    """At once, by file and line; a flow that can't be read is still known by its name."""
    main = (
        GOOD.replace("{1: sales,", "{1: sales, 2: part, 3: none,")
        + "  part: {type: subflow, flow: part, next: menu}\n"
    )
    folder(tmp_path, main=main, part=PART.replace("return", "retrun"), other=PART)
    with pytest.raises(FlowInvalid) as invalid:
        load_folder(tmp_path, KNOWN)
    assert [str(problem).removeprefix(f"{tmp_path}/")[:70] for problem in invalid.value.problems] == [
        "main.yaml:14: node menu: it leads to “none”, and there is no such node",
        "other.yaml:1: the flow is called “part” and its file “other”: give bot",
        "part.yaml:4: node end: “type” must be one of say, goto, language, menu",
    ]
    assert read_folder(tmp_path, KNOWN).flows.keys() == {"main", "part"}


# ------------------------------------------------------------ anything at all


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


WORDS = st.sampled_from(
    [
        *TYPES,
        "flow",
        "start",
        "nodes",
        "prompts",
        "type",
        "next",
        "keys",
        "prompt",
        "waiting",
        "hours",
        "when",
        "cases",
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | WORDS,
    lambda below: (
        st.lists(below, max_size=4) | st.dictionaries(WORDS | st.text(max_size=5), below, max_size=5)
    ),
    max_leaves=30,
)


@settings(deadline=None)
@given(VALUES)
def test_any_document(value: Any) -> None:
    """Whatever a document holds, the answer is a list of problems."""
    assert problems(yaml.safe_dump(value, allow_unicode=True))


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), st.dictionaries(WORDS, VALUES, max_size=6), min_size=1),
    st.sampled_from(list(TYPES)),
)
def test_any_nodes(nodes: dict[str, Any], kind: str) -> None:
    """Also where the outside is right and the nodes are anything."""
    document = {
        "flow": "x",
        "start": "a",
        "nodes": {name: {**node, "type": kind} for name, node in nodes.items()},
    }
    with contextlib.suppress(FlowInvalid):
        load(yaml.safe_dump(document))
