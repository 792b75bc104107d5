"""Sound on the wire (RTP, RFC 3550; pressed keys, RFC 4733) for many simulated people in one process.

One socket serves all calls of a process: Asterisk gives each call its own port, and that tells what arrives
apart. Nothing is read while nobody listens; the kernel throws away what overflows, which costs nothing.
"""

import asyncio
import random
import socket
import struct
import time
import wave
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import structlog

from callcenter.rig.mulaw import DECODED, RATE, SILENCE
from callcenter.tasks import Tasks

log = structlog.get_logger(__name__)

FRAME = 160
"""Samples in one packet: 20 ms."""
TICK = FRAME / RATE
KEYS = "0123456789*#ABCD"
_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_BATCH = 256
"""Packets read at one go before others have their turn."""
_ASTRAY = RATE // 5
"""A packet whose time stamp is this many samples off its arrival starts anew by its arrival."""
_LONGEST = 10 * 60 * RATE
"""A recording ends after ten minutes: nothing grows without end."""


@dataclass(frozen=True)
class Packet:
    """An RTP packet taken apart."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    source: int
    payload: bytes


def parse_packet(data: bytes) -> Packet | None:
    """None for what is no RTP packet: noise on the port is nobody's concern."""
    if len(data) < _HEADER.size or data[0] >> 6 != 2:
        return None
    first, second, sequence, timestamp, source = _HEADER.unpack_from(data)
    start = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if start > end:
        return None
    return Packet(second & 0x7F, bool(second & 0x80), sequence, timestamp, source, data[start:end])


def build_packet(packet: Packet) -> bytes:
    """The bytes of a packet."""
    second = packet.payload_type | (0x80 if packet.marker else 0)
    head = _HEADER.pack(0x80, second, packet.sequence, packet.timestamp, packet.source)
    return head + packet.payload


def key_payloads(key: str, ticks: int = 5, volume: int = 10) -> list[bytes]:
    """The telephone-event payloads of one key: held for ``ticks`` packets, its end said three times."""
    code = KEYS.index(key)
    held = [_EVENT.pack(code, volume, FRAME * tick) for tick in range(1, ticks + 1)]
    return held + [_EVENT.pack(code, 0x80 | volume, FRAME * ticks)] * 3


class Recorder:
    """What somebody hears, laid on a line of time that starts when they listen."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.samples = bytearray()
        self._source: int | None = None
        self._offset = 0

    def add(self, packet: Packet, arrived: float) -> None:
        """Put a packet of mu-law at its place; time stamps rule within a stream, arrival rules between."""
        by_arrival = max(0, round((arrived - self.started) * RATE) - FRAME)
        place = (packet.timestamp + self._offset) & 0xFFFFFFFF
        if packet.source != self._source or packet.marker or abs(place - by_arrival) > _ASTRAY:
            place = max(by_arrival, len(self.samples)) if packet.source == self._source else by_arrival
            self._offset = place - packet.timestamp
            self._source = packet.source
        end = place + len(packet.payload)
        if end > _LONGEST:
            return
        if place > len(self.samples):
            self.samples.extend(bytes([SILENCE]) * (place - len(self.samples)))
        self.samples[place:end] = packet.payload

    def save(self, path: Path) -> None:
        """Write a WAV file: 8 kHz, 16 bits, one channel, silence up to now."""
        missing = min(_LONGEST, round((time.monotonic() - self.started) * RATE)) - len(self.samples)
        heard = bytes(self.samples) + bytes([SILENCE]) * max(0, missing)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(struct.pack(f"<{len(heard)}h", *(DECODED[byte] for byte in heard)))


class Stream:
    """The sound of one call: what we say, the keys we press, and, if wanted, what we hear."""

    def __init__(self, owner: "SoundSocket", remote: tuple[str, int], say: bytes | None) -> None:
        self.remote = remote
        self.sending = True
        self.recorder: Recorder | None = None
        self.key_ended = 0.0
        """When the first packet left that said the end of the latest key (monotonic); 0 before."""
        self.events = 101
        self._owner = owner
        self._say = say
        self._at = 0
        self._keys: deque[tuple[bytes, bool]] = deque()
        self._sequence = random.getrandbits(15)
        self._timestamp = random.getrandbits(31)
        self._key_began = 0
        self._silent = asyncio.Event()
        self._silent.set()
        self._source = random.getrandbits(32)

    def press(self, key: str) -> None:
        """Queue one key; raises ValueError if there is no such key."""
        payloads = key_payloads(key)
        self._keys.extend((payload, index == 0) for index, payload in enumerate(payloads))
        self._keys.extend([(b"", False)] * 4)
        self._silent.clear()

    async def pressed(self) -> None:
        """Wait until all keys are sent, or the call is over."""
        await self._silent.wait()

    def tick(self) -> bytes | None:
        """The packet for the next 20 ms, or None for silence that is not sent."""
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
        if not self.sending:
            return None
        if self._keys:
            payload, first = self._keys.popleft()
            if not self._keys:
                self._silent.set()
            if payload:
                if first:
                    self._key_began, self.key_ended = self._timestamp, 0.0
                elif payload[1] & 0x80 and not self.key_ended:
                    self.key_ended = time.monotonic()
                return self._packet(self.events, first, self._key_began, payload)
        if self._say is None:
            return None
        frame = self._say[self._at : self._at + FRAME]
        self._at = (self._at + FRAME) % len(self._say)
        return self._packet(0, marker=False, timestamp=self._timestamp, payload=frame)

    def _packet(self, kind: int, marker: bool, timestamp: int, payload: bytes) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        return build_packet(Packet(kind, marker, self._sequence, timestamp, self._source, payload))

    def hear(self) -> Recorder:
        """Begin to listen (or go on)."""
        if self.recorder is None:
            self.recorder = Recorder()
            self._owner.listen()
        return self.recorder

    def move(self, remote: tuple[str, int]) -> None:
        """The other side's sound is elsewhere from now on (re-INVITE)."""
        self._owner.move(self, remote)

    def close(self) -> None:
        """The call is over."""
        self._silent.set()
        self._owner.forget(self)


