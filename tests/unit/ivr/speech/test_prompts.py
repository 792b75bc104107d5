"""The prompt library with an engine that is written down: what is made, kept, said, replaced, and what stands in."""

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from callcenter.clock import ManualClock
from callcenter.errors import PartMissing
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.texts import Language, Texts
from callcenter.ivr.speech import flights, prompts
from callcenter.ivr.speech.engine import SpeechEngine, SpeechFailed, Voice
from callcenter.ivr.speech.files import SHIPPED
from callcenter.ivr.speech.prompts import Prepared, PromptLibrary
from callcenter.ivr.speech.said import Keep

pytestmark = pytest.mark.unit

YOUR_ORDER = "Your order {number:digits} is ready."


class FakeEngine:
    """Speaks by writing the text into the file."""

    def __init__(self) -> None:
        self.version = "1"
        self.missing: set[Language] = set()
        self.failing: set[str] = set()
        self.spoken: list[str] = []
        self.during: Callable[[], Awaitable[None]] | None = None
        self.closed = False

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

    async def close(self) -> None:
        """Note it."""
        self.closed = True


def flow(hello: str = "Hello.", **others: str) -> Flow:
    """A prompt in two languages, and others in English only (in Chinese they are 您好)."""
    texts = {"hello": {"en": hello, "zh": "您好。"}}
    texts |= {name: {"en": text, "zh": "您好。"} for name, text in others.items()}
    return Flow.model_validate(
        {
            "flow": "main",
            "default_queue": "support",
            "start": "hello",
            "prompts": texts,
            "nodes": {"hello": {"type": "say", "prompt": "hello"}},
        }
    )


def library(engine: SpeechEngine, folder: Path, recordings: Path | None = None) -> PromptLibrary:
    """Without standard texts, so that counts are the flow's own."""
    return PromptLibrary(engine, folder, recordings, clock=ManualClock(), standard_texts={})


async def hear(
    speaking: PromptLibrary, text: str = "Hello.", language: Language = "en", **values: str
) -> str:
    """What the file says that is played for ``main.hello``."""
    return content(await speaking.sound("main.hello", text, language, values))


def content(path: str) -> str:
    """What a prompt's file says."""
    return Path(path + ".wav").read_text()


def until(event: asyncio.Event) -> Callable[[], Awaitable[None]]:
    """Wait for it."""

    async def wait() -> None:
        await event.wait()

    return wait


def record(folder: Path, *where: str, words: str = "a voice") -> None:
    """Put a recording there."""
    file = folder.joinpath(*where)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(words)


# ------------------------------------------------------------ ahead of callers


async def test_every_prompt_becomes_a_file(tmp_path: Path) -> None:
    """Each prompt in each language has a path of its own, with progress told on the way."""
    told: list[tuple[int, int]] = []
    speaking = library(FakeEngine(), tmp_path)
    assert await speaking.prepare(flow(), lambda done, total: told.append((done, total))) == Prepared(0, 2, 0)
    assert await hear(speaking) == "en:Hello."
    assert await hear(speaking, "您好。", "zh") == "zh:您好。"
    assert told == [(1, 2), (2, 2)]


async def test_what_is_made_is_kept(tmp_path: Path) -> None:
    """A second start speaks nothing; another text or another version of the engine speaks anew."""
    engine = FakeEngine()
    await library(engine, tmp_path).prepare(flow())
    assert await library(engine, tmp_path).prepare(flow()) == Prepared(2, 0, 0)
    assert await library(engine, tmp_path).prepare(flow("Welcome.")) == Prepared(1, 1, 0)
    engine.version = "2"
    assert await library(engine, tmp_path).prepare(flow()) == Prepared(0, 2, 0)


async def test_versions_side_by_side(tmp_path: Path) -> None:
    """A call that is still on the old version of a flow hears its words after the new one is published."""
    engine = FakeEngine()
    speaking = library(engine, tmp_path)
    await speaking.prepare(flow("Hello."))
    await speaking.prepare(flow("Welcome."))
    spoken = len(engine.spoken)
    assert await hear(speaking, "Hello.") == "en:Hello."
    assert await hear(speaking, "Welcome.") == "en:Welcome."
    assert len(engine.spoken) == spoken


async def test_recall_needs_no_engine(tmp_path: Path) -> None:
    """After a restart what was prepared is served without the engine; a missing file or a changed text is told."""
    prepared = flow(order=YOUR_ORDER)
    await library(FakeEngine(), tmp_path).prepare(prepared)
    dead = FakeEngine()
    dead.missing = {"en", "zh"}
    again = library(dead, tmp_path)
    assert await again.recall(prepared)
    path = await again.sound("main.hello", "Hello.", "en", {})
    assert content(path) == "en:Hello."
    assert not await library(dead, tmp_path).recall(flow("Welcome."))
    Path(path + ".wav").unlink()
    assert not await library(dead, tmp_path).recall(prepared)
    (next(tmp_path.glob(".*.json"))).write_text("[[1,2],")
    assert not await library(dead, tmp_path).recall(prepared)


