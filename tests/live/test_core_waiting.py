"""Waiting, well done, on a real Asterisk: keys leave the line, nothing that is said delays an agent, and a core that
dies while it listens for keys keeps nobody.

Every stage of reception and routing is the real one, and so are line, switch and phones; the flow is a small one.
"""

import asyncio
import dataclasses
import statistics
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from callcenter.calls import events as seen
from callcenter.calls.call import Call, EndReason
from callcenter.calls.call import Stage as CallStage
from callcenter.calls.ports import CallerLine
from callcenter.ids import AgentId, CallId
from callcenter.reception.inbound import Inbound
from callcenter.reception.visit import Value, Visit, WaitMessage, WaitPlan
from callcenter.rig.mulaw import RATE, SILENCE
from callcenter.rig.sip_leg import Leg
from callcenter.rig.user_agent import UserAgent
from callcenter.telephony.caller_line import AgiCallerLine
from tests.fakes.centre import Centre as Stages
from tests.fakes.fake_visit import FakeIvr, FakeVisit
from tests.live.telephony_centre import BOOK, CLOCK, KINDS, NUMBER, Centre, centre_on

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

LONG_SOUND = "demo-congrats"
"""Asterisk's own, of half a minute."""
SHORT_SOUND, SHORT_SECONDS = "queue-thankyou", 3.0
COMFORT = WaitPlan(messages=(WaitMessage(LONG_SOUND, 0.1, 5.0),))
KEYS = WaitPlan(keys=frozenset("5"))
ROUNDS = 5


class SoundingVisit(FakeVisit):
    """Prompts are named as Asterisk's sounds are."""

    async def sound(self, prompt: str, values: Mapping[str, Value]) -> str:
        return prompt


class SoundingIvr(FakeIvr):
    """Nothing is asked; everybody waits for support."""

    seconds = 0.05

    def visit(self, line: CallerLine, call: Call) -> Visit:
        self.visits.append(SoundingVisit(self, line, call))
        return self.visits[-1]


@dataclass
class Core:
    """Reception and routing on a real Asterisk; ``callers`` send keys and sound."""

    asterisk: Centre
    stages: Stages
    ivr: SoundingIvr
    callers: UserAgent
    lines: list[AgiCallerLine]

    async def call(self, plan: WaitPlan) -> Leg:
        """A caller who waits so by now."""
        self.ivr.plan = plan
        before = len(self.stages.distributor.line)
        leg = self.callers.leg(NUMBER, "7000", from_value=f'"Li Wei" <sip:{NUMBER}@127.0.0.1>')
        _ = self.asterisk.tasks.start(leg.call((("X-Caller", "yes"),)), "caller")
        await self.asterisk.until(lambda: len(self.stages.distributor.line) > before)
        return leg

    async def until_rung(self) -> float:
        """Seconds from now, at which the agent becomes ready, until the phone says that it rings."""
        before, began = len(self.asterisk.of(seen.PartyRinging)), CLOCK.now()
        self.stages.desk.ready(AgentId(1))
        await self.asterisk.until(lambda: len(self.asterisk.of(seen.PartyRinging)) > before)
        return self.asterisk.of(seen.PartyRinging)[-1].at - began

    async def over(self, leg: Leg) -> None:
        """The caller hangs up; the agent is free again, and not ready."""
        self.stages.desk.not_ready(AgentId(1), "BREAK")
        await leg.hang_up()
        await self.asterisk.until(lambda: not len(self.stages.calls))


@pytest.fixture
async def core() -> AsyncIterator[Core]:
    """One agent, not ready, on phone 1001, which rings and is not answered."""
    async with running() as made:
        yield made


@asynccontextmanager
async def running() -> AsyncIterator[Core]:
    """The parts, joined."""
    async with centre_on() as asterisk, Stages() as stages:
        for kind in KINDS:
            asterisk.telephony._bus.subscribe(kind, stages.bus.publish)
        ivr, lines = SoundingIvr(), []
        parts = dataclasses.replace(
            stages.parts,
            switch=asterisk.switch,
            ivr=ivr,
            phone_book=dataclasses.replace(BOOK, answered="callcenter-answered"),
            recordings=asterisk.plan.recordings_folder,
        )
        inbound = Inbound(parts)

        async def dialogue(line: AgiCallerLine, _: CallId) -> None:
            lines.append(line)
            await inbound.serve(line)

        asterisk.dialogue = dialogue
        asterisk.phone("1001", kind="never")
        await stages.agent(1, ready=False)
        callers = UserAgent(("127.0.0.1", asterisk.plan.sip_port), media=True)
        await callers.open()
        callers.says(NUMBER, bytes([SILENCE]) * RATE)
        try:
            yield Core(asterisk, stages, ivr, callers, lines)
        finally:
            await callers.close()


