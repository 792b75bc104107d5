"""Callers in flows, and what goes wrong: they hang up anywhere, flood keys, type secrets; the core dies; a flow changes
under them. The whole product on a real Asterisk."""

import asyncio
import contextlib
import shutil
import sqlite3
import subprocess
import sys
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from callcenter.demo.floor import Floor
from callcenter.rig import hearing
from callcenter.rig.asterisk_config import AsteriskPlan
from callcenter.rig.ear import Ear
from callcenter.rig.mulaw import DECODED, tone
from callcenter.rig.recognition import Recogniser
from tests.live.conftest import ROOT, MakeFloor
from tests.live.watching import LINE, calls, ear, ended_call, phone_events, press, rows, until, until_hears

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

FLOW = """
flow: main
language: en
default_queue: support
start: menu
prompts:
  menu: {en: Please choose what you would like to do today., zh: 请选择。}
  describe: {en: Speak after the tone., zh: 请留言。}
  number: {en: Your number please., zh: 编号。}
  pin: {en: Your PIN please., zh: 密码。}
  card: {en: Your card number please., zh: 卡号。}
  taken: {en: Thank you very much indeed., zh: 谢谢。}
nodes:
  menu:
    type: menu
    prompt: menu
    keys: {"1": message, "2": who, "3": card, "4": person}
    seconds: 3
    tries: 5
    otherwise: person
  message: {type: voicemail, queue: support, prompt: describe, silence: 2, next: bye}
  who: {type: identify, by: pin, prompt: number, pin_prompt: pin, next: card, unknown: bye}
  card:
    type: collect
    prompt: card
    into: card
    secret: true
    min_digits: 16
    max_digits: 16
    next: taken
    otherwise: bye
  taken: {type: say, prompt: taken, next: bye}
  person: {type: queue, queue: support, survey: satisfaction}
  bye: {type: hangup}
"""
PIN, CARD = "739184", "4929183765402817"
SPOKEN, OTHER_PLACE = 700, 1900
GONE, SPEAKER, FLOODER, SECRETIVE, SERVED, COLLECTING = (f"+861391111000{n}" for n in range(1, 7))


def flows(folder: Path) -> Path:
    """A folder with this flow and the survey that is shipped."""
    folder.mkdir()
    (folder / "main.yaml").write_text(FLOW, "utf-8")
    shutil.copy(ROOT / "ivr_flows" / "satisfaction.yaml", folder)
    return folder


async def words_over(caller: Ear, *, pause: float = 0.5, limit: float = 15.0) -> None:
    """Until something more has been heard, and then nothing for a while."""
    loop = asyncio.get_running_loop()
    before, end = len(caller.heard_so_far()), loop.time() + limit
    last, since = before, loop.time()
    while loop.time() < end:
        await asyncio.sleep(0.05)
        now = len(caller.heard_so_far())
        if now != last:
            last, since = now, loop.time()
        elif now > before and loop.time() - since >= pause:
            return
    raise AssertionError(f"the words did not end within {limit} s")


async def visit(floor: Floor, number: str) -> dict[str, Any]:
    """The one visit of this caller, once it is over, with its steps."""
    query = "SELECT v.* FROM flow_visits v JOIN calls c ON c.id = v.call_id WHERE c.number_key = ?"
    [found] = await until(lambda: rows(floor, query, number), 8, f"the visit of {number}")
    steps = rows(floor, "SELECT * FROM flow_steps WHERE call_id = ? ORDER BY position", found["call_id"])
    return {**found, "steps": steps}


# ------------------------------------------------------------ what callers do


async def test_hang_ups_floods_and_secrets(make_floor: MakeFloor, prompts: Path, tmp_path: Path) -> None:
    """Four callers at once: one leaves in the middle of a prompt, one in the middle of a message, which is kept; one
    sends hundreds of keys at once; one types a PIN and a card number, which are then nowhere. They all hear prompts
    of the folder that Asterisk sees, which is another one than the core writes to."""
    seen = tmp_path / "seen"
    floor = await make_floor(
        screens=[],
        start=False,
        overrides={"ivr": {"folder": str(flows(tmp_path / "flows")), "prompts_seen_as": str(seen)}},
    )
    _set_pin(floor, PIN)
    await floor.start()
    _synchronise(prompts, seen)
    async with asyncio.timeout(60), _ami(floor.asterisk_plan) as events:
        await asyncio.gather(
            _leaves_in_a_prompt(floor), _leaves_in_a_message(floor), _floods(floor), _tells_secrets(floor)
        )
    await _left_in_a_prompt(floor)
    await _left_a_message(floor)
    await _flooded(floor)
    await _told_secrets(floor, bytes(events))
    assert '"level": "error"' not in floor.log("core")


async def _leaves_in_a_prompt(floor: Floor) -> None:
    async with ear(floor, GONE) as caller:
        assert await caller.call(LINE) == 200
        await until_hears(caller, OTHER_PLACE, 8)
        await caller.hang_up()


