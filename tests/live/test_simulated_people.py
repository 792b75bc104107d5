"""The simulated people on a real Asterisk: they are called, talk, hear each other, hold, transfer, give up.

What the other tests and the demo believe rests on them, so each thing is judged by its other end.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from callcenter.rig.asterisk_config import AsteriskPlan, fresh_plan
from callcenter.rig.asterisk_install import find_launcher
from callcenter.rig.asterisk_server import PrivateAsterisk
from callcenter.rig.callers import CallPlan, Outcome, SippRun, run_calls
from callcenter.rig.customers import Customers
from callcenter.rig.ear import Ear
from callcenter.rig.hearing import hears, loudness, same_sound, tones
from callcenter.rig.people import PhonesProcess
from callcenter.rig.scenarios import Script

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

DIALPLAN = """
[people]
exten => _1XXX,1,Dial(PJSIP/${EXTEN},${IF($["${EXTEN}" = "1009"]?2:20)},b(people-header^s^1))
 same => n,Hangup()
exten => 600,1,Answer(1)
 same => n,Read(got,,3,,1,3)
 same => n,SayDigits(${got})
 same => n,Hangup()
exten => 602,1,Answer(1)
 same => n,Read(got,,4,,1,3)
 same => n,Goto(${got},1)
exten => 601,1,Answer(1)
 same => n,Wait(20)
exten => _9XX,1,Dial(PJSIP/${EXTEN}@customers,2)
 same => n,Hangup()
[callcenter-phones](+)
exten => _6XX,1,Goto(people,${EXTEN},1)
exten => _1XXX,1,Goto(people,${EXTEN},1)
[people-header]
exten => s,1,Set(PJSIP_HEADER(add,X-Callcenter-Call)=cafe01)
 same => n,Return()
"""
CALLER_TONE = 1000


@dataclass
class Office:
    """An Asterisk with its phones, and where callers ring."""

    plan: AsteriskPlan
    phones: PhonesProcess

    def ear(self, number: str = "13800000000", name: str = "") -> Ear:
        """A caller who hears and says a tone."""
        return Ear(self.plan.sip_port, say=CALLER_TONE, number=number, name=name)


@contextlib.asynccontextmanager
async def office(folder: Path, count: int = 20, **settings: object) -> AsyncIterator[Office]:
    """``count`` phones from 1001 on; phone 1001 has the tone of 440 Hz, the next 480, and so on."""
    extensions = [str(1001 + number) for number in range(count)]
    plan = fresh_plan(folder / "a", extensions=extensions, extra_dialplan=DIALPLAN, caller_context="people")
    asterisk = PrivateAsterisk(find_launcher(), plan)
    await asterisk.start()
    behaviour = {"answer_after": [0.1, 0.2], "talk": None, "hear": True}
    phones = [
        {"extension": phone.extension, "password": phone.secret, "behaviour": behaviour}
        for phone in plan.phones
    ]
    config = {"sip_port": plan.sip_port, "hear": str(folder / "heard"), "phones": phones, **settings}
    try:
        async with PhonesProcess(folder / "p", config) as people:
            yield Office(plan, people)
    finally:
        await asterisk.stop()


async def test_talk_is_heard_both_ways(tmp_path: Path) -> None:
    """20 phones register; a caller with a hostile name talks to one of them; each hears the other's own tone."""
    async with office(tmp_path) as here:
        assert len(here.phones.events("registered")) == 20
        async with here.ear(number="13800000001", name="<img src=x> 李雷") as ear:
            assert await ear.call("1003") == 200
            await asyncio.sleep(1.2)
            await ear.hang_up()
            result = ear.result(tmp_path / "ear.wav")
        heard = (await here.phones.wait_for("heard", extension="1003"))[0]
        invite = here.phones.events("invite")[0]
        bye = here.phones.events("bye")[0]
    assert (invite["extension"], invite["call"], invite["from_number"]) == ("1003", "cafe01", "13800000001")
    assert invite["from_name"] == "<img src=x> 李雷"
    assert invite["t"] < bye["t"]
    assert result.ended_by == "us"
    assert hears(tmp_path / "ear.wav", 520, at_least=0.9)
    assert not hears(tmp_path / "ear.wav", CALLER_TONE)
    assert hears(heard["path"], CALLER_TONE, at_least=0.9)
    assert not hears(heard["path"], 520)


