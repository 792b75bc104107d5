"""Hostile callers and strangers at the doors, while an ordinary call goes on and must not notice.

What would end a header, an event or an AGI environment is built here from parts.
"""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from callcenter.demo.floor import Floor
from callcenter.rig import hearing
from callcenter.rig.ear import Ear
from tests.live.at_screen import AtScreen
from tests.live.conftest import MakeFloor
from tests.live.watching import (
    LINE,
    calls,
    choose,
    dial_in,
    ear,
    ended_call,
    phone_events,
    rows,
    talks_with,
    until,
)

pytestmark = [pytest.mark.live, pytest.mark.timeout(110)]

ORDINARY = "+8613911200001"
LATER = "+8613911200002"
LINE_END = "%0d" + "%0a"
"""What a SIP address decodes to the end of a line."""


def _forged(*headers: tuple[str, str]) -> str:
    return LINE_END.join(f"{name}%3a%20{value}" for name, value in headers)


HOSTILE_NUMBERS = {
    "ends an AMI header": f"13800138000{LINE_END}CallerIDName%3a%20Somebody",
    "ends an AMI event": "13800138000"
    + 2 * LINE_END
    + _forged(("Event", "Hangup"), ("Channel", "PJSIP%2f1001-00000001"), ("Cause", "16"))
    + 2 * LINE_END,
    "ends an AGI environment": "13800138000" + 2 * "%0a" + "HANGUP" + "%0a",
    "a second AGI variable": "13800138000" + "%0a" + "agi_uniqueid%3a%20" + "1" * 10,
    "a lone line feed": "138" + "%0a" + "001",
    "a null and an escape": "138" + "%01" + "%1b%5b2J" + "001",
    "marks of the dialplan": "$%7bSHELL(id)%7d,100&PJSIP%2f1001",
    "very long": "1" * 200,
}
MOST_TELLING = 3
MARKUP = "<img src=x onerror=alert(1)>'><svg/onload=alert(1)>"
HOSTILE_NAMES = {
    "markup": f'"{MARKUP}"',
    "written backwards, a formula, long": '"=HYPERLINK(1) \u202etxt.exe\u202c ' + "N" * 900 + '"',
}


async def test_hostile_numbers_and_names(make_floor: MakeFloor) -> None:
    """A1, A2, A6, A8, A34: each of these callers gets to a person, by us or by the fallback; whoever we know of them is
    anonymous; the ordinary call and both agents' states are untouched, and the next ordinary caller is served."""
    await _while_hostile_callers_come(make_floor, dict(list(HOSTILE_NUMBERS.items())[:MOST_TELLING]))


@pytest.mark.long
async def test_all_hostile_numbers_and_names(make_floor: MakeFloor) -> None:
    """The same with all of them."""
    await _while_hostile_callers_come(make_floor, HOSTILE_NUMBERS)


async def _while_hostile_callers_come(make_floor: MakeFloor, numbers: Mapping[str, str]) -> None:
    floor = await make_floor(agents=2, screens=[])
    async with AtScreen(floor, "agent1001", "1001") as one, AtScreen(floor, "agent1002", "1002") as two:
        await one.done("ready")
        async with _ordinary_talk(floor, one):
            await two.done("ready")
            for what, user in numbers.items():
                await _served(floor, what, f"<sip:{user}@127.0.0.1>", two)
            for what, name in HOSTILE_NAMES.items():
                await _served(floor, what, f"{name} <sip:+8613911200009@127.0.0.1>", two)
        await one.until_state("ready", 5)
        async with ear(floor, LATER) as caller:
            await dial_in(caller)
            await until(
                lambda: [pop for pop in one.pops() + two.pops() if pop["number"] == LATER], 5, "a pop"
            )
            await caller.hang_up()
        for pop in two.pops():
            assert len(pop["caller_name"]) <= 80
            assert pop["caller_name"].isprintable()
            assert pop["number"] in {"", "+8613911200009", LATER} or pop["number"].isdigit()
        names = {pop["caller_name"] for pop in two.pops()}
        assert MARKUP in names, "shown as it is, as text"
    for row in rows(floor, "SELECT number_raw, number_key, caller_name FROM calls WHERE channel_id != ''"):
        assert all(value.isprintable() for value in row.values())
    log = floor.log("core")
    assert all(line.isprintable() for line in log.split("\n")), "nothing raw in the log"
    assert log.count("ami bytes rejected") > 5
    assert log.count("header_rejected") >= 2
    call = await ended_call(floor, ORDINARY)
    assert (call["end_reason"], call["marks"]) == ("caller_hangup", [])


async def _served(floor: Floor, what: str, who: str, desk: AtScreen) -> None:
    """This caller hears the second agent, whichever way they come to it."""
    await desk.until_state("ready", 8)
    rang = len(phone_events(floor, "invite", extension="1002"))
    async with ear(floor, "", from_value=who) as caller:
        assert await caller.call(LINE) == 200, what
        await _until_a_person(floor, caller, what)
        await caller.hang_up()
    assert len(phone_events(floor, "invite", extension="1002")) == rang + 1, what
    await until(
        lambda: len(phone_events(floor, "ended", extension="1002")) == rang + 1,
        5,
        f"{what}: the phone is free",
    )


