"""Text to speech behind a small interface, and pyttsx3 with its espeak-ng driver behind that.

Another engine is another class with these four methods; ``command_engine`` has one for programs such as flite.
"""

import asyncio
import importlib.metadata
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from callcenter.errors import CallcenterError, PartMissing
from callcenter.ivr.flow.texts import Language
from callcenter.ivr.speech.worker import NoAnswer, Workers

CHILD = (sys.executable, "-P", "-m", "callcenter.ivr.speech.child")
LIMIT = 3.0
"""Seconds for the shortest text in a child that must be started first; mostly it takes some hundredths."""
LIMIT_PER_CHARACTER = 0.01
"""A thousand characters are a minute of speech and take half a second."""
CONVERT_LIMIT = 30.0
"""Seconds for one recording; the longest takes five."""
VOICES: Mapping[Language, str] = {
    "en": "en-us",
    # espeak-ng's plain "cmn" reads the tone numbers of its own dictionary as English words ("wen two").
    "zh": "cmn-latn-pinyin",
}
WORDS_PER_MINUTE: Mapping[Language, int] = {"en": 170, "zh": 190}


class SpeechFailed(CallcenterError):
    """One text could not be spoken; the message says why and never holds the text. Never leaves ``ivr/``."""

    code = "speech_failed"


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks a language; all of it belongs to the name under which the sound is cached."""

    engine: str
    version: str
    voice: str
    words_per_minute: int


class SpeechEngine(Protocol):
    """Something that speaks. Files are 8 kHz 16-bit mono WAV. All methods leave the loop free."""

    async def voice(self, language: Language) -> Voice:
        """Who speaks this language here. Raises ``PartMissing`` when nobody does."""

    async def speak(self, text: str, language: Language, target: Path) -> float:
        """Write the spoken text; gives its seconds. Raises ``SpeechFailed``."""

    async def convert(self, recording: Path, target: Path) -> float:
        """Write a recording in the format that is played; gives its seconds. Raises ``SpeechFailed``."""

    async def close(self) -> None:
        """End what is still running."""


class Pyttsx3Engine:
    """pyttsx3 in children that stay: one that hangs is killed, one that crashes is only an error.

    ``limit``: seconds for a text, beside those for its length. ``children``: texts at once.
    """

    def __init__(
        self, *, limit: float = LIMIT, children: int = 2, program: Sequence[str] | None = None
    ) -> None:
        self._limit = limit
        self._workers = Workers(program or CHILD, count=children)
        self._converting = asyncio.Lock()
        self._version: str | None = None
        self._voices: frozenset[str] = frozenset()

    async def voice(self, language: Language) -> Voice:
        """As ``SpeechEngine``; the first call asks the library."""
        if self._version is None:
            await self._look()
        wanted = VOICES[language]
        if not any(voice.endswith(f"/{wanted}") for voice in self._voices):
            raise PartMissing(f"espeak-ng has no voice {wanted}: install the package espeak-ng-data.")
        return Voice("pyttsx3", self._version or "", wanted, WORDS_PER_MINUTE[language])

    async def speak(self, text: str, language: Language, target: Path) -> float:
        """As ``SpeechEngine``."""
        request = {
            "say": text,
            "voice": VOICES[language],
            "words_per_minute": WORDS_PER_MINUTE[language],
            "file": str(target),
        }
        return _seconds(await self._ask(request, self._limit + LIMIT_PER_CHARACTER * len(text)))

    async def convert(self, recording: Path, target: Path) -> float:
        """As ``SpeechEngine``. One at a time, so that callers' texts need not wait for long recordings."""
        async with self._converting:
            return _seconds(await self._ask({"convert": str(recording), "file": str(target)}, CONVERT_LIMIT))

    async def close(self) -> None:
        """As ``SpeechEngine``."""
        await self._workers.close()

    async def _look(self) -> None:
        try:
            answer = await self._ask({"voices": True}, self._limit)
        except SpeechFailed as error:
            raise PartMissing(
                f"Speech can't be rendered ({error}): install the package espeak-ng."
            ) from error
        package = await asyncio.to_thread(importlib.metadata.version, "pyttsx3")
        self._voices = frozenset(answer["voices"])
        self._version = f"{package}/{answer['library']}"

    async def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        try:
            return await self._workers.ask(request, seconds)
        except NoAnswer as error:
            raise SpeechFailed(str(error)) from error


def _seconds(answer: dict[str, Any]) -> float:
    return float(answer["seconds"])


class Engines:
    """Several engines: each language is spoken by the first that can."""

    def __init__(self, engines: Sequence[SpeechEngine]) -> None:
        self._engines = tuple(engines)

    async def voice(self, language: Language) -> Voice:
        """As ``SpeechEngine``."""
        return (await self._first(language))[1]

    async def speak(self, text: str, language: Language, target: Path) -> float:
        """As ``SpeechEngine``."""
        try:
            engine, _ = await self._first(language)
        except PartMissing as error:
            raise SpeechFailed(error.message) from error
        return await engine.speak(text, language, target)

    async def convert(self, recording: Path, target: Path) -> float:
        """As ``SpeechEngine``."""
        return await self._engines[-1].convert(recording, target)

    async def close(self) -> None:
        """As ``SpeechEngine``."""
        for engine in self._engines:
            await engine.close()

    async def _first(self, language: Language) -> tuple[SpeechEngine, Voice]:
        problem = PartMissing("there is no speech engine")
        for engine in self._engines:
            try:
                return engine, await engine.voice(language)
            except PartMissing as error:
                problem = error
        raise problem
