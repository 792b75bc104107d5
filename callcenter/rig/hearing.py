"""Who heard what: tones, loudness and prompts found in a recording. Pure; the standard library only.

Sound is a WAV file (16-bit, any rate; several channels are mixed), or bytes of mu-law at 8 kHz.
"""

import math
import operator
import wave
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from callcenter.errors import BadInput
from callcenter.rig.mulaw import DECODED, RATE, decode, encode

SoundLike: TypeAlias = Path | str | bytes

_QUIET = 100.0
"""Samples (of 32,767) below this on average are taken for silence."""
_SHARE = 0.5
"""The part of a window's energy that a tone must have to be heard: speech never has so much in one place."""
_PIECE = RATE // 4
"""A prompt is compared in pieces, so that a late packet in the middle does not undo the rest."""
_COARSE = 4
"""The first search is done on every fourth sample."""
_CANDIDATES = 24
_SURE = 0.6
"""A piece that correlates so well is the one looked for."""
_SLIP = 400
"""Samples by which a piece may be earlier or later than where the first piece says (50 ms)."""


def samples(sound: SoundLike, rate: int = RATE) -> list[float]:
    """One channel at ``rate``, -32768 to 32767; raises BadInput for a WAV file of another kind."""
    if isinstance(sound, bytes):
        found, came = [float(value) for value in decode(sound)], RATE
    else:
        found, came = _from_wav(Path(sound))
    return found if came == rate else _resampled(found, came, rate)


def tones(
    sound: SoundLike, frequencies: Sequence[float], rate: int = RATE, window: float = 0.1
) -> list[tuple[float, float]]:
    """``(start in seconds, frequency)`` for each window in which one of these frequencies rules.

    Frequencies need to be ``1 / window`` Hz apart or more.
    """
    heard = samples(sound, rate)
    size = round(rate * window)
    turns = [(frequency, 2 * math.cos(2 * math.pi * frequency / rate)) for frequency in frequencies]
    found: list[tuple[float, float]] = []
    for at in range(0, len(heard) - size + 1, size):
        part = heard[at : at + size]
        energy = sum(map(operator.mul, part, part))
        if energy < size * _QUIET * _QUIET:
            continue
        strongest, frequency = max((_power(part, turn), frequency) for frequency, turn in turns)
        if strongest >= _SHARE * energy * size / 2:
            found.append((at / rate, frequency))
    return found


def hears(sound: SoundLike, frequency: float, at_least: float = 0.5) -> bool:
    """Whether a tone was heard for that many seconds in all."""
    window = 0.1
    return len(tones(sound, [frequency], window=window)) * window >= at_least - 1e-9


def loudness(sound: SoundLike, window: float = 0.1) -> list[float]:
    """The root mean square of each window, 0 to 1."""
    heard = samples(sound)
    size = round(RATE * window)
    parts = (heard[at : at + size] for at in range(0, len(heard) - size + 1, size))
    return [math.sqrt(sum(map(operator.mul, part, part)) / size) / 32768 for part in parts]


def same_sound(heard: SoundLike, reference: SoundLike) -> float:
    """How surely the reference was heard: 0 (not at all) to 1 (every sample of it, at any loudness)."""
    return find_sound(heard, reference)[0]


def find_sound(heard: SoundLike, reference: SoundLike) -> tuple[float, float]:
    """How surely the reference was heard, and from which second on (of the best match).

    Both are compared as 8 kHz mu-law. The score is the normalised cross-correlation of the reference's
    pieces, weighed by their energy. Good for speech and music; a steady tone matches itself at any place.
    """
    long, short = _levelled(samples(heard)), _levelled(_trimmed(samples(reference)))
    if len(short) < _PIECE or len(long) < len(short):
        return 0.0, 0.0
    anchor = _loudest(short)
    best, place = 0.0, 0
    for lag in _places(long, short[anchor : anchor + _PIECE]):
        score = _correlation(long, lag, short[anchor : anchor + _PIECE])
        if score > best:
            best, place = score, lag
    return _score(long, short, place - anchor, follow=best > _SURE), max(0.0, (place - anchor) / RATE)


def _score(long: list[float], short: list[float], start: int, *, follow: bool) -> float:
    total, weight, slip = 0.0, 0.0, 0
    for at in range(0, len(short) - _PIECE + 1, _PIECE):
        piece = short[at : at + _PIECE]
        energy = sum(map(operator.mul, piece, piece))
        near = max(_correlation(long, start + at + slip + off, piece) for off in (-1, 0, 1))
        if follow and near < _SURE:
            near, slip = max((near, slip), _slipped(long, start + at, piece))
            follow = near >= _SURE  # the thread is lost: searching on would find chance
        total += max(0.0, near) * energy
        weight += energy
    return total / weight if weight else 0.0


