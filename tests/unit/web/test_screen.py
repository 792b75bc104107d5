"""What waits for one page, and how it is sent."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, cast

import pytest
from aiohttp import web

from callcenter.clock import ManualClock
from callcenter.ids import UserId
from callcenter.web.auth import Visitor
from callcenter.web.ports import SessionRow, UserRow
from callcenter.web.screen import TOO_SLOW, Message, Outbox, Screen

pytestmark = pytest.mark.unit


class FakeSocket:
    """Takes frames; ``open`` lets writes through, ``frames`` are those that came."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.open = asyncio.Event()
        self.closed: int | None = None

    async def send_str(self, text: str) -> None:
        await self.open.wait()
        self.frames.append(json.loads(text))

    async def close(self, *, code: int, message: bytes) -> None:
        del message
        self.closed = code


def screen_on(socket: FakeSocket, language: str | None = None) -> Screen:
    """A page of an agent on this socket."""
    now = ManualClock().wall()
    user = UserRow(UserId(1), "lina", "Li Na", "agent", "")
    visitor = Visitor(user, SessionRow("h", user.id, now, now, now), "csrf")
    return Screen(cast("web.WebSocketResponse", socket), visitor, language=language)


def test_waiting_messages_of_a_kind_are_merged_and_a_pop_goes_first() -> None:
    """Of three states only the last is sent; the pop overtakes chatter, but not the snapshot."""
    outbox = Outbox()
    outbox.put(Message("snapshot", {}))
    for state in ("ready", "reserved", "on_call"):
        outbox.put(Message("agent", {"agent": state}))
    outbox.put(Message("done", {"ref": 1}))
    outbox.put(Message("done", {"ref": 2}))
    outbox.put(Message("board", {"board": {}}))
    outbox.put(Message("pop", {"pop": {}}))
    taken = [outbox.take() for _ in range(len(outbox))]
    assert [message.kind for message in taken] == ["snapshot", "pop", "agent", "done", "done", "board"]
    assert taken[2].data == {"agent": "on_call"}


def test_a_taken_message_is_not_merged_into() -> None:
    """What is being sent can't change any more; the next state is a message of its own."""
    outbox = Outbox()
    outbox.put(Message("agent", {"agent": 1}))
    assert outbox.take().data == {"agent": 1}
    outbox.put(Message("agent", {"agent": 2}))
    assert outbox.take().data == {"agent": 2}


def test_a_full_outbox_says_so_and_still_merges() -> None:
    """Over the limit nothing is queued, but a state that waits is still replaced."""
    outbox = Outbox(limit=2)
    outbox.put(Message("agent", {"agent": 1}))
    assert outbox.put(Message("done", {"ref": 1}))
    assert not outbox.put(Message("done", {"ref": 2}))
    assert outbox.put(Message("agent", {"agent": 2}))


def test_fragments_are_made_once_per_language_and_only_when_wanted() -> None:
    """JSON pages cost no rendering; ten browsers of one language cost one."""
    made: list[str] = []

    def render(kind: str, data: Mapping[str, Any], language: str) -> dict[str, str]:
        del kind, data
        made.append(language)
        return {"call": f"<p>{language}</p>"}

    message = Message("call", {"call": None}, render)
    assert json.loads(message.text(1, None)) == {"type": "call", "call": None, "seq": 1}
    assert made == []
    frames = [json.loads(message.text(seq, "zh")) for seq in range(10)]
    assert made == ["zh"]
    assert frames[9] == {"type": "call", "call": None, "html": {"call": "<p>zh</p>"}, "seq": 9}


async def test_frames_are_numbered_from_one_without_holes() -> None:
    """Merging happens before numbering."""
    socket = FakeSocket()
    screen = screen_on(socket)
    writer = asyncio.create_task(screen.write())
    screen.put(Message("snapshot", {}))
    await asyncio.sleep(0)
    for number in range(5):
        screen.put(Message("agent", {"agent": number}))
    socket.open.set()
    screen.put(Message("done", {"ref": 1}))
    await asyncio.sleep(0.01)
    screen.close(4401, "session over")
    await writer
    assert [(one["seq"], one["type"]) for one in socket.frames] == [
        (1, "snapshot"),
        (2, "agent"),
        (3, "done"),
        (4, "bye"),
    ]
    assert socket.closed == 4401


@pytest.mark.virtual_time
async def test_a_page_that_does_not_read_is_given_up() -> None:
    """A frame that can't be written in time ends the page, and what comes later is dropped."""
    socket = FakeSocket()
    screen = screen_on(socket)
    screen.put(Message("snapshot", {}))
    await screen.write()
    assert screen.closing
    screen.put(Message("done", {}))
    assert socket.frames == []


async def test_a_page_too_far_behind_is_closed() -> None:
    """256 answers that nobody reads are enough."""
    socket = FakeSocket()
    screen = screen_on(socket)
    for number in range(257):
        screen.put(Message("done", {"ref": number}))
    assert screen.closing
    socket.open.set()
    await screen.write()
    assert socket.closed == TOO_SLOW
    assert [one["type"] for one in socket.frames] == ["bye"]
