"""What it is worth that agents serve more than one queue.

Three results to hold skill-based routing against, all for one service-time distribution everywhere:

- One line before all agents is never worse than separate lines before parts of them: D. R. Smith and W. Whitt,
  "Resource sharing for efficiency in traffic systems", Bell System Technical Journal 60(1), 1981. Both are Erlang C
  here. No rule with fewer skills beats the one line either, as it never has an agent idle while somebody waits.
- A little flexibility goes almost all the way, if it is in a chain (queue 1's agents also serve queue 2, those of 2
  also 3, ... the last ones also 1): W. C. Jordan and S. C. Graves, "Principles on the benefits of manufacturing
  process flexibility", Management Science 41(4), 1995.
- In call centres: agents with two skills each, in suitable pairs, serve almost as well as agents with all skills: R. B.
  Wallace and W. Whitt, "A staffing algorithm for call centers with skill-based routing", Manufacturing & Service
  Operations Management 7(4), 2005.

For waiting lines the last two are results of simulation ("almost"), not formulas, so what can be tested is the order
``pooled <= chained <= separate`` and the share of the gain that the chain reaches.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from callcenter.errors import BadInput
from callcenter.rehearsal.theory.erlang_c import ErlangC
from callcenter.rehearsal.theory.given import check_not_negative


@dataclass(frozen=True, slots=True)
class Group:
    """The agents of one queue, and its calls per second."""

    agents: int
    rate: float


def separate_wait(groups: Sequence[Group], service: float) -> float:
    """Mean wait of all calls, seconds, where each queue has its own agents. ``BadInput`` where a group can't keep
    up."""
    calls = _calls(groups)
    waits = (group.rate * ErlangC(group.agents, group.rate, service).mean_wait for group in groups)
    return sum(waits) / calls


def pooled_wait(groups: Sequence[Group], service: float) -> float:
    """Mean wait of all calls, seconds, where all agents serve all queues. ``BadInput`` where they can't keep up."""
    return ErlangC(sum(group.agents for group in groups), _calls(groups), service).mean_wait


def gain_reached(groups: Sequence[Group], service: float, wait: float) -> float:
    """The share of pooling's gain that a mean wait of all calls shows: 0 as with separate queues, 1 as pooled."""
    check_not_negative("wait", wait)
    apart, together = separate_wait(groups, service), pooled_wait(groups, service)
    if apart <= together:
        raise BadInput("there is nothing to gain: one group, or no waiting")
    return (apart - wait) / (apart - together)


def chain(queues: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The two skills of each queue's agents: their own queue, and the next one; the last one's next is the first."""
    if len(set(queues)) != len(queues) or len(queues) < 2:
        raise BadInput("a chain needs two or more queues, each once")
    return tuple(zip(queues, [*queues[1:], queues[0]], strict=True))


def _calls(groups: Sequence[Group]) -> float:
    for group in groups:
        check_not_negative("rate", group.rate)
    calls = sum(group.rate for group in groups)
    if calls <= 0:
        raise BadInput("there must be a group with calls")
    return calls