async def test_standard_texts_come_along(tmp_path: Path) -> None:
    """A flow is prepared with the words that every flow has."""
    texts = {"next_in_line": Texts(en="You are next.", zh="您是下一位。")}
    engine = FakeEngine()
    speaking = PromptLibrary(engine, tmp_path, standard_texts=texts)
    assert await speaking.prepare(flow()) == Prepared(0, 4, 0)
    engine.missing = {"en"}
    assert content(await speaking.sound("standard.next_in_line", "You are next.", "en", {})) == (
        "en:You are next."
    )


async def test_where_asterisk_sees_it(tmp_path: Path) -> None:
    """Where Asterisk is on another machine it is told its own path of the same file; also after a restart, and for
    “please hold”."""
    here, there = tmp_path / "here", Path("/mnt/prompts")
    for _ in range(2):
        engine = FakeEngine()
        speaking = PromptLibrary(engine, here, seen_as=there, standard_texts={})
        await speaking.recall(flow())
        await speaking.prepare(flow())
        for text, values in (("Hello.", {}), (YOUR_ORDER, {"number": "12"})):
            path = Path(await speaking.sound("main.x", text, "en", values))
            assert path.is_relative_to(there)
            assert (here / path.relative_to(there).with_suffix(".wav")).is_file()
        engine.failing = {"Bang."}
        with capture_logs():
            hold = Path(await speaking.sound("main.y", "Bang.", "en", {}))
        assert (here / hold.relative_to(there).with_suffix(".wav")).is_file()


async def test_two_processes_at_once(tmp_path: Path) -> None:
    """Two starts that make the same files at the same time both end with whole files."""
    engine = FakeEngine()
    first, second = library(engine, tmp_path), library(FakeEngine(), tmp_path)

    async def other() -> None:
        engine.during = None
        await second.prepare(flow())

    engine.during = other
    await first.prepare(flow())
    assert await hear(first) == await hear(second) == "en:Hello."
    assert not list(tmp_path.rglob(".*.wav"))


# ------------------------------------------------------------ recordings


async def test_a_recording_replaces_speech(tmp_path: Path) -> None:
    """A recorded file is taken for its language; a changed recording is another file; gone, the text is spoken."""
    recordings = tmp_path / "recordings"
    record(recordings, "zh", "hello.wav")
    engine = FakeEngine()
    speaking = library(engine, tmp_path / "made", recordings)
    assert await speaking.prepare(flow()) == Prepared(0, 2, 0)
    assert await hear(speaking, "您好。", "zh") == "a voice"
    assert engine.spoken == ["Hello."]
    record(recordings, "zh", "hello.wav", words="another voice")
    assert await speaking.prepare(flow()) == Prepared(1, 1, 0)
    assert await hear(speaking, "您好。", "zh") == "another voice"
    (recordings / "zh" / "hello.wav").unlink()
    await speaking.prepare(flow())
    assert await hear(speaking, "您好。", "zh") == "zh:您好。"


async def test_a_flow_has_its_own_recording(tmp_path: Path) -> None:
    """A recording for one flow wins over the one for all flows, which other flows still hear."""
    recordings = tmp_path / "recordings"
    record(recordings, "en", "hello.wav", words="for all")
    record(recordings, "main", "en", "hello.wav", words="for main")
    speaking = library(FakeEngine(), tmp_path / "made", recordings)
    await speaking.prepare(flow())
    assert await hear(speaking) == "for main"
    assert content(await speaking.sound("other.hello", "Hello.", "en", {})) == "for all"


async def test_a_recording_replaces_a_text_with_variables(tmp_path: Path) -> None:
    """Whoever records one wants it heard: the values are not said. Removed, they are again."""
    recordings = tmp_path / "recordings"
    record(recordings, "en", "order.wav", words="ready")
    speaking = library(FakeEngine(), tmp_path / "made", recordings)
    await speaking.prepare(flow(order=YOUR_ORDER))
    assert content(await speaking.sound("main.order", YOUR_ORDER, "en", {"number": "1"})) == "ready"
    (recordings / "en" / "order.wav").unlink()
    await speaking.prepare(flow(order=YOUR_ORDER))
    assert content(await speaking.sound("main.order", YOUR_ORDER, "en", {"number": "1"})) != "ready"
    await speaking.close()


