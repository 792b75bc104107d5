"""The caller's line, word for word: what goes to Asterisk and what is made of its answers."""

import re

import pytest

from callcenter.asterisk.agi.framing import AgiReply
from callcenter.calls.ports import CallerLine, PhoneBook, RecordedMessage
from callcenter.clock import ManualClock
from callcenter.errors import ActionFailed, BadInput, CallerGone, ReleasedToFallback
from callcenter.ids import CallId
from callcenter.telephony.caller_line import AgiCallerLine
from callcenter.telephony.outbound_line import AgiOutboundLine
from tests.fakes.fake_agi_session import FakeAgiSession

pytestmark = pytest.mark.unit

CALL = CallId("a" * 32)
BOOK = PhoneBook("PJSIP/{extension}", "PJSIP/{extension}", "callcenter-leg^s^1", "PJSIP/{number}@customers")


class Scene:
    """A line on a fake session; ``dial_takes`` seconds pass in Dial, the answer was seen after ``seen_after``."""

    def __init__(self, **request: str) -> None:
        self.session = FakeAgiSession(**request)
        self.clock = ManualClock()
        self.seen_after: float | None = None
        self.line = AgiCallerLine(self.session.as_session(), self.clock, self.answered_at)

    async def answered_at(self, channel_id: str, since: float) -> float | None:
        """What AMI saw."""
        assert channel_id == "s-1.1"
        return None if self.seen_after is None else since + self.seen_after

    def variables(self, **values: str) -> None:
        """What GET FULL VARIABLE finds."""

        def answer(text: str) -> AgiReply:
            found = re.sub(r"\$\{(\w+)\}", lambda name: values.get(name[1], ""), text.split('"')[1])
            return AgiReply(200, "1", found)

        self.session.answers["GET FULL VARIABLE"] = answer

    def dialled(self, seconds: float, *, hang_up: bool = False, **facts: str) -> None:
        """How Dial went."""

        def answer(_text: str) -> AgiReply:
            self.clock.move(seconds)
            self.session.hung_up = hang_up
            return AgiReply(200, "-1" if hang_up else "0")

        self.session.answers['EXEC "Dial"'] = answer
        self.variables(**facts)


async def test_variables_in_one_round_trip() -> None:
    """Several variables come in one command; a value that looks like a separator moves nothing."""
    scene = Scene()
    scene.variables(CC_CALL=CALL, CC_QUEUE="a|b~c,d")
    found = await scene.line.read_variables("CC_CALL", "CC_NONE", "CC_QUEUE")
    assert found == {"CC_CALL": CALL, "CC_NONE": "", "CC_QUEUE": "a|b~c,d"}
    assert len(scene.session.lines) == 1
    scene.session.answers["GET FULL VARIABLE"] = AgiReply(200, "0")
    assert await scene.line.read_variables("CC_CALL", "CC_QUEUE") == {"CC_CALL": "", "CC_QUEUE": ""}
    assert await scene.line.read_variables() == {}


async def test_set_variables() -> None:
    """One MSet, inherited by the legs, except the stage, which is the caller's own."""
    scene = Scene()
    await scene.line.set_variables(CC_CALL=CALL, CC_STAGE="waiting")
    assert scene.session.lines == [f'EXEC "MSet" "__CC_CALL={CALL},CC_STAGE=waiting"']


@pytest.mark.parametrize(
    "text", ["a,b", "a\nb", "${SHELL(id)}", 'a"b', "a\\b", "a=b", "x" * 300, "a|b", "a\x00"]
)
async def test_hostile_values(text: str) -> None:
    """A value that could be more than a value is refused before anything is sent (A6)."""
    scene = Scene()
    with pytest.raises(BadInput):
        await scene.line.set_variables(CC_QUEUE=text)
    assert scene.session.lines == []


@pytest.mark.parametrize("name", ["SHELL(id)", "cc", "CC CALL", "}", "CC_CALL}${X"])
async def test_hostile_names(name: str) -> None:
    """Only plain variables are read and set."""
    scene = Scene()
    with pytest.raises(BadInput):
        await scene.line.read_variables(name)
    with pytest.raises(BadInput):
        await scene.line.set_variables(**{name: "1"})
    assert scene.session.lines == []


