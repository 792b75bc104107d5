"""What nodes name and where they lead, for every type; and words that don't go together."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from callcenter.ivr.flow import ways
from callcenter.ivr.flow.faults import TYPES
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.nodes import AnyNode, QueueNode, names_in, prompts_of, targets_of
from callcenter.ivr.flow.parts import Node, Way, way_of

pytestmark = pytest.mark.unit

NODE: TypeAdapter[Node] = TypeAdapter(AnyNode)
WAY = {"say": "w", "then": "t"}
MESSAGE = {"prompt": "p", "thanks": "th", "next": "n", "no_input": "ni", "failure": "f"}
QUESTION = {"no_input": "hm", "wrong_input": WAY, "otherwise": "o"}

EVERY: dict[str, tuple[dict[str, Any], set[str], set[str]]] = {
    "say": ({"prompt": "p", "next": "n"}, {"p"}, {"n"}),
    "goto": ({"next": "n"}, set(), {"n"}),
    "language": ({"prompt": "p", "keys": {"1": "en"}, "next": "n"}, {"p"}, {"n"}),
    "menu": (
        {"prompt": "p", "keys": {"1": "a", "12": "b"}} | QUESTION,
        {"p", "hm", "w"},
        {"a", "b", "t", "o"},
    ),
    "collect": ({"prompt": "p", "into": "v", "valid": "v == 'x'", "next": "n"}, {"p"}, {"n"}),
    "identify": (
        {"by": "pin", "prompt": "p", "pin_prompt": "pin", "unknown": "u", "locked": "l", "next": "n"},
        {"p", "pin"},
        {"u", "l", "n"},
    ),
    "hours": ({"hours": "h", "open": "a", "closed": "b", "holiday": "c"}, set(), {"a", "b", "c"}),
    "branch": ({"cases": [{"when": "x == 1", "next": "a"}], "otherwise": "o"}, set(), {"a", "o"}),
    "lookup": (
        {"query": "q", "send": {"a": "b"}, "into": {"v": "c"}, "prompt": "p", "next": "n", "not_found": "nf"},
        {"p"},
        {"n", "nf"},
    ),
    "set": ({"values": {"v": "1"}, "next": "n"}, set(), {"n"}),
    "queue": (
        {
            "queue": "q",
            "prompt": "p",
            "survey": "s",
            "waiting": {
                "messages": [{"prompt": "m"}],
                "callback": {"key": "1", "prompt": "c", "next": "cb"},
                "keys": {"2": "k"},
                "timeout": {"seconds": 60, "next": "to"},
                "full": {"waiting": 5, "next": "fu"},
                "nobody": "no",
                "closes": {"hours": "h", "next": "cl"},
                "unanswered": "un",
            },
        },
        {"p", "m", "c"},
        {"cb", "k", "to", "fu", "no", "cl", "un"},
    ),
    "callback": (
        {"queue": "q", "number": "x", "prompt": "p", "next": "n", "refused": "r"},
        {"p"},
        {"n", "r"},
    ),
    "voicemail": ({"queue": "q"} | MESSAGE, {"p", "th"}, {"n", "ni", "f"}),
    "record": ({"into": "v"} | MESSAGE, {"p", "th"}, {"n", "ni", "f"}),
    "complaint": ({"said": "s"} | MESSAGE, {"p", "th", "s"}, {"n", "ni", "f"}),
    "transfer": (
        {"extension": "x", "prompt": "p", "next": "n", "busy": "b", "no_answer": "na"},
        {"p"},
        {"n", "b", "na"},
    ),
    "status": (
        {"of": "order", "number": "x", "found": "fo", "next": "n", "not_found": "nf"},
        {"fo"},
        {"n", "nf"},
    ),
    "survey": (
        {
            "questions": [{"name": "a", "prompt": "p1"}, {"name": "b", "prompt": "p2", "keys": "12"}],
            "comment": {"prompt": "c"},
            "thanks": "th",
            "next": "n",
        },
        {"p1", "p2", "c", "th"},
        {"n"},
    ),
    "subflow": ({"flow": "x", "results": {"done": "d"}, "next": "n"}, set(), {"d", "n"}),
    "return": ({"result": "done"}, set(), set()),
    "hangup": ({"prompt": "p", "reason": "r"}, {"p"}, set()),
}


def node(kind: str, **words: Any) -> Node:
    """One node."""
    return NODE.validate_python({"type": kind, **words})


def test_the_table_has_every_type() -> None:
    """A new type of node gets its row here."""
    assert EVERY.keys() == TYPES.keys()


@pytest.mark.parametrize("kind", EVERY)
def test_what_a_node_names(kind: str) -> None:
    """Prompts and nodes are told apart in every type; titles, queues, variables and results are neither."""
    words, prompts, targets = EVERY[kind]
    one = node(kind, title={"en": "next", "zh": "下一步"}, **words)
    assert set(prompts_of(one)) == prompts
    assert set(targets_of(one)) == targets


@pytest.mark.parametrize("kind", EVERY)
def test_where_a_node_names_it(kind: str) -> None:
    """Each name is found again at the place that is told."""
    words, prompts, targets = EVERY[kind]
    found = set()
    for _, place, name in names_in(node(kind, **words)):
        below: Any = words
        for key in place:
            below = below[int(key)] if isinstance(below, list) else below[key]
        assert below == name
        found.add(name)
    assert found == prompts | targets


@pytest.mark.parametrize(
    ("kind", "words", "refusal"),
    [
        ("transfer", {}, "write exactly one of extension, number and queue"),
        ("transfer", {"queue": "a", "number": "b"}, "write exactly one of extension, number and queue"),
        ("lookup", {"into": {"a": "b"}}, "write one of query and service, not both"),
        (
            "lookup",
            {"into": {"a": "b"}, "query": "q", "service": "s"},
            "write one of query and service, not both",
        ),
        ("identify", {"by": "pin", "prompt": "p"}, "“by: pin” asks twice: write prompt"),
        ("identify", {"prompt": "p"}, "“by: number” asks nothing: take prompt and pin_prompt out"),
        (
            "collect",
            {"prompt": "p", "into": "v", "min_digits": 5, "max_digits": 4},
            "min_digits (5) is more than max_digits (4)",
        ),
        (
            "survey",
            {"questions": [{"name": "a", "prompt": "p", "keys": "1231"}]},
            "a key stands twice in “1231”",
        ),
        ("survey", {"questions": [{"name": "a", "prompt": "p"}] * 2}, "two questions are named “a”"),
        (
            "queue",
            {
                "queue": "q",
                "waiting": {"keys": {"1": "a"}, "callback": {"key": "1", "prompt": "p", "next": "c"}},
            },
            "key 1 of the callback is among keys too",
        ),
    ],
)
def test_words_that_do_not_go_together(kind: str, words: dict[str, Any], refusal: str) -> None:
    """Said in words of their own."""
    with pytest.raises(ValidationError) as invalid:
        node(kind, **words)
    [fault] = invalid.value.errors()
    assert (fault["type"], fault["msg"].startswith(refusal)) == ("node", True)


@pytest.mark.parametrize(
    ("written", "levels"),
    [
        ([], {}),
        (["billing", "fluent_german"], {"billing": 1, "fluent_german": 1}),
        ({"billing": 4, "german": 1}, {"billing": 4, "german": 1}),
    ],
)
def test_skills(written: Any, levels: dict[str, int]) -> None:
    """Names alone are level 1; a mapping says how well it must be done."""
    queue = node("queue", queue="q", skills=written)
    assert isinstance(queue, QueueNode)
    assert queue.levels == levels


@pytest.mark.parametrize(
    "written",
    [
        {"billing": 0},
        {"billing": 6},
        {"billing": 2.5},
        {"billing": True},
        {"Billing": 1},
        ["Billing"],
        "billing",
        [f"s{n}" for n in range(11)],
        {f"s{n}": 1 for n in range(11)},
    ],
)
def test_skills_that_are_none(written: Any) -> None:
    """Levels go from 1 to 5, and there is an end to them."""
    with pytest.raises(ValidationError):
        node("queue", queue="q", skills=written)


def test_a_way_in_short() -> None:
    """A prompt's name alone is what is said."""
    assert way_of("p") == Way(say="p")
    assert way_of(None) == Way()
    assert way_of(Way(then="x")) == Way(then="x")


