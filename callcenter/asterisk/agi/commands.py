"""AGI command lines, encoded. Pure functions: words in, bytes out; all of them raise ``BadInput``.

Every argument is quoted, so a space or a quotation mark in it stays inside it. Control characters are
refused: a line break would begin a second command. The names of files, applications and variables come from
our own code or settings, and are held to narrow patterns all the same.
"""

import re

from callcenter.errors import BadInput

MAX_BYTES = 1000
"""One command's length; Asterisk's own buffer is 2,048 and what is over it becomes another command."""

_APPLICATION = re.compile(r"[A-Za-z][A-Za-z0-9]{0,79}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}(?:\([A-Za-z0-9_/:.@,-]{0,120}\))?")
_FILE = re.compile(r"[\w ./+@~=-]{1,400}")
_KEY = re.compile(r"[A-Za-z0-9_./-]{1,200}")
_CLASS = re.compile(r"[A-Za-z0-9_-]{1,79}")
_FORMAT = re.compile(r"[a-z0-9]{1,10}")
_DIGITS = re.compile(r"[0-9*#]{0,12}")
_NO_KEY = "!"  # no phone has this key: so neither fast-forward nor rewind can be pressed


def answer() -> bytes:
    """Answer the channel. Asterisk waits up to 500 ms for the caller's sound before it replies."""
    return _line("ANSWER")


def hangup() -> bytes:
    """Hang up the caller."""
    return _line("HANGUP")


def set_variable(name: str, value: str) -> bytes:
    """Set a channel variable (``__`` before the name: inherited by the channels that it dials)."""
    return _line("SET VARIABLE", _matching(_VARIABLE, name, "variable name"), value)


def get_full_variable(name: str) -> bytes:
    """Read a variable or function such as ``CHANNEL(state)``; its value is the reply's ``data``.

    Never ask for one that a caller can write: its line breaks would be read as replies.
    """
    return _line("GET FULL VARIABLE", "${" + _matching(_VARIABLE, name, "variable name") + "}")


def stream_file(path: str, keys: str = "") -> bytes:
    """Play a sound file to its end; one of ``keys`` ends it, and its character code is the result."""
    return _line("STREAM FILE", _path(path), _matching(_DIGITS, keys, "keys"))


def control_stream_file(path: str, keys: str = "") -> bytes:
    """As ``stream_file``, but AMI's ControlPlayback can cut it short."""
    return _line(
        "CONTROL STREAM FILE", _path(path), _matching(_DIGITS, keys, "keys"), "3000", _NO_KEY, _NO_KEY
    )


def get_data(path: str, timeout_ms: int, max_digits: int) -> bytes:
    """Play a file and collect keys; ``timeout_ms`` counts from the file's end and between keys.

    The keys are the result; ``#`` ends them and is not among them.
    """
    return _line(
        "GET DATA", _path(path), str(_between(timeout_ms, 1, 600_000)), str(_between(max_digits, 1, 32))
    )


def wait_for_digit(timeout_ms: int) -> bytes:
    """Wait for one key: its character code, or 0 when the time is over."""
    return _line("WAIT FOR DIGIT", str(_between(timeout_ms, 1, 600_000)))


def record_file(path: str, file_format: str, keys: str, max_ms: int, silence_seconds: int) -> bytes:
    """Play the sound ``beep`` and record the caller into ``path`` (without its ending), until one of ``keys``, so much
    silence, or the time is over. The reply's ``endpos`` counts the samples that are in the file, 8,000 a second."""
    return _line(
        "RECORD FILE",
        _path(path),
        _matching(_FORMAT, file_format, "sound format"),
        _matching(_DIGITS, keys, "keys"),
        str(_between(max_ms, 1000, 3_600_000)),
        "BEEP",
        f"s={_between(silence_seconds, 1, 60)}",
    )


def set_music(on: bool, music_class: str = "default") -> bytes:
    """Music on (it plays with no command in flight) or off."""
    return _line("SET MUSIC", "ON" if on else "OFF", _matching(_CLASS, music_class, "music class"))


def exec_(app: str, *args: str) -> bytes:
    """Run a dialplan application. An argument with a comma would be two: it is refused."""
    if any("," in arg for arg in args):
        raise BadInput("A comma in an application's argument would split it.")
    return _line("EXEC", _matching(_APPLICATION, app, "application name"), ",".join(args))


def database_del(family: str, key: str) -> bytes:
    """Delete one key of Asterisk's own database."""
    return _line("DATABASE DEL", _matching(_KEY, family, "family"), _matching(_KEY, key, "key"))


def database_deltree(family: str, keytree: str | None = None) -> bytes:
    """Delete a family, or the part of it under ``keytree``."""
    words = [_matching(_KEY, family, "family")]
    if keytree is not None:
        words.append(_matching(_KEY, keytree, "key"))
    return _line("DATABASE DELTREE", *words)


def verbose(message: str, level: int = 1) -> bytes:
    """Write to Asterisk's console. Give it no personal data."""
    return _line("VERBOSE", message, str(_between(level, 1, 4)))


def _line(command: str, *words: str) -> bytes:
    text = " ".join((command, *(_quoted(word) for word in words)))
    try:
        line = text.encode()
    except UnicodeEncodeError as error:
        raise BadInput("An AGI argument can't be encoded.") from error
    if len(line) > MAX_BYTES:
        raise BadInput(f"An AGI command is longer than {MAX_BYTES} bytes.")
    return line + b"\n"


def _quoted(word: str) -> str:
    if any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in word):
        raise BadInput("An AGI argument has a control character.")
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise BadInput(f"This can't be an AGI {what}.")
    return text


def _path(path: str) -> str:
    if ".." in path:
        raise BadInput("A sound file's path can't climb.")
    return _matching(_FILE, path, "sound file")


def _between(number: int, least: int, most: int) -> int:
    if not least <= number <= most:
        raise BadInput(f"An AGI number must be between {least} and {most}.")
    return number
