"""When the pop is on the screen, and what the core costs, while real calls come in.

Direct calls: from Asterisk's DialBegin, by Asterisk's own time stamp, to the screens' process. Own offers: the pop at
the screens' process against the INVITE at the phones' process. In the same run as the offers: CPU seconds of the core
and of Asterisk per call.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from callcenter.bench import stage
from callcenter.bench.judging import between, direct_pops, offer_pops
from callcenter.bench.processor import cpu_seconds, machine_busy
from callcenter.bench.spread import Spread, percentile, share_above, spread
from callcenter.bench.watch import Watch
from callcenter.demo.floor import Floor, read_events
from callcenter.errors import PartMissing
from callcenter.rig.callers import CallerResult, CallPlan, Outcome, run_calls

PROMISE_P50_MS, PROMISE_P99_MS = 5.0, 50.0
PROMISE_RATIO = 1.0
PROMISED_RATE = 20.0
"""Calls a second up to which the pop's promise holds; beyond it figures are reported only."""
SETTLE = 2.0
"""Seconds after the last call until all is written down, and the next run may begin."""
WARM_UP = 10
"""Calls before the first measured one."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Load:
    """So many calls a second for so many seconds."""

    rate: float
    seconds: float

    @property
    def calls(self) -> int:
        """In all."""
        return round(self.rate * self.seconds)


@dataclass(frozen=True)
class Scene:
    """A number of open screens, and what is done with them."""

    screens: int
    direct: tuple[Load, ...]
    offers: tuple[Load, ...]


SLOW, BUSY, FLOOD = Load(5, 30), Load(20, 20), Load(50, 10)
SCENES = (
    # Ten agents who talk for a second can't serve 20 calls a second; their phones can ring for them.
    Scene(10, (SLOW, BUSY, FLOOD), (SLOW,)),
    Scene(100, (SLOW, BUSY, FLOOD), (SLOW, BUSY, FLOOD)),
    Scene(500, (SLOW, BUSY, FLOOD), (SLOW, BUSY, FLOOD)),
)
"""The whole grid, about 8 minutes."""
_FEW, _MANY = Load(5, 20), Load(20, 10)
QUICK_SCENES = (Scene(10, (_FEW, _MANY), (_FEW,)), Scene(100, (_MANY,), (_MANY,)))
"""About two minutes."""


@dataclass(frozen=True)
class DirectFigures:
    """``delay`` in milliseconds; ``over`` is the share above the promised p99; ``busy`` of all cores, 0 to 1."""

    screens: int
    rate: float
    calls: int
    failed: int
    missing: int
    delay: Spread | None
    over: float
    busy: float
    drift_ms: float

    @property
    def promised(self) -> bool:
        """Is anything promised at this rate?"""
        return self.rate <= PROMISED_RATE

    @property
    def kept(self) -> bool:
        """Was the promise kept, or would it have been?"""
        return (
            self.delay is not None
            and not self.missing
            and self.delay.p50 <= PROMISE_P50_MS
            and self.delay.p99 <= PROMISE_P99_MS
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        promise = {"p50_ms": PROMISE_P50_MS, "p99_ms": PROMISE_P99_MS}
        return {**asdict(self), "promise": promise, "promised": self.promised, "kept": self.kept}


@dataclass(frozen=True)
class OfferFigures:
    """``first``: the share of rings before which the pop was there; leads in milliseconds, negative is late. CPU in
    milliseconds per call; ``events`` of AMI per call, in the calls before the run."""

    screens: int
    rate: float
    calls: int
    failed: int
    offers: int
    first: float
    lead_p50: float | None
    lead_p1: float | None
    lead_worst: float | None
    core_ms: float
    asterisk_ms: float
    ratio: float
    events: float
    busy: float

    @property
    def promised(self) -> bool:
        """Is anything promised at this rate?"""
        return self.rate <= PROMISED_RATE

    @property
    def kept(self) -> bool:
        """Was the promise of the pop kept: always first?"""
        return self.offers >= self.calls and self.first == 1.0

    @property
    def cheap(self) -> bool:
        """Was the promise of the core's cost kept? Only if the core served all calls; else it cost nothing."""
        return self.offers >= self.calls and self.ratio <= PROMISE_RATIO

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            **asdict(self),
            "promised": self.promised,
            "kept": self.kept,
            "promise_ratio": PROMISE_RATIO,
            "ratio_kept": self.cheap,
        }


@dataclass(frozen=True)
class PopFigures:
    """All runs."""

    direct: tuple[DirectFigures, ...]
    offers: tuple[OfferFigures, ...]


def without_direct(scenes: Sequence[Scene]) -> tuple[Scene, ...]:
    """The same without the direct calls."""
    return tuple(Scene(scene.screens, (), scene.offers) for scene in scenes)


