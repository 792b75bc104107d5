"""The commands that change people: an agent's skills, a customer's PIN."""

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
    added = call(
        config, "user", "add", "li.na", "--extension", "1001", "--skills", "billing", given="a-long-word-1\n"
    )
    assert added.exit_code == 0, added.output
    assert (
        call(config, "user", "skills", "li.na", "cantonese, billing").output == "li.na: billing, cantonese.\n"
    )
    with sqlite3.connect(config.parent / "people.db") as database:
        assert database.execute("SELECT skills FROM users").fetchall() == [('["billing", "cantonese"]',)]
    assert call(config, "user", "skills", "li.na", "").output == "li.na: no skills.\n"
    unknown = call(config, "user", "skills", "li.na", "chess")
    assert unknown.exit_code == 1
    assert "chess (skills there: billing, cantonese)" in unknown.output
    assert "no user" in call(config, "user", "skills", "nobody", "billing").output


def test_a_pin_for_nobody(config: Path) -> None:
    """No such customer, and a PIN that is none, are told, and the PIN isn't shown."""
    answer = call(config, "customer", "pin", "7", given="246813\n")
    assert answer.exit_code == 1
    assert "246813" not in answer.output
    short = call(config, "customer", "pin", "7", given="1\n")
    assert short.exit_code == 1
