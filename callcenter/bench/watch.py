"""The bench's own ear on AMI: when Asterisk began to dial, by its own time stamp, and how many events there were."""

import asyncio
from collections import Counter
from types import TracebackType
from typing import Self

from callcenter.asterisk.ami.connection import AmiConnection, AmiTarget, Greeting
from callcenter.asterisk.ami.messages import Event
from callcenter.bench.clocks import Conversion, read_both, stamp
from callcenter.bench.judging import Dialled
from callcenter.clock import SystemClock
from callcenter.errors import PartMissing
from callcenter.rig.asterisk_config import AsteriskPlan
from callcenter.rig.ports import LOOPBACK
from callcenter.tasks import Tasks

START = 10.0
"""Seconds for the log-in."""


class Watch:
    """``async with Watch(plan) as watch: ...``, and then ``dialled()``. Raises PartMissing without a log-in."""

    def __init__(self, plan: AsteriskPlan) -> None:
        self.events: Counter[str] = Counter()
        """How many of each name."""
        target = AmiTarget(LOOPBACK, plan.ami_port, plan.ami_user, plan.ami_secret)
        self._link = AmiConnection(
            target, SystemClock(), on_event=self._heard, on_up=self._up, on_down=lambda _reason: None
        )
        self._extensions = {f"PJSIP/{phone.extension}": phone.extension for phone in plan.phones}
        self._begun: list[tuple[str, str, int]] = []
        self._tasks = Tasks("bench watch")
        self._logged_in = asyncio.Event()
        self._start = self._end = read_both()

    async def __aenter__(self) -> Self:
        self._start = read_both()
        self._tasks.run(self._link.run(), "link")
        try:
            async with asyncio.timeout(START):
                await self._logged_in.wait()
        except TimeoutError:
            await self._tasks.close()
            raise PartMissing("the bench could not log in to Asterisk's AMI") from None
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end = read_both()
        await self._tasks.close()

    @property
    def clocks(self) -> Conversion:
        """After the end: how the two clocks ran."""
        return Conversion(self._start, self._end)

    def dialled(self) -> list[Dialled]:
        """After the end: each dialling of a phone, in order."""
        clocks = self.clocks
        return [Dialled(number, extension, clocks.monotonic(wall)) for number, extension, wall in self._begun]

    async def _up(self, _found: Greeting) -> None:
        self._logged_in.set()

    def _heard(self, event: Event) -> None:
        self.events[event.name] += 1
        if event.name != "DialBegin":
            return
        extension = self._extensions.get(event.get("DestChannel").rpartition("-")[0])
        at = stamp(event.get("Timestamp"))
        if extension is not None and at is not None:
            self._begun.append((event.get("CallerIDNum"), extension, at))
