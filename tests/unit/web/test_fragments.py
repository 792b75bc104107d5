"""What the templates make of a pop, a call, a board: honest, complete, and nobody's name is markup."""

import dataclasses
import re
from collections.abc import Callable

import pytest

from callcenter.web.fragments import Fragments, duration
from tests.fakes.fake_desk import agent_data, board_data, call_data, candidates, pop_for, record
from tests.fakes.fake_users import FakeRecords, FakeUsers
from tests.fakes.web_site import parts_for

pytestmark = pytest.mark.unit
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "'\"><svg/onload=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "\u202egnaw\u202c \U0001f600",
    "</bdi></section><script>alert(1)</script>",
    "x" * 4096,
)


@pytest.fixture(scope="module")
def fragments(tmp_path_factory: pytest.TempPathFactory) -> Fragments:
    made = Fragments(parts_for(tmp_path_factory.mktemp("web"), FakeUsers(), FakeRecords()))
    made.load()
    return made


def pop_html(fragments: Fragments, name: str = "王芳", match: str = "known", language: str = "en") -> str:
    """The pop's fragment."""
    pop = pop_for(record(name, company=name) if match == "known" else None, match=match)
    return fragments.render("pop", {"pop": pop.to_json()}, language)["pop"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pop_shows_all_that_an_agent_needs(fragments: Fragments, language: str) -> None:
    """Name, tier, numbers, owner, complaints, contacts, follow-ups, promises, notes, keys, wait, queue, why."""
    html = pop_html(fragments, language=language)
    for shown in (
        "王芳", "tier-vip", "+8613800138000", "+862112345678", "Zhang Wei", "C-000031", "Late delivery",
        "2026-01-06T09:00:00+00:00", "Check the new delivery date", "Refund of the freight", "Prefers calls",
        "main_menu", "0:23", "0:34", "Asked for an invoice.", 'data-follow_up_id="5"',
    ):  # fmt: skip
        assert shown in html
    assert ("Idle longest" if language == "en" else "空闲时间最长") in html
    assert ("Support" if language == "en" else "客户服务") in html


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_text_everywhere(fragments: Fragments, name: str) -> None:
    """A8: in the pop, on the board, in attributes; and it can't turn the direction of what follows."""
    board = board_data()
    board["calls"][0]["customer_name"] = name
    board["agents"][0]["name"] = name
    pop = dataclasses.replace(pop_for(record(name, name)), caller_name=name, keys=((name, "1"),))
    shown = fragments.render("pop", {"pop": pop.to_json()}, "en")["pop"]
    shown += (await fragments.board({"board": board}, "zh"))["board"]
    shown += fragments.render("agent", {"agent": agent_data(name=name)}, "en")["agent-bar"]
    for tag in ("<img", "<svg", "<script"):
        assert tag not in shown
    assert "7*7" in shown or "{{" not in name
    # Where text is shown, what can turn its direction is inside an element that isolates it.
    for found in re.finditer(r"<(\w+)[^>]*>[^<]*\u202e", shown):
        assert found[1] == "bdi"


@pytest.mark.parametrize("match", ["unknown", "withheld", "malformed", "unavailable"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_way_of_not_knowing_has_its_own_words(fragments: Fragments, match: str, language: str) -> None:
    """Nobody is told "unknown" when the database was away."""
    html = pop_html(fragments, match=match, language=language)
    others = {"unknown", "withheld", "malformed", "unavailable"} - {match}
    note: Callable[[str], str] = lambda code: fragments._texts.text(language, f"match_note.{code}")  # noqa: E731
    assert note(match) in html
    assert not any(note(other) in html for other in others)


def test_several_customers_are_a_choice(fragments: Fragments) -> None:
    """Each with tier and record; none is chosen for the agent."""
    pop = dataclasses.replace(pop_for(None, match="several"), candidates=candidates())
    html = fragments.render("pop", {"pop": pop.to_json()}, "en")["pop"]
    assert html.count('type="radio"') == 2
    assert " checked" not in html
    assert 'data-customer-id=""' in html


@pytest.mark.parametrize("stage", ["ringing", "dialling", "talking", "held", "waiting"])
def test_a_call_offers_only_what_can_be_done(fragments: Fragments, stage: str) -> None:
    """Answer while it rings; hang up while there is somebody."""
    html = fragments.render("call", {"call": call_data(pop_for(record()), stage)}, "en")["call"]
    assert ('data-order="answer"' in html) == (stage == "ringing")
    assert ('data-order="hang_up"' in html) == (stage != "waiting")


def test_each_fragment_replaces_the_element_of_its_name(fragments: Fragments) -> None:
    """Also when there is nothing to show; and a page without a seat gets a snapshot too."""
    empty = {"agent": None, "call": None, "pop": None, "wrap_up": None, "telephony": "down"}
    for name, html in fragments.render("snapshot", empty, "en").items():
        assert re.match(rf'\s*<\w+ id="{name}"', html), name
    assert "hidden" not in fragments.render("telephony", {"telephony": "down"}, "en")["telephony"]
    assert "hidden" in fragments.render("telephony", {"telephony": "up"}, "en")["telephony"]


def test_messages_without_a_place_on_the_page_have_no_fragments(fragments: Fragments) -> None:
    """``done`` and ``error`` are the script's."""
    assert fragments.render("done", {"ref": 1}, "en") == {}


def test_errors_are_told_in_the_readers_language(fragments: Fragments) -> None:
    """English readers get the exact sentence, Chinese readers the text of the code."""
    assert fragments.error("en", "conflict", "The phone 1001 is taken.") == "The phone 1001 is taken."
    assert fragments.error("zh", "conflict", "The phone 1001 is taken.") == "当前状态下无法执行此操作。"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.9, "0:59"), (3661, "1:01:01"), (-3, "0:00")])
def test_durations_read_like_clocks(seconds: float, text: str) -> None:
    """Never negative."""
    assert duration(seconds) == text
