"""Nodes that ask what we know: identify, lookup, status; each with answers of every kind, and with none."""

from typing import Any

import pytest

from callcenter.complaints.status import Status
from callcenter.customers.lookup import Match, MatchKind
from callcenter.errors import CallcenterError, LookupFailed
from callcenter.ivr.front import FlowVisit
from callcenter.ivr.walk.knowing import at_path, scalar
from tests.fakes.fake_ivr import LOOKUP_DOWN, DatabaseAway, Ground, a_flow, customer, passed
from tests.fakes.fake_line import HANG_UP, SILENCE, FakeLine

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

ENDS = """
    good: {type: hangup, reason: good}
    unknown: {type: hangup, reason: unknown}
    locked: {type: hangup, reason: locked}
    trouble: {type: hangup, reason: trouble}
"""


async def reason(visit: FlowVisit) -> str:
    """Why the flow hung up; empty when it did not."""
    return str(getattr(await visit.start(), "reason", ""))


# ------------------------------------------------------------ identify


BY_NUMBER = a_flow(f"""
    who: {{type: identify, by: number, next: good, unknown: unknown, failure: trouble}}
    {ENDS}""")


@pytest.mark.parametrize(
    ("match", "end"),
    [
        (Match(MatchKind.KNOWN, customer()), "good"),
        (Match(MatchKind.UNKNOWN), "unknown"),
        (Match(MatchKind.SEVERAL, None, (customer().card(), customer(8).card())), "unknown"),
        (Match(MatchKind.WITHHELD), "unknown"),
        (Match(MatchKind.MALFORMED), "unknown"),
        (Match(MatchKind.UNAVAILABLE), "trouble"),
    ],
)
async def test_by_number(match: Match, end: str) -> None:
    """Known only when the number leads to one customer; a database that is away is a failure, not a stranger."""
    ground = Ground(FakeLine())
    ground.knowing.match = match
    visit = ground.visit(BY_NUMBER)
    assert await reason(visit) == end
    assert (visit.walk.customer_id == 7) is (end == "good")


BY_PIN = a_flow(f"""
    who:
      type: identify
      by: pin
      prompt: number
      pin_prompt: pin
      tries: 3
      wrong_input: wrong
      next: good
      unknown: unknown
      locked: locked
      failure: trouble
    {ENDS}""")


@pytest.mark.parametrize(
    ("keys", "end"),
    [
        ("7001#4821#", "good"),
        ("7001#1111#7001#4821#", "good"),
        ("9999#4821#7001#4821#", "good"),
        ("7001#1111#7001#1112#7001#1113#", "locked"),
        ("7001#1*", "unknown"),
        ("", "unknown"),
        ("7001", "unknown"),
        ("##7001#4821#", "good"),
    ],
)
async def test_by_pin(keys: str, end: str) -> None:
    """The right PIN lets in; wrong ones are counted elsewhere, and lock; who enters nothing stays unknown."""
    ground = Ground(FakeLine(keys))
    visit = ground.visit(BY_PIN)
    assert await reason(visit) == end
    assert ground.knowing.customers == ([7] if end == "good" else [])
    assert (visit.walk.customer_id == 7) is (end == "good")


async def test_a_third_wrong_pin_when_nobody_locks() -> None:
    """The node's own tries are limited too."""
    ground = Ground(FakeLine("7001#1#" * 9))
    ground.identities.wrong = -100
    visit = ground.visit(BY_PIN)
    assert await reason(visit) == "unknown"
    assert ground.identities.wrong == -97
    assert passed(visit)[0] == "who: wrong_input"


@pytest.mark.parametrize("hangs", [True, False])
async def test_pins_when_the_database_is_away(hangs: bool) -> None:
    """The failure way, after three seconds at most."""
    ground = Ground(FakeLine("7001#4821#"))
    ground.identities.error, ground.identities.hangs = DatabaseAway("gone"), hangs
    assert await reason(ground.visit(BY_PIN)) == "trouble"


