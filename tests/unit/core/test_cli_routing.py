"""The commands of routing, as somebody at a terminal uses them."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from callcenter.calls.call import Call, Direction
from callcenter.calls.number import normalise
from callcenter.cli_routing import routing
from callcenter.clock import SystemClock
from callcenter.history.ports import OfferRow
from callcenter.ids import AgentId, CallId, OfferId
from callcenter.storage.database import Database, upgrade
from callcenter.storage.entries import call_entry, offer_entry
from callcenter.storage.record_writer import RecordWriter
from tests.fakes.fake_routing import decision

pytestmark = pytest.mark.unit

QUEUES = """
[[queues]]
name = "sales"
title_en = "Sales"
title_zh = "销售"
[[queues]]
name = "support"
title_en = "Support"
title_zh = "客户服务"
"""
CALL = "a" * 32


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings with a database of their own."""
    path = tmp_path / "callcenter.toml"
    write(path)
    return path


def write(path: Path, routing_section: str = "", more: str = QUEUES) -> None:
    """The settings, with these rules."""
    path.write_text(
        f'skills = ["billing"]\n[routing]\n{routing_section}\n'
        f'[database]\nurl = "sqlite+aiosqlite:///{path.parent}/rules.db"\njournal = "{path.parent}/journal"\n{more}',
        "utf-8",
    )


def call(config: Path, *words: str) -> Result:
    """``callcenter routing ...`` with these settings."""
    return CliRunner().invoke(routing, [*words, "--config", str(config)])


def test_good_rules(config: Path) -> None:
    """Without a database it says that people were not looked at; with one what is missing."""
    answer = call(config, "check")
    assert answer.exit_code == 0, answer.output
    assert "the rules of routing are good" in answer.output
    assert "no database" in answer.output
    call(config, "publish")
    told = json.loads(call(config, "check", "--json").stdout)
    assert (told["good"], told["problems"]) == (True, [])
    assert any("skill billing" in one for one in told["findings"])
    assert any("queue sales" in one for one in told["findings"])
    assert "note: no agent serves the queue support" in call(config, "check").output


def test_contradictory_rules_are_named(config: Path) -> None:
    """With the place and what is wrong; neither good nor published."""
    write(config, "ceiling = 5")
    answer = call(config, "check")
    assert answer.exit_code != 0
    assert "ceiling" in answer.output
    told = call(config, "check", "--json")
    assert told.exit_code == 1
    assert any("ceiling" in one for one in json.loads(told.stdout)["problems"])
    assert call(config, "publish").exit_code != 0


def test_publishing_says_what_changed_and_rolling_back_too(config: Path) -> None:
    """Versions with who and why; the same rules twice are refused."""
    assert (
        call(config, "publish", "--note", "first").output == "Version 1 of the routing rules is published.\n"
    )
    again = call(config, "publish")
    assert again.exit_code == 1
    assert "in service already" in again.output
    write(config, "ceiling = 240")
    assert "ceiling: 300 -> 240" in call(config, "publish").output
    rolled = json.loads(call(config, "rollback", "1", "--json").stdout)
    assert (rolled["version"], rolled["changes"]) == (3, ["ceiling: 240 -> 300"])
    listed = call(config, "versions").output.splitlines()
    assert [line.split()[0] for line in listed] == ["*", "2", "1"]
    assert "(command line)  version 1 again" in listed[0]
    told = json.loads(call(config, "versions", "--json").stdout)["versions"]
    assert [(one["version"], one["current"], one["from_settings"]) for one in told] == [
        (3, True, False), (2, False, True), (1, False, True),
    ]  # fmt: skip
    assert call(config, "rollback", "3").exit_code == 1
    assert call(config, "rollback", "9").exit_code == 1


def test_show(config: Path) -> None:
    """What is in service, or an older version, by the settings' names."""
    assert call(config, "show").exit_code == 1
    call(config, "publish")
    write(config, "ceiling = 240")
    call(config, "publish")
    assert "  ceiling = 240\n" in call(config, "show").output
    assert "  promises.vip.seconds = 10\n" in call(config, "show", "--version", "1").output
    told = json.loads(call(config, "show", "--version", "1", "--json").stdout)
    assert (told["version"], told["rules"]["ceiling"]) == (1, 300)


def test_reading_makes_no_database(config: Path) -> None:
    """Somebody who only looks changes nothing."""
    for words in (["versions"], ["show"], ["why", CALL], ["check"]):
        call(config, *words)
    assert list(config.parent.glob("*.db")) == []


def test_why(config: Path) -> None:
    """A call's decisions in words, decided again; a call that is not there is told."""
    url = f"sqlite+aiosqlite:///{config.parent}/rules.db"

    async def keep() -> None:
        await upgrade(url)
        database, clock = Database(url), SystemClock()
        one = Call(
            CallId(CALL), Direction.INBOUND, normalise("10086", "CN"), "", "", clock.now(), clock.wall()
        )
        row = OfferRow(
            OfferId("b" * 32), one.id, AgentId(3), clock.wall(), None, "answered", "w", decision().packed()
        )
        await RecordWriter(database, "CN").write([call_entry(one, clock.wall()), offer_entry(row)])
        await database.close()

    asyncio.run(keep())
    answer = call(config, "why", CALL)
    assert answer.exit_code == 0, answer.output
    assert "why this agent: #3: least work lately" in answer.output
    assert answer.output.endswith("run again: the same agent\n")
    told = json.loads(call(config, "why", CALL, "--json").stdout)
    assert told["offers"][0]["run_again"] == {"agent_id": 3, "same": True}
    missing = call(config, "why", "c" * 32)
    assert (missing.exit_code, "no call" in missing.output) == (1, True)
