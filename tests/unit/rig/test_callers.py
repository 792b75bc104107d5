"""Callers without SIPp: what is written for it, what is read of its log, what is refused."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from callcenter.errors import BadInput, PartMissing
from callcenter.rig import callers, sipp
from callcenter.rig.callers import CallPlan, Outcome, SippRun, run_calls
from callcenter.rig.scenarios import Script, caller, customer

pytestmark = pytest.mark.unit


def run_of(folder: Path, *plans: CallPlan) -> SippRun:
    """A run that is not started."""
    return SippRun(folder, Script(), list(enumerate(plans)), server=("127.0.0.1", 9))


@pytest.mark.parametrize("bad", ["1;2", "1\r\nX: 1", "1\n", "\0"])
async def test_what_a_csv_file_can_not_hold(bad: str) -> None:
    """A value that would shift the columns or the lines is refused before anything is started."""
    for plan in (CallPlan(bad), CallPlan("1", bad), CallPlan("1", dial=bad), CallPlan("1", raw_name=bad)):
        with pytest.raises(BadInput, match="ear"):
            await run_calls([plan], sip_port=9)
    with pytest.raises(BadInput, match="keys"):
        await run_calls([CallPlan("1", keys=(("x", 1.0),))], sip_port=9)


def test_rows() -> None:
    """Hostile numbers go out as they are, names quoted, and the stay counts from the last key."""
    plan = CallPlan("%0d%0a", 'A "b"', dial="400", keys=(("1", 2.5),), patience=10)
    assert callers._row(3, plan) == '%0d%0a;"A \\"b\\"" ;400;3;7500;patience\n'
    plan = CallPlan("1", raw_name="<x> ", hang_up_after=4)
    assert callers._row(0, plan) == "1;<x> ;400;0;4000;caller\n"


def test_scenarios_are_xml() -> None:
    """Whatever the script, the scenario can be read, and every branch has its label."""
    scripts = [
        Script(),
        Script(keys=(("1", 1.0), ("#", 2.0))),
        Script(keys=(("*", 0.5),), keys_by_info=True, sound=Path("/tmp/tone.ul")),
    ]
    for text in [*map(caller, scripts), customer(2.0)]:
        tree = ET.fromstring(text)  # noqa: S314  our own text
        labels = {label.get("id") for label in tree.iter("label")}
        for step in tree.iter():
            assert {step.get("next"), step.get("ontimeout")} <= labels | {None}


@pytest.mark.parametrize(
    ("log", "outcome", "status", "cause"),
    [
        ("CC|0|100|invite|\nCC|0|200|answered|\nCC|0|900|ended|asterisk 16\n", Outcome.ASTERISK, 200, 16),
        ("CC|0|100|invite|\nCC|0|200|answered|\nCC|0|900|ended|asterisk \n", Outcome.ASTERISK, 200, None),
        ("CC|0|1|invite|\nCC|0|2|refused|486\nCC|0|3|ended|refused\n", Outcome.REFUSED, 486, None),
        ("CC|0|1|invite|\nCC|0|2|ended|cancelled\n", Outcome.CANCELLED, 487, None),
        ("CC|0|1|invite|\nCC|0|2|answered|\nCC|0|3|hung_up|caller\n", Outcome.LOST, 200, None),
        ("CC|0|1|invite|\nCC|0|2|answered|\nCC|0|3|ended|patience", Outcome.LOST, 200, None),
        ("CC|0|1|ended|nonsense\n", Outcome.LOST, None, None),
        ("CC|7|1|ended|caller\nnoise\nCC|x|y|ended|caller\n", Outcome.LOST, None, None),
        ("", Outcome.LOST, None, None),
    ],
)
def test_the_log(tmp_path: Path, log: str, outcome: Outcome, status: int | None, cause: int | None) -> None:
    """Only a whole line that says the end makes a call other than lost."""
    run = run_of(tmp_path, CallPlan("1"))
    (tmp_path / "log").write_text(log, encoding="utf-8")
    run._take_news()
    result = run._result(0)
    assert (result.outcome, result.status, result.cause) == (outcome, status, cause)


def test_the_log_comes_in_pieces(tmp_path: Path) -> None:
    """A line that is read in two halves is one line, and its call is told of once."""
    told: list[Outcome] = []
    run = SippRun(
        tmp_path,
        Script(),
        [(0, CallPlan("1"))],
        server=("127.0.0.1", 9),
        on_result=lambda result: told.append(result.outcome),
    )
    text = "CC|0|100|invite|\nCC|0|350|answered|\nCC|0|900|ended|caller\nCC|0|950|ended|asterisk 16\n"
    for end in range(len(text) + 1):
        (tmp_path / "log").write_text(text[:end], encoding="utf-8")
        run._take_news()
    result = run._result(0)
    assert told == [Outcome.CALLER]
    assert (result.answered_after, result.lasted) == (0.25, 0.8)


async def test_no_sipp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SIPp the error says what to install."""
    monkeypatch.setattr(sipp, "SIPP", "no-such-program")
    with pytest.raises(PartMissing, match="sip-tester"):
        await run_calls([CallPlan("1")], sip_port=9)
