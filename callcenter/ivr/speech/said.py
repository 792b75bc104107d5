"""What was said with variables in it: a folder of sound files that never grows beyond its bounds.

These files hold what a caller was told, and may hold names: only we and our group may read them (Asterisk's user is
in that group). The oldest by use go first; one that was used within ten minutes may be playing, and stays.
"""

import asyncio
import contextlib
import os
import stat
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from callcenter.clock import Clock

IN_USE = 600.0
"""Seconds after its last use in which a file is not deleted."""
FILE_MODE, FOLDER_MODE = 0o640, 0o750
_TOUCH_EVERY = 60.0
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Keep:
    """How much is kept. A second of sound takes 16 kB; files in use may carry it to twice as much, never further."""

    files: int = 5000
    mib: float = 200.0


@dataclass(slots=True)
class _File:
    size: int
    used: float
    touched: float


class SaidFiles:
    """The files of one folder, the oldest by use first. A file's time on disk is its last use, so that a restart,
    or another process on the same folder, knows it too."""

    def __init__(self, folder: Path, keep: Keep, clock: Clock) -> None:
        self.folder = folder
        self._keep = keep
        self._clock = clock
        self._files: OrderedDict[str, _File] = OrderedDict()
        self._bytes = 0

    def lay_out(self) -> list[tuple[str, int, float]]:
        """Make the folder and look what is in it: names, sizes, times of last use. Blocks. Raises ``OSError``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # The group is inherited where the folder above says so (setgid): that must not get lost.
        self.folder.chmod(FOLDER_MODE | (self.folder.stat().st_mode & stat.S_ISGID))
        found = []
        for file in self.folder.glob("*.wav"):
            with contextlib.suppress(FileNotFoundError):
                facts = file.stat()
                if file.name.startswith("."):
                    self._drop_remains(file, facts)
                else:
                    found.append((file.stem, facts.st_size, facts.st_mtime))
        return sorted(found, key=lambda one: one[2])

    def know(self, found: Iterable[tuple[str, int, float]]) -> None:
        """Take up what ``lay_out`` found."""
        now, wall = self._clock.now(), self._clock.wall().timestamp()
        for name, size, modified in found:
            if name not in self._files:
                used = now - max(0.0, wall - modified)
                self._files[name] = _File(size, used, used)
                self._bytes += size
        self._files = OrderedDict(sorted(self._files.items(), key=lambda item: item[1].used))

    def path(self, name: str) -> Path:
        """Where a file is or would be."""
        return self.folder / f"{name}.wav"

    def at_hand(self, name: str) -> bool:
        """Is it surely there? Then it is used now."""
        file = self._files.get(name)
        if file is None or self._clock.now() - file.touched >= _TOUCH_EVERY:
            return False
        file.used = self._clock.now()
        self._files.move_to_end(name)
        return True

    async def take(self, name: str) -> bool:
        """Use a file, if it is there on disk."""
        size = await asyncio.to_thread(self._touch, name)
        if size is None:
            self._forget(name)
            return False
        self._note(name, size)
        return True

    async def room(self) -> bool:
        """Delete what is too much. Is there room for one more? Not when far too much is in use."""
        await self._make_room()
        return len(self._files) < 2 * self._keep.files and self._bytes < 2 * self._keep.mib * _MIB

    async def _make_room(self) -> None:
        count, size, oldest = len(self._files), self._bytes, list[str]()
        for name, file in self._files.items():
            small = count < self._keep.files and size < self._keep.mib * _MIB
            if small or self._clock.now() - file.used < IN_USE:
                break
            oldest.append(name)
            count, size = count - 1, size - file.size
        if oldest:
            for name in await asyncio.to_thread(self._delete, oldest):
                self._forget(name)

    def _note(self, name: str, size: int) -> None:
        self._forget(name)
        now = self._clock.now()
        self._files[name] = _File(size, now, now)
        self._bytes += size

    def _forget(self, name: str) -> None:
        file = self._files.pop(name, None)
        if file is not None:
            self._bytes -= file.size

    def _touch(self, name: str) -> int | None:
        wall = self._clock.wall().timestamp()
        try:
            os.utime(self.path(name), (wall, wall))
            return self.path(name).stat().st_size
        except OSError:
            return None

    def _delete(self, names: Iterable[str]) -> list[str]:
        """Delete, but for what another process used meanwhile; gives those that are gone."""
        gone = []
        for name in names:
            with contextlib.suppress(OSError):
                try:
                    if self._age(self.path(name).stat()) >= IN_USE:
                        self.path(name).unlink()
                        gone.append(name)
                except FileNotFoundError:
                    gone.append(name)
        return gone

    def _drop_remains(self, file: Path, facts: os.stat_result) -> None:
        """Half a file, of a program that was killed while it was made."""
        if self._age(facts) >= IN_USE:
            file.unlink(missing_ok=True)

    def _age(self, facts: os.stat_result) -> float:
        return self._clock.wall().timestamp() - facts.st_mtime
