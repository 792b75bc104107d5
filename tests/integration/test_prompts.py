"""Prompts with the real pyttsx3 and espeak-ng, and with engines that are commands."""

import asyncio
import shutil
import sys
import wave
from array import array
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from callcenter.errors import PartMissing
from callcenter.ivr.flow import template
from callcenter.ivr.flow.checks.finding import Known
from callcenter.ivr.flow.loader import load_flow
from callcenter.ivr.flow.texts import LANGUAGES
from callcenter.ivr.speech.command_engine import CommandEngine
from callcenter.ivr.speech.engine import Engines, Pyttsx3Engine, SpeechEngine, SpeechFailed
from callcenter.ivr.speech.prompts import Prepared, PromptLibrary
from callcenter.ivr.speech.sound import Samples
from callcenter.ivr.walk.standard import STANDARD

pytestmark = pytest.mark.integration

FLOW = Path(__file__).parents[2] / "ivr_flows" / "main.yaml"
ESPEAK = ["espeak-ng", "-v", "en-us", "-f", "{text}", "-w", "{wav}"]
FLITE = ["flite", "-f", "{text}", "-o", "{wav}"]
YOUR_ORDER = "Your order {number:digits} is ready."


def samples(path: Path) -> Samples:
    """A file's samples, if it is what Asterisk plays."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        return array("h", file.readframes(file.getnframes()))


def loudness(sound: Samples) -> float:
    """Root mean square."""
    return float((sum(value * value for value in sound) / len(sound)) ** 0.5)


@asynccontextmanager
async def speaking(folder: Path, engine: SpeechEngine | None = None) -> AsyncIterator[PromptLibrary]:
    """A library, closed at the end."""
    library = PromptLibrary(engine or Pyttsx3Engine(), folder)
    try:
        yield library
    finally:
        await library.close()


async def test_the_main_flow_is_spoken(tmp_path: Path) -> None:
    """Every shipped prompt without variables becomes audible 8 kHz sound, the two languages differ, the greeting is
    short; a second start finds all of it, and the loop is never held up."""
    flow = load_flow(FLOW, Known())
    async with speaking(tmp_path) as library:
        assert await _free_share_during(library.prepare(flow)) > 0.1
        fixed = {name: texts for name, texts in flow.prompts.items() if template.parse(texts.en).fixed}
        for name, texts in fixed.items():
            english, chinese = [
                samples(
                    Path(await library.sound(f"main.{name}", texts.within(language), language, {}) + ".wav")
                )
                for language in LANGUAGES
            ]
            assert loudness(english) > 500
            assert loudness(chinese) > 500
            assert english[:4000] != chinese[:4000]
            if name == "welcome":
                assert max(len(english), len(chinese)) / 8000 <= 2.5
        every_flow = sum(template.parse(texts.en).fixed for texts in STANDARD.values())
        assert await library.prepare(flow) == Prepared(2 * (len(fixed) + every_flow), 0, 0)


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


async def test_variables_are_heard(tmp_path: Path) -> None:
    """A text with a value is spoken while the caller waits: a longer value is a longer sound, the same value the same
    file, in both languages."""
    async with speaking(tmp_path) as library:
        short = await library.sound("main.order", YOUR_ORDER, "en", {"number": "7"})
        long = await library.sound("main.order", YOUR_ORDER, "en", {"number": "777777"})
        assert len(samples(Path(long + ".wav"))) > len(samples(Path(short + ".wav"))) + 4000
        assert await library.sound("main.order", YOUR_ORDER, "en", {"number": "7"}) == short
        chinese = await library.sound("main.order", "您的订单{number:digits}。", "zh", {"number": "7"})
        assert loudness(samples(Path(chinese + ".wav"))) > 500


async def test_a_dead_engine_while_calls_go_on(tmp_path: Path) -> None:
    """With an engine that hangs every caller hears the recorded “please hold” in time, and one alarm is raised."""
    hanging = Pyttsx3Engine(limit=0.3, program=(sys.executable, "-c", "import time; time.sleep(60)"))
    async with speaking(tmp_path, hanging) as library:
        with capture_logs() as lines:
            async with asyncio.timeout(5):
                paths = await asyncio.gather(
                    *(library.sound("main.order", YOUR_ORDER, "en", {"number": n}) for n in range(20))
                )
        assert {loudness(samples(Path(path + ".wav"))) > 500 for path in paths} == {True}
        assert [line["alarm"] for line in lines].count("prompt_failed") == 1


async def test_mandarin_is_mandarin(tmp_path: Path) -> None:
    """Characters are spoken as syllables. espeak-ng's other Mandarin voice reads the tone of each as an English
    word, and takes 2.9 s for these eight."""
    engine = Pyttsx3Engine()
    assert 1.5 < await engine.speak("文文文文文文文文", "zh", tmp_path / "x.wav") < 2.5
    await engine.close()


async def test_a_long_text_is_spoken_to_its_end(tmp_path: Path) -> None:
    """A thousand characters are not cut off when the library's own wait returns early, nor by the limit."""
    engine = Pyttsx3Engine()
    assert await engine.speak("One two three four five. " * 40, "en", tmp_path / "long.wav") > 40
    await engine.close()


