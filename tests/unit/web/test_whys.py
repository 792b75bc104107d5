"""Decisions as pages tell them: every rule in both languages, agents by name, the same reasons together."""

import json

import pytest

from callcenter.ids import AgentId
from callcenter.routing.facts import Reason
from callcenter.routing.words import TEXTS
from callcenter.web.fragments import Fragments
from callcenter.web.whys import NAMES_SHOWN, WhyView, reason_text, why_view
from tests.fakes.fake_routing import NAMES, decision
from tests.fakes.fake_users import FakeRecords, FakeUsers
from tests.fakes.web_site import parts_for

pytestmark = pytest.mark.unit

EVERY_VALUE: dict[str, str | float] = {
    "idle": 34.2, "left": 12.0, "worked": 629.0, "level": 7, "skill": "billing", "have": 4, "need": 5,
    "agent": 1, "reason": "LUNCH", "state": "unreachable",
}  # fmt: skip


@pytest.fixture(scope="module")
def fragments(tmp_path_factory: pytest.TempPathFactory) -> Fragments:
    made = Fragments(parts_for(tmp_path_factory.mktemp("web"), FakeUsers(), FakeRecords()))
    made.load()
    return made


def view(fragments: Fragments, language: str = "en") -> WhyView:
    """The decision of the fake."""
    found = why_view(decision().packed(), fragments, language, NAMES)
    assert found is not None
    return found


def test_a_whole_decision(fragments: Fragments) -> None:
    """Whoever was kept out by the same words stands together; the call itself is the first head."""
    found = view(fragments)
    assert (found.chosen, found.because) == ("1003 Zhang Wei", "least work lately (0 s)")
    assert {one.text: one.names for one in found.kept_out} == {
        "billing 4 < 5 (for 18 s more)": ("1001 Li Na",),
        "phone unreachable": ("1007 赵强",),
        "free, but worked more lately (629 s)": ("1008 Wu Lei",),
        "wrap-up, 12 s left": ("1002 王芳",),
        "on a call": ("1004 陈静", "1005 Noah"),
        "not ready: Lunch": ("1006 Sofia",),
    }
    heads = [(one.tier, one.waited, round(one.share or 0), one.mine) for one in found.heads]
    assert heads == [("vip", 12, 300, True), ("key", 9, 90, False), ("regular", 11, 73, False)]
    assert (found.boost, found.ring, found.version) == (2.0, 1, 2)


def test_in_chinese(fragments: Fragments) -> None:
    """All of it, the reason for not being ready from the settings included."""
    found = view(fragments, "zh")
    assert found.because == "近期工作量最少（0 秒）"
    assert "billing 4 < 5（再过 18 秒 放宽）" in {one.text for one in found.kept_out}
    assert "示忙：午餐" in {one.text for one in found.kept_out}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("rule", sorted(TEXTS))
def test_every_rule_has_its_words(fragments: Fragments, language: str, rule: str) -> None:
    """None is shown as its code, and none lacks a value that routing gives."""
    text = reason_text(Reason(rule, EVERY_VALUE), fragments, language, NAMES)
    assert text != rule
    assert not set("{}") & set(text)


def test_an_unknown_rule_or_value_is_shown_as_it_is(fragments: Fragments) -> None:
    """Records outlive the words of one version."""
    assert reason_text(Reason("astrology", {"sign": "Leo"}), fragments, "en", {}) == "astrology"
    assert reason_text(Reason("wrap_up", {}), fragments, "en", {}) == "wrap_up"
    assert reason_text(Reason("wanted", {"agent": 99}), fragments, "en", {}) == "the call waited for #99"


@pytest.mark.parametrize("kept", ["", "{", "{}", "[]", "null", '{"form": 99}'])
def test_what_is_no_record_is_no_view(fragments: Fragments, kept: str) -> None:
    """The page shows the English words of the offer instead."""
    assert why_view(kept, fragments, "en", {}) is None


def test_many_agents_stay_readable(fragments: Fragments) -> None:
    """Of those with the same reason some are named, the others counted."""
    data = json.loads(decision().packed())
    data["agents"]["on_call"] = list(range(100, 400))
    names = {AgentId(number): f"{number} somebody" for number in range(100, 400)}
    found = why_view(json.dumps(data), fragments, "en", names)
    assert found is not None
    [talking] = [one for one in found.kept_out if one.text == "on a call"]
    assert (len(talking.names), talking.more) == (NAMES_SHOWN, 300 - NAMES_SHOWN)