@pytest.mark.parametrize(
    "phone",
    [
        "PJSIP/1001&PJSIP/900@itsp",
        "PJSIP/1001,,,U(x)",
        "${X}",
        "PJSIP/1\n2",
        "1001",
        "../x",
        "Local/1@a/b",
        "",
    ],
)
async def test_hostile_phones(phone: str) -> None:
    """One phone is dialled, or nothing (A5)."""
    scene = Scene()
    with pytest.raises(BadInput):
        await scene.line.dial(phone, ring_seconds=5, call_id=CALL)
    with pytest.raises(BadInput):
        await scene.line.dial("PJSIP/1001", ring_seconds=5, call_id=CALL, predial="x)U(y")
    with pytest.raises(BadInput):
        await scene.line.dial("PJSIP/1001", ring_seconds=5, call_id=CallId("x,y"))
    assert scene.session.lines == []


async def test_a_talk() -> None:
    """Stage and DIALSTATUS are set before Dial; the talk counts from the answer that was seen."""
    scene = Scene()
    scene.dialled(65.0, DIALSTATUS="ANSWER", HANGUPCAUSE="16", RINGTIME_MS="3")
    scene.seen_after = 5.0
    result = await scene.line.dial("PJSIP/1001", ring_seconds=20, call_id=CALL, predial=BOOK.predial)
    assert (result.outcome, result.ring_seconds, result.talk_seconds, result.caller_gone) == (
        "answered",
        5.0,
        60.0,
        False,
    )
    assert scene.session.lines[:2] == [
        f'EXEC "MSet" "__CC_CALL={CALL},CC_STAGE=offered,DIALSTATUS="',
        'EXEC "Dial" "PJSIP/1001,20,gb(callcenter-leg^s^1)"',
    ]
    assert len(scene.session.lines) == 3


async def test_a_talk_whose_begin_was_not_seen() -> None:
    """Without AMI ring and talk still add up to the time that Dial took."""
    scene = Scene()
    scene.dialled(10.0, hang_up=True, DIALSTATUS="ANSWER", RINGTIME_MS="500")
    result = await scene.line.dial("PJSIP/1001", ring_seconds=20, call_id=CALL)
    assert (result.ring_seconds, result.talk_seconds, result.caller_gone) == (0.5, 9.5, True)
    scene = Scene()
    scene.dialled(10.0, DIALSTATUS="ANSWER", RINGTIME_MS="x" * 20)
    assert (await scene.line.dial("PJSIP/1001", ring_seconds=20, call_id=CALL)).talk_seconds == 10.0


@pytest.mark.parametrize(
    ("status", "cause", "outcome"),
    [
        ("NOANSWER", "0", "no_answer"),
        ("BUSY", "17", "busy"),
        ("BUSY", "21", "rejected"),
        ("CONGESTION", "21", "rejected"),
        ("CHANUNAVAIL", "3", "failed"),
        ("CANCEL", "0", "cancelled"),
        ("", "", "failed"),
        ("SOMETHING", "", "failed"),
    ],
)
async def test_how_a_ring_ends(status: str, cause: str, outcome: str) -> None:
    """Each of Asterisk's words has ours, and afterwards the caller is marked as waiting again."""
    scene = Scene()
    scene.dialled(3.0, DIALSTATUS=status, HANGUPCAUSE=cause)
    result = await scene.line.dial("PJSIP/1001", ring_seconds=20, call_id=CALL)
    assert (result.outcome, result.ring_seconds, result.talk_seconds) == (outcome, 3.0, 0.0)
    assert scene.session.lines[-1] == 'EXEC "MSet" "CC_STAGE=waiting"'


async def test_the_cause_of_an_earlier_phone_does_not_count() -> None:
    """The caller's channel keeps the cause of the phone that turned the call down; the next one rang all its time."""
    scene = Scene()
    scene.dialled(20.01, DIALSTATUS="NOANSWER", HANGUPCAUSE="21")
    assert (await scene.line.dial("PJSIP/1001", ring_seconds=20, call_id=CALL)).outcome == "no_answer"