async def _left_in_a_prompt(floor: Floor) -> None:
    found = await visit(floor, GONE)
    assert (found["end"], [(step["node"], step["way"]) for step in found["steps"]]) == (
        "gone",
        [("menu", "gone")],
    )
    assert (await ended_call(floor, GONE))["end_reason"] == "caller_hangup"


async def _leaves_in_a_message(floor: Floor) -> None:
    async with ear(floor, SPEAKER, say=SPOKEN) as caller:
        assert await caller.call(LINE) == 200
        await words_over(caller)
        await caller.press("1")
        await words_over(caller, pause=1.0)
        await asyncio.sleep(1.5)
        await caller.hang_up()


async def _left_a_message(floor: Floor) -> None:
    found = await visit(floor, SPEAKER)
    [message] = await until(
        lambda: rows(floor, "SELECT * FROM voicemails WHERE call_id = ?", found["call_id"]), 5, "the message"
    )
    assert 1500 < message["duration_ms"] < 6000
    path = floor.asterisk_plan.recordings_folder / f"{message['id']}.wav"
    assert hearing.hears(path, SPOKEN, 1.3)
    assert found["end"] == "gone"


async def _floods(floor: Floor) -> None:
    async with ear(floor, FLOODER) as caller:
        assert await caller.call(LINE) == 200
        await until_hears(caller, OTHER_PLACE, 8)
        stream = caller.leg.stream
        assert stream is not None
        for key in "5*#0978" * 60:
            stream.press(key)
            for _ in range(12):
                packet = stream.tick()
                if packet is not None:
                    stream._owner._send(packet, stream.remote)
            await asyncio.sleep(0.002)
        await until(lambda: _stage(floor, FLOODER) == "waiting", 30, "the flood ends in the line")
        await caller.hang_up()


async def _flooded(floor: Floor) -> None:
    found = await visit(floor, FLOODER)
    assert found["end"] == "queue"
    assert [step["node"] for step in found["steps"]] == ["menu", "person"]
    assert found["steps"][0]["wrong_input"] == 5


def _stage(floor: Floor, number: str) -> str:
    found = calls(floor, number)
    return str(found[-1]["stage"]) if found else ""


async def _tells_secrets(floor: Floor) -> None:
    async with ear(floor, SECRETIVE) as caller:
        assert await caller.call(LINE) == 200
        for keys in ("2", "1#", f"{PIN}#", CARD):
            await words_over(caller)
            await caller.press(keys)
        assert await caller.until_over(10)


async def _told_secrets(floor: Floor, events: bytes) -> None:
    """They were understood, and are in no file of the floor, and in nothing that Asterisk told."""
    found = await visit(floor, SECRETIVE)
    assert [step["node"] for step in found["steps"]] == ["menu", "who", "card", "taken", "bye"]
    [call] = calls(floor, SECRETIVE)
    assert call["customer_id"] == 1
    assert CARD not in call["keys"]
    places = [path for path in floor.plan.folder.rglob("*") if path.is_file()]
    assert any(path.name == "core.log" for path in places)
    assert any(path.name == "callcenter.db" for path in places)
    texts = {str(path): path.read_bytes() for path in places} | {"AMI": events}
    assert SECRETIVE.removeprefix("+").encode() in events  # it was listened to
    for secret in (PIN, CARD):
        for form in (secret, " ".join(secret), ",".join(secret)):
            assert [name for name, text in texts.items() if form.encode() in text] == []
    assert b"Digit: " not in events
    assert not list(floor.asterisk_plan.recordings_folder.glob(f"*{call['id']}*"))


def _set_pin(floor: Floor, pin: str) -> None:
    kept = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(pin)
    with contextlib.closing(sqlite3.connect(floor.database)) as connection, connection:
        changed = connection.execute("UPDATE customer_pins SET pin_hash = ? WHERE customer_id = 1", [kept])
        assert changed.rowcount == 1


def _synchronise(folder: Path, seen: Path) -> None:
    """As another machine would see the folder; but every prompt is a tone there, so that one can hear where it is."""
    sound = b"".join(DECODED[byte].to_bytes(2, "little", signed=True) for byte in tone(OTHER_PLACE))
    for path in folder.rglob("*.wav"):
        target = seen / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(target), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(sound)


@contextlib.asynccontextmanager
async def _ami(plan: AsteriskPlan) -> AsyncIterator[bytearray]:
    """All that Asterisk tells who has the core's rights."""
    reader, writer = await asyncio.open_connection("127.0.0.1", plan.ami_port)
    lines = ("Action: Login", f"Username: {plan.ami_user}", f"Secret: {plan.ami_secret}", "", "")
    writer.write("\r\n".join(lines).encode())
    told = bytearray()

    async def read() -> None:
        while data := await reader.read(65536):
            told.extend(data)

    reading = asyncio.create_task(read())
    try:
        yield told
    finally:
        reading.cancel()
        writer.close()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await reading


# ------------------------------------------------------------ the core dies


