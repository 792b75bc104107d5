"""Many callers in menus at once, in a process of their own: each listens, presses a key, and hears the next prompt.

``python -m callcenter.rig.menu_callers --sip-port 5060 --dial 4001 --callers 200 --seconds 60 --out FILE`` writes the
milliseconds from each key to the next prompt: from the moment when the first packet left that says the key's end
(RFC 4733), to the arrival of the first packet of sound after it. Both are on this process's monotonic clock. A key is
pressed only when nothing has been heard for a while, so that the next packet is of the next prompt.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from callcenter.rig.ear import CALLER
from callcenter.rig.rtp import Packet, Recorder
from callcenter.rig.sip_leg import Leg, LegState
from callcenter.rig.user_agent import UserAgent
from callcenter.tasks import Tasks

QUIET = 0.25
"""Seconds without sound that mean that the words are over."""
THINKING = (0.3, 1.5)
NO_PROMPT = 5.0
"""Seconds after a key in which the next prompt must have begun."""
RATE = 15.0
"""Callers a second at the start."""
_LOOK = 0.05


class Watcher(Recorder):
    """Keeps no sound, only when it came."""

    def __init__(self) -> None:
        super().__init__()
        self.last = 0.0
        self.first_after: asyncio.Future[float] | None = None

    def add(self, packet: Packet, arrived: float) -> None:
        """A packet of sound."""
        self.last = arrived
        waiting = self.first_after
        if waiting is not None and not waiting.done():
            waiting.set_result(arrived)


@dataclass
class Measured:
    """``delays``: milliseconds. ``pressed``: all keys, those outside of the measured time too. ``silent``: keys after
    which no prompt came. ``failed``: calls that ended early."""

    delays: list[float] = field(default_factory=list)
    pressed: int = 0
    silent: int = 0
    failed: int = 0
    most_at_once: int = 0
    late_ticks: int = 0


class MenuCallers:
    """All callers. Nothing is measured before all of them are in a menu, nor when the first leaves."""

    def __init__(self, agent: UserAgent, callers: int, seconds: float, dial: str, key: str) -> None:
        self._agent, self._callers, self._seconds = agent, callers, seconds
        self._dial, self._key = dial, key
        self._up = 0
        self._from = self._until = float("inf")
        self.measured = Measured()

    async def run(self) -> Measured:
        """Call, press for ``seconds``, hang up."""
        tasks = Tasks("menu callers")
        late = self._agent.sound.late
        try:
            running = []
            for number in range(self._callers):
                running.append(tasks.start(self._one(number), f"caller {number}"))
                await asyncio.sleep(1 / RATE)
            while self._up < self._callers - self.measured.failed:  # noqa: ASYNC110  two numbers, seldom looked at
                await asyncio.sleep(_LOOK)
            self._from = time.monotonic()
            self._until = self._from + self._seconds
            self.measured.most_at_once = self._up
            await asyncio.gather(*running)
        finally:
            await tasks.close()
        self.measured.late_ticks = self._agent.sound.late - late
        return self.measured

    async def _one(self, number: int) -> None:
        leg = self._agent.leg("caller", self._dial, from_value=f"<sip:139{number:08d}@127.0.0.1>")
        leg.hear = False
        if await leg.call(CALLER) != 200 or leg.stream is None:
            self.measured.failed += 1
            return
        watcher = leg.stream.recorder = Watcher()
        self._agent.sound.listen()
        await self._quiet(leg, watcher)
        self._up += 1
        try:
            while time.monotonic() < self._until and leg.state is LegState.TALKING:
                await self._press(leg, watcher)
        finally:
            if leg.state is LegState.ENDED:
                self.measured.failed += 1
            await leg.hang_up()

    async def _press(self, leg: Leg, watcher: Watcher) -> None:
        await self._quiet(leg, watcher)
        await asyncio.sleep(random.uniform(*THINKING))
        stream = leg.stream
        if stream is None or leg.state is not LegState.TALKING:
            return
        watcher.first_after = asyncio.get_running_loop().create_future()
        await leg.press(self._key)
        self.measured.pressed += 1
        try:
            async with asyncio.timeout(NO_PROMPT):
                arrived = await watcher.first_after
        except TimeoutError:
            self.measured.silent += leg.state is LegState.TALKING
            return
        if self._from <= stream.key_ended and arrived <= self._until:
            self.measured.delays.append((arrived - stream.key_ended) * 1000)

    async def _quiet(self, leg: Leg, watcher: Watcher) -> None:
        """Until words were heard, and are over."""
        while leg.state is LegState.TALKING:
            if watcher.last and time.monotonic() - watcher.last >= QUIET:
                return
            await asyncio.sleep(_LOOK)


async def measure(options: argparse.Namespace) -> Measured:
    """As the command line says."""
    agent = UserAgent(("127.0.0.1", options.sip_port))
    await agent.open()
    try:
        return await MenuCallers(agent, options.callers, options.seconds, options.dial, options.key).run()
    finally:
        await agent.close()


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m callcenter.rig.menu_callers", description="Callers in menus."
    )
    parser.add_argument("--sip-port", type=int, required=True)
    parser.add_argument("--dial", required=True, help="the number called")
    parser.add_argument("--callers", type=int, default=200, help="how many at once")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long keys are pressed")
    parser.add_argument("--key", default="1", help="what is pressed at each prompt")
    parser.add_argument("--out", type=Path, required=True, help="a file for the figures")
    options = parser.parse_args(arguments)
    options.out.write_text(json.dumps(asyncio.run(measure(options)).__dict__), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
