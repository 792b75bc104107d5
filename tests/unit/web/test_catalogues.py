"""Every string of a page is in both catalogues, none is left over, and templates have no text of their own."""

import ast
import enum
import json
import re
import typing
from pathlib import Path
from typing import Any

import pytest

from callcenter.agents.states import SYSTEM_REASONS, RoutingState
from callcenter.callbacks.callback import CallbackState
from callcenter.calls.call import Direction, EndReason, Stage
from callcenter.calls.events import OfferResult, PhoneState
from callcenter.complaints.complaint import ComplaintState, Severity
from callcenter.customers.customer import Tier
from callcenter.customers.lookup import MatchKind
from callcenter.ids import QueueName
from callcenter.ivr.flow.nodes import AnyNode
from callcenter.routing.rule_changes import plain
from callcenter.routing.rules import Order, QueueRules, RoutingRules, Strategy
from callcenter.routing.words import TEXTS as REASONS
from callcenter.screen_pop.pop import Why
from callcenter.voicemails.voicemail import VoicemailState
from callcenter.web.fragments import CATEGORIES
from callcenter.web.gate import STATUS
from callcenter.web.language import LANGUAGES, Catalogues, preferred
from callcenter.web.periods import PERIODS
from callcenter.wrap_up.dispositions import NONE_GIVEN

pytestmark = pytest.mark.unit

AGENT_UI = Path(__file__).resolve().parents[3] / "agent_ui"
WEB = Path(__file__).resolve().parents[3] / "callcenter" / "web"
TEMPLATES = sorted((AGENT_UI / "templates").rglob("*.html"))
NODE_TYPES = {
    one
    for node in typing.get_args(typing.get_args(AnyNode)[0])
    for one in typing.get_args(node.model_fields["type"].annotation)
} | {"end"}
"""What a node of a flow may be and the end that is no node."""
WAYS = [
    "next",
    "no_input",
    "wrong_input",
    "failure",
    "otherwise",
    "unknown",
    "known",
    "locked",
    "open",
    "closed",
    "holiday",
    "not_found",
    "found",
    "refused",
    "busy",
    "no_answer",
    "default",
    "gone",
    "timeout",
    "full",
    "nobody",
    "closes",
    "unanswered",
    "callback",
    "kept",
    "merged",
    "done",
    "failed",
    "queue",
    "transfer",
    "hangup",
    "case",
    "return",
]
"""How a node may be left, beside keys and conditions."""