def _slipped(long: list[float], place: int, piece: list[float]) -> tuple[float, int]:
    """The best score near a place, and how far from it."""
    return max((_correlation(long, place + off, piece), off) for off in range(-_SLIP, _SLIP))


def _places(long: list[float], piece: list[float]) -> list[int]:
    """Where the piece may be: the best places of a coarse search, each with its neighbours."""
    coarse_long, coarse = _coarse(long), _coarse(piece[: _PIECE // 2])
    size = len(coarse)
    energy = sum(map(operator.mul, coarse_long[:size], coarse_long[:size]))
    scores: list[tuple[float, int]] = []
    floor = size * _QUIET * _QUIET / 4
    for lag in range(len(coarse_long) - size + 1):
        if energy > floor:
            product = sum(map(operator.mul, coarse, coarse_long[lag : lag + size]))
            scores.append((product / math.sqrt(energy), lag))
        if lag + size < len(coarse_long):
            energy += coarse_long[lag + size] ** 2 - coarse_long[lag] ** 2
    best = sorted(scores, reverse=True)[:_CANDIDATES]
    fine = {lag * _COARSE + off for _, lag in best for off in range(-2 * _COARSE, 2 * _COARSE + 1)}
    return sorted(place for place in fine if place >= 0)


def _correlation(long: list[float], lag: int, piece: list[float]) -> float:
    if lag < 0:
        return 0.0
    part = long[lag : lag + len(piece)]
    if len(part) < len(piece):
        return 0.0
    power = sum(map(operator.mul, part, part)) * sum(map(operator.mul, piece, piece))
    return sum(map(operator.mul, part, piece)) / math.sqrt(power) if power > 0 else 0.0


def _coarse(heard: list[float]) -> list[float]:
    """Every fourth sample of a low-passed copy (the mean of eight)."""
    wide = 2 * _COARSE
    return [sum(heard[at : at + wide]) / wide for at in range(0, len(heard) - wide + 1, _COARSE)]


def _loudest(short: list[float]) -> int:
    """Where the loudest piece begins: the best one to look for first."""
    places = range(0, len(short) - _PIECE + 1, _PIECE // 2)
    return max(places, key=lambda at: _energy(short[at : at + _PIECE]))


def _trimmed(heard: list[float]) -> list[float]:
    """Without the silence at both ends, of which a recording says nothing."""
    loud = [at for at, value in enumerate(heard) if abs(value) > _QUIET]
    return heard[loud[0] : loud[-1] + 1] if loud else []


def _levelled(heard: list[float]) -> list[float]:
    """As mu-law gives it back, and around zero."""
    coded = [float(DECODED[byte]) for byte in encode([round(value) for value in heard])]
    mean = sum(coded) / len(coded) if coded else 0.0
    return [value - mean for value in coded]


def _energy(part: list[float]) -> float:
    return float(sum(map(operator.mul, part, part)))


def _power(part: list[float], turn: float) -> float:
    """Goertzel's filter: the squared size of one frequency's part."""
    before = last = 0.0
    for value in part:
        before, last = last, value + turn * last - before
    return last * last + before * before - turn * last * before


def _from_wav(path: Path) -> tuple[list[float], int]:
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, came = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise BadInput(f"{path.name} is no WAV file that can be read: {error}") from error
    if width != 2:
        raise BadInput(f"{path.name} has {8 * width} bits a sample; 16 are needed")
    values = array("h", data[: len(data) // (2 * channels) * 2 * channels])
    return [sum(values[at : at + channels]) / channels for at in range(0, len(values), channels)], came


def _resampled(heard: list[float], came: int, rate: int) -> list[float]:
    """Another rate: averaged where samples are left out, on straight lines where they are put in."""
    if not heard:
        return []
    side = max(1, round(came / rate)) // 2
    around = (heard[max(0, at - side) : at + side + 1] for at in range(len(heard)))
    smooth = [sum(part) / len(part) for part in around] if side else heard
    step = came / rate
    out: list[float] = []
    for index in range(int((len(smooth) - 1) / step) + 1):
        at = index * step
        low = int(at)
        high = min(low + 1, len(smooth) - 1)
        out.append(smooth[low] + (smooth[high] - smooth[low]) * (at - low))
    return out
