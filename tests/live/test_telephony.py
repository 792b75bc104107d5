"""Telephony on a real Asterisk: what happens to callers and phones becomes the right events, in the right order."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from callcenter.calls import events as seen
from callcenter.calls.ports import DialResult
from callcenter.errors import ActionFailed, BadInput
from callcenter.ids import CallId, Extension, new_id
from callcenter.rig.user_agent import UserAgent
from callcenter.telephony.caller_line import AgiCallerLine
from callcenter.telephony.outbound_line import AgiOutboundLine
from tests.live.telephony_centre import BOOK, CLOCK, NUMBER, Centre, Dialogue, Proxy, centre_on

pytestmark = [pytest.mark.live, pytest.mark.timeout(40)]


@pytest.fixture
async def centre() -> AsyncIterator[Centre]:
    """A running centre with nobody in it."""
    async with centre_on() as running:
        yield running


def acd(results: list[DialResult], phone: str = "PJSIP/1001", ring_seconds: int = 10) -> Dialogue:
    """Answer, wait a moment on music, ring one phone, say goodbye."""

    async def dialogue(line: AgiCallerLine, call_id: CallId) -> None:
        await line.set_variables(CC_CALL=call_id, CC_QUEUE="sales")
        await line.answer()
        await line.start_music()
        results.append(
            await line.dial(phone, ring_seconds=ring_seconds, call_id=call_id, predial=BOOK.predial)
        )
        await line.finish()

    return dialogue


async def test_a_whole_call_and_its_hold(centre: Centre) -> None:
    """One ACD call tells ringing, answered, held, resumed, gone and left, once each, with the call's own id."""
    results: list[DialResult] = []
    centre.dialogue = acd(results)
    caller = await centre.call("7000")
    await centre.until(lambda: centre.of(seen.PartyAnswered))
    await centre.phones.phones["1001"].hold()
    await centre.phones.phones["1001"].unhold()
    await caller.hang_up()
    await centre.until(lambda: results and centre.of(seen.CallerLeft))
    (call_id,) = centre.calls
    story = centre.story(call_id)
    assert story[:4] == ["PartyRinging", "PartyAnswered", "PartyHeld", "PartyResumed"]
    assert sorted(story[4:]) == ["CallerLeft", "PartyGone"]
    assert centre.of(seen.PartyRinging)[0].extension == "1001"
    (result,) = results
    assert (result.outcome, result.caller_gone) == ("answered", True)
    assert 0.1 < result.ring_seconds < 0.4
    assert result.talk_seconds < 2
    states = [e.state for e in centre.of(seen.PhoneStateChanged) if e.extension == "1001"]
    assert states[-4:] == ["idle", "ringing", "busy", "idle"]
    assert centre.of(seen.DirectCallRinging) == []


async def test_phones_behind_local_channels(centre: Centre) -> None:
    """Dialled as on a FreePBX, through a Local channel, our call still rings its phone once and ends once; an AGI
    session is confirmed by asking when its event was never seen, and a made-up one is not."""
    results: list[DialResult] = []
    dialogue = acd(results, "Local/1001@from-queue/n")

    async def asked(line: AgiCallerLine, call_id: CallId) -> None:
        centre.telephony.table.clear()
        confirms = centre.telephony.confirms
        real, made_up = await asyncio.gather(confirms(line.channel_id), confirms(f"{line.channel_id}9"))
        assert real
        assert not made_up
        await dialogue(line, call_id)

    centre.dialogue = asked
    centre.phone("1001", kind="auto", answer_after=(0.2, 0.2), talk=(0.6, 0.6))
    await centre.call("7000")
    await centre.until(lambda: results and centre.of(seen.CallerLeft))
    assert centre.story(centre.calls[0]) == ["PartyRinging", "PartyAnswered", "PartyGone", "CallerLeft"]
    assert (results[0].outcome, results[0].caller_gone) == ("answered", False)
    assert 0.5 < results[0].talk_seconds < 0.9


