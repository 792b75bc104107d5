"""The FastAGI server over real sockets: one coroutine per caller, whatever the other end does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import structlog
from structlog.testing import capture_logs

from callcenter.asterisk.agi import commands
from callcenter.asterisk.agi.framing import AgiReply
from callcenter.asterisk.agi.server import AgiServer
from callcenter.asterisk.agi.session import HANGUP_GRACE, AgiSession
from callcenter.clock import SystemClock
from callcenter.errors import ActionFailed, CallerGone, ReleasedToFallback

pytestmark = pytest.mark.integration

NAMES = "language type uniqueid version callerid calleridname callingpres callingani2 callington callingtns"
LATER = "dnid rdnis context extension priority enhanced accountcode threadid"
ANSWER = commands.answer()
STAGE = commands.set_variable("CC_STAGE", "done")


def environment(script: str = "ring", channel: str = "PJSIP/trunk-00000001") -> bytes:
    """What Asterisk sends first."""
    lines = ["agi_network: yes", f"agi_network_script: {script}", f"agi_request: agi://h/{script}"]
    lines.append(f"agi_channel: {channel}")
    lines += [f"agi_{name}: 1" for name in f"{NAMES} {LATER}".split()]
    return "\n".join(lines).encode() + b"\n\n"


class Caller:
    """Asterisk's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def says(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)

    async def hears(self) -> bytes:
        """One command line; empty at the end of the connection."""
        async with asyncio.timeout(3):
            return await self.reader.readline()

    async def is_cut(self) -> None:
        """Wait until the server has ended the connection."""
        async with asyncio.timeout(3):
            try:
                assert await self.reader.read() == b""
            except ConnectionResetError:
                return


class Switch:
    """A server with one handler, and the callers on it."""

    def __init__(self, server: AgiServer) -> None:
        self.server = server
        self._writers: list[asyncio.StreamWriter] = []

    async def call(self, data: bytes = b"") -> Caller:
        """Connect and send ``data``."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        self._writers.append(writer)
        writer.write(data)
        return Caller(reader, writer)

    async def counted(self, reason: str, times: int = 1) -> None:
        """Wait until the server has counted this."""
        async with asyncio.timeout(3):
            while self.server.counts[reason] < times:
                await asyncio.sleep(0.001)

    def hang_up_all(self) -> None:
        """Close our ends."""
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def switch(
    handler: Callable[[AgiSession], Awaitable[None]],
    *,
    allowed: frozenset[str] = frozenset({"127.0.0.1"}),
    header_timeout: float = 3.0,
    max_sessions: int = 100,
    max_half_open: int = 10,
) -> AsyncIterator[Switch]:
    """A listening server; afterwards no task of it may be left."""
    server = AgiServer(
        "127.0.0.1",
        0,
        {"ring": handler},
        allowed,
        SystemClock(),
        header_timeout=header_timeout,
        max_sessions=max_sessions,
        max_half_open=max_half_open,
    )
    await server.start()
    running = Switch(server)
    try:
        yield running
    finally:
        running.hang_up_all()
        await server.stop(1.0)
    left = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("agi:")]
    assert left == []
    assert server.sessions == 0


async def say_hello(session: AgiSession) -> None:
    """The simplest caller's coroutine."""
    await session.command(ANSWER)
    await session.command(STAGE)


async def test_a_call_from_start_to_end() -> None:
    """A call's facts come in, commands and replies alternate, and the end closes the connection."""
    seen: list[object] = []

    async def handler(session: AgiSession) -> None:
        seen.extend([session.request.script, dict(session.request.query), session.request.channel])
        seen.append(await session.command(commands.get_data("x", 100, 1)))

    async with switch(handler) as asterisk:
        caller = await asterisk.call(environment("ring?x=1"))
        assert await caller.hears() == b'GET DATA "x" "100" "1"\n'
        caller.says(b"200 result=7 (timeout)\n")
        await caller.is_cut()
        await asterisk.counted("ended")
    assert seen == ["ring", {"x": "1"}, "PJSIP/trunk-00000001", AgiReply(200, "7", "timeout")]


