"""Are there people for everything: skills that nobody has, queues without an agent, agents without a queue.

All of it is about active users whose role is agent: others serve only when they choose to.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from callcenter.accounts.user import UserRow
from callcenter.calls.skills import Levels
from callcenter.ids import QueueName


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is missing; all empty when nothing is. Skills, queues and agents (log-in names) are sorted."""

    skills_nobody_has: tuple[str, ...] = ()
    queues_without_agent: tuple[QueueName, ...] = ()
    agents_without_queue: tuple[str, ...] = ()
    unknown_skills: tuple[tuple[str, str], ...] = ()
    """(Agent, skill) where the settings don't name that skill any more."""
    unknown_queues: tuple[tuple[str, QueueName], ...] = ()

    @property
    def good(self) -> bool:
        """Is there somebody for everything, and something for everybody?"""
        return self == Coverage()


def coverage(users: Iterable[UserRow], skills: Collection[str], queues: Collection[QueueName]) -> Coverage:
    """All findings at once; ``skills`` and ``queues`` are those that the settings name."""
    agents = serving(users)
    return Coverage(
        tuple(skills_nobody_has(agents, skills, queues)),
        tuple(queues_without_agent(agents, queues)),
        tuple(agents_without_queue(agents, queues)),
        tuple(sorted((one.username, skill) for one in agents for skill in one.skills.keys() - set(skills))),
        tuple(sorted((one.username, queue) for one in agents for queue in one.queues - set(queues))),
    )


def serving(users: Iterable[UserRow]) -> list[UserRow]:
    """The active agents among the users."""
    return [user for user in users if user.active and user.role == "agent"]


def skills_nobody_has(
    users: Iterable[UserRow], settings_skills: Iterable[str], queues: Collection[QueueName]
) -> list[str]:
    """Skills that no active agent of any of these queues has: who serves no queue helps nobody."""
    had = {skill for user in serving(users) if user.queues & set(queues) for skill in user.skills}
    return sorted(set(settings_skills) - had)


def queues_without_agent(users: Iterable[UserRow], queues: Iterable[QueueName]) -> list[QueueName]:
    """Queues that no active agent serves."""
    served = {queue for user in serving(users) for queue in user.queues}
    return sorted(set(queues) - served)


def agents_without_queue(users: Iterable[UserRow], queues: Collection[QueueName]) -> list[str]:
    """Active agents, by log-in name, who are in none of these queues."""
    return sorted(user.username for user in serving(users) if not user.queues & set(queues))


def able(users: Iterable[UserRow], queue: QueueName, needs: Levels) -> list[UserRow]:
    """The active agents of a queue who have all of these levels or better: none of them, and a call that needs them
    waits until a ring asks less."""
    return [
        user
        for user in serving(users)
        if queue in user.queues and all(user.skills.get(skill, 0) >= level for skill, level in needs.items())
    ]
