"""FastAGI on the wire: bytes in, frames out. No sockets and no asyncio here.

Text from a caller's SIP message can stand in the environment, control characters included. So the environment
must have Asterisk's variables once each, in Asterisk's order; a line that arrives when no command is waiting
for it is hostile or broken; and after one refusal the framer is dead: nothing later can be trusted.
"""

import enum
import re
from dataclasses import dataclass

MAX_LINE = 8 * 1024
"""Bytes in one line. Asterisk's own lines stay under 2 KiB."""
MAX_ENVIRONMENT = 64 * 1024
"""Bytes in the whole environment, and in one multi-line reply."""
MAX_ARGUMENTS = 32
"""``agi_arg_N`` lines; our dialplan sends none, FreePBX ones send a few."""

_FIXED = (
    "agi_network",
    "agi_network_script",  # absent when the URL has no path
    "agi_request",
    "agi_channel",
    "agi_language",
    "agi_type",
    "agi_uniqueid",
    "agi_version",
    "agi_callerid",
    "agi_calleridname",
    "agi_callingpres",
    "agi_callingani2",
    "agi_callington",
    "agi_callingtns",
    "agi_dnid",
    "agi_rdnis",
    "agi_context",
    "agi_extension",
    "agi_priority",
    "agi_enhanced",
    "agi_accountcode",
    "agi_threadid",
)
_OPTIONAL = frozenset({"agi_network_script"})
# C0, DEL and C1: none of them belongs in a value, each of them can end or hide something somewhere.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_REPLY = re.compile(r"(?P<code>\d{3})(?P<mark>[ -])(?P<text>.*)", re.DOTALL)
_RESULT = re.compile(
    r"result=(?P<result>\S*)(?: \((?P<data>.*)\))?(?: endpos=(?P<endpos>-?\d{1,18}))?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class EnvironmentRead:
    """The environment is complete: variable names without ``agi_``; the order is Asterisk's."""

    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class AgiReply:
    """One reply. ``result`` is empty unless ``code`` is 200; ``data`` is what stood in parentheses, or an
    error's text. ``endpos`` counts samples played (-1: Asterisk does not know)."""

    code: int
    result: str
    data: str | None = None
    endpos: int | None = None


@dataclass(frozen=True, slots=True)
class HangupNotice:
    """Asterisk says that the caller hung up. A reply may still follow."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """These bytes are not Asterisk's. ``reason`` is fixed text that quotes nothing."""

    reason: str


Frame = EnvironmentRead | AgiReply | HangupNotice | Rejected


class _Stage(enum.Enum):
    ENVIRONMENT = enum.auto()
    REPLIES = enum.auto()
    USAGE = enum.auto()
    DEAD = enum.auto()


class _Refusal(Exception):
    """Ends the framer; never leaves this module."""


class AgiFramer:
    """Splits one FastAGI connection into frames. Tell it of each command: ``command_sent``."""

    def __init__(self) -> None:
        self._stage = _Stage.ENVIRONMENT
        self._buffer = bytearray()
        self._size = 0
        self._variables: dict[str, str] = {}
        self._next = 0
        self._arguments = 0
        self._usage: list[str] = []
        self._expected = 0

    def command_sent(self) -> None:
        """One more reply may come."""
        self._expected += 1

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete. After ``Rejected`` nothing more comes."""
        if self._stage is _Stage.DEAD:
            return []
        frames: list[Frame] = []
        self._buffer += data
        try:
            self._split(frames)
        except _Refusal as refusal:
            self._stage = _Stage.DEAD
            self._buffer.clear()
            frames.append(Rejected(str(refusal)))
        return frames

    def _split(self, frames: list[Frame]) -> None:
        start = 0
        while (end := self._buffer.find(b"\n", start)) >= 0:
            if end - start > MAX_LINE:
                raise _Refusal("line too long")
            frame = self._line(self._buffer[start:end].decode("utf-8", "replace"), end - start + 1)
            if frame is not None:
                frames.append(frame)
            start = end + 1
        del self._buffer[:start]
        if len(self._buffer) > MAX_LINE:
            raise _Refusal("line too long")

    def _line(self, line: str, size: int) -> Frame | None:
        if self._stage is _Stage.ENVIRONMENT:
            self._measure(size)
            return self._environment(line)
        if line == "HANGUP":
            return HangupNotice()
        if self._stage is _Stage.USAGE:
            self._measure(size)
            return self._usage_line(line)
        return self._reply(line)

    def _measure(self, size: int) -> None:
        self._size += size
        if self._size > MAX_ENVIRONMENT:
            raise _Refusal("too many bytes")

    def _environment(self, line: str) -> EnvironmentRead | None:
        if not line:
            if self._next < len(_FIXED):
                raise _Refusal("environment incomplete")
            self._stage, self._size = _Stage.REPLIES, 0
            return EnvironmentRead(self._variables)
        name, colon, value = line.partition(": ")
        if not colon:
            raise _Refusal("environment line without a value")
        if _CONTROL.search(line):
            raise _Refusal("control character in the environment")
        self._take_place(name)
        self._variables[name.removeprefix("agi_")] = value
        return None

    def _take_place(self, name: str) -> None:
        """Each variable has one place; being anywhere else means that the order is not Asterisk's."""
        if self._next < len(_FIXED) and name != _FIXED[self._next] and _FIXED[self._next] in _OPTIONAL:
            self._next += 1
        if self._next < len(_FIXED):
            if name != _FIXED[self._next]:
                raise _Refusal("environment variable out of place")
            self._next += 1
            return
        self._arguments += 1
        if name != f"agi_arg_{self._arguments}" or self._arguments > MAX_ARGUMENTS:
            raise _Refusal("environment variable out of place")

    def _reply(self, line: str) -> AgiReply | None:
        if not self._expected:
            raise _Refusal("line without a command")
        parts = _REPLY.fullmatch(line)
        if parts is None:
            raise _Refusal("not a reply")
        if parts["mark"] == "-":
            self._stage, self._size, self._usage = _Stage.USAGE, 0, [parts["text"]]
            return None
        self._expected -= 1
        if parts["code"] != "200":
            return AgiReply(int(parts["code"]), "", parts["text"])
        result = _RESULT.fullmatch(parts["text"])
        if result is None:
            raise _Refusal("not a result")
        endpos = result["endpos"]
        return AgiReply(200, result["result"], result["data"], None if endpos is None else int(endpos))

    def _usage_line(self, line: str) -> AgiReply | None:
        """A 520 reply: usage lines until one that begins with the code again."""
        if not line.startswith("520 "):
            self._usage.append(line)
            return None
        self._stage = _Stage.REPLIES
        self._expected -= 1
        return AgiReply(520, "", "\n".join(self._usage))
