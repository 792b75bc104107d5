"""How long it takes to know who is calling: the look-up by number and the record, as for a pop, on SQLite.

A large database takes minutes to make, so it is made once and kept in the cache folder.
"""

import hashlib
import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from callcenter.bench.spread import Spread, spread
from callcenter.calls.number import normalise
from callcenter.clock import SystemClock
from callcenter.customers.lookup import MatchKind, identify
from callcenter.errors import PartMissing
from callcenter.storage import sample, tables
from callcenter.storage.customers import StoredCustomers
from callcenter.storage.database import Database, check, latest, upgrade
from callcenter.storage.tables import customer_numbers

SIZES = (10_000, 1_000_000)
LOOKUPS, COLD = 2_000, 200
PROMISE_MS = 5.0
LIMIT = 60.0
"""Seconds; a look-up that takes too long for a caller is measured all the same."""
REGION = "CN"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class LookupFigures:
    """``cold``: milliseconds of the first look-ups after the file was closed and its pages were given back to the
    kernel; ``warm``: of all, when each number had been looked up once. ``made_in`` is seconds."""

    customers: int
    file_mb: float
    made_in: float
    cold: Spread
    warm: Spread

    @property
    def kept(self) -> bool:
        """Was the promise kept?"""
        return self.warm.p99 <= PROMISE_MS

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "promise_p99_ms": PROMISE_MS, "kept": self.kept}


async def measure(cache: Path, customers: int, *, progress: Progress, seed: int = 1) -> LookupFigures:
    """Make the database if it isn't there; look up random numbers. ``progress`` hears of the making."""
    path, made_in = await _made(cache, customers, progress)
    numbers = await _numbers(path, seed)
    _give_back(path)
    database = Database(_url(path))
    try:
        directory = StoredCustomers(database)
        cold = [await _one(directory, number) for number in numbers[:COLD]]
        for number in numbers[COLD:]:
            await _one(directory, number)
        warm = [await _one(directory, number) for number in numbers]
    finally:
        await database.close()
    cold_spread, warm_spread = spread(cold), spread(warm)
    if cold_spread is None or warm_spread is None:
        raise PartMissing(f"{path} holds no numbers: delete it, and it is made anew")
    return LookupFigures(
        customers, round(path.stat().st_size / 1e6, 1), round(made_in, 1), cold_spread, warm_spread
    )


async def _one(directory: StoredCustomers, number: str) -> float:
    """Milliseconds."""
    caller = normalise(number, REGION)
    began = time.perf_counter()
    match = await identify(directory, caller, LIMIT)
    took = (time.perf_counter() - began) * 1000
    if match.kind not in {MatchKind.KNOWN, MatchKind.SEVERAL}:
        raise PartMissing(f"a number of the bench's database was not found: {match.kind}")
    return took


async def _made(cache: Path, customers: int, progress: Progress) -> tuple[Path, float]:
    path = cache / f"customers-{customers}-{latest()}-{_shape()}.db"
    half, note = path.with_suffix(".part"), path.with_suffix(".json")
    made_in = _made_before(path, note)
    if made_in is not None:
        await check(_url(path))
        return path, made_in
    _make_room(half)
    began = time.perf_counter()
    await _fill(half, customers, progress)
    made_in = time.perf_counter() - began
    half.rename(path)
    note.write_text(json.dumps({"made_in": made_in}), "utf-8")
    return path, made_in


def _shape() -> str:
    """Changes with the tables, also while a version is still being worked on: then the database is made anew."""
    columns = [repr(column) for table in tables.metadata.sorted_tables for column in table.columns]
    indexes = sorted(str(index.name) for table in tables.metadata.sorted_tables for index in table.indexes)
    return hashlib.sha256("\n".join([*columns, *indexes]).encode()).hexdigest()[:8]


def _made_before(path: Path, note: Path) -> float | None:
    """Seconds that its making took; None when it must be made."""
    if not (path.exists() and note.exists()):
        return None
    return float(json.loads(note.read_text("utf-8"))["made_in"])


def _make_room(half: Path) -> None:
    """A making that was interrupted is begun anew."""
    half.parent.mkdir(parents=True, exist_ok=True)
    for old in half.parent.glob(f"{half.name}*"):
        old.unlink()


async def _fill(path: Path, customers: int, progress: Progress) -> None:
    await upgrade(_url(path))
    database, clock = Database(_url(path)), SystemClock()
    try:
        # Nobody logs in to this one.
        await sample.fill(database, clock, lambda _name: "-", customers=0)
        await sample.bulk(database, clock, customers, progress=progress)
    finally:
        await database.close()


async def _numbers(path: Path, seed: int) -> list[str]:
    """Numbers of random customers; by rowid, which needs no walk through a million rows."""
    database, chance = Database(_url(path)), random.Random(seed)
    found: list[str] = []
    rowid = customer_numbers.c.customer_id
    try:
        async with database.reading() as connection:
            last = int(await connection.scalar(select(func.max(rowid))) or 0)
            while last and len(found) < LOOKUPS:
                one = select(customer_numbers.c.number_key).where(rowid == chance.randint(1, last)).limit(1)
                number = await connection.scalar(one)
                if number is not None:
                    found.append(number)
    finally:
        await database.close()
    return found


def _give_back(path: Path) -> None:
    """Let the kernel forget the file's pages, so that the first look-ups go to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"
