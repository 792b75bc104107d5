"""The commands about people: an agent's skills, the list of users, a customer's PIN."""

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from callcenter.cli import app

pytestmark = pytest.mark.unit


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings with a database of their own and two skills."""
    file = tmp_path / "callcenter.toml"
    file.write_text(
        'skills = ["billing", "cantonese"]\n'
        f'[database]\nurl = "sqlite+aiosqlite:///{tmp_path}/people.db"\njournal = "{tmp_path}/journal"\n',
        "utf-8",
    )
    return file


def call(config: Path, *words: str, given: str = "") -> Result:
    """One command, with what is typed."""
    return CliRunner().invoke(app, [*words, "--config", str(config)], input=given)


def test_skills(config: Path) -> None:
    """Given at the start, changed later; an unknown skill or user is told."""
    li_na(config, "--skills", "billing=2")
    assert kept_skills(config) == {"billing": 2}
    given = call(config, "user", "skills", "li.na", "cantonese, billing=4")
    assert given.output == "li.na: billing=4, cantonese.\n"
    assert kept_skills(config) == {"billing": 4, "cantonese": 1}
    unknown = call(config, "user", "skills", "li.na", "chess=3,billing")
    assert unknown.exit_code == 1
    assert "There is no skill chess: there are billing, cantonese." in unknown.output
    assert "no user" in call(config, "user", "skills", "nobody", "billing").output
    assert kept_skills(config) == {"billing": 4, "cantonese": 1}
    assert call(config, "user", "skills", "li.na", "").output == "li.na: no skills.\n"
    assert kept_skills(config) == {}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("billing=6", "“billing=6” is no skill: write for example billing=4 (1 to 5) or billing."),
        ("billing=0", "“billing=0” is no skill"),
        ("billing=", "“billing=” is no skill"),
        ("billing=four", "“billing=four” is no skill"),
        ("billing 4", "“billing 4” is no skill"),
        ("billing=4,billing=2", "The skill billing is named twice."),
    ],
)
def test_wrong_levels(config: Path, wrong: str, words: str) -> None:
    """Each is told with what would be right, by both commands, and what was there stays."""
    li_na(config, "--skills", "billing=2")
    changed = call(config, "user", "skills", "li.na", wrong)
    added = call(config, "user", "add", "wang", "--skills", wrong, given="a-long-word-1\n")
    for answer in (changed, added):
        assert (answer.exit_code, words in answer.output) == (1, True), answer.output
    assert kept_skills(config) == {"billing": 2}


def test_the_list(config: Path) -> None:
    """Everybody with role, phone, queues and skills, aligned also under Chinese names; the JSON has no password."""
    assert "callcenter upgrade" in call(config, "user", "list").output
    li_na(config, "--skills", "billing=2,cantonese", "--queues", "support,sales", "--name", "李娜")
    call(config, "user", "add", "boss", "--role", "admin", given="a-long-word-1\n")
    header, boss, agent = call(config, "user", "list").output.splitlines()
    assert boss.split() == ["boss", "boss", "admin"]
    assert agent.split("  ")[:2] == ["li.na", "李娜"]
    assert header.index("role") - 2 == agent.index("agent")
    assert agent.endswith("sales, support  billing=2, cantonese")
    [_, listed] = json.loads(call(config, "user", "list", "--json").output)["users"]
    assert listed == {
        "username": "li.na", "name": "李娜", "role": "agent", "extension": "1001", "queues": ["sales", "support"],
        "skills": {"billing": 2, "cantonese": 1}, "active": True,
    }  # fmt: skip
    with sqlite3.connect(config.parent / "people.db") as database:
        database.execute("UPDATE users SET active = 0, skills = '[\"billing\"]' WHERE username = 'li.na'")
    assert call(config, "user", "list").output.splitlines()[-1].endswith("billing  may not log in")


def li_na(config: Path, *more: str) -> None:
    """An agent."""
    added = call(config, "user", "add", "li.na", "--extension", "1001", *more, given="a-long-word-1\n")
    assert added.exit_code == 0, added.output


def kept_skills(config: Path) -> dict[str, int]:
    """As they are in the database, of the one user."""
    with sqlite3.connect(config.parent / "people.db") as database:
        [[text]] = database.execute("SELECT skills FROM users").fetchall()
    found: dict[str, int] = json.loads(text)
    return found


def test_a_pin_for_nobody(config: Path) -> None:
    """No such customer, and a PIN that is none, are told, and the PIN isn't shown."""
    answer = call(config, "customer", "pin", "7", given="246813\n")
    assert answer.exit_code == 1
    assert "246813" not in answer.output
    short = call(config, "customer", "pin", "7", given="1\n")
    assert short.exit_code == 1
