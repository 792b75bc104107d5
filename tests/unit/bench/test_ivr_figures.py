"""The IVR's figures: what is counted, what is shown."""

import asyncio
import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from callcenter.bench import ivr_report, steps
from callcenter.bench.ivr import IvrFigures
from callcenter.bench.menus import Between, CommandFigures, KeyFigures, MenuFigures
from callcenter.bench.prompts import PromptFigures, Waits
from callcenter.bench.run import Figures
from callcenter.bench.spread import Spread
from callcenter.bench.steps import StepFigures
from callcenter.ids import QueueName
from callcenter.ivr.flow.checks.finding import Known
from callcenter.rig.ports import free_ports
from tests.unit.bench.test_figures import HERE

pytestmark = pytest.mark.unit

FLOWS = Path(__file__).parents[3] / "ivr_flows"
FIGURES = IvrFigures(
    [StepFigures("a walk", 4, 13_821, 0.29, 1.2)],
    MenuFigures(
        CommandFigures(20, 10.9, {"ANSWER": 1.0, "WAIT": 0.95}),
        KeyFigures(200, 30.0, Spread(1475, 4.14, 55.5, 128.7), 0, 0, 80, 2.9, 10.4, 0.64),
    ),
    PromptFigures([Waits("from memory", 2000, 0.001, 0.002, 0.02)]),
    {"load 0.8": {"n": 10, "mean_wait": 37.0, "mean_error": 0.6}, "nobody waits": {"n": 0}},
)


async def test_walks_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The walks that are measured pass the nodes that they should, so that the figure is of real work."""
    monkeypatch.setattr(steps, "ROUNDS", 1)
    monkeypatch.setattr(steps, "WALKS", 2)
    queues = frozenset(map(QueueName, ("sales", "support", "complaints")))
    found = await steps.measure(FLOWS, Known(queues=queues))
    assert [one.steps for one in found] == [4, 10]
    assert all(one.steps_per_second > 100 for one in found)


async def test_commands_are_counted_on_their_way() -> None:
    """Each line of the core is one command and reaches Asterisk; what Asterisk says is not counted."""
    ours, theirs = free_ports(2)
    said: list[bytes] = []

    async def core(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said.append(await reader.readline())
        writer.write(b'ANSWER\nSET MUSIC ON\nEXEC "Dial" "x"\nSET MUSIC OFF\n')
        said.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(core, "127.0.0.1", ours)
    between = Between(ours)
    await between.open(theirs)
    reader, writer = await asyncio.open_connection("127.0.0.1", theirs)
    writer.write(b"agi_network: yes\n")
    lines = [await reader.readline() for _ in range(4)]
    writer.write(b"200 result=0\n")
    assert await reader.read() == b""
    writer.close()
    await between.close()
    server.close()
    assert said == [b"agi_network: yes\n", b"200 result=0\n"]
    assert lines[0] == b"ANSWER\n"
    assert between.commands == {"ANSWER": 1, "SET MUSIC": 2, 'EXEC "Dial"': 1}


def test_shown_and_json() -> None:
    """All of it is in the tables, and in the object."""
    out = StringIO()
    ivr_report.show_ivr(Console(file=out, width=140), FIGURES)
    text = out.getvalue()
    for words in ("13,821", "10.9", "55.5", "64%", "from memory", "37.0", "nobody waits", "200 callers"):
        assert words in text
    data = json.loads(json.dumps(Figures(HERE, ivr=FIGURES).to_json()))
    assert data["ivr"]["menus"]["keys"]["delay"]["p99"] == 55.5
    assert data["ivr"]["steps"][0]["steps_per_second"] == 13_821
