"""What a schema can't see: each fault is found where it stands, and what is right is left alone."""

import datetime as dt
import json
from typing import Any

import pytest

from callcenter.ivr.flow.checks.all import check
from callcenter.ivr.flow.checks.finding import Finding, Known
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.variables import BUILT_IN

pytestmark = pytest.mark.unit

ALL = Known(
    queues={"support", "sales"},
    skills={"billing"},
    queries={"orders"},
    services={"stock"},
    flows={},
    entrances={"main"},
    today=dt.date(2026, 6, 1),
)
MENU = {"type": "menu", "prompt": "p", "keys": {"1": "end"}}
END = {"type": "hangup"}
P = {"en": "Hello.", "zh": "您好。"}


def flow(nodes: dict[str, Any], **words: Any) -> Flow:
    """A flow called ``main`` that begins at its first node; every prompt that is named is there."""
    made = {"flow": "main", "start": next(iter(nodes)), "default_queue": "support", "prompts": {"p": P}}
    return Flow.model_validate({**made, "nodes": nodes, **words})


def part(name: str, nodes: dict[str, Any], **words: Any) -> Flow:
    """A flow that others call."""
    return flow(nodes, flow=name, **{"default_queue": None, **words})


def beside(*flows: Flow) -> Known:
    """With these flows known."""
    return Known(
        queues=ALL.queues, flows={one.flow: one for one in flows}, entrances=ALL.entrances, today=ALL.today
    )


def found(one: Flow, known: Known = ALL) -> list[str]:
    """``place: message`` of everything found, warnings marked; prompts that only fill the flow are no matter."""
    return [
        f"{'?' if finding.level == 'warning' else ''}{'.'.join(finding.place)}: {finding.message}"
        for finding in check(one, known)
        if finding.message != "no node speaks “p”: take it out, or name it in a node"
    ]


def begins(messages: list[str], *expected: str) -> None:
    """Exactly these findings, by how they begin."""
    assert len(messages) == len(expected), messages
    for message, start in zip(messages, expected, strict=True):
        assert message.startswith(start), messages


# ------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (
            {"type": "goto", "next": "ende"},
            "nodes.a.next: it leads to “ende”, and there is no such node: did you mean “end”?",
        ),
        (
            {"type": "say", "prompt": "x", "next": "end"},
            "nodes.a.prompt: it speaks “x”, and there is no such prompt: add it under prompts",
        ),
        ({"type": "queue", "queue": "x"}, "nodes.a.queue: there is no queue “x” (there are: sales, support)"),
        (
            {"type": "queue", "queue": "sales", "skills": ["billing", "x"]},
            "nodes.a.skills.1: there is no skill “x” (there are: billing)",
        ),
        (
            {"type": "queue", "queue": "sales", "skills": {"billing": 4, "x": 2}},
            "nodes.a.skills.x: there is no skill “x” (there are: billing)",
        ),
        (
            {"type": "queue", "queue": "sales", "waiting": {"nobody": "x"}},
            "nodes.a.waiting.nobody: it leads to “x”",
        ),
        (
            {"type": "queue", "queue": "sales", "waiting": {"closes": {"hours": "x", "next": "end"}}},
            "nodes.a.waiting.closes.hours: there is no entry under hours named “x”",
        ),
        (
            {"type": "queue", "queue": "sales", "survey": "x"},
            "nodes.a.survey: there is no flow “x” (there are: main)",
        ),
        ({"type": "callback", "queue": "x"}, "nodes.a.queue: there is no queue “x”"),
        ({"type": "voicemail", "queue": "x", "prompt": "p"}, "nodes.a.queue: there is no queue “x”"),
        ({"type": "transfer", "queue": "x"}, "nodes.a.queue: there is no queue “x”"),
        (
            {"type": "lookup", "query": "x", "into": {"v": "f"}},
            "nodes.a.query: there is no query “x” (there are: orders)",
        ),
        (
            {"type": "lookup", "service": "x", "into": {"v": "f"}},
            "nodes.a.service: there is no service “x” (there are: stock)",
        ),
        ({"type": "subflow", "flow": "x"}, "nodes.a.flow: there is no flow “x”"),
        (
            {"type": "hours", "hours": "x", "open": "end", "closed": "end"},
            "nodes.a.hours: there is no entry under hours named “x”",
        ),
        (
            {"type": "queue", "queue": "sales", "waiting": {"messages": [{"prompt": "p"}, {"prompt": "x"}]}},
            "nodes.a.waiting.messages.1.prompt: it speaks “x”",
        ),
        (
            {"type": "queue", "queue": "sales", "waiting": {"keys": {"5": "x"}}},
            "nodes.a.waiting.keys.5: it leads to “x”",
        ),
        ({**MENU, "no_input": {"say": "x"}}, "nodes.a.no_input.say: it speaks “x”"),
    ],
)
def test_names_of_nothing(node: dict[str, Any], expected: str) -> None:
    """Said at the very word, with what there is."""
    messages = found(flow({"a": {"failure": "end", **node}, "end": END}))
    begins(messages, expected)


