"""The language of conditions: what it says, what it refuses, and that nothing gets out of it."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callcenter.errors import CallcenterError
from callcenter.ivr.flow.expression import MAX_CHARACTERS, MAX_DEPTH, ExpressionFailed, Value, parse
from callcenter.ivr.flow.operations import FUNCTIONS

pytestmark = pytest.mark.unit

VALUES: dict[str, Value] = {
    "customer.tier": "vip",
    "open_complaints": 2,
    "entered": "C-000123",
    "pressed": "007",
    "amount": 12.5,
    "known": True,
    "nothing": None,
    "empty": "",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3 == 7", True),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("-2 - -3", 1),
        ("7 % 4 / 2", 1.5),
        ("6 / 2", 3),
        ("0.1 + 0.2 == 0.3", True),
        ("'a' + 'b' + 1 + 2.50", "ab12.5"),
        ('"it\'s"', "it's"),
        ("customer.tier in ['vip', 'key']", True),
        ("customer.tier not in ['vip', 'key']", False),
        ("'x' in []", False),
        ("pressed in [6, 7]", True),
        ("not known or open_complaints >= 2 and amount < 13", True),
        ("not (known and open_complaints == 0)", True),
        ("not known == false", True),
        ("nothing == null", True),
        ("nothing != null or empty", False),
        ("empty == null", False),
        ("true == 1", False),
        ("known == true", True),
        ("pressed == 7", True),
        ("pressed == '7'", False),
        ("'10' > '9'", True),
        ("'b' > 'a'", True),
        ("'2026-03-09' < '2026-03-10'", True),
        ("'12,5' == 12.5", False),
        ("len(pressed) == 3 and starts_with(pressed, '00')", True),
        ("ends_with(entered, 123)", True),
        ("contains(entered, '-00')", True),
        ("digits(entered)", "000123"),
        ("number(' 12.50 ')", 12.5),
        ("number(pressed) + 1", 8),
        ("text(amount) + text(null) + text(true)", "12.5true"),
        ("min(3, 1, 2) + max(3, 7)", 8),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(1.005, 2)", 1.01),
        ("known\n  and\tknown", True),
    ],
)
def test_what_an_expression_comes_to(text: str, expected: Value) -> None:
    """Each operator and function, their strength, and what equals what; the kind is right, too."""
    found = parse(text).value(VALUES)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nothing < 1", "< can't compare null with a number"),
        ("known >= 1", ">= can't compare true or false with a number"),
        ("'abc' < 1", "< can't compare a text with a number"),
        ("'5' * 2", "* needs numbers, not a text: number(x) makes a number of a text"),
        ("'ab' * 999999", "* needs numbers"),
        ("-entered", "- needs numbers"),
        ("known + 1", "+ needs numbers, not true or false"),
        ("'a' + null", "+ can't join a text with null"),
        ("1 / 0", "/ by zero"),
        ("1 % 0", "% by zero"),
        ("100000000 * 100000000", "too large"),
        ("999999999999999 + 2", "too large"),
        ("round(1, 12)", "round() keeps 0 to 9 places"),
        ("round(1, 0.5)", "round() keeps 0 to 9 places"),
        ("number('12a')", "number() can't make a number of a text"),
        ("number(null)", "number() can't make a number of null"),
        ("len(null)", "len() needs a text, not null"),
        ("min('1', 2)", "min() needs numbers"),
        ("unknown_name", "there is no variable unknown_name"),
        ("customer", "there is no variable customer"),
    ],
)
def test_what_can_not_be_worked_out(text: str, why: str) -> None:
    """Values that don't fit fail with a reason, which is an error of this program."""
    with pytest.raises(ExpressionFailed) as failure:
        parse(text).value(VALUES)
    assert why in failure.value.message
    assert isinstance(failure.value, CallcenterError)


