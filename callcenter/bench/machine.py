"""On what the figures were taken: a figure without its machine says nothing."""

import asyncio
import os
import platform
import re
import shutil
import sqlite3
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from callcenter.errors import PartMissing
from callcenter.rig.asterisk_install import find_launcher

NOT_HERE = "not here"


@dataclass(frozen=True)
class Machine:
    """``load`` is the load average of the minute before the start: what else ran here."""

    cores: int
    memory_gib: float
    processor: str
    kernel: str
    python: str
    sqlite: str
    asterisk: str
    sipp: str
    callcenter: str
    load: float

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


async def look() -> Machine:
    """This machine, now."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(_memory(_text("/proc/meminfo")) / 2**20, 1),
        processor=_processor(_text("/proc/cpuinfo")),
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        asterisk=await _asterisk(),
        sipp=await _sipp(),
        callcenter=version("callcenter"),
        load=round(os.getloadavg()[0], 1),
    )


def _text(path: str) -> str:
    return Path(path).read_text("utf-8", errors="replace")


def _memory(text: str) -> int:
    """KiB."""
    found = re.search(r"^MemTotal:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) if found else 0


def _processor(text: str) -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


async def _asterisk() -> str:
    try:
        launcher = find_launcher()
    except PartMissing:
        return NOT_HERE
    with tempfile.TemporaryDirectory(prefix="bench") as empty:  # the launcher wants folders, the version none
        found = re.search(r"Asterisk (\S+)", await _says(str(launcher), empty, empty, "-V"))
    return found[1] if found else "unknown"


async def _sipp() -> str:
    program = shutil.which("sipp")
    if program is None:
        return NOT_HERE
    found = re.search(r"SIPp v([0-9.]+\d)", await _says(program, "-v"))
    return found[1] if found else "unknown"


async def _says(*command: str) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        return str(error)
    out, _ = await process.communicate()
    return out.decode("utf-8", "replace")
