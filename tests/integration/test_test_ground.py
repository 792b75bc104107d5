"""The test ground catches what it is there for: each fault, in a test of its own, fails."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]

FAULTS = """
import asyncio, socket, threading, time
import pytest
from callcenter.bus import Bus
from callcenter.tasks import Tasks

pytestmark = pytest.mark.unit


async def test_task():
    Tasks("x").run(asyncio.sleep(60), "left")


async def test_timer():
    def later(): pass
    asyncio.get_running_loop().call_later(60, later)


def test_thread():
    threading.Thread(target=time.sleep, args=(2,), name="left").start()


async def test_blocks():
    bus = Bus()
    bus.subscribe(int, lambda _: time.sleep(0.01))
    bus.publish(1)


def test_outside():
    with socket.socket() as one:
        one.connect(("192.0.2.1", 9))


def test_look_up():
    socket.getaddrinfo("example.invalid", 80)


def test_every_interface():
    with socket.socket() as one:
        one.bind(("0.0.0.0", 0))


async def test_failed_task():
    async def fails(): raise ValueError("broken")
    Tasks("x").run(fails(), "fails")
    await asyncio.sleep(0.01)


async def test_good():
    tasks = Tasks("x")
    tasks.run(asyncio.sleep(60), "ended")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
    await tasks.close()


@pytest.mark.long
def test_long():
    pass
"""


def run(*files: Path) -> str:
    """The closing lines of a run of these tests on our ground."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        "-q",
        "--tb=no",
    ]
    command += ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), "-rA", *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_each_fault_fails_its_test(tmp_path: Path) -> None:
    """A task, a timer, a thread left behind; a blocking call; a word to the outside; a failure only logged."""
    file = tmp_path / "test_faults.py"
    file.write_text(FAULTS, "utf-8")
    report = run(file)
    for name in ("outside", "look_up", "every_interface"):
        assert f"FAILED ::test_{name} " in report, report
    for name in ("task", "timer", "thread", "blocks", "failed_task"):
        assert f"ERROR ::test_{name} " in report, report
    assert "PASSED ::test_good" in report
    assert "3 failed, 6 passed, 1 skipped, 5 errors" in report


def test_a_test_without_its_kind_is_refused(tmp_path: Path) -> None:
    """None, two, or only long: nothing runs, and each module is named."""
    marks = ["", "pytestmark = [pytest.mark.unit, pytest.mark.live]", "pytestmark = pytest.mark.long"]
    files = [tmp_path / f"test_{number}.py" for number in range(3)]
    for file, mark in zip(files, marks, strict=True):
        file.write_text(f"import pytest\n{mark}\n\n\ndef test_x():\n    pass\n", "utf-8")
    report = run(*files)
    assert "exactly one kind" in report
    assert "passed" not in report
