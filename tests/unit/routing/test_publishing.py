"""Which rules are in service: after a start, a publication, a roll-back, a version that can't be used."""

import asyncio
import os
import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from callcenter.customers.customer import Tier
from callcenter.errors import BadInput, Conflict, NotFound
from callcenter.ids import QueueName, UserId
from callcenter.routing.publishing import (
    LOOK_EVERY,
    PublishedRules,
    digest_of,
    publish_again,
    publish_rules,
    rules_or_none,
    text_of,
)
from callcenter.routing.rules import Promise, QueueRules, RingRule, RoutingRules
from tests.fakes.memory_rules import MemoryRules

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

SALES, SUPPORT = QueueName("sales"), QueueName("support")
QUEUES = {SALES: QueueRules(), SUPPORT: QueueRules()}
SHIPPED = RoutingRules(queues=QUEUES)
STRICTER = RoutingRules(promises={**SHIPPED.promises, Tier.VIP: Promise(5, 0.9)}, queues=QUEUES)
LOWER = RoutingRules(ceiling=200, queues=QUEUES)
ME = UserId(7)


class Serving:
    """Notes which rules it was told to serve with."""

    def __init__(self) -> None:
        self.told: list[tuple[int, RoutingRules]] = []

    def apply(self, rules: RoutingRules, version: int) -> None:
        self.told.append((version, rules))


async def opened(book: MemoryRules, rules: RoutingRules = SHIPPED) -> tuple[PublishedRules, Serving]:
    """A core that has started with these rules in its settings."""
    published, serving = PublishedRules(book, rules.queues), Serving()
    assert await published.open(rules) == published.rules
    published.attach(serving.apply)
    return published, serving


async def test_the_settings_rules_are_published_once() -> None:
    """At the first start, and again only when they have changed; equal rules are the same rules."""
    book = MemoryRules()
    published, _ = await opened(book)
    assert (published.rules, published.version.version, published.version.by) == (SHIPPED, 1, None)
    again = RoutingRules(
        promises={tier: Promise(int(one.seconds), one.share) for tier, one in SHIPPED.promises.items()},
        queues=dict(reversed(QUEUES.items())),
    )
    await opened(book, again)
    assert len(book.kept) == 1
    published, _ = await opened(book, STRICTER)
    assert (published.rules, published.version.version) == (STRICTER, 2)


async def test_a_restart_keeps_what_was_published_since() -> None:
    """A roll-back holds until somebody changes the settings."""
    book = MemoryRules()
    published, serving = await opened(book)
    await publish_rules(book, STRICTER, ME, "sooner")
    await published.catch_up()
    rolled = await published.roll_back(1, ME)
    assert (rolled.version, rolled.note, rolled.from_file) == (3, "version 1 again", False)
    assert serving.told == [(2, STRICTER), (3, SHIPPED)]
    restarted, _ = await opened(book, STRICTER)
    assert (restarted.version.version, restarted.rules) == (3, SHIPPED)
    changed, _ = await opened(book, LOWER)
    assert (changed.version.version, changed.rules) == (4, LOWER)


async def test_what_others_publish_is_taken_up_within_seconds() -> None:
    """Once each, the newest of several; and nothing happens when there is nothing new."""
    book = MemoryRules()
    published, serving = await opened(book)
    looking = asyncio.ensure_future(published.look_again())
    await asyncio.sleep(LOOK_EVERY * 3)
    assert serving.told == []
    await publish_rules(book, STRICTER, ME, "")
    await publish_rules(book, LOWER, ME, "")
    await asyncio.sleep(LOOK_EVERY * 2)
    assert serving.told == [(3, LOWER)]
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


@pytest.mark.parametrize("text", ["{", "{}", '{"ceiling": -1}', "null", "[]"])
async def test_a_version_that_cannot_be_used_is_ignored_with_an_alarm(text: str) -> None:
    """Whoever wrote it: callers go on being served by the rules that are in service, and it is said once."""
    book = MemoryRules()
    published, serving = await opened(book, STRICTER)
    broken = text if text != "{}" else text_of(SHIPPED).replace('"share":0.9', '"share":7')
    await book.publish(broken, ME, "by hand", from_file=False)
    with capture_logs() as logs:
        await published.catch_up()
        await published.catch_up()
    assert [one["alarm"] for one in logs if "alarm" in one] == ["routing_rules_invalid"]
    assert (published.rules, serving.told) == (STRICTER, [])
    with pytest.raises(BadInput):
        await published.roll_back(2, ME)
    assert rules_or_none(book.kept[1]) is None


