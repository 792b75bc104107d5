"""The live tests' floor: the whole product on a real Asterisk, made fresh for each test and taken away again."""

import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from callcenter.demo import prepare
from callcenter.demo.floor import Floor, FloorAgent, FloorPlan
from callcenter.rig.asterisk_install import find_launcher

PASSWORD = "only-for-tests-1"
ROOT = Path(__file__).parents[2]
MakeFloor = Callable[..., Awaitable[Floor]]

QUICK: Mapping[str, Any] = {"kind": "auto", "answer_after": (0.2, 0.3), "talk": None}
"""A phone that answers soon and talks until the other side hangs up."""


@pytest.fixture(scope="session")
def prompts() -> Path:
    """Rendered prompts, kept from run to run."""
    folder = Path.home() / ".cache" / "callcenter" / "test-prompts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
async def make_floor(prompts: Path, request: pytest.FixtureRequest) -> AsyncIterator[MakeFloor]:
    """Build and start a floor; everything ends with the test, and a failed test shows the core's log."""
    floors: list[Floor] = []

    async def make(
        agents: int = 1,
        *,
        behaviour: Mapping[str, Any] = QUICK,
        behaviours: Mapping[str, Mapping[str, Any]] | None = None,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        screen: Mapping[str, Any] | None = None,
        screens: Sequence[FloorAgent] | None = None,
        queues: Sequence[Mapping[str, Any]] = (),
        start: bool = True,
        **asterisk: Any,
    ) -> Floor:
        # A short path: Asterisk's control socket must fit into 107 bytes.
        folder = Path(tempfile.mkdtemp(prefix="cc", dir="/tmp"))
        people = prepare.agents(agents)
        tables: dict[str, dict[str, Any]] = {"log": {"level": "DEBUG"}, "routing": {"wrap_up_seconds": 30}}
        for name, table in (overrides or {}).items():
            tables.setdefault(name, {}).update(table)
        floor = Floor(
            FloorPlan(
                folder=folder,
                launcher=find_launcher(),
                agents=people,
                password=PASSWORD,
                behaviour=behaviour,
                behaviours=behaviours or {},
                screens=screens,
                queues=queues,
                screen={"finish_after": (0.1, 0.2)} | dict(screen or {}),
                overrides=tables,
                root=ROOT,
                prompts=prompts,
                extra_asterisk=asterisk,
            )
        )
        floors.append(floor)
        await prepare.prepare_database(floor.database, PASSWORD, agents=agents, customers=30)
        if start:
            await floor.start()
        return floor

    yield make
    for floor in floors:
        await floor.stop()
        if getattr(request.node, "failed_call", False):
            sys.stderr.write(floor.log("core")[-6000:])
        shutil.rmtree(floor.plan.folder, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Let fixtures know that the test itself failed."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        item.failed_call = True  # type: ignore[attr-defined]  # a note for our own fixture