async def test_the_agent_hangs_up_first(centre: Centre) -> None:
    """Dial returns with the talk's length, counted from the agent's answer, and the caller is still there."""
    results: list[DialResult] = []
    still_here: list[str] = []

    async def dialogue(line: AgiCallerLine, call_id: CallId) -> None:
        await line.set_variables(CC_CALL=call_id)
        await line.answer()
        await line.start_music()
        await asyncio.sleep(0.5)
        results.append(await line.dial("PJSIP/1001", ring_seconds=5, call_id=call_id))
        variables = await line.read_variables("CC_STAGE", "CC_CALL", "CC_NONE")
        still_here.extend(variables.values())
        results.append(await line.dial("PJSIP/1002", ring_seconds=1, call_id=call_id))
        still_here.append((await line.read_variables("CC_STAGE"))["CC_STAGE"])
        await line.finish()
        await line.hang_up()

    centre.dialogue = dialogue
    centre.phone("1001", kind="auto", answer_after=(0.2, 0.2), talk=(0.6, 0.6))
    centre.phone("1002", kind="never")
    caller = await centre.call("7000")
    async with asyncio.timeout(8):
        await caller.over.wait()
    await centre.until(lambda: len(results) == 2)
    first, second = results
    assert (first.outcome, first.caller_gone) == ("answered", False)
    assert 0.5 < first.talk_seconds < 0.9
    assert still_here == ["offered", centre.calls[0], "", "waiting"]
    assert (second.outcome, second.caller_gone, second.talk_seconds) == ("no_answer", False, 0.0)
    await centre.until(lambda: centre.of(seen.CallerLeft))
    assert centre.story(centre.calls[0]) == [
        "PartyRinging",
        "PartyAnswered",
        "PartyGone",
        "PartyRinging",
        "PartyGone",
        "CallerLeft",
    ]


async def test_the_caller_hangs_up_while_the_phone_rings(centre: Centre) -> None:
    """The phone stops within 300 ms, the result says that the caller has gone, nobody was answered (F18)."""
    results: list[DialResult] = []
    centre.dialogue = acd(results)
    centre.phone("1001", kind="never")
    caller = await centre.call("7000")
    await centre.until(lambda: centre.phones.phones["1001"].legs and centre.of(seen.PartyRinging))
    ringing = centre.phones.phones["1001"].legs[0]
    await asyncio.sleep(0.6)  # until the caller's own answer is through
    await caller.hang_up()
    async with asyncio.timeout(0.3):
        await ringing.over.wait()
    await centre.until(lambda: results and centre.of(seen.CallerLeft))
    assert (results[0].outcome, results[0].caller_gone) == ("cancelled", True)
    assert sorted(centre.story(centre.calls[0])[1:]) == ["CallerLeft", "PartyGone"]


async def test_how_a_ring_can_end(centre: Centre) -> None:
    """Busy, rejected, no such phone, and our own hang-up of the phone each have their word."""
    outcomes: list[str] = []

    async def dialogue(line: AgiCallerLine, call_id: CallId) -> None:
        await line.answer()
        for extension in ("1001", "1002", "1999"):
            result = await line.dial(f"PJSIP/{extension}", ring_seconds=2, call_id=call_id)
            outcomes.append(result.outcome)
        centre.phone("1001", kind="never")
        result = await line.dial("PJSIP/1001", ring_seconds=9, call_id=call_id, predial=BOOK.predial)
        outcomes.append(result.outcome)
        with pytest.raises(BadInput):
            await line.dial("PJSIP/1001&PJSIP/1002", ring_seconds=2, call_id=call_id)
        await line.finish()

    centre.dialogue = dialogue
    centre.phone("1001", kind="busy")
    centre.phone("1002", kind="reject")
    await centre.call("7000")
    await centre.until(lambda: len(outcomes) == 3)
    await centre.until(lambda: centre.phones.phones["1001"].legs)
    await centre.until(
        lambda: centre.of(seen.PartyRinging)[-1].extension == "1001" and len(centre.of(seen.PartyRinging)) > 2
    )
    await centre.switch.hang_up_phone(centre.calls[0], "PJSIP/1001")
    await centre.until(lambda: len(outcomes) == 4)
    assert outcomes[:3] == ["busy", "rejected", "failed"]
    assert outcomes[3] != "answered"