# ------------------------------------------------------------ lookup


def ask(into: str, more: str = "") -> str:
    """A flow that looks something up."""
    return f"""
    look:
      type: lookup
      {more or "service: shop"}
      send: {{phone: caller.number, twice: amount * 2}}
      into: {into}
      seconds: 2
      next: good
      not_found: unknown
      failure: trouble
    {ENDS}"""


ANSWER = {"order": {"lines": [{"state": "sent", "net": 12.5}], "none": None, "open": True}, "long": "x" * 500}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("order.lines.0.state", "sent"),
        ("order.lines.0.net", 12.5),
        ("order.none", None),
        ("order.open", True),
        ("long", "x" * 200),
    ],
)
async def test_a_service_answers(path: str, value: object) -> None:
    """Fields are found by their path, texts are cut; what is sent are the expressions' values."""
    ground = Ground(FakeLine())
    ground.lookups.answers["shop"] = ANSWER
    visit = ground.visit(a_flow(ask(f"{{found: {path}}}"), variables={"amount": 4}))
    assert await reason(visit) == "good"
    assert visit.walk.variables["found"] == value
    assert ground.lookups.asked == [("shop", {"phone": "+8613800138000", "twice": 8}, 2.0)]


@pytest.mark.parametrize(
    ("answer", "path", "end"),
    [
        (None, "order", "unknown"),
        (ANSWER, "order", "trouble"),
        (ANSWER, "order.lines", "trouble"),
        (ANSWER, "order.lines.1.state", "trouble"),
        (ANSWER, "order.lines.-1.state", "trouble"),
        (ANSWER, "order.lines.x", "trouble"),
        (ANSWER, "nothing", "trouble"),
        (ANSWER, "long.0", "trouble"),
        ({"n": float("nan")}, "n", "trouble"),
        ({"n": 10**400}, "n", "trouble"),
        ("text", "x", "trouble"),
        (LOOKUP_DOWN, "x", "trouble"),
    ],
)
async def test_answers_that_can_not_be_used(answer: Any, path: str, end: str) -> None:
    """Nothing found has its way; whatever is no text or number is a failure, and nothing is kept of it."""
    ground = Ground(FakeLine())
    ground.lookups.answers["shop"] = answer
    visit = ground.visit(a_flow(ask(f"{{first: 'order.open', found: '{path}'}}"), variables={"amount": 4}))
    assert await reason(visit) == end
    assert "found" not in visit.walk.variables
    assert "first" not in visit.walk.variables


async def test_a_query_answers() -> None:
    """A row's column by its name."""
    ground = Ground(FakeLine())
    ground.lookups.answers["orders"] = {"state": "sent", "n.o": 3}
    flow = a_flow(ask("{found: state, other: n.o}", "query: orders"), variables={"amount": 4})
    visit = ground.visit(flow)
    assert await reason(visit) == "good"
    assert visit.walk.variables == {"amount": 4, "found": "sent", "other": 3}


@pytest.mark.parametrize("spoken", ["", "prompt: please_wait"])
async def test_a_lookup_that_hangs(spoken: str) -> None:
    """The failure way after its seconds, with words meanwhile or without."""
    ground = Ground(FakeLine())
    flow = a_flow(ask("{found: state}", f"service: hangs\n      {spoken}"), variables={"amount": 4})
    assert await reason(ground.visit(flow)) == "trouble"
    assert len(ground.line.played) == (1 if spoken else 0)


async def test_words_while_it_is_looked_up() -> None:
    """The prompt is heard, a key in it counts for the next question, and the answer is there after it."""
    ground = Ground(FakeLine(cuts={"try.please_wait/en": "5"}))
    ground.lookups.answers["shop"] = {"state": "sent"}
    visit = ground.visit(
        a_flow(ask("{found: state}", "service: shop\n      prompt: please_wait"), variables={"amount": 4})
    )
    assert await reason(visit) == "good"
    assert (visit.walk.variables["found"], visit.walk.ahead) == ("sent", "5")


