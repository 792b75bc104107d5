"""Prompts with variables: what is said for each format, and what hostile values come to."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.complaints.complaint import ComplaintState
from callcenter.ivr.flow.template import MAX_SAID, MAX_VALUE, Slot, cleaned, fill, parse
from callcenter.reception.visit import Value
from callcenter.storage.sample_texts import ORDER_STATES

pytestmark = pytest.mark.unit

Language = Literal["en", "zh"]


def test_a_template_knows_its_variables() -> None:
    """Names, dotted ones too, with their formats, in order; a text without any is fixed."""
    template = parse("Complaint {number:digits}: {customer.name}, again {number}.")
    assert template.slots == (Slot("number", "digits"), Slot("customer.name"), Slot("number"))
    assert not template.fixed
    assert parse("Please hold.").fixed
    assert parse("Please hold.").slots == ()


def test_double_braces_are_braces() -> None:
    """``{{`` and ``}}`` are said as they are, and make no variable."""
    assert parse("{{name}}").fixed
    assert fill("{{{a}}} }}{{", "en", {"a": "x"}) == "{x} }{"
    assert fill("{{{a}", "en", {"a": "x"}) == "{x"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Hello {name", "at character 7: { has no partner"),
        ("Hello name}", "at character 11: } has no partner"),
        ("{}", "has no good name"),
        ("{ name }", "has no good name"),
        ("{Name}", "has no good name"),
        ("{a.}", "has no good name"),
        ("{a.__class__}", "has no good name"),
        ("{a[0]}", "has no good name"),
        ("{a!r}", "has no good name"),
        ("{0}", "has no good name"),
        ("{a:}", "there is no format ''"),
        ("{a:>10}", "there is no format '>10'"),
        ("{a:cash}", "there are digits, number, ordinal, money, date, time, datetime, duration, state"),
    ],
)
def test_what_can_not_be_read(text: str, why: str) -> None:
    """Python's own formats, attributes and subscripts are no part of it; each mistake says what would be right."""
    with pytest.raises(ValueError) as failure:  # noqa: PT011  the text is looked at below
        parse(text)
    assert why in str(failure.value)


@pytest.mark.parametrize(
    ("slot", "value", "en", "zh"),
    [
        ("{x}", "Anna Berg", "Anna Berg", "Anna Berg"),
        ("{x}", "C-000123", "C-000123", "西，零零零，幺二三"),
        ("{x}", 1001, "one thousand one", "一千零一"),
        ("{x}", -2.5, "minus two point five", "负二点五"),
        ("{x}", True, "yes", "是"),
        ("{x}", float("nan"), "", ""),
        ("{x:digits}", "C-000123", "C, zero zero zero, one two three", "西，零零零，幺二三"),
        ("{x:digits}", 4711, "four seven one one", "四七幺幺"),
        ("{x:digits}", "***", "***", "***"),
        ("{x:number}", "12,340.50", "twelve thousand three hundred forty point five", "一万两千三百四十点五"),
        ("{x:number}", "many", "many", "many"),
        ("{x:ordinal}", 3, "third", "第三"),
        ("{x:ordinal}", 0, "zero", "零"),
        ("{x:ordinal}", 1.5, "one point five", "一点五"),
        ("{x:money}", "12,340.50 CNY", "twelve thousand three hundred forty yuan and fifty fen",
         "一万两千三百四十元五角"),
        ("{x:money}", 0.05, "five fen", "五分"),
        ("{x:money}", "99.90 usd", "ninety-nine dollars and ninety cents", "九十九点九美元"),
        ("{x:money}", "free", "free", "free"),
        ("{x:date}", "2026-03-03", "the third of March, two thousand twenty-six", "二零二六年三月三日"),
        ("{x:date}", "2026-03-03T23:30:00+08:00", "the third of March, two thousand twenty-six",
         "二零二六年三月三日"),
        ("{x:date}", "soon", "soon", "soon"),
        ("{x:date}", 20260303, "twenty million two hundred sixty thousand three hundred three",
         "两千零二十六万零三百零三"),
        ("{x:time}", "14:05", "two oh five p.m.", "下午两点零五分"),
        ("{x:time}", "2026-03-03T09:30:00", "nine thirty a.m.", "上午九点半"),
        ("{x:datetime}", "2026-03-03T12:00:00Z", "the third of March, two thousand twenty-six, noon",
         "二零二六年三月三日, 中午十二点"),
        ("{x:duration}", 100, "about two minutes", "大约两分钟"),
        ("{x:duration}", "20", "less than a minute", "不到一分钟"),
        ("{x:state}", "shipped", "on its way", "已发货"),
        ("{x:state}", "closed_confirmed", "closed, as you confirmed", "经您确认已关闭"),
        ("{x:state}", "at_customs", "at customs", "at customs"),
    ],
)  # fmt: skip
def test_each_format(slot: str, value: Value, en: str, zh: str) -> None:
    """Each format says what it understands in both languages, and anything else as a text."""
    assert fill(slot, "en", {"x": value}) == en
    assert fill(slot, "zh", {"x": value}) == zh


