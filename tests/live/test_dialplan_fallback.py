"""Callers never depend on the program: the shipped dialplan on a real Asterisk, with SIPp callers and phones.

The program is played by a process that speaks the few AGI commands a test needs and is killed with SIGKILL.
What became of the callers is judged by SIPp's exit code and by the notes in AstDB.
"""

import asyncio
import contextlib
import json
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from callcenter.rig.asterisk_config import AsteriskPlan, fresh_plan
from callcenter.rig.asterisk_install import find_launcher
from callcenter.rig.asterisk_server import PrivateAsterisk
from callcenter.rig.ports import free_ports, free_range

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

PHONE = "1001"
CALL_ID = "a" * 32

# One connection: send the commands one after the other, print each reply, then wait in silence for the end.
# "-" waits for Asterisk's HANGUP line; the sign of the connection's end is a last line "END".
PROGRAM = r"""
import json, socketserver, sys
COMMANDS = json.loads(sys.argv[2])
class Caller(socketserver.StreamRequestHandler):
    def handle(self):
        env = {}
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(": ")
            env[name] = value
        self.tell("CALL", env["agi_network_script"], env["agi_uniqueid"])
        for command in COMMANDS:
            if command == "-":
                self.tell("HEARD", self.rfile.readline().decode().strip())
                continue
            self.wfile.write(command.encode() + b"\n")
            self.tell("DID", command)
            if not command.startswith("SET VARIABLE CC_STAGE done"):
                self.tell("GOT", self.rfile.readline().decode().strip())
        if "-" not in COMMANDS and "done" not in COMMANDS[-1]:
            self.rfile.read()
    def tell(self, *words):
        print(*words, flush=True)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
Server(("127.0.0.1", int(sys.argv[1])), Caller).serve_forever()
"""

SCENARIO_HEAD = '<?xml version="1.0"?><!DOCTYPE scenario SYSTEM "sipp.dtd"><scenario name="s">'
SDP = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""
INVITE = (
    """
<send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:[local_port];branch=[branch]
From: <sip:[number]@127.0.0.1>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:[number]@127.0.0.1:[local_port]>
X-Caller: yes
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

"""
    + SDP
    + """
]]></send>
<recv response="100" optional="true"/><recv response="180" optional="true"/>
<recv response="183" optional="true"/><recv response="200" rrs="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:[local_port];branch=[branch]
From: <sip:[number]@127.0.0.1>;tag=[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>"""
)
SEND_BYE_AS_CALLER = """
<pause/>
<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:[local_port];branch=[branch]
From: <sip:[number]@127.0.0.1>;tag=[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send><recv response="200"/>"""
OK = """
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>"""
RECEIVE_BYE = '<recv request="BYE"/>' + OK
ANSWER = (
    """
<recv request="INVITE" rrs="true"/>
<send><![CDATA[
SIP/2.0 180 Ringing
[last_Via:]
[last_From:]
[last_To:];tag=p[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:phone@127.0.0.1:[local_port]>
Content-Length: 0

]]></send>
<pause milliseconds="200"/>
<send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=p[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:phone@127.0.0.1:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

"""
    + SDP
    + """
]]></send><recv request="ACK"/>"""
)
SEND_BYE_AS_PHONE = """
<pause/>
<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:[local_port];branch=[branch]
From: <sip:phone@127.0.0.1>;tag=p[call_number]
To:[$1]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send><recv response="200"/>"""
REGISTER = """
<send retrans="500"><![CDATA[
REGISTER sip:127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:[local_port];branch=[branch]
From: <sip:[service]@127.0.0.1>;tag=[call_number]
To: <sip:[service]@127.0.0.1>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:[service]@127.0.0.1:[phone_port]>
Max-Forwards: 70
Expires: 600
Content-Length: 0

]]></send>
<recv response="401" auth="true"/>
<send retrans="500"><![CDATA[
REGISTER sip:127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:[local_port];branch=[branch]
From: <sip:[service]@127.0.0.1>;tag=[call_number]
To: <sip:[service]@127.0.0.1>
Call-ID: [call_id]
CSeq: 2 REGISTER
Contact: <sip:[service]@127.0.0.1:[phone_port]>
[authentication username=1001 password=[phone_secret]]
Max-Forwards: 70
Expires: 600
Content-Length: 0

]]></send>
<recv response="200"/>"""
REMEMBER_FROM = (
    '<recv request="INVITE" rrs="true">'
    '<action><ereg regexp=".*" search_in="hdr" header="From:" assign_to="1"/></action></recv>'
)

