"""Nodes that end a visit or leave it for a while: what reception is told, and the way on afterwards."""

import pytest

from callcenter.errors import CallerGone
from callcenter.ids import QueueName
from callcenter.reception.visit import HungUp, ToQueue, ToTransfer, VisitEnd, WaitMessage, WaitPlan
from tests.fakes.fake_ivr import Ground, a_flow, passed
from tests.fakes.fake_line import HANG_UP, NO_ANSWER, FakeLine

pytestmark = pytest.mark.unit

ENDS = """
    one: {type: hangup, reason: one}
    two: {type: hangup, reason: two}
    three: {type: hangup, reason: three}
    four: {type: hangup, reason: four}
    five: {type: hangup, reason: five}
    six: {type: hangup, reason: six}
    seven: {type: hangup, reason: seven}
    trouble: {type: hangup, reason: trouble}
"""
WAIT = a_flow(
    f"""
    wait:
      type: queue
      queue: sales
      prompt: hello
      skills: [german, wine]
      survey: satisfaction
      waiting:
        music: jazz
        announce: 60
        expected_wait: false
        messages: [{{prompt: patience, after: 20, every: 40}}]
        callback: {{key: "1", prompt: offer, after: 30, next: one}}
        keys: {{"5": two}}
        timeout: {{seconds: 600, next: three}}
        full: {{waiting: 50, next: four}}
        nobody: five
        closes: {{hours: office, next: six, serve_waiting: false}}
        unanswered: seven
    {ENDS}""",
    hours={"office": {"zone": "UTC", "open": {"daily": ["00:00-23:00"]}}},
)


async def test_the_plan_of_a_wait() -> None:
    """All that the node writes is told to reception, after its prompt."""
    ground = Ground(FakeLine())
    visit = ground.visit(WAIT)
    assert await visit.start() == ToQueue(
        QueueName("sales"),
        WaitPlan(
            music="jazz",
            announce_every=60,
            position=True,
            expected_wait=False,
            messages=(WaitMessage("patience", 20, 40), WaitMessage("offer", 30, None, "1")),
            keys=frozenset("5"),
            timeout=600,
            full_at=50,
            nobody=True,
            closes_at=ground.clock.wall().replace(hour=23, minute=0, second=0, microsecond=0),
            unanswered=True,
        ),
        {"german": 1, "wine": 1},
        "satisfaction",
    )
    assert ground.line.played == ["try.hello/en"]


@pytest.mark.parametrize(
    ("outcome", "end"),
    [
        ("callback", HungUp("one")),
        ("key:5", HungUp("two")),
        ("timeout", HungUp("three")),
        ("full", HungUp("four")),
        ("nobody", HungUp("five")),
        ("closes", HungUp("six")),
        ("unanswered", HungUp("seven")),
        ("key:7", ToQueue(QueueName("support"))),
        ("nonsense", ToQueue(QueueName("support"))),
    ],
)
async def test_the_way_on_from_a_wait(outcome: str, end: VisitEnd) -> None:
    """Each outcome has its way; one that the node does not know leads to the default queue. The wait counts as time
    spent at the node."""
    ground = Ground(FakeLine())
    visit = ground.visit(WAIT)
    await visit.start()
    ground.clock.move(100)
    assert await visit.resume(outcome) == end
    assert passed(visit)[0] == f"wait: {outcome}"
    assert visit.walk.steps[0].seconds == 102.0


async def test_a_wait_without_ways() -> None:
    """A default queue has no node; whatever comes of it, the caller stays in the line."""
    visit = Ground(FakeLine()).visit(a_flow("x: {type: say, prompt: hello}"))
    assert await visit.start() == ToQueue(QueueName("support"))
    for outcome in ("timeout", "nobody", "closes", "unanswered"):
        assert await visit.resume(outcome) == ToQueue(QueueName("support"))
    assert passed(visit) == ["x: next"]


async def test_words_that_can_not_be_played() -> None:
    """The caller is put in the line, or hung up on, without them."""
    for nodes, end in (
        ("x: {type: queue, queue: sales, prompt: hello}", ToQueue(QueueName("sales"))),
        ("x: {type: hangup, prompt: hello, reason: said}", HungUp("said")),
    ):
        line = FakeLine(cuts={"try.hello/en": NO_ANSWER})
        assert await Ground(line).visit(a_flow(nodes)).start() == end


# ------------------------------------------------------------ transfer


