"""AMI without sockets: bytes in, messages out.

A caller's name or number reaches AMI as it came in by SIP, control characters included. So a line ends only
at CR LF, a message only at a blank line, and what can't have been written by Asterisk itself is not a message
but ``Rejected``: a control character inside a line, a header given twice, a first line that is neither
``Event`` nor ``Response``. The reader goes on at the next blank line.
"""

import re
from dataclasses import dataclass
from typing import Any

from callcenter.asterisk.ami.messages import CONTROLS, Event, Message, Response

MAX_LINE = 8 * 1024
"""Bytes. Asterisk writes the longest values (a dialplan application's data) through buffers of 4 KiB."""
MAX_LINES = 400
"""A transfer event describes four channels with some 15 headers and their channel variables each."""

_BANNER = re.compile(rb"Asterisk Call Manager/([0-9][0-9.]{0,30})")
_END = b"\r\n\r\n"
_CONTROL_BYTES = bytes(range(0x20)) + b"\x7f"
_LINES = frozenset({"Output", "Variable"})
_CHECK_EVERY = 4096


@dataclass(frozen=True, slots=True)
class Rejected:
    """Bytes that are no message. They are hostile, so only their length (up to the fault) is kept."""

    reason: str
    excerpt_length: int


Frame = Message | Rejected


class _HostileError(Exception):
    """The block is no message; the text says why."""


class AmiFramer:
    """Takes one connection's bytes apart, in pieces of any size."""

    def __init__(self) -> None:
        self.version: str | None = None
        """The protocol's version, once Asterisk has said who it is."""
        self._greeted = False
        self._skipping = False
        self._rest = bytearray()
        self._check_at = MAX_LINE

    def feed(self, data: bytes) -> list[Frame]:
        """The messages that these bytes complete. It never raises, whatever comes."""
        searched = max(0, len(self._rest) - len(_END) + 1)
        self._rest += data
        frames: list[Frame] = []
        if not self._greeted:
            self._take_banner(frames)
            searched = 0
        if self._greeted and self._rest.find(_END, searched) >= 0:
            *blocks, rest = bytes(self._rest).split(_END)
            self._rest = bytearray(rest)
            self._check_at = MAX_LINE
            for block in blocks:
                self._take(block, frames)
        if len(self._rest) > self._check_at:
            self._bound(frames)
        return frames

    def _take_banner(self, frames: list[Frame]) -> None:
        end = self._rest.find(b"\r\n")
        if end < 0 and len(self._rest) <= MAX_LINE + 1:
            return
        self._greeted = True
        line = bytes(self._rest[:end]) if 0 <= end <= MAX_LINE else b""
        if match := _BANNER.fullmatch(line):
            self.version = match[1].decode("ascii")
            del self._rest[: end + 2]
        else:
            frames.append(Rejected("no AMI banner", min(len(line), MAX_LINE)))
            self._skipping = True

    def _take(self, block: bytes, frames: list[Frame]) -> None:
        block = block.removeprefix(b"\r\n")
        if self._skipping:
            self._skipping = False
        elif block:
            frames.append(_frame(block))

    def _bound(self, frames: list[Frame]) -> None:
        """Give up on a message that is already too big, so that the buffer stays small."""
        if not self._skipping and (
            fault := _oversize(bytes(self._rest).removeprefix(b"\r\n"), complete=False)
        ):
            frames.append(fault)
            self._skipping = True
        if self._skipping:
            del self._rest[: -len(_END) + 1]
            self._check_at = MAX_LINE
        else:
            self._check_at = len(self._rest) + _CHECK_EVERY


def _oversize(block: bytes, *, complete: bool) -> Rejected | None:
    """The first place, in reading order, where the block passes a limit."""
    start = 0
    for _ in range(MAX_LINES):
        end = block.find(b"\r\n", start)
        stop = end if end >= 0 else len(block)
        if end < 0 and not complete and block.endswith(b"\r"):
            stop -= 1  # it may be half of a line's end
        length = stop - start
        if length > MAX_LINE:
            return Rejected("line too long", start + MAX_LINE)
        if end < 0:
            return None
        start = end + 2
    # What follows the last allowed line may still be the blank one that ends the message.
    return Rejected("too many lines", start) if complete or block[start:] not in (b"", b"\r") else None


def _frame(block: bytes) -> Frame:
    text = block.decode("utf-8", "replace")
    lines = text.split("\r\n")
    if (len(block) > MAX_LINE or len(lines) > MAX_LINES) and (fault := _oversize(block, complete=True)):
        return fault
    # All control bytes that are left after the line ends are hostile.
    if len(block.translate(None, _CONTROL_BYTES)) != len(block) - 2 * (len(lines) - 1):
        return Rejected("control character", len(block))
    if not block.isascii() and CONTROLS.search(text.replace("\r\n", "")):
        return Rejected("control character", len(block))
    try:
        return _message(text, lines)
    except _HostileError as hostile:
        return Rejected(str(hostile), len(block))


def _message(text: str, lines: list[str]) -> Message:
    kind = lines[0].partition(": ")[0]
    if kind not in ("Event", "Response"):
        raise _HostileError("neither Event nor Response")
    pairs = [line.split(": ", 1) for line in lines]
    keys: dict[str, Any]
    try:
        keys = dict(pairs)
    except ValueError:
        pairs = [_pair(line) for line in lines]
        keys = dict(pairs)
    if len(keys) != len(lines) or "ChanVariable" in text:
        _gather(keys, pairs)
    name = keys.pop(kind)
    return Event(name, keys) if kind == "Event" else Response(name, keys)


def _pair(line: str) -> list[str]:
    key, colon, value = line.partition(": ")
    if not colon:
        if not line.endswith(":"):
            raise _HostileError("line without a colon")
        key = line[:-1]
    return [key, value]


def _gather(keys: dict[str, Any], pairs: list[list[str]]) -> None:
    """Headers that may come several times become a dictionary (variables) or lines (output)."""
    # OriginateResponse names the channel: ``ChanVariable(PJSIP/1001-00000004)``.
    often = [pair for pair in pairs if "Variable" in pair[0]]
    if "Output" in keys:
        often += [pair for pair in pairs if pair[0] == "Output"]
    for key, _ in often:
        keys.pop(key, None)
    if len(keys) + len(often) != len(pairs):
        raise _HostileError("header given twice")
    for key, value in often:
        if "ChanVariable" not in key:
            if key in keys and key not in _LINES:
                raise _HostileError("header given twice")
            keys[key] = f"{keys[key]}\n{value}" if key in keys else value
            continue
        name, equals, content = value.partition("=")
        variables = keys.setdefault(key, {})
        if not equals or name in variables:
            raise _HostileError("variable without a value, or given twice")
        variables[name] = content