# ------------------------------------------------------------ where each way leads


def flow(**defaults: Any) -> Flow:
    """A flow with these defaults."""
    return Flow.model_validate(
        {"flow": "x", "start": "end", "defaults": defaults, "nodes": {"end": {"type": "hangup"}}}
    )


BARE = flow()
FULL = flow(no_input={"say": "d_ni", "then": "d_n"}, wrong_input="d_wi", otherwise="d_o", failure="d_f")
MENU = {"prompt": "p", "keys": {"1": "a"}}
PIN = {"by": "pin", "prompt": "p", "pin_prompt": "pin", "next": "n"}


@pytest.mark.parametrize(
    ("kind", "words", "bare", "full"),
    [
        # (after no input, after wrong input) without defaults, and with all of them
        ("menu", MENU, (None, None), ("d_n", "d_o")),
        ("menu", {**MENU, "otherwise": "o"}, ("o", "o"), ("o", "o")),
        ("menu", {**MENU, "no_input": WAY, "otherwise": "o"}, ("t", "o"), ("t", "o")),
        ("menu", {**MENU, "wrong_input": WAY}, (None, "t"), ("d_n", "t")),
        ("collect", {"prompt": "p", "into": "v", "next": "n"}, (None, None), ("d_n", "d_o")),
        ("identify", {**PIN, "unknown": "u"}, ("u", "u"), ("u", "u")),
        ("identify", {**PIN, "unknown": "u", "otherwise": "o"}, ("o", "o"), ("o", "o")),
        # Two that go on without an answer, whatever the defaults are.
        ("language", {"prompt": "p", "keys": {"1": "en"}, "next": "n"}, ("n", "n"), ("n", "n")),
        ("language", {"prompt": "p", "keys": {"1": "en"}, "no_input": WAY}, ("t", None), ("t", None)),
        ("survey", {"questions": [{"name": "a", "prompt": "p"}], "next": "n"}, ("n", "n"), ("n", "n")),
    ],
)
def test_unanswered(
    kind: str, words: dict[str, Any], bare: tuple[str | None, ...], full: tuple[str | None, ...]
) -> None:
    """The node's own way, then its ``otherwise``, then the flow's."""
    question: Any = node(kind, **words)
    for one, expected in ((BARE, bare), (FULL, full)):
        assert (ways.after_no_input(one, question), ways.after_wrong_input(one, question)) == expected
        for way in expected:
            assert way is None or way in ways.leads_to(one, question)
            assert way is not None or ways.may_end(one, question)


