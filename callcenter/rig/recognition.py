"""Which prompts a caller heard: every stretch of sound is named, by the files that may have been played.

Asterisk sends a file's samples as mu-law, one after the other. Its rounding differs from ours in single steps, so a
place where a file may begin is found by a few equal bytes, and then normalised cross-correlation, 20 ms by 20 ms, says
how far it goes. Files that begin alike are told apart by their ends: the one that explains most is the one. Pure.
"""

import math
import operator
import sys
import wave
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from callcenter.rig.hearing import samples
from callcenter.rig.mulaw import DECODED, RATE, encode

FRAME = 160
"""Samples in 20 ms."""
_WINDOW = 10
"""Bytes that have to be equal for a first suspicion."""
_STRIDE = 8
_LOUD = 400
"""A window without a sample (of 32,767) as loud is silence, which is everywhere."""
_QUIET_BYTES = frozenset(byte for byte in range(256) if abs(DECODED[byte]) <= _LOUD)
_QUIET = 60.0
"""Frames with a smaller mean amplitude can't be compared: they fit to one another."""
_SAME = 0.95
"""The correlation of a frame with itself after another rounding is above 0.99; of two others it is chance."""
_LEAST = 4 * FRAME
"""What is shorter is chance."""
_NOTICED = RATE // 5
"""Loud sound of this length that is no known file is told of."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of what was heard. ``names``: of the file, or of all files that are the same so far; empty for sound
    that is none of them. ``start`` and ``seconds`` are in what was heard; ``offset`` is where in the file it begins."""

    names: frozenset[str]
    start: float
    seconds: float
    offset: float = 0.0


@dataclass(slots=True)
class _Found:
    """In samples."""

    names: set[str]
    start: int
    end: int
    offset: int

    @property
    def length(self) -> int:
        return self.end - self.start


class Recogniser:
    """``files``: sounds by name (WAV, any rate; or mu-law)."""

    def __init__(self, files: Mapping[str, Path | bytes]) -> None:
        self._coded: dict[str, bytes] = {
            name: sound if isinstance(sound, bytes) else _coded(sound) for name, sound in files.items()
        }
        self._decoded = {name: _samples(coded) for name, coded in self._coded.items()}
        self._index: dict[bytes, list[tuple[str, int]]] = defaultdict(list)
        for name, coded in self._coded.items():
            for at in range(0, len(coded) - _WINDOW + 1, _STRIDE):
                window = coded[at : at + _WINDOW]
                if _loud(window):
                    self._index[window].append((name, at))

    def seconds(self, name: str) -> float:
        """The length of a file."""
        return len(self._coded[name]) / RATE

    def recognise(self, heard: bytes) -> list[Piece]:
        """All pieces of mu-law at 8 kHz, in order."""
        sound = _samples(heard)
        found = [self._whole(one) for one in _joined(self._scan(heard, sound))]
        pieces: list[Piece] = []
        end = 0
        for one in found:
            pieces += _strangers(sound, end, one.start)
            pieces.append(
                Piece(
                    frozenset(one.names),
                    one.start / RATE,
                    one.length / RATE,
                    one.offset / RATE,
                )
            )
            end = one.end
        return pieces + _strangers(sound, end, len(sound))

    def _scan(self, heard: bytes, sound: list[int]) -> Iterable[_Found]:
        at = end = 0
        while at <= len(heard) - _WINDOW:
            places = self._index.get(heard[at : at + _WINDOW])
            best = self._best(sound, at, end, places) if places else None
            if best is None:
                at += 1
                continue
            yield best
            at = end = best.end

    def _whole(self, found: _Found) -> _Found:
        """Of files that are the same so far, those that end here are meant, and none that would go on."""
        ended = {
            name for name in found.names if len(self._coded[name]) - found.offset - found.length <= 2 * FRAME
        }
        found.names = ended or found.names
        return found

    def _best(
        self, sound: list[int], at: int, floor: int, places: Sequence[tuple[str, int]]
    ) -> _Found | None:
        best: _Found | None = None
        for name, offset in places:
            found = self._extent(sound, at, floor, name, offset)
            if best is None or found.length > best.length + FRAME:
                best = found
            elif found.length >= best.length - FRAME:
                best.names |= found.names
        return best if best is not None and best.length >= _LEAST else None

    def _extent(self, sound: list[int], at: int, floor: int, name: str, offset: int) -> _Found:
        """From the suspected place to both sides, as far as it is the same."""
        file = self._decoded[name]
        back = min(offset, at - floor)
        start, begin = at - back, offset - back
        if back >= FRAME and not _alike(sound[start:at], file[begin:offset]):
            start, begin = at, offset
            while begin >= FRAME and start - FRAME >= floor:
                if not _alike(sound[start - FRAME : start], file[begin - FRAME : begin]):
                    break
                start, begin = start - FRAME, begin - FRAME
        end, place = at, offset
        while place < len(file) and end < len(sound):
            size = min(FRAME, len(file) - place, len(sound) - end)
            if not _alike(sound[end : end + size], file[place : place + size]):
                break
            end, place = end + size, place + size
        return _Found({name}, start, end, begin)


def _joined(found: Iterable[_Found]) -> list[_Found]:
    """A late packet tears a piece in two: what goes on in the same file is one."""
    joined: list[_Found] = []
    for one in found:
        before = joined[-1] if joined else None
        if (
            before is not None
            and before.names & one.names
            and one.offset >= before.offset + before.length - FRAME
            and one.offset > FRAME
            and one.start - before.end < RATE // 2
        ):
            before.names &= one.names
            before.end = one.end
        else:
            joined.append(one)
    return joined


def _strangers(sound: list[int], start: int, end: int) -> list[Piece]:
    """Loud sound between two known pieces, as one piece."""
    frames = [at for at in range(start, end - FRAME + 1, FRAME) if _mean(sound[at : at + FRAME]) > _QUIET]
    if len(frames) * FRAME < _NOTICED:
        return []
    return [Piece(frozenset(), frames[0] / RATE, (frames[-1] + FRAME - frames[0]) / RATE)]


def _alike(one: Sequence[int], other: Sequence[int]) -> bool:
    size = min(len(one), len(other))
    if not size:
        return True
    energies = sum(map(operator.mul, one, one)), sum(map(operator.mul, other, other))
    floor = size * _QUIET * _QUIET
    if energies[0] < floor and energies[1] < floor:
        return True
    product = sum(map(operator.mul, one, other))
    return bool(product > _SAME * math.sqrt(energies[0] * energies[1]))


def _mean(part: Sequence[int]) -> float:
    return sum(map(abs, part)) / len(part)


def _loud(window: bytes) -> bool:
    return not _QUIET_BYTES.issuperset(window)


def _samples(coded: bytes) -> list[int]:
    return list(map(DECODED.__getitem__, coded))


def _coded(path: Path) -> bytes:
    with wave.open(str(path), "rb") as file:
        plain = file.getparams()[:3] == (1, 2, RATE) and sys.byteorder == "little"
        data = file.readframes(file.getnframes()) if plain else b""
    if plain:
        return bytes(map(_every_code().__getitem__, array("H", data)))
    return encode([round(value) for value in samples(path)])


@cache
def _every_code() -> bytes:
    """The mu-law of each 16-bit sample, by its bits: files are long."""
    return encode([*range(32768), *range(-32768, 0)])
