"""The caller's number as it came in, and the E.164 form that customers are found by."""

import enum
import re
from dataclasses import dataclass

import phonenumbers

SAFE = re.compile(r"\+?[0-9*#]{1,32}")
"""What may count as a number at all; anything else that SIP brought makes the caller anonymous."""

WITHHELD = frozenset(
    {"", "anonymous", "unknown", "unavailable", "restricted", "private", "asterisk", "withheld"}
)
SHORT_CODE_DIGITS = 6
"""Numbers up to this length are extensions or short codes and have no country."""


class NumberKind(enum.StrEnum):
    """What sort of number the caller sent."""

    E164 = "e164"
    SHORT = "short"
    WITHHELD = "withheld"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class CallerNumber:
    """``raw``: what the trunk sent, safe to show; ``key``: what to look up (E.164 with ``+``, or the short
    code), empty when there is nothing to look up."""

    kind: NumberKind
    raw: str
    key: str

    def masked(self) -> str:
        """For eyes that need not know it: the last two digits only."""
        return f"***{self.key[-2:]}" if self.key else ""


def load_all_regions() -> None:
    """Read the numbering plans of all countries now (0.3 s): the library would read each from disk at the first caller
    from there, in the middle of everybody's calls."""
    phonenumbers.PhoneMetadata.load_all()


def normalise(raw: str, region: str) -> CallerNumber:
    """Read a number as the trunk sent it; ``region`` (ISO 3166 such as ``CN``) is where numbers without a
    country code belong. Never raises: what can't be read is malformed, and says so."""
    text = raw.strip()
    if text.casefold() in WITHHELD:
        return CallerNumber(NumberKind.WITHHELD, "", "")
    if not SAFE.fullmatch(text):
        return CallerNumber(NumberKind.MALFORMED, "", "")
    digits = text.lstrip("+")
    if not text.startswith("+") and len(digits) <= SHORT_CODE_DIGITS:
        return CallerNumber(NumberKind.SHORT, text, text)
    if not digits.isdecimal():
        # The library reads past a star: a caller could pass for a customer whose number has the same digits.
        return CallerNumber(NumberKind.MALFORMED, text, "")
    for candidate in (text, f"+{digits[2:]}") if digits.startswith("00") else (text,):
        try:
            parsed = phonenumbers.parse(candidate, region)
        except phonenumbers.NumberParseException:
            continue
        key = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        if phonenumbers.is_possible_number(parsed) and _reads_the_same(key):
            return CallerNumber(NumberKind.E164, text, key)
    return CallerNumber(NumberKind.MALFORMED, text, "")


def _reads_the_same(key: str) -> bool:
    """Some rows of digits lose more of them with each reading (zeros, carriers' codes): they are nobody's number, and
    must not be looked up as another's."""
    try:
        again = phonenumbers.parse(key, None)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.format_number(again, phonenumbers.PhoneNumberFormat.E164) == key
