"""AMI's bytes, taken apart: captured from a real Asterisk 22.10, made up by hypothesis, and hostile."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.asterisk.ami.framing import MAX_LINE, MAX_LINES, AmiFramer, Frame, Rejected
from callcenter.asterisk.ami.messages import Event, Response

pytestmark = pytest.mark.unit

RECORDINGS = Path(__file__).parents[2] / "recordings"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
END = b"\r\n\r\n"
CRLF = "\r\n"


def recorded(name: str) -> bytes:
    """A recording, with the banner that each connection begins with."""
    data = (RECORDINGS / f"{name}.ami").read_bytes()
    return data if data.startswith(BANNER) else BANNER + data


def frames(*pieces: bytes) -> list[Frame]:
    """What one connection makes of these pieces."""
    framer = AmiFramer()
    return [frame for piece in pieces for frame in framer.feed(piece)]


def event(*lines: str) -> bytes:
    """A message of these lines."""
    return "\r\n".join(lines).encode() + END


@pytest.mark.parametrize("name", ["log_in_and_snapshot", "dialled_call", "queue_call", "originate"])
def test_a_real_asterisk_is_understood_to_the_last_header(name: str) -> None:
    """Nothing that Asterisk itself wrote is rejected, and no header is lost."""
    data = recorded(name)
    found = frames(data)
    assert len(found) == data.count(END)
    assert not [frame for frame in found if isinstance(frame, Rejected)]
    headers = sum(_size(frame) for frame in found if not isinstance(frame, Rejected))
    assert headers == data.removeprefix(BANNER).replace(END, b"").count(b"\r\n")


def _size(message: Event | Response) -> int:
    return sum(len(value) if isinstance(value, dict) else 1 for value in message.keys.values())


@pytest.mark.parametrize("name", ["log_in_and_snapshot", "dialled_call"])
def test_cut_at_every_position_the_messages_are_the_same(name: str) -> None:
    """Where TCP cuts the stream in two makes no difference."""
    data = recorded(name)[:6000]
    whole = frames(data)
    for cut in range(len(data) + 1):
        assert frames(data[:cut], data[cut:]) == whole


def test_byte_by_byte_the_messages_are_the_same() -> None:
    """Nor do the smallest pieces."""
    data = recorded("originate")
    assert frames(*(data[i : i + 1] for i in range(len(data)))) == frames(data)


def test_a_dial_tells_our_ids_on_both_sides() -> None:
    """``channelvars`` arrive as variables of the caller's and of the dialled channel."""
    dial = next(f for f in frames(recorded("dialled_call")) if isinstance(f, Event) and f.name == "DialBegin")
    assert dial.variables == {"CC_CALL": "0123456789abcdef0123456789abcdef", "CC_AGENT": ""}
    assert dial.dest_variables == dial.variables
    assert dial.get("DestChannel") == "PJSIP/agent1-00000006"
    assert (dial.get("ChanVariable"), dial.get("Nothing", "none")) == ("", "none")


def test_an_originate_response_names_the_channel_of_its_variables() -> None:
    """Asterisk writes ``ChanVariable(channel)`` there; it reads like any other."""
    found = [
        f for f in frames(recorded("originate")) if isinstance(f, Event) and f.name == "OriginateResponse"
    ]
    assert [f.variables["CC_CALL"] for f in found] == ["ab"]


def test_messages_print_without_numbers() -> None:
    """A log line that shows a message shows no personal data."""
    for frame in frames(recorded("dialled_call")):
        assert "13900000001" not in f"{frame} {frame!r}"


BLOCKS = [
    *recorded("queue_call").removeprefix(BANNER).split(END)[:6],
    b"Event: X\r\nChannel: a\r\nChannel: b",
    b"Event: X\r\nName: a\nb",
    b"\r\nEvent: Y",
    b"Event: \xff\xc2\x85",
    b"Event: Z\r\nKey:",
    b"x" * (MAX_LINE + 3),
    b"Event: A\r\n" * (MAX_LINES + 2),
    b"",
]


