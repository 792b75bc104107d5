"""Children that stay alive and answer one request after the other; one that hangs or crashes is replaced.

Starting a child with its speech library costs 150 ms, a text in one that is there some 40.
"""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from callcenter.clock import Clock, SystemClock
from callcenter.ivr.speech.child import READY

MAX_REQUESTS = 500
"""Then a child is replaced: libraries leak."""
MAX_FAILED_STARTS = 3
REST = 5.0
"""Seconds without a try when that many starts in a row have failed, so that a missing library costs callers nothing."""


class NoAnswer(Exception):
    """A request was not answered, or the answer says that it can't be done; says why, without what was asked."""


class _Died(NoAnswer):
    """The child ended instead of answering."""


class Workers:
    """At most ``count`` children running ``program``, each started when it is needed."""

    def __init__(
        self,
        program: Sequence[str],
        *,
        count: int = 2,
        max_requests: int = MAX_REQUESTS,
        clock: Clock | None = None,
    ) -> None:
        # The last one back is the first one out: it is warm.
        self._free = asyncio.LifoQueue[_Worker]()
        self._all = [_Worker(program, max_requests) for _ in range(count)]
        for worker in reversed(self._all):
            self._free.put_nowait(worker)
        self._clock = clock or SystemClock()
        self._failed_starts = 0
        self._rest_until = 0.0

    async def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to one request, which has ``seconds`` from when a child is free for it.

        Raises:
            NoAnswer: no answer within the time, an answer that says so, or none that can be read.
        """
        async with self._one() as worker:
            try:
                async with asyncio.timeout(seconds):
                    answer = await self._answer(worker, request)
            except TimeoutError as error:
                raise NoAnswer(f"no speech within {seconds:g} s") from error
        if "error" in answer:
            raise NoAnswer(str(answer["error"]))
        return answer

    async def close(self) -> None:
        """End all children; a request in flight fails."""
        for worker in self._all:
            await worker.kill()

    async def _answer(self, worker: "_Worker", request: dict[str, Any]) -> dict[str, Any]:
        if worker.warm:
            # It may have died since its last answer: that is not this request's fault.
            with contextlib.suppress(_Died):
                return await worker.ask(request)
        await self._start(worker)
        return await worker.ask(request)

    async def _start(self, worker: "_Worker") -> None:
        if self._clock.now() < self._rest_until:
            raise NoAnswer("the speech process could not be started a moment ago")
        self._failed_starts += 1
        if self._failed_starts >= MAX_FAILED_STARTS:
            self._rest_until = self._clock.now() + REST
        await worker.start()
        self._failed_starts, self._rest_until = 0, 0.0

    @asynccontextmanager
    async def _one(self) -> AsyncIterator["_Worker"]:
        worker = await self._free.get()
        whole = False
        try:
            yield worker
            whole = True
        finally:
            # Also when the request was given up: who knows what such a child is doing, or would answer next.
            try:
                if not whole:
                    await worker.kill()
            finally:
                self._free.put_nowait(worker)


class _Worker:
    """One child, or its place."""

    def __init__(self, program: Sequence[str], max_requests: int) -> None:
        self._program = program
        self._max_requests = max_requests
        self._child: asyncio.subprocess.Process | None = None
        self._requests = 0

    @property
    def warm(self) -> bool:
        """Is there a child to ask?"""
        return (
            self._child is not None and self._child.returncode is None and self._requests < self._max_requests
        )

    async def start(self) -> None:
        """A fresh child, ready."""
        await self.kill()
        self._requests = 0
        try:
            self._child = await asyncio.create_subprocess_exec(
                *self._program,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise NoAnswer(f"the speech process can't be started: {error.strerror}") from error
        if await self._read() != READY:
            await self.kill()
            raise NoAnswer("the speech process said what is no answer")

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Its answer."""
        child = self._child
        if child is None or child.stdin is None:
            raise _Died("the speech process is gone")
        self._requests += 1
        child.stdin.write(json.dumps({"id": self._requests, **request}).encode() + b"\n")
        # A child that is gone is noticed by what it does not answer.
        with contextlib.suppress(ConnectionError):
            await child.stdin.drain()
        answer = await self._read()
        if answer.get("id") != self._requests:
            await self.kill()
            raise NoAnswer("the speech process said what is no answer")
        return answer

    async def kill(self) -> None:
        """Make an end of the child, whatever it does."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.returncode is None:
            # With all that it started itself. Popen's own kill would take its end away from asyncio.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        if child.stdin is not None:
            child.stdin.close()
        await child.wait()

    async def _read(self) -> dict[str, Any]:
        child = self._child
        if child is None or child.stdout is None:
            raise _Died("the speech process is gone")
        try:
            line = await child.stdout.readline()
        except ValueError as error:
            # A line without an end.
            await self.kill()
            raise NoAnswer("the speech process said what is no answer") from error
        if not line:
            await child.wait()
            raise _Died("the speech process ended")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            await self.kill()
            raise NoAnswer("the speech process said what is no answer")
        return answer