def rule_places(rules: Any = None, above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Every single rule that may be set."""
    whole = plain(RoutingRules(queues={QueueName("sales"): QueueRules()})) if rules is None else rules
    if not isinstance(whole, dict):
        return {above}
    return set().union(*(rule_places(one, (*above, name)) for name, one in whole.items()))


NOT_PUT_THROUGH = {"not_transferable", "not_talking", "colleague_gone", "unknown_queue", "no_such_channel"}
"""Why an agent's order to put a caller through was refused."""
GROUPS: dict[str, type[enum.StrEnum] | frozenset[str]] = {
    "state": RoutingState,
    "stage": Stage,
    "direction": Direction,
    "tier": Tier,
    "match": MatchKind,
    "match_note": frozenset(set(MatchKind) - {MatchKind.KNOWN}),
    "phone": frozenset(set(PhoneState) - {PhoneState.IDLE}),
    "complaint_state": ComplaintState,
    "severity": Severity,
    "why_you": Why,
    "why": frozenset({*REASONS, "until"}),
    "strategy": Strategy,
    "line_order": Order,
    "order_note": Order,
    "rule": frozenset(place[-1] for place in rule_places()),
    "end": EndReason,
    "offer": OfferResult,
    "reason": SYSTEM_REASONS,
    "category": frozenset(CATEGORIES),
    "disposition": frozenset({NONE_GIVEN}),
    "language": frozenset(LANGUAGES),
    "node": frozenset(NODE_TYPES),
    "way": frozenset(WAYS),
    "period": frozenset(PERIODS),
    "voicemail_state": VoicemailState,
    "callback_state": CallbackState,
    "mark": frozenset({"reconstructed", "gap", "fallback", "unrecorded", "resumed"}),
    "error": frozenset(
        set(STATUS) | {"error", "no_phone", "bad_extension", "signed_out", "title", "back"} | NOT_PUT_THROUGH
    ),
}
"""Groups of codes that come as data, and the codes there are."""


def catalogue(language: str) -> dict[str, str]:
    """As it is on disk."""
    texts: dict[str, str] = json.loads((AGENT_UI / "locales" / f"{language}.json").read_text("utf-8"))
    return texts


def keys_in_templates() -> set[str]:
    """Keys that templates ask for by name."""
    return {
        key for path in TEMPLATES for key in re.findall(r"\bt\('([a-z_.]+)'[,)]", path.read_text("utf-8"))
    }


def keys_of_codes() -> set[str]:
    """Keys of the codes that come as data."""
    return {f"{group}.{code}" for group, codes in GROUPS.items() for code in codes}


def test_both_catalogues_have_the_same_keys_and_no_empty_text() -> None:
    """A language that lacks a text is found here, not by a user."""
    english, chinese = catalogue("en"), catalogue("zh")
    assert english.keys() == chinese.keys()
    assert [key for texts in (english, chinese) for key, text in texts.items() if not text.strip()] == []
    fields = re.compile(r"\{[a-z]+\}")
    assert [k for k in english if set(fields.findall(english[k])) != set(fields.findall(chinese[k]))] == []


def test_every_key_that_is_asked_for_exists_and_none_is_unused() -> None:
    """Missing ones and left-overs both fail."""
    used = keys_in_templates() | keys_of_codes()
    assert used - catalogue("en").keys() == set()
    assert catalogue("en").keys() - used == set()


def test_each_group_of_codes_that_templates_name_is_known_here() -> None:
    """A template that shows codes of a new group must add it to this test."""
    groups = {g for path in TEMPLATES for g in re.findall(r"code_text\('([a-z_]+)'", path.read_text("utf-8"))}
    assert groups - GROUPS.keys() == set()


def test_every_error_code_that_can_reach_a_page_has_a_text() -> None:
    """The codes of the error tree and those given in the web package."""
    codes = set(re.findall(r'code="([a-z_]+)"', "".join(p.read_text("utf-8") for p in WEB.glob("*.py"))))
    assert {f"error.{code}" for code in codes} - catalogue("zh").keys() == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_no_text_of_their_own(path: Path) -> None:
    """Between tags, and in attributes that people read, there is only what comes from the catalogues or the data."""
    # The name of the page is for the script.
    source = re.sub(r"\{% block page %\}[a-z]+\{% endblock %\}", "", path.read_text("utf-8"))
    source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", source, flags=re.DOTALL)
    read = re.findall(r'\b(?:title|alt|placeholder|aria-label|data-announce)="([^"]*)"', source)
    text = re.sub(r"<[^>]*>", "", source) + "".join(read)
    assert re.findall(r"[^\W\d_]+", text) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_need_nothing_that_the_policy_forbids(path: Path) -> None:
    """No inline script, style or handler, nothing from elsewhere, and no filter that switches escaping off."""
    source = path.read_text("utf-8")
    assert (
        re.findall(
            r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|https?://|\|\s*safe|autoescape", source
        )
        == []
    )


def test_scripts_have_no_text_for_people() -> None:
    """Scripts take their texts from the page: they contain no letters outside ASCII and set no words."""
    for path in (AGENT_UI / "src").glob("*.js"):
        source = path.read_text("utf-8")
        assert re.findall(r"(?:textContent|title|innerHTML)\s*=\s*[\"'`][^\"'`$]*[A-Za-z]", source) == [], (
            path.name
        )
        assert "innerHTML" not in source


def test_python_has_no_text_for_pages_but_errors() -> None:
    """Only exceptions carry sentences; they are English, and other languages get the text of their code."""
    for path in (WEB / "pages.py", WEB / "fragments.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value.isascii(), path.name


def test_texts_are_looked_up_and_unknown_codes_are_shown_as_they_are() -> None:
    """A code that is newer than the catalogue is better than an empty place."""
    texts = Catalogues({"en": {"a.b": "Call from {name}", "a.c": "{number} stays"}})
    assert texts.text("en", "a.b", name="<Li>") == "Call from <Li>"
    assert texts.text("en", "a.c") == "{number} stays"
    assert texts.code("en", "a", "new_code") == "new_code"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("de,en-GB;q=0.5", "en"),
        ("", "en"),
        ("fr", "en"),
        ("x" * 9999, "en"),
    ],
)
def test_the_browsers_language_is_respected(header: str, language: str) -> None:
    """The first of its languages that there is."""
    assert preferred(header) == language