CALLER_STAYS = INVITE + RECEIVE_BYE
CALLER_LEAVES = INVITE + SEND_BYE_AS_CALLER
PHONE_STAYS = ANSWER + RECEIVE_BYE
PHONE_LEAVES = ANSWER.replace('<recv request="INVITE" rrs="true"/>', REMEMBER_FROM) + SEND_BYE_AS_PHONE


@dataclass
class Ami:
    """Enough of AMI for a test: actions, and the events that came."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    events: list[dict[str, str]] = field(default_factory=list)

    async def action(self, **headers: str) -> dict[str, str]:
        """Send one action and return its response; events that come before it are kept."""
        self.writer.write("".join(f"{k}: {v}\r\n" for k, v in headers.items()).encode() + b"\r\n")
        while "Response" not in (message := await self._read()):
            self.events.append(message)
        return message

    async def until(self, event: str, limit: float = 10, **wanted: str) -> dict[str, str]:
        """The first event of this name and these values, come or to come."""
        seen = 0
        async with asyncio.timeout(limit):
            while True:
                for message in self.events[seen:]:
                    if message.get("Event") == event and wanted.items() <= message.items():
                        return message
                seen = len(self.events)
                self.events.append(await self._read())

    async def _read(self) -> dict[str, str]:
        block = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        lines = (line.partition(": ") for line in block.split("\r\n") if ": " in line)
        return {name: value for name, _, value in lines}


@dataclass
class Scene:
    """One Asterisk with a registered phone in the fallback queue, and what a test may put beside it."""

    asterisk: PrivateAsterisk
    ami: Ami
    folder: Path
    phone_port: int
    stack: contextlib.AsyncExitStack

    @property
    def plan(self) -> AsteriskPlan:
        """The plan of this scene's Asterisk."""
        return self.asterisk.plan

    async def program(self, *commands: str) -> asyncio.subprocess.Process:
        """Start what plays the program: it runs these AGI commands for each caller, then waits."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            PROGRAM,
            str(self.plan.agi_port),
            json.dumps(commands),
            stdout=asyncio.subprocess.PIPE,
        )
        self.stack.push_async_callback(end, process)
        async with asyncio.timeout(5):
            while not await listens(self.plan.agi_port):
                await asyncio.sleep(0.02)
        return process

    async def sipp(self, scenario: str, *options: str, port: int | None = None) -> asyncio.subprocess.Process:
        """Start SIPp for one call (or one registration) against this Asterisk."""
        local = port or free_ports(1)[0]
        path = self.folder / f"sipp-{local}.xml"
        path.write_text(SCENARIO_HEAD + scenario + "</scenario>")
        places = (
            f"127.0.0.1:{self.plan.sip_port} -i 127.0.0.1 -mi 127.0.0.1 -p {local} -mp {free_range(4)[0]}"
        )
        process = await asyncio.create_subprocess_exec(
            *f"sipp {places} -m 1 -nostdin -timeout 40s -timeout_error -sf {path.name}".split(),
            *options,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.stack.push_async_callback(end, process)
        return process

    async def caller(
        self, scenario: str, *options: str, number: str = "+493012345"
    ) -> asyncio.subprocess.Process:
        """A customer calls 800."""
        return await self.sipp(scenario, "-s", "800", "-key", "number", number, *options)

    async def phone(self, scenario: str, *options: str) -> asyncio.subprocess.Process:
        """The agent's phone waits for its call."""
        return await self.sipp(scenario, *options, port=self.phone_port)

    async def notes(self) -> list[dict[str, str]]:
        """The notes of AstDB, each parsed."""
        found = await self.asterisk.command("database show callcenter missed")
        values = re.findall(r"^/callcenter/missed/\S+\s*: (v1\|.*?)\s*$", found, re.MULTILINE)
        return [dict(part.split("=", 1) for part in value.split("|")[1:]) for value in values]

    async def note(self, **wanted: str) -> dict[str, str]:
        """The only note, once its call has ended."""
        async with asyncio.timeout(5):
            while True:
                notes = await self.notes()
                if notes and all(note["ended"] for note in notes):
                    break
                await asyncio.sleep(0.05)
        assert len(notes) == 1, notes
        assert notes[0] == notes[0] | wanted
        return notes[0]

    async def idle(self) -> None:
        """Wait until no channel is left."""
        async with asyncio.timeout(5):
            while (await self.asterisk.command("core show channels concise")).strip():
                await asyncio.sleep(0.05)


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill what a test has started, unless it has ended."""
    if process.returncode is None:
        process.kill()
    await process.wait()


async def listens(port: int) -> bool:
    """Whether something listens on this port of 127.0.0.1, without connecting to it."""
    return f":{port:04X} 00000000:0000 0A" in Path("/proc/net/tcp").read_text()


async def said(process: asyncio.subprocess.Process, words: str, limit: float = 10) -> str:
    """The program's next line that begins with these words."""
    assert process.stdout is not None
    async with asyncio.timeout(limit):
        while line := (await process.stdout.readline()).decode():
            if line.startswith(words):
                return line.strip()
    raise AssertionError(f"the program ended before it said {words}")