def test_names_that_nobody_can_judge() -> None:
    """Without the settings at hand nothing is said about queues, skills, lookups and flows."""
    one = flow({"a": {"type": "queue", "queue": "x", "skills": ["y"], "survey": "z"}}, default_queue="w")
    assert found(one, Known()) == []


def test_defaults_that_lead_nowhere() -> None:
    """They are ways like all others; words that every flow has need not be written."""
    one = flow({"a": MENU, "end": END}, defaults={"otherwise": "x", "no_input": "no_key", "wrong_input": "y"})
    begins(
        found(one),
        "defaults.wrong_input: a default speaks “y”, and there is no such prompt",
        "defaults.otherwise: a default leads to “x”, and there is no such node",
    )
    begins(found(flow({"a": END}, start="b")), "start: there is no node “b” to start with")


# ------------------------------------------------------------ the picture


def test_unreachable() -> None:
    """A node is reached by any way that applies: also the default ones, a callback's offer, an exit key."""
    nodes = {
        "a": {**MENU, "keys": {"1": "q"}},
        "q": {
            "type": "queue",
            "queue": "sales",
            "waiting": {"callback": {"key": "1", "prompt": "p", "next": "cb"}, "keys": {"2": "by_key"}},
        },
        "cb": {"type": "callback", "queue": "sales", "refused": "refused"},
        "by_key": END,
        "refused": END,
        "usual": END,
        "trouble": END,
        "alone": {"type": "goto", "next": "also_alone"},
        "also_alone": END,
    }
    one = flow(nodes, defaults={"otherwise": "usual", "failure": "trouble"})
    begins(
        found(one),
        "nodes.alone: no way leads to this node: give it one, or take it out",
        "nodes.also_alone: no way leads to this node",
    )


def test_a_default_that_no_node_needs() -> None:
    """Where every node has its own way, the default's node is not reached."""
    one = flow({"a": {**MENU, "otherwise": "end"}, "end": END, "usual": END}, defaults={"otherwise": "usual"})
    begins(found(one), "nodes.usual: no way leads to this node")


