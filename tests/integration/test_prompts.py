"""Prompts with the real pyttsx3 and espeak-ng in its child process."""

import asyncio
import sys
import wave
from array import array
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from callcenter.errors import PartMissing
from callcenter.ids import QueueName
from callcenter.ivr.flow.loader import Known, load_flow
from callcenter.ivr.speech.engine import Pyttsx3Engine, SpeechFailed
from callcenter.ivr.speech.prompts import Prepared, PromptLibrary
from callcenter.ivr.speech.sound import Samples

pytestmark = pytest.mark.integration

FLOW = Path(__file__).parents[2] / "ivr_flows" / "main.yaml"
QUEUES = [QueueName("sales"), QueueName("support"), QueueName("complaints")]


def samples(path: Path) -> Samples:
    """A file's samples, if it is what Asterisk plays."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        return array("h", file.readframes(file.getnframes()))


def loudness(sound: Samples) -> float:
    """Root mean square."""
    return float((sum(value * value for value in sound) / len(sound)) ** 0.5)


async def test_the_main_flow_is_spoken(tmp_path: Path) -> None:
    """Every prompt that is shipped becomes audible 8 kHz sound, the two languages differ, the greeting is short;
    a second start finds all of it, and the loop is never held up."""
    flow = load_flow(FLOW, Known(queues=QUEUES))
    library = PromptLibrary(Pyttsx3Engine(), tmp_path)
    assert await _free_share_during(library.prepare(flow)) > 0.3
    for name in flow.prompts:
        english = samples(Path(library.path(f"main.{name}", "en") + ".wav"))
        chinese = samples(Path(library.path(f"main.{name}", "zh") + ".wav"))
        assert loudness(english) > 500
        assert loudness(chinese) > 500
        assert english[:4000] != chinese[:4000]
        if name == "welcome":
            assert max(len(english), len(chinese)) / 8000 <= 2.5
    assert await library.prepare(flow) == Prepared(2 * len(flow.prompts), 0, 0)


async def _free_share_during(work: Coroutine[Any, Any, Prepared]) -> float:
    """The share of 5 ms ticks that came while the work ran; held up by each prompt, it would be near nothing."""
    loop = asyncio.get_running_loop()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    start = loop.time()
    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(tick())
        prepared = await work
        ticking.cancel()
    assert prepared.failed == 0
    return ticks * 0.005 / (loop.time() - start)


async def test_mandarin_is_mandarin(tmp_path: Path) -> None:
    """Characters are spoken as syllables. espeak-ng's other Mandarin voice reads the tone of each as an English
    word, and takes 2.9 s for these eight."""
    assert 1.5 < await Pyttsx3Engine().speak("文文文文文文文文", "zh", tmp_path / "x.wav") < 2.5


async def test_a_long_text_is_spoken_to_its_end(tmp_path: Path) -> None:
    """A thousand characters are not cut off when the library's own wait returns early."""
    engine = Pyttsx3Engine(limit=60)
    assert await engine.speak("One two three four five. " * 40, "en", tmp_path / "long.wav") > 40


async def test_an_engine_that_hangs_is_killed(tmp_path: Path) -> None:
    """A child that never answers is killed at the limit, and is gone."""
    note = tmp_path / "pid"
    script = (
        "import os,sys,time,pathlib; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"
    )
    engine = Pyttsx3Engine(limit=0.5, program=(sys.executable, "-c", script, str(note)))
    with pytest.raises(SpeechFailed, match=r"within 0\.5 s"):
        await engine.speak("x", "en", tmp_path / "x.wav")
    assert not Path(f"/proc/{note.read_text()}").exists()
    with pytest.raises(PartMissing, match="espeak-ng"):
        await engine.voice("en")


async def test_a_cancelled_render_leaves_no_child(tmp_path: Path) -> None:
    """Stopping in the middle of a prompt kills its child."""
    note = tmp_path / "pid"
    script = (
        "import os,sys,time,pathlib; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"
    )
    engine = Pyttsx3Engine(program=(sys.executable, "-c", script, str(note)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await engine.speak("x", "en", tmp_path / "x.wav")
    assert not Path(f"/proc/{note.read_text()}").exists()


@pytest.mark.parametrize("script", ["raise SystemExit(3)", "print('noise')", "import os; os.abort()"])
async def test_an_engine_that_crashes(script: str, tmp_path: Path) -> None:
    """A child that ends badly, or says what is no answer, is an error and nothing more."""
    engine = Pyttsx3Engine(program=(sys.executable, "-c", script))
    with pytest.raises(SpeechFailed, match="ended with"):
        await engine.speak("x", "en", tmp_path / "x.wav")
    assert not (tmp_path / "x.wav").exists()


async def test_texts_that_try_things(tmp_path: Path) -> None:
    """Text is only spoken: mark-up, option-like text and shell marks are no orders."""
    engine = Pyttsx3Engine()
    for text in ("--version", "<audio src='/etc/passwd'/>hello", "$(id); `id` | hello", "[[f00]] hello"):
        assert await engine.speak(text, "en", tmp_path / "x.wav") > 0.2