@pytest.mark.parametrize("answer", [None, LOOKUP_DOWN, {"state": "x"}])
async def test_a_hang_up_while_it_is_looked_up(answer: Any) -> None:
    """The caller's hang-up ends the look-up too, whatever comes of it; nothing is left running."""
    ground = Ground(FakeLine(cuts={"try.please_wait/en": HANG_UP}))
    if answer is not None:
        ground.lookups.answers["shop"] = answer
    visit = ground.visit(
        a_flow(ask("{found: state}", "service: shop\n      prompt: please_wait"), variables={"amount": 4})
    )
    with pytest.raises(CallcenterError) as error:
        await visit.start()
    assert error.value.code == "caller_gone"
    assert passed(visit) == ["look: gone"]


async def test_what_is_sent_can_not_be_worked_out() -> None:
    """An unknown variable: nothing is asked, the failure way."""
    ground = Ground(FakeLine())
    ground.lookups.answers["shop"] = ANSWER
    assert await reason(ground.visit(a_flow(ask("{found: long}")))) == "trouble"
    assert ground.lookups.asked == []


def test_texts_from_elsewhere() -> None:
    """Control characters become blanks; a text is no list to be indexed."""
    assert scalar("a\x00b\x1b[2Jc\u202e") == "a b [2Jc "
    with pytest.raises(LookupFailed):
        at_path("text", "0")


# ------------------------------------------------------------ status


STATUS = f"""
    who: {{type: identify, by: number, next: how, unknown: how}}
    how:
      type: status
      of: order
      MORE
      found: told
      next: good
      not_found: unknown
      failure: trouble
    {ENDS}"""
FOUND = Status("20", "shipped", "2026-01-04", amount="12.00 CNY")
TOLD = {"told": {"en": "{number:digits} is {state:state}.", "zh": "{number:digits}{state:state}。"}}


@pytest.mark.parametrize(
    ("more", "key"),
    [("", None), ("number: order", "20"), ("number: 10 + 10", "20"), ("number: 40 / 2", "20")],
)
async def test_status_is_read_out(more: str, key: str | None) -> None:
    """By number or the latest one; it is spoken with its words, which are variables afterwards."""
    ground = Ground(FakeLine())
    ground.knowing.match = Match(MatchKind.KNOWN, customer())
    ground.cases.statuses["order", 7, key] = FOUND
    flow = a_flow(STATUS.replace("MORE", more), variables={"order": "20"}, prompts=TOLD)
    visit = ground.visit(flow)
    assert await reason(visit) == "good"
    name, _, _, values = ground.prompts.asked[-1]
    assert name == "try.told"
    assert {key: values[key] for key in ("number", "state", "date", "amount", "owner")} == {
        "number": "20",
        "state": "shipped",
        "date": "2026-01-04",
        "amount": "12.00 CNY",
        "owner": "",
    }
    assert visit.walk.variables["status_state"] == "shipped"


async def test_nobody_hears_what_is_not_theirs() -> None:
    """A caller who was not identified is told nothing, though the call's number has a customer."""
    ground = Ground(FakeLine())
    ground.cases.statuses["order", 7, None] = FOUND
    visit = ground.visit(a_flow(STATUS.replace("MORE", ""), prompts=TOLD))
    visit.walk.call.customer_id = customer().id
    assert await reason(visit) == "unknown"


@pytest.mark.parametrize(
    ("more", "error", "end"),
    [("", None, "unknown"), ("", DatabaseAway("gone"), "trouble"), ("number: nobody", None, "trouble")],
)
async def test_status_that_can_not_be_had(more: str, error: CallcenterError | None, end: str) -> None:
    """Not there, a database away, a number that can't be worked out."""
    ground = Ground(FakeLine([SILENCE]))
    ground.knowing.match = Match(MatchKind.KNOWN, customer())
    ground.cases.error = error
    assert await reason(ground.visit(a_flow(STATUS.replace("MORE", more), prompts=TOLD))) == end