SILENT: list[tuple[str, dict[str, Any]]] = [
    ("say", {"type": "say", "prompt": "p", "next": "a"}),
    ("goto", {"type": "goto", "next": "a"}),
    ("set", {"type": "set", "values": {"n": "1"}, "next": "a"}),
    ("hours", {"type": "hours", "hours": "h", "open": "end", "closed": "a"}),
    ("branch", {"type": "branch", "cases": [{"when": "language == 'en'", "next": "a"}], "otherwise": "end"}),
    (
        "otherwise",
        {"type": "branch", "cases": [{"when": "language == 'en'", "next": "end"}], "otherwise": "a"},
    ),
    ("lookup", {"type": "lookup", "query": "orders", "into": {"v": "f"}, "next": "end", "not_found": "a"}),
    ("failure", {"type": "lookup", "query": "orders", "into": {"v": "f"}, "next": "end", "failure": "a"}),
    ("status", {"type": "status", "of": "order", "found": "p", "next": "a"}),
    ("identify", {"type": "identify", "next": "end", "unknown": "a"}),
    ("callback", {"type": "callback", "queue": "sales", "next": "a"}),
    ("busy", {"type": "transfer", "number": "caller.number", "busy": "a"}),
    ("full", {"type": "queue", "queue": "sales", "waiting": {"full": {"waiting": 9, "next": "a"}}}),
    ("nobody", {"type": "queue", "queue": "sales", "waiting": {"nobody": "a"}}),
    ("closes", {"type": "queue", "queue": "sales", "waiting": {"closes": {"hours": "h", "next": "a"}}}),
]
ASKING: list[tuple[str, dict[str, Any]]] = [
    ("menu", {**MENU, "keys": {"1": "end", "2": "a"}}),
    ("language", {"type": "language", "prompt": "p", "keys": {"1": "en"}, "next": "a"}),
    ("collect", {"type": "collect", "prompt": "p", "into": "v", "next": "a"}),
    ("identify by PIN", {"type": "identify", "by": "pin", "prompt": "p", "pin_prompt": "p", "next": "a"}),
    ("record", {"type": "record", "into": "v", "prompt": "p", "next": "a"}),
    ("unanswered", {"type": "queue", "queue": "sales", "waiting": {"unanswered": "a"}}),
    ("timeout", {"type": "queue", "queue": "sales", "waiting": {"timeout": {"seconds": 60, "next": "a"}}}),
    ("after a talk", {"type": "transfer", "number": "caller.number", "next": "a"}),
]
HOURS = {"h": {"zone": "Asia/Shanghai", "open": {"daily": ["09:00-18:00"]}}}


def ring(node: dict[str, Any]) -> list[str]:
    """A question, a goto and this node in a row; the node may lead back to the goto."""
    nodes = {"first": MENU | {"keys": {"1": "a"}}, "a": {"type": "goto", "next": "b"}, "b": node, "end": END}
    words = {"hours": HOURS} if '"h"' in json.dumps(node) else {}
    return [line for line in found(flow(nodes, **words)) if "no way leads to" not in line]


@pytest.mark.parametrize("node", [node for _, node in SILENT], ids=[name for name, _ in SILENT])
def test_rings_without_input(node: dict[str, Any]) -> None:
    """Two nodes that lead to each other, and in neither could anybody press a key."""
    begins(
        ring(node), "nodes.a: it comes round without asking anything: a → b → a; put a question or a queue on"
    )


@pytest.mark.parametrize("node", [node for _, node in ASKING], ids=[name for name, _ in ASKING])
def test_rings_in_which_somebody_acts(node: dict[str, Any]) -> None:
    """The same ring with a question, a wait or a talk in it is right."""
    assert [line for line in ring(node) if "comes round" in line] == []


def test_rings_of_every_kind() -> None:
    """Each ring once, wherever it begins; a long one is shown short; a node that leads to itself is one."""
    nodes: dict[str, Any] = {
        "start": MENU | {"keys": {"1": "x", "2": "n0", "3": "self"}},
        "x": {"type": "goto", "next": "n1"},
        "self": {"type": "goto", "next": "self"},
    }
    nodes |= {f"n{n}": {"type": "goto", "next": f"n{(n + 1) % 30}"} for n in range(30)}
    begins(
        found(flow(nodes)),
        "nodes.n0: it comes round without asking anything: n0 → n1 → n2 → n3 → n4 → n5 → n6 → … → n0;",
        "nodes.self: it comes round without asking anything: self → self;",
    )


