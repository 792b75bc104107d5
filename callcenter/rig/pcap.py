"""Pressed keys as a capture file, for SIPp to play (``play_pcap_audio``). Pure.

The captures that come with SIPp all carry time stamps of their own, and Asterisk takes a key whose time stamp
is older than the last key's for a repetition: 4 and then 2 would be heard as 4. So each key of a script gets a
capture with its place in it.
"""

import struct

from callcenter.rig.mulaw import RATE
from callcenter.rig.rtp import FRAME, Packet, build_packet, key_payloads

_FILE = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
_ETHERNET = bytes(12) + b"\x08\x00"
_EVENTS = 101
_SOURCE = 0xCA11E400
_TICK_US = 1_000_000 * FRAME // RATE


def key_capture(key: str, place: int, at: float) -> bytes:
    """A capture of one key, the ``place``-th of its call, pressed ``at`` seconds after the answer."""
    timestamp = round(at * RATE) + FRAME
    return _FILE + b"".join(
        _record(
            number,
            Packet(_EVENTS, number == 0, (place * 16 + number + 1) & 0xFFFF, timestamp, _SOURCE, payload),
        )
        for number, payload in enumerate(key_payloads(key))
    )


def act_capture(place: int, speech: bytes, keys: str, gap: float) -> bytes:
    """A capture of something said (mu-law), and then keys, ``gap`` seconds from one to the next: the ``place``-th act
    of its call. Acts take a minute at most."""
    records: list[bytes] = []
    began, tick = place * 60 * RATE, 0

    def add(kind: int, first: bool, timestamp: int, payload: bytes) -> None:
        sequence = (place * 3000 + len(records) + 1) & 0xFFFF
        records.append(_record(tick, Packet(kind, first, sequence, began + timestamp, _SOURCE, payload)))

    for at in range(0, len(speech), FRAME):
        add(0, at == 0, at, speech[at : at + FRAME])
        tick += 1
    for key in keys:
        timestamp, start = tick * FRAME, tick
        for number, payload in enumerate(key_payloads(key)):
            add(_EVENTS, number == 0, timestamp, payload)
            tick += 1
        tick = max(tick, start + round(gap * RATE / FRAME))
    return _FILE + b"".join(records)


def _record(tick: int, packet: Packet) -> bytes:
    """``tick`` packets of 20 ms after the beginning."""
    frame = _ETHERNET + _udp(build_packet(packet))
    seconds, moment = divmod(tick * _TICK_US, 1_000_000)
    return struct.pack("<IIII", 1 + seconds, moment, len(frame), len(frame)) + frame


def _udp(payload: bytes) -> bytes:
    """IPv4 and UDP around it; SIPp puts the true addresses and sums in."""
    size = 8 + len(payload)
    local = bytes((127, 0, 0, 1))
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + size, 0, 0, 64, 17, 0, local, local)
    return head + struct.pack("!HHHH", 4000, 4000, size, 0) + payload
