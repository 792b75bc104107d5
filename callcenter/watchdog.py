"""A parent that keeps the core alive: starts it, feels its pulse, kills it when the loop stands still, starts it again.

A core that hangs sends callers no end of stream: they would hear music for ever. Killed, it lets go of them at once
and the dialplan's fallback takes over, so killing is the kind thing to do. The parent does nothing else, so that
nothing can hang it.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

import structlog

log = structlog.get_logger(__name__)

HEARTBEAT_FD = "CALLCENTER_HEARTBEAT_FD"
BEAT_EVERY = 0.5
"""Seconds between beats of a healthy core."""
STANDSTILL = 5.0
"""Seconds without a beat after which the core is killed."""
START_LIMIT = 60.0
"""Seconds for the first beat: a start may migrate the database."""
STOP_LIMIT = 15.0
"""Seconds for an orderly stop."""
UNUSABLE = 78
"""The exit status that says: starting again won't help (EX_CONFIG of sysexits.h)."""
PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each new start when the core dies again and again; a core that lived a minute begins anew."""


class Watchdog:
    """Runs ``command`` under watch; ``run`` returns its exit status when it ended by order or can't be used."""

    def __init__(self, command: Sequence[str], *, standstill: float = STANDSTILL) -> None:
        self._command = list(command)
        self._standstill = standstill
        self._stopping = False
        self._child: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Blocks until SIGTERM or SIGINT, or until the core says that it can't be used as it is."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        deaths = 0
        while True:
            began = time.monotonic()  # noqa: TID251  this process has no loop and no clock to inject
            status = self._one_life()
            if self._stopping or status in {0, UNUSABLE}:
                return 0 if self._stopping else status
            deaths = 0 if time.monotonic() - began > 60 else deaths + 1  # noqa: TID251
            pause = PAUSES[min(deaths, len(PAUSES)) - 1] if deaths else PAUSES[0]
            log.error("core ended, starting again", status=status, pause=pause)
            time.sleep(pause)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                self._child.terminate()

    def _one_life(self) -> int:
        beat, heart = os.pipe()
        try:
            environment = {**os.environ, HEARTBEAT_FD: str(heart)}
            self._child = subprocess.Popen(self._command, pass_fds=(heart,), env=environment)  # noqa: S603  our own program
        finally:
            os.close(heart)
        try:
            self._watch(self._child, beat)
        finally:
            os.close(beat)
        return self._child.wait()

    def _watch(self, child: subprocess.Popen[bytes], beat: int) -> None:
        """Return when the child has ended, by itself or by us."""
        last, limit, told = time.monotonic(), START_LIMIT, 0.0  # noqa: TID251
        while child.poll() is None:
            readable, _, _ = select.select([beat], [], [], 0.2)
            now = time.monotonic()  # noqa: TID251
            if readable:
                if not os.read(beat, 4096):
                    child.wait()
                    return
                last, limit = now, self._standstill
            if self._stopping:
                told = told or now
                limit = STOP_LIMIT
                last = max(last, told)
            if now - last > limit:
                log.error("core stands still, killing it", seconds=round(now - last, 1))
                child.kill()


def serve_command(config: str) -> list[str]:
    """The command line of the core that the watchdog runs."""
    return [sys.executable, "-m", "callcenter", "core", "--config", config]
