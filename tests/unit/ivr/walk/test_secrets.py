"""PINs and card digits: in no log, no row, no count, no key that agents see, no prompt and no ordinary expression."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from callcenter.errors import CallerGone
from callcenter.reception.visit import HungUp
from tests.fakes.fake_ivr import LOOKUP_DOWN, DatabaseAway, Ground, a_flow
from tests.fakes.fake_line import HANG_UP, FakeLine

pytestmark = pytest.mark.unit

PIN, CARD, NUMBER = "4821", "6222020001112223", "7001"
FLOW = a_flow(
    """
    who: {type: identify, by: pin, prompt: number, pin_prompt: pin, next: card, failure: card}
    card: {type: collect, prompt: card, into: card, secret: true, min_digits: 16, max_digits: 16, next: pay,
           valid: len(card) == 16}
    pay: {type: lookup, service: bank, send: {card: card}, into: {state: state}, next: steal, failure: steal}
    steal: {type: set, values: {stolen: card}, next: end, failure: peek}
    peek: {type: branch, cases: [{when: card != '', next: end}], failure: dial}
    dial: {type: transfer, extension: card, failure: say_it}
    say_it: {type: say, prompt: aloud, next: end}
    end: {type: hangup, reason: end}
    """,
    prompts={"aloud": {"en": "Your card is {card} and {card:digits}.", "zh": "卡号{card}。"}},
)


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """All that is logged, by whatever way, personal keys too."""
    lines: list[str] = []
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logs:
        yield lines
        lines.extend(repr(line) for line in logs)
        lines.append(caplog.text)


def traces(ground: Ground, visit: object, lines: list[str]) -> str:
    """Everything that a walk leaves anywhere but in the hands of those who must know."""
    return "\n".join(
        [
            *lines,
            repr(visit),
            repr(vars(ground.recorder)),
            repr(vars(ground.counter)),
            repr(ground.prompts.asked),
            repr(ground.line.variables),
            repr(ground.callbacks.asked),
        ]
    )


@pytest.mark.parametrize("trouble", [False, True])
async def test_secrets_are_nowhere(trouble: bool, written: list[str]) -> None:
    """Those who must know are told; a flow that tries to set, compare, dial or speak a secret fails at it, and what
    remains anywhere holds neither the PIN nor the card."""
    ground = Ground(FakeLine(f"{NUMBER}#{PIN}#{CARD}"))
    ground.lookups.answers["bank"] = LOOKUP_DOWN if trouble else {"state": "paid"}
    ground.identities.error = DatabaseAway("gone") if trouble else None
    visit = ground.visit(FLOW)
    assert await visit.start() == HungUp("end")
    assert ground.lookups.asked[0][1] == {"card": CARD}
    assert [step.node for step in visit.walk.steps][-4:] == ["peek", "dial", "say_it", "end"]
    assert visit.walk.call.keys == [("who", f"{NUMBER}#*****"), ("card", "*" * 16)]
    left = traces(
        ground, (visit.walk.call, visit.walk.variables, visit.walk.steps, repr(visit.walk)), written
    )
    visit.over()
    left += repr(ground.recorder.visits)
    assert PIN not in left
    assert CARD not in left
    assert visit.walk.secrets == {}


@pytest.mark.parametrize("keys", [f"{NUMBER}#48", f"{NUMBER}#{PIN}#62220200", f"{NUMBER}#{PIN}#{CARD[:15]}*"])
async def test_secrets_of_who_hangs_up(keys: str, written: list[str]) -> None:
    """The same in the middle of the digits."""
    ground = Ground(FakeLine([*keys, HANG_UP]))
    visit = ground.visit(FLOW)
    with pytest.raises(CallerGone):
        await visit.start()
    visit.over()
    left = traces(ground, (visit.walk.call, visit.walk.steps), written)
    assert "48" not in "".join(keys for _, keys in visit.walk.call.keys).removeprefix(NUMBER)
    assert PIN not in left
    assert CARD[:8] not in left


async def test_a_wrong_secret(written: list[str]) -> None:
    """Digits that were not accepted are as secret."""
    ground = Ground(FakeLine(f"{NUMBER}#{PIN}#" + f"{CARD[:9]}#" * 3))
    visit = ground.visit(FLOW)
    await visit.start()
    visit.over()
    assert CARD[:9] not in traces(ground, (visit.walk.call, visit.walk.steps, visit.walk.variables), written)


async def test_no_recording_while_secrets_are_pressed(tmp_path: Path) -> None:
    """The flow records nothing but what its own nodes ask for: no tone of a PIN is on a tape."""
    ground = Ground(FakeLine(f"{NUMBER}#{PIN}#{CARD}"), tmp_path)
    ground.lookups.answers["bank"] = {"state": "paid"}
    await ground.visit(FLOW).start()
    assert ground.line.recorded == []


def test_a_secret_becomes_a_variable_only_by_being_asked_again() -> None:
    """A later, open collect into the same name replaces the secret, and the other way round."""
    walk = Ground(FakeLine()).visit(FLOW).walk
    walk.keep_secret("a", "1")
    assert (walk.variables, walk.secrets) == ({}, {"a": "1"})
    walk.keep("a", "2")
    assert (walk.variables, walk.secrets) == ({"a": "2"}, {})
    walk.keep_secret("a", "3")
    assert (walk.variables, walk.secrets) == ({}, {"a": "3"})
