"""What somebody asks to rehearse, as the command line's options say it, and the plan that it means."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from callcenter.errors import BadInput
from callcenter.ids import QueueName
from callcenter.rehearsal.plan import Day, Group, Plan, Stream, TalkKind
from callcenter.rehearsal.scenario import parse_agents, parse_tiers, read, staff_of, stream
from callcenter.routing.rules import RoutingRules


@dataclass(frozen=True, slots=True)
class Asked:
    """``agents`` serve every queue (0: as ``agents_per_queue``, a text such as ``support=12,billing=6``, or the file
    ``scenario`` says). The others are a steady load of one queue, for when there is no file. ``patience``: mean
    seconds, 0 means that nobody hangs up."""

    agents: int = 0
    agents_per_queue: str = ""
    calls_per_hour: float = 0.0
    talk: float = 180.0
    talk_kind: str = TalkKind.EXPONENTIAL
    wrap_up: float = 0.0
    patience: float = 0.0
    tiers: str = "regular=1"
    queue: str = "support"
    scenario: Path | None = None


def plan_of(asked: Asked, rules: RoutingRules, days: Sequence[Day] = ()) -> Plan:
    """The plan, for recorded ``days`` when there are some. Raises ``BadInput``."""
    if days:
        queues = frozenset(one.queue for day in days for one in day.contacts)
        return Plan(_groups(asked, queues) or _of_file(asked), (), rules, days=tuple(days))
    if asked.scenario is not None:
        plan = read(asked.scenario, rules)
        return replace(plan, groups=_groups(asked, plan.queues) or plan.groups)
    one = stream_of(asked)
    groups = _groups(asked, frozenset({one.queue}))
    if not groups:
        raise BadInput(
            f"The number of agents must be 1 or more, not {asked.agents}: for example --agents 20."
        )
    return Plan(groups, (one,), rules)


def stream_of(asked: Asked) -> Stream:
    """The steady load of one queue that the options say. Raises ``BadInput``."""
    if asked.talk_kind not in set(TalkKind):
        kinds = " or ".join(TalkKind)
        raise BadInput(f"Talks are {kinds}, not “{asked.talk_kind[:30]}”.")
    return stream(
        QueueName(asked.queue),
        asked.calls_per_hour,
        asked.talk,
        parse_tiers(asked.tiers),
        talk_kind=TalkKind(asked.talk_kind),
        wrap_up=asked.wrap_up,
        patience=asked.patience,
    )


def _groups(asked: Asked, queues: frozenset[QueueName]) -> tuple[Group, ...]:
    """Those of the options; none when they don't say."""
    if asked.agents < 0:
        raise BadInput(f"The number of agents can't be {asked.agents}.")
    if asked.agents and asked.agents_per_queue:
        raise BadInput("Either --agents, who serve every queue, or --agents-per-queue: not both.")
    if asked.agents_per_queue:
        counts = parse_agents(asked.agents_per_queue)
        return tuple(Group((count,), frozenset({queue})) for queue, count in counts.items())
    return (Group((asked.agents,), queues),) if asked.agents else ()


def _of_file(asked: Asked) -> tuple[Group, ...]:
    if asked.scenario is None:
        raise BadInput(
            "Say who answers: --agents 20, --agents-per-queue support=12,billing=6, or a --scenario file."
        )
    return staff_of(asked.scenario)
