"""CPU seconds of processes, and how busy the whole machine was, from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Busy:
    """What the machine's cores did since it started, in ticks."""

    working: int
    all: int

    def share_since(self, earlier: "Busy") -> float:
        """0 to 1: of all cores, between two readings."""
        passed = self.all - earlier.all
        return (self.working - earlier.working) / passed if passed else 0.0


def cpu_seconds(pid: int) -> float:
    """What a process and all its threads have used so far. Raises FileNotFoundError when it is gone."""
    return used(Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace"))


def used(stat: str) -> float:
    """Seconds in user and kernel mode of a line of /proc/PID/stat, whatever the program's name holds."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def machine_busy() -> Busy:
    """Now."""
    return busy(Path("/proc/stat").read_text("utf-8"))


def busy(text: str) -> Busy:
    """From the first line of /proc/stat: user nice system idle iowait irq softirq steal; the rest is counted there."""
    fields = [int(field) for field in text.splitlines()[0].split()[1:9]]
    return Busy(sum(fields) - fields[3] - fields[4], sum(fields))
