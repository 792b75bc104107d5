"""Prompts: from a flow's texts to sound files, there before the caller is, or made while the caller waits a moment.

A file's name is made from everything that makes its sound (text, language, voice, engine, version), so a changed
text is another file, and a file that exists is right. Texts without variables are made ahead by ``prepare``; the others
are filled in and made when they are needed (``said``). A recording replaces any of them (``recordings``). What can't
be had in time is “please hold”, and an alarm.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import structlog

from callcenter.clock import Clock, SystemClock
from callcenter.errors import PartMissing
from callcenter.ivr.flow import template
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.texts import LANGUAGES, Language, Texts
from callcenter.ivr.ports import Row
from callcenter.ivr.speech.engine import SpeechEngine, SpeechFailed, Voice
from callcenter.ivr.speech.files import PromptFiles
from callcenter.ivr.speech.flights import Flights
from callcenter.ivr.speech.recordings import UnusableRecording, find_recording
from callcenter.ivr.speech.said import FILE_MODE, Keep, SaidFiles
from callcenter.ivr.walk import standard
from callcenter.ivr.walk.standard import STANDARD

log = structlog.get_logger(__name__)

Progress = Callable[[int, int], None]
"""Told after each prompt: how many are done, of how many."""

LIMIT = 2.0
"""Seconds that a caller waits for a sound."""
ALARM_EVERY = 3600.0
"""Seconds between two alarms for the same prompt."""
_FORMAT = 2  # of the files; a new way of converting is a new number
_AT_ONCE = 2
_HOLD = "please_hold"


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
    def key(self) -> tuple[str, str, str]:
        return f"{self.flow}.{self.name}", self.language, self.text

    @property
    def fixed(self) -> bool:
        return template.parse(self.text).fixed


class PromptLibrary:
    """The sound of every prompt, of all flows and all their versions at once (``ivr.ports.Prompts``).

    ``folder`` must be readable by Asterisk, which sees it as ``seen_as`` (another path where it is on another machine).
    ``recordings`` may be missing. ``keep`` bounds what is kept of texts with variables.
    """

    def __init__(
        self,
        engine: SpeechEngine,
        folder: Path,
        recordings: Path | None = None,
        *,
        seen_as: Path | None = None,
        keep: Keep | None = None,
        clock: Clock | None = None,
        standard_texts: Mapping[str, Texts] = STANDARD,
    ) -> None:
        self._engine = engine
        self._standard = standard_texts
        self._recordings = recordings
        self._clock = clock or SystemClock()
        self._files = PromptFiles(folder.absolute(), seen_as)
        self._said = SaidFiles(self._files.folder / "said", keep or Keep(), self._clock)
        self._paths: dict[tuple[str, str, str], str] = {}
        self._unrecorded: set[tuple[str, str, str]] = set()
        self._voices: dict[Language, Voice] = {}
        self._looking = Flights[Voice]("voices", self._clock)
        self._making = Flights[bool]("prompts", self._clock)
        self._alarms: dict[tuple[str, str], float] = {}
        self._opened = False

    # ------------------------------------------------------------ while a caller listens

    async def sound(self, name: str, text: str, language: Language, values: Row) -> str:
        """As ``ivr.ports.Prompts``."""
        found = self._paths.get((name, language, text))
        if found is not None:
            return found
        try:
            async with asyncio.timeout(LIMIT):
                return await self._sound(name, text, language, values)
        except TimeoutError:
            self._alarm(name, language, f"no sound within {LIMIT:g} s")
        except (SpeechFailed, OSError, ValueError) as error:
            self._alarm(name, language, str(error))
        return self._files.hold(language)

    async def _sound(self, name: str, text: str, language: Language, values: Row) -> str:
        if not self._opened:
            await self._open()
        flow, _, short = name.rpartition(".")
        prompt = _Prompt(flow, short, language, text)
        if prompt.key not in self._unrecorded and await self._prepare(prompt) is not None:
            return self._paths[prompt.key]
        said = _sayable(template.fill(text, language, values))
        voice = self._voices.get(language) or await self._voice(language)
        digest = _content(said, language, voice)
        if not self._said.at_hand(digest):
            await self._making.join(("said", digest), lambda: self._say(digest, said, language))
        return self._files.seen(self._said.path(digest))

    async def _say(self, digest: str, said: str, language: Language) -> bool:
        if await self._said.take(digest):
            return False
        if not await self._said.room():
            raise SpeechFailed("all that is kept of spoken texts is in use")
        target = self._said.path(digest)
        await self._files.make(target, lambda part: self._engine.speak(said, language, part), mode=FILE_MODE)
        return await self._said.take(digest)

    # ------------------------------------------------------------ ahead of callers

    async def recall(self, flow: Flow) -> bool:
        """Take up the files of an earlier preparation, without the speech engine; True when none is missing.

        So a core that starts again after a crash can serve callers at once; ``prepare`` may follow at leisure.
        """
        if not self._opened:
            await self._open()
        wanted = self._prompts(flow)
        noted = await asyncio.to_thread(self._files.noted, flow.flow)
        whole = True
        for prompt in wanted:
            path = noted.get(prompt.key)
            if path:
                self._paths[prompt.key] = self._files.seen(Path(path))
            elif path is None:
                whole = False
            else:
                self._unrecorded.add(prompt.key)
        return whole

    async def prepare(self, flow: Flow, progress: Progress | None = None) -> Prepared:
        """Have every prompt of a flow, and every standard one, that has no variables or is recorded, as a file. Never
        fails for want of speech: then “please hold” stands in. Calls may go on meanwhile.
        """
        await self._open()
        await self._replace_hold()
        wanted = self._prompts(flow)
        waiting = iter(wanted)
        outcomes: list[str] = []

        async def work() -> None:
            for prompt in waiting:
                outcomes.append(await self._outcome(prompt))
                if progress is not None:
                    progress(len(outcomes), len(wanted))

        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                _ = group.create_task(work())
        if "failed" not in outcomes:
            paths = {prompt.key: self._paths.get(prompt.key, "") for prompt in wanted}
            await asyncio.to_thread(self._files.note, flow.flow, paths)
        return Prepared(outcomes.count("cached"), outcomes.count("made"), outcomes.count("failed"))

    async def close(self) -> None:
        """Stop what is being made, and the speech engine."""
        await self._making.close()
        await self._looking.close()
        await self._engine.close()

    async def _outcome(self, prompt: _Prompt) -> str:
        try:
            made = await self._prepare(prompt, again=True)
        except (SpeechFailed, OSError) as error:
            self._alarm(f"{prompt.flow}.{prompt.name}", prompt.language, str(error))
            return "failed"
        self._alarms.pop((f"{prompt.flow}.{prompt.name}", prompt.language), None)
        if made is None:
            return "later"
        return "made" if made else "cached"

    async def _prepare(self, prompt: _Prompt, *, again: bool = False) -> bool | None:
        """Have a recorded or a fixed prompt: was it made now? None: it is said when it is known what to say.

        Raises:
            SpeechFailed: it can't be had.
        """
        made = await self._recorded(prompt, again=again)
        if made is not None:
            return made
        if not prompt.fixed:
            self._paths.pop(prompt.key, None)
            self._unrecorded.add(prompt.key)
            return None
        said = _sayable(template.fill(prompt.text, prompt.language, {}))
        voice = await self._voice(prompt.language, again=again)
        target = self._files.path(prompt.language, _content(said, prompt.language, voice))
        return await self._have(
            prompt, target, lambda part: self._engine.speak(said, prompt.language, part), again=again
        )

    async def _recorded(self, prompt: _Prompt, *, again: bool) -> bool | None:
        """As ``_prepare``, of a recording only."""
        try:
            found = await asyncio.to_thread(
                find_recording, self._recordings, prompt.flow, prompt.name, prompt.language
            )
            if found is None:
                return None
            file, digest = found
            target = self._files.path(prompt.language, f"recorded-{_FORMAT}-{digest}")
            return await self._have(
                prompt, target, lambda part: self._engine.convert(file, part), again=again
            )
        except (UnusableRecording, SpeechFailed) as error:
            self._alarm(f"{prompt.flow}.{prompt.name}", prompt.language, f"its recording: {error}")
            return None

    async def _have(
        self,
        prompt: _Prompt,
        target: Path,
        make: Callable[[Path], Coroutine[Any, Any, float]],
        *,
        again: bool,
    ) -> bool:
        async def work() -> bool:
            if await asyncio.to_thread(target.is_file):
                return False
            await self._files.make(target, make)
            return True

        made = await self._making.join(target, work, again=again)
        self._paths[prompt.key] = self._files.seen(target)
        return made

    async def _voice(self, language: Language, *, again: bool = False) -> Voice:
        async def look() -> Voice:
            try:
                return await self._engine.voice(language)
            except PartMissing as error:
                log.error("no voice", alarm="speech_missing", language=language, problem=error.message)  # noqa: TRY400  the message says all
                raise

        if language not in self._voices or again:
            self._voices[language] = await self._looking.join(language, look, again=again)
        return self._voices[language]

    async def _replace_hold(self) -> None:
        for language in LANGUAGES:
            prompt = _Prompt(standard.FLOW, _HOLD, language, "")
            if await self._recorded(prompt, again=True) is not None:
                self._files.hold_is(language, self._paths[prompt.key])

    def _prompts(self, flow: Flow) -> list[_Prompt]:
        return [
            _Prompt(owner, name, language, texts.within(language))
            for owner, prompts in ((flow.flow, flow.prompts), (standard.FLOW, self._standard))
            for name, texts in prompts.items()
            for language in LANGUAGES
        ]

    async def _open(self) -> None:
        """Without a folder every prompt fails by itself, and the stand-in is our own file."""
        self._opened = True
        try:
            self._said.know(await asyncio.to_thread(self._lay_out))
        except OSError as error:
            log.error("the prompts' folder can't be had", alarm="prompts_folder", problem=str(error))  # noqa: TRY400  the message says all

    def _lay_out(self) -> list[tuple[str, int, float]]:
        self._files.lay_out()
        return self._said.lay_out()

    def _alarm(self, name: str, language: str, problem: str) -> None:
        now, key = self._clock.now(), (name, language)
        if now - self._alarms.get(key, -ALARM_EVERY) >= ALARM_EVERY:
            self._alarms[key] = now
            log.error(
                "prompt can't be had",
                alarm="prompt_failed",
                prompt=name,
                language=language,
                problem=problem,
            )


def _sayable(text: str) -> str:
    """One line without anything that is no text. Raises ``SpeechFailed`` when nothing is left."""
    line = " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
    if not any(mark.isalnum() for mark in line):
        raise SpeechFailed("there is nothing to say")
    return line


def _content(text: str, language: Language, voice: Voice) -> str:
    """The name of the file in which it is said."""
    facts = json.dumps([_FORMAT, text, language, *astuple(voice)])
    return hashlib.sha256(facts.encode()).hexdigest()[:32]
