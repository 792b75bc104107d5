"""Callers' messages on a real Asterisk: the tone, what ends them, and what is in the file."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from callcenter.calls.ports import RecordedMessage
from callcenter.errors import CallerGone
from callcenter.ids import CallId
from callcenter.rig.hearing import hears
from callcenter.rig.mulaw import RATE, SILENCE, tone
from callcenter.rig.sip_leg import Leg
from callcenter.rig.user_agent import UserAgent
from callcenter.telephony.caller_line import AgiCallerLine
from tests.live.telephony_centre import NUMBER, Centre, centre_on

pytestmark = [pytest.mark.live, pytest.mark.timeout(40)]

TONE = 500


@dataclass
class Machine:
    """Takes messages, one after another, and says what came of each."""

    centre: Centre
    callers: UserAgent
    made: list[RecordedMessage | str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)

    async def serve(self, line: AgiCallerLine, _: CallId) -> None:
        """The dialogue."""
        await line.answer()
        await line.start_music("no-such-class")  # Asterisk then plays the default one
        path = self.centre.plan.recordings_folder / f"message{len(self.paths)}.wav"
        self.paths.append(path)
        try:
            message = await line.record_message(str(path), max_seconds=20, silence=1, finish="#")
        except CallerGone:
            self.made.append("gone")
            raise
        self.made.append(message)
        await line.finish()

    async def call(self, say: bytes) -> Leg:
        """A caller who says so, and has heard the tone."""
        self.callers.says(NUMBER, say)
        leg = self.callers.leg(NUMBER, "7000")
        _ = self.centre.tasks.start(leg.call((("X-Caller", "yes"),)), "caller")
        await leg.taken.wait()
        return leg


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    """Nobody has called yet."""
    async with centre_on() as centre:
        callers = UserAgent(("127.0.0.1", centre.plan.sip_port))
        await callers.open()
        made = Machine(centre, callers)
        centre.dialogue = made.serve
        try:
            yield made
        finally:
            await callers.close()


async def test_messages(machine: Machine) -> None:
    """A key ends one; what was said before a hang-up is in the file; silence ends one, and alone is none."""
    leg = await machine.call(tone(TONE))
    await asyncio.sleep(2.0)
    await leg.press("#")
    await machine.centre.until(lambda: len(machine.made) == 1)
    leg = await machine.call(tone(TONE))
    await asyncio.sleep(2.0)
    await leg.hang_up()
    await machine.centre.until(lambda: len(machine.made) == 2)
    await machine.call(bytes([SILENCE]) * RATE)
    await machine.centre.until(lambda: len(machine.made) == 3)
    first, gone, silent = machine.made
    assert isinstance(first, RecordedMessage)
    assert first.key == "#"
    assert 1.0 < first.seconds < 2.0
    assert gone == "gone"
    assert silent == RecordedMessage(0.0, "")
    for path in machine.paths[:2]:
        assert hears(path, TONE)