async def test_keys_and_prompts(tmp_path: Path) -> None:
    """Keys in any order reach Read(), from an ear and from SIPp, and the prompt that says them is recognised."""
    launcher = find_launcher().parent
    digits = {}
    for digit in "749":
        digits[digit] = tmp_path / f"{digit}.wav"
        source = next(launcher.glob(f"root/usr/share/asterisk/sounds/en/digits/{digit}.gsm"))
        subprocess.run(["sox", source, "-r", "8000", "-b", "16", "-c", "1", digits[digit]], check=True)
    keys = (("1", 0.3), ("0", 0.6), ("0", 0.9), ("2", 1.2))
    plans = [CallPlan("1", dial="602", keys=keys, hang_up_after=3)]
    async with office(tmp_path, 3) as here:
        sipp = asyncio.create_task(run_calls(plans, sip_port=here.plan.sip_port))
        async with here.ear() as ear:
            assert await ear.call("600") == 200
            await ear.press("744")
            assert await ear.until_over(10)
            ear.result(tmp_path / "said.wav")
        (pressed,) = await sipp
        invites = here.phones.events("invite")
    assert [(invite["extension"], invite["from_number"]) for invite in invites] == [("1002", "1")]
    assert pressed.outcome is Outcome.CALLER
    assert same_sound(tmp_path / "said.wav", digits["7"]) > 0.9
    assert same_sound(tmp_path / "said.wav", digits["4"]) > 0.9
    assert same_sound(tmp_path / "said.wav", digits["9"]) < 0.7


async def test_hold_and_transfer(tmp_path: Path) -> None:
    """On hold the caller hears music and not the agent; a blind transfer brings another agent's tone."""
    async with office(tmp_path, 2) as here, here.ear() as ear:
        assert await ear.call("1001") == 200
        await asyncio.sleep(0.8)
        assert await here.phones.do("1001", "hold") == 204
        at_hold = len(ear.heard_so_far())
        await asyncio.sleep(1.2)
        at_unhold = len(ear.heard_so_far())
        assert await here.phones.do("1001", "unhold") == 204
        await asyncio.sleep(0.8)
        assert await here.phones.do("1001", "transfer/1002") == 204
        await here.phones.wait_for("answered", extension="1002")
        at_second = len(ear.heard_so_far())
        await asyncio.sleep(1.0)
        heard = ear.heard_so_far()
        assert await here.phones.do("1002", "hangup") == 204
        assert await ear.until_over(3)
        ended = here.phones.events("ended", extension="1001")
    assert hears(heard[:at_hold], 440)
    music = heard[at_hold + 800 : at_unhold - 800]
    assert max(loudness(music)) > 0.001  # the music begins softly; an empty line is 0
    assert not hears(music, 440, at_least=0.2)
    assert hears(heard[at_unhold:at_second], 440)
    assert hears(heard[at_second:], 480)
    assert not hears(heard[at_second + 1600 :], 440, at_least=0.2)
    assert len(ended) == 1


