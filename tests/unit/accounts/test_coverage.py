"""What is missing among the people: each finding, and who counts."""

import pytest

from callcenter.accounts.coverage import (
    Coverage,
    able,
    agents_without_queue,
    coverage,
    queues_without_agent,
    skills_nobody_has,
)
from callcenter.accounts.user import UserRow
from callcenter.calls.skills import parse_levels
from callcenter.ids import QueueName, UserId

pytestmark = pytest.mark.unit

SALES, SUPPORT, CLAIMS = QueueName("sales"), QueueName("support"), QueueName("claims")
QUEUES = (SUPPORT, SALES, CLAIMS)
SKILLS = ("german", "billing", "cantonese")


def user(name: str, queues: str, skills: str = "", *, role: str = "agent", active: bool = True) -> UserRow:
    """Queues by blanks, skills as people write them."""
    served = frozenset(QueueName(queue) for queue in queues.split())
    return UserRow(UserId(1), name, name, role, "", queues=served, skills=parse_levels(skills), active=active)


ANN = user("ann", "sales support", "billing=4")
BO = user("bo", "support", "billing=2, cantonese=5")


def test_nothing_is_missing() -> None:
    """Two who have and serve all."""
    found = coverage([ANN, BO], ("billing", "cantonese"), (SALES, SUPPORT))
    assert found == Coverage()
    assert found.good


def test_all_findings() -> None:
    """Sorted, whatever the order of users and settings."""
    idle = user("zoe", "", "german")
    lost = user("cy", "old", "chess, billing")
    found = coverage([idle, lost, BO, ANN], SKILLS, QUEUES)
    assert not found.good
    assert found == Coverage(
        skills_nobody_has=("german",),
        queues_without_agent=(CLAIMS,),
        agents_without_queue=("cy", "zoe"),
        unknown_skills=(("cy", "chess"),),
        unknown_queues=(("cy", QueueName("old")),),
    )


@pytest.mark.parametrize(
    "nobody",
    [
        user("gone", "claims", "german", active=False),
        user("boss", "claims", "german", role="supervisor"),
        user("root", "claims", "german", role="admin"),
    ],
    ids=lambda one: str(one.username),
)
def test_who_does_not_count(nobody: UserRow) -> None:
    """Who may not log in, and who serves only now and then, covers nothing and is no finding either."""
    assert skills_nobody_has([nobody, ANN, BO], SKILLS, QUEUES) == ["german"]
    assert queues_without_agent([nobody, ANN, BO], QUEUES) == [CLAIMS]
    assert agents_without_queue([nobody], [SALES]) == []
    assert able([nobody], CLAIMS, {"german": 1}) == []


def test_a_skill_in_no_queue_is_nobodys() -> None:
    """A skill helps only where its owner serves one of the queues."""
    assert skills_nobody_has([BO], SKILLS, [SALES]) == sorted(SKILLS)
    assert skills_nobody_has([BO], SKILLS, [SUPPORT]) == ["german"]


def test_nobody_at_all() -> None:
    """An empty house lacks everything."""
    assert coverage([], SKILLS, QUEUES) == Coverage(tuple(sorted(SKILLS)), tuple(sorted(QUEUES)))


@pytest.mark.parametrize(
    ("queue", "needs", "names"),
    [
        (SUPPORT, "", ["ann", "bo"]),
        (SUPPORT, "billing=2", ["ann", "bo"]),
        (SUPPORT, "billing=3", ["ann"]),
        (SUPPORT, "billing=2, cantonese=5", ["bo"]),
        (SUPPORT, "billing=5", []),
        (SALES, "cantonese", []),
        (CLAIMS, "", []),
    ],
)
def test_able(queue: QueueName, needs: str, names: list[str]) -> None:
    """Of the queue, and each level at least."""
    assert [one.username for one in able([ANN, BO], queue, parse_levels(needs))] == names
