"""The patterns that words must match before they become part of an order to Asterisk.

Asterisk reads some marks inside an argument (``&`` is another phone, ``,`` another argument, ``${`` a variable), so
being free of line breaks is not enough. All functions raise ``BadInput`` and never repeat the text.
"""

import re

from callcenter.errors import BadInput
from callcenter.ids import CallId

CALL_ID = re.compile(r"[0-9a-f]{32}")
UNIQUE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,149}")
NUMBER = re.compile(r"\+?[0-9*#]{1,32}")

_DIAL_STRING = re.compile(
    r"(?:PJSIP|SIP|IAX2|Local)/[A-Za-z0-9+*#][A-Za-z0-9+*#_-]{0,63}(?:@[A-Za-z0-9_-]{1,64})?(?:/n)?"
)
_CONTEXT = re.compile(r"[A-Za-z0-9_-]{1,80}")
_SUBROUTINE = re.compile(r"[A-Za-z0-9_-]{1,80}\^[A-Za-z0-9_-]{1,80}\^[0-9]{1,3}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_VALUE = re.compile(r"[A-Za-z0-9_.:@/+*# -]{0,200}")
_RECORDING = re.compile(r"/[A-Za-z0-9_./@+~=-]{1,300}\.(?:wav|WAV|gsm|ulaw|alaw)")


def number(text: str) -> str:
    """A number that may be dialled."""
    return _matching(NUMBER, text, "number")


def dial_string(text: str) -> str:
    """One phone, as Dial and Originate take it: ``PJSIP/1001``, ``Local/1001@from-queue/n``."""
    return _matching(_DIAL_STRING, text, "phone")


def subroutine(text: str) -> str:
    """A subroutine as Dial's option ``b`` takes it: ``context^extension^priority``."""
    return _matching(_SUBROUTINE, text, "subroutine")


def context(text: str) -> str:
    """A context as Dial's option ``U`` takes it: its extension ``s`` is run."""
    return _matching(_CONTEXT, text, "context")


def variable(name: str) -> str:
    """A channel variable's own name: no function, no inheritance marks."""
    return _matching(_VARIABLE, name, "variable name")


def value(text: str) -> str:
    """A channel variable's value that we made."""
    return _matching(_VALUE, text, "variable value")


def recording(path: str) -> str:
    """An absolute path of a sound file to be written."""
    if ".." in path:
        raise BadInput("A recording's path can't climb.")
    return _matching(_RECORDING, path, "recording path")


def call_id(text: str) -> CallId | None:
    """Our own id of a call, if this is one."""
    return CallId(text) if CALL_ID.fullmatch(text) else None


def unknown_as_empty(text: str) -> str:
    """Asterisk's words for a number or name that it doesn't have."""
    return "" if text in {"<unknown>", "<null>", "unknown"} else text


def member_name(text: str) -> str:
    """A person's name that app_queue can keep: it stores members in one line with marks of its own."""
    return " ".join("".join(c if c.isprintable() and c not in ';|,"\\' else " " for c in text).split())[:80]


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise BadInput(f"This can't be a {what}.")
    return text