def test_a_subflow_that_asks_nothing() -> None:
    """Going round through another flow is no better, unless that flow asks."""
    nodes = {"a": {"type": "subflow", "flow": "sub", "results": {"done": "a"}}}
    mute = part("sub", {"r": {"type": "return"}})
    asking = part("sub", {"m": {**MENU, "keys": {"1": "r"}}, "r": {"type": "return"}})
    begins(found(flow(nodes), beside(mute)), "nodes.a: it comes round without asking anything: a → a")
    assert found(flow(nodes), beside(asking)) == []


def test_nobody_gets_out() -> None:
    """Menus that only lead to one another hold a caller until the phone is put down."""
    nodes: dict[str, Any] = {
        "a": {**MENU, "keys": {"1": "b", "2": "end"}},
        "b": {**MENU, "keys": {"1": "c"}, "otherwise": "c"},
        "c": {**MENU, "keys": {"1": "b"}, "otherwise": "b"},
        "end": END,
    }
    begins(
        found(flow(nodes)), "nodes.b: callers who come here never get out (b, c): give them a way to a queue"
    )
    nodes["c"]["keys"]["0"] = "end"
    assert found(flow(nodes)) == []


# ------------------------------------------------------------ prompts


def test_prompts() -> None:
    """Never spoken, Latin letters in Chinese, told in one language only: warnings, each at its line."""
    one = flow(
        {
            "a": {"type": "set", "values": {"owner": "'x'"}, "next": "b"},
            "b": {"type": "say", "prompt": "told"},
        },
        prompts={
            "spare": P,
            "position": {"en": "You are number {position}.", "zh": "您是第{position}位。"},
            "told": {"en": "It is with {owner}.", "zh": "请按1，OK。"},
        },
    )
    begins(
        found(one),
        "?prompts.spare: no node speaks “spare”: take it out, or name it in a node",
        "?prompts.told.zh: “OK” is read as Pinyin by the Chinese voice: write it in Chinese characters",
        "?prompts.told.zh: “{owner}” is told in en only: callers who speak zh don't hear it",
    )


def test_a_choice_of_language_differs_between_languages() -> None:
    """Each language tells its own key there."""
    one = flow(
        {
            "s": {"type": "set", "values": {"n": "1"}, "next": "a"},
            "a": {"type": "language", "prompt": "which", "keys": {"1": "en"}},
        },
        prompts={"which": {"en": "Press {n}.", "zh": "请按二。"}},
    )
    assert found(one) == []


# ------------------------------------------------------------ variables


def test_variables_that_nothing_fills() -> None:
    """In expressions and in prompts, each at its place; near names are suggested."""
    one = flow(
        {
            "a": {"type": "collect", "prompt": "p", "into": "order", "next": "b"},
            "b": {"type": "branch", "cases": [{"when": "ordr == '1'", "next": "c"}]},
            "c": {"type": "say", "prompt": "told", "next": "d"},
            "d": {"type": "set", "values": {"v": "customer.teir + total"}},
        },
        prompts={"p": P, "told": {"en": "{order} {what}", "zh": "{order}{what}单"}},
    )
    begins(
        found(one),
        "nodes.b.cases.0.when: no node fills “ordr”, and it is not built in: did you mean “order”?",
        "prompts.told.en: no node fills “what”, and it is not built in: declare it under variables",
        "prompts.told.zh: no node fills “what”",
        "nodes.d.values.v: no node fills “customer.teir”, and it is not built in: did you mean “customer.tier”?",
        "nodes.d.values.v: no node fills “total”",
    )


