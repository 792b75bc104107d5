"""What a new user must have, and which skills anybody can be given."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from argon2 import PasswordHasher

from callcenter.calls.skills import BEST, Levels, levels_of
from callcenter.errors import BadInput
from callcenter.ids import QueueName, UserId

ROLES = ("agent", "supervisor", "admin")
USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
EXTENSION = re.compile(r"[0-9A-Za-z]{0,32}")
SHORTEST_PASSWORD = 8
"""Characters; NIST SP 800-63B's minimum for a secret that people choose."""
LONGEST_PASSWORD = 256


@dataclass(frozen=True, slots=True)
class NewUser:
    """As an admin asks for it."""

    username: str
    name: str
    role: str
    extension: str
    queues: frozenset[str]
    skills: Levels = field(default_factory=dict, hash=False)


def checked(
    new: NewUser,
    password: str,
    known_queues: frozenset[QueueName],
    known_skills: frozenset[str] = frozenset(),
) -> NewUser:
    """The user, if it can be added; raises ``BadInput`` saying what would be right."""
    if not USERNAME.fullmatch(new.username):
        raise BadInput("A user name has 1 to 40 letters, digits, dots, dashes or underscores, such as li.na.")
    if new.role not in ROLES:
        raise BadInput(f"There is no role {new.role!r}: choose {', '.join(ROLES)}.")
    if not EXTENSION.fullmatch(new.extension):
        raise BadInput("An extension has letters and digits only, such as 1001.")
    if not new.name.isprintable() or len(new.name) > 80:
        raise BadInput("A name has at most 80 characters, on one line.")
    if unknown := new.queues - known_queues:
        raise BadInput(
            f"There is no queue {', '.join(sorted(unknown))}: there are {', '.join(sorted(known_queues))}."
        )
    check_skills(new.skills, known_skills)
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadInput(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    return new


def check_skills(skills: Levels, known: Collection[str]) -> None:
    """Raises ``BadInput`` for skills that the settings don't name, and for levels that are none."""
    if unknown := sorted(skills.keys() - set(known)):
        there = ", ".join(sorted(known)) or "none in the settings yet"
        raise BadInput(f"There is no skill {', '.join(unknown)}: there are {there}.")
    if wrong := sorted(skills.keys() - levels_of(skills).keys()):
        raise BadInput(f"The level of {', '.join(wrong)} must be a whole number from 1 to {BEST}.")


class UserKeeper(Protocol):
    """What is needed of the storage."""

    async def add(
        self,
        username: str,
        name: str,
        role: str,
        password_hash: str,
        *,
        extension: str = "",
        queues: Iterable[QueueName] = (),
        skills: Levels | None = None,
    ) -> UserId:
        """Keep a new user; raises ``Conflict`` when the name is taken."""


async def add_user(
    users: UserKeeper,
    new: NewUser,
    password: str,
    known_queues: frozenset[QueueName],
    known_skills: frozenset[str] = frozenset(),
) -> UserId:
    """Check and keep; the password is kept as an argon2 hash only. Raises ``BadInput``, ``Conflict``."""
    checked(new, password, known_queues, known_skills)
    return await users.add(
        new.username,
        new.name,
        new.role,
        PasswordHasher().hash(password),
        extension=new.extension,
        queues=[QueueName(queue) for queue in sorted(new.queues)],
        skills=new.skills,
    )
