"""Samples: 16-bit mono at any rate to the 8 kHz WAV that Asterisk plays. Pure Python, one prompt at a time.

8 kHz is what a telephone carries, so nothing is lost that a caller could hear. A prompt of three seconds takes
some 60 ms: run it in a child process or a thread, never in the loop.
"""

import array
import math
import operator
import sys
import wave
from pathlib import Path
from typing import TypeAlias

Samples: TypeAlias = "array.array[int]"

RATE = 8000
MAX_SECONDS = 300
_MAX_RATE = 192_000
_CROSSINGS = 12  # of the windowed sinc on each side: stop band below -60 dB
_CUTOFF = 0.45  # of the lower rate: passes 3.4 kHz, the telephone's band, and stops what would fold back
_QUIET = 200  # of 32,767: below it, the silence that a speech engine adds
_KEEP_BEFORE = RATE // 20
_KEEP_AFTER = RATE // 8


class NotSound(ValueError):
    """The file is no sound that can be used; the text says why."""


def convert(source: Path, target: Path) -> float:
    """Write ``source`` as 8 kHz 16-bit mono without its outer silence; gives its seconds.

    Raises:
        NotSound: it is no 16-bit PCM WAV of at most two channels and ``MAX_SECONDS``, or it is silent.
    """
    samples, rate = read_wav(source)
    samples = trim(resample(samples, rate))
    if not samples:
        raise NotSound("the sound is silent")
    write_wav(target, samples)
    return len(samples) / RATE


def read_wav(path: Path) -> tuple[Samples, int]:
    """Samples (two channels become one) and their rate. Raises ``NotSound``."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate, frames, *_ = file.getparams()
            if width != 2 or channels not in (1, 2) or not RATE <= rate <= _MAX_RATE:
                raise NotSound("a prompt is 16-bit PCM, mono or stereo, 8 to 192 kHz")
            if frames > rate * MAX_SECONDS:
                raise NotSound(f"a prompt is at most {MAX_SECONDS} seconds long")
            samples = array.array("h", file.readframes(frames))
    except (wave.Error, EOFError, ValueError) as error:
        raise error if isinstance(error, NotSound) else NotSound(f"this is no WAV file: {error}") from error
    if sys.byteorder == "big":
        samples.byteswap()
    if channels == 2:
        samples = array.array("h", ((a + b) // 2 for a, b in zip(samples[::2], samples[1::2], strict=False)))
    return samples, rate


def write_wav(path: Path, samples: Samples) -> None:
    """Write 8 kHz 16-bit mono."""
    if sys.byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def resample(samples: Samples, rate: int) -> Samples:
    """To 8 kHz with a windowed-sinc low-pass, one set of weights for each phase between the two rates."""
    if rate == RATE:
        return samples
    common = math.gcd(rate, RATE)
    step, phases = rate // common, RATE // common
    half = math.ceil(_CROSSINGS * rate / (2 * _CUTOFF * RATE))
    weights = [_weights(phase / phases, half, rate) for phase in range(phases)]
    padded = array.array("h", bytes(2 * half)) + samples + array.array("h", bytes(2 * half + 2))
    out = array.array("h")
    for n in range(len(samples) * phases // step):
        first, phase = divmod(n * step, phases)
        window = padded[first : first + 2 * half + 1]
        value = round(sum(map(operator.mul, window, weights[phase])))
        out.append(max(-32768, min(32767, value)))
    return out


def _weights(shift: float, half: int, rate: int) -> list[float]:
    """Weights of the samples around a point ``shift`` of a sample later; they add up to one."""
    cutoff = _CUTOFF * RATE / rate
    weights = []
    for k in range(-half, half + 1):
        x = k - shift
        sinc = 2 * cutoff if x == 0 else math.sin(2 * math.pi * cutoff * x) / (math.pi * x)
        y = (x + half + 1) / (2 * half + 2)
        window = 0.42 - 0.5 * math.cos(2 * math.pi * y) + 0.08 * math.cos(4 * math.pi * y)
        weights.append(sinc * window)
    total = sum(weights)
    return [weight / total for weight in weights]


def trim(samples: Samples) -> Samples:
    """Without the silence around it, but for a short rest at each end; empty when all is silence."""
    loud = [i for i, sample in enumerate(samples) if abs(sample) > _QUIET]
    if not loud:
        return array.array("h")
    return samples[max(0, loud[0] - _KEEP_BEFORE) : loud[-1] + _KEEP_AFTER]


def tone() -> Samples:
    """“Please hold” without words: two soft notes, for when a prompt can't be spoken."""
    samples = array.array("h")
    for pitch in (523.25, 392.0):
        length = int(RATE * 0.35)
        for n in range(length):
            swell = math.sin(math.pi * n / length)
            samples.append(int(6000 * swell * math.sin(2 * math.pi * pitch * n / RATE)))
        samples.extend([0] * (RATE // 10))
    return samples