def test_variables_that_are_there() -> None:
    """Built in, declared, set, collected, looked up, recorded, and told by nodes that tell something."""
    every = " and ".join(sorted(BUILT_IN))
    one = flow(
        {
            "a": {
                "type": "branch",
                "cases": [{"when": f"declared and {every}", "next": "b"}],
                "otherwise": "b",
            },
            "b": {"type": "lookup", "query": "orders", "into": {"amount_due": "x"}, "next": "c"},
            "c": {"type": "record", "into": "voice", "prompt": "p", "next": "d"},
            "d": {"type": "status", "of": "order", "found": "found", "next": "e"},
            "e": {"type": "complaint", "prompt": "p", "said": "said", "next": "f"},
            "f": {"type": "callback", "queue": "sales", "prompt": "agreed", "next": "g"},
            "g": {
                "type": "set",
                "values": {"v": "amount_due + voice + status_due + complaint_number", "w": "v"},
            },
        },
        variables={"declared": 1},
        prompts={
            "p": P,
            "found": {
                "en": "{number} {state} {date} {owner} {due} {amount}",
                "zh": "{number}{state}{date}{owner}{due}{amount}",
            },
            "said": {"en": "{complaint_number}", "zh": "{complaint_number}"},
            "agreed": {"en": "{callback_number}", "zh": "{callback_number}"},
        },
    )
    assert found(one) == []


def test_words_of_a_status_elsewhere() -> None:
    """``{number}`` is known in the prompt of what was found, and nowhere else."""
    one = flow(
        {
            "a": {"type": "status", "of": "order", "found": "told", "next": "b"},
            "b": {"type": "say", "prompt": "told"},
        },
        prompts={"told": {"en": "{number}", "zh": "{number}"}},
    )
    begins(found(one), "prompts.told.en: no node fills “number”", "prompts.told.zh: no node fills “number”")


def test_variables_of_flows_that_call_one_another() -> None:
    """They share them, whoever fills and whoever reads; who can't see the other flow says nothing."""
    nodes = {
        "a": {"type": "subflow", "flow": "sub", "next": "b"},
        "b": {"type": "branch", "cases": [{"when": "answer == 'x'", "next": "c"}]},
        "c": END,
    }
    filling = part("sub", {"a": {"type": "set", "values": {"answer": "given"}}})
    main = flow(nodes, variables={"given": ""})
    assert found(main, beside(filling)) == []
    assert found(filling, beside(main)) == []
    assert found(main, Known(flows={"sub": None})) == []
    begins(found(filling), "nodes.a.values.answer: no node fills “given”")
    idle = part("sub", {"a": END})
    begins(
        found(main, beside(idle)),
        "nodes.b.cases.0.when: no node fills “answer”",
        "?variables.given: nothing reads “given”: take it out",
    )


def test_secret_digits() -> None:
    """A lookup may send them and ``valid`` judge them; nothing else may touch them, not even in another flow."""
    nodes = {
        "a": {
            "type": "collect",
            "prompt": "p",
            "into": "card",
            "secret": True,
            "valid": "len(card) == 16",
            "next": "b",
        },
        "b": {
            "type": "lookup",
            "service": "stock",
            "send": {"card": "card"},
            "into": {"v": "x"},
            "next": "c",
        },
        "c": {"type": "subflow", "flow": "sub"},
    }
    assert found(flow(nodes), Known(services={"stock"})) == []
    bad = {
        "a": {"type": "branch", "cases": [{"when": "card == '1'", "next": "b"}], "otherwise": "b"},
        "b": {"type": "set", "values": {"copy": "'x' + card"}, "next": "c"},
        "c": {
            "type": "collect",
            "prompt": "p",
            "into": "again",
            "secret": True,
            "valid": "again == card",
            "next": "d",
        },
        "d": {"type": "transfer", "number": "card", "prompt": "told"},
    }
    sub = part("sub", bad, prompts={"p": P, "told": {"en": "{card}", "zh": "{card}"}})
    begins(
        found(sub, beside(flow(nodes))),
        "nodes.a.cases.0.when: “card” is secret: only a lookup's “send” and the digits' own “valid” may read it",
        "nodes.b.values.copy: “card” is secret",
        "nodes.c.valid: “card” is secret",
        "nodes.d.number: “card” is secret",
        "prompts.told.en: “card” is secret: it can't be spoken",
        "prompts.told.zh: “card” is secret",
    )