async def test_prompts_and_keys(centre: Centre) -> None:
    """A prompt can be cut from the switch; a missing one is said to fail and the caller stays."""
    said: list[object] = []

    async def dialogue(line: AgiCallerLine, call_id: CallId) -> None:
        await line.answer()
        playing = centre.tasks.start(line.play("demo-congrats", interrupt_keys="12"), "play")
        await asyncio.sleep(0.3)
        before = CLOCK.now()
        await centre.switch.cut_announcement(line.channel_id)
        said.append(await playing)
        said.append(CLOCK.now() - before < 0.2)
        said.append(await line.read_key(0.05))
        with pytest.raises(ActionFailed):
            await line.play("no-such-sound")
        await line.record(str(centre.plan.recordings_folder / "a.wav"))
        await line.stop_music()
        await line.finish()
        said.append("end")

    centre.dialogue = dialogue
    await centre.call("7000")
    await centre.until(lambda: "end" in said)
    assert said == ["", True, "", "end"]


async def test_direct_calls(centre: Centre) -> None:
    """A call that isn't ours gets one id for its whole life; through a queue with Local members the phone is
    told once."""
    for times, number in enumerate(("1001", "8000"), 1):
        caller = await centre.call(number)
        await centre.until(lambda: len(centre.of(seen.PartyAnswered)) == times)  # noqa: B023  awaited here
        await caller.hang_up()
        await centre.until(lambda: len(centre.of(seen.CallerLeft)) == times)  # noqa: B023  awaited here
        await centre.until(lambda: len(centre.of(seen.PartyGone)) == times)  # noqa: B023  awaited here
        direct = centre.of(seen.DirectCallRinging)[-1]
        assert (direct.extension, direct.number, direct.name) == ("1001", NUMBER, "Li Wei")
        story = centre.story(direct.call_id)
        assert story[:2] == ["DirectCallRinging", "PartyAnswered"]
        assert sorted(story[2:]) == ["CallerLeft", "PartyGone"]
    assert len(centre.of(seen.DirectCallRinging)) == 2
    assert len(centre.of(seen.PartyRinging)) == 0


async def test_click_to_call(centre: Centre) -> None:
    """Answered, the agent's channel enters the outbound dialogue and carries the call; not answered, it fails."""
    results: list[DialResult] = []

    async def dialogue(line: AgiCallerLine, call_id: CallId) -> None:
        assert isinstance(line, AgiOutboundLine)
        assert line.did == "+8613900139000"
        results.append(await line.dial_number(line.did, ring_seconds=5, call_id=call_id))
        await line.finish()

    centre.dialogue = dialogue
    customer = UserAgent(
        ("127.0.0.1", centre.plan.sip_port),
        media=False,
        on_invite=lambda _user, leg: leg.answer(),
    )
    await customer.open(port=centre.plan.trunk_port)
    try:
        call_id = CallId(new_id(CLOCK))
        await centre.switch.click_to_call(
            call_id, "PJSIP/1001", "+8613900139000", ring_seconds=5, variables={"CC_AGENT": "7"}
        )
        await centre.until(lambda: len(centre.of(seen.PartyAnswered)) == 2)
        await centre.phones.phones["1001"].hang_up()
        await centre.until(lambda: results and centre.of(seen.CallerLeft))
        assert centre.story(call_id) == [
            "PartyRinging", "PartyAnswered", "PartyAnswered", "PartyGone", "CallerLeft",
        ]  # fmt: skip
        assert [e.extension for e in centre.of(seen.PartyAnswered)] == ["1001", ""]
        assert (results[0].outcome, results[0].caller_gone) == ("answered", True)
        centre.phone("1001", kind="never")
        unanswered = CallId(new_id(CLOCK))
        await centre.switch.click_to_call(unanswered, "PJSIP/1001", "100", ring_seconds=1, variables={})
        await centre.until(lambda: centre.of(seen.OutboundFailed))
        await centre.until(lambda: len(centre.of(seen.PartyGone)) == 2)
        assert centre.of(seen.OutboundFailed)[0].reason == "no_answer"
        assert sorted(centre.story(unanswered)) == ["OutboundFailed", "PartyGone", "PartyRinging"]
        await centre.switch.click_to_call(CallId("f" * 32), "PJSIP/1999", "100", ring_seconds=1, variables={})
        await centre.until(lambda: len(centre.of(seen.OutboundFailed)) == 2)
    finally:
        await customer.close()


