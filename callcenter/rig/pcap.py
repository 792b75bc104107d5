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
    records: list[bytes] = []
    for number, payload in enumerate(key_payloads(key)):
        sequence = (place * 16 + number + 1) & 0xFFFF
        packet = build_packet(Packet(_EVENTS, number == 0, sequence, timestamp, _SOURCE, payload))
        frame = _ETHERNET + _udp(packet)
        moment = number * _TICK_US
        records.append(struct.pack("<IIII", 1, moment, len(frame), len(frame)) + frame)
    return _FILE + b"".join(records)


def _udp(payload: bytes) -> bytes:
    """IPv4 and UDP around it; SIPp puts the true addresses and sums in."""
    size = 8 + len(payload)
    local = bytes((127, 0, 0, 1))
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + size, 0, 0, 64, 17, 0, local, local)
    return head + struct.pack("!HHHH", 4000, 4000, size, 0) + payload
