"""Captured AMI sessions become calls of their own, and whoever plays Asterisk answers as it does."""

import asyncio
import re
from pathlib import Path

import pytest

from callcenter.asterisk.ami.framing import AmiFramer
from callcenter.asterisk.ami.messages import Event, Response
from callcenter.bench import replay
from callcenter.errors import PartMissing
from callcenter.rig.ports import free_ports

pytestmark = pytest.mark.unit

RECORDINGS = Path(__file__).parents[2] / "recordings"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def events(data: bytes) -> list[Event]:
    """As our framing reads them; nothing else may be in it."""
    framer = AmiFramer()
    framer.feed(BANNER)
    frames = framer.feed(data)
    found = [frame for frame in frames if isinstance(frame, Event)]
    assert len(found) == len(frames)
    return found


def test_only_what_any_listener_is_told() -> None:
    """Answers to actions are left out, our ids too; the first half ends with the ring."""
    for session in replay.sessions(RECORDINGS):
        told = events(session.whole)
        assert len(told) == session.events
        assert events(session.ringing)[-1].name == "DialBegin"
        assert not any(event.action_id for event in told)
        assert not any(event.variables.get("CC_CALL") for event in told)
        assert "Hangup" in {event.name for event in told}


def test_each_call_has_its_own_ids() -> None:
    """No channel and no unique id of one call is in another; the caller, the phone and the time are as told."""
    [session, *_] = replay.sessions(RECORDINGS)
    one, two = (
        events(replay.as_call(session.whole, place, extension="1007", number="+8613800000009", stamp=99.5))
        for place in (1, 2)
    )
    for header in ("Channel", "Uniqueid", "DestChannel", "DestUniqueid", "Linkedid"):
        ours, others = ({event.get(header) for event in told} - {""} for told in (one, two))
        assert ours
        assert not ours & others
    [begun] = [event for event in one if event.name == "DialBegin"]
    assert begun.get("CallerIDNum") == "+8613800000009"
    assert re.fullmatch(r"PJSIP/1007-[0-9a-f]{8}", begun.get("DestChannel"))
    assert {event.get("Timestamp") for event in one} == {"99.500000"}
    assert {event.system_name for event in one} == {replay.system_name([session])}


def test_nothing_captured(tmp_path: Path) -> None:
    """It is said which folder is empty."""
    with pytest.raises(PartMissing, match="captured AMI bytes"):
        replay.sessions(tmp_path)
    (tmp_path / "a_call.ami").write_bytes(b"Event: Hangup\r\nUniqueid: 1.1\r\n\r\n")
    with pytest.raises(PartMissing, match="SystemName"):
        replay.system_name(replay.sessions(tmp_path))


async def test_the_player_answers_as_asterisk() -> None:
    """Log-in, lists, the rights that must be missing; then it says what it is told to."""
    [port] = free_ports(1)
    player = replay.Player("cc0123456789abcd", ["1001", "1002"])
    await player.open(port)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    framer = AmiFramer()
    frames: list[object] = []

    async def until(count: int) -> None:
        while len(frames) < count:
            frames.extend(framer.feed(await reader.read(65536)))

    for action in ("Login", "CoreSettings", "Command", "DeviceStateList"):
        writer.write(f"Action: {action}\r\nActionID: {action}-1\r\n\r\n".encode())
    async with asyncio.timeout(5):
        await until(8)
        player.say(b"Event: Hangup\r\nUniqueid: 1.1\r\n\r\n")
        await until(9)
    login, booted, settings, command, begin, *states, end, hangup = frames
    assert isinstance(login, Response)
    assert not login.failed
    assert isinstance(booted, Event)
    assert booted.name == "FullyBooted"
    assert isinstance(settings, Response)
    assert settings.system_name == "cc0123456789abcd"
    assert isinstance(command, Response)
    assert command.get("Message") == "Permission denied"
    assert isinstance(begin, Response)
    assert begin.event_list == "start"
    assert [state.get("Device") for state in states if isinstance(state, Event)] == [
        "PJSIP/1001",
        "PJSIP/1002",
    ]
    assert isinstance(end, Event)
    assert end.event_list == "Complete"
    assert isinstance(hangup, Event)
    writer.close()
    await writer.wait_closed()
    await player.close()