async def test_the_fallback_queue(centre: Centre) -> None:
    """Agents are mirrored and dropped, twice each without error; a waiting caller is withdrawn, comes back to us
    and keeps the arrival; what the fallback noted is read."""
    back: list[str] = []

    async def dialogue(line: AgiCallerLine, call_id: CallId) -> None:
        known = await line.read_variables("CC_CALL", "CC_ARRIVED")
        back.append(known["CC_ARRIVED"])
        if len(back) == 1:
            await line.set_variables(CC_CALL=call_id)
            return  # ends without "finish": the fallback takes the caller
        back.append(known["CC_CALL"])
        await line.finish()

    switch = centre.switch
    for ready in (False, False, True, False):
        await switch.mirror_agent("PJSIP/1001", "安娜; |x", ready=ready)
    centre.dialogue = dialogue
    caller = await centre.call("7000")
    withdrawn = 0
    for _ in range(100):
        withdrawn = withdrawn or await switch.withdraw_waiting()
        if withdrawn:
            break
        await asyncio.sleep(0.05)
    assert withdrawn == 1
    await centre.until(lambda: len(back) == 3)
    assert back[0] == back[1] != ""
    assert back[2] == centre.calls[0]
    await centre.until(caller.over.is_set)
    assert await switch.missed_calls() == []
    await switch.mirror_agent("PJSIP/1001", "安娜", ready=True)
    back.clear()
    centre.happened.clear()
    caller = await centre.call("7000")
    await centre.until(lambda: centre.of(seen.PartyAnswered))
    assert centre.story(centre.calls[-1]) == ["PartyRinging", "PartyAnswered"]
    await switch.hang_up_call(centre.calls[-1])
    await centre.until(lambda: centre.of(seen.CallerLeft))
    (note,) = await switch.missed_calls()
    assert (note.call_id, note.agent_phone, note.stage) == (centre.calls[-1], "PJSIP/1001", "fallback")
    assert note.did == "7000"
    assert note.number == NUMBER
    assert 0 < note.arrived <= note.answered <= note.ended
    for _ in range(2):
        await switch.drop_agent("PJSIP/1001")


