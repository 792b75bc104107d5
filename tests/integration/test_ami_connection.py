"""The link to Asterisk over real TCP, against a small manager that misbehaves on order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from structlog.testing import capture_logs

from callcenter.asterisk.ami import actions
from callcenter.asterisk.ami.connection import AmiConnection, AmiLimits, AmiTarget, Greeting
from callcenter.asterisk.ami.framing import AmiFramer
from callcenter.asterisk.ami.messages import Event
from callcenter.clock import SystemClock
from callcenter.errors import ActionFailed, BadInput, TelephonyDown
from tests.fakes.fake_ami import SECRET, SYSTEM_NAME, FakeAmi, message

pytestmark = pytest.mark.integration

QUICK = AmiLimits(
    login=0.5, booted=5.0, ping=0.1, retry_first=0.01, retry_longest=0.05, settled=0.0, resync=0.15
)
CALM = AmiLimits(booted=5.0, retry_first=0.01, retry_longest=0.05, settled=0.0, resync=0.15)


class Listener:
    """Writes down what the connection tells, in order."""

    def __init__(self) -> None:
        self.story: list[str] = []
        self.greetings: list[Greeting] = []
        self.snapshot: Callable[[], Any] | None = None
        self.connection: AmiConnection

    def on_event(self, event: Event) -> None:
        self.story.append(event.get("Number") or event.name)
        if event.name == "Bad":
            raise ValueError("can't handle this")

    async def on_up(self, greeting: Greeting) -> None:
        self.greetings.append(greeting)
        self.story.append("up")
        if self.snapshot is not None:
            await self.snapshot()

    def on_down(self, reason: str) -> None:
        self.story.append(f"down: {reason}")

    def on_resync(self) -> None:
        self.story.append("resync")

    def told(self, word: str) -> int:
        return sum(entry.startswith(word) for entry in self.story)


@asynccontextmanager
async def connected(ami: FakeAmi, limits: AmiLimits = CALM, secret: str = SECRET) -> AsyncIterator[Listener]:
    """A connection to the manager, running."""
    listener = Listener()
    listener.connection = AmiConnection(
        AmiTarget("127.0.0.1", ami.port, "callcenter", secret),
        SystemClock(),
        on_event=listener.on_event,
        on_up=listener.on_up,
        on_down=listener.on_down,
        on_resync=listener.on_resync,
        limits=limits,
    )
    running = asyncio.create_task(listener.connection.run())
    try:
        yield listener
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def until(condition: Callable[[], object], limit: float = 3.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.005)


async def test_log_in_learns_who_asterisk_is() -> None:
    """Name, version and life of Asterisk are known before the first event counts."""
    async with FakeAmi() as ami, connected(ami) as listener:
        await until(lambda: listener.connection.up)
        (greeting,) = listener.greetings
        assert greeting == Greeting(SYSTEM_NAME, "22.10.1", "2026-01-05T08:00:00")
        assert listener.connection.system_name == SYSTEM_NAME
        assert SYSTEM_NAME not in repr(greeting)
        ids = [action["ActionID"] for action in ami.actions]
        assert len(set(ids)) == len(ids)
        assert all(len(action_id) == 16 for action_id in ids)


async def test_a_start_time_of_1969_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asterisk does not know its start time for its first seconds."""
    monkeypatch.setattr("callcenter.asterisk.ami.greeting._PAUSE", 0.01)
    async with FakeAmi() as ami:
        ami.started = ["1969-12-31", "1970-01-01", "2026-02-03"]
        async with connected(ami) as listener:
            await until(lambda: listener.connection.up)
            assert listener.greetings[0].startup_time == "2026-02-03T08:00:00"


async def test_a_wrong_password_is_told_once_and_not_hammered() -> None:
    """The reason is Asterisk's own; the secret is in no log; the next try takes its time."""
    limits = AmiLimits(login=0.5, retry_first=0.001, retry_longest=0.4)
    with capture_logs() as logs:
        async with FakeAmi() as ami, connected(ami, limits, secret="hush-hush") as listener:
            await until(lambda: len(ami.named("Login")) == 1)
            since = asyncio.get_running_loop().time()
            await until(lambda: len(ami.named("Login")) == 2)
            assert asyncio.get_running_loop().time() - since > 0.15
            assert listener.story == ["down: Asterisk refused the log-in: Login: Authentication failed"]
            assert not listener.connection.up
            with pytest.raises(TelephonyDown):
                await listener.connection.action(actions.ping())
    assert "hush" not in str(logs)
    assert "hush" not in repr(AmiTarget("h", 1, "u", "hush-hush"))


async def test_an_asterisk_without_a_name_is_refused() -> None:
    """Its events could not be told from forged ones."""
    async with FakeAmi() as ami:
        ami.system_name = ""
        async with connected(ami) as listener:
            await until(lambda: listener.story)
            assert "systemname in asterisk.conf" in listener.story[0]
            assert listener.greetings == []