async def test_please_hold_can_be_recorded(tmp_path: Path) -> None:
    """What stands in for a prompt can be one's own voice too."""
    record(tmp_path / "r", "standard", "en", "please_hold.wav", words="one moment")
    engine = FakeEngine()
    engine.failing = {"Hello."}
    speaking = library(engine, tmp_path / "made", tmp_path / "r")
    with capture_logs():
        await speaking.prepare(flow())
        assert await hear(speaking) == "one moment"


async def test_a_bad_recording_is_spoken_instead(tmp_path: Path) -> None:
    """A recording that is no sound raises an alarm, and the text is spoken."""
    record(tmp_path, "zh", "hello.wav", words="bad")
    speaking = library(FakeEngine(), tmp_path / "made", tmp_path)
    with capture_logs() as lines:
        assert await speaking.prepare(flow()) == Prepared(0, 2, 0)
    assert await hear(speaking, "您好。", "zh") == "zh:您好。"
    assert [line["alarm"] for line in lines] == ["prompt_failed"]


async def test_a_recording_that_can_not_be_read(tmp_path: Path) -> None:
    """A folder in a recording's place, and one that is far too large, are told and stepped over."""
    (tmp_path / "zh" / "hello.wav").mkdir(parents=True)
    record(tmp_path, "en", "hello.wav")
    os.truncate(tmp_path / "en" / "hello.wav", 1 << 40)
    speaking = library(FakeEngine(), tmp_path / "made", tmp_path)
    with capture_logs() as lines:
        assert await speaking.prepare(flow()) == Prepared(0, 2, 0)
    assert [line["alarm"] for line in lines] == ["prompt_failed", "prompt_failed"]


# ------------------------------------------------------------ with variables


async def test_variables_are_said(tmp_path: Path) -> None:
    """The text is filled in and spoken once for each content, whoever asks and under whatever name."""
    engine = FakeEngine()
    speaking = library(engine, tmp_path)
    first = await speaking.sound("main.order", YOUR_ORDER, "en", {"number": "12"})
    assert content(first).startswith("en:Your order")
    assert "{" not in content(first)
    assert await speaking.sound("main.order", YOUR_ORDER, "en", {"number": "12"}) == first
    assert await speaking.sound("sales.order", YOUR_ORDER, "en", {"number": "12"}) == first
    other = await speaking.sound("main.order", YOUR_ORDER, "en", {"number": "13"})
    assert other != first
    assert len(engine.spoken) == 2
    again = library(engine, tmp_path)
    assert await again.sound("main.order", YOUR_ORDER, "en", {"number": "12"}) == first
    assert len(engine.spoken) == 2
    for one in (speaking, again):
        await one.close()
    assert engine.closed


async def test_one_rendering_for_all_who_wait(tmp_path: Path) -> None:
    """Twenty callers who want the same words at once cause one rendering."""
    engine = FakeEngine()
    going = asyncio.Event()
    engine.during = until(going)
    speaking = library(engine, tmp_path)
    waiting = [asyncio.create_task(hear(speaking, YOUR_ORDER, number="1")) for _ in range(20)]
    await asyncio.sleep(0.05)
    going.set()
    assert len(set(await asyncio.gather(*waiting))) == 1
    assert len(engine.spoken) == 1


async def test_what_was_said_is_private(tmp_path: Path) -> None:
    """Files with values in them are for us and our group only; the group of a setgid folder is kept."""
    tmp_path.chmod(0o2755)
    speaking = library(FakeEngine(), tmp_path)
    await speaking.prepare(flow())
    path = Path(await speaking.sound("main.order", YOUR_ORDER, "en", {"number": "12"}) + ".wav")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o2750


async def test_values_are_never_logged(tmp_path: Path) -> None:
    """A text that can't be spoken is told by its prompt's name, not by its words."""
    engine = FakeEngine()
    speaking = library(engine, tmp_path)
    engine.missing = {"en"}
    with capture_logs() as lines:
        await speaking.sound("main.order", "Dear {name}.", "en", {"name": "Miller"})
    engine.missing = set()
    engine.failing = {"Dear Miller."}
    with capture_logs() as more:
        await library(engine, tmp_path).sound("main.order", "Dear {name}.", "en", {"name": "Miller"})
    assert lines
    assert more
    assert "Miller" not in repr(lines + more)


