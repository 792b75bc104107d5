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
from callcenter.routing.demand import Demand
from callcenter.routing.line import ClassKey, Line
from callcenter.routing.policy import RANKS, Waiting
from callcenter.routing.rules import Order, RoutingRules

Profile: TypeAlias = tuple[frozenset[QueueName], frozenset[tuple[str, int]]]
Staff: TypeAlias = Mapping[Profile, int]
"""How many agents serve the same queues with the same skills."""

LONGEST = 86400.0
"""Seconds; what takes longer is told as this."""
EXACT = 0.02
"""As a share of the wait; nobody is told seconds."""


def staff_of(agents: Iterable[Agent]) -> Staff:
    """The agents who work: ready, or busy and ready after it."""
    return Counter(
        (agent.queues, frozenset(agent.skills.items()))
        for agent in agents
        if agent.presence is Presence.READY
    )


def expected_wait(
    waiting: Waiting,
    now: float,
    line: Line,
    staff: Staff,
    handle_time: Callable[[QueueName], float],
    coming: Mapping[ClassKey, float],
) -> float | None:
    """Seconds from ``now``; None when no agent serves such calls. ``coming``: arrivals per second of each class. Who
    waits for somebody in particular is counted as if anybody might serve: that wait is short."""
    mine = _able(staff, waiting.general)
    agents = sum(staff[profile] for profile in mine)
    if agents == 0:
        return None
    weights: dict[tuple[QueueName, Demand], float] = {}

    def served_after(wait: float) -> float:
        """When the caller would be served, were everybody before who is before after so long."""
        work = handle_time(waiting.queue)
        before = dict[ClassKey, float](line.ahead(waiting, now + wait))
        for key, rate in coming.items():
            before[key] = before.get(key, 0.0) + rate * _window(waiting, now, wait, key, line.rules)
        for key, count in before.items():
            if (key.queue, key.demand) not in weights:
                weights[key.queue, key.demand] = handle_time(key.queue) * _share(staff, mine, key.demand)
            work += count * weights[key.queue, key.demand]
        return work / agents

    return _fixed_point(served_after)


def _able(staff: Staff, demand: Demand) -> set[Profile]:
    return {profile for profile in staff if _fits(profile, demand)}


def _fits(profile: Profile, demand: Demand) -> bool:
    queues, skills = profile
    levels = dict(skills)
    return not demand.queues.isdisjoint(queues) and all(
        levels.get(skill, 0) >= level for skill, level in demand.needs
    )


def _share(staff: Staff, mine: set[Profile], demand: Demand) -> float:
    """What part of another class's calls falls to those who can serve this caller."""
    if demand.only is not None:
        return 1.0  # waits for one person, who may well be one of these
    theirs = _able(staff, demand)
    both = sum(staff[profile] for profile in theirs & mine)
    return both / sum(staff[profile] for profile in theirs) if both else 0.0


def _window(waiting: Waiting, now: float, wait: float, key: ClassKey, rules: RoutingRules) -> float:
    """Within how many seconds from now they must come, of this class, to be ahead after ``wait``."""
    waited = now - waiting.arrived + wait
    if rules.order is Order.STRICT:
        return wait if RANKS[key.tier] < RANKS[waiting.tier] and not key.below else 0.0
    if key.below or waited >= rules.ceiling:
        return 0.0
    ratio = rules.slope(waiting.queue, waiting.tier) / rules.slope(key.queue, key.tier)
    return max(0.0, wait - ratio * waited)


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
