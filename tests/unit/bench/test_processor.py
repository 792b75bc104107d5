"""CPU seconds and busyness, from what the kernel writes."""

import os

import pytest

from callcenter.bench.processor import TICKS, Busy, busy, cpu_seconds, used

pytestmark = pytest.mark.unit


def test_a_process_with_a_wicked_name() -> None:
    """The name may hold blanks and brackets; user and kernel time are counted, those of dead children not."""
    line = f"42 (a) b (c) S 1 42 42 0 -1 4194304 9 9 9 9 {3 * TICKS} {2 * TICKS} {50 * TICKS} 0 20 0 1 0 77\n"
    assert used(line) == 5.0


def test_ourselves() -> None:
    """The kernel's figure for this process is about what the process itself knows."""
    times = os.times()
    assert cpu_seconds(os.getpid()) == pytest.approx(times.user + times.system, abs=0.1)


def test_how_busy_the_machine_was() -> None:
    """Idle and waiting for disks is not work; what a hypervisor took away is."""
    before = busy("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 1 1 1\n")
    after = busy("cpu  130 0 60 840 60 0 0 10 0 0\n")
    assert after.share_since(before) == 0.5
    assert Busy(1, 1).share_since(Busy(1, 1)) == 0.0
