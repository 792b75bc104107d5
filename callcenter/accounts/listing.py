"""Users as the command line shows them: aligned columns for people, plain data for scripts."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.cells import cell_len

from callcenter.accounts.user import UserRow
from callcenter.calls.skills import words

HEADER = ("user", "name", "role", "phone", "queues", "skills", "")


def plain(user: UserRow) -> dict[str, Any]:
    """For JSON; nothing of the password."""
    return {
        "username": user.username,
        "name": user.name,
        "role": user.role,
        "extension": user.extension,
        "queues": sorted(user.queues),
        "skills": dict(user.skills),
        "active": user.active,
    }


def lines(users: Iterable[UserRow]) -> Iterator[str]:
    """A header and a line for each user; Chinese names are two cells a character, and still aligned."""
    rows = [HEADER, *(_row(user) for user in users)]
    widths = [max(cell_len(row[place]) for row in rows) for place in range(len(HEADER))]
    for row in rows:
        cells = (text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _row(user: UserRow) -> tuple[str, ...]:
    gone = "" if user.active else "may not log in"
    queues = ", ".join(sorted(user.queues))
    return (user.username, user.name, user.role, user.extension, queues, words(user.skills), gone)
