"""One finding, and how findings are shown."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Status = Literal["ok", "warning", "failed"]
_WIDTH = 9


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it is, and what to do. Never holds a secret.

    ``name`` is stable, for scripts. ``remedy`` is empty only where nothing needs to be done.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""


def ok(name: str, found: str) -> Check:
    """As it should be."""
    return Check(name, "ok", found)


def warning(name: str, found: str, remedy: str) -> Check:
    """Calls will work; something should be better, or could not be tried."""
    return Check(name, "warning", found, remedy)


def failed(name: str, found: str, remedy: str) -> Check:
    """Calls will not work as they should."""
    return Check(name, "failed", found, remedy)


def good(checks: Sequence[Check]) -> bool:
    """Nothing failed."""
    return all(check.status != "failed" for check in checks)


def as_text(checks: Sequence[Check]) -> str:
    """A line for each check, what to do under it, and a line to close."""
    lines = []
    for check in checks:
        lines.append(f"{check.status:<{_WIDTH}}{check.name}: {_plain(check.found)}")
        if check.remedy:
            lines.append(f"{'':<{_WIDTH}}-> {_plain(check.remedy)}")
    count = {status: sum(check.status == status for check in checks) for status in ("failed", "warning")}
    verdict = "Good" if good(checks) else "Not good"
    lines.append(f"{verdict}: {len(checks)} checks, {count['failed']} failed, {count['warning']} warnings.")
    return "\n".join(lines)


def as_json(checks: Sequence[Check]) -> str:
    """One JSON object: ``{"checks": [...], "good": ...}``."""
    return json.dumps(
        {"checks": [asdict(check) for check in checks], "good": good(checks)}, ensure_ascii=False
    )


def _plain(text: str) -> str:
    """Asterisk's words are shown on a terminal: no control characters, one line."""
    return "".join(c if c.isprintable() else " " for c in text)
