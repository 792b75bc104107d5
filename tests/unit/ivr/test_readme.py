"""The flows' README shows a flow and rehearsals that work."""

from pathlib import Path

import pytest

from callcenter.errors import BadInput
from callcenter.ids import QueueName
from callcenter.ivr.flow.loader import parse_flow
from callcenter.ivr.rehearsal import load_rehearsals

pytestmark = pytest.mark.unit

README = (Path(__file__).parents[3] / "ivr_flows" / "README.md").read_text()


def test_the_example_is_a_flow(tmp_path: Path) -> None:
    """The example's words are all known: what it leaves out of a real file is only named, not misspelt."""
    example, rehearsal = (block.partition("```")[0] for block in README.split("```yaml\n")[1:])
    with pytest.raises(BadInput) as invalid:
        parse_flow(example.encode(), "x", [QueueName("support"), QueueName("sales")])
    assert invalid.value.message.splitlines() == [
        "x:11: node menu: it leads to “operator”, and there is no such node",
        "x:11: node menu: it speaks “which”, and there is no such prompt: add it under prompts",
    ]
    file = tmp_path / "x.rehearsals.yaml"
    file.write_text(rehearsal)
    assert [case.presses for case in load_rehearsals(file)] == [["9", "silence", "1"]]
