"""Every walk ends: whatever the flow, whatever the caller does, whatever fails."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from callcenter.customers.lookup import Match, MatchKind
from callcenter.errors import ActionFailed, CallerGone, ReleasedToFallback
from callcenter.ids import QueueName
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.ports import FlowSet
from callcenter.ivr.walk.runner import MAX_STEPS
from callcenter.reception.visit import HungUp, ToQueue, ToTransfer
from tests.fakes.fake_ivr import Ground, a_flow, customer, passed
from tests.fakes.fake_line import HANG_UP, NO_ANSWER, SILENCE, FakeLine

pytestmark = pytest.mark.unit

BIG = a_flow(
    """
    hello: {type: say, prompt: hello, next: language}
    language: {type: language, prompt: which_language, keys: {"1": en, "2": zh}, next: number}
    number: {type: collect, prompt: number, into: order, next: who}
    who: {type: identify, by: pin, prompt: customer, pin_prompt: pin, next: state}
    state: {type: status, of: order, found: found, next: look, not_found: look}
    look: {type: lookup, service: shop, prompt: wait, into: {state: state}, next: menu}
    menu: {type: menu, prompt: which, keys: {"1": speak}}
    speak: {type: record, into: said, prompt: speak, next: complain}
    complain: {type: complaint, prompt: complain, said: told, next: leave}
    leave: {type: voicemail, queue: sales, prompt: leave, thanks: thanks, next: call}
    call: {type: callback, queue: sales, prompt: agreed, next: ask}
    ask: {type: survey, questions: [{name: good, prompt: good}], thanks: bye, next: end}
    end: {type: hangup, prompt: end, reason: end}
    """
)
KEYS = ["1", *"77#", *"7001#", *"4821#", "1", "5"]
SPOKEN = [5.0, 5.0, 5.0]
PROMPTS = [
    "hello", "which_language", "number", "customer", "pin", "wait", "which", "speak", "complain", "told", "leave",
    "thanks", "agreed", "good", "bye", "end",
]  # fmt: skip


def big(line: FakeLine, folder: Path) -> Ground:
    """The ground for the big flow."""
    ground = Ground(line, folder)
    ground.lookups.answers["shop"] = {"state": "sent"}
    return ground


async def test_the_big_flow_goes_through(tmp_path: Path) -> None:
    """All of it, as a caller who does everything right: so the tests below leave it where they say."""
    ground = big(FakeLine(KEYS, spoken=SPOKEN), tmp_path)
    visit = ground.visit(BIG)
    assert await visit.start() == HungUp("end")
    assert [step.node for step in visit.walk.steps] == list(BIG.nodes)
    assert [
        path.partition(".")[2].partition("/")[0]
        for path in ground.line.played
        if "which_language/zh" not in path
    ] == PROMPTS


@pytest.mark.parametrize("prompt", PROMPTS)
async def test_a_hang_up_in_any_words(prompt: str, tmp_path: Path) -> None:
    """The walk ends there, says so in its last step, and puts the visit on record once."""
    ground = big(FakeLine(KEYS, spoken=SPOKEN, cuts={f"try.{prompt}/en": HANG_UP}), tmp_path)
    visit = ground.visit(BIG)
    with pytest.raises(CallerGone):
        await visit.start()
    visit.over()
    visit.over()
    (row,) = ground.recorder.visits.values()
    assert (row.end, row.contained) == ("gone", True)
    assert row.steps[-1].way == "gone"
    assert ground.counter.now("try") == {}


@pytest.mark.parametrize("place", range(len(KEYS)))
async def test_a_hang_up_instead_of_any_key(place: int, tmp_path: Path) -> None:
    """The same at every key that is waited for."""
    ground = big(FakeLine([*KEYS[:place], HANG_UP], spoken=SPOKEN), tmp_path)
    visit = ground.visit(BIG)
    with pytest.raises(CallerGone):
        await visit.start()
    assert passed(visit)[-1].endswith(": gone")


@pytest.mark.parametrize("place", range(len(SPOKEN)))
async def test_a_hang_up_in_any_recording(place: int, tmp_path: Path) -> None:
    """The same while speaking."""
    ground = big(FakeLine(KEYS, spoken=[*SPOKEN[:place], -3.0]), tmp_path)
    visit = ground.visit(BIG)
    with pytest.raises(CallerGone):
        await visit.start()
    assert passed(visit)[-1] == f"{['speak', 'complain', 'leave'][place]}: gone"


@pytest.mark.parametrize("prompt", PROMPTS)
async def test_asterisk_fails_in_any_words(prompt: str, tmp_path: Path) -> None:
    """Without a failure way the caller goes to a person; words that are not needed are left out."""
    ground = big(FakeLine(KEYS, spoken=SPOKEN, cuts={f"try.{prompt}/en": NO_ANSWER}), tmp_path)
    end = await ground.visit(BIG).start()
    if prompt in {"thanks", "agreed", "bye", "end"}:
        assert end == HungUp("end")
    else:
        assert isinstance(end, ToQueue)


async def test_the_failure_way_once() -> None:
    """The first time Asterisk fails, the node's failure way is gone; the second time it is the default queue."""
    flow = a_flow(
        """
        menu: {type: menu, prompt: which, keys: {"1": sales}, failure: sorry}
        sales: {type: queue, queue: sales}
        sorry: {type: say, prompt: sorry, next: menu}
        """
    )
    visit = Ground(FakeLine([NO_ANSWER, "1"])).visit(flow)
    end = await visit.start()
    assert isinstance(end, ToQueue)
    assert end.queue == "sales"
    assert passed(visit) == ["menu: failure", "sorry: next", "menu: key 1", "sales: queue"]
    visit = Ground(FakeLine([NO_ANSWER, NO_ANSWER, "1"])).visit(flow)
    end = await visit.start()
    assert isinstance(end, ToQueue)
    assert end.queue == "support"