@pytest.mark.parametrize("value", ["", None, "\x00\x07", "...", "\u202e"])
async def test_nothing_left_to_say(tmp_path: Path, value: str | None) -> None:
    """A text that is empty when it is filled in is “please hold”, without asking the engine."""
    engine = FakeEngine()
    speaking = library(engine, tmp_path)
    with capture_logs() as lines:
        path = await speaking.sound("main.x", "{name}", "en", {"name": value})
    assert Path(path).name == "please_hold"
    assert engine.spoken == []
    assert [line["problem"] for line in lines] == ["there is nothing to say"]


async def test_text_is_cleaned(tmp_path: Path) -> None:
    """Control characters and line breaks of a value don't reach the engine."""
    engine = FakeEngine()
    await library(engine, tmp_path).sound("main.x", "Dear {name}.", "en", {"name": "A\x00\nB\x1b[31m\ud800"})
    assert len(engine.spoken) == 1
    assert engine.spoken[0].isprintable()


# ------------------------------------------------------------ what stands in


async def test_what_can_not_be_spoken_is_please_hold(tmp_path: Path) -> None:
    """A failed prompt is the recorded “please hold” in its language, with one alarm; nothing half made is left, and
    the next preparation tries again."""
    engine = FakeEngine()
    engine.failing = {"您好。"}
    speaking = library(engine, tmp_path)
    with capture_logs() as lines:
        assert await speaking.prepare(flow()) == Prepared(0, 1, 1)
        path = await speaking.sound("main.hello", "您好。", "zh", {})
        assert await speaking.sound("main.hello", "您好。", "zh", {}) == path
    assert Path(path + ".wav").read_bytes() == (SHIPPED / "zh" / "please_hold.wav").read_bytes()
    assert [line["alarm"] for line in lines] == ["prompt_failed"]
    assert [file.name for file in (tmp_path / "zh").iterdir()] == ["please_hold.wav"]
    engine.failing = set()
    assert await speaking.prepare(flow()) == Prepared(1, 1, 0)
    assert await hear(speaking, "您好。", "zh") == "zh:您好。"


async def test_what_failed_rests(tmp_path: Path) -> None:
    """A text that the engine failed at is not tried again for every caller, but again a minute later."""
    engine, clock = FakeEngine(), ManualClock()
    engine.failing = {"Hello."}
    tries = 0

    async def count() -> None:
        nonlocal tries
        tries += 1

    engine.during = count
    speaking = PromptLibrary(engine, tmp_path, clock=clock)
    with capture_logs():
        for _ in range(5):
            await speaking.sound("main.hello", "Hello.", "en", {})
        assert tries == 1
        clock.move(flights.FAILED_FOR + 1)
        engine.failing = set()
        assert await hear(speaking) == "en:Hello."


async def test_no_speech_at_all(tmp_path: Path) -> None:
    """Without any voice the library still gives paths that can be played; also when its folder can't be made, or the
    shipped recording is gone (then it is a tone)."""
    engine = FakeEngine()
    engine.missing = {"en", "zh"}
    with capture_logs() as lines:
        speaking = library(engine, tmp_path / "a")
        assert await speaking.prepare(flow()) == Prepared(0, 0, 2)
        assert Path(await speaking.sound("main.hello", "Hello.", "en", {}) + ".wav").is_file()
    assert {line["alarm"] for line in lines} == {"speech_missing", "prompt_failed"}
    (tmp_path / "file").write_text("")
    with capture_logs() as lines:
        speaking = library(FakeEngine(), tmp_path / "file")
        assert await speaking.prepare(flow()) == Prepared(0, 0, 2)
        assert Path(await speaking.sound("main.hello", "Hello.", "en", {}) + ".wav").is_file()
    assert lines[0]["alarm"] == "prompts_folder"


async def test_the_tone_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where even the shipped recording is missing, a tone is heard."""
    monkeypatch.setattr("callcenter.ivr.speech.files.SHIPPED", tmp_path / "nothing")
    engine = FakeEngine()
    engine.failing = {"Hello.", "您好。"}
    speaking = library(engine, tmp_path)
    with capture_logs():
        await speaking.prepare(flow())
        path = await speaking.sound("main.hello", "Hello.", "en", {})
    assert Path(path).name == "tone"
    assert Path(path + ".wav").stat().st_size > 1000


async def test_a_slow_engine_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the limit the caller hears “please hold”, with one alarm for the name; the rendering goes on, and the
    next caller has it."""
    monkeypatch.setattr(prompts, "LIMIT", 0.05)
    engine = FakeEngine()
    going = asyncio.Event()
    engine.during = until(going)
    speaking = library(engine, tmp_path)
    with capture_logs() as lines:
        for number in ("1", "1", "2"):
            path = await speaking.sound("main.order", YOUR_ORDER, "en", {"number": number})
            assert Path(path).name == "please_hold"
    assert [(line["alarm"], line["problem"]) for line in lines] == [
        ("prompt_failed", "no sound within 0.05 s")
    ]
    going.set()
    await asyncio.sleep(0.05)
    spoken = len(engine.spoken)
    assert "1" in await hear(speaking, YOUR_ORDER, number="1") or spoken == 2
    assert len(engine.spoken) == spoken == 2


