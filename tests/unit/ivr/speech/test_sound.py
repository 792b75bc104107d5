"""Samples to the telephone's 8 kHz: the voice band passes, what would fold back doesn't, odd files are refused."""

import array
import itertools
import math
import wave
from pathlib import Path

import pytest

from callcenter.ivr.speech.sound import (
    RATE,
    NotSound,
    Samples,
    convert,
    read_wav,
    resample,
    tone,
    trim,
    write_wav,
)

pytestmark = pytest.mark.unit


def sine(pitch: float, rate: int, seconds: float = 0.25, level: int = 10_000) -> Samples:
    """A pure tone."""
    return array.array(
        "h", (round(level * math.sin(2 * math.pi * pitch * n / rate)) for n in range(int(rate * seconds)))
    )


def loudness(samples: Samples) -> float:
    """Root mean square of the middle, where no edge disturbs."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    return math.sqrt(sum(sample * sample for sample in middle) / len(middle))


def write(path: Path, samples: Samples, rate: int, *, channels: int = 1, width: int = 2) -> Path:
    """Any WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("pitch", [200, 1000, 3000])
def test_the_voice_band_passes(rate: int, pitch: int) -> None:
    """A tone that a telephone carries keeps its length, its loudness and its pitch."""
    out = resample(sine(pitch, rate), rate)
    assert abs(len(out) - RATE * 0.25) <= 1
    assert loudness(out) == pytest.approx(10_000 / math.sqrt(2), rel=0.02)
    crossings = sum(1 for a, b in itertools.pairwise(out) if a < 0 <= b)
    assert crossings == pytest.approx(pitch * 0.25, abs=2)


@pytest.mark.parametrize(("rate", "pitch"), [(22_050, 5000), (22_050, 7500), (44_100, 9000), (16_000, 5000)])
def test_nothing_folds_back(rate: int, pitch: int) -> None:
    """A tone above the band is gone by more than 55 dB, instead of coming back as another tone."""
    assert loudness(resample(sine(pitch, rate), rate)) < 10_000 / math.sqrt(2) / 560


def test_full_scale_does_not_wrap() -> None:
    """The loudest square wave is clipped, not wrapped to the other sign."""
    square = array.array("h", ([32767] * 60 + [-32768] * 60) * 40)
    out = resample(square, 22_050)
    assert max(out) == 32767
    assert min(out) == -32768
    jumps = sum(1 for a, b in itertools.pairwise(out) if abs(a - b) > 60_000)
    assert jumps == 0


def test_outer_silence_is_cut() -> None:
    """Half a second of silence around a sound becomes a short rest; pure silence becomes nothing."""
    quiet = array.array("h", [0] * 4000)
    out = trim(quiet + sine(440, RATE) + quiet)
    assert 2000 < len(out) < 2000 + 400 + 1000 + 10
    assert len(trim(quiet)) == 0


def test_convert_two_channels(tmp_path: Path) -> None:
    """A stereo recording becomes one channel at 8 kHz, and says its seconds."""
    left = sine(440, 44_100)
    both = array.array("h", (value for sample in left for value in (sample, sample)))
    seconds = convert(write(tmp_path / "in.wav", both, 44_100, channels=2), tmp_path / "out.wav")
    samples, rate = read_wav(tmp_path / "out.wav")
    assert rate == RATE
    assert len(samples) / RATE == pytest.approx(seconds)
    assert seconds == pytest.approx(0.25, abs=0.02)
    assert loudness(samples) == pytest.approx(10_000 / math.sqrt(2), rel=0.03)


def test_what_is_no_sound(tmp_path: Path) -> None:
    """A script called .wav, a cut file, eight bits, silence and a wrong rate are refused in words."""
    script = tmp_path / "script.wav"
    script.write_bytes(b"#!/bin/sh\nexit 0\n")
    cut = write(tmp_path / "cut.wav", sine(440, RATE), RATE)
    cut.write_bytes(cut.read_bytes()[:30])
    files = [
        script,
        cut,
        write(tmp_path / "narrow.wav", sine(440, RATE), RATE, width=1),
        write(tmp_path / "silent.wav", array.array("h", [0] * 100), RATE),
        write(tmp_path / "empty.wav", array.array("h"), RATE),
        write(tmp_path / "slow.wav", sine(440, RATE), 4000),
        write(tmp_path / "many.wav", sine(440, RATE), RATE, channels=4),
    ]
    for file in files:
        with pytest.raises(NotSound):
            convert(file, tmp_path / "out.wav")


def test_the_tone_is_heard(tmp_path: Path) -> None:
    """The tone that stands in for words is short, audible and not loud."""
    write_wav(tmp_path / "tone.wav", tone())
    samples, rate = read_wav(tmp_path / "tone.wav")
    assert rate == RATE
    assert 0.5 < len(samples) / RATE < 1.5
    assert 3000 < max(samples) < 10_000
