"""The child process that speaks: ``python -m callcenter.ivr.speech.child``, one request on its input, then it ends.

It is apart because a speech library is C code that may hang, crash or print: the parent kills it and goes on.
In: ``{"say": text, "voice": ..., "words_per_minute": ..., "file": ...}`` or ``{"convert": path, "file": ...}`` or
``{"voices": true}`` as JSON. Out: one JSON object; ``error`` in it says what went wrong.
"""

import json
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from callcenter.ivr.speech.sound import NotSound, convert

_FINISH_LIMIT = 30.0  # seconds; the parent's own limit is shorter


def main() -> None:
    """Answer one request."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the library prints; our answer stays alone on the real output
    request = json.loads(sys.stdin.buffer.read())
    try:
        answer = _answer(request)
    except Exception as error:  # noqa: BLE001  the process's edge: the parent must know whatever is raised
        answer = {"error": f"{type(error).__name__}: {error}"}
    out.write(json.dumps(answer))
    out.flush()
    # espeak-ng's own threads can hang at a normal exit.
    os._exit(0)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    if "convert" in request:
        return {"seconds": convert(Path(request["convert"]), Path(request["file"]))}
    import pyttsx3  # noqa: PLC0415  only here: converting must work where no speech library is

    engine = pyttsx3.init("espeak")
    voices = sorted(voice.id for voice in engine.getProperty("voices"))
    if "say" not in request:
        return {"voices": voices, "library": _library_version()}
    if not any(voice.endswith(f"/{request['voice']}") for voice in voices):
        raise NotSound(f"there is no voice {request['voice']}")
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        _speak(engine, request, spoken)
        return {"seconds": convert(spoken, Path(request["file"]))}


def _speak(engine: Any, request: dict[str, Any], file: Path) -> None:
    finished = threading.Event()
    engine.connect("finished-utterance", lambda name, completed: finished.set())
    engine.setProperty("voice", request["voice"])
    engine.setProperty("rate", request["words_per_minute"])
    engine.save_to_file(request["say"], str(file))
    engine.runAndWait()
    # runAndWait returns after 10 ms, while the library's thread is still at work on a longer text.
    if not finished.wait(_FINISH_LIMIT):
        raise NotSound("the speech engine did not finish")


def _library_version() -> str:
    from ctypes import c_char_p, c_void_p  # noqa: PLC0415  beside its only use

    from pyttsx3.drivers import _espeak  # noqa: PLC0415  there is no public way to ask

    info = _espeak.dll.espeak_Info
    info.restype, info.argtypes = c_char_p, [c_void_p]
    version: bytes = info(None)
    return version.decode("ascii", "replace")


if __name__ == "__main__":
    main()
