"""How long a caller who waits now will still wait, from the place in line.

With m agents who serve a line, all busy for s seconds per contact on average, contacts end at the rate m / s. A caller
with k others ahead is served at the (k + 1)-th end from now, so the wait is (k + 1) * s / m on average: exactly so for
exponential handle times (the wait in M/M/m given the place in line is Erlang distributed with k + 1 stages of rate
m / s; Whitt, "Predicting Queueing Delays", Management Science 45(6), 1999), and for others in heavy traffic.

Queues that share agents, skills and tiers are counted by the same rule. Of each class of callers whom the policy would
serve before this one (tiers and ageing decide that), only the part counts that falls to the agents who can serve this
one: with A the agents who can serve this caller and B those who can serve that class, |A & B| / |B| of it. So

    wait = (s + sum over the classes ahead of n * s' * |A & B| / |B|) / |A|

where s and s' are the mean handle times of the queues. What it leaves out: who comes later and overtakes, so low tiers
are told too little when many of the higher ones come; and agents who go on a break or come from one.
``callcenter.bench.waiting`` measures the error.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from callcenter.agents.states import Agent, Presence
from callcenter.ids import QueueName
from callcenter.routing.line import ClassKey
from callcenter.routing.policy import Waiting

Staff: TypeAlias = Mapping[tuple[frozenset[QueueName], frozenset[str]], int]
"""How many agents serve the same queues with the same skills."""


def staff_of(agents: Iterable[Agent]) -> Staff:
    """The agents who work: ready, or busy and ready after it."""
    return Counter((agent.queues, agent.skills) for agent in agents if agent.presence is Presence.READY)


def expected_wait(
    waiting: Waiting,
    ahead: Mapping[ClassKey, int],
    staff: Staff,
    handle_time: Callable[[QueueName], float],
) -> float | None:
    """Seconds from now; None when no agent serves such calls. ``ahead``: as ``Line.ahead`` counts them."""
    mine = [
        (queues, skills, count)
        for (queues, skills), count in staff.items()
        if waiting.queue in queues and waiting.skills <= skills
    ]
    agents = sum(count for _, _, count in mine)
    if agents == 0:
        return None
    work = handle_time(waiting.queue)
    for (queue, _, needed), count in ahead.items():
        shared = sum(n for queues, skills, n in mine if queue in queues and needed <= skills)
        if shared:
            able = sum(n for (queues, skills), n in staff.items() if queue in queues and needed <= skills)
            work += count * handle_time(queue) * shared / able
    return work / agents
