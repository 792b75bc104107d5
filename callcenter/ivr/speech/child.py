"""The child process that speaks: ``python -m callcenter.ivr.speech.child``. It lives on from text to text.

It is apart because a speech library is C code that may hang, crash or print: the parent kills it and goes on. The child
only loads the library, and forks for each request: a fresh library in 6 ms instead of 150, nothing of one text is left
in the next, and what breaks is gone with its fork.

Each line of its input is a request as JSON: ``{"id": ..., "say": text, "voice": ..., "words_per_minute": ..., "file":
...}``, ``{"id": ..., "convert": path, "file": ...}`` or ``{"id": ..., "voices": true}``. Each line of its output is the
answer to one, with the same id; ``error`` in it says what went wrong, and never holds the text. The first line says
that it is ready.
"""

import contextlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

from callcenter.ivr.speech.sound import NotSound, convert, prepare_resampling

READY = {"ready": True}
_NICE = 5  # calls come first when the processor is short
_USUAL_RATE = 22_050  # espeak-ng's
_FINISH_LIMIT = 30.0  # seconds; the parent's own limit is shorter
_REST_STEP, _REST_STEPS = 0.001, 1000  # seconds
_HANG_LIMIT = 60  # seconds; ends a fork that hangs when there is no parent left to kill it


def main() -> None:
    """Answer until the input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the library prints; our answers stay alone on the real output
    os.nice(_NICE)
    with contextlib.suppress(Exception):  # then each request for speech says that it is not there
        import pyttsx3.drivers.espeak  # noqa: F401, PLC0415  converting must work where no speech library is
    prepare_resampling(_USUAL_RATE)
    _tell(out, READY)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        _tell(out, {"id": request["id"], **_forked(request)})


def _tell(out: IO[str], answer: dict[str, Any]) -> None:
    out.write(json.dumps(answer) + "\n")
    out.flush()


def _forked(request: dict[str, Any]) -> dict[str, Any]:
    """The answer of a process of its own."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        _answer_and_end(request, writing)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123  a descriptor, not a path
        said = pipe.read()
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        return {"error": f"the speech library was ended by signal {os.WTERMSIG(status)}"}
    try:
        answer: dict[str, Any] = json.loads(said)
    except ValueError:
        return {"error": "the speech library ended its process"}
    return answer


def _answer_and_end(request: dict[str, Any], writing: int) -> None:
    signal.alarm(_HANG_LIMIT)
    try:
        answer = _answer(request)
    except (NotSound, OSError) as error:
        answer = {"error": str(error)}
    except Exception as error:  # noqa: BLE001  the process's edge: the parent must know whatever is raised
        answer = {"error": type(error).__name__}
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(json.dumps(answer).encode())
    # espeak-ng's own threads can hang at a normal exit.
    os._exit(0)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    if "convert" in request:
        return {"seconds": convert(Path(request["convert"]), Path(request["file"]))}
    import pyttsx3  # noqa: PLC0415  see main

    engine = pyttsx3.init("espeak")
    if "say" not in request:
        voices = sorted(voice.id for voice in engine.getProperty("voices"))
        return {"voices": voices, "library": _library_version()}
    # Into memory, not on a disk that may be full: it is somebody's words.
    spoken = Path(f"/proc/self/fd/{os.memfd_create('spoken')}")
    _speak(engine, request, spoken)
    return {"seconds": convert(spoken, Path(request["file"]))}


def _speak(engine: Any, request: dict[str, Any], file: Path) -> None:
    finished = threading.Event()
    problems: list[str] = []

    def end(name: str | None, completed: bool) -> None:
        del name
        if not completed:
            problems.append("the speech library gave up")
        finished.set()

    def failed(name: str | None, exception: Exception) -> None:
        del name
        problems.append(type(exception).__name__)
        finished.set()

    engine.connect("finished-utterance", end)
    engine.connect("error", failed)
    _set_voice(engine, request)
    engine.save_to_file(request["say"], str(file))
    engine.runAndWait()
    # It may return after 10 ms, while the library's thread is still at work on a longer text.
    if not finished.wait(_FINISH_LIMIT):
        raise NotSound("the speech engine did not finish")
    if problems:
        raise NotSound(problems[0])


def _set_voice(engine: Any, request: dict[str, Any]) -> None:
    """The voice and its rate, and be sure of them.

    The library does what it is told in a thread of its own, and the end of each ``runAndWait`` cancels whatever that
    thread has not done yet: one text in forty came out at the wrong rate, one in thirty not at all. So it comes to
    rest before each step.
    """
    _rest()
    engine.runAndWait()  # From here on it does things when it is told, not in the next run.
    engine.setProperty("voice", request["voice"])
    engine.setProperty("rate", request["words_per_minute"])
    _rest()
    if engine.getProperty("rate") != request["words_per_minute"]:
        raise NotSound("the speech library does not take its rate")


def _rest() -> None:
    from pyttsx3.drivers import _espeak  # noqa: PLC0415  there is no public way to ask

    for _ in range(_REST_STEPS):
        if not _espeak.IsPlaying():
            return
        time.sleep(_REST_STEP)
    raise NotSound("the speech library does not come to rest")


def _library_version() -> str:
    from ctypes import c_char_p, c_void_p  # noqa: PLC0415  beside its only use

    from pyttsx3.drivers import _espeak  # noqa: PLC0415  there is no public way to ask

    info = _espeak.dll.espeak_Info
    info.restype, info.argtypes = c_char_p, [c_void_p]
    version: bytes = info(None)
    return version.decode("ascii", "replace")


if __name__ == "__main__":
    main()
