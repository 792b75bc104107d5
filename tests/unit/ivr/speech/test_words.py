"""Numbers, dates and money as they are said: golden words of both languages."""

import datetime as dt
import re
from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.ivr.speech.words import saying as words

pytestmark = pytest.mark.unit

EN = words.of("en")
ZH = words.of("zh")


@pytest.mark.parametrize(
    ("number", "en", "zh"),
    [
        (0, "zero", "零"),
        (2, "two", "二"),
        (10, "ten", "十"),
        (11, "eleven", "十一"),
        (12, "twelve", "十二"),
        (20, "twenty", "二十"),
        (21, "twenty-one", "二十一"),
        (100, "one hundred", "一百"),
        (101, "one hundred one", "一百零一"),
        (110, "one hundred ten", "一百一十"),
        (111, "one hundred eleven", "一百一十一"),
        (200, "two hundred", "两百"),
        (222, "two hundred twenty-two", "两百二十二"),
        (1000, "one thousand", "一千"),
        (1001, "one thousand one", "一千零一"),
        (1010, "one thousand ten", "一千零一十"),
        (2002, "two thousand two", "两千零二"),
        (2200, "two thousand two hundred", "两千二百"),
        (10_000, "ten thousand", "一万"),
        (10_010, "ten thousand ten", "一万零一十"),
        (10_100, "ten thousand one hundred", "一万零一百"),
        (12_000, "twelve thousand", "一万两千"),
        (20_000, "twenty thousand", "两万"),
        (20_002, "twenty thousand two", "两万零二"),
        (22_222, "twenty-two thousand two hundred twenty-two", "两万两千二百二十二"),
        (100_000, "one hundred thousand", "十万"),
        (120_000, "one hundred twenty thousand", "十二万"),
        (1_000_001, "one million one", "一百万零一"),
        (2_000_000, "two million", "两百万"),
        (100_000_000, "one hundred million", "一亿"),
        (100_010_000, "one hundred million ten thousand", "一亿零一万"),
        (200_000_000, "two hundred million", "两亿"),
        (1_000_000_000, "one billion", "十亿"),
        (123_456_789,
         "one hundred twenty-three million four hundred fifty-six thousand seven hundred eighty-nine",
         "一亿两千三百四十五万六千七百八十九"),
        (10**12, "one trillion", "一万亿"),
        (-3, "minus three", "负三"),
        (Decimal("1.05"), "one point zero five", "一点零五"),
        (Decimal("2.50"), "two point five", "二点五"),
        (Decimal("-0.5"), "minus zero point five", "负零点五"),
        (Decimal("12340.5"), "twelve thousand three hundred forty point five", "一万两千三百四十点五"),
        (10**15, "one zero zero, zero zero zero, zero zero zero, zero zero zero, zero zero zero zero",
         "幺零零零，零零零零，零零零零，零零零零"),
    ],
)  # fmt: skip
def test_numbers(number: int | Decimal, en: str, zh: str) -> None:
    """How many, with 两 where people say it, 零 for missing places, and digit by digit when nobody counts so far."""
    assert words.number(number, EN) == en
    assert words.number(number, ZH) == zh


@pytest.mark.parametrize(
    ("number", "en", "zh"),
    [
        (1, "first", "第一"),
        (2, "second", "第二"),
        (3, "third", "第三"),
        (5, "fifth", "第五"),
        (8, "eighth", "第八"),
        (9, "ninth", "第九"),
        (10, "tenth", "第十"),
        (12, "twelfth", "第十二"),
        (20, "twentieth", "第二十"),
        (21, "twenty-first", "第二十一"),
        (100, "one hundredth", "第一百"),
        (112, "one hundred twelfth", "第一百一十二"),
        (200, "two hundredth", "第二百"),
        (0, "zero", "零"),
        (-1, "minus one", "负一"),
    ],
)
def test_ordinals(number: int, en: str, zh: str) -> None:
    """Which one; what can't be one is said as a number."""
    assert words.ordinal(number, EN) == en
    assert words.ordinal(number, ZH) == zh