# ------------------------------------------------------------ engines that are commands


async def test_another_engine(tmp_path: Path) -> None:
    """A command speaks one language and pyttsx3 the other; both are heard, and their files are not mixed up."""
    command = CommandEngine(ESPEAK, ["en"])
    voice = await command.voice("en")
    assert voice.engine == "espeak-ng"
    assert voice == await CommandEngine(ESPEAK, ["en"]).voice("en")
    assert voice != await CommandEngine([*ESPEAK, "-p", "60"], ["en"]).voice("en")
    text = STANDARD["please_hold"]
    async with speaking(tmp_path, Engines([command, Pyttsx3Engine()])) as library:
        paths = [
            await library.sound("main.hello", text.within(language), language, {}) for language in LANGUAGES
        ]
    for path in paths:
        sound = samples(Path(path + ".wav"))
        assert loudness(sound) > 500
        assert 0.5 < len(sound) / 8000 < 4
    async with speaking(tmp_path) as library:
        assert await library.sound("main.hello", text.en, "en", {}) != paths[0]
        assert await library.sound("main.hello", text.zh, "zh", {}) == paths[1]


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed (apt-get install flite)")
async def test_flite(tmp_path: Path) -> None:
    """The Debian package flite speaks English."""
    engine = CommandEngine(FLITE, ["en"])
    assert 0.8 < await engine.speak("Please hold the line.", "en", tmp_path / "x.wav") < 3
    assert loudness(samples(tmp_path / "x.wav")) > 300
    await engine.close()


async def test_a_command_that_reads_its_input(tmp_path: Path) -> None:
    """A program without ``{text}`` in its command gets the text on its input, never as an argument."""
    engine = CommandEngine(["espeak-ng", "--stdin", "-w", "{wav}"], ["en"])
    for text in ("Please hold.", "--version", "$(id)", "-f /etc/passwd"):
        assert 0.3 < await engine.speak(text, "en", tmp_path / "x.wav") < 3
    await engine.close()


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["sh", "-c", "sleep 60 & sleep 60", "{wav}"], r"within 0\.\d+ s"),
        (["false", "{wav}"], "ended with 1"),
        (["sh", "-c", "kill -9 $$", "{wav}"], "ended with -9"),
        (["true", "{wav}"], "No such file"),
        (["cp", "/etc/passwd", "{wav}"], "no WAV file"),
        (["cp", "/dev/null", "{wav}"], "no WAV file"),
        (["no-such-program", "{wav}"], "ended with 127"),
    ],
)
async def test_commands_that_go_wrong(tmp_path: Path, command: list[str], problem: str) -> None:
    """A command that hangs (with children of its own), fails, dies or makes no sound is an error in words; nothing is
    left, neither process nor file."""
    engine = CommandEngine(command, ["en"], limit=0.5)
    before = _sleepers()
    with pytest.raises(SpeechFailed, match=problem):
        await engine.speak("Hello.", "en", tmp_path / "x.wav")
    await engine.close()
    assert list(tmp_path.iterdir()) == []
    async with asyncio.timeout(2):
        while _sleepers() - before:
            await asyncio.sleep(0.02)


def _sleepers() -> set[str]:
    """The processes that are ``sleep 60``."""
    found = set()
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if line.read_bytes() == b"sleep\x0060\x00":
                found.add(line.parent.name)
        except OSError:
            continue
    return found


async def test_a_missing_voice_is_a_missing_part() -> None:
    """Where no engine speaks a language, that is said with what to do."""
    engines = Engines([CommandEngine(["no-such-program", "{wav}"], ["en"])])
    with pytest.raises(PartMissing, match="install it"):
        await engines.voice("en")
    await engines.close()