async def test_a_start_with_an_unusable_version_serves_with_the_settings() -> None:
    """A call centre must open; the settings' rules are published over the broken ones."""
    book = MemoryRules()
    await opened(book)
    await book.publish("nonsense", ME, "by hand", from_file=False)
    with capture_logs() as logs:
        published, _ = await opened(book)
    assert (published.rules, published.version.version) == (SHIPPED, 3)
    assert [one["alarm"] for one in logs if "alarm" in one] == ["routing_rules_invalid"] * 2


async def test_rules_that_name_a_queue_which_the_core_does_not_have() -> None:
    """Refused when they are published; ignored when somebody keeps them all the same."""
    book = MemoryRules()
    published, serving = await opened(book)
    billing = RoutingRules(queues={**QUEUES, QueueName("billing"): QueueRules(weight=2)})
    with pytest.raises(BadInput, match="does not have: billing"):
        await publish_rules(book, billing, ME, "")
    await book.publish(text_of(billing), ME, "", from_file=False)
    with capture_logs():
        await published.catch_up()
    assert serving.told == []
    await publish_rules(book, LOWER, ME, "")
    await published.catch_up()
    assert serving.told == [(3, LOWER)]
    for try_again in (publish_again(book, 2, ME), published.roll_back(2, ME)):
        with pytest.raises(BadInput, match="does not have: billing"):
            await try_again


async def test_before_the_first_start_any_queue_may_be_named() -> None:
    """There is no running core to be asked; the start looks at it again."""
    book = MemoryRules()
    assert (await publish_rules(book, LOWER, ME, "first")).version == 1


async def test_what_cannot_be_published() -> None:
    """Contradictions, what would not be read back the same, what is in service already."""
    book = MemoryRules()
    await opened(book)
    for bad in (
        RoutingRules(ceiling=1, queues=QUEUES),
        RoutingRules(ceiling=float("inf"), queues=QUEUES),
        RoutingRules(queues={SALES: QueueRules(weight=-1)}),
    ):
        with pytest.raises(BadInput):
            await publish_rules(book, bad, ME, "")
    with pytest.raises(BadInput, match="in service already"):
        await publish_rules(book, SHIPPED, ME, "")
    assert len(book.kept) == 1


async def test_rolling_back() -> None:
    """From a page or the command line; not to what is not there, nor to what is in service."""
    book = MemoryRules()
    published, serving = await opened(book)
    await publish_rules(book, LOWER, ME, "")
    with pytest.raises(NotFound):
        await published.roll_back(9, ME)
    with pytest.raises(Conflict):
        await published.roll_back(2, ME)
    with pytest.raises(Conflict):
        await publish_again(book, 2, ME)
    assert (await publish_again(book, 1, UserId(0))).version == 3
    await published.catch_up()
    assert serving.told == [(3, SHIPPED)]
    assert [one.version for one in await published.versions(2)] == [3, 2]


def test_the_same_rules_are_the_same_text_in_every_process() -> None:
    """Sets are in order however Python hashes them, and 10 is 10.0."""
    program = (
        "from callcenter.routing.publishing import digest_of, text_of\n"
        "from callcenter.routing.rules import QueueRules, RingRule, RoutingRules\n"
        "ring = RingRule(5, 1, frozenset({'a', 'b', 'c'}), frozenset({'sales', 'support', 'billing'}))\n"
        "names = {'sales': QueueRules(rings=(ring,)), 'support': QueueRules(), 'billing': QueueRules()}\n"
        "print(digest_of(text_of(RoutingRules(ceiling=300, queues=names))))"
    )
    found = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, env=environment
        )
        found.add(done.stdout.decode().strip())
    ring = RingRule(5.0, 1, frozenset({"c", "b", "a"}), frozenset({SUPPORT, SALES, QueueName("billing")}))
    queues = {QueueName("billing"): QueueRules(), SUPPORT: QueueRules(), SALES: QueueRules(rings=(ring,))}
    found.add(digest_of(text_of(RoutingRules(ceiling=300.0, queues=queues))))
    assert len(found) == 1