def test_what_is_built_in_stays() -> None:
    """``language`` is chosen by a language node, and not by a variable."""
    one = flow(
        {
            "a": {"type": "set", "values": {"language": "'en'"}, "next": "b"},
            "b": {"type": "collect", "prompt": "p", "into": "language"},
        },
        variables={"language": "en"},
    )
    begins(
        found(one),
        "?variables.language: nothing reads “language”",
        "nodes.a.values.language: “language” is built in and can't be set: choose another name",
        "nodes.b.into: “language” is built in",
        "variables.language: “language” is built in: choose another name",
    )


# ------------------------------------------------------------ keys


def test_keys_that_hide_others() -> None:
    """“1” is taken before “12” can be pressed; keys of equal length hide nothing."""
    keys = {"1": "end", "12": "end", "2": "end", "*9": "end", "*98": "end", "34": "end", "35": "end"}
    begins(
        found(flow({"a": {**MENU, "keys": keys}, "end": END})),
        "nodes.a.keys.12: “12” can never be pressed, “1” is taken at once: let no key begin another",
        "nodes.a.keys.*98: “*98” can never be pressed, “*9” is taken at once",
    )


def test_pins_and_digits() -> None:
    """Many tries, and an input whose end the caller must wait for."""
    one = flow(
        {
            "a": {"type": "identify", "by": "pin", "prompt": "p", "pin_prompt": "p", "tries": 4, "next": "b"},
            "b": {
                "type": "collect",
                "prompt": "p",
                "into": "v",
                "terminator": "",
                "max_digits": 4,
                "next": "c",
            },
            "c": {
                "type": "collect",
                "prompt": "p",
                "into": "v",
                "terminator": "",
                "min_digits": 4,
                "max_digits": 4,
            },
        }
    )
    begins(
        found(one),
        "?nodes.a.tries: 4 tries are many for a PIN: 3 are usual",
        "?nodes.b.terminator: without a terminator the caller always waits for the end",
    )


def test_the_offer_of_a_callback() -> None:
    """It leads to a callback node."""
    waiting = {"callback": {"key": "1", "prompt": "p", "next": "end"}}
    one = flow({"a": {"type": "queue", "queue": "sales", "waiting": waiting}, "end": END})
    begins(
        found(one), "nodes.a.waiting.callback.next: “end” is a hangup node: the offer of a callback leads to"
    )


# ------------------------------------------------------------ hours


def test_hours() -> None:
    """Never open, never asked for, and a calendar whose years have run out."""
    node = {"type": "hours", "hours": "never", "open": "end", "closed": "end"}
    hours = {
        "never": {"zone": "Asia/Shanghai", "open": {"mon-fri": []}},
        "spare": {"zone": "Asia/Shanghai", "open": {"daily": ["09:00-18:00"]}},
    }
    begins(
        found(flow({"a": node, "end": END}, hours=hours)),
        'hours.never: these hours never open: write times under open, such as mon-fri: ["09:00-18:00"]',
        "?hours.spare: no node asks for “spare”: take it out",
    )


def test_a_calendar_that_comes_to_its_end() -> None:
    """Told from the autumn on, when the next year's holidays are arranged; and when this year is not known."""
    china = {"h": {"zone": "Asia/Shanghai", "calendar": "CN", "open": {"daily": ["09:00-18:00"]}}}
    one = flow({"a": {"type": "hours", "hours": "h", "open": "b", "closed": "b"}, "b": END}, hours=china)
    until = one.hours["h"].known_until()
    assert until is not None

    def on(year: int, month: int) -> list[str]:
        return found(one, Known(today=dt.date(year, month, 1)))

    assert on(until, 10) == []
    begins(
        on(until, 11),
        f"?hours.h.calendar: the calendar knows the public holidays until {until} only: update it",
    )
    begins(on(until + 1, 1), "?hours.h.calendar: the calendar knows the public holidays until")


# ------------------------------------------------------------ flows among themselves


def call(name: str, other: str) -> Flow:
    """A flow that calls another."""
    return part(name, {"s": {"type": "subflow", "flow": other}})