@given(st.lists(st.sampled_from(BLOCKS), max_size=6), st.lists(st.integers(0, 40_000), max_size=8))
def test_any_chunking_gives_the_same_frames(blocks: list[bytes], cuts: list[int]) -> None:
    """Good, hostile and oversize messages: the pieces they come in change nothing."""
    data = BANNER + b"".join(block + END for block in blocks)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    assert frames(*pieces) == frames(data)


@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"\r", b"\n", b"\r\n", b": ", b"Event: ", BANNER])))
def test_arbitrary_bytes_never_raise_and_give_the_same_frames(pieces: list[bytes]) -> None:
    """Whatever comes is a frame or nothing, cut or whole."""
    assert frames(*pieces) == frames(b"".join(pieces))
    assert frames(BANNER, *pieces) == frames(BANNER + b"".join(pieces))


@given(st.text().filter(lambda text: "\r\n" not in text))
def test_a_value_without_line_end_never_becomes_a_second_header(text: str) -> None:
    """Whatever a caller is called, the event has two headers more than its name, or is rejected."""
    (frame,) = frames(BANNER, event("Event: Newchannel", f"CallerIDName: {text}", "Channel: PJSIP/a-1"))
    assert isinstance(frame, Rejected) or set(frame.keys) == {"CallerIDName", "Channel"}


CONTROLS = [0x00, 0x09, 0x0A, 0x0B, 0x0D, 0x1B, 0x1E, 0x7F, 0x85, 0x9B, 0x2028, 0x2029]


@pytest.mark.parametrize("code", CONTROLS, ids=hex)
def test_a_control_character_in_a_value_is_hostile(code: int) -> None:
    """C0, DEL, C1 and Unicode's line breaks; the next message is read again."""
    found = frames(BANNER, event("Event: A", f"Name: x{chr(code)}y"), event("Event: B"))
    assert [type(frame) for frame in found] == [Rejected, Event]


@pytest.mark.parametrize("name", ["李小姐", "\u202eevil", "a\u3000b", "👩‍💻", "<img src=x>"])
def test_strange_but_harmless_names_stay_as_they_are(name: str) -> None:
    """Text is for those who show it; here only control characters matter."""
    (frame,) = frames(BANNER, event("Event: A", f"CallerIDName: {name}"))
    assert isinstance(frame, Event)
    assert frame.get("CallerIDName") == name


def test_bytes_that_are_no_utf8_are_marked() -> None:
    """A name in another encoding does not cost the event."""
    (frame,) = frames(BANNER, b"Event: A\r\nCallerIDName: M\xfcller" + END)
    assert isinstance(frame, Event)
    assert frame.get("CallerIDName") == "M\ufffdller"


INJECTED = [
    ("a header again", f"x{CRLF}Channel: PJSIP/other-2"),
    ("the system name again", f"x{CRLF}SystemName: other"),
    ("a variable again", f"x{CRLF}ChanVariable: CC_CALL=other"),
    ("two of a header like a variable", CRLF.join(["x", "AVariable: 1", "AVariable: 2"])),
    ("a line of no header", f"x{CRLF}y"),
]


@pytest.mark.parametrize("value", [value for _, value in INJECTED], ids=[name for name, _ in INJECTED])
def test_a_header_that_came_with_a_value_is_hostile(value: str) -> None:
    """A line end in a caller's name can't change what another header says."""
    data = event(
        "Event: Newchannel",
        "SystemName: s",
        f"CallerIDName: {value}",
        "Channel: PJSIP/a-1",
        "ChanVariable: CC_CALL=mine",
    )
    assert [type(frame) for frame in frames(BANNER, data)] == [Rejected]


