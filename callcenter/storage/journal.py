"""Where the record goes while the database is away: an append-only file of JSON lines.

The first line names the journal; each other line is one entry. Every append is on the disk (fsync) before it
counts. How many lines the database has is kept in the database, in the transaction that wrote them: so a replay
that was cut off by a crash goes on where it stopped. The methods block: call them in a thread.
"""

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


class Journal:
    """One file, which exists only while there is something in it. Raises ``OSError`` when the disk refuses."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = ""
        self.count = 0
        """Complete lines in the file, the first one not counted."""
        self._size = 0
        """Bytes that are known to be good; a torn line after them is cut off by the next append."""
        self._read_line = 0
        self._read_byte = 0

    def open(self) -> None:
        """Find what an earlier run left behind; a last line that was torn by a crash does not count."""
        self._forget()
        try:
            with self.path.open("rb") as file:
                first = file.readline()
                self.id = _name(first)
                good = len(first)
                for line in file:
                    if line.endswith(b"\n"):
                        good, self.count = good + len(line), self.count + 1
        except FileNotFoundError:
            return
        except ValueError:
            self._set_aside()
            return
        self._size = good

    def append(self, lines: Sequence[str]) -> None:
        """Add lines, all or none."""
        new = self._size == 0
        if new:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists():
                self._set_aside()  # it could not be read at the start
            self.id = secrets.token_hex(16)
        head = [json.dumps({"journal": self.id, "format": 1})] if new else []
        data = "".join(f"{line}\n" for line in [*head, *lines]).encode()
        with self.path.open("ab") as file:
            file.truncate(self._size)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if new:
            self._sync_folder()
        self._size += len(data)
        self.count += len(lines)

    def read(self, position: int, limit: int) -> list[str]:
        """At most ``limit`` lines from line ``position`` (0 is the first entry)."""
        with self.path.open("rb") as file:
            if position < self._read_line or self._read_byte == 0:
                self._read_line, self._read_byte = 0, len(file.readline())
            file.seek(self._read_byte)
            while self._read_line < position and self._read_line < self.count:
                self._read_byte += len(file.readline())
                self._read_line += 1
            lines = [file.readline() for _ in range(min(limit, self.count - self._read_line))]
        return [line.decode("utf-8", "replace").rstrip("\n") for line in lines]

    def clear(self) -> None:
        """Everything is in the database: remove the file."""
        self.path.unlink(missing_ok=True)
        self._sync_folder()
        self._forget()

    def reject(self, lines: Sequence[str], reason: str) -> None:
        """Keep lines which the database refuses for ever in a file of their own, for a human."""
        aside = self.path.with_name(f"{self.path.name}.rejected")
        aside.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps({'reason': reason, 'line': line})}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())

    def _forget(self) -> None:
        self.id, self.count, self._size, self._read_line, self._read_byte = "", 0, 0, 0, 0

    def _set_aside(self) -> None:
        """What has no readable first line was torn at its birth, or isn't ours; it is kept, out of the way."""
        self._forget()
        if self.path.stat().st_size:
            aside = self.path.with_name(f"{self.path.name}.unreadable-{secrets.token_hex(4)}")
            self.path.rename(aside)
            log.error("journal can't be read and was set aside", file=aside.name)

    def _sync_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _name(first: bytes) -> str:
    if not first.endswith(b"\n"):
        raise ValueError("the first line is torn")
    match json.loads(first):
        case {"journal": str(name), "format": 1}:
            return name
        case _:
            raise ValueError("not a journal of this program")
