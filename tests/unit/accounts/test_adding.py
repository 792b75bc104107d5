"""What a new user must have."""

from collections.abc import Iterable

import pytest

from callcenter.accounts.adding import NewUser, add_user
from callcenter.errors import BadInput
from callcenter.ids import QueueName, UserId

pytestmark = pytest.mark.unit

QUEUES = frozenset({QueueName("sales")})
SKILLS = frozenset({"cantonese", "billing"})
PASSWORD = "eight or more"


class Kept:
    """A ``UserKeeper`` that keeps the last one."""

    def __init__(self) -> None:
        self.skills: list[str] = []
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
        skills: Iterable[str] = (),
    ) -> UserId:
        del username, name, role, extension, queues
        self.skills, self.password_hash = list(skills), password_hash
        return UserId(1)


async def test_skills_are_kept() -> None:
    """Those that the settings know; of the password only a hash."""
    kept = Kept()
    new = NewUser("lina", "Li Na", "agent", "1001", frozenset({"sales"}), frozenset({"cantonese", "billing"}))
    await add_user(kept, new, PASSWORD, QUEUES, SKILLS)
    assert kept.skills == ["billing", "cantonese"]
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
    new = NewUser("lina", "Li Na", "agent", "1001", frozenset({"sales"}), frozenset({"german"}))
    with pytest.raises(BadInput) as refused:
        await add_user(Kept(), new, PASSWORD, QUEUES, known)
    assert words in refused.value.message
