"""Recorded voices that replace spoken texts.

``<folder>/<flow>/<language>/<prompt>.wav`` is for one flow, and wins over ``<folder>/<language>/<prompt>.wav``, which
is for every flow that has a prompt of this name. Standard texts are of the flow ``standard``.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

MAX_BYTES = 60 * 1024 * 1024
"""Five minutes at 48 kHz in two channels."""


class UnusableRecording(Exception):
    """There is a recording that can't be read; says why."""


def find_recording(folder: Path | None, flow: str, prompt: str, language: str) -> tuple[Path, str] | None:
    """The recording that replaces a prompt and its content's digest, None when there is none. Blocks.

    Raises:
        UnusableRecording: there is one, but it can't be read or is too large.
    """
    for file in _places(folder, flow, prompt, language):
        try:
            if file.stat().st_size > MAX_BYTES:
                raise UnusableRecording(f"the recording is larger than {MAX_BYTES} bytes")
            with file.open("rb") as opened:
                return file, hashlib.file_digest(opened, "sha256").hexdigest()[:32]
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UnusableRecording(str(error)) from error
    return None


def _places(folder: Path | None, flow: str, prompt: str, language: str) -> Iterator[Path]:
    if folder is None:
        return
    if flow:
        yield folder / flow / language / f"{prompt}.wav"
    yield folder / language / f"{prompt}.wav"