@pytest.mark.parametrize(
    ("code", "en", "zh"),
    [
        ("1", "one", "一"),
        ("12", "one two", "一二"),
        ("110", "one one zero", "幺幺零"),
        ("12345", "one two three, four five", "幺二，三四五"),
        ("000123", "zero zero zero, one two three", "零零零，幺二三"),
        ("C-000123", "C, zero zero zero, one two three", "西，零零零，幺二三"),
        ("13800138000", "one three eight, zero zero one, three eight zero, zero zero", "幺三八，零零幺三，八零零零"),
        ("+86 (10) 6552-9988", "eight six, one zero, six five five two, nine nine eight eight",
         "八六，一零，六五五二，九九八八"),
        ("ab12", "A B, one two", "诶必，一二"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_digits(code: str, en: str, zh: str) -> None:
    """One by one, in groups that can be written down; in Chinese 幺 for one in longer numbers."""
    assert EN.digits(code) == en
    assert ZH.digits(code) == zh


def test_every_letter_has_a_chinese_name() -> None:
    """All letters are spelt in characters, so the Pinyin voice never reads one."""
    spelt = [ZH.digits(chr(ord("A") + place)) for place in range(26)]
    assert len(set(spelt)) == 26
    assert all(re.fullmatch("[一-鿿]+", name) for name in spelt)


@pytest.mark.parametrize(
    ("day", "en", "zh"),
    [
        ("2026-03-03", "the third of March, two thousand twenty-six", "二零二六年三月三日"),
        ("2026-02-12", "the twelfth of February, two thousand twenty-six", "二零二六年二月十二日"),
        ("2000-12-31", "the thirty-first of December, two thousand", "二零零零年十二月三十一日"),
        ("1999-10-20", "the twentieth of October, nineteen ninety-nine", "一九九九年十月二十日"),
        ("1905-01-01", "the first of January, nineteen oh five", "一九零五年一月一日"),
        ("1900-01-02", "the second of January, nineteen hundred", "一九零零年一月二日"),
        ("0999-01-02", "the second of January, nine hundred ninety-nine", "九九九年一月二日"),
    ],
)
def test_dates(day: str, en: str, zh: str) -> None:
    """A day with its year; the Chinese year is read digit by digit, with 一, not 幺."""
    assert EN.date(dt.date.fromisoformat(day)) == en
    assert ZH.date(dt.date.fromisoformat(day)) == zh


@pytest.mark.parametrize(
    ("moment", "en", "zh"),
    [
        ("00:00", "midnight", "凌晨零点"),
        ("00:05", "twelve oh five a.m.", "凌晨零点零五分"),
        ("02:00", "two a.m.", "凌晨两点"),
        ("08:15", "eight fifteen a.m.", "早上八点十五分"),
        ("09:30", "nine thirty a.m.", "上午九点半"),
        ("12:00", "noon", "中午十二点"),
        ("12:45", "twelve forty-five p.m.", "中午十二点四十五分"),
        ("14:02", "two oh two p.m.", "下午两点零二分"),
        ("23:59", "eleven fifty-nine p.m.", "晚上十一点五十九分"),
    ],
)
def test_times(moment: str, en: str, zh: str) -> None:
    """A time of day with its part of the day."""
    assert EN.time(dt.time.fromisoformat(moment)) == en
    assert ZH.time(dt.time.fromisoformat(moment)) == zh


@pytest.mark.parametrize(
    ("amount", "currency", "en", "zh"),
    [
        ("0", "CNY", "zero yuan", "零元"),
        ("0.05", "CNY", "five fen", "五分"),
        ("0.20", "CNY", "twenty fen", "两角"),
        ("0.02", "CNY", "two fen", "两分"),
        ("1.05", "CNY", "one yuan and five fen", "一元零五分"),
        ("2", "CNY", "two yuan", "两元"),
        ("2.22", "CNY", "two yuan and twenty-two fen", "两元二角二分"),
        (
            "12340.50",
            "CNY",
            "twelve thousand three hundred forty yuan and fifty fen",
            "一万两千三百四十元五角",
        ),
        ("-3", "CNY", "minus three yuan", "负三元"),
        ("-0.004", "CNY", "zero yuan", "零元"),
        ("0.995", "CNY", "one yuan", "一元"),
        ("1.01", "USD", "one dollar and one cent", "一点零一美元"),
        ("2", "USD", "two dollars", "两美元"),
        (
            "12340.50",
            "EUR",
            "twelve thousand three hundred forty euros and fifty cents",
            "一万两千三百四十点五欧元",
        ),
        ("0.01", "GBP", "one penny", "零点零一英镑"),
        ("500", "JPY", "five hundred yen", "五百日元"),
        ("12.5", "CHF", "twelve point five C H F", "十二点五，西艾尺艾弗"),
    ],
)
def test_money(amount: str, currency: str, en: str, zh: str) -> None:
    """Yuan, jiao and fen; other currencies; one that has no name here is said by its code."""
    assert words.money(Decimal(amount), currency, EN) == en
    assert words.money(Decimal(amount), currency, ZH) == zh


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (-5, "less than a minute", "不到一分钟"),
        (44, "less than a minute", "不到一分钟"),
        (45, "about one minute", "大约一分钟"),
        (100, "about two minutes", "大约两分钟"),
        (560, "about nine minutes", "大约九分钟"),
        (730, "about ten minutes", "大约十分钟"),
        (3500, "about one hour", "大约一小时"),
        (5400, "about one hour and thirty minutes", "大约一小时三十分钟"),
        (7200, "about two hours", "大约两小时"),
        (200_000, "about two days", "大约两天"),
    ],
)
def test_durations(seconds: float, en: str, zh: str) -> None:
    """Rounded as people say it, never to the second."""
    assert words.duration(seconds, EN) == en
    assert words.duration(seconds, ZH) == zh


_VALUES = dict(zip("零一二三四五六七八九", range(10), strict=True)) | {"两": 2}


def heard(said: str) -> int:
    """The number that Chinese words mean, read the way a pupil does."""
    if "亿" in said:
        many, _, rest = said.rpartition("亿")
        return heard(many) * 10**8 + heard(rest)
    if "万" in said:
        many, _, rest = said.partition("万")
        return heard(many) * 10**4 + heard(rest)
    total = digit = 0
    for sign in said:
        if sign in _VALUES:
            digit = _VALUES[sign]
        else:
            total += (digit or 1) * {"千": 1000, "百": 100, "十": 10}[sign]
            digit = 0
    return total + digit


@given(st.integers(0, 10**12))
def test_chinese_numbers_mean_what_they_say(number: int) -> None:
    """Read back by a reader of its own, every number is itself; never two zeros, never one at the end."""
    said = ZH.cardinal(number)
    assert heard(said) == number
    assert "零零" not in said
    assert number == 0 or not said.endswith("零")


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.sampled_from(["en", "zh"]))
def test_different_numbers_sound_different(one: int, other: int, language: Literal["en", "zh"]) -> None:
    """No two numbers are said alike."""
    spoken = words.of(language)
    assert (spoken.cardinal(one) == spoken.cardinal(other)) == (one == other)
