"""Calls between two user agents on real sockets of this machine, also where datagrams are lost.

A busy machine may send something again before its answer is read, so what was sent is compared without
repetitions, except where repetitions are the matter.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from callcenter.rig import sip_socket
from callcenter.rig.mulaw import tone
from callcenter.rig.sip_leg import Leg, LegState
from callcenter.rig.sip_message import Request, parse
from callcenter.rig.user_agent import UserAgent

pytestmark = [pytest.mark.unit, pytest.mark.timeout(20)]


def both_sides() -> dict[str, list[str]]:
    """Nothing sent yet."""
    return {"caller": [], "phone": []}


@dataclass
class Pair:
    """A caller and a phone that is called, and what each sent."""

    caller: UserAgent
    phone: UserAgent
    rang: asyncio.Queue[Leg]
    sent: dict[str, list[str]] = field(default_factory=both_sides)
    lose: dict[str, Callable[[str], bool]] = field(default_factory=dict)
    """Who loses which datagrams: told the first line, counted in ``sent``."""

    def watch(self) -> None:
        """Look at each datagram before it goes out."""
        for name, agent in (("caller", self.caller), ("phone", self.phone)):
            self._watch(name, agent)

    def _watch(self, name: str, agent: UserAgent) -> None:
        send = agent.sip.send

        def seen(data: bytes, to: tuple[str, int]) -> None:
            message = parse(data)
            line = message.method if isinstance(message, Request) else f"{message.status} {message.cseq[1]}"
            self.sent[name].append(line)
            loses = self.lose.get(name)
            if loses is None or not loses(line):
                send(data, to)

        agent.sip.send = seen  # type: ignore[method-assign]  # the network that loses

    def once(self, name: str) -> list[str]:
        """What this side sent, without repetitions."""
        return list(dict.fromkeys(self.sent[name]))

    async def ring(self) -> tuple[Leg, Leg, "asyncio.Task[int]"]:
        """Call; the caller's leg, the ringing one, and the call's outcome."""
        out = self.caller.leg("caller", "1001")
        task = asyncio.create_task(out.call())
        async with asyncio.timeout(5):
            ringing = await self.rang.get()
        ringing.ring()
        return out, ringing, task

    async def talk(self) -> tuple[Leg, Leg]:
        """A call that is answered."""
        out, ringing, task = await self.ring()
        assert ringing.answer()
        assert await task == 200
        return out, ringing


@pytest.fixture
async def pair(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    """Two user agents; what is lost is sent again after 50 ms instead of half a second."""
    monkeypatch.setattr(sip_socket, "T1", 0.05)
    rang: asyncio.Queue[Leg] = asyncio.Queue()

    def invited(user: str, leg: Leg) -> bool:
        if user == "1001":
            rang.put_nowait(leg)
        return user == "1001"

    phone = UserAgent(("127.0.0.1", 9), on_invite=invited)
    await phone.open()
    caller = UserAgent((phone.sip.host, phone.sip.port))
    await caller.open()
    both = Pair(caller, phone, rang)
    both.watch()
    yield both
    await caller.close()
    await phone.close()


async def settle() -> None:
    """Let what is on its way arrive."""
    await asyncio.sleep(0.2)


async def test_talk_and_bye(pair: Pair) -> None:
    """The caller hangs up: one BYE, both legs over, nothing is sent after it."""
    out, leg = await pair.talk()
    await out.hang_up()
    assert (out.ended_by, leg.ended_by, out.state, leg.state) == (
        "us",
        "them",
        LegState.ENDED,
        LegState.ENDED,
    )
    assert pair.once("caller") == ["INVITE", "ACK", "BYE"]
    assert pair.once("phone") == ["180 INVITE", "200 INVITE", "200 BYE"]
    assert not pair.caller.legs
    assert not pair.phone.legs


async def test_the_phone_hangs_up(pair: Pair) -> None:
    """BYE the other way."""
    out, leg = await pair.talk()
    await leg.hang_up()
    assert (out.ended_by, leg.ended_by) == ("them", "us")


async def test_no_bye_before_the_ack(pair: Pair) -> None:
    """Who answers and hangs up at once waits for the ACK first."""
    out, ringing, task = await pair.ring()
    lost = iter([True])
    pair.lose["caller"] = lambda line: line == "ACK" and next(lost, False)
    ringing.answer()
    await ringing.hang_up()
    assert await task == 200
    assert pair.sent["phone"][-1] == "BYE"
    assert pair.sent["caller"].count("ACK") >= 2
    assert out.ended_by == "them"


async def test_cancel(pair: Pair) -> None:
    """CANCEL is answered with 200, the INVITE with 487, and the 487 is acknowledged."""
    out, leg, task = await pair.ring()
    await settle()
    await out.hang_up()
    assert await task == 487
    await settle()
    assert (out.ended_by, leg.ended_by, leg.status) == ("us", "cancelled", 487)
    assert pair.once("phone") == ["180 INVITE", "200 CANCEL", "487 INVITE"]
    assert pair.once("caller") == ["INVITE", "CANCEL", "ACK"]
    assert not leg.answer()


@pytest.mark.parametrize("status", [486, 603])
async def test_refused(pair: Pair, status: int) -> None:
    """A refusal reaches the caller and is acknowledged once."""
    _, leg, task = await pair.ring()
    leg.refuse(status)
    assert await task == status
    await settle()
    assert pair.once("caller") == ["INVITE", "ACK"]
    assert pair.once("phone") == ["180 INVITE", f"{status} INVITE"]


async def test_unknown_phone(pair: Pair) -> None:
    """There is no such phone here: 404."""
    assert await pair.caller.leg("caller", "9").call() == 404


async def test_lost_answer(pair: Pair) -> None:
    """A 200 that is lost comes again until it is acknowledged, and then no more."""
    lost = iter([True, True])
    pair.lose["phone"] = lambda line: line == "200 INVITE" and next(lost, False)
    await pair.talk()
    await settle()
    count = pair.sent["phone"].count("200 INVITE")
    assert count >= 3
    await asyncio.sleep(0.5)
    assert pair.sent["phone"].count("200 INVITE") == count


async def test_lost_acknowledgement(pair: Pair) -> None:
    """When the ACK is lost, the repeated 200 is acknowledged again."""
    lost = iter([True])
    pair.lose["caller"] = lambda line: line == "ACK" and next(lost, False)
    await pair.talk()
    await settle()
    assert pair.sent["caller"].count("ACK") >= 2
    assert pair.sent["phone"].count("200 INVITE") >= 2


async def test_lost_refusal(pair: Pair) -> None:
    """A lost 486 comes again, and the repetition is acknowledged."""
    lost = iter([True])
    pair.lose["phone"] = lambda line: line == "486 INVITE" and next(lost, False)
    _, leg, task = await pair.ring()
    leg.refuse(486)
    assert await task == 486
    await settle()
    assert pair.sent["phone"].count("486 INVITE") >= 2
    assert pair.sent["caller"].count("ACK") >= 1


async def test_lost_invite_rings_once(pair: Pair) -> None:
    """An INVITE that comes twice is one call, answered twice with the same words."""
    pair.lose["phone"] = lambda line: line == "180 INVITE"
    _, ringing, task = await pair.ring()
    await asyncio.sleep(0.2)
    assert pair.sent["caller"].count("INVITE") > 1
    assert pair.rang.empty()
    pair.lose.clear()
    ringing.answer()
    assert await task == 200
    assert len(pair.phone.legs) == 1


async def test_lost_bye(pair: Pair) -> None:
    """A BYE that is lost is sent again."""
    out, leg = await pair.talk()
    lost = iter([True, True])
    pair.lose["caller"] = lambda line: line == "BYE" and next(lost, False)
    await out.hang_up()
    assert leg.ended_by == "them"


async def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer at all counts as 408, after the last repetition."""
    monkeypatch.setattr(sip_socket, "T1", 0.01)
    monkeypatch.setattr(sip_socket, "GIVE_UP", 0.05)
    agent = UserAgent(("127.0.0.1", 9))
    await agent.open()
    with contextlib.closing(agent.sip):
        leg = agent.leg("caller", "1001")
        assert await leg.call() == 408
        assert leg.ended_by == "refused"
    await agent.close()


