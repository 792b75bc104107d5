"""What live tests look at: events of phones and screens, the record, what a caller hears."""

import asyncio
import contextlib
import itertools
import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from callcenter.demo.floor import Floor, read_events
from callcenter.rig import hearing
from callcenter.rig.ear import Ear

LINE = "4001"


def phone_events(floor: Floor, *kinds: str, extension: str | None = None) -> list[dict[str, Any]]:
    """What the phones saw, of these kinds, in order."""
    return [
        event
        for event in read_events(floor.phone_events)
        if event["event"] in kinds and extension in {None, event.get("extension")}
    ]


def pops(floor: Floor) -> list[dict[str, Any]]:
    """Every pop that a screen received."""
    return [event for event in read_events(floor.screen_events) if event["event"] == "pop" and event["pop"]]


async def until(what: Callable[[], Any], limit: float, saying: str) -> Any:
    """Look ten times a second until it is so; gives what it was."""
    end = time.monotonic() + limit
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {saying}")
        await asyncio.sleep(0.05)


def rows(floor: Floor, query: str, *values: Any) -> list[dict[str, Any]]:
    """The record, read past our own program."""
    connection = sqlite3.connect(f"file:{floor.database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(query, values)]
    finally:
        connection.close()


def calls(floor: Floor, number: str) -> list[dict[str, Any]]:
    """This caller's calls on record, marks as a list."""
    found = rows(
        floor, "SELECT * FROM calls WHERE number_key = ? AND channel_id != '' ORDER BY arrived_at", number
    )
    for row in found:
        row["marks"] = json.loads(row["marks"])
    return found


def segments(floor: Floor, call_id: str) -> list[dict[str, Any]]:
    """A call's segments, in order."""
    return rows(floor, "SELECT * FROM segments WHERE call_id = ? ORDER BY position", call_id)


async def press(floor: Floor, extension: str, action: str) -> None:
    """Do something with a simulated phone, as a hand would."""
    url = f"http://127.0.0.1:{floor.phones_port}/{extension}/{action}"
    async with aiohttp.ClientSession() as session, session.post(url) as answer:
        assert answer.status < 300, await answer.text()


def ear(floor: Floor, number: str, **given: Any) -> Ear:
    """A caller who hears."""
    return Ear(floor.asterisk_plan.sip_port, number=number, **given)


async def choose(caller: Ear, keys: str = "12") -> None:
    """Get through the IVR: language, then the queue."""
    for key in keys:
        await asyncio.sleep(1.0)
        await caller.press(key)


async def until_hears(caller: Ear, frequency: float, limit: float, *, since: int = 0) -> None:
    """Until this tone has been in the caller's ear for half a second, counted from byte ``since``."""
    await until(
        lambda: hearing.hears(caller.heard_so_far()[since:][-16_000:], frequency, 0.4),
        limit,
        f"the caller hears {frequency} Hz",
    )


async def dial_in(caller: Ear, keys: str = "12") -> None:
    """Call and get through the IVR to a queue."""
    assert await caller.call(LINE) == 200
    await choose(caller, keys)


async def talks_with(floor: Floor, caller: Ear, extension: str, limit: float = 10) -> None:
    """Until the caller hears this phone from now on."""
    await until_hears(caller, floor.tone_of(extension), limit, since=len(caller.heard_so_far()))


async def behave(floor: Floor, extension: str, **behaviour: Any) -> None:
    """Change what a phone does from the next call on."""
    url = f"http://127.0.0.1:{floor.phones_port}/{extension}/behaviour"
    async with aiohttp.ClientSession() as session, session.post(url, json=behaviour) as answer:
        assert answer.status < 300, await answer.text()


async def ended_call(floor: Floor, number: str, limit: float = 8) -> dict[str, Any]:
    """The one call of this number on record, once it has ended."""
    found = await until(
        lambda: [c for c in calls(floor, number) if c["ended_at"]], limit, f"{number} on record"
    )
    everything = calls(floor, number)
    assert len(everything) == 1, everything
    call: dict[str, Any] = found[0]
    return call


def adds_up(floor: Floor, call: dict[str, Any], slack_ms: int = 5) -> bool:
    """Do the call's segments fill its time, without gaps and overlaps?"""
    parts = segments(floor, call["id"])
    joined = all(one["ended_at"] == two["started_at"] for one, two in itertools.pairwise(parts))
    total = sum(part["ended_at"] - part["started_at"] for part in parts)
    return joined and abs(total - (call["ended_at"] - call["arrived_at"])) <= slack_ms


def offers(floor: Floor, call_id: str) -> list[dict[str, Any]]:
    """A call's offers on record, in order."""
    return rows(floor, "SELECT * FROM offers WHERE call_id = ? ORDER BY offered_at", call_id)


def numbers_of(floor: Floor, tier: str) -> list[str]:
    """Numbers that belong to one sample customer each, of this tier."""
    query = """SELECT n.number_key FROM customer_numbers n JOIN customers c ON c.id = n.customer_id
        WHERE c.tier = ? AND n.position = 0 AND
        (SELECT count(*) FROM customer_numbers o WHERE o.number_key = n.number_key) = 1 ORDER BY c.id"""
    return [row["number_key"] for row in rows(floor, query, tier)]


def make_vip(floor: Floor, *numbers: str) -> None:
    """Move the customers with these numbers to the best tier; before the floor is started."""
    with contextlib.closing(sqlite3.connect(floor.database)) as connection, connection:
        for number in numbers:
            connection.execute(
                "UPDATE customers SET tier = 'vip' WHERE id IN "
                "(SELECT customer_id FROM customer_numbers WHERE number_key = ?)",
                [number],
            )