async def test_environment_cut_at_every_position() -> None:
    """However TCP cuts the hand-over, the call is served."""
    data = environment()
    async with switch(say_hello) as asterisk:
        for cut in range(0, len(data), 7):
            caller = await asterisk.call(data[:cut])
            await asyncio.sleep(0)
            caller.says(data[cut:])
            assert await caller.hears() == ANSWER
            caller.says(b"200 result=0\n200")
            await asyncio.sleep(0)
            assert await caller.hears() == STAGE
            caller.says(b" result=1\n")
            await caller.is_cut()
        assert asterisk.server.counts == {"ended": len(range(0, len(data), 7))}


async def test_hangup_while_waiting() -> None:
    """A caller who waits with no command in flight hangs up: the coroutine learns it, by line or by EOF."""
    ended: list[bool] = []

    async def handler(session: AgiSession) -> None:
        await session.wait_gone()
        ended.append(session.hung_up)
        with pytest.raises(CallerGone):
            await session.command(ANSWER)
        raise CallerGone("as usual")

    async with switch(handler) as asterisk:
        first = await asterisk.call(environment() + b"HANGUP\n")
        await first.is_cut()
        second = await asterisk.call(environment())
        second.writer.write_eof()
        await second.is_cut()
        await asterisk.counted("caller_gone", 2)
    assert ended == [True, True]


async def test_hangup_between_command_and_reply() -> None:
    """``HANGUP`` before the reply: the reply in the grace is still given, the next command says gone."""
    replies: list[AgiReply] = []

    async def handler(session: AgiSession) -> None:
        replies.append(await session.command(commands.exec_("Dial", "PJSIP/1001", "20", "g"), timeout=None))
        assert session.hung_up
        await session.command(ANSWER)

    async with switch(handler) as asterisk:
        caller = await asterisk.call(environment())
        await caller.hears()
        caller.says(b"HANGUP\n")
        await asyncio.sleep(HANGUP_GRACE / 10)
        caller.says(b"200 result=-1\n")
        await caller.is_cut()
        await asterisk.counted("caller_gone")
    assert replies == [AgiReply(200, "-1")]


async def test_hangup_without_a_reply_ends_after_the_grace() -> None:
    """A command without a time-out ends the grace after the ``HANGUP`` line."""
    took: list[float] = []

    async def handler(session: AgiSession) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            await session.command(commands.exec_("Dial", "PJSIP/1001"), timeout=None)
        finally:
            took.append(loop.time() - start)

    async with switch(handler) as asterisk:
        caller = await asterisk.call(environment())
        await caller.hears()
        caller.says(b"HANGUP\n")
        await caller.is_cut()
        await asterisk.counted("caller_gone")
    assert HANGUP_GRACE * 0.9 <= took[0] < HANGUP_GRACE + 1.0


async def test_eof_in_a_command_ends_at_once() -> None:
    """A connection that ends in the middle of a reply ends the coroutine, without a grace."""
    async with switch(say_hello) as asterisk:
        caller = await asterisk.call(environment())
        await caller.hears()
        caller.says(b"200 resu")
        caller.writer.close()
        await asterisk.counted("caller_gone")


async def test_dead_channel() -> None:
    """After the hang-up, the commands that Asterisk allows still work; a 511 means gone."""
    replies: list[AgiReply] = []

    async def handler(session: AgiSession) -> None:
        await session.wait_gone()
        replies.append(await session.command(STAGE, dead=True))
        with pytest.raises(CallerGone):
            await session.command(commands.wait_for_digit(1), dead=True)

    async with switch(handler) as asterisk:
        caller = await asterisk.call(environment() + b"HANGUP\n")
        assert await caller.hears() == STAGE
        await asyncio.sleep(0.01)
        caller.says(b"200 result=1\n")
        await caller.hears()
        caller.says(b"511 Command Not Permitted on a dead channel or intercept routine\n")
        await caller.is_cut()
        await asterisk.counted("ended")
    assert replies == [AgiReply(200, "1")]