async def measure(
    folder: Path, prompts: Path, scenes: Sequence[Scene], progress: Progress, *, seed: int = 1
) -> PopFigures:
    """Play all scenes. Raises PartMissing when a part can't be had."""
    direct: list[DirectFigures] = []
    offers: list[OfferFigures] = []
    chance = random.Random(seed)
    for scene in scenes:
        progress(f"{scene.screens} screens: starting")
        async with stage.stage(folder / str(scene.screens), prompts, scene.screens) as floor:
            run = _Runs(floor, scene.screens, chance, progress)
            direct += [await run.direct(load) for load in scene.direct]
            events = await run.events_per_call() if scene.offers else 0.0
            offers += [await run.offers(load, events) for load in scene.offers]
    return PopFigures(tuple(direct), tuple(offers))


class _Runs:
    """Runs on one floor."""

    def __init__(self, floor: Floor, screens: int, chance: random.Random, progress: Progress) -> None:
        self._floor, self._screens, self._chance, self._progress = floor, screens, chance, progress

    async def direct(self, load: Load) -> DirectFigures:
        """Phones rung past our line."""
        plans = stage.direct_calls(self._floor, load.calls, self._chance)
        began = time.monotonic_ns()
        before = machine_busy()
        async with Watch(self._floor.asterisk_plan) as watch:
            results = await self._calls(plans, load.rate, "direct calls")
        ended = time.monotonic_ns()
        screens = between(read_events(self._floor.screen_events), began, ended)
        found = direct_pops(watch.dialled(), screens)
        return DirectFigures(
            screens=self._screens,
            rate=load.rate,
            calls=len(plans),
            failed=_failed(results),
            missing=found.missing + max(0, len(plans) - len(found.delays) - found.missing),
            delay=spread(found.delays),
            over=share_above(found.delays, PROMISE_P99_MS),
            busy=round(machine_busy().share_since(before), 2),
            drift_ms=round(watch.clocks.drift_ms, 3),
        )

    async def offers(self, load: Load, events: float) -> OfferFigures:
        """Calls through IVR, line, offer and talk. Nobody else listens to AMI meanwhile."""
        plans = stage.line_calls(self._floor, load.calls, self._chance)
        began, busy, spent = time.monotonic_ns(), machine_busy(), self._spent()
        results = await self._calls(plans, load.rate, "calls to the line")
        ended, used = time.monotonic_ns(), self._spent()
        phones, screens = (
            between(read_events(path), began, ended)
            for path in (self._floor.phone_events, self._floor.screen_events)
        )
        found = offer_pops(phones, screens)
        core, asterisk = (after - earlier for after, earlier in zip(used, spent, strict=True))
        low, middle, late = (
            round(percentile(found.leads, share), 2) if found.leads else None for share in (0.0, 0.5, 0.01)
        )
        return OfferFigures(
            screens=self._screens,
            rate=load.rate,
            calls=len(plans),
            failed=_failed(results),
            offers=found.offers,
            first=round(found.first, 4),
            lead_p50=middle,
            lead_p1=late,
            lead_worst=low,
            core_ms=round(core * 1000 / len(plans), 2),
            asterisk_ms=round(asterisk * 1000 / len(plans), 2),
            ratio=round(core / asterisk, 2) if asterisk else 0.0,
            events=events,
            busy=round(machine_busy().share_since(busy), 2),
        )

    async def events_per_call(self) -> float:
        """Calls that also warm everything up."""
        plans = stage.line_calls(self._floor, WARM_UP, self._chance)
        async with Watch(self._floor.asterisk_plan) as watch:
            await self._calls(plans, 5.0, "warming up")
        return round(watch.events.total() / WARM_UP, 1)

    async def _calls(self, plans: list[CallPlan], rate: float, what: str) -> list[CallerResult]:
        done = 0

        def ended(_result: CallerResult) -> None:
            nonlocal done
            done += 1
            self._progress(f"{self._screens} screens: {what}, {rate:g} a second: {done} of {len(plans)}")

        results = await run_calls(
            plans, sip_port=self._floor.asterisk_plan.sip_port, rate=rate, on_result=ended
        )
        await asyncio.sleep(SETTLE)
        return results

    def _spent(self) -> tuple[float, float]:
        core = self._floor.core_pid()
        if core is None:
            raise PartMissing(f"the core does not run:\n{self._floor.log('core')[-2000:]}")
        return cpu_seconds(core), cpu_seconds(self._floor.asterisk.pid)


def _failed(results: Sequence[CallerResult]) -> int:
    """Calls that did not end as meant: the agent talked and hung up."""
    return sum(result.outcome is not Outcome.ASTERISK for result in results)