def transfer(target: str) -> str:
    """A flow that puts through."""
    return f"""
    put: {{type: transfer, {target}, prompt: hello, ring_seconds: 20, next: one, busy: two, no_answer: three,
          failure: trouble}}
    {ENDS}"""


@pytest.mark.parametrize(
    ("target", "end"),
    [
        ("extension: \"'1001'\"", ToTransfer("extension", "1001", 20)),
        ("extension: 1000 + 2", ToTransfer("extension", "1002", 20)),
        ("number: wanted", ToTransfer("number", "+8675512345678", 20)),
        ("queue: sales", ToQueue(QueueName("sales"))),
        ("extension: \"'9999'\"", HungUp("trouble")),
        ("number: \"'+1900123'\"", HungUp("trouble")),
        ("number: nobody", HungUp("trouble")),
        ("number: 'null'", HungUp("trouble")),
    ],
)
async def test_transfer(target: str, end: VisitEnd) -> None:
    """To where callers may be put through; anywhere else is a failure, before a word is spoken."""
    ground = Ground(FakeLine())
    flow = a_flow(transfer(target), variables={"wanted": "+8675512345678"})
    assert await ground.visit(flow).start() == end
    assert ground.line.played == ([] if isinstance(end, HungUp) else ["try.hello/en"])


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [("done", "one"), ("busy", "two"), ("no_answer", "three"), ("failed", "trouble"), ("other", "trouble")],
)
async def test_the_way_on_from_a_transfer(outcome: str, reason: str) -> None:
    """Each outcome has its way."""
    visit = Ground(FakeLine()).visit(a_flow(transfer("extension: '1001'")))
    await visit.start()
    assert await visit.resume(outcome) == HungUp(reason)


async def test_the_end_of_a_transfer_is_the_end() -> None:
    """With nothing written after it the call ends, and the record says how the visit did."""
    ground = Ground(FakeLine())
    visit = ground.visit(a_flow("put: {type: transfer, extension: '1001'}"))
    await visit.start()
    assert await visit.resume("done") == HungUp("transferred")
    visit.over()
    (row,) = ground.recorder.visits.values()
    assert (row.end, row.contained) == ("transfer", False)


@pytest.mark.parametrize("outcome", ["busy", "no_answer", "failed"])
async def test_a_transfer_without_ways(outcome: str) -> None:
    """Nobody took it and nothing is written: the default queue."""
    visit = Ground(FakeLine()).visit(a_flow("put: {type: transfer, extension: '1001'}"))
    await visit.start()
    assert await visit.resume(outcome) == ToQueue(QueueName("support"))


# ------------------------------------------------------------ callback


CALLBACK = f"""
    call: {{type: callback, queue: sales, prompt: agreed, next: one, refused: two, failure: troubleMORE}}
    {ENDS}"""


@pytest.mark.parametrize(
    ("more", "says", "end", "number"),
    [
        ("", "kept", "one", "+8613800138000"),
        ("", "merged", "one", "+8613800138000"),
        ("", "refused", "two", "+8613800138000"),
        (", number: wanted", "kept", "one", "075512345678"),
        (", number: nobody", "kept", "trouble", None),
    ],
)
async def test_callback(more: str, says: str, end: str, number: str | None) -> None:
    """The place that is kept is that of the arrival; the number is the caller's own or what was entered."""
    ground = Ground(FakeLine())
    ground.callbacks.says = says
    spoken = {"agreed": {"en": "We call {callback_number:digits}.", "zh": "回拨{callback_number:digits}。"}}
    flow = a_flow(CALLBACK.replace("MORE", more), variables={"wanted": "075512345678"}, prompts=spoken)
    visit = ground.visit(flow)
    ground.clock.move(30)
    assert await visit.start() == HungUp(end)
    assert ground.callbacks.asked == ([("sales", number, 1000.0)] if number else [])
    heard = [values["callback_number"] for name, _, _, values in ground.prompts.asked if name == "try.agreed"]
    assert heard == ([number] if end == "one" else [])


async def test_a_hang_up_in_the_words_of_a_callback() -> None:
    """It was agreed before it was spoken of."""
    ground = Ground(FakeLine(cuts={"try.agreed/en": HANG_UP}))
    with pytest.raises(CallerGone):
        await ground.visit(a_flow(CALLBACK.replace("MORE", ""))).start()
    assert len(ground.callbacks.asked) == 1
