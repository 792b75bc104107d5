"""AGI command lines: exact bytes, and what is refused before a byte is sent."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.asterisk.agi import commands
from callcenter.errors import BadInput

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (commands.answer(), "ANSWER"),
        (commands.hangup(), "HANGUP"),
        (commands.set_variable("CC_STAGE", 'a "b" \\c'), 'SET VARIABLE "CC_STAGE" "a \\"b\\" \\\\c"'),
        (commands.set_variable("__CC_CALL", ""), 'SET VARIABLE "__CC_CALL" ""'),
        (commands.get_full_variable("CHANNEL(state)"), 'GET FULL VARIABLE "${CHANNEL(state)}"'),
        (
            commands.stream_file("/var/lib/my prompts/en/x", "12"),
            'STREAM FILE "/var/lib/my prompts/en/x" "12"',
        ),
        (commands.control_stream_file("x"), 'CONTROL STREAM FILE "x" "" "3000" "!" "!"'),
        (commands.get_data("x", 5000, 1), 'GET DATA "x" "5000" "1"'),
        (commands.wait_for_digit(3000), 'WAIT FOR DIGIT "3000"'),
        (commands.set_music(True), 'SET MUSIC "ON" "default"'),
        (commands.set_music(False), 'SET MUSIC "OFF" "default"'),
        (commands.exec_("Dial", "PJSIP/1001", "20", "g"), 'EXEC "Dial" "PJSIP/1001,20,g"'),
        (commands.exec_("Progress"), 'EXEC "Progress" ""'),
        (commands.database_del("callcenter/missed", "x-1"), 'DATABASE DEL "callcenter/missed" "x-1"'),
        (commands.database_deltree("callcenter"), 'DATABASE DELTREE "callcenter"'),
        (commands.database_deltree("callcenter", "missed"), 'DATABASE DELTREE "callcenter" "missed"'),
        (commands.verbose("hello", 3), 'VERBOSE "hello" "3"'),
    ],
)
def test_lines(line: bytes, expected: str) -> None:
    """Each command is one line with every argument quoted."""
    assert line == expected.encode() + b"\n"


@pytest.mark.parametrize(
    "build",
    [
        lambda: commands.set_variable("A", "x" * 1000),
        lambda: commands.set_variable("A", "中" * 330),
        lambda: commands.set_variable("A", "\ud800"),
        lambda: commands.set_variable("A B", "x"),
        lambda: commands.set_variable("A\n", "x"),
        lambda: commands.get_full_variable("SHELL(id; x)"),
        lambda: commands.get_full_variable("A}${B"),
        lambda: commands.stream_file("../../etc/passwd"),
        lambda: commands.stream_file("a&b"),
        lambda: commands.stream_file("a|b"),
        lambda: commands.stream_file("a", "1x"),
        lambda: commands.get_data("a", 0, 1),
        lambda: commands.get_data("a", 1, 33),
        lambda: commands.wait_for_digit(-1),
        lambda: commands.exec_("Dial\n", "x"),
        lambda: commands.exec_("System(id)", "x"),
        lambda: commands.exec_("Dial", "PJSIP/1,20,U(x)"),
        lambda: commands.database_del("a b", "c"),
        lambda: commands.set_music(True, 'a" "b'),
        lambda: commands.verbose("x", 9),
    ],
)
def test_refused(build: Callable[[], bytes]) -> None:
    """What could become another command, another argument or another file is refused."""
    with pytest.raises(BadInput):
        build()


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_control_characters_are_refused(code: int) -> None:
    """No control character is ever sent."""
    with pytest.raises(BadInput):
        commands.set_variable("A", f"x{chr(code)}y")
    with pytest.raises(BadInput):
        commands.exec_("Dial", f"PJSIP/1{chr(code)}")


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_value_stays_one_argument(value: str) -> None:
    """Read back by Asterisk's own rules for quotes, a value is that value; or it was refused."""
    try:
        line = commands.set_variable("A", value)
    except BadInput:
        return
    assert line.count(b"\n") == 1
    assert _arguments(line.decode().rstrip("\n")) == ["SET", "VARIABLE", "A", value]


def _arguments(line: str) -> list[str]:
    """Split as Asterisk does: quotes group, a backslash takes the next character as it is."""
    words: list[str] = []
    quoted = escaped = inside = False
    for c in line:
        if escaped:
            words[-1] += c
            escaped = False
        elif c == "\\":
            escaped = True
        elif c == '"':
            quoted = not quoted
            if quoted and not inside:
                words.append("")
                inside = True
        elif c == " " and not quoted:
            inside = False
        else:
            if not inside:
                words.append("")
                inside = True
            words[-1] += c
    return words


def test_record_file() -> None:
    """A tone first; milliseconds for the whole, seconds for the silence; nothing hostile gets through."""
    assert commands.record_file("/r/ab", "wav", "#", 60_000, 4) == (
        b'RECORD FILE "/r/ab" "wav" "#" "60000" "BEEP" "s=4"\n'
    )
    hostile: list[tuple[str, str, str, int, int]] = [
        ("/r/../etc/x", "wav", "#", 60_000, 4),
        ("/r/a\nb", "wav", "#", 60_000, 4),
        ("/r/ab", "wav|gsm", "#", 60_000, 4),
        ("/r/ab", "wav", "#a", 60_000, 4),
        ("/r/ab", "wav", "#", 0, 4),
        ("/r/ab", "wav", "#", 60_000, 0),
    ]
    for words in hostile:
        with pytest.raises(BadInput):
            commands.record_file(*words)