class SoundSocket:
    """The RTP port of one process, and the clock that sends."""

    def __init__(self, host: str) -> None:
        self._socket, self._control = _pair(host)
        self._streams: dict[tuple[str, int], Stream] = {}
        self._tasks = Tasks("sound")
        self._reading = False
        self.late = 0
        """How many ticks came more than a tick late: the process was short of time."""

    @property
    def port(self) -> int:
        """Where sound for all calls of this process arrives."""
        return int(self._socket.getsockname()[1])

    def stream(self, remote: tuple[str, int], say: bytes | None) -> Stream:
        """A new call's sound; ``say`` is mu-law in whole frames, repeated, or None to say nothing."""
        stream = Stream(self, remote, say)
        self._streams[remote] = stream
        if not len(self._tasks):
            _ = self._tasks.start(self._pump(), "send")
        return stream

    def listen(self) -> None:
        """Read from now on; what lay in the socket before is old and thrown away."""
        if self._reading:
            return
        while self._receive() is not None:
            continue
        asyncio.get_running_loop().add_reader(self._socket, self._arrived)
        self._reading = True

    def move(self, stream: Stream, remote: tuple[str, int]) -> None:
        """Rename a stream's far end."""
        self.forget(stream)
        stream.remote = remote
        self._streams[remote] = stream

    def forget(self, stream: Stream) -> None:
        """Send and hear no more of this call."""
        if self._streams.get(stream.remote) is stream:
            del self._streams[stream.remote]
        if self._reading and not any(other.recorder for other in self._streams.values()):
            asyncio.get_running_loop().remove_reader(self._socket)
            self._reading = False

    async def close(self) -> None:
        """Stop the clock and give the ports back."""
        self._streams.clear()
        if self._reading:
            asyncio.get_running_loop().remove_reader(self._socket)
        await self._tasks.close()
        self._socket.close()
        self._control.close()

    def _receive(self) -> tuple[bytes, tuple[str, int]] | None:
        try:
            data, source = self._socket.recvfrom(2048)
        except (BlockingIOError, ConnectionError):
            return None
        return data, source

    def _arrived(self) -> None:
        now = time.monotonic()
        for _ in range(_BATCH):
            got = self._receive()
            if got is None:
                return
            stream = self._streams.get(got[1])
            if stream is None or stream.recorder is None:
                continue
            packet = parse_packet(got[0])
            if packet is not None and packet.payload_type == 0:
                stream.recorder.add(packet, now)

    async def _pump(self) -> None:
        due = time.monotonic()
        while self._streams:
            due += TICK
            for stream in list(self._streams.values()):
                packet = stream.tick()
                if packet is not None:
                    self._send(packet, stream.remote)
            wait = due - time.monotonic()
            if wait < -TICK:
                self.late += 1
                due -= wait
            await asyncio.sleep(max(0.0, wait))

    def _send(self, packet: bytes, remote: tuple[str, int]) -> None:
        try:
            self._socket.sendto(packet, remote)
        except OSError as error:  # a full buffer or a port that has gone: sound may be lost, calls may not
            log.debug("sound was not sent", error=str(error))


def _pair(host: str) -> tuple[socket.socket, socket.socket]:
    """An even port for RTP and the odd one after it, which is held so that RTCP disturbs nobody."""
    for _ in range(100):
        sound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sound.setblocking(False)
        sound.bind((host, 0))
        port = sound.getsockname()[1]
        control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            if port % 2:
                raise OSError("an odd port")
            control.bind((host, port + 1))
        except OSError:
            sound.close()
            control.close()
            continue
        return sound, control
    raise OSError(f"no pair of free ports for sound on {host}")