async def test_nothing_starts_before_asterisk_is_fully_booted() -> None:
    """A snapshot of a half-loaded Asterisk would be wrong."""
    async with FakeAmi() as ami:
        ami.booted = False
        async with connected(ami, QUICK) as listener:
            await until(lambda: ami.named("Ping"))
            assert ami.named("CoreSettings") == []
            ami.boot()
            await until(lambda: listener.connection.up)


async def test_the_secret_goes_only_to_an_ami() -> None:
    """A port where something else answers never sees the log-in."""
    async with FakeAmi() as ami:
        ami.banner = b"220 mail ready\r\n"
        async with connected(ami, QUICK) as listener:
            await until(lambda: listener.told("down"))
            assert "no AMI log-in" in listener.story[0]
            assert ami.actions == []


async def test_snapshot_then_stream() -> None:
    """Events that come during ``on_up`` wait, and follow in their order; answers don't wait for them."""
    async with FakeAmi() as ami:
        ami.lists["CoreShowChannels"] = [{"Channel": "PJSIP/a-1"}]
        async with connected(ami) as listener:

            async def snapshot() -> None:
                for number in range(3):
                    ami.event("Newchannel", Number=str(number))
                await asyncio.sleep(0.05)
                channels = await listener.connection.listing(actions.core_show_channels())
                listener.story.append(channels[0].get("Channel"))

            listener.snapshot = snapshot
            await until(lambda: listener.connection.up)
            ami.event("Newchannel", Number="3")
            await until(lambda: len(listener.story) == 6)
            assert listener.story == ["up", "PJSIP/a-1", "0", "1", "2", "3"]


async def test_a_snapshot_that_fails_is_taken_again() -> None:
    """The connection is built anew until ``on_up`` has succeeded."""
    with capture_logs() as logs:
        async with FakeAmi() as ami, connected(ami) as listener:
            await _fail_twice(listener)
    assert [entry["event"] for entry in logs].count("asterisk snapshot failed") == 2


async def _fail_twice(listener: Listener) -> None:
    faults = [KeyError("x"), ActionFailed("y")]

    async def snapshot() -> None:
        if faults:
            raise faults.pop()

    listener.snapshot = snapshot
    await until(lambda: listener.connection.up)
    assert listener.told("up") == 3
    assert listener.story[1] == "down: the snapshot failed: ActionFailed"


async def test_a_handler_that_fails_does_not_stop_the_rest() -> None:
    """The failure is logged with the event's name, and the next event is handled."""
    with capture_logs() as logs:
        async with FakeAmi() as ami, connected(ami) as listener:
            await until(lambda: listener.connection.up)
            ami.event("Bad")
            ami.event("Good")
            await until(lambda: "Good" in listener.story)
    assert [entry["event_name"] for entry in logs if entry["log_level"] == "error"] == ["Bad"]


async def test_silence_is_noticed_and_survived() -> None:
    """Two pings without an answer end the link; when Asterisk speaks again, so does the link."""
    async with FakeAmi() as ami, connected(ami, QUICK) as listener:
        await until(lambda: listener.connection.up)
        await until(lambda: len(ami.named("Ping")) == 2)
        await asyncio.sleep(QUICK.ping / 4)
        ami.silent = True
        await until(lambda: not listener.connection.up)
        # On a busy machine one more ping may have been answered before the silence.
        assert len(ami.named("Ping")) in {4, 5}
        assert listener.story[-1] == "down: Asterisk is silent"
        ami.silent = False
        await until(lambda: listener.connection.up)
    assert 3 * AmiLimits().ping < 10, "silence must be noticed in less than 10 s"


async def test_one_lost_ping_now_and_then_is_no_loss() -> None:
    """Only two in a row end the link."""
    async with FakeAmi() as ami, connected(ami, QUICK) as listener:
        await until(lambda: listener.connection.up)
        for seen in range(1, 6):
            await until(lambda seen=seen: len(ami.named("Ping")) > seen)  # type: ignore[misc]
            ami.pings_answered = not ami.pings_answered
        assert listener.story == ["up"]


async def test_events_do_not_hide_missing_pings() -> None:
    """A manager that talks and does not listen is as good as dead."""
    async with FakeAmi() as ami, connected(ami, QUICK) as listener:
        await until(lambda: listener.connection.up)
        ami.pings_answered = False
        while not listener.told("down"):
            ami.event("Newchannel")
            await asyncio.sleep(0.02)
        assert "down: Asterisk is silent" in listener.story