@pytest.mark.parametrize("code", [*ComplaintState, *sorted(set(ORDER_STATES))])
def test_every_state_has_words(code: str) -> None:
    """No state of a complaint or of an order is read out as its code in Chinese, nor with an underscore in English."""
    assert fill("{x:state}", "zh", {"x": code}) not in (code, code.replace("_", " "))
    assert "_" not in fill("{x:state}", "en", {"x": code})


def test_what_is_missing_is_left_out() -> None:
    """Null, nothing at all and empty text say nothing; the rest is said, in one line."""
    assert fill("Order {a}, {b:money} {c} is here.", "en", {"a": None, "c": ""}) == "Order , is here."
    assert fill("{a}", "zh", {}) == ""


def test_a_value_is_no_template() -> None:
    """Braces in a value are never read."""
    assert fill("{a}", "en", {"a": "{b} {b:digits} {{", "b": "secret"}) == "b b:digits"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("a\x00b\x1b[31m\r\nc", "a b 31m c"),
        ("[[h@l'oU]] x", "h@l'oU x"),
        ("<speak><break time='9s'/></speak>", "speak break time='9s'/ /speak"),
        ("\u202ereversed\u200b\ufeff", "reversed"),
        ("half\ud800 a pair", "half a pair"),
        ("ＶＩＰ１２", "VIP12"),
        ("😀 fine 👍🏽", "fine"),
        ("Ångström & Søn", "Ångström & Søn"),
        ("李伟（销售）", "李伟(销售)"),
        ("`rm`|$HOME;^~_", "rm $HOME;"),
    ],
)
def test_values_are_cleaned(written: str, said: str) -> None:
    """Control characters, marks that turn or hide text, pictures and the speech engine's own commands are gone."""
    assert cleaned(written) == said


def test_english_leaves_chinese_names_out() -> None:
    """The English voice would say "Chinese letter" for each."""
    assert fill("Owner: {x}.", "en", {"x": "李伟 Wei & Co"}) == "Owner: Wei and Co."


def test_chinese_spells_codes_and_leaves_names() -> None:
    """Letters of codes are spelt for the Pinyin voice; names in Latin letters stay."""
    assert fill("{x}", "zh", {"x": "VIP Anna A1 张 & 2026"}) == "维爱皮 Anna 诶，一 张 和 2026"
    assert fill("VIP {x}", "zh", {"x": 1}) == "VIP 一"  # what the flow's author wrote stays


def test_values_are_cut() -> None:
    """One value can't fill the prompt, and the prompt ends at its limit."""
    assert len(fill("{a}", "en", {"a": "word " * 10_000})) <= MAX_VALUE
    assert len(cleaned("\ufdfa" * 5000)) <= MAX_VALUE  # one character that unfolds to eighteen
    assert len(fill("{a:digits} " * 50, "en", {"a": "1" * 10_000})) <= MAX_SAID


@given(
    st.sampled_from(["", *(":" + name for name in (
        "digits", "number", "ordinal", "money", "date", "time", "datetime", "duration", "state"))]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.from_regex(r"-?[0-9]{1,40}([.,][0-9]{1,30})? ?[A-Z]{0,4}", fullmatch=True)
    | st.datetimes().map(lambda at: at.isoformat()) | st.just(10**5000) | st.just(-(10**5000)),
    st.sampled_from(["en", "zh"]),
)  # fmt: skip
def test_no_value_can_break_it(style: str, value: Value, language: Language) -> None:
    """Whatever the value, fill gives printable text within its limit, and no bracket that a speech engine obeys."""
    said = fill(f"{{x{style}}}", language, {"x": value})
    assert len(said) <= MAX_SAID
    assert said.isprintable()
    assert not set(said) & set("[]<>{}\\|_")
    said.encode()


@given(st.text(max_size=50) | st.text(alphabet="{}:ab.", max_size=20))
def test_whatever_is_written(text: str) -> None:
    """Any text is a template or a ``ValueError``, and without values it can be filled."""
    try:
        parse(text)
    except ValueError:
        return
    fill(text, "en", {})