async def test_no_ack_ever(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller who never acknowledges is given up."""
    monkeypatch.setattr(sip_socket, "GIVE_UP", 0.12)
    pair.lose["caller"] = lambda line: line == "ACK"
    _, leg = await pair.talk()
    async with asyncio.timeout(2):
        await leg.over.wait()
    assert leg.ended_by == "no_ack"


async def test_hold_and_back(pair: Pair) -> None:
    """Hold stops the sound both ways and unhold brings it back."""
    out, leg = await pair.talk()
    assert await leg.hold()
    assert leg.state is LegState.HOLDING
    assert out.stream is not None
    assert leg.stream is not None
    assert not out.stream.sending
    assert not leg.stream.sending
    assert await leg.unhold()
    assert leg.state.value == "talking"
    assert out.stream.sending
    assert leg.stream.sending


async def test_both_hold_at_once(pair: Pair) -> None:
    """Two re-INVITEs that cross are both refused with 491, and the call goes on."""
    out, leg = await pair.talk()
    held = await asyncio.gather(out.hold(), leg.hold())
    assert not any(held)
    assert (out.state, leg.state) == (LegState.TALKING, LegState.TALKING)


async def test_stray_bye(pair: Pair) -> None:
    """A BYE of a call that is not known gets 481, and harms nobody."""
    out, leg = await pair.talk()
    stranger = pair.caller.leg("caller", "1001")
    stranger.dialog.remote += ";tag=unknown"
    stranger.state = LegState.TALKING
    await stranger.hang_up()
    assert pair.sent["phone"][-1] == "481 BYE"
    assert (out.state, leg.state) == (LegState.TALKING, LegState.TALKING)


async def test_hostile_datagrams(pair: Pair) -> None:
    """Bytes that are no SIP are counted and change nothing."""
    out, leg = await pair.talk()
    for data in (b"\0\xff" * 40, b"INVITE\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n", b"\r\n\r\n", b""):
        pair.phone.sip.datagram_received(data, ("127.0.0.1", 1))
    assert pair.phone.sip.refused == 3
    assert (out.state, leg.state) == (LegState.TALKING, LegState.TALKING)


async def test_sound_and_keys(pair: Pair) -> None:
    """Each hears the other's tone; keys go out as telephone-events in place of the tone."""
    pair.caller.says("caller", tone(700))
    pair.phone.says("1001", tone(500))
    out = pair.caller.leg("caller", "1001")
    out.hear = True
    task = asyncio.create_task(out.call())
    ringing = await pair.rang.get()
    ringing.hear = True
    ringing.answer()
    await task
    await out.press("12")
    assert ringing.stream is not None
    assert ringing.stream.recorder is not None
    assert out.stream is not None
    assert out.stream.recorder is not None
    assert len(out.stream.recorder.samples) > 1600
    assert len(ringing.stream.recorder.samples) > 320
