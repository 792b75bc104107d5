"""Takes what happened and keeps it, whatever the database does.

Facts wait in a bounded queue; one task writes them, many per transaction::

    queue ──> database
      └─────> journal (database locked or away) ──> replayed in order ──> database

While there is a line in the journal, everything goes through it, so that order holds. Nothing here is awaited by
a call: the worst that a dead database and a full disk together can do is fill the queue.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from callcenter.callbacks.callback import Callback
from callcenter.calls.call import Call
from callcenter.calls.ports import MissedCall
from callcenter.clock import Clock
from callcenter.follow_ups.follow_up import Attempt
from callcenter.history.ports import GapRow, OfferRow, PresenceRow, VisitRow, WrapUpRow
from callcenter.ids import CallId
from callcenter.storage import entries
from callcenter.storage.database import Database, DatabaseAway
from callcenter.storage.entries import Entry, from_line
from callcenter.storage.journal import Journal
from callcenter.storage.record_writer import RecordWriter, Rejected
from callcenter.surveys.answer import SurveyAnswer
from callcenter.tasks import Tasks
from callcenter.voicemails.voicemail import Voicemail

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """``queue``: facts in memory at most; ``batch``: per transaction; seconds: ``gather`` before a batch is
    written, ``patience`` with a write before the journal takes over, ``retry`` between tries to replay."""

    queue: int = 20_000
    batch: int = 500
    gather: float = 0.05
    patience: float = 1.0
    retry: float = 1.0


class DatabaseRecorder:
    """The ``Recorder`` of the history. ``start`` first; ``close`` writes what is left, to the journal if need
    be."""

    def __init__(
        self,
        database: Database,
        journal: Path,
        clock: Clock,
        *,
        region: str = "CN",
        limits: Limits | None = None,
    ) -> None:
        self._clock = clock
        self._limits = limits or Limits()
        self._journal = Journal(journal)
        self._database = database
        self._writer = RecordWriter(database, region)
        self._queue: deque[Entry] = deque()
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._told = self._safe = 0
        self._moved = asyncio.Event()
        self._tasks = Tasks("recorder")
        self._flight: asyncio.Task[bool] | None = None
        self._runner: asyncio.Task[None] | None = None
        self._closing = False
        self._away = False
        self._replayed = 0
        self.lost = 0
        """Facts that found the queue full."""
        self.rejected = 0
        """Facts that the database refuses for ever; they are kept beside the journal."""

    # -------------------------------------------------------- what is told

    def call(self, call: Call) -> None:
        """The call with its segments, as it is now."""
        self.put(entries.call_entry(call, self._clock.wall()))

    def offer(self, row: OfferRow) -> None:
        """An offer began or ended."""
        self.put(entries.offer_entry(row))

    def wrap_up(self, row: WrapUpRow) -> None:
        """A wrap-up ended."""
        self.put(entries.wrap_up_entry(row))

    def attempt(self, attempt: Attempt) -> None:
        """An outbound attempt began or ended."""
        self.put(entries.attempt_entry(attempt))

    def presence(self, row: PresenceRow) -> None:
        """An agent logged in, out, ready or not ready."""
        self.put(entries.presence_entry(row))

    def gap(self, row: GapRow) -> None:
        """We were blind for a while."""
        self.put(entries.gap_entry(row))

    def missed(self, missed: MissedCall, call_id: CallId) -> None:
        """A call, or its rest, that went by without us."""
        self.put(entries.missed_entry(missed, call_id, self._clock.wall()))

    def visit(self, row: VisitRow) -> None:
        """A caller's way through a flow is over."""
        self.put(entries.visit_entry(row))

    def callback(self, callback: Callback) -> None:
        """A callback as it is now; an open one never undoes its end."""
        self.put(entries.callback_entry(callback))

    def voicemail(self, voicemail: Voicemail) -> None:
        """A message was left; told again it changes nothing."""
        self.put(entries.voicemail_entry(voicemail))

    def survey_answer(self, answer: SurveyAnswer) -> None:
        """A customer answered; a later answer to the same question counts."""
        self.put(entries.survey_answer_entry(answer))

    def put(self, entry: Entry) -> None:
        """Queue one fact."""
        if len(self._queue) >= self._limits.queue:
            self.lost += 1
            if self.lost == 1:
                log.error("record queue is full: facts are lost", limit=self._limits.queue)
            return
        self._queue.append(entry)
        self._told += 1
        self._settled.clear()
        self._wake.set()

    # -------------------------------------------------------- life

    @property
    def waiting(self) -> int:
        """Facts in memory."""
        return len(self._queue)

    @property
    def journalled(self) -> int:
        """Lines in the journal; 0 while the database is well."""
        return self._journal.count

    async def start(self) -> None:
        """Take over what an earlier run left in the journal, then write."""
        try:
            await asyncio.to_thread(self._journal.open)
        except OSError as error:
            log.warning("journal can't be opened", reason=str(error))
        if self._journal.count:
            log.info("journal of an earlier run will be replayed", lines=self._journal.count)
            self._settled.clear()
        self._runner = self._tasks.start(self._run(), "writer")

    async def settled(self) -> None:
        """Return when everything told so far is in the database."""
        await self._settled.wait()

    async def safe(self) -> None:
        """Return when everything told so far would outlive us: in the database, or in the journal."""
        told = self._told
        while self._safe < told:
            self._moved.clear()
            await self._moved.wait()

    async def close(self, limit: float = 5.0) -> None:
        """Write what is left and stop, within ``limit`` seconds."""
        self._closing = True
        self._wake.set()
        if self._runner is not None:
            await asyncio.wait({self._runner}, timeout=limit)
        await self._tasks.close()
        await self._database.quiet()
        if self._queue:
            log.error("facts are lost at the end", facts=len(self._queue))

    # -------------------------------------------------------- the one writer

    async def _run(self) -> None:
        while not (self._closing and not self._queue):
            self._wake.clear()
            if self._journal.count or self._flight is not None:
                await self._journal_round()
            else:
                if not self._queue:
                    self._settled.set()
                await self._rest()
                await self._write_round()

    async def _rest(self) -> None:
        """Sleep until there is something, then a little longer: one transaction for many facts."""
        if not self._queue and not self._closing:
            await self._wake.wait()
        if self._queue and not self._closing:
            await asyncio.sleep(self._limits.gather)

    async def _write_round(self) -> None:
        batch = self._take()
        if not batch:
            return
        self._flight = flight = self._fly(self._tried(self._written(batch)))
        await asyncio.wait({flight}, timeout=self._limits.patience)
        if flight.done():
            self._flight = None
            if flight.result():
                self._count_safe(batch)
                return
        await self._to_journal(batch)

    def _count_safe(self, batch: Sequence[Entry]) -> None:
        self._safe += len(batch)
        self._moved.set()

    async def _journal_round(self) -> None:
        """Keep the order: while the journal has lines, new facts queue up behind them."""
        if self._queue:
            await self._to_journal(self._take())
        if self._flight is not None and self._flight.done():
            self._flight = None
        if self._flight is None:
            if self._replayed >= self._journal.count:
                await self._end_journal()
                return
            self._flight = self._fly(self._replay_or_pause())
        if not self._queue:
            await self._rest()

    def _take(self) -> list[Entry]:
        return [self._queue.popleft() for _ in range(min(len(self._queue), self._limits.batch))]

    def _fly(self, work: Coroutine[Any, Any, bool]) -> asyncio.Task[bool]:
        """One try at the database, beside which the queue goes on into the journal."""
        flight = self._tasks.start(work, "flight")
        flight.add_done_callback(lambda _: self._wake.set())
        return flight

    async def _tried(self, work: Coroutine[Any, Any, bool]) -> bool:
        try:
            return await work
        except DatabaseAway as error:
            if not self._away:
                self._away = True
                log.warning("database away: the record goes to the journal", reason=error.message)
        except Exception:  # an edge: whatever fails here, the record must go on
            log.exception("the record could not be written: it goes to the journal")
        return False

    async def _written(self, batch: list[Entry]) -> bool:
        await self._keep_rejected(await self._writer.write(batch))
        return True

    async def _replay(self) -> bool:
        """The next lines of the journal into the database, with the note that they are there."""
        position = await self._writer.position(self._journal.id)
        lines = await asyncio.to_thread(self._journal.read, position, self._limits.batch)
        batch, broken = _parsed(lines)
        rejected = await self._writer.write(batch, (self._journal.id, position + len(lines)))
        self._replayed = position + len(lines)
        await self._keep_rejected(rejected, broken)
        return True

    async def _replay_or_pause(self) -> bool:
        done = await self._tried(self._replay())
        if not done:
            await asyncio.sleep(self._limits.retry)
        return done

    async def _end_journal(self) -> None:
        lines = self._journal.count
        try:
            await asyncio.to_thread(self._journal.clear)
        except OSError as error:
            log.warning("the replayed journal can't be removed", reason=str(error))
            await asyncio.sleep(self._limits.retry)
            return
        self._replayed, self._away = 0, False
        if lines:
            log.info("database back: the journal is replayed", lines=lines)

    async def _to_journal(self, batch: list[Entry]) -> None:
        try:
            await asyncio.to_thread(_append, self._journal, batch)
        except OSError as error:
            self._queue.extendleft(reversed(batch))
            log.warning("journal can't be written: facts wait in memory", reason=str(error))
            await asyncio.sleep(self._limits.retry)
            return
        self._count_safe(batch)

    async def _keep_rejected(self, rejected: Rejected, broken: Sequence[str] = ()) -> None:
        self.rejected += len(rejected) + len(broken)
        try:
            for entry, reason in rejected:
                await asyncio.to_thread(self._journal.reject, [entry.to_line()], reason)
            if broken:
                await asyncio.to_thread(self._journal.reject, broken, "no entry")
        except OSError as error:
            log.warning("rejected facts can't be kept", facts=len(rejected) + len(broken), reason=str(error))


def _append(journal: Journal, batch: Sequence[Entry]) -> None:
    journal.append([entry.to_line() for entry in batch])


def _parsed(lines: Sequence[str]) -> tuple[list[Entry], list[str]]:
    batch, broken = [], []
    for line in lines:
        try:
            batch.append(from_line(line))
        except ValueError:
            broken.append(line)
    return batch, broken
