"""The commands of flows, as somebody at a terminal uses them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from callcenter.cli import app

pytestmark = pytest.mark.unit

FLOW = """
flow: hello
language: en
default_queue: support
start: greeting
prompts:
  greeting: {en: Good day., zh: 您好。}
  which: {en: Press 1., zh: 请按一。}
nodes:
  greeting: {type: say, prompt: greeting, next: which}
  which: {type: menu, prompt: which, keys: {"1": sales}}
  sales: {type: queue, queue: sales}
"""
REHEARSALS = """
rehearsals:
  - {name: sales, presses: ["1"], path: [greeting, which, sales], end: {queue: sales, language: en}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of flows with settings of its own beside it."""
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "hello.yaml").write_text(FLOW, "utf-8")
    (flows / "hello.rehearsals.yaml").write_text(REHEARSALS, "utf-8")
    (tmp_path / "callcenter.toml").write_text(
        f'[ivr]\nfolder = "{flows}"\nflow = "hello"\n'
        f'[database]\nurl = "sqlite+aiosqlite:///{tmp_path}/flows.db"\njournal = "{tmp_path}/journal"\n',
        "utf-8",
    )
    return flows


def call(folder: Path, *words: str, given: str | None = None) -> Result:
    """``callcenter ivr ...`` with these settings."""
    return CliRunner().invoke(
        app, ["ivr", *words, "--config", str(folder.parent / "callcenter.toml")], input=given
    )


def test_a_good_folder(folder: Path) -> None:
    """Checked whole, or by file; exit status 0."""
    assert call(folder, "check").output == "1 flow: good\n"
    answer = call(folder, "check", str(folder / "hello.yaml"), "--json")
    assert json.loads(answer.stdout) == {"good": True, "flows": ["hello"], "problems": []}


def test_a_fault_has_its_place(folder: Path) -> None:
    """File, line, node, what to do; exit status 1. A flow with a fault is not published."""
    file = folder / "hello.yaml"
    file.write_text(FLOW.replace("queue: sales}", "queue: sails}"), "utf-8")
    answer = call(folder, "check")
    assert answer.exit_code == 1
    assert f"{file}:12: node sales:" in answer.output
    assert "sails" in answer.output
    published = call(folder, "publish", str(file))
    assert published.exit_code == 1
    assert "was not published" in published.output
    assert call(folder, "versions", "hello").exit_code == 1


def test_a_flow_that_is_not_there(folder: Path) -> None:
    """A clear message, no traceback."""
    answer = call(folder, "try", "hallo", "--keys", "1")
    assert answer.exit_code == 1
    assert answer.output == "callcenter: There is no flow “hallo” (there are: hello).\n"
    assert (
        "can't be read" in call(folder, "check", str(folder / "no.yaml")).output
        or call(folder, "check", str(folder / "no.yaml")).exit_code == 1
    )


def test_try_with_keys(folder: Path) -> None:
    """Each prompt as it is spoken, and where the caller ends."""
    answer = call(folder, "try", "hello", "--keys", "5,1")
    assert "[greeting] Good day." in answer.output
    assert answer.output.endswith("End: waits in the queue sales, language en\n")
    told = json.loads(call(folder, "try", str(folder / "hello.yaml"), "--keys", "1", "--json").stdout)
    assert [step["node"] for step in told["steps"]] == ["greeting", "which", "sales"]
    assert told["end"] == "waits in the queue sales, language en"


def test_try_needs_keys(folder: Path) -> None:
    """Without a terminal nobody can type; a wrong key is told."""
    assert "--keys" in call(folder, "try", "hello", given="").output
    assert call(folder, "try", "hello", "--keys", "x").exit_code == 1
    assert "NAME=VALUE" in call(folder, "try", "hello", "--keys", "1", "--with", "tier").output


def test_rehearse(folder: Path) -> None:
    """Good ones are told, a bad one says what differs, with exit status 1."""
    assert call(folder, "rehearse").output == "good  hello: sales\n1 rehearsal, all good\n"
    (folder / "hello.rehearsals.yaml").write_text(REHEARSALS.replace('"1"', '"2"'), "utf-8")
    answer = call(folder, "rehearse", "--json")
    assert answer.exit_code == 1
    assert json.loads(answer.stdout)["rehearsals"][0]["differences"]


def test_publish_and_roll_back(folder: Path) -> None:
    """Versions are kept with when and what; an old one is published again as a new one."""
    file = folder / "hello.yaml"
    assert call(folder, "publish", str(file), "--note", "first").output == "hello: version 1 is published.\n"
    file.write_text(FLOW.replace("Good day.", "Good evening."), "utf-8")
    assert call(folder, "publish", str(file)).exit_code == 0
    assert "Good evening." in call(folder, "export", "hello").output
    assert call(folder, "rollback", "hello", "1").output == "hello: version 3 is published.\n"
    assert "Good day." in call(folder, "export", "hello").output
    told = json.loads(call(folder, "versions", "hello", "--json").stdout)
    assert [(one["version"], one["current"]) for one in told["versions"]] == [
        (3, True),
        (2, False),
        (1, False),
    ]
    assert told["versions"][2]["note"] == "first"
    assert call(folder, "rollback", "hello", "9").exit_code == 1


def test_the_schema_is_printed() -> None:
    """It is JSON, for editors."""
    assert json.loads(CliRunner().invoke(app, ["ivr", "schema"]).stdout)["properties"]["nodes"]