def test_a_failure_names_no_value() -> None:
    """What a caller pressed or a customer is called is in no message."""
    for text in ("x < 1", "x * 2", "-x", "number(x)", "x + null", "round(x)", "max(x, 1)", "x + known"):
        with pytest.raises(ExpressionFailed) as failure:
            parse(text).value({"x": "Secret Sally", "known": True})
        assert "Sally" not in str(failure.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "something is missing at the end"),
        ("1 +", "at character 4: something is missing at the end"),
        ("a = 1", "at character 3: write == to compare"),
        ("a && b", "at character 3: write and"),
        ("a || b", "at character 3: write or"),
        ("!a", "at character 1: write not"),
        ("(a", "at character 3: ) is missing"),
        ("a)", "at character 2: ) is not expected here"),
        ("a b", "at character 3: b is not expected here: an operator is missing"),
        ("'abc", "at character 1: the text has no closing quote"),
        ("1 < 2 < 3", "at character 7: compare two values at a time"),
        ("a == b == c", "compare two values at a time"),
        ("a in 'abc'", "at character 6: [ is missing"),
        ("a not b", "at character 7: in is missing"),
        ("[1, 2]", "at character 1: a list stands only after in"),
        ("a in [1 2]", "at character 9: , is missing"),
        ("len()", "len() takes 1 values, not 0"),
        ("round(1, 2, 3)", "round() takes 1 or 2 values, not 3"),
        ("min()", "min() takes 1 or more values, not 0"),
        ("upper(a)", "there is no function upper: there are contains, digits"),
        ("Tier == 1", "names are lower-case"),
        ("a.b.", "names are lower-case"),
        ("1.", "this is no number"),
        ("1e9", "this is no number"),
        ("1234567890123456", "this is no number"),
        (".5", "a dot belongs"),
        ("a § b", "at character 3: § has no meaning here"),
        ("a \x07", "a control character has no meaning here"),
        ("'a\x07'", "a text can't have control characters"),
        ("a == \u0661", "at character 6"),
        ("a " * MAX_CHARACTERS, "longer than 500 characters"),
    ],
)
def test_what_can_not_be_read(text: str, why: str) -> None:
    """Each mistake is told with its place and what to do."""
    with pytest.raises(ValueError) as failure:  # noqa: PT011  the text is looked at below
        parse(text)
    assert why in str(failure.value)


@pytest.mark.parametrize(
    "text",
    [
        "__class__",
        "().__class__",
        "''.__class__.__mro__",
        "entered.__class__",
        "entered.upper()",
        "customer.tier.upper()",
        "__import__('os')",
        "import os",
        "lambda: 1",
        "lambda x: x",
        "f'{entered}'",
        'f"{1}"',
        "eval('1')",
        "exec('1')",
        "open('/etc/passwd')",
        "getattr(entered, 'x')",
        "[x for x in [1]]",
        "[1][0]",
        "entered[0]",
        "{1: 2}",
        "a if b else c",
        "a := 1",
        "a; b",
        "2 ** 99",
        "9**9**9",
        "1 if 1",
        "`id`",
        "$(id)",
        "${entered}",
        "{{entered}}",
        "a \\ b",
        "len.__self__",
        "min(1).real",
        "text(1)(2)",
        "'a' 'b'",
        "*a",
        "@a",
        "a # b",
    ],
)
def test_nothing_reaches_python(text: str) -> None:
    """Attributes, calls of methods, subscripts, imports, lambdas, powers: not one of them can be read."""
    with pytest.raises(ValueError, match="at character"):
        parse(text)


def test_a_name_is_one_key_and_not_a_path() -> None:
    """``customer.tier`` is looked up as it stands; parts of it and attributes are nothing."""
    assert parse("customer.tier").value({"customer.tier": "vip"}) == "vip"
    with pytest.raises(ExpressionFailed):
        parse("entered.real").value({"entered": 5})
    with pytest.raises(ExpressionFailed):
        parse("len").value({})


def test_names_are_told() -> None:
    """The checks learn which variables are read; functions and constants are none of them."""
    expression = parse("len(a) > 1 and customer.tier in [b, 'c'] or not null == a")
    assert expression.names == {"a", "b", "customer.tier"}
    assert parse(expression.text) is expression


