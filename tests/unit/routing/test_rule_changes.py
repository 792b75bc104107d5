"""What differs between two versions of the rules."""

import pytest

from callcenter.customers.customer import Tier
from callcenter.ids import QueueName
from callcenter.routing.rule_changes import change_words, changes, leaves, plain
from callcenter.routing.rules import Promise, QueueRules, RingRule, RoutingRules

pytestmark = pytest.mark.unit

SALES = QueueName("sales")
SHIPPED = RoutingRules()


def test_equal_rules_have_no_changes() -> None:
    """Also when numbers are written in another way, or sets in another order."""
    one = RingRule(5, 1, frozenset({"b", "a"}), frozenset({SALES}))
    other = RingRule(5.0, 1, frozenset({"a", "b"}), frozenset({SALES}))
    before, after = (RoutingRules(queues={SALES: QueueRules(rings=(ring,))}) for ring in (one, other))
    assert changes(before, after) == []


def test_each_change_has_its_place_and_both_values() -> None:
    """As the names are in the settings; a queue that is new is compared with the usual rules."""
    after = RoutingRules(
        promises={**SHIPPED.promises, Tier.VIP: Promise(8, 0.9)},
        ceiling=200,
        queues={SALES: QueueRules(weight=2, hard=True, rings=(RingRule(30, 1),))},
    )
    assert [change_words(one) for one in changes(SHIPPED, after)] == [
        "queues.sales: added",
        "promises.vip.seconds: 10 -> 8",
        "ceiling: 300 -> 200",
        "queues.sales.weight: 1 -> 2",
        'queues.sales.rings: [] -> [{"after": 30.0, "lower": 1, "drop": [], "also": []}]',
        "queues.sales.hard: false -> true",
    ]
    back = {change_words(one) for one in changes(after, SHIPPED)}
    assert {"queues.sales: removed", "queues.sales.weight: 2 -> 1", "ceiling: 200 -> 300"} < back


def test_long_values_are_shortened() -> None:
    """A line stays a line."""
    rings = tuple(RingRule(after, drop=frozenset({f"skill-{after}"})) for after in range(6))
    after = RoutingRules(queues={SALES: QueueRules(rings=rings)})
    assert max(len(change_words(one)) for one in changes(SHIPPED, after)) < 200


def test_every_rule_is_a_leaf() -> None:
    """Nothing that may be set is left out of the comparison."""
    places = {place for place, _ in leaves(plain(RoutingRules(queues={SALES: QueueRules()})))}
    assert {one[-1] for one in places if one[0] == "queues"} == set(QueueRules.__dataclass_fields__)
    assert {one[0] for one in places} == set(RoutingRules.__dataclass_fields__)
