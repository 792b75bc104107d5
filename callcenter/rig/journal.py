"""What simulated people saw and when: one JSON object a line, written at once."""

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO


class Journal:
    """A file of events. ``t`` is ``time.monotonic_ns()``, one clock for all processes of a machine."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("a", buffering=1, encoding="utf-8", errors="replace")

    def write(self, event: str, t: int | None = None, /, **facts: object) -> None:
        """One line; ``t`` is now unless the moment was taken earlier."""
        line = {"t": time.monotonic_ns() if t is None else t, "event": event, **facts}
        self._file.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n")

    def close(self) -> None:
        """No more lines."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read_journal(path: Path) -> list[dict[str, object]]:
    """The whole lines of a journal so far; a line that is being written is left for the next time."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
