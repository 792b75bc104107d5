"""AMI events per second through our parse and translate, against asterisk-ami's bare parsing of the same bytes.

Both get the same bytes in the same blocks. Of asterisk-ami it is the loop of its reader (split, decode, match, read)
without its socket, threads and listeners; ours also checks each byte, keeps the table of channels and says what
happened to which call.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

from asterisk.ami import Event as TheirEvent
from asterisk.ami import Response as TheirResponse
from asterisk.ami.client import AMIClient as TheirClient

from callcenter.asterisk.ami.framing import AmiFramer
from callcenter.asterisk.ami.messages import Event
from callcenter.calls.ports import PhoneBook
from callcenter.errors import PartMissing
from callcenter.ids import CallId
from callcenter.telephony.channels import ChannelTable
from callcenter.telephony.phone_states import PhoneStates
from callcenter.telephony.translate import Translator

BOOK = PhoneBook("PJSIP/{extension}", "PJSIP/{extension}", "", "PJSIP/{number}@trunk")
BANNER = b"Asterisk Call Manager/10.0.0\r\n"
BLOCK = 16_384
"""Bytes per read: what a socket gives under load."""
ROUNDS = 9


@dataclass(frozen=True)
class ParseFigures:
    """Events per second, medians of the rounds. Ratios are medians of the rounds' own ratios: ours to theirs."""

    events: int
    ours_parse_per_second: int
    ours_whole_per_second: int
    asterisk_ami_per_second: int
    parse_ratio: float
    whole_ratio: float

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def captured(folder: Path, repeat: int) -> bytes:
    """The captured sessions, one after the other, ``repeat`` times, without Asterisk's greeting. Raises
    ``PartMissing`` when there are none."""
    files = sorted(folder.glob("*_call.ami"))
    if not files:
        raise PartMissing(f"{folder} holds no captured AMI bytes (*_call.ami): run from a complete clone")
    return b"".join(_without_banner(path.read_bytes()) for path in files) * repeat


def measure(
    folder: Path, repeat: int = 40, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> ParseFigures:
    """Take turns, so that a machine that slows down slows all. CPU time is measured, not the clock's, so that
    what else runs here disturbs less."""
    data = captured(folder, repeat)
    ways = (_ours_parse, _ours_whole, _asterisk_ami)
    events = [way(data) for way in ways]
    if len(set(events)) != 1:
        raise PartMissing(f"the readers found different numbers of events in {folder}: {events}")
    rounds = []
    for done in range(ROUNDS):
        rounds.append([events[0] / _seconds(way, data) for way in ways])
        progress(done + 1, ROUNDS)
    ours, whole, theirs = (round(statistics.median(column)) for column in zip(*rounds, strict=True))
    return ParseFigures(
        events[0],
        ours,
        whole,
        theirs,
        round(statistics.median(parse / other for parse, _, other in rounds), 2),
        round(statistics.median(each / other for _, each, other in rounds), 2),
    )


def _without_banner(data: bytes) -> bytes:
    return data.partition(b"\r\n")[2] if data.startswith(b"Asterisk Call Manager/") else data


def _seconds(work: Callable[[bytes], int], data: bytes) -> float:
    began = time.process_time()
    work(data)
    return time.process_time() - began


def _blocks(data: bytes) -> list[bytes]:
    return [data[at : at + BLOCK] for at in range(0, len(data), BLOCK)]


def _ours_parse(data: bytes) -> int:
    framer = AmiFramer()
    framer.feed(BANNER)
    return sum(isinstance(frame, Event) for block in _blocks(data) for frame in framer.feed(block))


def _ours_whole(data: bytes) -> int:
    numbers = count()
    framer, table, phones = AmiFramer(), ChannelTable(), PhoneStates(BOOK)
    translator = Translator(BOOK, lambda: CallId(f"{next(numbers):032x}"))
    framer.feed(BANNER)
    events = 0
    for block in _blocks(data):
        for frame in framer.feed(block):
            if isinstance(frame, Event):
                translator.apply(table, phones, frame, 0.0)
                events += 1
    return events


def _asterisk_ami(data: bytes) -> int:
    """What asterisk-ami's reader does with what its socket gives it."""
    end, rest, events = TheirClient.asterisk_pack_regex, b"", 0
    for block in _blocks(data):
        rest += block
        while end.search(rest):
            pack, rest = end.split(rest, 1)
            text = pack.decode("utf-8", errors="replace")
            if TheirResponse.match(text):
                TheirResponse.read(text)
            elif TheirEvent.match(text):
                TheirEvent.read(text)
                events += 1
    return events
