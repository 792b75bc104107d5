"""FastAGI framing: the bytes of a real Asterisk 22.10, whole, cut, and hostile."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.asterisk.agi.framing import (
    MAX_ENVIRONMENT,
    MAX_LINE,
    AgiFramer,
    AgiReply,
    EnvironmentRead,
    Frame,
    HangupNotice,
    Rejected,
)

pytestmark = pytest.mark.unit

VARIABLES = [
    ("agi_network", "yes"),
    ("agi_network_script", "ring?x=1"),
    ("agi_request", "agi://127.0.0.1:4573/ring?x=1"),
    ("agi_channel", "PJSIP/trunk-00000001"),
    ("agi_language", "en"),
    ("agi_type", "PJSIP"),
    ("agi_uniqueid", "node7f-1795368184.1"),
    ("agi_version", "22.10.1"),
    ("agi_callerid", "13800138000"),
    ("agi_calleridname", "王 Wang"),
    ("agi_callingpres", "0"),
    ("agi_callingani2", "0"),
    ("agi_callington", "0"),
    ("agi_callingtns", "0"),
    ("agi_dnid", "100"),
    ("agi_rdnis", "unknown"),
    ("agi_context", "main"),
    ("agi_extension", "100"),
    ("agi_priority", "2"),
    ("agi_enhanced", "0.0"),
    ("agi_accountcode", ""),
    ("agi_threadid", "140480168785600"),
]


def encode(variables: list[tuple[str, str]]) -> bytes:
    """An environment as Asterisk writes it."""
    return "".join(f"{name}: {value}\n" for name, value in variables).encode() + b"\n"


def replacing(name: str, value: str) -> bytes:
    """The usual environment with one other value."""
    return encode([(n, value if n == name else v) for n, v in VARIABLES])


def ready(commands: int = 1) -> AgiFramer:
    """A framer past its environment, with this many replies owed."""
    framer = AgiFramer()
    assert isinstance(framer.feed(encode(VARIABLES))[0], EnvironmentRead)
    for _ in range(commands):
        framer.command_sent()
    return framer


def test_environment_is_read() -> None:
    """A real environment becomes its variables, without the prefix, Chinese and empty values included."""
    [frame] = AgiFramer().feed(encode(VARIABLES))
    assert frame == EnvironmentRead({name.removeprefix("agi_"): value for name, value in VARIABLES})


def test_arguments_follow_in_number() -> None:
    """``agi_arg_N`` lines are taken after the fixed variables, counted from one."""
    [frame] = AgiFramer().feed(encode([*VARIABLES, ("agi_arg_1", "a b"), ("agi_arg_2", "")]))
    assert isinstance(frame, EnvironmentRead)
    assert frame.variables["arg_1"] == "a b"
    [frame] = AgiFramer().feed(encode([*VARIABLES, ("agi_arg_2", "x")]))
    assert frame == Rejected("environment variable out of place")


def test_script_line_may_be_absent() -> None:
    """A URL without a path brings no script variable."""
    [frame] = AgiFramer().feed(encode([v for v in VARIABLES if v[0] != "agi_network_script"]))
    assert isinstance(frame, EnvironmentRead)
    assert "network_script" not in frame.variables


def test_each_place_is_fixed() -> None:
    """A variable twice, missing, swapped or unknown is refused at any place."""
    for place in range(len(VARIABLES)):
        twice = VARIABLES[: place + 1] + VARIABLES[place:]
        assert _last(AgiFramer().feed(encode(twice))) == Rejected("environment variable out of place")
        unknown = [*VARIABLES[:place], ("agi_admin", "yes"), *VARIABLES[place:]]
        assert _last(AgiFramer().feed(encode(unknown))) == Rejected("environment variable out of place")
        if VARIABLES[place][0] != "agi_network_script":
            missing = VARIABLES[:place] + VARIABLES[place + 1 :]
            assert isinstance(_last(AgiFramer().feed(encode(missing))), Rejected)


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_control_characters_are_refused(code: int) -> None:
    """No control character passes in a caller's name or number, whatever it does to the lines."""
    for name in ("agi_callerid", "agi_calleridname"):
        frames = AgiFramer().feed(replacing(name, "12" + chr(code) + "34"))
        assert isinstance(_last(frames), Rejected)
        assert not any(isinstance(frame, EnvironmentRead) for frame in frames)


def test_environment_ended_early_by_a_caller() -> None:
    """A number that ends the environment and speaks for Asterisk is refused, before and after a command."""
    rest = "".join(f"{name}: 0\n" for name, _ in VARIABLES[9:])
    forged = replacing("agi_callerid", "1\n" + rest + "\n200 result=1")
    assert _last(AgiFramer().feed(forged)) == Rejected("line without a command")
    head, tail = forged.split(b"\n\n", 1)
    framer = AgiFramer()
    assert isinstance(framer.feed(head + b"\n\n")[0], EnvironmentRead)
    framer.command_sent()
    assert framer.feed(tail)[:1] == [AgiReply(200, "1")]
    assert framer.feed(b"") == []
    framer.command_sent()
    assert framer.feed(b"200 result=1\n") == []  # dead since the line after the forged reply


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("200 result=1", AgiReply(200, "1")),
        ("200 result=0 endpos=11360", AgiReply(200, "0", None, 11360)),
        ("200 result=0 endpos=-1", AgiReply(200, "0", None, -1)),
        ("200 result= (timeout)", AgiReply(200, "", "timeout")),
        ("200 result=12*#", AgiReply(200, "12*#")),
        ("200 result=1 (a) b) endpos=3)", AgiReply(200, "1", "a) b) endpos=3")),
        ("200 result=1 ()", AgiReply(200, "1", "")),
        ("200 result=-1 (hangup) endpos=8", AgiReply(200, "-1", "hangup", 8)),
        ("510 Invalid or unknown command", AgiReply(510, "", "Invalid or unknown command")),
        (
            "511 Command Not Permitted on a dead channel",
            AgiReply(511, "", "Command Not Permitted on a dead channel"),
        ),
        ("520 Invalid command syntax.", AgiReply(520, "", "Invalid command syntax.")),
    ],
)
def test_replies(line: str, reply: AgiReply) -> None:
    """Each shape of reply that Asterisk sends."""
    assert ready().feed(line.encode() + b"\n") == [reply]


