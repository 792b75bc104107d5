"""The children that speak, and what they do wrong: hang, crash, talk rubbish, die, fill the disk."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from callcenter.clock import ManualClock
from callcenter.errors import PartMissing
from callcenter.ivr.speech.engine import Pyttsx3Engine, SpeechFailed
from callcenter.ivr.speech.worker import MAX_FAILED_STARTS, REST, NoAnswer, Workers

pytestmark = pytest.mark.integration

CHILD = """
import json, os, sys, time
open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    say = request["say"]
    if say == "hang": time.sleep(60)
    if say == "crash": os.abort()
    if say == "half": print('{"id":', end="", flush=True); os._exit(1)
    if say == "noise": print("noise", flush=True)
    if say == "flood": print("x" * 1000000, flush=True)
    if say == "list": print("[1]", flush=True)
    if say == "other": print(json.dumps({"id": -1, "said": "other"}), flush=True)
    if say == "refuse": print(json.dumps({"id": request["id"], "error": "no"}), flush=True); continue
    print(json.dumps({"id": request["id"], "said": say}), flush=True)
"""


class Ground:
    """Workers that run ``CHILD``, and which processes there were."""

    def __init__(self, folder: Path, *, count: int = 1, max_requests: int = 100) -> None:
        self._note = folder / "pids"
        program = (sys.executable, "-c", CHILD, str(self._note))
        self.workers = Workers(program, count=count, max_requests=max_requests)

    @property
    def pids(self) -> list[int]:
        """Of all children so far."""
        return [int(line) for line in self._note.read_text().split()]

    async def say(self, text: str, seconds: float = 5.0) -> str:
        """The answer."""
        return str((await self.workers.ask({"say": text}, seconds))["said"])


@asynccontextmanager
async def ground(folder: Path, *, count: int = 1, max_requests: int = 100) -> AsyncIterator[Ground]:
    """Closed at the end, with no process left."""
    there = Ground(folder, count=count, max_requests=max_requests)
    try:
        yield there
    finally:
        await there.workers.close()
        assert not any(lives(pid) for pid in there.pids)


def lives(pid: int) -> bool:
    """Is there such a process?"""
    return Path(f"/proc/{pid}").exists()


async def test_one_child_for_many(tmp_path: Path) -> None:
    """The child stays from request to request, until it is old."""
    async with ground(tmp_path, max_requests=10) as there:
        assert [await there.say(str(n)) for n in range(10)] == [str(n) for n in range(10)]
        assert len(there.pids) == 1
        await there.say("next")
        assert len(there.pids) == 2
        assert not lives(there.pids[0])


async def test_at_most_so_many_children(tmp_path: Path) -> None:
    """Twenty requests at once are answered by two children, each with its own answer."""
    async with ground(tmp_path, count=2) as there:
        answers = await asyncio.gather(*(there.say(str(n)) for n in range(20)))
        assert answers == [str(n) for n in range(20)]
        assert len(there.pids) == 2


async def test_a_refusal_keeps_the_child(tmp_path: Path) -> None:
    """A text that can't be spoken is no reason to start anew."""
    async with ground(tmp_path) as there:
        with pytest.raises(NoAnswer, match="no"):
            await there.say("refuse")
        assert await there.say("a") == "a"
        assert len(there.pids) == 1


@pytest.mark.parametrize("fault", ["crash", "half", "noise", "flood", "list", "other"])
async def test_a_child_that_goes_wrong_is_replaced(tmp_path: Path, fault: str) -> None:
    """Whatever a child does, its request fails, and the next is answered rightly by a fresh one."""
    async with ground(tmp_path) as there:
        assert await there.say("a") == "a"
        with pytest.raises(NoAnswer):
            await there.say(fault)
        assert await there.say("b") == "b"
        assert len(there.pids) > 1


async def test_a_child_that_hangs_is_killed(tmp_path: Path) -> None:
    """At the limit it is gone; who waits behind it is served then."""
    async with ground(tmp_path) as there:
        await there.say("a")
        hanging = asyncio.create_task(there.say("hang", 0.3))
        await asyncio.sleep(0.05)
        behind = asyncio.create_task(there.say("b"))
        with pytest.raises(NoAnswer, match=r"within 0\.3 s"):
            await hanging
        assert await behind == "b"
        assert not lives(there.pids[0])


async def test_who_gives_up_leaves_no_child(tmp_path: Path) -> None:
    """A request that is cancelled takes its child with it: its late answer can't be another's."""
    async with ground(tmp_path) as there:
        await there.say("a")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await there.say("hang", 60)
        assert not lives(there.pids[0])
        assert await there.say("b") == "b"


