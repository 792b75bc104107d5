"""Numbers, dates and money as they are said, in English (``en``) and Mandarin (``zh``).

The words are ours: num2words has no Mandarin and no yuan, cn2an no ``两`` and no money; a speech engine left alone with
``2026-03-03`` or ``000123`` reads them as it likes. English is American, without "and" in numbers, as the voice is.
"""

from datetime import date, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, Protocol

from callcenter.ivr.speech.words import en, zh

MAX_NUMBER = 10**15
"""Larger numbers are nobody's amount: they are said digit by digit."""


class Words(Protocol):
    """One language. Whole numbers are not negative and below ``MAX_NUMBER``; nothing here fails."""

    def cardinal(self, number: int) -> str:
        """How many: ``one hundred one``, ``一百零一``."""

    def decimal(self, digits: str) -> str:
        """What comes after the whole number: the point and its digits."""

    def negative(self, words: str) -> str:
        """A number below zero."""

    def ordinal(self, number: int) -> str:
        """Which: ``twenty-first``, ``第二十一``."""

    def digits(self, code: str) -> str:
        """One by one, in groups; letters by their names."""

    def date(self, day: date) -> str:
        """A day with its year."""

    def time(self, moment: time) -> str:
        """A time of day, to the minute."""

    def money(self, major: int, minor: int, currency: str) -> str:
        """An amount: ``minor`` are hundredths; ``currency`` is its code, upper-case."""

    def duration(self, minutes: int) -> str:
        """About so long; 0 is less than a minute."""

    def truth(self, value: bool) -> str:
        """Yes or no."""

    def state(self, code: str) -> str:
        """The state of an order or a complaint; a code that is not known is said as it is."""

    def text(self, written: str) -> str:
        """A text from elsewhere (a name), without what the voice can't say."""


_LANGUAGES: dict[str, Words] = {"en": en, "zh": zh}


def of(language: Literal["en", "zh"]) -> Words:
    """The words of a language."""
    return _LANGUAGES[language]


def number(value: int | Decimal, words: Words) -> str:
    """Any number, to nine places; digit by digit from ``MAX_NUMBER`` on. NaN and infinity are no numbers."""
    exact = Decimal(value)
    if abs(exact) >= MAX_NUMBER:
        said = words.digits(f"{abs(exact):.0f}"[:40])
    else:
        whole, _, places = f"{abs(exact):.9f}".partition(".")
        places = places.rstrip("0")
        said = words.cardinal(int(whole)) + (words.decimal(places) if places else "")
    return words.negative(said) if exact < 0 else said


def ordinal(value: int, words: Words) -> str:
    """First, second, third; what has no ordinal (below one, from ``MAX_NUMBER`` on) is said as a number."""
    return words.ordinal(value) if 0 < value < MAX_NUMBER else number(value, words)


def money(amount: Decimal, currency: str, words: Words) -> str:
    """An amount, rounded to hundredths."""
    if abs(amount) >= MAX_NUMBER // 10:
        return f"{number(amount, words)} {words.digits(currency)}"
    major, _, minor = str(abs(amount).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)).partition(".")
    said = words.money(int(major), int(minor), currency)
    return words.negative(said) if amount < 0 and (int(major) or int(minor)) else said


def duration(seconds: float, words: Words) -> str:
    """About so long. To the minute under ten minutes, to five minutes above; under 45 s is less than a minute."""
    if seconds < 45:
        return words.duration(0)
    minutes = max(1, round(seconds / 60))
    return words.duration(minutes if minutes < 10 else 5 * round(minutes / 5))
