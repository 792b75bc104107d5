"""AMI events per second through our parse and translate, against asterisk-ami's bare parsing of the same captured bytes."""

import statistics
import time
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

from asterisk.ami import Event as TheirEvent
from asterisk.ami import Response as TheirResponse

from callcenter.asterisk.ami.framing import AmiFramer
from callcenter.asterisk.ami.messages import Event
from callcenter.calls.ports import PhoneBook
from callcenter.errors import PartMissing
from callcenter.ids import CallId
from callcenter.telephony.channels import ChannelTable
from callcenter.telephony.phone_states import PhoneStates
from callcenter.telephony.translate import Translator

BOOK = PhoneBook("PJSIP/{extension}", "PJSIP/{extension}", "", "PJSIP/{number}@trunk")
ROUNDS = 7


@dataclass(frozen=True)
class ParseFigures:
    """Events per second, medians of the rounds; ``ratio`` is the median of the rounds' own ratios."""

    messages: int
    ours_parse_per_second: float
    ours_whole_per_second: float
    asterisk_ami_per_second: float
    whole_to_asterisk_ami: float

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def captured(folder: Path, repeat: int) -> bytes:
    """The captured sessions, one after the other, ``repeat`` times."""
    files = sorted(folder.glob("*_call.ami"))
    if not files:
        raise PartMissing(f"{folder} holds no captured AMI bytes (*_call.ami): run from a complete clone")
    one = b"".join(path.read_bytes().split(b"\r\n", 1)[1] for path in files)
    return one * repeat


def measure(folder: Path, repeat: int = 40) -> ParseFigures:
    """Take turns, so that a machine that slows down slows both."""
    data = captured(folder, repeat)
    messages = _ours_parse(data)
    parse, whole, theirs, ratios = [], [], [], []
    for _ in range(ROUNDS):
        ours = messages / _timed(_ours_parse, data)
        all_ours = messages / _timed(_ours_whole, data)
        other = messages / _timed(_asterisk_ami, data)
        parse.append(ours)
        whole.append(all_ours)
        theirs.append(other)
        ratios.append(all_ours / other)
    return ParseFigures(
        messages,
        round(statistics.median(parse)),
        round(statistics.median(whole)),
        round(statistics.median(theirs)),
        round(statistics.median(ratios), 2),
    )


def _timed(work: Any, data: bytes) -> float:
    began = time.perf_counter()
    work(data)
    return time.perf_counter() - began


def _chunks(data: bytes, size: int = 16_384) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def _ours_parse(data: bytes) -> int:
    framer = AmiFramer()
    framer.feed(b"Asterisk Call Manager/10.0.0\r\n")
    return sum(len(framer.feed(chunk)) for chunk in _chunks(data))


def _ours_whole(data: bytes) -> int:
    numbers = count()
    framer, table, phones = AmiFramer(), ChannelTable(), PhoneStates(BOOK)
    translator = Translator(BOOK, lambda: CallId(f"{next(numbers):032x}"))
    framer.feed(b"Asterisk Call Manager/10.0.0\r\n")
    happened = 0
    for chunk in _chunks(data):
        for frame in framer.feed(chunk):
            if isinstance(frame, Event):
                happened += len(translator.apply(table, phones, frame, 0.0))
    return happened


def _asterisk_ami(data: bytes) -> int:
    """What asterisk-ami's reader does with each block, without its threads and its socket."""
    parsed = 0
    for chunk in data.decode("utf-8", "replace").split("\r\n\r\n"):
        if TheirEvent.match(chunk):
            TheirEvent.read(chunk)
            parsed += 1
        elif TheirResponse.match(chunk):
            TheirResponse.read(chunk)
            parsed += 1
    return parsed