async def test_a_cut_in_the_middle_of_an_event_leaves_nothing_behind() -> None:
    """The torn event is not delivered, nor glued to the next connection's first bytes."""
    async with FakeAmi() as ami, connected(ami) as listener:
        await until(lambda: listener.connection.up)
        ami.say(message("Event", "Hangup", {"SystemName": SYSTEM_NAME, "Number": "torn"})[:-9])
        await asyncio.sleep(0.02)
        ami.cut()
        await until(lambda: listener.told("up") == 2 and listener.connection.up)
        ami.event("Hangup", Number="whole")
        await until(lambda: "whole" in listener.story)
        assert listener.told("down") == 1
        assert listener.story[-1] == "whole"
        assert listener.connection.counters.events == 1
        assert listener.connection.counters.rejected == 0
        ami.cut()
        await until(lambda: listener.told("down") == 2)


async def test_a_list_that_was_cut_is_thrown_away_whole() -> None:
    """Half a list would look like calls that have ended; the next list is complete."""
    async with FakeAmi() as ami, connected(ami) as listener:
        await until(lambda: listener.connection.up)
        ami.lists["CoreShowChannels"] = [{"Channel": f"PJSIP/a-{i}"} for i in range(50)]
        ami.cut_in_list = True
        with pytest.raises(TelephonyDown):
            await listener.connection.listing(actions.core_show_channels())
        ami.cut_in_list = False
        await until(lambda: listener.connection.up)
        assert len(await listener.connection.listing(actions.core_show_channels())) == 50


async def test_actions_fail_clearly() -> None:
    """Refused, not answered, not a list, not to be sent: each has its own error, and the link lives on."""
    async with FakeAmi() as ami, connected(ami) as listener:
        await until(lambda: listener.connection.up)
        connection = listener.connection
        with pytest.raises(ActionFailed, match="Hangup: No such channel"):
            await connection.action(actions.hangup("PJSIP/gone-1"))
        with pytest.raises(ActionFailed, match="list"):
            await connection.listing(actions.getvar("", "X"))
        before = len(ami.actions)
        with pytest.raises(BadInput):
            await connection.action(actions.redirect("PJSIP/a-1", "x", "1\r\nApplication: System"))
        ami.silent = True
        with pytest.raises(ActionFailed) as caught:
            await connection.action(actions.ping(), timeout=0.05)
        assert caught.value.code == "action_timeout"
        assert len(ami.actions) == before + 1
        assert connection.up


async def test_a_list_that_comes_too_late_is_no_alarm() -> None:
    """Its items carry the id of an action that was given up; they are dropped, not taken for forged."""
    async with FakeAmi() as ami, connected(ami) as listener:
        await until(lambda: listener.connection.up)
        ami.silent = True
        with pytest.raises(ActionFailed):
            await listener.connection.listing(actions.core_show_channels(), timeout=0.02)
        late = {"ActionID": ami.named("CoreShowChannels")[0]["ActionID"]}
        ami.say(message("Event", "CoreShowChannel", late))
        await until(lambda: listener.connection.counters.dropped == 1)
        assert listener.connection.counters.unauthenticated == 0


async def test_an_event_without_our_asterisks_name_is_dropped() -> None:
    """No name, another name, our name in other letters: counted; asked for a snapshot, not too often."""
    async with FakeAmi() as ami, connected(ami) as listener:
        await until(lambda: listener.connection.up)
        for name in ("", "other", SYSTEM_NAME.upper()):
            ami.say(message("Event", "Hangup", {"SystemName": name}))
        ami.say(message("Event", "FullyBooted", {"Status": "forged"}))
        ami.say(message("Event", "Hangup", {"ActionID": "0123456789abcdef"}))
        ami.say(b"Event: Torn\r\nA: b\nc\r\n\r\n")
        ami.event("True")
        await until(lambda: "True" in listener.story)
        counters = listener.connection.counters
        assert (counters.unauthenticated, counters.rejected, counters.events) == (5, 1, 1)
        assert [entry for entry in listener.story if entry != "resync"] == ["up", "True"]
        ami.say(message("Event", "Hangup", {}))
        await until(lambda: counters.unauthenticated == 6)
        assert listener.told("resync") == 1
        await until(lambda: listener.told("resync") == 2)
        assert listener.connection.up


async def test_hostile_bytes_alone_ask_for_a_snapshot() -> None:
    """A torn message may have hidden a true one."""
    async with FakeAmi() as ami, connected(ami) as listener:
        await until(lambda: listener.connection.up)
        ami.say(b"Torn: A\r\n\r\n")
        await until(lambda: listener.told("resync") == 1)
        assert listener.connection.counters.unauthenticated == 0