def test_usage_is_one_reply() -> None:
    """A 520 with its usage lines is one reply, and the next reply is read as such."""
    framer = ready(2)
    usage = b"520-Invalid command syntax.  Proper usage follows:\nSets a variable.\n\n  200 x\n"
    frames = framer.feed(usage + b"520 End of proper usage.\n200 result=1\n")
    assert frames == [
        AgiReply(520, "", "Invalid command syntax.  Proper usage follows:\nSets a variable.\n\n  200 x"),
        AgiReply(200, "1"),
    ]


def test_hangup_at_any_moment() -> None:
    """The hang-up line is told whether or not a reply is owed, and the reply after it is still read."""
    framer = ready(1)
    assert framer.feed(b"HANGUP\n200 result=-1\nHANGUP\n") == [
        HangupNotice(),
        AgiReply(200, "-1"),
        HangupNotice(),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        "HANGUP ",
        "200",
        "200 result",
        "200 result=1 x",
        "2000 result=1",
        "agi_network: yes",
        "hangup",
    ],
)
def test_what_asterisk_never_says(line: str) -> None:
    """Anything else in a reply's place ends the framing."""
    framer = ready()
    assert isinstance(_last(framer.feed(line.encode() + b"\n")), Rejected)
    assert framer.feed(b"200 result=1\n") == []


def test_reply_without_a_command() -> None:
    """A reply that nobody asked for is refused."""
    assert ready(0).feed(b"200 result=1\n") == [Rejected("line without a command")]


def test_long_lines_and_long_headers() -> None:
    """An endless line, a long one, a long environment and an endless usage are all cut off."""
    framer = AgiFramer()
    taken = 0
    while not (frames := framer.feed(b"x" * 1024)):
        taken += 1024
        assert taken <= MAX_LINE
    assert frames == [Rejected("line too long")]
    assert _last(AgiFramer().feed(replacing("agi_channel", "c" * MAX_LINE))) == Rejected("line too long")
    big = encode([*VARIABLES, *((f"agi_arg_{n}", "x" * 8000) for n in range(1, 12))])
    assert len(big) > MAX_ENVIRONMENT
    assert _last(AgiFramer().feed(big)) == Rejected("too many bytes")
    framer = ready()
    assert _last(framer.feed(b"520-x\n" + b"usage usage\n" * 8000)) == Rejected("too many bytes")


def test_cut_at_every_position() -> None:
    """Wherever TCP cuts a dialogue, the frames are the same."""
    dialogue = encode(VARIABLES) + b"HANGUP\n"
    whole = AgiFramer().feed(dialogue)
    for cut in range(len(dialogue) + 1):
        framer = AgiFramer()
        assert framer.feed(dialogue[:cut]) + framer.feed(dialogue[cut:]) == whole
    replies = b"200 result=1 (x)\n520-a\nb\n520 end\nHANGUP\n511 dead\n"
    expected = ready(3).feed(replies)
    assert len(expected) == 4
    for cut in range(len(replies) + 1):
        framer = ready(3)
        assert framer.feed(replies[:cut]) + framer.feed(replies[cut:]) == expected


@settings(deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=20))
def test_arbitrary_bytes_in_the_environment(chunks: list[bytes]) -> None:
    """Whatever comes first, nothing but a refusal comes out, once, and no exception."""
    framer = AgiFramer()
    frames = [frame for chunk in chunks for frame in framer.feed(chunk)]
    assert all(isinstance(frame, Rejected) for frame in frames)
    assert len(frames) <= 1


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(st.binary(max_size=100), st.sampled_from([b"HANGUP\n", b"200 result=1\n"])),
        max_size=20,
    )
)
def test_arbitrary_bytes_among_replies(chunks: list[bytes]) -> None:
    """Among replies too: frames, at most one refusal, and it is the last."""
    framer = ready(5)
    frames = [frame for chunk in chunks for frame in framer.feed(chunk)]
    assert not any(isinstance(frame, Rejected) for frame in frames[:-1])
    assert sum(isinstance(frame, AgiReply) for frame in frames) <= 5


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_caller_name_is_kept_or_refused(name: str) -> None:
    """A caller's name comes through unchanged or the call is refused; it never changes another value."""
    frames = AgiFramer().feed(replacing("agi_calleridname", name))
    for frame in frames:
        if isinstance(frame, EnvironmentRead):
            assert frame.variables["calleridname"] == name
            assert frame.variables["threadid"] == "140480168785600"
            assert len(frame.variables) == len(VARIABLES)


def _last(frames: list[Frame]) -> Frame:
    return frames[-1]
