"""The test ground: every test leaves nothing behind, blocks no loop, talks to nobody outside, and says its kind."""

import asyncio
import ipaddress
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest
import structlog
from blockbuster import BlockBuster
from hypothesis import settings as hypothesis_settings
from structlog.typing import EventDict, WrappedLogger

from tests.virtual_time import VirtualTimeLoop, settle

KINDS = frozenset({"unit", "flows", "integration", "live", "browser"})
"""A test is of exactly one; ``long`` may be added."""

hypothesis_settings.register_profile("fast", max_examples=60, deadline=None, print_blob=True)
hypothesis_settings.register_profile("long", max_examples=2000, deadline=None, print_blob=True)
hypothesis_settings.load_profile("fast")


# ------------------------------------------------------------ options and collection


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--long`` runs the long tests too, and more examples of each property."""
    parser.addoption("--long", action="store_true", help="long tests too, and more hypothesis examples")


def pytest_configure(config: pytest.Config) -> None:
    """Choose how thorough to be, and name our own marker."""
    config.addinivalue_line("markers", "virtual_time: on a loop whose clock jumps to the next timer")
    if config.getoption("--long"):
        hypothesis_settings.load_profile("long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse tests that don't say their kind; leave the long ones out unless they are asked for."""
    nameless: set[str] = set()
    asked = config.getoption("--long") or "long" in str(config.getoption("-m"))
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        if len(marks & KINDS) != 1:
            nameless.add(item.nodeid.partition("::")[0])
        if "long" in marks and not asked:
            item.add_marker(pytest.mark.skip(reason="long: run with --long or -m long"))
        if isinstance(item, pytest.Function) and asyncio.iscoroutinefunction(item.obj):
            # First in, so last out: it looks when the test's own fixtures have cleaned up.
            item.fixturenames.insert(0, "no_task_left")
    if nameless:
        kinds = ", ".join(sorted(KINDS))
        raise pytest.UsageError(
            "each test has exactly one kind, set by the module's pytestmark "
            f"({kinds}; long may be added); wrong in: {', '.join(sorted(nameless))}"
        )


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """A test's loop: the machine's, or the one with virtual time."""
    del config
    if item.get_closest_marker("virtual_time"):
        return {"virtual": VirtualTimeLoop}
    return {"real": asyncio.new_event_loop}


# ------------------------------------------------------------ nothing left behind

THREADS_THAT_STAY = ("asyncio_", "pytest_timeout", "pydevd")
"""The loop's own executor ends with the loop; the others belong to the test runner."""


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """A task or timer that outlives its test fails it: something was started and not ended."""
    loop = asyncio.get_running_loop()
    before = asyncio.all_tasks()
    yield
    await settle(5)
    here = asyncio.current_task()
    tasks = [task for task in asyncio.all_tasks() - before if task is not here and not task.done()]
    timers = [handle for handle in getattr(loop, "_scheduled", ()) if _ours(handle)]
    left = [task.get_name() for task in tasks] + [repr(handle) for handle in timers]
    for task in tasks:
        task.cancel()
    for handle in timers:
        handle.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=1)
    if left:
        pytest.fail("left behind: " + "; ".join(left))


def _ours(handle: asyncio.TimerHandle) -> bool:
    """A timer that was set by the program; aiohttp's keep-alive sweeps end with the loop."""
    if handle.cancelled():
        return False
    module = str(getattr(getattr(handle, "_callback", None), "__module__", ""))
    return not module.startswith(("aiohttp.", "asyncio."))


@pytest.fixture(autouse=True)
def _no_thread_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """The same for threads. The browser's driver keeps its own for the whole session."""
    before = set(threading.enumerate())
    yield
    if request.node.get_closest_marker("browser"):
        return
    for thread in set(threading.enumerate()) - before:
        if not thread.name.startswith(THREADS_THAT_STAY):
            thread.join(1)
            if thread.is_alive():
                pytest.fail(f"left behind: thread {thread.name}")


FAULTS = frozenset({"task failed", "event handler failed"})
"""Log lines that are faults of the program. A test which provokes one captures the log."""


@pytest.fixture(autouse=True)
def _honest_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """A fault that is only logged fails the test; what a test binds or configures for logging ends with it.

    The rig's tasks are people: that one fails is what its tests are about, and they ask it."""
    faults: list[str] = []

    def note(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        if event.get("event") in FAULTS:
            faults.append(repr(event))
        return event

    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, note, plain]
    )
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    if faults and "rig" not in request.path.parts:
        pytest.fail("; ".join(faults))


# ------------------------------------------------------------ nothing blocks the loop


MAY_BLOCK = {
    # A log line goes to standard error, a pipe or a terminal: microseconds, and the only way to tell.
    "structlog/_output.py": {"msg"},
    # The heartbeat: one byte to a parent that always reads.
    "callcenter/app.py": {"_beat"},
    # Flows are read once, at the start, before the doors open.
    "callcenter/ivr/flow/loader.py": {"load_flow"},
    # Imports within functions happen once; a fresh test process has not paid for them at its start.
    "<frozen importlib._bootstrap>": {"_find_and_load"},
    # The first use of a region's rules reads them from the package.
    "phonenumbers/phonemetadata.py": {"metadata_for_region", "metadata_for_nongeo_region"},
    # A fake engine does at once what the real one's child process does.
    "unit/ivr/speech/test_prompts.py": {"speak", "convert"},
}
"""Where blocking is right, and why."""


def _guard() -> BlockBuster:
    """Blocking calls made by our package in a running loop fail; the rig runs outside of any core."""
    guard = BlockBuster("callcenter", excluded_modules=["callcenter.rig"])
    for file, functions in MAY_BLOCK.items():
        for one in guard.functions.values():
            one.can_block_in(file, functions)
    return guard


@pytest.fixture(autouse=True)
def _nothing_blocks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Unit, flow and integration tests run the product under the guard."""
    if not any(request.node.get_closest_marker(kind) for kind in ("unit", "flows", "integration")):
        yield
        return
    guard = _guard()
    guard.activate()
    try:
        yield
    finally:
        guard.deactivate()


# ------------------------------------------------------------ nobody outside is spoken to


def _is_loopback(host: object) -> bool:
    if host in {"localhost", None}:
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: Python tells it of every address before it is used, whichever library asks."""
    if event in {"socket.connect", "socket.bind", "socket.sendto"}:
        address = arguments[1]
        if isinstance(address, tuple) and not _is_loopback(address[0]):
            raise RuntimeError(f"tests stay on this machine's loopback: {event} to {address!r}")
    elif event == "socket.getaddrinfo":
        host = arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]
        if not _is_loopback(host):
            raise RuntimeError(f"tests stay on this machine's loopback: no look-up of {host!r}")


sys.addaudithook(_stay_here)