async def test_the_caller_leaves_in_a_ring() -> None:
    """It is a result, not an error; nothing is said to a channel that is gone."""
    scene = Scene()
    scene.dialled(3.0, hang_up=True, DIALSTATUS="CANCEL")
    result = await scene.line.dial("PJSIP/1001", ring_seconds=20, call_id=CALL)
    assert (result.outcome, result.caller_gone) == ("cancelled", True)
    assert not scene.session.lines[-1].startswith("EXEC")


@pytest.mark.parametrize(("seen_after", "outcome"), [(None, "cancelled"), (1.0, "answered")])
async def test_the_connection_ends_in_a_dial(seen_after: float | None, outcome: str) -> None:
    """When Asterisk can't say any more how it went, what AMI saw decides."""
    scene = Scene()
    scene.seen_after = seen_after
    scene.session.answers['EXEC "Dial"'] = CallerGone("cut")
    result = await scene.line.dial("PJSIP/1001", ring_seconds=20, call_id=CALL)
    assert (result.outcome, result.caller_gone) == (outcome, True)


async def test_keys_and_prompts() -> None:
    """A key's code becomes the key; a prompt can be cut; a failed command is the caller's hang-up or a fault."""
    scene = Scene()
    scene.session.answers = {
        "WAIT FOR DIGIT": AgiReply(200, "53"),
        "CONTROL STREAM FILE": AgiReply(200, "35"),
        "ANSWER": AgiReply(200, "-1"),
    }
    assert await scene.line.read_key(2.5) == "5"
    assert await scene.line.play("cc/menu-en", interrupt_keys="12#") == "#"
    assert scene.session.lines[0] == 'WAIT FOR DIGIT "2500"'
    scene.session.answers["WAIT FOR DIGIT"] = AgiReply(200, "0")
    assert await scene.line.read_key(0.0) == ""
    scene.session.answers["WAIT FOR DIGIT"] = AgiReply(200, "9999")
    assert await scene.line.read_key(1.0) == ""
    with pytest.raises(CallerGone):
        await scene.line.answer()


async def test_finishing_a_caller_who_has_gone() -> None:
    """The fallback is told off also after the hang-up; that the connection itself is gone is told."""
    scene = Scene()
    scene.session.hung_up = True
    await scene.line.finish()
    assert scene.session.dead == ['SET VARIABLE "CC_STAGE" "done"']
    scene.session.answers["SET VARIABLE"] = CallerGone("over")
    with pytest.raises(ActionFailed) as lost:
        await scene.line.finish()
    assert lost.value.code == "line_lost"


@pytest.mark.parametrize(
    ("extension", "dnid", "did"),
    [
        ("s", "7000", "7000"),
        ("+86138", "", "+86138"),
        ("s", "70<00", ""),
        ("s", "unknown", ""),
        ("7\n0", "", ""),
    ],
)
async def test_the_number_that_was_dialled(extension: str, dnid: str, did: str) -> None:
    """It is a number or nothing."""
    assert Scene(extension=extension, dnid=dnid).line.did == did


async def test_recording_and_notes() -> None:
    """Paths and keys that we didn't make are refused."""
    scene = Scene()
    await scene.line.record("/var/rec/0a.wav")
    await scene.line.forget_missed("missed/s-1.1")
    assert scene.session.lines == [
        'EXEC "MixMonitor" "/var/rec/0a.wav,b"',
        'DATABASE DEL "callcenter" "missed/s-1.1"',
    ]
    for path in ("/a,x.wav", "/../a.wav", "a.wav"):
        with pytest.raises(BadInput):
            await scene.line.record(path)
    with pytest.raises(BadInput):
        await scene.line.forget_missed('a" "b')
    assert len(scene.session.lines) == 2