async def test_asterisk_fails_without_a_queue() -> None:
    """Nothing is left but to let the caller go."""
    flow = a_flow("x: {type: menu, prompt: a, keys: {'1': x}, failure: x}", queue=None)
    visit = Ground(FakeLine([NO_ANSWER, NO_ANSWER])).visit(flow)
    assert await visit.start() == HungUp("gave_up")


async def test_asterisk_does_not_take_the_call() -> None:
    """Reception hears of it: it is the fallback's turn."""

    class Deaf(FakeLine):
        async def answer(self) -> None:
            raise ActionFailed("no answer")

    ground = Ground(Deaf())
    visit = ground.visit(BIG)
    with pytest.raises(ActionFailed):
        await visit.start()
    visit.over()
    assert [row.end for row in ground.recorder.visits.values()] == ["gone"]


async def test_a_flow_that_is_not_there() -> None:
    """A shelf that names a flow and does not have it: the caller is handed to the fallback queue."""
    ground = Ground(FakeLine())
    visit = ground.visit(BIG)
    visit._flows = FlowSet("other", {}, {})
    with pytest.raises(ReleasedToFallback):
        await visit.start()


ROUNDS = [
    a_flow("a: {type: goto, next: b}\nb: {type: goto, next: a}"),
    a_flow("a: {type: say, prompt: x, next: a}"),
    a_flow("a: {type: set, values: {n: '1'}, next: a}"),
    a_flow("a: {type: branch, cases: [{when: nobody, next: a}], failure: a}"),
    a_flow("a: {type: subflow, flow: part, next: a}"),
]
PART = a_flow("x: {type: return}", name="part", queue=None)


@pytest.mark.parametrize("flow", ROUNDS)
async def test_a_flow_that_goes_round(flow: Flow) -> None:
    """However it goes round, 500 steps are enough; then it is a person's turn."""
    visit = Ground(FakeLine()).visit(flow, PART)
    with structlog.testing.capture_logs() as logs:
        end = await visit.start()
    assert isinstance(end, ToQueue)
    assert len(visit.walk.steps) == MAX_STEPS
    assert len(logs) <= 11
    assert [line["event"] for line in logs].count("ivr walk too long") == 1


async def test_steps_are_counted_over_the_whole_visit() -> None:
    """A caller who goes from the line into a menu and back for ever ends in the default queue too."""
    flow = a_flow(
        """
        wait: {type: queue, queue: sales, waiting: {keys: {"1": again}}}
        again: {type: say, prompt: a, next: wait}
        """
    )
    visit = Ground(FakeLine()).visit(flow)
    end = await visit.start()
    for _ in range(400):
        end = await visit.resume("key:1")
    assert end == ToQueue(QueueName("support"))


async def test_the_last_step_is_into_a_subflow() -> None:
    """The visit ends at the door of a flow: it can be resumed all the same."""
    visit = Ground(FakeLine()).visit(
        a_flow("a: {type: subflow, flow: part, next: b}\nb: {type: goto, next: a}"), PART
    )
    visit.walk.made = MAX_STEPS - 1
    assert await visit.start() == ToQueue(QueueName("support"))
    assert await visit.resume("timeout") == ToQueue(QueueName("support"))


async def test_a_long_flow_is_no_fault() -> None:
    """499 nodes one after the other, all of them passed."""
    nodes = "".join(f"n{i}: {{type: goto, next: n{i + 1}}}\n" for i in range(499))
    visit = Ground(FakeLine()).visit(a_flow(f"{nodes}n499: {{type: hangup, reason: there}}"))
    assert await visit.start() == HungUp("there")


# ------------------------------------------------------------ any flow, any caller