async def test_the_core_dies_under_callers_in_flows(make_floor: MakeFloor, tmp_path: Path) -> None:
    """One in a menu, one between the digits of a number, one in a message, one in a survey: the fallback takes them
    when what they hear or say is over, but for the one who has been served."""
    floor = await make_floor(
        agents=1,
        overrides={"ivr": {"folder": str(flows(tmp_path / "flows"))}, "routing": {"wrap_up_seconds": 0}},
    )
    async with (
        ear(floor, GONE) as choosing,
        ear(floor, COLLECTING) as collecting,
        ear(floor, SPEAKER, say=SPOKEN) as speaking,
        ear(floor, SERVED) as served,
    ):
        assert await served.call(LINE) == 200
        await words_over(served)
        await served.press("4")
        await until_hears(served, floor.tone_of("1001"), 10)
        for caller, key in ((collecting, "3"), (speaking, "1")):
            assert await caller.call(LINE) == 200
            await words_over(caller)
            await caller.press(key)
            await words_over(caller)
        await collecting.press("4929")
        await press(floor, "1001", "hangup")
        assert await choosing.call(LINE) == 200
        await until(lambda: _stage(floor, SERVED) == "survey", 5, "the survey")
        rung = len(phone_events(floor, "invite"))
        floor.kill_core_for_good()
        assert await served.until_over(15)
        await asyncio.sleep(0.5)
        await speaking.press("#")
        await _all_are_served(floor, [choosing, collecting, speaking])
        numbers = [event["from_number"] for event in phone_events(floor, "invite")[rung:]]
    assert sorted(set(numbers)) == sorted([GONE, COLLECTING, SPEAKER])


async def _all_are_served(floor: Floor, callers: list[Ear]) -> None:
    """In whatever order: who hears the agent hangs up, and it is the next one's turn."""
    waiting = list(callers)

    def talking() -> list[Ear]:
        tone_heard = floor.tone_of("1001")
        return [one for one in waiting if hearing.hears(one.heard_so_far()[-8_000:], tone_heard, 0.4)]

    while waiting:
        for one in await until(talking, 20, f"one of {len(waiting)} callers hears the agent"):
            await one.hang_up()
            waiting.remove(one)


# ------------------------------------------------------------ a flow changes


async def test_publishing_under_a_caller(make_floor: MakeFloor, prompts: Path, tmp_path: Path) -> None:
    """A new version is published on the command line while a caller is in the menu: that caller goes on hearing the old
    words, the next one hears the new ones; a broken version is refused; rolled back, the old words are heard again."""
    folder = flows(tmp_path / "flows")
    floor = await make_floor(screens=[], overrides={"ivr": {"folder": str(folder)}})
    draft = tmp_path / "main.yaml"
    draft.write_text(FLOW.replace("Please choose what you would like to do today.", "Say goodbye."), "utf-8")
    async with ear(floor, GONE) as old, ear(floor, SERVED) as new, ear(floor, SPEAKER) as newest:
        assert await old.call(LINE) == 200
        await words_over(old)
        heard = len(old.heard_so_far())
        await _ivr(floor, "publish", str(draft))
        await until(
            lambda: "flow is published elsewhere" in floor.log("core"), 12, "the new version is served"
        )
        assert await new.call(LINE) == 200
        await asyncio.gather(words_over(old), words_over(new))
        broken = tmp_path / "broken" / "main.yaml"
        broken.parent.mkdir()
        broken.write_text(FLOW.replace("start: menu", "start: nowhere"), "utf-8")
        await _ivr(floor, "publish", str(broken), status=1)
        await _ivr(floor, "rollback", "main", "1")
        await until(lambda: floor.log("core").count("flow is published elsewhere") == 2, 12, "rolled back")
        assert await newest.call(LINE) == 200
        await words_over(newest)
        sounds = {
            "old": old.heard_so_far()[heard:],
            "new": new.heard_so_far(),
            "newest": newest.heard_so_far(),
        }
        for caller in (old, new, newest):
            await caller.hang_up()
    found = {name: _menus(prompts, sound) for name, sound in sounds.items()}
    assert len({frozenset(found["old"]), frozenset(found["newest"])}) == 1, found
    assert not found["old"] & found["new"], found
    versions = [(await visit(floor, number))["version"] for number in (GONE, SERVED, SPEAKER)]
    assert versions == [1, 2, 3]


def _menus(folder: Path, heard: bytes) -> set[str]:
    """Which of the files were heard, whole."""
    files = {str(path): path for path in (folder / "en").glob("*.wav")}
    pieces = Recogniser(files).recognise(heard)
    assert pieces
    assert all(piece.names for piece in pieces)
    return {name for piece in pieces for name in piece.names if piece.seconds > 0.8}


async def _ivr(floor: Floor, *words: str, status: int = 0) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "callcenter", "ivr", *words, "--config", str(floor.config)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
    )
    out, _ = await process.communicate()
    assert process.returncode == status, out.decode()