async def test_an_outbound_call() -> None:
    """The agent's channel dials the customer in the stage ``outbound`` and is never sent to wait."""
    session, clock = FakeAgiSession(extension="+8613900139000"), ManualClock()

    async def unseen(_channel: str, _since: float) -> None:
        return None

    line = AgiOutboundLine(session.as_session(), clock, unseen, BOOK)
    as_port: CallerLine = line
    assert as_port.did == "+8613900139000"
    result = await line.dial_number(line.did, ring_seconds=30, call_id=CALL)
    assert result.outcome == "failed"
    assert session.lines[0].endswith('CC_STAGE=outbound,DIALSTATUS="')
    assert session.lines[1] == 'EXEC "Dial" "PJSIP/+8613900139000@customers,30,g"'
    assert not any("waiting" in sent for sent in session.lines)
    with pytest.raises(BadInput):
        await line.dial_number("1@x", ring_seconds=30, call_id=CALL)


async def test_music_of_a_class() -> None:
    """The default one where none is named; a name that could be more than a name is refused."""
    scene = Scene()
    await scene.line.start_music()
    await scene.line.start_music("jazz")
    assert scene.session.lines == ['SET MUSIC "ON" "default"', 'SET MUSIC "ON" "jazz"']
    for hostile in ("a b", "a\nb", "../x", "a,b", "ü"):
        with pytest.raises(BadInput):
            await scene.line.start_music(hostile)


MESSAGES = {
    "a key ended it": (AgiReply(200, "35", "dtmf", 16_000), RecordedMessage(2.0, "#")),
    "silence ended it": (AgiReply(200, "0", "timeout", 20_000), RecordedMessage(2.5, "")),
    "only silence": (AgiReply(200, "0", "timeout", 8_160), RecordedMessage(0.0, "")),
    "not even silence": (AgiReply(200, "0", "timeout", 0), RecordedMessage(0.0, "")),
    "a key in the tone": (AgiReply(200, "35", "randomerror", 0), RecordedMessage(0.0, "#")),
    "it was as long as it may be": (AgiReply(200, "0", "timeout", 80_160), RecordedMessage(10.02, "")),
}


@pytest.mark.parametrize("name", MESSAGES)
async def test_recording_a_message(name: str) -> None:
    """How long it is and what ended it; silence alone is no message."""
    reply, message = MESSAGES[name]
    scene = Scene()
    scene.session.answers["RECORD FILE"] = reply
    made = await scene.line.record_message("/r/a.wav", max_seconds=10, silence=3, finish="#")
    assert made == message
    assert scene.session.lines == ['RECORD FILE "/r/a" "wav" "#" "10000" "BEEP" "s=3"']


async def test_a_message_that_can_not_be_recorded() -> None:
    """The caller went in it, or Asterisk could not write it; a path that isn't ours never gets there."""
    scene = Scene()
    scene.session.answers["RECORD FILE"] = AgiReply(200, "-1", "hangup", 8_000)
    with pytest.raises(CallerGone):
        await scene.line.record_message("/r/a.wav", max_seconds=10, silence=3, finish="#")
    for path in ("a.wav", "/r/../a.wav", "/r/a.sh", "/r/a\n.wav"):
        with pytest.raises(BadInput):
            await scene.line.record_message(path, max_seconds=10, silence=3, finish="#")
    assert len(scene.session.lines) == 1


@pytest.mark.parametrize(
    ("context", "departure"),
    [
        ("callcenter-transfer", "put_through"),
        ("callcenter-core", "hung_up"),
        ("", "hung_up"),
        ("from-internal", "elsewhere"),
    ],
)
async def test_why_the_caller_has_gone(context: str, departure: str) -> None:
    """Where Asterisk will go on with the channel tells a transfer from a hang-up, also after the hang-up was told."""
    scene = Scene(context="callcenter-core")
    scene.variables(CONTEXT=context)
    scene.session.hung_up = True
    assert await scene.line.departure() == departure


@pytest.mark.parametrize("error", [CallerGone("over"), ActionFailed("late"), ReleasedToFallback("odd")])
async def test_a_departure_that_can_not_be_known_is_a_hang_up(error: Exception) -> None:
    """Nobody is thrown at."""
    scene = Scene(context="callcenter-core")
    scene.session.answers["GET FULL VARIABLE"] = error
    assert await scene.line.departure() == "hung_up"
