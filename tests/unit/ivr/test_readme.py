"""The flows' README: its examples work, and its tables leave nothing out."""

import re
from pathlib import Path

import pytest

from callcenter.ivr.flow.checks.finding import Known
from callcenter.ivr.flow.faults import TYPES
from callcenter.ivr.flow.loader import load_flow, read_folder
from callcenter.ivr.flow.nodes import MessageNode
from callcenter.ivr.flow.operations import FUNCTIONS
from callcenter.ivr.flow.parts import Question, Waiting
from callcenter.ivr.flow.template import _FORMATS
from callcenter.ivr.flow.variables import BUILT_IN
from callcenter.ivr.ports import FlowSet
from callcenter.ivr.rehearsal import Rehearsal, load_rehearsals, rehearse
from callcenter.ivr.walk.standard import STANDARD

pytestmark = pytest.mark.unit

README = (Path(__file__).parents[3] / "ivr_flows" / "README.md").read_text(encoding="utf-8")
EXAMPLES = {
    block.splitlines()[0].removeprefix("# "): block
    for block in (part.partition("```")[0] for part in README.split("```yaml\n")[1:])
}
KNOWN = Known(queues={"support", "sales"}, entrances={"main"}, flows={})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The examples as files."""
    for name, text in EXAMPLES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_examples_are_flows(folder: Path) -> None:
    """Nothing is wrong with them, and there is not even a warning."""
    read = read_folder(folder, KNOWN)
    assert [str(problem) for problem in read.problems] == []
    assert read.flows.keys() == {"main", "how_was_it", "hours"}


@pytest.fixture
def rehearsals(folder: Path) -> tuple[FlowSet, list[Rehearsal]]:
    """The example flows and their written callers."""
    flows = FlowSet("main", read_folder(folder, KNOWN).flows, {})
    return flows, load_rehearsals(folder / "main.rehearsals.yaml")


async def test_the_rehearsals_end_as_written(rehearsals: tuple[FlowSet, list[Rehearsal]]) -> None:
    """Each written caller, on the example flows."""
    flows, cases = rehearsals
    assert len(cases) == 3
    for case in cases:
        assert await rehearse(flows, case) == [], case.name


def test_the_example_of_a_survey_asks(folder: Path) -> None:
    """It stands alone."""
    assert load_flow(folder / "how_was_it.yaml", KNOWN).start == "ask"


@pytest.mark.parametrize("name", TYPES)
def test_every_word_of_every_node(name: str) -> None:
    """Each type has its row, and each of its words is in it, or among those that many have."""
    nodes = README[README.index("## Nodes") : README.index("## Ways out")]
    [row] = [line for line in nodes.splitlines() if line.startswith(f"| `{name}` |")]
    words = set(TYPES[name].model_fields) - {"type", "title", "failure"}
    if issubclass(TYPES[name], Question):
        assert "those of a question" in row
        words -= Question.model_fields.keys()
    if issubclass(TYPES[name], MessageNode):
        assert "those of a message" in row
        words -= MessageNode.model_fields.keys()
    assert words <= set(re.findall(r"`([a-z_]+)`", row))


@pytest.mark.parametrize(
    ("begin", "words"),
    [
        ("Words of a question", Question.model_fields.keys() - {"title", "failure"}),
        ("Words of a message", MessageNode.model_fields.keys() - {"title", "failure"}),
        ("## Waiting", Waiting.model_fields.keys()),
        ("## Prompts", _FORMATS.keys() | STANDARD.keys()),
        ("## Rehearsals", Rehearsal.model_fields.keys() - {"name"}),
    ],
)
def test_words_that_many_have(begin: str, words: set[str]) -> None:
    """Each list is whole."""
    section = README[README.index(begin) :]
    end = "\n## " if begin.startswith("#") else "\n\n"
    section = section[: section.find(end, 1) if end in section else None]
    assert words <= set(re.findall(r"`([a-z_]+)`", section))


def test_functions_and_variables() -> None:
    """All functions are named, and the built-in variables are explained as the program does."""
    assert set(re.findall(r"`([a-z_]+)\(", README)) == FUNCTIONS.keys()
    for name, meaning in BUILT_IN.items():
        assert f"| `{name}` | {meaning} |" in README
