"""Child processes that don't outlive us, and how they are ended."""

import asyncio
import shutil
import signal


def tied_to_parent(number: signal.Signals = signal.SIGTERM) -> list[str]:
    """The words before a command that let the kernel signal it when we die, also by ``kill -9``.

    Where there is no ``setpriv`` (util-linux) the list is empty, and only an orderly end stops the child. To the
    kernel the parent is the thread that started the child: start it from the main thread.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", number.name.removeprefix("SIG"), "--"] if setpriv else []


async def stop_process(process: asyncio.subprocess.Process, limit: float = 3.0) -> None:
    """End a process that is still there: asked first, killed after ``limit`` seconds."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    await ended(process, limit)
    if process.returncode is None:
        process.kill()
        await process.wait()


async def ended(process: asyncio.subprocess.Process, seconds: float) -> bool:
    """Wait at most so long for its end; True if it came."""
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        return False
    return True
