"""Text to speech behind a small interface. The one engine here is pyttsx3 with its espeak-ng driver."""

import asyncio
import importlib.metadata
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from callcenter.errors import CallcenterError, PartMissing
from callcenter.ivr.flow.flow import Language

LIMIT = 10.0
"""Seconds for one prompt; a minute of speech takes half a second."""
VOICES: Mapping[Language, str] = {
    "en": "en-us",
    # espeak-ng's plain "cmn" reads the tone numbers of its own dictionary as English words ("wen two").
    "zh": "cmn-latn-pinyin",
}
WORDS_PER_MINUTE: Mapping[Language, int] = {"en": 170, "zh": 190}


class SpeechFailed(CallcenterError):
    """One text could not be spoken; the message says why. Never leaves ``ivr/``."""

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


class Pyttsx3Engine:
    """pyttsx3 in a child process for each text: one that hangs is killed, one that crashes is only an error."""

    def __init__(self, *, limit: float = LIMIT, program: tuple[str, ...] | None = None) -> None:
        self._limit = limit
        self._program = program or (sys.executable, "-P", "-m", "callcenter.ivr.speech.child")
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
        return float((await self._ask(request))["seconds"])

    async def convert(self, recording: Path, target: Path) -> float:
        """As ``SpeechEngine``."""
        return float((await self._ask({"convert": str(recording), "file": str(target)}))["seconds"])

    async def _look(self) -> None:
        try:
            answer = await self._ask({"voices": True})
        except SpeechFailed as error:
            raise PartMissing(
                f"Speech can't be rendered ({error}): install the package espeak-ng."
            ) from error
        self._voices = frozenset(answer["voices"])
        self._version = f"{importlib.metadata.version('pyttsx3')}/{answer['library']}"

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        child = await asyncio.create_subprocess_exec(
            *self._program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(self._limit):
                output, _ = await child.communicate(json.dumps(request).encode())
        except TimeoutError as error:
            raise SpeechFailed(f"no speech within {self._limit:g} s") from error
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        try:
            answer: dict[str, Any] = json.loads(output)
        except ValueError as error:
            raise SpeechFailed(f"the speech process ended with {child.returncode}") from error
        if "error" in answer:
            raise SpeechFailed(answer["error"])
        return answer
