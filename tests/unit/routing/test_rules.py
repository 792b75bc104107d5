"""The rules as data: what contradicts is said, what is kept is read back."""

import pytest

from callcenter.customers.customer import Tier
from callcenter.errors import BadInput
from callcenter.ids import QueueName
from callcenter.routing.rules import (
    Order,
    Promise,
    QueueRules,
    Relationship,
    RingRule,
    RoutingRules,
    Strategy,
    from_json,
    problems,
    to_json,
)

pytestmark = pytest.mark.unit

SALES, SUPPORT = QueueName("sales"), QueueName("support")
SHIPPED = dict(RoutingRules().promises)


def test_shipped_rules_are_good() -> None:
    """And promise what the project says."""
    assert list(problems(RoutingRules())) == []
    assert {
        Tier.VIP: Promise(10, 0.9),
        Tier.KEY: Promise(20, 0.8),
        Tier.REGULAR: Promise(30, 0.8),
        Tier.SMALL: Promise(60, 0.7),
    } == SHIPPED


def test_read_back() -> None:
    """Everything survives the record."""
    rules = RoutingRules(
        order=Order.STRICT,
        ceiling=500,
        queues={
            SALES: QueueRules(
                2,
                Strategy.LEAST_WORK,
                ("cantonese",),
                (RingRule(5, 1, frozenset({"b"}), frozenset({SUPPORT})),),
            ),
            SUPPORT: QueueRules(hard=True, rest=10),
        },
        relationship=Relationship(20, 10, 3),
        max_offers=2,
    )
    assert from_json(to_json(rules)) == rules
    assert from_json(to_json(RoutingRules())) == RoutingRules()


def queue(**rules: object) -> RoutingRules:
    """Rules with one queue's own."""
    return RoutingRules(queues={SALES: QueueRules(**rules), SUPPORT: QueueRules()})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (RoutingRules(promises={Tier.VIP: Promise(10)}), "promises: key, regular, small is missing"),
        (RoutingRules(promises={**SHIPPED, Tier.VIP: Promise(0)}), "vip: seconds must be more than 0"),
        (RoutingRules(promises={**SHIPPED, Tier.VIP: Promise(-5)}), "vip: seconds must be more than 0"),
        (
            RoutingRules(promises={**SHIPPED, Tier.VIP: Promise(float("nan"))}),
            "vip: seconds must be more than 0",
        ),
        (
            RoutingRules(promises={**SHIPPED, Tier.KEY: Promise(20, 1.2)}),
            "key: share must be between 0 and 1",
        ),
        (RoutingRules(promises={**SHIPPED, Tier.VIP: Promise(25)}), "the better tier would wait longer"),
        (RoutingRules(ceiling=30), "ceiling: 30 s is less than the longest promise (60 s)"),
        (RoutingRules(max_offers=0), "max_offers: must be 1 or more"),
        (RoutingRules(late_promise=-1), "late_promise: must be 0 or more"),
        (RoutingRules(relationship=Relationship(owner_wait=float("inf"))), "owner_wait: must be 0 or more"),
        (queue(weight=0), "queue sales: weight must be more than 0"),
        (queue(weight=-2), "queue sales: weight must be more than 0"),
        (queue(rest=10), "queue sales: rest has no meaning without hard"),
        (queue(hard=True, rest=1000), "queue sales: rest must be between 0 and 600"),
        (queue(rings=(RingRule(20), RingRule(10))), "rings must be in the order of their time"),
        (queue(rings=(RingRule(10), RingRule(10))), "rings must be in the order of their time"),
        (queue(rings=(RingRule(10, 2), RingRule(20, 1))), "a later ring must let in all"),
        (queue(rings=(RingRule(10, drop=frozenset({"a"})), RingRule(20))), "a later ring must let in all"),
        (queue(rings=(RingRule(10, also=frozenset({QueueName("nobody")})),)), "there is no queue nobody"),
        (queue(rings=(RingRule(10, lower=9),)), "lower must be between 0 and 4"),
        (queue(rings=tuple(RingRule(n) for n in range(9))), "at most 6 rings"),
    ],
)
def test_what_contradicts_is_said(rules: RoutingRules, said: str) -> None:
    """With its place, and refused when it is read back."""
    assert any(said in one for one in problems(rules)), list(problems(rules))
    if (
        "nan" not in to_json(rules).lower()
        and "null" not in to_json(rules)
        and "inf" not in to_json(rules).lower()
    ):
        with pytest.raises(BadInput):
            from_json(to_json(rules))


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"promises": 5}', '{"queues": {"sales": {"weight": "x"}}}', "null"]
)
def test_what_is_no_rules(text: str) -> None:
    """One clear error."""
    with pytest.raises(BadInput):
        from_json(text)


def test_slopes() -> None:
    """The weight over the promise, for named queues and for those that are not."""
    rules = queue(weight=2)
    assert rules.slope(SALES, Tier.VIP) == 0.2
    assert rules.slope(QueueName("other"), Tier.VIP) == 0.1