async def test_every_way_not_to_answer(tmp_path: Path) -> None:
    """Busy, rejected, never answered, given up by the caller, hung up at once, answered by a click."""
    async with office(tmp_path, 9) as here:
        ways = {"1001": "busy", "1002": "reject", "1003": "never", "1004": "hang_up_at_once", "1005": "click"}
        for extension, kind in (*ways.items(), ("1009", "never")):
            assert await here.phones.do(extension, "behaviour", {"kind": kind, "answer_after": [0, 0]}) == 204
        assert await here.phones.do("1001", "behaviour", {"kind": "dance"}) == 400
        assert await here.phones.do("1001", "answer") == 409
        assert await here.phones.do("9999", "answer") == 404
        plans = [
            *(CallPlan(dial, dial=dial, patience=20) for dial in ("1001", "1002", "1004", "1009")),
            CallPlan("5", dial="1005", patience=1.5),
        ]
        calls = asyncio.create_task(run_calls(plans, sip_port=here.plan.sip_port, rate=10))
        given_up = asyncio.create_task(
            run_calls([CallPlan("3", dial="1003")], sip_port=here.plan.sip_port, ring_limit=1.0)
        )
        await here.phones.wait_for("invite", extension="1005")
        await asyncio.sleep(0.3)
        assert (await here.phones.states())["1005"]["calls"][0]["state"] == "ringing"
        assert await here.phones.do("1005", "answer") == 204
        busy, rejected, at_once, unanswered, clicked = await calls
        (cancelled,) = await given_up
        await here.phones.wait_for("cancelled", extension="1003")
        await here.phones.wait_for("cancelled", extension="1009")
    assert (busy.outcome, busy.status) == (Outcome.REFUSED, 486)
    assert rejected.outcome is Outcome.REFUSED
    assert (at_once.outcome, at_once.status) == (Outcome.ASTERISK, 200)
    assert unanswered.outcome is Outcome.REFUSED
    assert (clicked.outcome, clicked.status) == (Outcome.PATIENCE, 200)
    assert (cancelled.outcome, cancelled.status) == (Outcome.CANCELLED, 487)


async def test_a_phone_dials_and_leaves(tmp_path: Path) -> None:
    """A phone calls another (its INVITE is challenged) with sound; one that unregisters can't be called."""
    async with office(tmp_path, 2) as here:
        assert await here.phones.do("1001", "dial/1002") == 204
        await here.phones.wait_for("dial_answered", extension="1001")
        assert await here.phones.do("1001", "dial/1002") == 409
        assert await here.phones.do("1001", "dial/1002;x") == 400
        await asyncio.sleep(0.8)
        assert await here.phones.do("1001", "hangup") == 204
        heard = (await here.phones.wait_for("heard", extension="1002"))[0]
        assert await here.phones.do("1002", "unregister") == 204
        async with here.ear() as ear:
            assert await ear.call("1002") >= 400
        assert await here.phones.do("1002", "register") == 204
        await here.phones.wait_for("registered", extension="1002", count=2)
        async with here.ear() as ear:
            assert await ear.call("1002") == 200
    assert {frequency for _, frequency in tones(heard["path"], [440, 480])} == {440}


async def test_customers_who_are_called(tmp_path: Path) -> None:
    """Each way of a customer shows at the far end, and SIPp's own log agrees."""
    async with (
        office(tmp_path, 1) as here,
        Customers(tmp_path / "c", here.plan.trunk_port, talk=0.5) as customers,
    ):

        async def call(number: str) -> int:
            async with here.ear() as ear:
                status = await ear.call(number)
                assert status != 200 or await ear.until_over(5)
                return status

        numbers = ("901", "902", "903", "904", "905", "907")
        statuses = dict(zip(numbers, await asyncio.gather(*map(call, numbers)), strict=True))
        await asyncio.sleep(0.3)
        seen = {call.way: (call.answered, call.ended) for call in customers.calls()}
    assert statuses["901"] == 486
    assert {statuses["904"], statuses["907"]} == {200}
    assert min(statuses[number] for number in ("902", "903", "905")) >= 400
    assert seen["01"] == (False, "486")
    assert seen["02"] == (False, "cancelled")
    assert seen["03"] == (False, "603")
    assert seen["04"] == seen["07"] == (True, "customer")
    assert seen["05"] == (False, "404")


async def test_a_lost_call_is_told(tmp_path: Path) -> None:
    """A caller whose SIPp is killed in the middle of the talk is lost; nobody calls that served."""
    async with office(tmp_path, 1) as here:
        plans = [CallPlan("1", dial="601", hang_up_after=30)]
        run = SippRun(
            tmp_path / "s", Script(), list(enumerate(plans)), server=("127.0.0.1", here.plan.sip_port)
        )
        calls = asyncio.create_task(run.run())
        log = tmp_path / "s" / "log"
        async with asyncio.timeout(5):
            while not log.exists() or "answered" not in log.read_text(encoding="utf-8"):
                await asyncio.sleep(0.05)
        assert run.pid is not None
        os.kill(run.pid, signal.SIGKILL)
        ((_, result),) = await calls
    assert (result.outcome, result.status, result.lost) == (Outcome.LOST, 200, True)
    assert result.last_message == "answered"