async def test_the_link_is_cut_and_goes_silent() -> None:
    """Cut inside an event, and silent: the loss is told at once, or within 10 s; afterwards the living calls are
    right, and what ended unseen isn't among them (F1, F2, F3)."""
    proxy = Proxy()
    await proxy.open()
    try:
        async with centre_on(proxy) as centre:
            results: list[DialResult] = []
            centre.dialogue = acd(results)
            staying = await centre.call("7000")
            await centre.until(lambda: centre.of(seen.PartyAnswered))
            proxy.cut_after = 40
            leaving = await centre.call("7000")  # its first event is the one that is cut
            await centre.until(lambda: centre.of(seen.TelephonyLost), 1.0)
            await centre.until(lambda: len(centre.of(seen.TelephonyUp)) == 2)
            again = centre.of(seen.TelephonyUp)[1]
            assert not again.restarted
            assert 0 < again.gap_seconds < 3
            assert centre.calls[0] in again.live_calls
            await centre.until(lambda: len(centre.calls) == 2)
            proxy.silent = True
            began = CLOCK.now()
            await leaving.hang_up()
            await centre.until(lambda: len(centre.of(seen.TelephonyLost)) == 2, 10.0)
            assert CLOCK.now() - began < 10
            assert not centre.telephony.up
            assert not await centre.telephony.confirms("x-1.1")
            proxy.silent = False
            await centre.until(lambda: len(centre.of(seen.TelephonyUp)) == 3)
            assert centre.of(seen.TelephonyUp)[2].live_calls == {centre.calls[0]}
            assert {c.call_id for c in centre.telephony.live_channels()} == {centre.calls[0]}
            await staying.hang_up()
            await centre.until(lambda: "CallerLeft" in centre.story(centre.calls[0]))
            await centre.until(lambda: len(results) >= 1)
    finally:
        await proxy.close()


async def test_asterisk_restarts(centre: Centre) -> None:
    """A new Asterisk is noticed: no earlier call lives, and phones are told anew (F6)."""
    results: list[DialResult] = []
    centre.dialogue = acd(results)
    await centre.call("7000")
    await centre.until(lambda: centre.of(seen.PartyAnswered))
    # Asterisk tells its start in whole seconds.
    await asyncio.sleep(1.0)
    await centre.asterisk.restart()
    await centre.until(lambda: len(centre.of(seen.TelephonyUp)) == 2, 10.0)
    again = centre.of(seen.TelephonyUp)[1]
    assert again.restarted
    assert again.live_calls == frozenset()
    assert len(centre.telephony.table) == 0
    assert centre.of(seen.PhoneStateChanged)[-1].extension in {Extension("1001"), Extension("1002")}


@pytest.mark.parametrize("phone", ["PJSIP/1001", "Local/1001@from-queue/n"])
@pytest.mark.parametrize("how", ["phone", "order"])
async def test_a_caller_who_is_put_through_comes_back(centre: Centre, phone: str, how: str) -> None:
    """By the phone's REFER, also behind a Local channel as on a FreePBX, and by our order: the old dialogue knows that
    it was no hang-up, the new one has the same channel, our id and the number that was dialled."""
    departures: list[str] = []
    came: list[dict[str, str]] = []

    async def dialogue(line: AgiCallerLine, call_id: CallId) -> None:
        brought = dict(await line.read_variables("CC_CALL", "CC_TARGET", "CC_STAGE", "CC_DID"))
        came.append({**brought, "channel": line.channel_id})
        await line.set_variables(CC_CALL=call_id if len(came) == 1 else brought["CC_CALL"])
        if len(came) == 1:
            await line.answer()
            result = await line.dial(phone, ring_seconds=10, call_id=call_id, predial=BOOK.predial)
            assert result.caller_gone
        else:
            await line.gone()
        departures.append(await line.departure())
        await line.finish()

    centre.dialogue = dialogue
    caller = await centre.call("7000")
    await centre.until(lambda: centre.of(seen.PartyAnswered))
    if how == "phone":
        _ = centre.tasks.start(
            centre.phones.phones["1001"].legs[0].transfer(f"sip:*600@127.0.0.1:{centre.plan.sip_port}"),
            "refer",
        )
    else:
        await centre.switch.put_through(centre.calls[0], "*600")
    await centre.until(lambda: len(came) == 2)
    call_id = centre.calls[0]
    assert came[1] == {
        "CC_CALL": call_id,
        "CC_TARGET": "*600",
        "CC_STAGE": "transferred",
        "CC_DID": "7000",
        "channel": came[0]["channel"],
    }
    await centre.until(lambda: centre.of(seen.PartyGone))
    assert not caller.over.is_set()
    await caller.hang_up()
    await centre.until(lambda: len(departures) == 2)
    assert departures == ["put_through", "hung_up"]
