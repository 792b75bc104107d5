"""Who calls in a demo, what they press, how long they stay: drawn from the sample customers, the same for a seed."""

import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from callcenter.rig.callers import CallPlan

LINE = "4001"
"""The number that the demo's callers dial."""
LANGUAGE_AT, MENU_AT = 1.2, 2.6
"""Seconds after the answer at which callers press: during the greeting, and during the menu."""
QUEUES = {"1": "sales", "2": "support", "3": "complaints", "0": "support"}
IMPATIENT = 0.04
WITHHELD = 0.03
UNKNOWN = 0.10
WRONG_KEY_FIRST = 0.06


@dataclass(frozen=True)
class Known:
    """A number of the sample data: whose it is (one or several), their tier, the language they speak."""

    number: str
    customer_ids: tuple[int, ...]
    name: str
    tier: str
    language: str


@dataclass(frozen=True)
class Expected:
    """What must come of one call. ``match`` is the pop's kind, ``customer_id`` who must be on it."""

    plan: CallPlan
    match: str
    customer_id: int | None
    name: str
    tier: str
    choice: str
    queue: str
    gives_up: bool

    @property
    def key(self) -> str:
        """By what the call is found again in what the processes saw: the number, or the name if it is withheld."""
        return self.plan.number if self.match != "withheld" else self.plan.name


def known_numbers(database: Path) -> list[Known]:
    """The sample's numbers that a trunk could send, each once."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        rows = connection.execute(
            "SELECT n.number_key, c.id, c.name, c.tier, c.language FROM customer_numbers n"
            " JOIN customers c ON c.id = n.customer_id WHERE n.number_key LIKE '+%' ORDER BY n.number_key, c.id"
        ).fetchall()
    finally:
        connection.close()
    found: dict[str, Known] = {}
    for number, customer_id, name, tier, language in rows:
        before = found.get(number)
        ids = (*before.customer_ids, customer_id) if before else (customer_id,)
        found[number] = Known(number, ids, before.name if before else name, tier, language)
    return list(found.values())


def draw(
    numbers: Sequence[Known], count: int, chance: random.Random, *, impatient: float = IMPATIENT
) -> list[Expected]:
    """``count`` calls; no number twice, so that each call can be told from the others. ``impatient``: the share that
    gives up early."""
    pool = list(numbers)
    chance.shuffle(pool)
    calls = []
    for index in range(count):
        kind = chance.random()
        if kind < WITHHELD:
            calls.append(_stranger("withheld", "anonymous", f"Withheld {index:03d}", chance))
        elif kind < WITHHELD + UNKNOWN or not pool:
            calls.append(_stranger("unknown", f"+4420794{60000 + index:05d}", "", chance))
        else:
            calls.append(_customer(pool.pop(), chance))
    return [_hurry(call, chance) if chance.random() < impatient else call for call in calls]


def _hurry(call: Expected, chance: random.Random) -> Expected:
    """The same caller, who hangs up soon after the last key, whatever goes on."""
    last = max(at for _, at in call.plan.keys)
    plan = replace(call.plan, patience=last + chance.uniform(0.5, 1.5))
    return replace(call, plan=plan, gives_up=True)


def _customer(known: Known, chance: random.Random) -> Expected:
    one = len(known.customer_ids) == 1
    return _expected(
        "known" if one else "several",
        known.number,
        known.name if one else f"{len(known.customer_ids)} customers",
        chance,
        customer_id=known.customer_ids[0] if one else None,
        tier=known.tier if one else "",
        language=known.language,
    )


def _stranger(match: str, number: str, name: str, chance: random.Random) -> Expected:
    return _expected(match, number, name, chance)


def _expected(
    match: str,
    number: str,
    name: str,
    chance: random.Random,
    *,
    customer_id: int | None = None,
    tier: str = "",
    language: str = "",
) -> Expected:
    language_key = "2" if (language or chance.choice(("en", "zh"))) == "zh" else "1"
    choice = chance.choices(("1", "2", "3", "0"), (3, 5, 2, 1))[0]
    keys = [(language_key, LANGUAGE_AT)]
    if chance.random() < WRONG_KEY_FIRST:
        # A key without a meaning is told so, and asked again.
        keys += [("7", MENU_AT), (choice, MENU_AT + 2.5)]
    else:
        keys.append((choice, MENU_AT))
    patience = 600.0
    plan = CallPlan(number=number, name=name, dial=LINE, keys=tuple(keys), patience=patience)
    return Expected(plan, match, customer_id, name or number, tier, choice, QUEUES[choice], gives_up=False)
