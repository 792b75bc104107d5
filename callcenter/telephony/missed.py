"""What the fallback branch of the dialplan wrote into Asterisk's database, read strictly.

The form is fixed by ``config/asterisk/extensions_callcenter.conf``; a note in any other form is no note.
"""

import re

from callcenter.asterisk.ami.messages import Event
from callcenter.calls.ports import MissedCall
from callcenter.ids import CallId

FAMILY = "callcenter"
TREE = "missed"

_KEY = re.compile(r"/callcenter/(missed/[A-Za-z0-9][A-Za-z0-9._-]{0,149})")
_FIELDS = (
    ("call", r"[0-9a-f]{32}|"),
    ("did", r"[0-9*#+]{0,40}"),
    ("number", r"[0-9*#+]{0,40}"),
    ("arrived", r"[0-9]{1,12}|"),
    ("stage", r"[a-z]{0,20}"),
    ("queue", r"[0-9a-zA-Z_-]{0,80}"),
    ("dial", r"[A-Z]{0,20}"),
    ("answered", r"[0-9]{1,12}|"),
    ("agent", r"[0-9a-zA-Z_./@-]{0,120}"),
    ("queuestatus", r"[A-Z]{0,20}"),
    ("ended", r"[0-9]{1,12}|"),
)
_NOTE = re.compile(r"v1\|" + r"\|".join(f"{name}=(?P<{name}>{form})" for name, form in _FIELDS))


def parse(item: Event) -> MissedCall | None:
    """One item of the answer to DBGetTree; None when it isn't a note in our form."""
    key = _KEY.fullmatch(item.get("Key"))
    note = _NOTE.fullmatch(item.get("Val"))
    if item.name != "DBGetTreeResponse" or key is None or note is None:
        return None
    return MissedCall(
        key=key[1],
        call_id=CallId(note["call"]) if note["call"] else None,
        did=note["did"],
        number=note["number"],
        arrived=int(note["arrived"] or 0),
        stage=note["stage"],
        queue=note["queue"],
        dial_status=note["dial"],
        answered=int(note["answered"] or 0),
        agent_phone=note["agent"],
        queue_status=note["queuestatus"],
        ended=int(note["ended"] or 0),
    )
