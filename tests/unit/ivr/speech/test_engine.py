"""Which engine speaks which language, what a speech command must look like, and work that is shared."""

import asyncio
from pathlib import Path

import pytest

from callcenter.clock import ManualClock
from callcenter.errors import PartMissing
from callcenter.ivr.flow.texts import Language
from callcenter.ivr.speech.command_engine import CommandEngine
from callcenter.ivr.speech.engine import Engines, SpeechFailed, Voice
from callcenter.ivr.speech.flights import FAILED_FOR, Flights

pytestmark = pytest.mark.unit


class Speaker:
    """Speaks the languages it is told to."""

    def __init__(self, name: str, *languages: Language) -> None:
        self.name = name
        self.languages = languages
        self.did: list[str] = []

    async def voice(self, language: Language) -> Voice:
        """Its own, if it can."""
        if language not in self.languages:
            raise PartMissing(f"{self.name} does not speak {language}")
        return Voice(self.name, "1", language, 0)

    async def speak(self, text: str, language: Language, target: Path) -> float:
        """Note it."""
        del language, target
        self.did.append(text)
        return 1.0

    async def convert(self, recording: Path, target: Path) -> float:
        """Note it."""
        del recording, target
        self.did.append("convert")
        return 1.0

    async def close(self) -> None:
        """Note it."""
        self.did.append("close")


async def test_the_first_that_speaks_the_language() -> None:
    """Each language is spoken by the first engine that can; all are closed; nobody is an error and no crash."""
    english, both = Speaker("english", "en"), Speaker("both", "en", "zh")
    engines = Engines([english, both])
    assert (await engines.voice("en")).engine == "english"
    assert (await engines.voice("zh")).engine == "both"
    await engines.speak("Hello.", "en", Path("x"))
    await engines.speak("您好。", "zh", Path("x"))
    await engines.convert(Path("r"), Path("x"))
    await engines.close()
    assert english.did == ["Hello.", "close"]
    assert both.did == ["您好。", "convert", "close"]
    with pytest.raises(PartMissing, match="does not speak zh"):
        await Engines([english]).voice("zh")
    with pytest.raises(SpeechFailed, match="does not speak zh"):
        await Engines([english]).speak("您好。", "zh", Path("x"))
    with pytest.raises(PartMissing):
        await Engines([]).voice("en")


@pytest.mark.parametrize(
    "command", [[], ["flite"], ["flite", "-f", "{text}"], ["{wav}"], ["{text}", "{wav}"]]
)
def test_commands_that_can_not_work(command: list[str]) -> None:
    """A command without a program, or without a place for its sound, is refused when it is set."""
    with pytest.raises(ValueError, match="speech command"):
        CommandEngine(command, ["en"])


async def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    """A program that is not installed, or a language it is not set to speak, is a missing voice."""
    engine = CommandEngine(["no-such-program", "{wav}"], ["en"])
    with pytest.raises(PartMissing, match="no-such-program"):
        await engine.voice("en")
    with pytest.raises(PartMissing, match="zh"):
        await engine.voice("zh")
    with pytest.raises(SpeechFailed, match="zh"):
        await engine.speak("您好。", "zh", tmp_path / "x.wav")
    await engine.close()


async def test_work_is_shared_and_rests() -> None:
    """Who joins work under way waits for the same; what failed is not begun again for a while, unless asked."""
    clock = ManualClock()
    flights = Flights[int]("test", clock)
    going = asyncio.Event()
    begun: list[str] = []

    async def work() -> int:
        begun.append("work")
        await going.wait()
        return 7

    async def fail() -> int:
        begun.append("fail")
        raise SpeechFailed("no")

    joined = [asyncio.create_task(flights.join("a", work)) for _ in range(3)]
    await asyncio.sleep(0)
    going.set()
    assert await asyncio.gather(*joined) == [7, 7, 7]
    for _ in range(3):
        with pytest.raises(SpeechFailed, match="no"):
            await flights.join("b", fail)
    assert begun == ["work", "fail"]
    with pytest.raises(SpeechFailed):
        await flights.join("b", fail, again=True)
    assert begun == ["work", "fail", "fail"]
    clock.move(FAILED_FOR)
    assert await flights.join("b", work) == 7
    await flights.close()
    with pytest.raises(SpeechFailed, match="ends"):
        await flights.join("c", work)