def test_circles_of_flows() -> None:
    """Found from whichever flow is looked at, with the way round; a flow that only leads into a circle has none."""
    one, two, three, before = (
        call("one", "two"),
        call("two", "three"),
        call("three", "one"),
        call("before", "one"),
    )
    known = beside(one, two, three, before)
    begins(
        found(one, known), "nodes.s.flow: flows call one another in a circle: one → two → three → one; use"
    )
    begins(found(two, known), "nodes.s.flow: flows call one another in a circle: two → three → one → two")
    assert [line for line in found(before, known) if "circle" in line] == []
    begins(
        found(call("self", "self"), beside()), "nodes.s.flow: flows call one another in a circle: self → self"
    )


def test_calls_that_are_too_deep() -> None:
    """Eight flows may call one another, nine may not."""
    flows = [call(f"f{n}", f"f{n + 1}") for n in range(8)] + [part("f8", {"end": END})]
    begins(found(flows[0], beside(*flows)), ": flows call one another 9 deep, and 8 is the most")
    assert found(flows[1], beside(*flows)) == []


def test_results_that_never_come() -> None:
    """A result that the other flow does not return is a misspelt one."""
    node = {"type": "subflow", "flow": "sub", "results": {"persn": "end", "person": "end", "done": "end"}}
    sub = part("sub", {"r": {"type": "return", "result": "person"}})
    begins(
        found(flow({"a": node, "end": END}), beside(sub)),
        "?nodes.a.results.persn: “sub” never returns “persn” (it returns done, person)",
    )


QUEUED = flow({"q": {"type": "queue", "queue": "sales", "survey": "how"}})


def test_surveys() -> None:
    """Who has just spoken with an agent is not queued again, neither by the survey nor by what it calls."""
    good = part("how", {"a": {"type": "survey", "questions": [{"name": "x", "prompt": "p"}]}})
    assert found(QUEUED, beside(good)) == []
    assert found(good, beside(QUEUED)) == []
    bad = part(
        "how",
        {
            "a": MENU | {"keys": {"1": "b", "2": "c", "3": "d"}},
            "b": {"type": "queue", "queue": "sales"},
            "c": {"type": "callback", "queue": "sales"},
            "d": {"type": "transfer", "queue": "sales"},
        },
        default_queue="sales",
    )
    begins(
        found(bad, beside(QUEUED)),
        "nodes.b: queue can't be here: this flow is a survey, and its caller has just spoken with an agent",
        "nodes.c: callback can't be here",
        "nodes.d: transfer can't be here",
        "default_queue: default_queue can't be here",
    )
    begins(found(QUEUED, beside(bad)), "nodes.q.survey: “how” is no survey: it has a queue node (“b”)")
    indirect = part("how", {"s": {"type": "subflow", "flow": "deep"}})
    deep = part("deep", {"q": {"type": "queue", "queue": "sales"}})
    begins(
        found(indirect, beside(QUEUED, deep)),
        "nodes.s.flow: “deep” has a queue node (“q”): this flow is a survey",
    )


def test_the_way_in() -> None:
    """Callers who come directly have nowhere to return to, and should have a queue to fall into."""
    returning = flow({"a": {"type": "return"}})
    begins(
        found(returning),
        "nodes.a: no flow calls this one, so there is nowhere to return to: use goto, queue or",
    )
    assert found(returning, beside(call("other", "main"))) == []
    begins(
        found(flow({"a": END}, default_queue=None)),
        "?flow: callers come here and there is no default_queue: where no way is written, they are hung up on",
    )
    assert found(part("other", {"a": {"type": "return"}})) == []


def test_findings_are_plain_data() -> None:
    """Place, message, level."""
    [finding] = check(flow({"a": {"type": "queue", "queue": "x"}}, prompts={}), ALL)
    assert finding == Finding(
        ("nodes", "a", "queue"), "there is no queue “x” (there are: sales, support)", "error"
    )
