"""AMI events per second through our parse and translate, against other readers' bare parsing of the same bytes.

All get the same bytes in the same blocks. Of asterisk-ami it is the loop of its reader (split, decode, match, read)
without its socket, threads and listeners; of panoramisk, if that is installed, its protocol (split, decode, message)
without its socket and listeners. Ours also checks each byte, keeps the table of channels and says what happened to
which call. Our whole way, to the screens and the record, is in ``replay``.
"""

import importlib
import importlib.util
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
from callcenter.bench.replay import captured
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
PANORAMISK = "panoramisk"
"""It is no part of this program: to have its line too, ``pip install panoramisk`` beside it."""

Reader = Callable[[bytes], int]
"""Reads all and gives the number of events."""


@dataclass(frozen=True)
class ParseFigures:
    """Events per second, medians of the rounds. Ratios are medians of the rounds' own ratios: to asterisk-ami.
    panoramisk's are None where it isn't installed."""

    events: int
    ours_parse_per_second: int
    ours_whole_per_second: int
    asterisk_ami_per_second: int
    parse_ratio: float
    whole_ratio: float
    panoramisk_per_second: int | None = None
    panoramisk_ratio: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def measure(
    folder: Path, repeat: int = 40, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> ParseFigures:
    """Take turns, so that a machine that slows down slows all. CPU time is measured, not the clock's, so that
    what else runs here disturbs less."""
    data = captured(folder, repeat)
    ways = readers()
    events = [way(data) for way in ways.values()]
    if len(set(events)) != 1:
        raise PartMissing(f"the readers found different numbers of events in {folder}: {events}")
    rounds = []
    for done in range(ROUNDS):
        rounds.append({name: events[0] / _seconds(way, data) for name, way in ways.items()})
        progress(done + 1, ROUNDS)
    rates = {name: round(statistics.median(each[name] for each in rounds)) for name in ways}
    ratios = {
        name: round(statistics.median(each[name] / each["asterisk-ami"] for each in rounds), 2)
        for name in ways
    }
    return ParseFigures(
        events[0],
        rates["parse"],
        rates["translate"],
        rates["asterisk-ami"],
        ratios["parse"],
        ratios["translate"],
        rates.get(PANORAMISK),
        ratios.get(PANORAMISK),
    )


def readers() -> dict[str, Reader]:
    """Those that are here."""
    ways: dict[str, Reader] = {"parse": _ours_parse, "translate": _ours_whole, "asterisk-ami": _asterisk_ami}
    if importlib.util.find_spec(PANORAMISK) is not None:
        ways[PANORAMISK] = _panoramisk
    return ways


def _seconds(work: Reader, data: bytes) -> float:
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


class _Counting:
    """Stands where panoramisk's manager hears of events."""

    save_stream = None

    def __init__(self) -> None:
        self.events = 0

    def dispatch(self, _message: object) -> None:
        self.events += 1


def _panoramisk(data: bytes) -> int:
    """What panoramisk's protocol does with what its transport gives it."""
    protocol = importlib.import_module(f"{PANORAMISK}.ami_protocol").AMIProtocol()
    protocol.connection_made(None)
    protocol.encoding = "utf8"
    protocol.factory = counting = _Counting()
    protocol.data_received(BANNER)
    for block in _blocks(data):
        protocol.data_received(block)
    return counting.events
