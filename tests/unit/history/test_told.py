"""A call's decisions for the command line: in words, in values, and decided again."""

import dataclasses
import json

import pytest

from callcenter.errors import BadInput
from callcenter.history.story import CallStory, OfferLine
from callcenter.history.told import all_same, lines, told
from callcenter.ids import AgentId, CallId
from tests.fakes.fake_routing import AT, NAMES, decision

pytestmark = pytest.mark.unit


def story(*decisions: str) -> CallStory:
    """A call with an offer for each."""
    offers = tuple(OfferLine("Zhang Wei", AT, None, "answered", "a reason", one) for one in decisions)
    return CallStory(
        CallId("a" * 32), "inbound", "1", "400", None, "", "vip", "support", AT, None, "", offers=offers, names=NAMES
    )  # fmt: skip


def test_every_part_of_a_decision_is_told() -> None:
    """Why this agent, why not each of the others, why this call, and that it comes out the same again."""
    whole = story(decision().packed())
    offers = told(whole)
    assert all_same(offers)
    said = "\n".join(lines(whole, offers))
    for part in (
        "why this agent: 1003 Zhang Wei: least work lately",
        "why not: 1001 Li Na: billing 4 < 5 for 18 s more",
        "why not: 1002 王芳: wrap-up, 12 s left",
        "why not: 1005 Noah: on a call",
        "why not: 1006 Sofia: not ready: LUNCH",
        "why not: 1007 赵强: phone is unreachable",
        "why this call: vip in support, waited 12.0 s (2 s of it for what we owe), urgency 3.00",
        "after it: key in support, waited 9.0 s, urgency 0.90",
        "run again: the same agent",
    ):
        assert part in said
    [one] = json.loads(json.dumps(offers))
    assert one["chosen"]["agent_id"] == 3
    assert {"agent_id": 1, "rule": "skill"}.items() <= one["rejected"][0].items()
    assert one["run_again"] == {"agent_id": 3, "same": True}


def test_a_decision_that_comes_out_otherwise_is_shouted() -> None:
    """A record that says another agent was chosen than its own facts give."""
    wrong = dataclasses.replace(decision(), chosen=AgentId(8)).packed()
    whole = story(wrong)
    offers = told(whole)
    assert not all_same(offers)
    assert "run again: ANOTHER AGENT, 1003 Zhang Wei" in "\n".join(lines(whole, offers))


def test_an_offer_that_nobody_decided() -> None:
    """It says so, and counts as the same."""
    whole = story("")
    offers = told(whole)
    assert all_same(offers)
    assert "nobody chose: a reason" in "\n".join(lines(whole, offers))
    assert list(lines(story(), [])) == ["This call was offered to nobody."]


def test_a_damaged_record_is_an_error_that_says_so() -> None:
    """Never a traceback."""
    with pytest.raises(BadInput):
        told(story("{}"))