async def test_refused_commands() -> None:
    """510 and a 520 of many lines are refusals with their code, and the dialogue goes on in step."""
    codes: list[str] = []

    async def handler(session: AgiSession) -> None:
        for _ in range(2):
            with pytest.raises(ActionFailed) as failed:
                await session.command(STAGE)
            codes.append(failed.value.code)
        assert (await session.command(STAGE)).result == "1"

    async with switch(handler) as asterisk:
        caller = await asterisk.call(environment())
        for reply in (
            b"510 no\n",
            b"520-Usage:\nSET VARIABLE a b\n\n520 End of proper usage.\n",
            b"200 result=1\n",
        ):
            assert await caller.hears() == STAGE
            caller.says(reply)
        await asterisk.counted("ended")
    assert codes == ["agi_510", "agi_520"]


async def test_late_reply_goes_to_its_own_command() -> None:
    """A time-out gives a command up; its reply, when it comes, is not taken for the next one's."""

    async def handler(session: AgiSession) -> None:
        with pytest.raises(ActionFailed) as failed:
            await session.command(commands.wait_for_digit(1000), timeout=0.01)
        assert failed.value.code == "agi_timeout"
        assert (await session.command(STAGE)).result == "2"

    async with switch(handler) as asterisk:
        caller = await asterisk.call(environment())
        await caller.hears()
        await caller.hears()
        caller.says(b"200 result=1\n200 result=2\n")
        await asterisk.counted("ended")


async def test_commands_of_two_tasks_are_serial() -> None:
    """Two commands at once: the second is sent when the first has its reply."""

    async def handler(session: AgiSession) -> None:
        first, second = await asyncio.gather(
            session.command(commands.verbose("1")), session.command(commands.verbose("2"))
        )
        assert (first.result, second.result) == ("1", "2")

    async with switch(handler) as asterisk:
        caller = await asterisk.call(environment())
        assert b'"1"' in await caller.hears()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03):
                await caller.reader.readexactly(1)
        caller.says(b"200 result=1\n")
        assert b'"2"' in await caller.hears()
        caller.says(b"200 result=2\n")
        await asterisk.counted("ended")


async def test_what_asterisk_never_says_releases_the_caller() -> None:
    """A forged or broken line in the dialogue gives the connection up, and the fallback takes over."""
    kinds: list[str] = []

    async def handler(session: AgiSession) -> None:
        with pytest.raises(ReleasedToFallback):
            await session.command(ANSWER)
        kinds.append("command")
        await session.wait_gone()

    async with switch(handler) as asterisk:
        caller = await asterisk.call(environment())
        await caller.hears()
        caller.says(b"agi_calleridname: x\n")
        await caller.is_cut()
        await asterisk.counted("released")
    assert kinds == ["command"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (environment()[:100], "header_timeout"),
        (b"", "header_timeout"),
        (b"x" * 1_000_000, "header_rejected"),
        (b"agi_network: yes\n" * 1000, "header_rejected"),
        (b"GET / HTTP/1.1\r\n\r\n", "header_rejected"),
        (environment() + b"200 result=1\n", "header_rejected"),
        (environment("../../x"), "unknown_script"),
        (environment("ring/"), "unknown_script"),
        (environment("RING"), "unknown_script"),
        (environment(""), "unknown_script"),
        (environment("ring?a=1&a=2"), "header_rejected"),
    ],
)
async def test_bad_headers(data: bytes, reason: str) -> None:
    """Half a header, a million bytes in a line, another protocol, another script: closed, counted."""
    async with switch(say_hello, header_timeout=0.05) as asterisk:
        caller = await asterisk.call(data)
        await caller.is_cut()
        await asterisk.counted(reason)
        assert asterisk.server.counts == {reason: 1}