NAMES = [f"n{i}" for i in range(6)]
names = st.sampled_from(NAMES)
maybe = st.one_of(st.none(), names)
expressions = st.sampled_from(
    ["1 == 1", "a", "a + 1", "nobody", "a < 'x'", "customer.tier == 'vip'", "'x' * 2", "len(a) > 2", "1 / 0"]
)


def node(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A node of this type; fields that came out as None are not written."""
    made = st.fixed_dictionaries({"type": st.just(kind), "failure": maybe, **fields})
    return made.map(lambda written: {k: v for k, v in written.items() if v is not None})


question = {
    "tries": st.integers(1, 3),
    "otherwise": maybe,
    "no_input": st.sampled_from([None, "p"]),
    "wrong_input": st.one_of(st.none(), st.fixed_dictionaries({"say": st.just("p"), "then": names})),
}
message = {"prompt": st.just("p"), "next": maybe, "no_input": maybe, "thanks": st.sampled_from([None, "p"])}
nodes = st.one_of(
    node("say", prompt=st.just("p"), next=maybe, interrupt=st.booleans()),
    node("goto", next=names),
    node("menu", prompt=st.just("p"), keys=st.dictionaries(st.sampled_from("123*#"), names, min_size=1), **question),
    node("language", prompt=st.just("p"), keys=st.just({"1": "en", "2": "zh"}), next=maybe),
    node("collect", prompt=st.just("p"), into=st.just("a"), secret=st.booleans(), next=maybe, **question),
    node("identify", next=maybe, unknown=maybe),
    node("identify", by=st.just("pin"), prompt=st.just("p"), pin_prompt=st.just("p"), next=maybe, locked=maybe),
    node("branch", cases=st.lists(st.fixed_dictionaries({"when": expressions, "next": names}), min_size=1, max_size=3)),
    node("set", values=st.dictionaries(st.sampled_from("ab"), expressions, min_size=1), next=maybe),
    node("lookup", service=st.sampled_from(["shop", "down"]), into=st.just({"a": "x"}), next=maybe, not_found=maybe),
    node("status", of=st.just("order"), found=st.just("p"), next=maybe),
    node("subflow", flow=st.sampled_from(["try", "part", "none"]), next=maybe),
    node("return"),
    node("callback", queue=st.just("sales"), number=st.one_of(st.none(), expressions), next=maybe),
    node("transfer", extension=expressions, next=maybe, busy=maybe),
    node("voicemail", queue=st.just("sales"), **message),
    node("record", into=st.just("a"), **message),
    node("complaint", said=st.just("p"), **message),
    node("survey", questions=st.just([{"name": "q", "prompt": "p"}]), next=maybe),
    node("queue", queue=st.just("sales")),
    node("hangup"),
)  # fmt: skip
flows = st.fixed_dictionaries(
    {
        "flow": st.just("try"),
        "default_queue": st.sampled_from([None, "support"]),
        "start": st.just("n0"),
        "prompts": st.just({"p": {"en": "Say {a}.", "zh": "说{a}。"}}),
        "nodes": st.fixed_dictionaries(dict.fromkeys(NAMES, nodes)),
    }
).map(Flow.model_validate)
callers = st.lists(st.sampled_from([*"12345*#", SILENCE, HANG_UP, NO_ANSWER]), max_size=40)
spoken = st.lists(st.sampled_from([0.0, 3.0, -3.0]), max_size=4)
outcomes = st.lists(st.sampled_from(["timeout", "key:1", "done", "busy", "failed"]), max_size=3)


@pytest.mark.timeout(600)  # --long has it walk two thousand flows
@given(flow=flows, keys=callers, said=spoken, came=outcomes, known=st.booleans())
def test_any_flow_and_any_caller_come_to_an_end(
    flow: Flow, keys: list[str], said: list[float], came: list[str], known: bool
) -> None:
    """No flow that can be written, and nothing a caller does, keeps a walk from its end: an end, or a hang-up."""
    ground = Ground(FakeLine(keys, spoken=said))
    ground.lookups.answers = {"shop": {"x": "y"}, "down": None}
    if known:
        ground.knowing.match = Match(MatchKind.KNOWN, customer())

    async def walk() -> None:
        visit = ground.visit(flow, PART)
        try:
            end = await visit.start()
            for outcome in came:
                if isinstance(end, ToQueue | ToTransfer):
                    end = await visit.resume(outcome)
            assert isinstance(end, ToQueue | ToTransfer | HungUp)
        except CallerGone:
            assert HANG_UP in keys or any(seconds < 0 for seconds in said)
        visit.over()
        assert len(visit.walk.steps) <= MAX_STEPS
        assert len(ground.recorder.visits) == 1
        assert ground.counter.now("try") == {}

    asyncio.run(walk())
