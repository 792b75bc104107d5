"""Every flow that is shipped loads without a fault, and its written callers end where they must."""

import tomllib
from pathlib import Path

import pytest

from callcenter.ivr.flow.checks.finding import Known
from callcenter.ivr.flow.loader import load_folder
from callcenter.ivr.ports import FlowSet
from callcenter.ivr.rehearsal import Rehearsal, load_rehearsals, rehearse

pytestmark = pytest.mark.flows

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "ivr_flows"
SETTINGS = tomllib.loads((ROOT / "config/callcenter.toml").read_text())
FLOWS = load_folder(FOLDER, Known(queues=frozenset(queue["name"] for queue in SETTINGS["queues"])))
WRITTEN = {path.name.removesuffix(".rehearsals.yaml"): path for path in FOLDER.glob("*.rehearsals.yaml")}
CASES = [
    pytest.param(name, rehearsal, id=f"{name}: {rehearsal.name}")
    for name, path in sorted(WRITTEN.items())
    for rehearsal in load_rehearsals(path)
]


def flow_set(start: str) -> FlowSet:
    """All of them, one of them first."""
    return FlowSet(start, FLOWS, dict.fromkeys(FLOWS, 1))


def test_flows_are_there() -> None:
    """The folder holds what the product promises; an empty folder would make every other test here pass."""
    assert set(FLOWS) >= {"main", "complaint_line", "status_line", "after_hours", "satisfaction"}
    assert set(WRITTEN) == set(FLOWS)
    assert len(CASES) >= 20


@pytest.mark.parametrize("name", sorted(FLOWS))
def test_every_node_is_rehearsed(name: str) -> None:
    """Some written caller, of whichever flow, passes each node."""
    rehearsed = {
        node if "." in node else f"{flow}.{node}"
        for flow, path in WRITTEN.items()
        for case in load_rehearsals(path)
        for node in case.path
    }
    assert {f"{name}.{node}" for node in FLOWS[name].nodes} <= rehearsed


@pytest.mark.parametrize(("name", "rehearsal"), CASES)
async def test_rehearsal(name: str, rehearsal: Rehearsal) -> None:
    """The written caller passes the written nodes and ends as written."""
    assert await rehearse(flow_set(name), rehearsal) == []


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
    differences = await rehearse(flow_set("main"), wrong)
    assert [difference.partition(":")[0] for difference in differences] == ["path", "hears", "end"]