async def ended_well(process: asyncio.subprocess.Process, limit: float = 20) -> bool:
    """Whether SIPp went through its whole scenario."""
    async with asyncio.timeout(limit):
        return await process.wait() == 0


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A fresh Asterisk with phone 1001 registered and in the fallback queue."""
    async with contextlib.AsyncExitStack() as stack:
        plan = replace(
            fresh_plan(tmp_path / "a", extensions=(PHONE,)), extra_globals=(("CC_BUSY_SOUNDS", "beep"),)
        )
        asterisk = PrivateAsterisk(find_launcher(), plan)
        stack.push_async_callback(asterisk.stop)
        await asterisk.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", plan.ami_port)
        stack.callback(writer.close)
        await reader.readline()
        ami = Ami(reader, writer)
        await ami.action(Action="Login", Username=plan.ami_user, Secret=plan.ami_secret)
        scene = Scene(asterisk, ami, tmp_path, free_ports(1)[0], stack)
        secret = plan.phones[0].secret
        register = REGISTER.replace("[phone_port]", str(scene.phone_port)).replace("[phone_secret]", secret)
        assert await ended_well(await scene.sipp(register, "-s", PHONE))
        member = await ami.action(Action="QueueAdd", Queue="callcenter-fallback", Interface=f"PJSIP/{PHONE}")
        assert member["Response"] == "Success"
        yield scene


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that takes connections and never completes the next one: its backlog is full."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port: int = server.getsockname()[1]
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        yield port


async def test_the_program_is_not_there(scene: Scene) -> None:
    """A refused AGI connection costs the caller less than a second until the agent's phone rings."""
    await scene.phone(PHONE_LEAVES, "-d", "1000")
    caller = await scene.caller(CALLER_STAYS)
    came = await scene.ami.until("Newchannel", Exten="800")
    rings = await scene.ami.until("AgentCalled")
    assert float(rings["Timestamp"]) - float(came["Timestamp"]) < 1
    assert await ended_well(caller)
    note = await scene.note(
        call="", did="800", number="+493012345", stage="fallback", dial="", agent=f"PJSIP/{PHONE}", queue=""
    )
    assert int(note["arrived"]) <= int(note["answered"]) <= int(note["ended"])
    assert int(note["answered"]) - int(note["arrived"]) <= 2
    assert int(note["ended"]) - int(note["answered"]) in range(4)


async def test_the_programs_host_does_not_answer(scene: Scene, black_hole: int) -> None:
    """A host that drops packets costs two seconds, then the phone rings."""
    await scene.asterisk.command(f"dialplan set global CC_AGI 127.0.0.1:{black_hole}")
    await scene.phone(PHONE_LEAVES, "-d", "300")
    caller = await scene.caller(CALLER_STAYS)
    came = await scene.ami.until("Newchannel", Exten="800")
    rings = await scene.ami.until("AgentCalled")
    assert 1.8 < float(rings["Timestamp"]) - float(came["Timestamp"]) < 3
    assert await ended_well(caller)


async def test_killed_while_the_caller_waits(scene: Scene) -> None:
    """The caller hears music, the program dies: the agent's phone rings; the note carries the call's id."""
    program = await scene.program("ANSWER", f"SET VARIABLE __CC_CALL {CALL_ID}", "SET MUSIC ON")
    await scene.phone(PHONE_LEAVES, "-d", "300")
    caller = await scene.caller(CALLER_STAYS)
    await said(program, "DID SET MUSIC ON")
    program.kill()
    assert await ended_well(caller)
    note = await scene.note(call=CALL_ID, stage="fallback", agent=f"PJSIP/{PHONE}")
    assert note["answered"]