def test_and_and_or_stop_early() -> None:
    """What decides no more is not worked out: a guard before a comparison works."""
    assert parse("nothing != null and nothing > 1").value(VALUES) is False
    assert parse("known or 1 / 0").value(VALUES) is True
    assert parse("open_complaints").holds(VALUES)
    assert not parse("empty").holds(VALUES)


@pytest.mark.parametrize("opening", ["(", "not ", "-", "text(", "1 in ["])
def test_depth_is_bounded(opening: str) -> None:
    """Thirty levels are read and worked out; one more is refused, long before Python's stack ends."""
    closing = {"(": ")", "text(": ")", "1 in [": "]"}.get(opening, "")
    deepest = opening * MAX_DEPTH + "1" + closing * MAX_DEPTH
    assert parse(deepest).value({}) is not None
    with pytest.raises(ValueError, match="levels inside one another"):
        parse(opening + deepest + closing)


def test_a_long_chain_is_not_deep() -> None:
    """250 operators of one strength are one level."""
    assert parse("+".join("1" * 250)).value({}) == 250
    assert parse(" or ".join(["0"] * 100)).value({}) is False


def test_texts_stay_short() -> None:
    """Joining can't grow a text over 1000 characters, and longer values are not read."""
    with pytest.raises(ExpressionFailed, match="longer than 1000"):
        parse("x + x").value({"x": "a" * 501})
    with pytest.raises(ExpressionFailed, match="longer than 1000"):
        parse("len(x)").value({"x": "a" * 1001})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_numbers_without_measure(value: float) -> None:
    """NaN, infinity and huge numbers from outside fail where they are used, and nowhere else."""
    values: dict[str, Value] = {"x": value}
    for text in ("x + 1", "-x", "round(x)", "'' + x", "text(x)", "min(x, 1)", "number(x)"):
        with pytest.raises(ExpressionFailed):
            parse(text).value(values)
    for text in ("x == 1", "x < 1.5", "x in ['1', 1]", "not x"):
        assert parse(text).value(values) in (True, False)


def test_what_is_no_value_fails() -> None:
    """A list or an object that slipped into the variables is no value."""
    with pytest.raises(ExpressionFailed, match="something that is no value"):
        parse("x").value({"x": ["a"]})  # type: ignore[dict-item]


ANY_VALUE = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
WORDS = [
    *FUNCTIONS, "and", "or", "not", "in", "true", "false", "null", "a", "b.c", "1", "0", "2.5", "'x'", "'7'", "(", ")",
    "[", "]", ",", "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=",
]  # fmt: skip


@given(
    st.text(max_size=60)
    | st.text(alphabet=string.printable, max_size=MAX_CHARACTERS + 5)
    | st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join),
    st.dictionaries(st.sampled_from(["a", "b.c"]), ANY_VALUE),
)
@example("(" * MAX_CHARACTERS, {})
@example("not " * 125, {})
@example("-" * MAX_CHARACTERS, {})
def test_whatever_is_written(text: str, values: dict[str, Value]) -> None:
    """Any text and any values: a value within bounds, ``ValueError`` or ``ExpressionFailed``, and nothing else."""
    try:
        expression = parse(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017  a message is all that is asked of any of them
        return
    try:
        found = expression.value(values)
    except ExpressionFailed:
        return
    assert found is None or isinstance(found, str | int | float | bool)
    assert not isinstance(found, str) or len(found) <= 1000


def sums(depth: int) -> st.SearchStrategy[str]:
    """Sums as Python would write them, too: no division, whose zero is another matter."""
    leaf = st.integers(0, 99).map(str)
    if not depth:
        return leaf
    below = sums(depth - 1)
    pair = st.tuples(below, st.sampled_from(["+", "-", "*"]), below).map(" ".join)
    return leaf | pair | below.map("({})".format) | below.map("-({})".format)


@given(sums(4))
def test_arithmetic_as_in_python(text: str) -> None:
    """Strength and order of operators are those that everybody knows: checked against Python itself."""
    assert parse(text).value({}) == eval(text, {"__builtins__": {}})  # noqa: S307  the text is ours
