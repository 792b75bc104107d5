"""A private Asterisk as a child process: it starts until it answers, and is gone when its parent is."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections import deque
from pathlib import Path

from callcenter.errors import PartMissing, TelephonyDown
from callcenter.rig.asterisk_config import AsteriskPlan, write_config
from callcenter.rig.ports import LOOPBACK

SOCKET_PATH_BYTES = 107  # a Unix socket's address holds no more


class PrivateAsterisk:
    """One Asterisk that runs from ``launcher`` (see ``asterisk_install``) with the settings of ``plan``.

    It dies with the process that started it, also when that one is killed. To the kernel that means the
    thread that called ``start``: call it from the main thread.
    """

    def __init__(self, launcher: Path, plan: AsteriskPlan) -> None:
        self.launcher = launcher
        self.plan = plan
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process id of Asterisk itself. Raises TelephonyDown when it does not run."""
        if self._process is None or self._process.returncode is not None:
            raise TelephonyDown("the private Asterisk does not run")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    async def start(self, limit: float = 15.0) -> None:
        """Write the settings, start, and wait at most ``limit`` seconds until it is fully booted.

        Raises PartMissing with the end of its log when it ends or does not get ready in time.
        """
        if self.running:
            raise RuntimeError("the private Asterisk runs already")
        _check_path(self.plan.run / "run" / "asterisk.ctl")
        write_config(self.plan)
        with self._console.open("wb") as console:
            self._process = await asyncio.create_subprocess_exec(
                *_tied_to_parent(),
                *self._launch("-f"),
                cwd=self.plan.folder,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        try:
            async with asyncio.timeout(limit):
                await self._until_booted(self._process)
        except TimeoutError:
            await self.stop()
            raise PartMissing(f"Asterisk was not ready in {limit:.0f} s:\n{self.log_tail()}") from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self, limit: float = 5.0) -> None:
        """End it: SIGTERM, and SIGKILL after ``limit`` seconds. Nothing happens when it does not run."""
        process = self._process
        if process is None:
            return
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(limit):
                await process.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await process.wait()
        self._process = None

    async def restart(self) -> None:
        """End it and start it again, with the same plan and ports."""
        await self.stop()
        await self.start()

    def kill(self) -> None:
        """SIGKILL, as a power cut would; ``start`` may follow after ``await stop()``."""
        self._signal(signal.SIGKILL)

    async def command(self, text: str) -> str:
        """What Asterisk's own console answers to ``text``, for example ``core show channels concise``.

        Raises TelephonyDown when the console can't be reached.
        """
        console = await asyncio.create_subprocess_exec(
            *self._launch("-rx", text),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await console.communicate()
        if console.returncode:
            raise TelephonyDown(f"Asterisk's console: {err.decode(errors='replace').strip()}")
        return out.decode(errors="replace")

    def log_tail(self, lines: int = 30) -> str:
        """The last lines of what Asterisk said on its console and in its log."""
        tail: deque[str] = deque(maxlen=lines)
        for path in (self.plan.run / "log" / "messages", self._console):
            with contextlib.suppress(FileNotFoundError), path.open(errors="replace") as text:
                tail.extend(text)
        return "".join(tail)

    @property
    def _console(self) -> Path:
        return self.plan.folder / "console.log"

    def _launch(self, *options: str) -> list[str]:
        places = (self.launcher, self.plan.conf, self.plan.run)
        return [*(str(place.absolute()) for place in places), *options]

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _until_booted(self, process: asyncio.subprocess.Process) -> None:
        while not await self._booted():
            if process.returncode is not None:
                raise PartMissing(f"Asterisk ended at its start ({process.returncode}):\n{self.log_tail()}")
            await asyncio.sleep(0.05)

    async def _booted(self) -> bool:
        """Log in to AMI; Asterisk says FullyBooted there, at once or when it is."""
        try:
            reader, writer = await asyncio.open_connection(LOOPBACK, self.plan.ami_port)
        except OSError:
            return False
        login = f"Action: Login\r\nUsername: {self.plan.ami_user}\r\nSecret: {self.plan.ami_secret}\r\n\r\n"
        try:
            writer.write(login.encode())
            said = b""
            while b"Event: FullyBooted\r\n" not in said:
                got = await reader.read(4096)
                if not got:
                    return False
                said = said[-200:] + got
                if b"Response: Error" in said:
                    raise PartMissing(
                        f"another program's AMI answers on port {self.plan.ami_port}: choose another port"
                    )
            writer.write(b"Action: Logoff\r\n\r\n")
        except ConnectionError:
            return False
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        return True


def _tied_to_parent() -> list[str]:
    """The command that makes the kernel kill the child when this process dies."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PartMissing("setpriv isn't here, which ties Asterisk to this program: install util-linux")
    return [setpriv, "--pdeathsig", "KILL"]


def _check_path(socket: Path) -> None:
    if len(os.fsencode(socket.absolute())) > SOCKET_PATH_BYTES:
        raise PartMissing(
            f"{socket} is too long a path for Asterisk's control socket: choose a shorter folder"
        )
