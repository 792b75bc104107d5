"""English, as an American voice says it."""

import datetime as dt
import re

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = (
    (10**12, "trillion"),
    (10**9, "billion"),
    (10**6, "million"),
    (10**3, "thousand"),
    (100, "hundred"),
)
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_CURRENCIES = {
    "CNY": ("yuan", "yuan", "fen", "fen"),
    "USD": ("dollar", "dollars", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "JPY": ("yen", "yen", "sen", "sen"),
    "HKD": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
}
_STATES = {
    "received": "received",
    "acknowledged": "acknowledged",
    "assessed": "assessed",
    "investigating": "being investigated",
    "proposed": "answered with a proposal",
    "accepted": "settled",
    "disputed": "in dispute",
    "closed_unconfirmed": "closed",
    "closed_confirmed": "closed, as you confirmed",
    "reopened": "open again",
    "new": "new",
    "paid": "paid",
    "processing": "being prepared",
    "shipped": "on its way",
    "delivered": "delivered",
    "cancelled": "cancelled",
    "returned": "returned",
    "refunded": "refunded",
}
_HAN = re.compile("[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")


def cardinal(number: int) -> str:
    """``one hundred one``: no "and"."""
    for scale, name in _SCALES:
        if number >= scale:
            many, rest = divmod(number, scale)
            return f"{cardinal(many)} {name}" + (f" {cardinal(rest)}" if rest else "")
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")


def decimal(digits: str) -> str:
    """``point zero five``."""
    return " point " + " ".join(_ONES[int(digit)] for digit in digits)


def negative(words: str) -> str:
    """``minus three``."""
    return f"minus {words}"


def ordinal(number: int) -> str:
    """``twenty-first``."""
    said = cardinal(number)
    head, sign, last = re.fullmatch(r"(.*?)([ -]?)([a-z]+)", said).groups()  # type: ignore[union-attr]  # words only
    if last in _ORDINALS:
        return f"{head}{sign}{_ORDINALS[last]}"
    return f"{head}{sign}{last[:-1]}ieth" if last.endswith("y") else f"{head}{sign}{last}th"


def digits(code: str) -> str:
    """``C, zero zero zero, one two three``: letters stand alone, long runs of digits in threes."""
    groups: list[str] = []
    for run in re.findall(r"[0-9]+|[^\W\d_]+", text(code)):
        if run.isascii() and run.isdigit():
            groups += (" ".join(_ONES[int(digit)] for digit in group) for group in _threes(run))
        else:
            groups.append(" ".join(run.upper()))
    return ", ".join(groups)


def _threes(run: str) -> list[str]:
    """Groups of three, the last of two to four."""
    if len(run) <= 4:
        return [run]
    return [run[:3], *_threes(run[3:])]


def date(day: dt.date) -> str:
    """``the third of March, two thousand twenty-six``."""
    return f"the {ordinal(day.day)} of {_MONTHS[day.month - 1]}, {_year(day.year)}"


def _year(year: int) -> str:
    century, rest = divmod(year, 100)
    if year < 1000 or century % 10 == 0:
        return cardinal(year)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def time(moment: dt.time) -> str:
    """``two oh five p.m.``."""
    if moment.minute == 0 and moment.hour in (0, 12):
        return "noon" if moment.hour else "midnight"
    said = cardinal(moment.hour % 12 or 12)
    if moment.minute:
        said += f" {'oh ' if moment.minute < 10 else ''}{cardinal(moment.minute)}"
    return f"{said} {'a.m.' if moment.hour < 12 else 'p.m.'}"


def money(major: int, minor: int, currency: str) -> str:
    """``twelve thousand three hundred forty yuan and fifty fen``; other currencies by their code."""
    if currency not in _CURRENCIES:
        places = f"{minor:02}".rstrip("0")
        return f"{cardinal(major)}{decimal(places) if places else ''} {digits(currency)}"
    one, many, small, smalls = _CURRENCIES[currency]
    parts = []
    if major or not minor:
        parts.append(f"{cardinal(major)} {one if major == 1 else many}")
    if minor:
        parts.append(f"{cardinal(minor)} {small if minor == 1 else smalls}")
    return " and ".join(parts)


def duration(minutes: int) -> str:
    """``about two minutes``."""
    if not minutes:
        return "less than a minute"
    if minutes >= 2 * 24 * 60:
        return f"about {cardinal(round(minutes / (24 * 60)))} days"
    hours, rest = divmod(minutes, 60)
    parts = [_many(hours, "hour")] if hours else []
    if rest:
        parts.append(_many(rest, "minute"))
    return "about " + " and ".join(parts)


def _many(number: int, unit: str) -> str:
    return f"{cardinal(number)} {unit}{'' if number == 1 else 's'}"


def truth(value: bool) -> str:
    """``yes`` or ``no``."""
    return "yes" if value else "no"


def state(code: str) -> str:
    """What has become of an order or a complaint, after "is"."""
    return _STATES[code] if code in _STATES else text(code.replace("_", " "))


def text(written: str) -> str:
    """Without Chinese characters: the English voice says "Chinese letter" for each."""
    return _HAN.sub(" ", written).replace("&", " and ")
