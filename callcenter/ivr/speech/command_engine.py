"""Another engine: any program that turns a text into a WAV file, such as flite, espeak-ng or piper.

::

    CommandEngine(["flite", "-voice", "slt", "-f", "{text}", "-o", "{wav}"], languages=["en"])
    CommandEngine(["piper", "-m", "/voices/en.onnx", "-f", "{wav}"], languages=["en"])     # reads its input

No shell is between us, and a text is never an argument: it is in the file ``{text}``, or on the program's input.
"""

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from callcenter.errors import PartMissing
from callcenter.ivr.flow.texts import Language
from callcenter.ivr.speech.engine import CHILD, CONVERT_LIMIT, LIMIT_PER_CHARACTER, SpeechFailed, Voice
from callcenter.ivr.speech.worker import NoAnswer, Workers

LIMIT = 5.0
"""Seconds for a short text: a program starts anew for each."""
_NICELY = ("nice", "-n", "5")  # as the speech children: calls come first


class CommandEngine:
    """Speaks ``languages`` by a command; one text at a time for each of ``at_once``.

    Raises:
        ValueError: the command has no ``{wav}``, or nothing before it.
    """

    def __init__(
        self,
        command: Sequence[str],
        languages: Sequence[Language],
        *,
        limit: float = LIMIT,
        at_once: int = 2,
    ) -> None:
        if not command or "{" in command[0] or not any("{wav}" in word for word in command):
            raise ValueError("a speech command starts with a program and has {wav} where its sound file goes")
        self._command = tuple(command)
        self._languages = frozenset(languages)
        self._limit = limit
        self._turn = asyncio.Semaphore(at_once)
        self._converter = Workers(CHILD, count=1)

    async def voice(self, language: Language) -> Voice:
        """As ``SpeechEngine``. The version changes with the command and with the program's file."""
        name = self._command[0]
        if language not in self._languages:
            raise PartMissing(f"{name} is not set to speak the language {language}.")
        return Voice(name, await asyncio.to_thread(self._version), language, 0)

    async def speak(self, text: str, language: Language, target: Path) -> float:
        """As ``SpeechEngine``."""
        if language not in self._languages:
            raise SpeechFailed(f"{self._command[0]} is not set to speak the language {language}")
        try:
            async with self._turn, _folder() as folder:
                return await self._speak(text, folder, target)
        except OSError as error:
            raise SpeechFailed(f"no room to work: {error.strerror}") from error

    async def _speak(self, text: str, folder: Path, target: Path) -> float:
        written, wav = folder / "text.txt", folder / "spoken.wav"
        await asyncio.to_thread(written.write_text, text + "\n", "utf-8")
        words = [word.replace("{text}", str(written)).replace("{wav}", str(wav)) for word in self._command]
        await self._run(words, written, self._limit + LIMIT_PER_CHARACTER * len(text))
        return await self.convert(wav, target)

    async def convert(self, recording: Path, target: Path) -> float:
        """As ``SpeechEngine``."""
        try:
            answer = await self._converter.ask(
                {"convert": str(recording), "file": str(target)}, CONVERT_LIMIT
            )
        except NoAnswer as error:
            raise SpeechFailed(str(error)) from error
        return float(answer["seconds"])

    async def close(self) -> None:
        """As ``SpeechEngine``."""
        await self._converter.close()

    def _version(self) -> str:
        program = shutil.which(self._command[0])
        if program is None:
            raise PartMissing(f"the program {self._command[0]} is not here: install it, or take it out.")
        found = Path(program).stat()
        facts = repr((self._command, found.st_size, found.st_mtime_ns))
        return hashlib.sha256(facts.encode()).hexdigest()[:12]

    async def _run(self, words: Sequence[str], written: Path, seconds: float) -> None:
        """Run the program to its good end. What it prints is nobody's: it may hold the text."""
        text = await asyncio.to_thread(written.open, "rb")
        with text:
            try:
                child = await asyncio.create_subprocess_exec(
                    *_NICELY,
                    *words,
                    stdin=text,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as error:
                raise SpeechFailed(f"{words[0]} can't be started: {error.strerror}") from error
        try:
            async with asyncio.timeout(seconds):
                code = await child.wait()
        except TimeoutError as error:
            raise SpeechFailed(f"no speech within {seconds:g} s") from error
        finally:
            if child.returncode is None:
                # With all that it started itself.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                await child.wait()
        if code != 0:
            raise SpeechFailed(f"{words[0]} ended with {code}")


@asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    """A folder that nobody else can read, and that is gone afterwards."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="callcenter-speech-"))
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