@pytest.mark.parametrize("plan", [KEYS, WaitPlan(messages=COMFORT.messages, keys=frozenset("5"))])
async def test_a_key_leaves_the_line(core: Core, plan: WaitPlan) -> None:
    """A real key (RFC 4733), pressed on music or in a message, ends the wait at once; other keys don't."""
    leg = await core.call(plan)
    await asyncio.sleep(0.7)
    await leg.press("3")
    await asyncio.sleep(0.3)
    [visit] = core.ivr.visits
    assert visit.outcomes == []
    await leg.press("5")
    await core.asterisk.until(lambda: visit.outcomes, 0.5)
    assert visit.outcomes == ["key:5"]
    await core.asterisk.until(leg.over.is_set)


async def test_nothing_that_is_heard_delays_an_agent(core: Core) -> None:
    """From an agent's readiness to the ringing phone: as quick in a message, and while keys are listened for, as on
    music alone."""
    took: dict[str, list[float]] = {}
    for name, plan in {"music": WaitPlan(), "message": COMFORT, "keys": KEYS}.items():
        for round_ in range(ROUNDS):
            leg = await core.call(plan)
            await asyncio.sleep(0.3 + 0.09 * round_)
            took.setdefault(name, []).append(await core.until_rung())
            await core.over(leg)
    for name, times in took.items():
        figures = f"p50 {statistics.median(times) * 1000:.1f} ms, worst {max(times) * 1000:.1f} ms"
        print(f"ready to ringing, {name}: {figures}")  # noqa: T201  figures
    assert statistics.median(took["message"]) < statistics.median(took["music"]) + 0.05
    assert statistics.median(took["keys"]) < statistics.median(took["music"]) + 0.05
    assert max(*took["message"], *took["keys"]) < 0.5


async def test_the_core_dies_while_it_listens(core: Core) -> None:
    """The connection ends as a killed process's does. Asterisk notices at once, also while it waits for a key, and the
    fallback rings the agent; only a sound that plays is played to its end."""
    await core.asterisk.switch.mirror_agent("PJSIP/1001", "Anna", ready=True)
    took: dict[str, list[float]] = {}
    short = WaitPlan(messages=(WaitMessage(SHORT_SOUND, 0.1, None),))
    for name, plan in {"music": WaitPlan(), "keys": KEYS, "message": short}.items():
        for round_ in range(3):
            leg = await core.call(plan)
            await asyncio.sleep(0.2 + 0.6 * round_)
            before, died = len(core.asterisk.of(seen.PartyRinging)), CLOCK.now()
            core.lines[-1]._session._writer.transport.abort()
            await core.asterisk.until(lambda: len(core.asterisk.of(seen.PartyRinging)) > before)  # noqa: B023  awaited here
            took.setdefault(name, []).append(core.asterisk.of(seen.PartyRinging)[-1].at - died)
            await leg.hang_up()
            await core.asterisk.until(lambda: not len(core.stages.calls))
    for name, times in took.items():
        print(f"death to ringing, {name}: {', '.join(f'{t * 1000:.0f}' for t in times)} ms")  # noqa: T201  figures
    assert max(took["music"]) < 0.5
    assert max(took["keys"]) < 0.5
    assert max(took["message"]) < SHORT_SECONDS + 0.5


async def test_the_core_dies_in_a_survey(core: Core) -> None:
    """The caller has been served: the call ends, and nobody is rung again."""
    await core.asterisk.switch.mirror_agent("PJSIP/1001", "Anna", ready=True)
    core.asterisk.phone("1001", kind="auto", answer_after=(0.1, 0.1), talk=(0.7, 0.7))
    core.ivr.asks_afterwards = "csat"
    leg = await core.call(WaitPlan())
    core.ivr.seconds = 20.0
    await core.until_rung()
    [call] = core.stages.calls
    await core.asterisk.until(lambda: call.stage is CallStage.SURVEY)
    await asyncio.sleep(0.2)
    core.lines[-1]._session._writer.transport.abort()
    await core.asterisk.until(leg.over.is_set, 2.0)
    await asyncio.sleep(0.5)
    assert len(core.asterisk.of(seen.PartyRinging)) == 1
    assert await core.asterisk.switch.missed_calls() == []
    assert call.end_reason is EndReason.AGENT_HANGUP
