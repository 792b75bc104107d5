"""Flow steps per second on one core, without Asterisk: written callers walk the shipped flows as fast as can be."""

import asyncio
import statistics
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from callcenter.ivr.flow.checks.finding import Known
from callcenter.ivr.flow.loader import load_folder
from callcenter.ivr.ports import FlowSet
from callcenter.ivr.walk.virtual_line import SILENCE
from callcenter.ivr.walk.virtual_visit import Circumstances, perform
from callcenter.ivr.walk.virtual_world import Customer

ROUNDS = 7
WALKS = 200
"""In each round."""
ORDER = {"number": "SO-20261001", "state": "shipped", "date": "2026-10-01", "amount": "120.00 CNY"}
CALLERS: Sequence[tuple[str, tuple[str, ...], Circumstances]] = (
    ("main menu, to a person", ("1", "2"), Circumstances()),
    (
        "own order read out, then a person",
        ("1", "4", "1", "0"),
        Circumstances(customer=Customer(id=7), answers={"latest_order": ORDER}),
    ),
)


@dataclass(frozen=True)
class StepFigures:
    """One kind of walk. CPU of one core; ``spread``: the fastest round over the slowest."""

    walk: str
    steps: int
    steps_per_second: int
    walk_ms: float
    spread: float

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


async def measure(folder: Path, known: Known) -> list[StepFigures]:
    """Walk. Raises ``FlowInvalid``."""
    flows = FlowSet("main", await asyncio.to_thread(load_folder, folder, known), {})
    return [await _walks(flows, name, presses, given) for name, presses, given in CALLERS]


async def _walks(flows: FlowSet, name: str, presses: Sequence[str], given: Circumstances) -> StepFigures:
    steps = await _walk(flows, presses, given)
    rates = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(WALKS):
            await _walk(flows, presses, given)
        rates.append(WALKS * steps / (time.process_time() - began))
    middle = statistics.median(rates)
    return StepFigures(
        name, steps, round(middle), round(1000 * steps / middle, 3), round(max(rates) / min(rates), 2)
    )


async def _walk(flows: FlowSet, presses: Sequence[str], given: Circumstances) -> int:
    answers = deque(presses)

    async def press() -> str:
        return answers.popleft() if answers else SILENCE

    return len((await perform(flows, press, given)).passed)