def offer(options: str = "U(callcenter-answered)") -> tuple[str, ...]:
    """What the program says for one offer to the phone, to a caller who was answered a second before."""
    return (
        "ANSWER",
        "WAIT FOR DIGIT 1200",
        f"SET VARIABLE __CC_CALL {CALL_ID}",
        "SET VARIABLE __CC_QUEUE sales",
        "SET VARIABLE CC_STAGE offered",
        f"EXEC Dial PJSIP/{PHONE},20,gb(callcenter-leg^s^1){options}",
    )


def slow(phone: str) -> str:
    """The phone rings for 1.2 s instead of 0.2."""
    return phone.replace('milliseconds="200"', 'milliseconds="1200"')


async def test_killed_in_a_talk_and_the_agent_hangs_up_first(scene: Scene) -> None:
    """The talk goes on for its 1.5 s, the caller is not queued again, the note says who and when."""
    program = await scene.program(*offer())
    await scene.phone(slow(PHONE_LEAVES), "-d", "1500")
    caller = await scene.caller(CALLER_STAYS)
    talk = await scene.ami.until("BridgeEnter")
    program.kill()
    assert await ended_well(caller)
    over = await scene.ami.until("Hangup", Context="callcenter-fallback")
    assert float(over["Timestamp"]) - float(talk["Timestamp"]) > 1.3
    note = await scene.note(
        call=CALL_ID, queue="sales", stage="offered", dial="ANSWER", agent=f"PJSIP/{PHONE}"
    )
    assert 0 <= float(talk["Timestamp"]) - int(note["answered"]) < 1.1
    assert not [event for event in scene.ami.events if event.get("Event") == "QueueCallerJoin"]


async def test_killed_in_a_talk_and_the_caller_hangs_up_first(scene: Scene) -> None:
    """The same, with the other end of the talk: both phones end well, and the note is the same."""
    program = await scene.program(*offer())
    phone = await scene.phone(slow(PHONE_STAYS))
    caller = await scene.caller(CALLER_LEAVES, "-d", "4500")
    talk = await scene.ami.until("BridgeEnter")
    program.kill()
    assert await ended_well(caller)
    assert await ended_well(phone)
    note = await scene.note(call=CALL_ID, stage="offered", dial="ANSWER", agent=f"PJSIP/{PHONE}")
    assert 0 <= float(talk["Timestamp"]) - int(note["answered"]) < 1.1


async def test_an_answer_whose_moment_was_not_reported(scene: Scene) -> None:
    """A Dial without U(callcenter-answered): the note has the moment when the phone began to ring."""
    program = await scene.program(*offer(options=""))
    await scene.phone(slow(PHONE_LEAVES), "-d", "300")
    caller = await scene.caller(CALLER_STAYS)
    rings = await scene.ami.until("DialBegin")
    await scene.ami.until("BridgeEnter")
    program.kill()
    assert await ended_well(caller)
    note = await scene.note(stage="offered", dial="ANSWER", agent=f"PJSIP/{PHONE}")
    assert 0 <= float(rings["Timestamp"]) - int(note["answered"]) < 1.1


async def test_killed_while_the_phone_rings_in_vain(scene: Scene) -> None:
    """Dial ends without an answer after the program's death: the caller goes to the fallback queue."""
    program = await scene.program(
        *offer()[:-1], "EXEC Dial PJSIP/5@customers,1,g"
    )  # a phone that is not there
    caller = await scene.caller(CALLER_STAYS)
    await scene.phone(PHONE_LEAVES, "-d", "300")
    await scene.ami.until("DialBegin")
    program.kill()
    assert await ended_well(caller)
    await scene.note(call=CALL_ID, stage="fallback", dial="NOANSWER", agent=f"PJSIP/{PHONE}")


