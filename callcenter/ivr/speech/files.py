"""The folder of prompts: what is in it, under which path Asterisk sees it, and how a file comes into it whole."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import structlog

from callcenter.ivr.flow.texts import LANGUAGES, Language
from callcenter.ivr.speech.sound import tone, write_wav

log = structlog.get_logger(__name__)

Key: TypeAlias = tuple[str, str, str]
"""Name, language and text."""
SHIPPED = Path(__file__).parent / "recorded"
_HOLD = "please_hold"
_TONE = "tone"


class PromptFiles:
    """``folder/<language>/<content>.wav``, the notes of what was prepared, and what is heard when all else fails.

    ``seen_as``: the path of ``folder`` on Asterisk's machine, where that is another one.
    """

    def __init__(self, folder: Path, seen_as: Path | None = None) -> None:
        self.folder = folder
        self._seen_as = seen_as or folder
        # Until there is a folder: Asterisk may be able to read our own.
        self._hold = {language: str(_shipped(language).with_suffix("")) for language in LANGUAGES}

    def lay_out(self) -> None:
        """Make the folder, and copy into it what stands in for prompts. Blocks. Raises ``OSError`` when there can be
        no folder; a full disk only raises an alarm."""
        for language in LANGUAGES:
            (self.folder / language).mkdir(parents=True, exist_ok=True)
        try:
            self._copy_hold()
        except OSError as error:
            _full(error)

    def _copy_hold(self) -> None:
        for language in LANGUAGES:
            target = self.folder / language / f"{_HOLD}.wav"
            try:
                _put(target, _shipped(language).read_bytes())
            except FileNotFoundError:
                target = self.folder / f"{_TONE}.wav"
                if not target.is_file():
                    part = _part_of(target)
                    write_wav(part, tone())
                    part.replace(target)
            if self._hold[language] == str(_shipped(language).with_suffix("")):
                self._hold[language] = self.seen(target)

    def hold(self, language: Language) -> str:
        """“Please hold”, as Asterisk wants its path."""
        return self._hold[language]

    def hold_is(self, language: Language, path: str) -> None:
        """Let another sound be “please hold”."""
        self._hold[language] = path

    def path(self, language: Language, name: str) -> Path:
        """Where a prompt's file is or would be."""
        return self.folder / language / f"{name}.wav"

    def seen(self, file: Path) -> str:
        """The extension-less path under which Asterisk sees a file of the folder."""
        return str(self._seen_as / file.relative_to(self.folder).with_suffix(""))

    async def make(
        self, target: Path, make: Callable[[Path], Coroutine[Any, Any, float]], *, mode: int | None = None
    ) -> None:
        """Have ``make`` write a file, which appears whole or not at all.

        Raises:
            SpeechFailed, OSError: it could not.
        """
        # Another process may be making the same file: each writes its own, and the last rename wins.
        part = _part_of(target)
        try:
            if mode is not None:
                # Before there is anything to read in it.
                await asyncio.to_thread(part.touch, mode)
                await asyncio.to_thread(part.chmod, mode)
            await make(part)
            await asyncio.to_thread(part.replace, target)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)

    def note(self, flow: str, paths: Mapping[Key, str]) -> None:
        """Keep which file each text of a flow became; empty: it is made when it is needed. Blocks."""
        rows = [[*key, self._inside(path)] for key, path in paths.items()]
        try:
            _put(self._notes(flow), json.dumps(rows).encode())
        except OSError as error:
            _full(error)

    def noted(self, flow: str) -> dict[Key, str]:
        """What was kept, as far as the files are there. Blocks."""
        found = {}
        try:
            for name, language, text, inside in json.loads(self._notes(flow).read_text("utf-8")):
                path = self.folder / inside
                if not inside or path.is_file():
                    found[name, language, text] = str(path) if inside else ""
        except (OSError, ValueError, TypeError):
            return {}
        return found

    def _inside(self, path: str) -> str:
        return str(Path(path).relative_to(self._seen_as)) + ".wav" if path else ""

    def _notes(self, flow: str) -> Path:
        return self.folder / f".{hashlib.sha256(flow.encode()).hexdigest()[:32]}.json"


def _full(error: OSError) -> None:
    log.error("the prompts' folder can't be written", alarm="prompts_folder", problem=str(error))


def _shipped(language: Language) -> Path:
    return SHIPPED / language / f"{_HOLD}.wav"


def _part_of(target: Path) -> Path:
    """A file's name while it is being made; dots are what shared folders are told to leave out."""
    return target.with_name(f".{target.stem}-{secrets.token_hex(4)}{target.suffix}")


def _put(target: Path, content: bytes) -> None:
    try:
        if target.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    part = _part_of(target)
    part.write_bytes(content)
    part.replace(target)