async def test_a_caller_who_goes_stops_nothing(tmp_path: Path) -> None:
    """A hang-up in the middle of a rendering ends the wait and not the rendering."""
    engine = FakeEngine()
    going = asyncio.Event()
    engine.during = until(going)
    speaking = library(engine, tmp_path)
    caller = asyncio.create_task(hear(speaking, YOUR_ORDER, number="1"))
    await asyncio.sleep(0.05)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    going.set()
    await asyncio.sleep(0.05)
    assert len(engine.spoken) == 1


async def test_too_much_at_once(tmp_path: Path) -> None:
    """More texts than can be spoken in time are refused at once instead of queued; closing ends the others."""
    engine = FakeEngine()
    engine.during = until(asyncio.Event())
    speaking = library(engine, tmp_path)
    with capture_logs() as lines:
        waiting = [
            asyncio.create_task(speaking.sound(f"main.p{number}", f"Text {number}.", "en", {}))
            for number in range(flights.MAX_FLIGHTS + 5)
        ]
        done, _ = await asyncio.wait(waiting, timeout=0.5)
        assert len(done) == 5
        assert {line["problem"] for line in lines} == {"too many texts at once"}
        await speaking.close()
        paths = await asyncio.gather(*waiting)
        assert {Path(path).name for path in paths} == {"please_hold"}
        late = await speaking.sound("main.late", "Late.", "en", {})
        assert Path(late).name == "please_hold"


async def test_an_engine_with_a_fault(tmp_path: Path) -> None:
    """An engine that raises what it must not is an alarm and a fault in the log, and the caller hears something."""

    async def fault() -> None:
        raise ZeroDivisionError

    engine = FakeEngine()
    engine.during = fault
    with capture_logs() as lines:
        path = await library(engine, tmp_path).sound("main.x", "Hello.", "en", {})
    assert Path(path).name == "please_hold"
    assert [line["event"] for line in lines] == ["task failed", "prompt can't be had"]


# ------------------------------------------------------------ bounds


async def test_what_is_said_is_bounded(tmp_path: Path) -> None:
    """Beyond the bound the files that were used longest ago go, but none that was used within ten minutes; when all
    are in use, there are at most twice as many."""
    clock = ManualClock()
    speaking = PromptLibrary(FakeEngine(), tmp_path, keep=Keep(files=3), clock=clock)

    async def say(number: int) -> Path:
        return Path(await speaking.sound("main.x", "Number {n}.", "en", {"n": number}) + ".wav")

    first = await say(1)
    for number in (2, 3):
        clock.move(300)
        await say(number)
    clock.move(200)
    assert await say(1) == first
    clock.move(500)
    fourth = await say(4)
    assert first.is_file()
    assert fourth.is_file()
    assert len(list(first.parent.iterdir())) == 3
    with capture_logs() as lines:
        files = [await say(number) for number in range(5, 12)]
    assert sum(file.stem != "please_hold" for file in files) == 4  # beside the first and the fourth
    assert len(list(first.parent.iterdir())) == 6
    assert [line["problem"] for line in lines] == ["all that is kept of spoken texts is in use"]


async def test_bounds_hold_over_restarts(tmp_path: Path) -> None:
    """Files of earlier runs are counted, oldest first; what a killed run left half made is removed; a file that
    somebody deleted is made again."""
    clock = ManualClock()
    old = tmp_path / "said"
    old.mkdir()
    wall = clock.wall().timestamp()
    for number in range(4):
        (old / f"{number}.wav").write_bytes(b"x" * 1024 * 1024)
        os.utime(old / f"{number}.wav", (wall - 5000 + number, wall - 5000 + number))
    (old / ".half-12345678.wav").write_bytes(b"x")
    os.utime(old / ".half-12345678.wav", (wall - 5000, wall - 5000))
    speaking = PromptLibrary(FakeEngine(), tmp_path, keep=Keep(mib=2), clock=clock, standard_texts={})
    await speaking.prepare(flow())
    path = Path(await speaking.sound("main.x", "Number {n}.", "en", {"n": 1}) + ".wav")
    assert sorted(file.name for file in old.iterdir()) == sorted(["3.wav", path.name])
    path.unlink()
    clock.move(61)
    assert await hear(speaking, "Number {n}.", n="1") == "en:Number 1."
