"""Hearing: tones, loudness and prompts are found where they are, and nowhere else."""

import math
import random
import struct
import time
import wave
from pathlib import Path

import pytest

from callcenter.errors import BadInput
from callcenter.rig.hearing import find_sound, hears, loudness, same_sound, samples, tones
from callcenter.rig.mulaw import SILENCE, encode, tone

pytestmark = pytest.mark.unit


def speech(seed: int, seconds: float) -> list[int]:
    """Something like speech: harmonics of a wandering pitch, in syllables."""
    chance = random.Random(seed)
    out: list[int] = []
    phase = 0.0
    while len(out) < seconds * 8000:
        pitch, size = chance.uniform(90, 250), chance.randrange(800, 2000)
        weights = [chance.random() / (1 + n / 3) for n in range(1, 12)]
        for n in range(size):
            phase += 2 * math.pi * pitch / 8000
            swell = math.sin(math.pi * n / size)
            out.append(round(1800 * swell * sum(w * math.sin(k * phase) for k, w in enumerate(weights, 1))))
        out += [0] * chance.randrange(100, 700)
    return out[: round(seconds * 8000)]


def write(path: Path, values: list[int], rate: int = 8000, channels: int = 1) -> Path:
    """A WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(values)}h", *values))
    return path


def silence(seconds: float) -> bytes:
    """Mu-law of nothing."""
    return bytes([SILENCE]) * round(8000 * seconds)


def test_tones_in_their_order() -> None:
    """Each tone is found at its time; silence and other tones are not."""
    heard = silence(0.5) + tone(440)[:4000] + silence(0.2) + tone(800)[:4000] + tone(600)[:4000]
    found = tones(heard, [440, 800])
    assert {frequency for start, frequency in found if start < 1.05} == {440}
    assert {frequency for start, frequency in found if start > 1.05} == {800}
    assert [start for start, _ in found] == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 1.2, 1.3, 1.4, 1.5, 1.6])
    assert hears(heard, 440)
    assert not hears(heard, 480)


def test_neighbours_are_told_apart() -> None:
    """Phones' tones are 40 Hz apart: that is enough."""
    assert {found for _, found in tones(tone(520), [480, 520, 560])} == {520}


def test_speech_is_no_tone() -> None:
    """Speech and noise don't sound like a phone's tone."""
    noise = encode([random.Random(1).randrange(-9000, 9000) for _ in range(16_000)])
    assert tones(noise, [400, 440, 480]) == []
    assert len(tones(encode(speech(1, 3)), [400, 800, 1200])) < 6


def test_loudness(tmp_path: Path) -> None:
    """A full sine is 0.707 of the largest value, silence is none."""
    levels = loudness(tone(500, 0.999) + silence(0.5))
    assert levels[0] == pytest.approx(0.707, abs=0.02)
    assert levels[-1] == 0.0
    assert len(levels) == 15
    stereo = write(tmp_path / "stereo.wav", [8000, -8000] * 800, channels=2)
    assert loudness(stereo) == [0.0]


def test_the_prompt_is_found() -> None:
    """A prompt in the middle of other speech, at half its loudness, is found where it is."""
    prompt = speech(5, 2)
    heard = encode(speech(6, 1.5) + [value // 2 for value in prompt] + speech(7, 2))
    score, start = find_sound(heard, encode(prompt))
    assert score > 0.95
    assert start == pytest.approx(1.5, abs=0.02)


def test_another_prompt_is_not() -> None:
    """Other speech of the same kind scores low; so do silence and half of the prompt."""
    prompt = encode(speech(5, 2))
    assert same_sound(encode(speech(8, 6)), prompt) < 0.5
    assert same_sound(silence(5), prompt) == 0.0
    assert same_sound(prompt[:8000] + silence(4), prompt) < 0.75
    assert same_sound(prompt[:4000], prompt) == 0.0


def test_a_gap_in_the_middle() -> None:
    """20 ms that came late in the middle of a prompt don't undo it."""
    prompt = encode(speech(5, 2))
    slipped = silence(1) + prompt[:8000] + silence(0.02) + prompt[8000:] + silence(1)
    assert same_sound(slipped, prompt) > 0.85


def test_other_rates(tmp_path: Path) -> None:
    """A prompt as it was rendered, at another rate, is the one that was heard at 8 kHz."""
    prompt = speech(5, 2)
    doubled = [
        value for pair in zip(prompt, [*prompt[1:], 0], strict=True) for value in (pair[0], sum(pair) // 2)
    ]
    reference = write(tmp_path / "prompt.wav", doubled, 16_000)
    assert len(samples(reference)) == pytest.approx(16_000, abs=2)
    assert same_sound(silence(0.3) + encode(prompt) + silence(1), reference) > 0.9


def test_half_a_minute_is_quick() -> None:
    """30 s of a call are searched in seconds, not minutes (the bound is generous, for a busy machine)."""
    heard = encode(speech(9, 14) + speech(5, 2) + speech(10, 14))
    began = time.process_time()
    assert same_sound(heard, encode(speech(5, 2))) > 0.9
    assert time.process_time() - began < 6


def test_no_sound(tmp_path: Path) -> None:
    """What is no WAV file, or has other samples, is refused."""
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFFnonsense")
    with pytest.raises(BadInput):
        samples(path)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(b"\0")
    with pytest.raises(BadInput):
        samples(path)
