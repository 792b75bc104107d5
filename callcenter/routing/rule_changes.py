"""What differs between two versions of the rules, piece by piece: pages and the command line have the words."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from callcenter.ids import QueueName
from callcenter.routing.rules import RoutingRules, to_json

Place: TypeAlias = tuple[str, ...]
"""Where in the rules: ``("promises", "vip", "seconds")``, ``("queues", "sales", "rings")``, ``("ceiling",)``."""

LONGEST = 120
"""Characters of one value in words."""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One difference, as JSON has the values. For a queue as a whole (``("queues", "sales")``) the values say whether
    it is named."""

    place: Place
    before: Any
    after: Any


def plain(rules: RoutingRules) -> dict[str, Any]:
    """The rules as JSON has them, the same for the same rules: sets are in order."""
    data: dict[str, Any] = json.loads(to_json(rules))
    for queue in data["queues"].values():
        for ring in queue["rings"]:
            ring["drop"].sort()
            ring["also"].sort()
    return data


def leaves(data: Mapping[str, Any], above: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every single rule of ``plain`` with its place."""
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*above, name))
        else:
            yield (*above, name), value


def changes(before: RoutingRules, after: RoutingRules) -> list[RuleChange]:
    """All of them, in the order of the rules. A queue that only one of them names is compared with the usual rules."""
    named = {*before.queues, *after.queues}
    old, new = (dict(leaves(_with_all(rules, named))) for rules in (before, after))
    found = [
        RuleChange(("queues", name), name in before.queues, name in after.queues)
        for name in sorted(named)
        if (name in before.queues) != (name in after.queues)
    ]
    found += [
        RuleChange(place, old.get(place), new.get(place))
        for place in {**old, **new}
        if old.get(place) != new.get(place)
    ]
    return found


def change_words(change: RuleChange) -> str:
    """``promises.vip.seconds: 10 -> 8``, as the names are in the settings."""
    place = ".".join(change.place)
    if isinstance(change.before, bool) and len(change.place) == 2:
        return f"{place}: {'added' if change.after else 'removed'}"
    return f"{place}: {value_words(change.before)} -> {value_words(change.after)}"


def value_words(value: Any) -> str:
    """One value, shortened where it is long."""
    if isinstance(value, float):
        return f"{value:g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _with_all(rules: RoutingRules, named: set[QueueName]) -> dict[str, Any]:
    return plain(replace(rules, queues={name: rules.queue(name) for name in sorted(named)}))
