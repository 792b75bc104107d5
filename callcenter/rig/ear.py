"""A caller who hears: dials in, presses keys, and keeps what it heard as a WAV file.

SIPp calls in numbers; an ear calls one by one, for tests that judge by sound. As a program::

    python -m callcenter.rig.ear --sip-port 5060 --dial 400 --keys 1 --seconds 10 --wav FILE
"""

import argparse
import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from callcenter.rig.mulaw import SILENCE, tone
from callcenter.rig.rtp import FRAME
from callcenter.rig.sip_leg import Leg, LegState
from callcenter.rig.sip_message import Headers, quoted
from callcenter.rig.user_agent import UserAgent

CALLER: Headers = (("X-Caller", "yes"),)
"""The header by which the trunk knows callers."""


@dataclass(frozen=True)
class EarResult:
    """How the call went: what its caller could tell."""

    status: int
    """The final answer to the INVITE; 0 if there was none."""
    ended_by: str
    """us, them, refused, no_ack; empty if the call is still up."""
    answered_after: float | None
    """Seconds from INVITE to answer."""
    lasted: float
    """Seconds from INVITE to the end."""
    reason: str | None
    """The Reason header of the other side's last message (Q.850 cause)."""
    wav: Path | None


class Ear:
    """One caller. ``async with Ear(...) as ear: await ear.call("400"); await ear.press("1"); ...``

    ``from_value`` is a raw From without its tag (any number, any name, as hostile as can be); else it is made
    of ``number`` and ``name``. It says a tone of ``say`` Hz all the time, or silence.
    """

    def __init__(
        self,
        sip_port: int,
        *,
        sip_host: str = "127.0.0.1",
        number: str = "13800000000",
        name: str = "",
        from_value: str | None = None,
        say: int | None = None,
        headers: Headers = CALLER,
    ) -> None:
        self._agent = UserAgent((sip_host, sip_port))
        shown = f"{quoted(name)} " if name else ""
        self._from = from_value or f"{shown}<sip:{number}@{sip_host}>"
        self._say = tone(say) if say else bytes([SILENCE]) * FRAME
        self._headers = headers
        self._leg: Leg | None = None
        self._began = self._answered = self._ended = 0.0
        self._call: asyncio.Task[int] | None = None

    async def __aenter__(self) -> Self:
        await self._agent.open()
        self._agent.says("ear", self._say)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._leg is not None and self._leg.state is not LegState.ENDED:
            await self.hang_up()
        if self._call is not None:
            self._call.cancel()
        await self._agent.close()

    @property
    def leg(self) -> Leg:
        """The call; raises RuntimeError before ``dial``."""
        if self._leg is None:
            raise RuntimeError("this ear has not dialled yet")
        return self._leg

    def dial(self, to: str) -> None:
        """Begin to call; don't wait."""
        self._leg = leg = self._agent.leg("ear", to, from_value=self._from)
        leg.hear = True
        forget = leg.on_end

        def ended(which: Leg) -> None:
            forget(which)
            self._ended = time.monotonic()

        def happened(_leg: Leg, what: str, _t: int | None) -> None:
            if what == "dial_answered":
                self._answered = time.monotonic()

        leg.on_end, leg.on_event = ended, happened
        self._began = time.monotonic()
        self._call = asyncio.create_task(leg.call(self._headers), name="ear:call")

    async def call(self, to: str) -> int:
        """Call and wait until it is answered or refused: the final status."""
        self.dial(to)
        if self._call is None:
            raise RuntimeError("the call did not begin")
        return await asyncio.shield(self._call)

    async def press(self, keys: str) -> None:
        """Press keys (RFC 4733), 100 ms each."""
        await self.leg.press(keys)

    async def until_over(self, limit: float) -> bool:
        """Wait at most ``limit`` seconds for the other side to hang up; True if it did."""
        try:
            async with asyncio.timeout(limit):
                await self.leg.over.wait()
        except TimeoutError:
            return False
        return True

    async def hang_up(self) -> None:
        """End the call (CANCEL if nobody has answered yet)."""
        await self.leg.hang_up()

    def heard_so_far(self) -> bytes:
        """Mu-law of all that was heard until now."""
        stream = self.leg.stream
        return bytes(stream.recorder.samples) if stream is not None and stream.recorder is not None else b""

    def result(self, wav: Path | None = None) -> EarResult:
        """How it went; writes what was heard to ``wav``."""
        leg = self.leg
        stream = leg.stream
        if wav is not None and stream is not None and stream.recorder is not None:
            stream.recorder.save(wav)
        else:
            wav = None
        return EarResult(
            leg.status,
            leg.ended_by,
            self._answered - self._began if self._answered else None,
            (self._ended or time.monotonic()) - self._began,
            leg.last.get("Reason") if leg.last is not None else None,
            wav,
        )


async def listen(options: argparse.Namespace) -> EarResult:
    """One call as the command line says."""
    async with Ear(
        options.sip_port, sip_host=options.sip_host, number=options.number, name=options.name, say=options.say
    ) as ear:
        if await ear.call(options.dial) < 300:
            for key in options.keys:
                await asyncio.sleep(options.pause)
                await ear.press(key)
            if not await ear.until_over(options.seconds):
                await ear.hang_up()
        return ear.result(options.wav)


def main(arguments: list[str] | None = None) -> int:
    """The command line: 0 if the call was answered, 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m callcenter.rig.ear", description="A caller who hears.")
    parser.add_argument("--sip-host", default="127.0.0.1")
    parser.add_argument("--sip-port", type=int, required=True)
    parser.add_argument("--dial", required=True, help="the number called")
    parser.add_argument("--number", default="13800000000", help="the caller's number")
    parser.add_argument("--name", default="", help="the caller's name")
    parser.add_argument("--keys", default="", help="keys to press")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds before each key")
    parser.add_argument("--seconds", type=float, default=30.0, help="hang up after this time")
    parser.add_argument("--say", type=int, help="Hz of a tone to say; silence by default")
    parser.add_argument("--wav", type=Path, help="where to keep what was heard")
    result = asyncio.run(listen(parser.parse_args(arguments)))
    print(json.dumps(result.__dict__, default=str))
    return 0 if result.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
