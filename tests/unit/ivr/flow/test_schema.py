"""The JSON Schema for editors: as committed, as the models say, and useful."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from callcenter.ivr.flow.document import read_yaml
from callcenter.ivr.flow.faults import TYPES
from callcenter.ivr.flow.loader import flow_files
from callcenter.ivr.flow.schema import FILE, WORDS, flow_schema, schema_text

pytestmark = pytest.mark.unit

FLOWS = Path(__file__).parents[4] / "ivr_flows"
SCHEMA = flow_schema()
CHECKER = jsonschema.Draft202012Validator(SCHEMA)


def small(**node: Any) -> dict[str, Any]:
    """A flow of one node."""
    return {"flow": "x", "start": "a", "nodes": {"a": node}}


def test_the_committed_file_is_current() -> None:
    """Who changes a node writes the schema anew: callcenter ivr schema > ivr_flows/flow.schema.json."""
    assert (FLOWS / FILE).read_text(encoding="utf-8") == schema_text()


def test_it_is_a_schema_of_its_own() -> None:
    """A right schema of its draft, that names no host and needs no other file."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == FILE
    assert "://" not in schema_text().replace(SCHEMA["$schema"], "")


@pytest.mark.parametrize("path", flow_files(FLOWS), ids=lambda path: path.stem)
def test_our_flows_fit(path: Path) -> None:
    """An editor marks nothing in the flows that are shipped."""
    document = read_yaml(path.read_bytes(), path.name)
    assert [error.message for error in CHECKER.iter_errors(document.value)] == []


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (small(type="say"), "'prompt' is a required property"),
        (small(type="sai", prompt="p"), "'sai' is not one of ['say', 'goto', "),
        (small(type="say", prompt="p", promt="q"), "('promt' was unexpected)"),
        (small(type="menu", prompt="p", keys={"x": "a"}), "'x' does not match any of the regexes"),
        (small(type="menu", prompt="p", keys={"1": "a"}, tries=9), "9 is greater than the maximum of 5"),
        (small(type="transfer"), "{'type': 'transfer'} is not valid under any of the given schemas"),
        (small(type="hangup") | {"starts": "a"}, "('starts' was unexpected)"),
    ],
)
def test_what_an_editor_marks(flow: dict[str, Any], words: str) -> None:
    """A fault is told in terms of the node's own type."""
    [error] = CHECKER.iter_errors(flow)
    assert words in error.message


@pytest.mark.parametrize("name", TYPES)
def test_every_word_is_described(name: str) -> None:
    """Each type of node and each of its words says what it is."""
    definition = SCHEMA["$defs"][TYPES[name].__name__]
    assert definition["description"]
    for word, below in definition["properties"].items():
        assert below.get("description"), word


def test_no_description_is_left_over() -> None:
    """A word that is gone from the language is gone from the descriptions."""
    used = set(SCHEMA["properties"]).union(
        *(below.get("properties", {}) for below in SCHEMA["$defs"].values())
    )
    assert set(WORDS) <= used
