"""The prompt library with an engine that is written down: what is made, kept, replaced, and what stands in."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from callcenter.errors import PartMissing
from callcenter.ids import QueueName
from callcenter.ivr.flow.flow import Flow, Language
from callcenter.ivr.flow.loader import parse_flow
from callcenter.ivr.speech.engine import SpeechFailed, Voice
from callcenter.ivr.speech.prompts import Prepared, PromptLibrary

pytestmark = pytest.mark.unit


class FakeEngine:
    """Speaks by writing the text into the file."""

    def __init__(self) -> None:
        self.version = "1"
        self.missing: set[Language] = set()
        self.failing: set[str] = set()
        self.spoken: list[str] = []
        self.during: Callable[[], Awaitable[None]] | None = None

    async def voice(self, language: Language) -> Voice:
        """The same voice for all, unless it is missing."""
        if language in self.missing:
            raise PartMissing("no such voice")
        return Voice("fake", self.version, "v", 100)

    async def speak(self, text: str, language: Language, target: Path) -> float:
        """Write, or fail half way."""
        if self.during is not None:
            await self.during()
        target.write_text(f"{language}:{text}")
        if text in self.failing:
            raise SpeechFailed("no speech within 10 s")
        self.spoken.append(text)
        return 1.0

    async def convert(self, recording: Path, target: Path) -> float:
        """Copy, or refuse."""
        if b"bad" in recording.read_bytes():
            raise SpeechFailed("this is no WAV file")
        target.write_bytes(recording.read_bytes())
        return 1.0


def flow(hello: str = "Hello.") -> Flow:
    """One prompt in two languages."""
    text = f"""
flow: main
default_queue: support
start: hello
prompts: {{hello: {{en: {hello}, zh: 您好。}}}}
nodes: {{hello: {{type: say, prompt: hello}}}}
"""
    return parse_flow(text.encode(), "f.yaml", [QueueName("support")])


def content(path: str) -> str:
    """What a prompt's file says."""
    return Path(path + ".wav").read_text()


async def test_every_prompt_becomes_a_file(tmp_path: Path) -> None:
    """Each prompt in each language has a path of its own, with progress told on the way."""
    told: list[tuple[int, int]] = []
    library = PromptLibrary(FakeEngine(), tmp_path)
    assert await library.prepare(flow(), lambda done, total: told.append((done, total))) == Prepared(0, 2, 0)
    assert content(library.path("main.hello", "en")) == "en:Hello."
    assert content(library.path("main.hello", "zh")) == "zh:您好。"
    assert told == [(1, 2), (2, 2)]


async def test_what_is_made_is_kept(tmp_path: Path) -> None:
    """A second start speaks nothing; another text or another version of the engine speaks anew."""
    engine = FakeEngine()
    await PromptLibrary(engine, tmp_path).prepare(flow())
    library = PromptLibrary(engine, tmp_path)
    assert await library.prepare(flow()) == Prepared(2, 0, 0)
    before = library.path("main.hello", "en")
    assert await library.prepare(flow("Welcome.")) == Prepared(1, 1, 0)
    assert library.path("main.hello", "en") != before
    engine.version = "2"
    assert await library.prepare(flow()) == Prepared(0, 2, 0)


async def test_a_recording_replaces_speech(tmp_path: Path) -> None:
    """A recorded file is taken for its language; a changed recording is another file."""
    recordings = tmp_path / "recordings"
    (recordings / "zh").mkdir(parents=True)
    (recordings / "zh" / "hello.wav").write_text("a voice")
    engine = FakeEngine()
    library = PromptLibrary(engine, tmp_path / "made", recordings)
    assert await library.prepare(flow()) == Prepared(0, 2, 0)
    assert content(library.path("main.hello", "zh")) == "a voice"
    assert engine.spoken == ["Hello."]
    (recordings / "zh" / "hello.wav").write_text("another voice")
    assert await library.prepare(flow()) == Prepared(1, 1, 0)
    assert content(library.path("main.hello", "zh")) == "another voice"


async def test_a_bad_recording_is_spoken_instead(tmp_path: Path) -> None:
    """A recording that is no sound raises an alarm, and the text is spoken."""
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "hello.wav").write_text("bad")
    library = PromptLibrary(FakeEngine(), tmp_path / "made", tmp_path)
    with capture_logs() as lines:
        assert await library.prepare(flow()) == Prepared(0, 2, 0)
    assert content(library.path("main.hello", "zh")) == "zh:您好。"
    assert [line["alarm"] for line in lines] == ["prompt_failed"]


async def test_a_recording_that_can_not_be_read(tmp_path: Path) -> None:
    """A folder in a recording's place is told and stepped over."""
    (tmp_path / "zh" / "hello.wav").mkdir(parents=True)
    library = PromptLibrary(FakeEngine(), tmp_path / "made", tmp_path)
    with capture_logs() as lines:
        assert await library.prepare(flow()) == Prepared(0, 2, 0)
    assert [line["alarm"] for line in lines] == ["prompt_failed"]


async def test_what_can_not_be_spoken_is_a_tone(tmp_path: Path) -> None:
    """A failed prompt is the tone, with an alarm; nothing half made is left, and the next start tries again."""
    engine = FakeEngine()
    engine.failing = {"您好。"}
    library = PromptLibrary(engine, tmp_path)
    with capture_logs() as lines:
        assert await library.prepare(flow()) == Prepared(0, 1, 1)
        stand_in = library.path("main.hello", "zh")
        assert library.path("main.hello", "zh") == stand_in
    assert [line["alarm"] for line in lines] == ["prompt_failed", "prompt_missing"]
    assert Path(stand_in + ".wav").stat().st_size > 1000
    assert list((tmp_path / "zh").iterdir()) == []
    engine.failing = set()
    assert await library.prepare(flow()) == Prepared(1, 1, 0)
    assert library.path("main.hello", "zh") != stand_in


async def test_no_speech_at_all(tmp_path: Path) -> None:
    """Without any voice the library still gives paths that can be played."""
    engine = FakeEngine()
    engine.missing = {"en", "zh"}
    library = PromptLibrary(engine, tmp_path)
    with capture_logs() as lines:
        assert await library.prepare(flow()) == Prepared(0, 0, 2)
    assert [line["alarm"] for line in lines] == ["speech_missing", "speech_missing"]
    with capture_logs():
        assert Path(library.path("main.hello", "en") + ".wav").is_file()


async def test_two_processes_at_once(tmp_path: Path) -> None:
    """Two starts that make the same files at the same time both end with whole files."""
    engine = FakeEngine()
    first, second = PromptLibrary(engine, tmp_path), PromptLibrary(FakeEngine(), tmp_path)

    async def other() -> None:
        engine.during = None
        await second.prepare(flow())

    engine.during = other
    await first.prepare(flow())
    assert content(first.path("main.hello", "en")) == content(second.path("main.hello", "en")) == "en:Hello."
    assert not list(tmp_path.rglob(".*.wav"))
