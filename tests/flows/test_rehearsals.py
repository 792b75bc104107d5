"""Every flow that is shipped loads without a fault, and its written callers end where they must."""

import tomllib
from pathlib import Path

import pytest

from callcenter.clock import ManualClock
from callcenter.ids import QueueName
from callcenter.ivr.flow.loader import load_flow
from callcenter.ivr.rehearsal import Rehearsal, load_rehearsals, rehearse
from tests.fakes.fake_line import FakeLine

pytestmark = pytest.mark.flows

ROOT = Path(__file__).parents[2]
FLOWS = ROOT / "ivr_flows"
FILES = sorted(path for path in FLOWS.glob("*.yaml") if not path.stem.endswith(".rehearsals"))
QUEUES = frozenset(
    QueueName(queue["name"])
    for queue in tomllib.loads((ROOT / "config/callcenter.toml").read_text())["queues"]
)
CASES = [
    pytest.param(path, rehearsal, id=f"{path.stem}: {rehearsal.name}")
    for path in FILES
    for rehearsal in load_rehearsals(path.with_suffix(".rehearsals.yaml"))
]


def test_flows_are_there() -> None:
    """The folder holds the main flow; an empty folder would make every other test here pass."""
    assert [path.stem for path in FILES] == ["main"]
    assert len(CASES) >= 8


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_flow_has_no_fault(path: Path) -> None:
    """The flow is right for the queues of the shipped settings, and is called as its file."""
    assert load_flow(path, QUEUES).flow == path.stem


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_node_is_rehearsed(path: Path) -> None:
    """Some written caller passes each node."""
    rehearsed = {node for case in load_rehearsals(path.with_suffix(".rehearsals.yaml")) for node in case.path}
    assert rehearsed == set(load_flow(path, QUEUES).nodes)


@pytest.mark.parametrize(("path", "rehearsal"), CASES)
async def test_rehearsal(path: Path, rehearsal: Rehearsal) -> None:
    """The written caller passes the written nodes and ends as written."""
    clock = ManualClock()
    line = FakeLine(rehearsal.presses, clock=clock)
    assert await rehearse(load_flow(path, QUEUES), rehearsal, line, clock) == []


async def test_a_wrong_expectation_is_told() -> None:
    """A rehearsal that expects something else fails in each of its parts: it can fail."""
    wrong = Rehearsal.model_validate(
        {
            "name": "wrong",
            "presses": ["1", "1"],
            "path": ["welcome"],
            "hears": ["welcome"],
            "end": {"queue": "support", "language": "en"},
        }
    )
    clock = ManualClock()
    differences = await rehearse(
        load_flow(FILES[0], QUEUES), wrong, FakeLine(wrong.presses, clock=clock), clock
    )
    assert [difference.partition(":")[0] for difference in differences] == ["path", "hears", "end"]
