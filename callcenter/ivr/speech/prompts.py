"""Prompts: from a flow's texts to sound files that are there before the caller is.

A file's name is made from everything that makes its sound (text, language, voice, engine, version), so a changed
text is another file, and a file that exists is right. A recording in ``<recordings>/<language>/<name>.wav``
replaces the spoken text. What can't be made is a soft tone, and an alarm.
"""

import asyncio
import hashlib
import json
import os
import secrets
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import structlog

from callcenter.errors import PartMissing
from callcenter.ivr.flow.flow import LANGUAGES, Flow, Language
from callcenter.ivr.speech.engine import SpeechEngine, SpeechFailed, Voice
from callcenter.ivr.speech.sound import tone, write_wav

log = structlog.get_logger(__name__)

Progress = Callable[[int, int], None]
"""Told after each prompt: how many are done, of how many."""

_FORMAT = 1  # of the files; a new way of converting is a new number
_TONE = "please-hold"
_AT_ONCE = 2
_MAX_RECORDING = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a preparation did: prompts found in the cache, made now, and not to be had."""

    cached: int
    made: int
    failed: int


@dataclass(frozen=True, slots=True)
class _Prompt:
    flow: str
    name: str
    language: Language
    text: str

    @property
    def key(self) -> tuple[str, str]:
        return f"{self.flow}.{self.name}", self.language


class PromptLibrary:
    """The sound of every prompt. ``folder`` must be readable by Asterisk; ``recordings`` may be missing."""

    def __init__(self, engine: SpeechEngine, folder: Path, recordings: Path | None = None) -> None:
        self._engine = engine
        self._folder = folder.absolute()
        self._recordings = recordings
        self._paths: dict[tuple[str, str], str] = {}
        self._missed: set[tuple[str, str]] = set()

    def path(self, prompt: str, language: str) -> str:
        """The extension-less path of a prepared prompt (``flow.name``), as Asterisk wants it; the tone for any
        other, with an alarm the first time."""
        key = (prompt, language)
        found = self._paths.get(key)
        if found is None:
            if key not in self._missed:
                self._missed.add(key)
                log.error("prompt is not there", alarm="prompt_missing", prompt=prompt, language=language)
            return str(self._folder / _TONE)
        return found

    async def recall(self, flow: Flow) -> bool:
        """Take up the files of an earlier preparation, without the speech engine; True when none is missing.

        So a core that starts again after a crash can serve callers at once; ``prepare`` may follow at leisure.
        """
        noted = await asyncio.to_thread(self._noted, flow)
        self._paths.update(noted)
        return all(prompt.key in noted for prompt in _prompts(flow))

    async def prepare(self, flow: Flow, progress: Progress | None = None) -> Prepared:
        """Have every prompt of a flow as a file. Never fails for want of speech: then the tone stands in.

        Raises:
            OSError: the folder can't be written.
        """
        await asyncio.to_thread(self._lay_out)
        prompts = list(_prompts(flow))
        voices = await self._voices()
        waiting = iter(prompts)
        outcomes: list[str] = []

        async def work() -> None:
            for prompt in waiting:
                outcomes.append(await self._prepare(prompt, voices.get(prompt.language)))
                if progress is not None:
                    progress(len(outcomes), len(prompts))

        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                _ = group.create_task(work())
        if "failed" not in outcomes:
            await asyncio.to_thread(self._note, flow, prompts)
        return Prepared(outcomes.count("cached"), outcomes.count("made"), outcomes.count("failed"))

    async def _voices(self) -> dict[Language, Voice]:
        voices: dict[Language, Voice] = {}
        for language in LANGUAGES:
            try:
                voices[language] = await self._engine.voice(language)
            except PartMissing as error:
                log.error("no voice", alarm="speech_missing", language=language, problem=error.message)  # noqa: TRY400  the message says all
        return voices

    async def _prepare(self, prompt: _Prompt, voice: Voice | None) -> str:
        recording = await asyncio.to_thread(self._recording, prompt)
        if recording is not None:
            file, digest = recording
            outcome = await self._make(
                prompt, f"recorded-{digest}", lambda to: self._engine.convert(file, to)
            )
            if outcome != "failed":
                return outcome
        if voice is None:
            return "failed"
        digest = _digest(json.dumps([_FORMAT, prompt.text, prompt.language, *astuple(voice)]).encode())
        return await self._make(
            prompt, digest, lambda to: self._engine.speak(prompt.text, prompt.language, to)
        )

    async def _make(self, prompt: _Prompt, name: str, make: Callable[[Path], Awaitable[float]]) -> str:
        target = self._folder / prompt.language / f"{name}.wav"
        outcome = "cached"
        if not await asyncio.to_thread(target.is_file):
            # Another process may be making the same file: each writes its own, and the last rename wins.
            part = target.with_name(f".{name}-{secrets.token_hex(4)}.wav")
            try:
                await make(part)
                await asyncio.to_thread(os.replace, part, target)
            except (SpeechFailed, OSError) as error:
                self._unusable(prompt, str(error))
                return "failed"
            finally:
                await asyncio.to_thread(part.unlink, missing_ok=True)
            outcome = "made"
        self._paths[prompt.key] = str(target.with_suffix(""))
        self._missed.discard(prompt.key)
        return outcome

    def _recording(self, prompt: _Prompt) -> tuple[Path, str] | None:
        """A recording that replaces this prompt, and its content's digest."""
        if self._recordings is None:
            return None
        file = self._recordings / prompt.language / f"{prompt.name}.wav"
        try:
            with file.open("rb") as opened:
                content = opened.read(_MAX_RECORDING + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._unusable(prompt, str(error))
            return None
        if len(content) > _MAX_RECORDING:
            self._unusable(prompt, f"the recording is larger than {_MAX_RECORDING} bytes")
            return None
        return file, _digest(b"%d" % _FORMAT + content)

    def _unusable(self, prompt: _Prompt, problem: str) -> None:
        log.error(
            "prompt can't be made",
            alarm="prompt_failed",
            prompt=prompt.name,
            language=prompt.language,
            problem=problem,
        )

    def _notes(self, flow: Flow) -> Path:
        return self._folder / f".{_digest(flow.flow.encode())}.json"

    def _note(self, flow: Flow, prompts: list[_Prompt]) -> None:
        """Keep which file each text became."""
        found = {prompt: self._paths[prompt.key] for prompt in prompts}
        notes = [[prompt.name, prompt.language, prompt.text, path] for prompt, path in found.items()]
        target = self._notes(flow)
        part = target.with_name(f"{target.name}-{secrets.token_hex(4)}")
        part.write_text(json.dumps(notes), "utf-8")
        part.replace(target)

    def _noted(self, flow: Flow) -> dict[tuple[str, str], str]:
        """What was kept, as far as the texts are the same and the files are there."""
        try:
            notes = {tuple(row[:3]): row[3] for row in json.loads(self._notes(flow).read_text("utf-8"))}
        except (OSError, ValueError, TypeError, IndexError, KeyError):
            return {}
        paths = {
            prompt.key: notes.get((prompt.name, prompt.language, prompt.text)) for prompt in _prompts(flow)
        }
        return {key: path for key, path in paths.items() if path and Path(f"{path}.wav").is_file()}

    def _lay_out(self) -> None:
        for language in LANGUAGES:
            (self._folder / language).mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{_TONE}.wav"
        if not target.is_file():
            part = target.with_name(f".{_TONE}-{secrets.token_hex(4)}.wav")
            write_wav(part, tone())
            part.replace(target)


def _prompts(flow: Flow) -> Iterator[_Prompt]:
    for name, texts in flow.prompts.items():
        for language in LANGUAGES:
            yield _Prompt(flow.flow, name, language, texts.within(language))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
