"""Callers on cue: their scenario, their captures, and when it is time to act. SIPp is not started."""

import asyncio
import struct
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from callcenter.errors import BadInput
from callcenter.rig.cues import Act, CueCaller, Hearing
from callcenter.rig.menu_callers import Watcher
from callcenter.rig.mulaw import SILENCE, tone
from callcenter.rig.pcap import act_capture, key_capture
from callcenter.rig.rtp import Packet, SoundSocket, parse_packet
from callcenter.rig.scenarios import on_cue

pytestmark = pytest.mark.unit

PCAP_HEAD, RECORD_HEAD, NETWORK = 24, 16, 14 + 20 + 8


def packets(capture: bytes) -> list[tuple[float, Packet]]:
    """What is in a capture: seconds since its beginning, and the packet."""
    found = []
    at = PCAP_HEAD
    while at < len(capture):
        seconds, micros, size, _ = struct.unpack_from("<IIII", capture, at)
        at += RECORD_HEAD
        packet = parse_packet(capture[at + NETWORK : at + size])
        assert packet is not None
        found.append((seconds - 1 + micros / 1e6, packet))
        at += size
    return found


@pytest.mark.parametrize("captures", [0, 1, 5])
def test_the_scenario(captures: int) -> None:
    """It can be read, each branch has its label, it waits once for each capture and can be left at any time."""
    tree = ET.fromstring(on_cue(captures))  # noqa: S314  our own text
    labels = {label.get("id") for label in tree.iter("label")}
    steps = list(tree.iter("recv"))
    assert {step.get("next") for step in steps} <= labels | {None}
    assert [step.get("request") for step in steps].count("PRESS") == captures
    assert [step.get("request") for step in steps].count("LEAVE") == captures + 1
    played = [one.get("play_pcap_audio") for one in tree.iter("exec")]
    assert played == [f"key-{place}.pcap" for place in range(captures)]


def test_what_is_said_and_pressed() -> None:
    """Speech first, 20 ms a packet, then each key 0.3 s after the other; a key keeps its time stamp, and the stamps of
    a call's acts grow, for Asterisk takes an older one for a repetition."""
    first = packets(act_capture(0, tone(700)[:1600], "11", 0.3))
    speech, keys = first[:10], first[10:]
    assert all(packet.payload_type == 0 for _, packet in speech)
    assert b"".join(packet.payload for _, packet in speech) == tone(700)[:1600]
    assert [at for at, _ in speech] == pytest.approx([0.02 * n for n in range(10)])
    assert all(packet.payload_type == 101 for _, packet in keys)
    begins = [at for at, packet in keys if packet.marker]
    assert begins == pytest.approx([0.2, 0.5])
    assert len({packet.timestamp for _, packet in keys}) == 2
    second = packets(act_capture(1, b"", "1", 0.3))
    assert second[0][1].timestamp > keys[-1][1].timestamp
    assert [packet.sequence for _, packet in first] == list(range(1, len(first) + 1))
    assert second[0][1].sequence > first[-1][1].sequence
    assert len(packets(key_capture("5", 2, 1.5))) == len(second)


def test_hearing() -> None:
    """How much there is, and when each moment of it came."""
    hearing = Hearing()
    for number in range(50):
        hearing.add(bytes([SILENCE]) * 160, 100 + number * 0.02 + (5 if number >= 25 else 0))
    assert hearing.seconds == pytest.approx(1.0)
    assert hearing.at(0.0) == pytest.approx(100)
    assert hearing.at(0.51) == pytest.approx(105.5)
    assert hearing.at(9.0) == hearing.arrivals[-1]


async def test_when_it_is_time(tmp_path: Path) -> None:
    """Not before as much has been heard as is written, nor in the middle of sound; then at once."""
    caller = CueCaller(tmp_path, [], sip_port=9, number="1", dial="2")
    sleeper = await asyncio.create_subprocess_exec("sleep", "20")
    act = Act("1", sound=0.5, pause=0.1, patience=0.3)
    frame = bytes([SILENCE]) * 160
    try:
        assert not await caller._time_for(act, sleeper)
        for _ in range(30):
            caller.hearing.add(frame, time.monotonic())
        began = time.monotonic()
        assert await caller._time_for(act, sleeper)
        assert 0.05 < time.monotonic() - began < 0.3
        caller._heard_before = caller.hearing.seconds
        assert not await caller._time_for(act, sleeper)
        assert await caller._time_for(Act("1", pause=0.0, later=0.05), sleeper)
    finally:
        sleeper.kill()
        await sleeper.wait()
        caller._mouth.close()
    assert not await caller._time_for(act, sleeper)


def test_what_a_csv_file_can_not_hold(tmp_path: Path) -> None:
    """A value that would shift the columns is refused."""
    with pytest.raises(BadInput):
        CueCaller(tmp_path, [], sip_port=9, number="1;2", dial="2")


async def test_when_a_key_ended() -> None:
    """The stream notes when the first packet leaves that says so, and not its repetitions; the watcher, when the next
    packet of sound comes."""
    sound = SoundSocket("127.0.0.1")
    try:
        stream = sound.stream(("127.0.0.1", 9), None)
        stream.press("5")
        ends = []
        for _ in range(12):
            stream.tick()
            ends.append(stream.key_ended)
        assert ends[:5] == [0.0] * 5
        assert len(set(ends[5:])) == 1
        assert ends[5] <= time.monotonic()
        watcher = Watcher()
        watcher.first_after = asyncio.get_running_loop().create_future()
        for arrived in (7.0, 8.0):
            watcher.add(Packet(0, marker=False, sequence=1, timestamp=1, source=1, payload=b"x"), arrived)
        assert (await watcher.first_after, watcher.last) == (7.0, 8.0)
    finally:
        await sound.close()
