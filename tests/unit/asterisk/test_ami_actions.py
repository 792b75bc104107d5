"""What goes to Asterisk, as bytes: nobody's text becomes a second header or a second action."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.asterisk.ami import actions
from callcenter.asterisk.ami.actions import MAX_HEADERS, MAX_LINE, SimpleAction, encode
from callcenter.errors import BadInput

pytestmark = pytest.mark.unit


def test_an_action_is_written_header_by_header() -> None:
    """The exact bytes of a click-to-dial."""
    action = actions.originate(
        "PJSIP/1001", "callcenter-out", "13900000001", timeout_ms=20_000, variables={"__CC_CALL": "ab"}
    )
    assert encode(action, "00ff") == (
        b"Action: Originate\r\nActionID: 00ff\r\nChannel: PJSIP/1001\r\nContext: callcenter-out\r\n"
        b"Exten: 13900000001\r\nPriority: 1\r\nTimeout: 20000\r\nAsync: true\r\n"
        b"Variable: __CC_CALL=ab\r\n\r\n"
    )


HOSTILE = ["\r\n", "\r", "\n", "\0", "\x1b", "\x85", "\u2028", "\u2029", "\x7f", "\ud800"]


@pytest.mark.parametrize("mark", HOSTILE, ids=ascii)
def test_control_characters_are_refused_everywhere(mark: str) -> None:
    """In the name, a header's name, a value, a variable's name and value, and the action's id."""
    evil = f"a{mark}b"
    in_variable, in_variable_name = SimpleAction("Originate"), SimpleAction("Originate")
    in_variable.variables["X"] = evil
    in_variable_name.variables[evil] = "x"
    for action in (
        SimpleAction(evil),
        SimpleAction("Ping", **{evil: "x"}),
        SimpleAction("Ping", Key=evil),
        in_variable,
        in_variable_name,
    ):
        with pytest.raises(BadInput):
            encode(action, "1")
    with pytest.raises(BadInput):
        encode(SimpleAction("Ping"), evil)


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_the_text_one_action_stays_one_action(number: str, value: str) -> None:
    """Either it is refused, or exactly the headers that were meant are on the wire."""
    action = actions.originate("PJSIP/1", "out", number, variables={"X": value})
    try:
        data = encode(action, "1")
    except BadInput:
        return
    assert data.endswith(b"\r\n\r\n")
    lines = data.decode().removesuffix("\r\n\r\n").splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "Action", "ActionID", "Channel", "Context", "Exten", "Priority", "Timeout", "Async", "Variable",
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["a,Y=2", 'a"b', "a\\b"])
def test_a_variable_can_not_bring_a_second_one(value: str) -> None:
    """Asterisk splits a Variable header at commas."""
    with pytest.raises(BadInput):
        encode(actions.originate("PJSIP/1", "out", "1", variables={"X": value}), "1")


@pytest.mark.parametrize("key", ["ActionID", "actionid", "Action", "Key: x", "", "Ключ"])
def test_the_writers_own_headers_and_odd_ones_are_refused(key: str) -> None:
    """The id of an action is ours alone."""
    with pytest.raises(BadInput):
        encode(SimpleAction("Ping", **{key: "x"}), "1")


def test_a_header_in_two_spellings_is_refused() -> None:
    """Asterisk does not tell them apart."""
    with pytest.raises(BadInput):
        encode(SimpleAction("Hangup", Channel="a", CHANNEL="b"), "1")


def test_lines_and_headers_have_limits() -> None:
    """Beyond them Asterisk would cut in silence; bytes count, not characters."""
    room = MAX_LINE - len("Value: \r\n")
    encode(SimpleAction("Setvar", Value="x" * room), "1")
    for value in ("x" * (room + 1), "李" * (room // 3 + 1)):
        with pytest.raises(BadInput):
            encode(SimpleAction("Setvar", Value=value), "1")
    encode(SimpleAction("X", **{f"K{i}": "v" for i in range(MAX_HEADERS - 2)}), "1")
    with pytest.raises(BadInput):
        encode(SimpleAction("X", **{f"K{i}": "v" for i in range(MAX_HEADERS - 1)}), "1")


def test_hangup_takes_no_pattern() -> None:
    """A slash would make Asterisk hang up every channel that matches."""
    with pytest.raises(BadInput):
        actions.hangup("/.*/")


def test_a_secret_is_never_printed() -> None:
    """Neither by the action nor by the refusal."""
    action = actions.login("callcenter", "hush-hush")
    assert "hush" not in f"{action} {action!r}"
    with pytest.raises(BadInput) as caught:
        encode(actions.login("callcenter", "hush\n"), "1")
    assert "hush" not in str(caught.value)


def test_two_actions_share_nothing() -> None:
    """A variable set on one is not on the next."""
    actions.ping().variables["X"] = "1"
    assert actions.ping().variables == {}
