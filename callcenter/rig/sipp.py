"""SIPp as a process: how it is started, its ports, and what it may do here."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from callcenter.errors import PartMissing
from callcenter.rig.child import tied_to_parent

SIPP = "sipp"


async def start_sipp(arguments: Sequence[str], folder: Path) -> asyncio.subprocess.Process:
    """SIPp with what every run needs; its errors go to ``folder/errors``. Raises PartMissing."""
    program = shutil.which(SIPP)
    if program is None:
        raise PartMissing("SIPp is not installed: on Debian, apt-get install sip-tester")
    with (folder / "screen").open("wb") as screen:
        return await asyncio.create_subprocess_exec(
            *tied_to_parent(signal.SIGKILL),
            program,
            *arguments,
            *("-i", "127.0.0.1", "-mi", "127.0.0.1", "-nostdin", "-aa"),
            *("-trace_err", "-error_file", "errors"),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=screen,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TERM": "dumb"},
        )


def free_media_port(host: str) -> int:
    """A port for sound which is free now, and so are the three after it (SIPp takes up to four)."""
    for _ in range(100):
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]
        try:
            sockets[0].bind((host, 0))
            port = int(sockets[0].getsockname()[1])
            if port % 2 or port > 65_530:
                continue
            for more, each in enumerate(sockets[1:], 1):
                each.bind((host, port + more))
        except OSError:
            continue
        else:
            return port
        finally:
            for each in sockets:
                each.close()
    raise PartMissing(f"no free ports for sound on {host}")


def may_open_raw_sockets() -> bool:
    """Whether SIPp can send keys as RFC 4733: it opens a raw socket for that."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP).close()
    except PermissionError:
        return False
    return True
