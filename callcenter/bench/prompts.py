"""How long a caller waits for a prompt: from memory, from the disk, and made on the fly.

A text made on the fly is a new one each time; its engine is warm, as it is after the first call.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from callcenter.errors import PartMissing
from callcenter.ivr.speech.engine import Pyttsx3Engine
from callcenter.ivr.speech.prompts import PromptLibrary

SHORT = "Your order {number} is ready."
LONG = (
    "Your complaint number {number} is being handled by Mister Wang since the third of November, and you will hear "
    "from us before the end of the week. Thank you for your patience."
)
FIXED = "Please hold the line."
MISSES = 100
HITS = 2000


@dataclass(frozen=True)
class Waits:
    """Of one kind of prompt, in milliseconds."""

    kind: str
    count: int
    p50: float
    p99: float
    longest: float


@dataclass(frozen=True)
class PromptFigures:
    """What was measured. ``at_once``: eight callers who want different short texts at the same moment."""

    waits: Sequence[Waits]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


async def measure(
    folder: Path, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> PromptFigures:
    """Take the figures; ``folder`` is empty. Raises ``PartMissing`` without a speech engine."""
    engine = Pyttsx3Engine()
    library = PromptLibrary(engine, folder)
    try:
        await engine.voice("en")
        await _all_at_once(library, SHORT, [-1, -2])  # both children are there
        waits = [
            await _waits("fixed, from memory", HITS, lambda n: _sound(library, FIXED, 0)),
            await _waits("with variables, made before", HITS, lambda n: _sound(library, SHORT, -1)),
        ]
        progress(1, 5)
        waits.append(await _waits("5 words, made on the fly", MISSES, lambda n: _sound(library, SHORT, n)))
        progress(2, 5)
        waits.append(await _waits("30 words, made on the fly", MISSES, lambda n: _sound(library, LONG, n)))
        progress(3, 5)
        again = PromptLibrary(engine, folder)
        waits.append(await _waits("after a restart, from disk", MISSES, lambda n: _sound(again, SHORT, n)))
        progress(4, 5)
        rounds = [range(1000 * n, 1000 * n + 8) for n in range(1, 13)]
        each = [wait for numbers in rounds for wait in await _all_at_once(library, SHORT, numbers)]
        waits.append(_summary("5 words, 8 callers at once", each))
        progress(5, 5)
        return PromptFigures(waits)
    finally:
        await library.close()


async def _sound(library: PromptLibrary, text: str, number: int) -> None:
    path = await library.sound("bench.text", text, "en", {"number": number})
    if path.endswith("please_hold"):
        raise PartMissing(
            "a prompt could not be made within its limit: the machine is too busy, or speech fails"
        )


async def _all_at_once(library: PromptLibrary, text: str, numbers: Sequence[int]) -> list[float]:
    return await asyncio.gather(*(_timed(_sound(library, text, number)) for number in numbers))


async def _waits(kind: str, count: int, one: Callable[[int], Awaitable[None]]) -> Waits:
    await one(0)
    return _summary(kind, [await _timed(one(n)) for n in range(1, count + 1)])


async def _timed(work: Awaitable[None]) -> float:
    began = time.perf_counter()
    await work
    return 1000 * (time.perf_counter() - began)


def _summary(kind: str, waits: Sequence[float]) -> Waits:
    ordered = sorted(waits)
    p99 = ordered[max(0, round(0.99 * len(ordered)) - 1)]
    return Waits(kind, len(waits), round(statistics.median(ordered), 3), round(p99, 3), round(ordered[-1], 3))
