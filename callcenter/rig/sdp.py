"""The little of SDP (RFC 4566) that a phone with mu-law and telephone-events needs. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum

from callcenter.rig.sip_message import BadSip

_CONNECTION = re.compile(r"c=IN IP4 ((?:[0-9]{1,3}\.){3}[0-9]{1,3})")
_AUDIO = re.compile(r"m=audio ([0-9]{1,5})(?:/[0-9]+)? RTP/AVPF? ((?:[0-9]{1,3} ?)+)")
_EVENTS = re.compile(r"a=rtpmap:([0-9]{1,3}) telephone-event/8000", re.IGNORECASE)


class Direction(StrEnum):
    """Who may send sound."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        """True if the side that says this sends."""
        return self in {Direction.SENDRECV, Direction.SENDONLY}

    @property
    def receives(self) -> bool:
        """True if the side that says this listens."""
        return self in {Direction.SENDRECV, Direction.RECVONLY}


@dataclass(frozen=True)
class Sound:
    """One side's description of its audio."""

    host: str
    port: int
    direction: Direction = Direction.SENDRECV
    events: int | None = 101
    """The payload number of pressed keys (RFC 4733), if that side takes them."""
    mulaw: bool = True

    @property
    def address(self) -> tuple[str, int]:
        """Where to send."""
        return self.host, self.port


def parse_sdp(body: bytes) -> Sound:
    """The first audio line of a description; raises BadSip."""
    lines = body.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    host, port, events, payloads = "", None, None, ""
    direction = Direction.SENDRECV
    for line in (text.rstrip() for text in lines):
        if line.startswith("m=") and port is not None:
            break
        if found := _AUDIO.fullmatch(line):
            port, payloads = int(found[1]), found[2]
        elif found := _CONNECTION.fullmatch(line):
            host = found[1]
        elif found := _EVENTS.fullmatch(line):
            events = int(found[1])
        elif line.startswith("a=") and line[2:] in Direction.__members__.values():
            direction = Direction(line[2:])
    if port is None or not host:
        raise BadSip("no audio in the description")
    if port > 65_535 or any(int(part) > 255 for part in host.split(".")):
        raise BadSip("an address that is none")
    if host == "0.0.0.0":  # noqa: S104  the old way (RFC 2543) to say hold
        direction = Direction.INACTIVE
    return Sound(host, port, direction, events, "0" in payloads.split())


def build_sdp(sound: Sound, version: int) -> bytes:
    """Our description: mu-law and telephone-events, 20 ms. ``version`` grows with each change."""
    events = 101 if sound.events is None else sound.events
    return "\r\n".join(
        [
            "v=0",
            f"o=- 1 {version} IN IP4 {sound.host}",
            "s=-",
            f"c=IN IP4 {sound.host}",
            "t=0 0",
            f"m=audio {sound.port} RTP/AVP 0 {events}",
            "a=rtpmap:0 PCMU/8000",
            f"a=rtpmap:{events} telephone-event/8000",
            f"a=fmtp:{events} 0-16",
            "a=ptime:20",
            f"a={sound.direction}",
            "",
        ]
    ).encode()


def answering(theirs: Direction, own: Direction = Direction.SENDRECV) -> Direction:
    """What we answer to an offer: we send only if they listen, and listen only if they send."""
    sends = own.sends and theirs.receives
    receives = own.receives and theirs.sends
    if sends and receives:
        return Direction.SENDRECV
    if sends:
        return Direction.SENDONLY
    return Direction.RECVONLY if receives else Direction.INACTIVE