def test_what_is_spoken_before_it_asks_again() -> None:
    """The node's prompt, or the flow's; also where only the way is the node's own."""
    own: Any = node("menu", **MENU, no_input="mine", wrong_input={"then": "t"})
    assert ways.spoken_on_no_input(FULL, own) == "mine"
    assert ways.spoken_on_wrong_input(FULL, own) == "d_wi"
    assert ways.spoken_on_wrong_input(BARE, own) is None


def test_silence_instead_of_a_message() -> None:
    """A message's ``no_input`` is a node."""
    mute: Any = node("voicemail", queue="q", prompt="p", next="n")
    assert ways.after_no_input(BARE, mute) is None
    assert ways.after_no_input(FULL, mute) == "d_n"
    assert ways.after_no_input(FULL, mute.model_copy(update={"no_input": "x"})) == "x"


def test_other_ways() -> None:
    """Each falls back on the next best: not found on failure, locked on unknown, a holiday on closed."""
    found: Any = node("status", of="order", found="p")
    back: Any = node("callback", queue="q", failure="f")
    through: Any = node("transfer", queue="q", busy="b")
    by_number: Any = node("identify")
    times: Any = node("hours", hours="h", open="a", closed="c")
    sub: Any = node("subflow", flow="y", results={"person": "p"}, next="n")
    split: Any = node("branch", cases=[{"when": "x", "next": "a"}])
    assert (ways.not_found_of(BARE, found), ways.not_found_of(FULL, found)) == (None, "d_f")
    assert (ways.refused_of(FULL, back), ways.failure_of(FULL, back)) == ("f", "f")
    assert (ways.busy_of(FULL, through), ways.no_answer_of(FULL, through)) == ("b", "d_f")
    assert (ways.unknown_of(FULL, by_number), ways.locked_of(FULL, by_number)) == ("d_o", "d_o")
    assert ways.locked_of(BARE, by_number.model_copy(update={"unknown": "u"})) == "u"
    assert ways.holiday_of(times) == "c"
    assert (ways.returned_of(sub, "person"), ways.returned_of(sub, "done")) == ("p", "n")
    assert (ways.otherwise_of(BARE, split), ways.otherwise_of(FULL, split)) == (None, "d_o")


@pytest.mark.parametrize("kind", EVERY)
def test_every_node_leads_to_what_it_writes_and_to_the_default_failure(kind: str) -> None:
    """Nothing is left out of the picture of a flow."""
    words, _, targets = EVERY[kind]
    assert targets <= set(ways.leads_to(BARE, node(kind, **words)))
    if "failure" not in words:
        assert "d_f" in ways.leads_to(FULL, node(kind, **words))
