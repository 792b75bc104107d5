"""What is kept of a call: its sound, its keys, its segments, who called; and who may hear it."""

import asyncio
import json
import math
import re
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from callcenter.demo.floor import Floor
from callcenter.rig import hearing
from callcenter.storage.sample import SHARED_NUMBER
from tests.live.at_screen import AtScreen
from tests.live.conftest import MakeFloor
from tests.live.watching import (
    LINE,
    adds_up,
    choose,
    dial_in,
    ear,
    ended_call,
    numbers_of,
    segments,
    talks_with,
    until,
)

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

CALLER_SAYS = 1900
NUMBER = "+8613911190001"


async def test_a_recorded_complaint(make_floor: MakeFloor) -> None:
    """Both sides are in the recording; the supervisor and the agent who had the call hear it, others get 404 (A7,
    A15); keys and segments are on record and add up."""
    floor = await make_floor(agents=2, screens=[])
    async with (
        AtScreen(floor, "agent1001", "1001") as desk,
        AtScreen(floor, "agent1002", "1002") as other,
        AtScreen(floor, "supervisor") as supervisor,
        ear(floor, NUMBER, say=CALLER_SAYS) as caller,
    ):
        await desk.done("ready")
        await dial_in(caller, "13")
        await talks_with(floor, caller, "1001")
        await asyncio.sleep(1.0)
        assert desk.pop is not None
        assert desk.pop["queue"] == "complaints"
        assert desk.pop["keys"] == [["choose_language", "1"], ["main_menu", "3"]]
        await caller.hang_up()
        await desk.until_state("ready", 5)
        call = await ended_call(floor, NUMBER)
        assert json.loads(call["keys"]) == [["choose_language", "1"], ["main_menu", "3"]]
        assert adds_up(floor, call)
        stages = [segment["stage"] for segment in segments(floor, call["id"])]
        assert stages == ["arrived", "ivr", "waiting", "ringing", "talking"]
        name = call["recording"]
        assert re.fullmatch(r"[0-9a-f]{32}", name)
        assert name != call["id"]
        file = floor.asterisk_plan.recordings_folder / f"{name}.wav"
        await until(file.is_file, 3, "the recording is there")
        assert _loud(file, floor.tone_of("1001")) >= 5
        assert _loud(file, CALLER_SAYS) >= 5
        for screen, status in ((supervisor, 200), (desk, 200), (other, 404)):
            answer, sound = await _fetch(floor, screen, f"/recordings/{name}.wav")
            assert answer == status
            assert (sound == file.read_bytes()) == (status == 200)
        for path in (
            f"/recordings/{'0' * 32}.wav",
            f"/recordings/..%2f{name}.wav",
            f"/recordings/{name}%00.wav",
            "/recordings/..%2f..%2fcallcenter.db",
            f"/recordings/{name}.wav/..",
        ):
            assert (await _fetch(floor, supervisor, path))[0] == 404, path
        assert (await _fetch(floor, None, f"/recordings/{name}.wav"))[0] in {401, 403}


async def test_who_is_calling(make_floor: MakeFloor) -> None:
    """Known, unknown, withheld, malformed and shared numbers: each has its own honest pop."""
    floor = await make_floor(screens=[])
    known = numbers_of(floor, "regular")[0]
    asked = {
        f"<sip:{known}@127.0.0.1>": ("known", known, 0),
        "<sip:+8613911199999@127.0.0.1>": ("unknown", "+8613911199999", 0),
        '"Anonymous" <sip:anonymous@anonymous.invalid>': ("withheld", "", 0),
        "<sip:not-a-number!@127.0.0.1>": ("malformed", "", 0),
        f"<sip:{SHARED_NUMBER}@127.0.0.1>": ("several", SHARED_NUMBER, 2),
    }
    async with AtScreen(floor, "agent1001", "1001") as desk:
        await desk.done("ready")
        for place, (who, (match, number, candidates)) in enumerate(asked.items()):
            async with ear(floor, "", from_value=who) as caller:
                assert await caller.call(LINE) == 200
                await choose(caller)
                await until(partial(_popped, desk, place + 1), 8, f"a pop for {who}")
                pop = desk.pops()[-1]
                assert (pop["match"], pop["number"]) == (match, number), who
                assert len(pop["candidates"]) == candidates
                assert (pop["customer"] is not None) == (match == "known")
                await caller.hang_up()
            await desk.until_state("ready", 5)


def _popped(desk: AtScreen, count: int) -> bool:
    return len(desk.pops()) == count


def _loud(file: Path, frequency: float) -> int:
    """In how many tenths of a second this tone is a good part of what is heard, whatever else is."""
    heard, size = hearing.samples(file), 800
    count = 0
    for at in range(0, len(heard) - size + 1, size):
        part = heard[at : at + size]
        energy = sum(one * one for one in part)
        turn = 2 * math.pi * frequency / 8000
        real = sum(one * math.cos(turn * place) for place, one in enumerate(part))
        imaginary = sum(one * math.sin(turn * place) for place, one in enumerate(part))
        power = 2 * (real * real + imaginary * imaginary) / size
        count += energy > size * 10_000 and power > 0.2 * energy
    return count


async def _fetch(floor: Floor, screen: AtScreen | None, path: str) -> tuple[int, bytes]:
    headers = {"Cookie": screen.session.cookie} if screen else {}
    url = URL(f"{floor.address}{path}", encoded=True)
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(url, allow_redirects=False) as answer,
    ):
        return answer.status, await answer.read()