async def _until_a_person(floor: Floor, caller: Ear, what: str) -> None:
    """Press keys as the menu wants them, unless a person is there already."""
    tone = floor.tone_of("1002")
    for key in "12":
        await asyncio.sleep(1.0)
        if not hearing.hears(caller.heard_so_far()[-8000:], tone, 0.3):
            await caller.press(key)
    await until(lambda: hearing.hears(caller.heard_so_far()[-8000:], tone, 0.3), 10, f"{what}: a person")


async def test_strangers_at_the_agi_door(make_floor: MakeFloor) -> None:
    """A17, A18: another address, a megabyte without an end, half a header, hundreds of silent connections, unknown
    scripts and forged callers are closed in seconds; callers are served meanwhile, by us or by the fallback."""
    floor = await make_floor(agents=2, screens=[])
    port = floor.asterisk_plan.agi_port
    async with AtScreen(floor, "agent1001", "1001") as one, AtScreen(floor, "agent1002", "1002") as two:
        await one.done("ready")
        async with _ordinary_talk(floor, one):
            await two.done("ready")
            before = len(calls(floor, ORDINARY))
            assert await _said(port, b"agi_network: yes\n", source="127.0.0.2") == b""
            assert await _said(port, b"x" * 1_000_000) == b""
            # The last three have the right words, but no channel that Asterisk knows: no command is said to them.
            scripts = [
                "../../x",
                "call/../outbound",
                "CALL",
                "",
                "call",
                "call?skill=vip&agent=1",
                "outbound",
            ]
            answers = await asyncio.gather(*(_said(port, _environment(script)) for script in scripts))
            assert set(answers) == {b""}
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(250)]
            try:
                idle[0][1].write(b"agi_network: yes\nagi_requ")
                async with ear(floor, LATER) as caller:
                    assert await caller.call(LINE) == 200
                    await _until_a_person(floor, caller, "with silent strangers at the door")
                    await caller.hang_up()
                await until(lambda: all(reader.at_eof() for reader, _ in idle), 8, "the silent are closed")
            finally:
                for _, writer in idle:
                    writer.transport.abort()
            await two.until_state("ready", 5)
            async with ear(floor, f"{LATER}2") as caller:
                assert await caller.call(LINE) == 200
                await choose(caller)
                await talks_with(floor, caller, "1002")
                await until(lambda: two.pop and two.pop["number"] == f"{LATER}2", 2, "by us, with a pop")
                await caller.hang_up()
            assert len(calls(floor, ORDINARY)) == before
        await one.until_state("ready", 5)
    forged = rows(floor, "SELECT * FROM calls WHERE number_raw = '13999999999'")
    assert forged == []


@asynccontextmanager
async def _ordinary_talk(floor: Floor, desk: AtScreen) -> AsyncIterator[None]:
    """Somebody talks to the first agent all the while; both notice nothing."""
    async with ear(floor, ORDINARY) as caller:
        await dial_in(caller)
        await talks_with(floor, caller, "1001")
        told = len(desk.states())
        yield
        assert not caller.leg.over.is_set()
        assert desk.state == "on_call"
        assert {state for state, _ in desk.states()[told:]} <= {"on_call"}
        assert desk.telephony == "up"
        assert len(phone_events(floor, "invite", extension="1001")) == 1
        await talks_with(floor, caller, "1001", 3)
        await caller.hang_up()


def _environment(script: str) -> bytes:
    """What Asterisk would say at the beginning, of a channel that does not exist."""
    facts = {
        "network": "yes",
        "network_script": script,
        "request": f"agi://127.0.0.1/{script}",
        "channel": "PJSIP/caller-0000ffff",
        "language": "en",
        "type": "PJSIP",
        "uniqueid": f"{secrets.token_hex(8)}-1.1",
        "version": "22.10.1",
        "callerid": "13999999999",
        "calleridname": "unknown",
        "callingpres": "0",
        "callingani2": "0",
        "callington": "0",
        "callingtns": "0",
        "dnid": LINE,
        "rdnis": "unknown",
        "context": "callcenter-core",
        "extension": "s",
        "priority": "4",
        "enhanced": "0.0",
        "accountcode": "",
        "threadid": "1",
    }
    return "".join(f"agi_{name}: {value}\n" for name, value in facts.items()).encode() + b"\n"


async def _said(port: int, data: bytes, *, source: str = "127.0.0.1") -> bytes:
    """Connect, say this, and give all that is answered until the connection is closed, which takes 8 s at most."""
    with socket.socket() as raw:
        raw.setblocking(False)
        raw.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=raw.dup())
        try:
            writer.write(data)
            async with asyncio.timeout(8):
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.transport.abort()
