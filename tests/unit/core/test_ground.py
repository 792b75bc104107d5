"""What everything stands on: the bus, tasks, timers, clocks, ids."""

import asyncio
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from callcenter.bus import Bus
from callcenter.clock import ManualClock, SystemClock
from callcenter.ids import new_id
from callcenter.tasks import Tasks
from callcenter.timers import LoopTimers, ManualTimers
from tests.virtual_time import START, NothingWillHappen, settle

pytestmark = pytest.mark.unit


# ------------------------------------------------------------ the bus


def test_a_failing_handler_stops_nobody() -> None:
    """The others run, in order, and the failure is logged with event and handler."""
    bus, told = Bus(), list[str]()

    def bad(_: int) -> None:
        raise RuntimeError("broken")

    bus.subscribe(int, lambda _: told.append("first"), bad, lambda _: told.append("last"))
    with capture_logs() as logs:
        bus.publish(7)
    assert told == ["first", "last"]
    [line] = logs
    assert (line["event"], line["event_type"]) == ("event handler failed", "int")
    assert "bad" in line["handler"]


def test_only_the_exact_type_is_told() -> None:
    """True is an int to Python, not to the bus; an event that nobody wants is no error."""
    bus, told = Bus(), list[object]()
    bus.subscribe(int, told.append)
    bus.publish(True)
    bus.publish("text")
    bus.publish(1)
    assert told == [1]


def test_an_event_within_an_event() -> None:
    """It is told at once, before the outer one goes on."""
    bus, told = Bus(), list[str]()

    def first(event: str) -> None:
        told.append(f"first {event}")
        bus.publish(1)

    bus.subscribe(str, first, lambda event: told.append(f"second {event}"))
    bus.subscribe(int, lambda _: told.append("inner"))
    bus.publish("a")
    assert told == ["first a", "inner", "second a"]


# ------------------------------------------------------------ tasks


async def test_tasks_end_with_their_owner() -> None:
    """Closing cancels; a failure is logged by name and takes nobody along; a closed owner starts nothing."""
    tasks = Tasks("part")
    with capture_logs() as logs:
        tasks.run(asyncio.sleep(60), "sleeps")
        failing = tasks.start(_fail(), "fails")
        await asyncio.wait({failing})
        await settle()
        assert len(tasks) == 1
        await tasks.close()
    assert len(tasks) == 0
    assert [(line["event"], line["task"]) for line in logs] == [("task failed", "part:fails")]
    with pytest.raises(RuntimeError, match="late can't be started"):
        tasks.run(asyncio.sleep(0), "late")


async def _fail() -> None:
    raise ValueError("broken")


@pytest.mark.virtual_time
async def test_a_task_that_does_not_end_is_named() -> None:
    """Closing has a limit."""
    tasks = Tasks("part")

    async def stubborn() -> None:
        for _ in range(3):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                continue

    tasks.run(stubborn(), "stubborn")
    await settle()
    with capture_logs() as logs:
        await tasks.close(limit=2)
    assert logs[0]["task"] == "part:stubborn"
    await asyncio.sleep(60)
    assert len(tasks) == 0


# ------------------------------------------------------------ timers


@pytest.mark.virtual_time
async def test_loop_timers() -> None:
    """They fire in time; setting one again moves it; cancelling forgets it; the past is now."""
    clock = SystemClock()
    timers, fired = LoopTimers(clock), list[tuple[str, float]]()

    def note(name: str) -> None:
        timers.at(name, clock.now() + delays[name], lambda: fired.append((name, clock.now() - START)))

    delays = {"a": 10.0, "b": 20.0, "past": -5.0}
    for name in delays:
        note(name)
    delays["b"] = 5.0
    note("b")
    timers.at("never", clock.now() + 7, lambda: fired.append(("never", 0)))
    timers.cancel("never")
    timers.cancel("unknown")
    await asyncio.sleep(60)
    assert fired == [("past", 0.0), ("b", 5.0), ("a", 10.0)]
    timers.at("left", clock.now() + 7, lambda: fired.append(("left", 0)))
    timers.close()
    await asyncio.sleep(60)
    assert len(fired) == 3


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 20)), max_size=20), st.integers(0, 20))
def test_manual_timers_fire_in_order(settings: list[tuple[int, int]], now: int) -> None:
    """Each key once, by its last setting, earliest first, and only what is due."""
    timers, fired = ManualTimers(), list[int]()
    for key, when in settings:
        timers.at(key, when, lambda key=key: fired.append(key))  # type: ignore[misc]
    timers.fire(now)
    last = dict(settings)
    assert sorted(fired) == sorted(key for key, when in last.items() if when <= now)
    assert [last[key] for key in fired] == sorted(last[key] for key in fired)


def test_a_timer_set_by_a_timer() -> None:
    """It fires in the same go when it is due."""
    timers, fired = ManualTimers(), list[str]()

    def first() -> None:
        fired.append("first")
        timers.at("second", 5, lambda: fired.append("second"))
        timers.at("later", 50, lambda: fired.append("later"))

    timers.at("first", 1, first)
    timers.fire(10)
    assert fired == ["first", "second"]


# ------------------------------------------------------------ clocks and ids


def test_clocks() -> None:
    """The monotonic one never jumps with the wall's; the wall is aware and UTC."""
    clock = ManualClock()
    clock.set_wall(clock.wall() + dt.timedelta(hours=-1))
    before = clock.now()
    clock.move(5)
    assert clock.now() - before == 5
    system = SystemClock()
    assert system.now() <= system.now()
    assert system.wall().tzinfo is dt.UTC


@pytest.mark.virtual_time
async def test_virtual_time() -> None:
    """An hour passes at once, in the order of the timers; threads are waited for with the clock standing still."""
    clock = SystemClock()
    assert clock.now() == START
    await asyncio.sleep(3600)
    assert clock.now() == START + 3600
    assert await asyncio.to_thread(lambda: 7) == 7
    assert clock.now() == START + 3600
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await asyncio.Event().wait()
    assert clock.now() == START + 3605


def test_waiting_for_nothing_is_told() -> None:
    """A test that waits for what never comes fails at once, not after minutes."""
    from tests.virtual_time import VirtualTimeLoop  # noqa: PLC0415  only this test makes a loop by hand

    loop = VirtualTimeLoop()
    try:
        with pytest.raises(NothingWillHappen):
            loop.run_until_complete(loop.create_future())
    finally:
        loop.close()


def test_ids() -> None:
    """Sorted by birth, 32 hex digits, never twice."""
    clock = ManualClock()
    ids = []
    for _ in range(200):
        ids.append(new_id(clock))
        clock.move(0.001)
    assert ids == sorted(ids)
    assert len(set(ids)) == 200
    assert all(len(one) == 32 and set(one) <= set("0123456789abcdef") for one in ids)
