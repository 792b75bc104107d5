"""The IVR's figures: steps without Asterisk, AGI commands, key to next prompt, prompts, and announced waits."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from callcenter.app_settings import ivr_known
from callcenter.bench import menus, prompts, steps, waiting
from callcenter.bench.menus import MenuFigures
from callcenter.bench.prompts import PromptFigures
from callcenter.bench.steps import StepFigures
from callcenter.clock import SystemClock
from callcenter.settings import load

CONFIG = Path("config/callcenter.toml")
FLOWS = Path("ivr_flows")

Progress = Callable[[str], None]


@dataclass(frozen=True)
class IvrFigures:
    """``waits``: as ``waiting.measure_waits`` gives them."""

    steps: Sequence[StepFigures]
    menus: MenuFigures
    prompts: PromptFigures
    waits: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


async def measure(folder: Path, kept_prompts: Path, progress: Progress) -> IvrFigures:
    """Take all of them, from the project's folder; ``folder`` is empty. Raises ``PartMissing``."""
    progress("flow steps without Asterisk")
    known = ivr_known(await asyncio.to_thread(load, CONFIG), SystemClock().wall().date())
    walked = await steps.measure(FLOWS, known)
    on_asterisk = await menus.measure(folder, Path.cwd(), kept_prompts, progress)
    progress("prompts")
    spoken = await prompts.measure(folder / "spoken")
    progress("announced waits, simulated")
    waits = await asyncio.to_thread(waiting.measure_waits)
    return IvrFigures(walked, on_asterisk, spoken, waits)