async def test_too_many_waiting_events_end_the_link() -> None:
    """Memory stays bounded while nobody takes events; afterwards a new snapshot tells what was missed."""
    limits = AmiLimits(login=0.5, events=100, retry_first=0.01, retry_longest=0.05)
    async with FakeAmi() as ami, connected(ami, limits) as listener:

        async def snapshot() -> None:
            if len(listener.greetings) == 1:
                for number in range(101):
                    ami.event("Newchannel", Number=f"n{number}")
                await asyncio.sleep(5)

        listener.snapshot = snapshot
        await until(lambda: listener.connection.up)
        assert listener.story == ["up", "down: more than 100 events wait for us", "up"]
        assert listener.connection.counters.dropped == 100


async def test_late_events_are_counted_and_in_the_end_the_link_is_renewed() -> None:
    """What counts is the delay at Asterisk, not that its clock is an hour ahead."""
    limits = AmiLimits(login=0.5, ping=0.1, late=2.0, late_for=0.2, retry_first=0.01, retry_longest=0.05)
    async with FakeAmi() as ami:
        ami.clock_ahead = 3600.0
        async with connected(ami, limits) as listener:
            await until(lambda: listener.connection.up)
            ami.event("Newchannel", Timestamp=ami.stamp(age=1.0))
            await until(lambda: "Newchannel" in listener.story)
            assert listener.connection.counters.lag == 0
            ami.event("Newchannel", Timestamp=ami.stamp(age=30.0))
            await asyncio.sleep(0.25)
            ami.event("Newchannel", Timestamp=ami.stamp())
            ami.event("Newchannel", Timestamp=ami.stamp(age=30.0))
            await until(lambda: listener.connection.counters.lag == 2)
            assert listener.connection.up
            while not listener.told("down"):
                ami.event("Newchannel", Timestamp=ami.stamp(age=30.0))
                await asyncio.sleep(0.02)
            assert "down: events come 30 s late" in listener.story
            assert listener.connection.counters.lag > 3


async def test_asterisk_comes_back_after_a_restart() -> None:
    """A closed port is told once; the next life has another epoch."""
    async with FakeAmi() as ami, connected(ami) as listener:
        await until(lambda: listener.connection.up)
        await ami.stop()
        await until(lambda: listener.told("down: no connection"))
        await asyncio.sleep(0.2)
        assert listener.told("down") == 2
        ami.started = ["2026-01-06"]
        await ami.listen()
        await until(lambda: listener.connection.up)
        first, second = listener.greetings
        assert first.epoch != second.epoch


async def test_a_fault_of_our_own_costs_one_link_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw is logged, and the link comes back."""
    with capture_logs() as logs:
        async with FakeAmi() as ami, connected(ami) as listener:
            await until(lambda: listener.connection.up)
            with monkeypatch.context() as patch:
                patch.setattr(AmiFramer, "feed", lambda *_: 1 / 0)
                ami.event("Newchannel")
                await until(lambda: listener.told("down"))
            await until(lambda: listener.connection.up)
        assert listener.story[1] == "down: a fault of ours: ExceptionGroup"
    assert "task failed" in [entry["event"] for entry in logs]


async def test_filters_are_sent_only_when_configured() -> None:
    """They need a right that we don't ask for."""
    async with FakeAmi() as ami:
        async with connected(ami) as listener:
            await until(lambda: listener.connection.up)
        assert ami.named("Filter") == []
        target = AmiTarget("127.0.0.1", ami.port, "callcenter", SECRET, event_filters=("!Event: VarSet",))
        other = AmiConnection(
            target, SystemClock(), on_event=listener.on_event, on_up=listener.on_up, on_down=listener.on_down
        )
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(other.run())
            await until(lambda: other.up)
            running.cancel()
        assert [action["Filter"] for action in ami.named("Filter")] == ["!Event: VarSet"]


@pytest.mark.parametrize("turns", range(12))
async def test_a_cancel_at_the_moment_of_a_loss_still_cancels(turns: int) -> None:
    """Whatever turn of the loop the two meet in, ``run`` ends: a stop of the program must not hang."""
    async with FakeAmi() as ami:
        connection = AmiConnection(
            AmiTarget("127.0.0.1", ami.port, "callcenter", "wrong"),
            SystemClock(),
            on_event=lambda _event: None,
            on_up=lambda _greeting: asyncio.sleep(0),
            on_down=lambda _reason: None,
        )
        running = asyncio.create_task(connection.run())
        while not ami.named("Login"):
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        ended, _ = await asyncio.wait([running], timeout=1.0)
        running.cancel()
        assert ended


async def test_cancelling_leaves_no_task_behind() -> None:
    """The end of ``run`` is the end of all that it started, also in the middle of a snapshot."""
    async with FakeAmi() as ami:
        before = asyncio.all_tasks()
        async with connected(ami) as listener:
            listener.snapshot = lambda: asyncio.sleep(60)
            await until(lambda: listener.greetings)
        await until(lambda: not {t for t in asyncio.all_tasks() - before if t.get_name().startswith("ami:")})
        assert not listener.connection.up
        assert listener.connection.system_name == ""
