"""What a place in the line asks of an agent, and how that widens as the wait grows.

A call waits first for the account's owner, then for the agent of the last contact, each for a set time and only while
they are at work; then for whoever is good enough, in rings that widen. A ring is a ``Demand`` from an instant on, so
at each instant a place has exactly one demand, and places with the same demand are served by the same agents.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from callcenter.calls.skills import Levels
from callcenter.ids import AgentId, QueueName
from callcenter.routing.rules import QueueRules, RingRule, RoutingRules, Strategy


@dataclass(frozen=True, slots=True)
class Demand:
    """Who may serve (``queues``: a member of any; ``needs``: all of them, at these levels at least; ``only``: nobody
    else; ``rested``: not right after a hard call), and who of them first (``strategy``, ``prefers``, ``hard``)."""

    queues: frozenset[QueueName]
    needs: tuple[tuple[str, int], ...] = ()
    prefers: tuple[str, ...] = ()
    strategy: Strategy = Strategy.LONGEST_IDLE
    only: AgentId | None = None
    bond: str = ""
    """Why ``only``: ``target``, ``owner`` or ``last_agent``."""
    rested: bool = False
    hard: bool = False
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Demands are keys of what is looked up for every decision."""
        what = (
            self.queues,
            self.needs,
            self.prefers,
            self.strategy,
            self.only,
            self.bond,
            self.rested,
            self.hard,
        )
        object.__setattr__(self, "_hash", hash(what))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Ring:
    """``demand`` holds from the instant ``at`` (monotonic seconds)."""

    at: float
    demand: Demand


@dataclass(frozen=True, slots=True)
class Wanted:
    """The people whom a caller should reach if that can be: the account's owner, the agent of the last contact (given
    only if recent enough), and whom somebody put the caller through to (``target``), waited for ``target_wait`` s."""

    owner: AgentId | None = None
    last_agent: AgentId | None = None
    target: AgentId | None = None
    target_wait: float = 0.0

    def without(self, bonds: Collection[str]) -> "Wanted":
        """As it is but for these (``owner``, ``last_agent``, ``target``)."""
        return Wanted(
            owner=None if "owner" in bonds else self.owner,
            last_agent=None if "last_agent" in bonds else self.last_agent,
            target=None if "target" in bonds else self.target,
            target_wait=self.target_wait,
        )


ANYBODY = Wanted()
Widening: TypeAlias = tuple[tuple[float, Demand], ...]
"""(Seconds waited, what is asked from then on)."""
Known: TypeAlias = dict[tuple[QueueName, tuple[tuple[str, int], ...]], Widening]
MOST_KNOWN = 10_000


def rings(
    queue: QueueName,
    needs: Levels,
    wanted: Wanted,
    *,
    rules: RoutingRules,
    arrived: float,
    now: float,
    at_work: Callable[[AgentId], bool],
    known: Known | None = None,
) -> tuple[Ring, ...]:
    """The rings of a place taken ``now`` (at least one, in the order of time, the first begins now). ``arrived``: since
    when the caller waits, which decides how wide the rings are already. ``at_work``: who is ready, or busy and ready
    after it: nobody waits for others. ``known``: a memory of what calls of a queue ask under these very rules."""
    chosen = rules.queue(queue)
    found: list[Ring] = []
    at = now
    for bond, agent_id, seconds in _people(wanted, rules):
        if seconds > 0 and at_work(agent_id) and all(ring.demand.only != agent_id for ring in found):
            found.append(Ring(at, demand_of(queue, needs, chosen, USUAL_RING, only=agent_id, bond=bond)))
            at += seconds
    widening = _known_widening(queue, needs, chosen, {} if known is None else known)
    first = next(i for i in reversed(range(len(widening))) if arrived + widening[i][0] <= at or i == 0)
    found.append(Ring(at, widening[first][1]))
    found.extend(Ring(arrived + after, demand) for after, demand in widening[first + 1 :])
    return tuple(found)


def _known_widening(queue: QueueName, needs: Levels, chosen: QueueRules, known: Known) -> Widening:
    """Made once for all calls that ask the same: the same demands are the same objects, and quickly compared."""
    key = (queue, tuple(sorted(needs.items())) if needs else ())
    found = known.get(key)
    if found is None:
        if len(known) >= MOST_KNOWN:
            known.clear()
        found = known[key] = tuple(_widening(queue, needs, chosen))
    return found


USUAL_RING = RingRule(after=0.0)


def demand_of(
    queue: QueueName,
    needs: Levels,
    chosen: QueueRules,
    ring: RingRule,
    *,
    only: AgentId | None = None,
    bond: str = "",
    rested: bool = False,
) -> Demand:
    """What a call of a queue asks within one ring."""
    return Demand(
        queues=frozenset({queue, *ring.also}),
        needs=tuple(
            sorted(
                (skill, max(1, level - ring.lower))
                for skill, level in needs.items()
                if skill not in ring.drop
            )
        ),
        prefers=chosen.prefers,
        strategy=chosen.strategy,
        only=only,
        bond=bond,
        rested=rested,
        hard=chosen.hard,
    )


def _people(wanted: Wanted, rules: RoutingRules) -> Iterator[tuple[str, AgentId, float]]:
    for bond, agent_id, seconds in (
        ("target", wanted.target, wanted.target_wait),
        ("owner", wanted.owner, rules.relationship.owner_wait),
        ("last_agent", wanted.last_agent, rules.relationship.last_agent_wait),
    ):
        if agent_id is not None:
            yield bond, agent_id, seconds


def _widening(queue: QueueName, needs: Levels, chosen: QueueRules) -> Iterator[tuple[float, Demand]]:
    """For whoever is good enough, by seconds waited; ``rest`` cuts into the ring that it ends in."""
    steps = list(chosen.rings)
    if not steps or steps[0].after > 0:
        steps.insert(0, USUAL_RING)
    rest = chosen.rest if chosen.hard else 0.0
    for here, after in zip(steps, [*(one.after for one in steps[1:]), float("inf")], strict=True):
        if here.after < rest:
            yield here.after, demand_of(queue, needs, chosen, here, rested=True)
        if rest < after:
            yield max(here.after, rest), demand_of(queue, needs, chosen, here)
