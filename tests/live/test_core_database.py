"""Another program locks the database: calls go on, and nothing of them is missing or double afterwards."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from callcenter.demo.floor import Floor
from callcenter.rig.screen_client import LogInRefused, log_in
from tests.live.at_screen import AtScreen
from tests.live.conftest import PASSWORD, MakeFloor
from tests.live.watching import (
    LINE,
    adds_up,
    choose,
    dial_in,
    ear,
    ended_call,
    offers,
    phone_events,
    rows,
    talks_with,
    until,
)

pytestmark = [pytest.mark.live]

BEFORE = "+8613911170001"
DURING = "+8613911170002"
LONGER = "+8613911170003"


@asynccontextmanager
async def locked(floor: Floor, how: str) -> AsyncIterator[None]:
    """Hold the lock as another program would, in a transaction that it forgot to end."""
    with contextlib.closing(sqlite3.connect(floor.database, isolation_level=None)) as connection:
        connection.execute(f"BEGIN {how}")
        connection.execute("UPDATE users SET language = language")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


@pytest.mark.timeout(90)
async def test_locked_for_eight_seconds(make_floor: MakeFloor) -> None:
    """F34: a call that began before, one that comes and goes meanwhile and one that outlasts the lock are popped and
    served as ever; each is on record once. Who logs in meanwhile is told clearly, and soon."""
    floor = await make_floor(agents=2, screens=[])
    await _calls_while_locked(floor, "IMMEDIATE", 8.0)


@pytest.mark.long
@pytest.mark.timeout(150)
async def test_locked_for_half_a_minute(make_floor: MakeFloor) -> None:
    """The same for 30 s, with an exclusive lock."""
    floor = await make_floor(agents=2, screens=[])
    await _calls_while_locked(floor, "EXCLUSIVE", 30.0)


async def _calls_while_locked(floor: Floor, how: str, seconds: float) -> None:
    async with (
        AtScreen(floor, "agent1001", "1001") as desk,
        ear(floor, BEFORE) as before,
        ear(floor, LONGER) as longer,
    ):
        await desk.done("ready")
        await dial_in(before)
        await talks_with(floor, before, "1001")
        async with locked(floor, how):
            began = time.monotonic()
            refused = asyncio.create_task(_log_in_meanwhile(floor))
            await before.hang_up()
            await desk.until_state("ready", 3)
            async with ear(floor, DURING) as during:
                await dial_in(during)
                await talks_with(floor, during, "1001", 5)
                assert desk.pop is not None
                assert desk.pop["number"] == DURING
                await during.hang_up()
            await desk.until_state("ready", 3)
            assert await longer.call(LINE) == 200
            assert await refused < 8
            assert not rows(floor, "SELECT 1 FROM calls WHERE number_key IN (?, ?)", DURING, LONGER)
            await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
        await choose(longer)
        await talks_with(floor, longer, "1001")
        await longer.hang_up()
        await desk.until_state("ready", 5)
        await until(lambda: _wrapped_up(floor) == 3, 10, "all wrap-ups are on record")
        for number in (BEFORE, DURING, LONGER):
            call = await ended_call(floor, number)
            assert call["end_reason"] == "caller_hangup"
            assert call["marks"] == []
            assert adds_up(floor, call)
            assert [offer["result"] for offer in offers(floor, call["id"])] == ["answered"]
        assert len(phone_events(floor, "invite")) == 3
        async with AtScreen(floor, "agent1002", "1002") as other:
            assert other.state == "not_ready"


def _wrapped_up(floor: Floor) -> int:
    return len(
        rows(floor, "SELECT * FROM wrap_ups WHERE call_id IN (SELECT id FROM calls WHERE channel_id != '')")
    )


async def _log_in_meanwhile(floor: Floor) -> float:
    """Somebody tries to log in: refused as busy; gives the seconds that it took."""
    began = time.monotonic()
    with pytest.raises(LogInRefused) as refused:
        await log_in(floor.address, "agent1002", PASSWORD, "1002")
    assert refused.value.status == 503
    return time.monotonic() - began