async def test_a_child_killed_from_outside(tmp_path: Path) -> None:
    """Killed between two requests, or in the middle of one: nobody notices, a fresh one answers."""
    async with ground(tmp_path) as there:
        await there.say("a")
        os.kill(there.pids[0], signal.SIGKILL)
        assert await there.say("b") == "b"
        await asyncio.sleep(0.1)
        os.kill(there.pids[1], signal.SIGSTOP)
        asking = asyncio.create_task(there.say("c"))
        await asyncio.sleep(0.1)
        os.kill(there.pids[1], signal.SIGKILL)
        assert await asking == "c"


async def test_what_can_not_start_is_left_alone() -> None:
    """After three starts that failed, requests fail at once for a while instead of starting processes."""
    clock = ManualClock()
    workers = Workers((sys.executable, "-c", "raise SystemExit(3)"), count=1, clock=clock)
    for _ in range(MAX_FAILED_STARTS):
        with pytest.raises(NoAnswer, match="ended"):
            await workers.ask({}, 5)
    with pytest.raises(NoAnswer, match="a moment ago"):
        await workers.ask({}, 5)
    clock.move(REST)
    with pytest.raises(NoAnswer, match="ended"):
        await workers.ask({}, 5)
    nobody = Workers(("/no/such/program",), count=1)
    with pytest.raises(NoAnswer, match="can't be started"):
        await nobody.ask({}, 5)
    await workers.close()


# ------------------------------------------------------------ the real one


@asynccontextmanager
async def pyttsx3(limit: float = 5.0) -> AsyncIterator[Pyttsx3Engine]:
    """The real engine, closed at the end."""
    engine = Pyttsx3Engine(limit=limit)
    try:
        yield engine
    finally:
        await engine.close()


async def test_the_same_text_is_the_same_sound(tmp_path: Path) -> None:
    """Many texts from one child are each as from a fresh one: nothing of one text is left in the next."""
    async with pyttsx3() as engine:
        await engine.speak("Your order is ready.", "en", tmp_path / "first.wav")
        for number in range(25):
            await engine.speak("您的订单。", "zh", tmp_path / "between.wav")
            await engine.speak("Your order is ready.", "en", tmp_path / f"{number}.wav")
        sounds = {file.read_bytes() for file in tmp_path.glob("*.wav") if file.stem != "between"}
    assert len(sounds) == 1


async def test_a_full_disk(tmp_path: Path) -> None:
    """Where the sound can't be written it is an error in words, and the engine goes on."""
    async with pyttsx3() as engine:
        with pytest.raises(SpeechFailed, match="No space left"):
            await engine.speak("Hello.", "en", Path("/dev/full"))
        with pytest.raises(SpeechFailed, match="No such file"):
            await engine.speak("Hello.", "en", tmp_path / "no" / "x.wav")
        assert await engine.speak("Hello.", "en", tmp_path / "x.wav") > 0.2


async def test_texts_that_try_things(tmp_path: Path) -> None:
    """Text is only spoken: mark-up, option-like text and shell marks are no orders; a text without a sound is an
    error, and the next is spoken."""
    async with pyttsx3() as engine:
        for text in ("--version", "<audio src='/etc/passwd'/>hello", "$(id); `id` | hello", "[[f00]] hello"):
            assert await engine.speak(text, "en", tmp_path / "x.wav") > 0.2
        for text in (" \t ", "\ud800\udfff", "\x00"):
            with pytest.raises(SpeechFailed):
                await engine.speak(text, "en", tmp_path / "y.wav")
        with contextlib.suppress(SpeechFailed):
            await engine.speak("\x1b[2J\x00\n", "en", tmp_path / "y.wav")
        assert await engine.speak("Hello.", "en", tmp_path / "x.wav") > 0.2


async def test_an_unknown_voice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyttsx3 itself would go on with another voice."""
    monkeypatch.setattr("callcenter.ivr.speech.engine.VOICES", {"en": "xx-none", "zh": "cmn"})
    async with pyttsx3() as engine:
        with pytest.raises(SpeechFailed):
            await engine.speak("Hello.", "en", tmp_path / "x.wav")
        with pytest.raises(PartMissing, match="xx-none"):
            await engine.voice("en")


async def test_an_engine_that_can_not_start() -> None:
    """A missing library is a missing part, with what to do."""
    engine = Pyttsx3Engine(program=(sys.executable, "-c", "raise SystemExit(1)"))
    with pytest.raises(PartMissing, match="espeak-ng"):
        await engine.voice("en")
    await engine.close()
