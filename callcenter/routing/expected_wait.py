"""How long a caller who waits now will still wait, from the place in line.

With m agents who serve a line, all busy for s seconds per contact on average, contacts end at the rate m / s. A caller
with k others ahead is served at the (k + 1)-th end from now, so the wait is (k + 1) * s / m on average: exactly so for
exponential handle times (the wait in M/M/m given the place in line is Erlang distributed with k + 1 stages of rate
m / s; Whitt, "Predicting Queueing Delays", Management Science 45(6), 1999), and for others in heavy traffic.

Tiers age at different speeds, so who is ahead now is not who is served before: a VIP who joins last overtakes. The wait
W is therefore the one that agrees with itself. Ahead are those who wait now and will be before this caller in W
seconds, and of those who will come, at the rate at which each class came lately, the ones who will have overtaken by
then: of a class with the promise p', who come within W - (p' / p) * (x + W) seconds, where p is this caller's promise
and x the time waited already (the accumulating priority queue of Kleinrock, "A delay dependent queue discipline", Naval
Research Logistics Quarterly 11, 1964). Beyond the policy's ceiling nobody overtakes.

Queues that share agents, and skills, are counted by the same rule: of each class ahead only the part counts that falls
to the agents who can serve this caller. With A the agents who can serve this caller and B those who can serve that
class, that is |A & B| / |B| of it. So

    W = (s + sum over the classes of (waiting ahead + coming ahead) * s' * |A & B| / |B|) / |A|

where s and s' are the mean handle times of the queues. Agents who go on a break or come from one are not foreseen.
``callcenter.bench.waiting`` measures the error.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from callcenter.agents.states import Agent, Presence
from callcenter.ids import QueueName
from callcenter.routing.line import ClassKey, Line
from callcenter.routing.policy import LinePolicy, Waiting

Staff: TypeAlias = Mapping[tuple[frozenset[QueueName], frozenset[str]], int]
"""How many agents serve the same queues with the same skills."""

LONGEST = 86400.0
"""Seconds; what takes longer is told as this."""
EXACT = 0.02
"""As a share of the wait; nobody is told seconds."""


def staff_of(agents: Iterable[Agent]) -> Staff:
    """The agents who work: ready, or busy and ready after it."""
    return Counter((agent.queues, agent.skills) for agent in agents if agent.presence is Presence.READY)


def expected_wait(
    waiting: Waiting,
    now: float,
    line: Line,
    staff: Staff,
    handle_time: Callable[[QueueName], float],
    coming: Mapping[ClassKey, float],
) -> float | None:
    """Seconds from ``now``; None when no agent serves such calls. ``coming``: arrivals per second of each class."""
    agents = able(staff, waiting.queue, waiting.skills)
    if agents == 0:
        return None
    weights: dict[tuple[QueueName, frozenset[str]], float] = {}

    def served_after(wait: float) -> float:
        """When the caller would be served, were everybody before who is before after so long."""
        work = handle_time(waiting.queue)
        before = dict[ClassKey, float](line.ahead(waiting, now + wait))
        for key, rate in coming.items():
            before[key] = before.get(key, 0.0) + rate * _window(waiting, now, wait, key, line.policy)
        for (queue, _, skills), count in before.items():
            if (queue, skills) not in weights:
                weights[queue, skills] = handle_time(queue) * _share(staff, waiting, queue, skills)
            work += count * weights[queue, skills]
        return work / agents

    return _fixed_point(served_after)


def able(staff: Staff, queue: QueueName, skills: frozenset[str]) -> int:
    """How many agents can serve such calls."""
    return sum(n for (queues, having), n in staff.items() if queue in queues and skills <= having)


def _share(staff: Staff, waiting: Waiting, queue: QueueName, skills: frozenset[str]) -> float:
    """What part of another class's calls falls to those who can serve this caller."""
    can = [
        (n, queues, having) for (queues, having), n in staff.items() if queue in queues and skills <= having
    ]
    both = sum(n for n, queues, having in can if waiting.queue in queues and waiting.skills <= having)
    return both / sum(n for n, _, _ in can) if both else 0.0


def _window(waiting: Waiting, now: float, wait: float, key: ClassKey, policy: LinePolicy) -> float:
    """Within how many seconds from now they must come, of this class, to be ahead after ``wait``."""
    waited = now - waiting.arrived + wait
    if waited >= policy.ceiling:
        return 0.0
    return max(0.0, wait - policy.promises[key[1]] / policy.promises[waiting.tier] * waited)


def _fixed_point(served_after: Callable[[float], float]) -> float:
    """The wait that gives itself, by halving."""
    low, high = 0.0, served_after(0.0)
    while high < LONGEST and served_after(high) > high * (1 + EXACT / 2):
        low, high = high, high * 2
    if low == 0.0 and served_after(high) >= high * (1 - EXACT / 2):
        return min(high, LONGEST)
    while high - low > EXACT * high:
        middle = (low + high) / 2
        if served_after(middle) > middle:
            low = middle
        else:
            high = middle
    return min(high, LONGEST)