async def test_eof_in_the_header() -> None:
    """A connection that ends anywhere in its header leaves nothing behind."""
    data = environment()
    async with switch(say_hello) as asterisk:
        for cut in range(0, len(data) - 1, 20):
            caller = await asterisk.call(data[:cut])
            caller.writer.close()
        await asterisk.counted("header_cut", len(range(0, len(data) - 1, 20)))


async def test_strangers_are_refused_quietly() -> None:
    """An address that is not listed gets nothing, and a thousand of them one log line."""
    async with switch(say_hello, allowed=frozenset({"192.0.2.1"})) as asterisk:
        with capture_logs() as lines:
            for _ in range(20):
                caller = await asterisk.call(environment())
                await caller.is_cut()
        assert asterisk.server.counts == {"address_refused": 20}
        assert len(lines) == 1


async def test_half_open_connections_are_capped() -> None:
    """Connections that say nothing can't take every place, and a served caller is not touched by them."""

    async def wait(session: AgiSession) -> None:
        await session.wait_gone()

    async with switch(wait, max_half_open=5) as asterisk:
        served = await asterisk.call(environment())
        while not asterisk.server.sessions:
            await asyncio.sleep(0.001)
        for _ in range(5):
            await asterisk.call()
        extra = await asterisk.call()
        await extra.is_cut()
        assert asterisk.server.counts["too_many_half_open"] == 1
        assert asterisk.server.sessions == 1
        served.says(b"HANGUP\n")
        await served.is_cut()


async def test_sessions_are_capped() -> None:
    """One caller more than the limit is left to the dialplan."""

    async def wait(session: AgiSession) -> None:
        await session.wait_gone()

    async with switch(wait, max_sessions=2) as asterisk:
        await asterisk.call(environment())
        await asterisk.call(environment())
        while asterisk.server.sessions < 2:
            await asyncio.sleep(0.001)
        await (await asterisk.call(environment())).is_cut()
        assert asterisk.server.counts["too_many_sessions"] == 1


async def test_a_failing_coroutine_stays_alone() -> None:
    """An error in one caller's coroutine is logged with its channel and closes only that call."""

    async def handler(session: AgiSession) -> None:
        if session.request.channel.endswith("1"):
            raise KeyError("broken")
        await say_hello(session)

    async with switch(handler) as asterisk:
        good = await asterisk.call(environment(channel="PJSIP/t-2"))
        assert await good.hears() == ANSWER
        with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
            bad = await asterisk.call(environment(channel="PJSIP/t-1"))
            await bad.is_cut()
            await asterisk.counted("handler_failed")
        assert [line["channel"] for line in lines if line["event"] == "caller's coroutine failed"] == [
            "PJSIP/t-1"
        ]
        good.says(b"200 result=0\n")
        assert await good.hears() == STAGE


async def test_stop_with_callers_in_it() -> None:
    """Stopping cancels the coroutines, lets them clean up, and closes every connection."""
    cleaned: list[str] = []

    async def handler(session: AgiSession) -> None:
        try:
            await session.wait_gone()
        finally:
            cleaned.append(session.request.channel)

    async with switch(handler) as asterisk:
        callers = [await asterisk.call(environment(channel=f"PJSIP/t-{n}")) for n in range(20)]
        half = await asterisk.call(environment()[:50])
        while asterisk.server.sessions < 20:
            await asyncio.sleep(0.001)
        port = asterisk.server.port
        await asterisk.server.stop(1.0)
        for caller in [*callers, half]:
            await caller.is_cut()
        with pytest.raises(OSError, match="onnect"):
            await asyncio.open_connection("127.0.0.1", port)
    assert len(cleaned) == 20
