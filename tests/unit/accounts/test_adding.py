"""What a new user must have, and which skills anybody can be given."""

from collections.abc import Iterable

import pytest

from callcenter.accounts.adding import NewUser, add_user
from callcenter.calls.skills import Levels
from callcenter.errors import BadInput
from callcenter.ids import QueueName, UserId

pytestmark = pytest.mark.unit

QUEUES = frozenset({QueueName("sales")})
SKILLS = frozenset({"cantonese", "billing"})
PASSWORD = "eight or more"


class Kept:
    """A ``UserKeeper`` that keeps the last one."""

    def __init__(self) -> None:
        self.skills: dict[str, int] = {}
        self.password_hash = ""

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
        del username, name, role, extension, queues
        self.skills, self.password_hash = dict(skills or {}), password_hash
        return UserId(1)


async def test_skills_are_kept() -> None:
    """Those that the settings know, with their levels; of the password only a hash."""
    kept = Kept()
    new = NewUser("lina", "Li Na", "agent", "1001", frozenset({"sales"}), {"cantonese": 1, "billing": 4})
    await add_user(kept, new, PASSWORD, QUEUES, SKILLS)
    assert kept.skills == {"cantonese": 1, "billing": 4}
    assert kept.password_hash.startswith("$argon2")


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (SKILLS, "There is no skill german: there are billing, cantonese."),
        (frozenset[str](), "none in the settings"),
    ],
)
async def test_unknown_skills(known: frozenset[str], words: str) -> None:
    """Refused, with the names that there are."""
    new = NewUser("lina", "Li Na", "agent", "1001", frozenset({"sales"}), {"german": 5})
    with pytest.raises(BadInput) as refused:
        await add_user(Kept(), new, PASSWORD, QUEUES, known)
    assert words in refused.value.message


@pytest.mark.parametrize("level", [0, 6, -1])
async def test_a_level_is_from_1_to_5(level: int) -> None:
    """Whoever calls, not only the command line: a level that is none is refused and nothing is kept."""
    new = NewUser("lina", "Li Na", "agent", "1001", frozenset({"sales"}), {"billing": level, "cantonese": 2})
    kept = Kept()
    with pytest.raises(BadInput, match="level of billing must be a whole number from 1 to 5"):
        await add_user(kept, new, PASSWORD, QUEUES, SKILLS)
    assert kept.password_hash == ""
