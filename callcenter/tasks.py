"""Every background task has an owner, a name and an end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Tasks:
    """The tasks of one part of the program; closing the part ends them all.

    A task that fails is logged with its name; it never takes its owner down with it.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run ``work`` until it ends or the owner closes."""
        return self._owned(work, name)

    def run(self, work: Coroutine[Any, Any, object], name: str) -> None:
        """Like ``start``, for work whose result nobody awaits."""
        _ = self._owned(work, name)

    async def close(self, limit: float = 5.0) -> None:
        """Cancel all tasks and wait at most ``limit`` seconds for them."""
        self._closed = True
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            _, stuck = await asyncio.wait(tasks, timeout=limit)
            for task in stuck:
                log.error("task did not end", task=task.get_name(), seconds=limit)

    def _owned(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        if self._closed:
            work.close()
            raise RuntimeError(f"{self._owner} is closed: {name} can't be started")
        task = asyncio.create_task(work, name=f"{self._owner}:{name}")  # noqa: TID251  the one allowed place
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task failed", task=task.get_name(), exc_info=error)
