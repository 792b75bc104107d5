"""Packets of sound, keys, and the line of time of a recording."""

import struct
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.rig.mulaw import DECODED, SILENCE, decode, encode, tone
from callcenter.rig.pcap import key_capture
from callcenter.rig.rtp import FRAME, Packet, Recorder, build_packet, key_payloads, parse_packet

pytestmark = pytest.mark.unit


def packet(number: int, *, source: int = 7, marker: bool = False, byte: int = 1, jump: int = 0) -> Packet:
    """The ``number``-th packet of a stream."""
    return Packet(0, marker, number, 90_000 + number * FRAME + jump, source, bytes([byte]) * FRAME)


def test_mulaw_there_and_back() -> None:
    """Each of the 256 bytes is what its sample is encoded to (0x7F is the other zero)."""
    assert list(encode(list(DECODED))) == [SILENCE if byte == 0x7F else byte for byte in range(256)]
    assert (decode(b"\x00")[0], decode(b"\x80")[0], decode(b"\xff")[0]) == (-32124, 32124, 0)
    assert encode([40_000, -40_000]) == b"\x80\x00"


def test_a_tone_is_whole_frames() -> None:
    """A second of sound, in frames that join."""
    assert len(tone(440)) == 8000
    assert tone(440)[:FRAME] != tone(480)[:FRAME]


@given(st.binary(max_size=60))
def test_noise_on_the_port(data: bytes) -> None:
    """Whatever arrives is a packet or nothing."""
    found = parse_packet(data)
    assert found is None or len(found.payload) <= len(data)


def test_packets_there_and_back() -> None:
    """What is built is what is read."""
    assert parse_packet(build_packet(packet(3, marker=True))) == packet(3, marker=True)


def test_packets_with_extras() -> None:
    """Contributors, an extension and padding are stepped over."""
    head = struct.pack("!BBHII", 0x80 | 0x20 | 0x10 | 1, 0, 1, 2, 3)
    data = head + b"CSRC" + b"\0\0\0\1EXTN" + b"sound" + b"\0\0\3"
    found = parse_packet(data)
    assert found is not None
    assert found.payload == b"sound"


def test_keys() -> None:
    """A key grows in time and its end is said three times (RFC 4733)."""
    payloads = key_payloads("#")
    assert payloads[0] == struct.pack("!BBH", 11, 10, FRAME)
    assert payloads[-3:] == [struct.pack("!BBH", 11, 0x80 | 10, 5 * FRAME)] * 3
    with pytest.raises(ValueError, match="substring"):
        key_payloads("x")


def test_captures_grow_in_time() -> None:
    """A later key has a later time stamp, whatever key it is: else it would be taken for a repetition."""

    def timestamp(capture: bytes) -> int:
        found = parse_packet(capture[24 + 16 + 14 + 28 :][: 12 + 4])
        assert found is not None
        return found.timestamp

    assert timestamp(key_capture("9", 0, 0.5)) < timestamp(key_capture("1", 1, 1.1))


def test_a_recording_has_its_silence() -> None:
    """Sound is put where it was heard: a pause of a second is a second of silence, a late packet is none."""
    recorder = Recorder()
    start = recorder.started
    recorder.add(packet(0, marker=True), start + 0.02)
    recorder.add(packet(1), start + 0.09)  # 50 ms late: still in its place
    recorder.add(packet(2, marker=True, jump=8000), start + 1.06)
    heard = recorder.samples
    assert heard[: 2 * FRAME] == b"\1" * 2 * FRAME
    assert set(heard[2 * FRAME : 8000]) == {SILENCE}
    assert heard[-FRAME:] == b"\1" * FRAME
    assert abs(len(heard) - 8480) <= 2


def test_a_new_source(tmp_path: Path) -> None:
    """Another source with time stamps of its own goes on where it arrives; the file is as long as the call."""
    recorder = Recorder()
    recorder.add(packet(0), recorder.started + 0.02)
    recorder.add(packet(5000, source=8, byte=2), recorder.started + 0.52)
    assert abs(recorder.samples.index(2) - 4000) <= 2
    recorder.started -= 2.0
    recorder.save(tmp_path / "heard.wav")
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1)
        assert file.getnframes() >= 16_000


def test_a_recording_ends() -> None:
    """A time stamp out of all bounds does not fill the memory."""
    recorder = Recorder()
    recorder.add(packet(0), recorder.started + 3600)
    assert len(recorder.samples) == 0