async def test_withdrawn_callers_keep_their_place(scene: Scene) -> None:
    """QueueWithdrawCaller brings the caller back to the program, with the same arrival and no note."""
    await scene.ami.action(
        Action="QueuePause", Queue="callcenter-fallback", Interface=f"PJSIP/{PHONE}", Paused="true"
    )
    await scene.caller(CALLER_STAYS)
    waiting = await scene.ami.until("QueueCallerJoin")
    before = (await scene.notes())[0]
    assert before["ended"] == ""
    await asyncio.sleep(1.1)
    program = await scene.program("GET VARIABLE CC_ARRIVED", "GET VARIABLE CC_STAGE", "SET MUSIC ON")
    done = await scene.ami.action(
        Action="QueueWithdrawCaller", Queue="callcenter-fallback", Caller=waiting["Channel"]
    )
    assert done["Response"] == "Success"
    assert await said(program, "CALL") == f"CALL call {waiting['Uniqueid']}"
    assert await said(program, "GOT") == f"GOT 200 result=1 ({before['arrived']})"
    assert await said(program, "GOT") == "GOT 200 result=1 (arrived)"
    assert await scene.notes() == []


async def test_a_finished_call_leaves_no_note(scene: Scene) -> None:
    """CC_STAGE=done: the dialplan hangs up and notes nothing."""
    program = await scene.program("ANSWER", "SET VARIABLE CC_STAGE done")
    caller = await scene.caller(CALLER_STAYS)
    await said(program, "DID SET VARIABLE CC_STAGE done")
    assert await ended_well(caller)
    await scene.idle()
    assert await scene.notes() == []


async def test_a_caller_who_hangs_up_is_done_too(scene: Scene) -> None:
    """After the HANGUP line one last SET VARIABLE still counts, so a living program leaves no note behind."""
    program = await scene.program("ANSWER", "SET MUSIC ON", "-", "SET VARIABLE CC_STAGE done")
    caller = await scene.caller(CALLER_LEAVES, "-d", "1500")  # ANSWER takes 500 ms of it
    assert await said(program, "HEARD") == "HEARD HANGUP"
    assert await ended_well(caller)
    await scene.idle()
    assert await scene.notes() == []


async def test_nobody_takes_the_caller(scene: Scene) -> None:
    """After the fallback's time the caller is told and hung up; the note says that nobody answered."""
    await scene.asterisk.command("dialplan set global CC_FALLBACK_SECONDS 1")
    await scene.ami.action(
        Action="QueuePause", Queue="callcenter-fallback", Interface=f"PJSIP/{PHONE}", Paused="true"
    )
    assert await ended_well(await scene.caller(CALLER_STAYS))
    await scene.note(stage="fallback", answered="", agent="", queuestatus="TIMEOUT")


async def test_the_caller_gives_up_in_the_fallback(scene: Scene) -> None:
    """A caller who leaves the fallback queue is noted with no answer and no status."""
    await scene.ami.action(
        Action="QueuePause", Queue="callcenter-fallback", Interface=f"PJSIP/{PHONE}", Paused="true"
    )
    assert await ended_well(await scene.caller(CALLER_LEAVES, "-d", "300"))
    await scene.note(stage="fallback", answered="", agent="", queuestatus="")


async def test_a_transferred_caller_whom_nobody_answers_comes_back(scene: Scene) -> None:
    """A caller sent to a phone that is not there is not lost: the program gets the caller again."""
    program = await scene.program("ANSWER", f"SET VARIABLE __CC_CALL {CALL_ID}", "SET MUSIC ON")
    await scene.caller(CALLER_STAYS)
    await said(program, "DID SET MUSIC ON")
    channel = (await scene.ami.until("Newchannel", Exten="800"))["Channel"]
    program.kill()
    await program.wait()
    second = await scene.program("GET VARIABLE CC_CALL", "SET MUSIC ON")
    await scene.ami.action(
        Action="Redirect", Channel=channel, Context="callcenter-phones", Exten="1009", Priority="1"
    )
    assert await said(second, "GOT") == f"GOT 200 result=1 ({CALL_ID})"


async def test_a_forged_caller_number_stays_inside_its_field(scene: Scene) -> None:
    """Bars, equals signs and quotes in what the caller sends are dropped from the note."""
    await scene.ami.action(
        Action="QueuePause", Queue="callcenter-fallback", Interface=f"PJSIP/{PHONE}", Paused="true"
    )
    forged = "1%7Cended%3D9%7Ccall%3D" + "b" * 32 + "%22%5D%24%7BCC_CALL%7D"
    assert await ended_well(await scene.caller(CALLER_LEAVES, "-d", "100", number=forged))
    note = await scene.note(call="", stage="fallback")
    assert re.fullmatch(r"[0-9*#+]*", note["number"])
    assert " ".join(note) == "call did number arrived stage queue dial answered agent queuestatus ended"