def test_an_event_that_came_with_a_value_leaves_a_trace() -> None:
    """A forged event lacks the name that nobody can guess, and the torn rest is rejected."""
    value = f"x{CRLF}{CRLF}Event: Hangup{CRLF}Channel: PJSIP/other-2{CRLF}{CRLF}y"
    data = event("Event: Newchannel", "SystemName: s", f"CallerIDName: {value}", "Channel: PJSIP/a-1")
    first, forged, rest = frames(BANNER, data)
    assert isinstance(first, Event)
    assert isinstance(forged, Event)
    assert (forged.name, forged.system_name) == ("Hangup", "")
    assert isinstance(rest, Rejected)


@pytest.mark.parametrize(
    "first", ["Action: Logoff", "event: A", "Event A", ": ", "Event:", "Event", "Channel: x"]
)
def test_a_first_line_that_is_neither_event_nor_response_is_hostile(first: str) -> None:
    """Asterisk begins each message with one of the two."""
    assert [type(frame) for frame in frames(BANNER, event(first, "Event: A"))] == [Rejected]


def test_what_may_be_repeated_is_kept() -> None:
    """Output and variables come line by line."""
    found = frames(
        BANNER,
        event("Response: Success", "Output: a", "Output: b"),
        event("Event: Status", "Variable: A=1", "Variable: B=2", "Channel: c"),
        event("Event: A", "DestChanVariable: X=1=2"),
    )
    assert isinstance(found[0], Response)
    assert found[0].get("Output") == "a\nb"
    assert isinstance(found[1], Event)
    assert (found[1].get("Variable"), found[1].get("Channel")) == ("A=1\nB=2", "c")
    assert isinstance(found[2], Event)
    assert found[2].dest_variables == {"X": "1=2"}


def test_limits_hold_exactly_and_reading_goes_on() -> None:
    """The longest allowed line and message pass; one more does not; the next message is read."""
    line = "Data: " + "x" * (MAX_LINE - 6)
    lines = [f"K{i}: v" for i in range(MAX_LINES - 1)]
    after = event("Event: B")
    assert all(
        isinstance(f, Event) for f in frames(BANNER, event("Event: A", line), event("Event: A", *lines))
    )
    assert frames(BANNER, event("Event: A", line + "x") + after)[0] == Rejected(
        "line too long", 10 + MAX_LINE
    )
    too_many = frames(BANNER, event("Event: A", *lines, "One: more") + after)
    assert [type(frame) for frame in too_many] == [Rejected, Event]


@pytest.mark.parametrize(
    "block",
    [b"x" * MAX_LINE, b"x" * MAX_LINE + b"\r", b"A: b\r\n" * MAX_LINES, b"A: b\r\n" * MAX_LINES + b"\r"],
)
def test_at_a_limit_the_cut_makes_no_difference(block: bytes) -> None:
    """Half a line end at the limit is neither too much nor too little."""
    data = b"Event: A\r\n" + block + END + event("Event: B")
    whole = frames(BANNER, data)
    for cut in range(len(data) - 30, len(data)):
        assert frames(BANNER, data[:cut], data[cut:]) == whole


def test_an_endless_line_takes_no_memory() -> None:
    """A stream that never ends a line is rejected once and thrown away as it comes."""
    framer = AmiFramer()
    framer.feed(BANNER)
    found = [frame for _ in range(200) for frame in framer.feed(b"x" * 1000)]
    assert [type(frame) for frame in found] == [Rejected]
    assert len(framer._rest) < 2 * MAX_LINE


def test_the_banner_is_needed_once() -> None:
    """The version is known after it; anything else there is no AMI."""
    framer = AmiFramer()
    assert framer.feed(BANNER[:-1]) == []
    assert framer.version is None
    assert framer.feed(BANNER[-1:]) == []
    assert framer.version == "11.0.0"
    assert [type(f) for f in frames(b"HTTP/1.1 400 Bad Request\r\n\r\n")] == [Rejected]
    assert [type(f) for f in frames(BANNER, BANNER + b"\r\n")] == [Rejected]
    assert [type(f) for f in frames(BANNER[:20], BANNER[20:] + event("Event: A"))] == [Event]
    assert [type(f) for f in frames(BANNER, b"\r\n" + event("Event: A"))] == [Event]
