"""The rules of routing that are in service, and how other rules take their place while calls go on.

What counts is the latest version kept in the ``RulesBook``. The settings are where rules come from first: at a start
they are published if they differ from the last that came from there. So what somebody published or rolled back since
stays in service over restarts, until somebody changes the settings.
"""

import asyncio
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import structlog

from callcenter.errors import BadInput, CallcenterError, Conflict
from callcenter.ids import QueueName, UserId
from callcenter.routing.rule_changes import plain
from callcenter.routing.rules import RoutingRules, from_json, to_json

log = structlog.get_logger(__name__)

LOOK_EVERY = 3.0
"""Seconds between looks for versions that somebody else (the command line, another process) has published."""
NOTE_FROM_FILE = "from the settings"
NOTE_UNUSABLE = "from the settings: the version before can't be used"

Apply: TypeAlias = Callable[[RoutingRules, int], None]
"""Serve with these rules from now on; they are the version of this number."""


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """One published version; they count from 1. ``rules``: JSON as ``text_of`` writes it. ``by``: None for the core at
    its start. ``from_file``: these were the settings' rules. ``digest``: SHA-256 of ``rules``, hex."""

    version: int
    rules: str
    digest: str
    at: dt.datetime
    by: UserId | None
    by_name: str
    note: str
    from_file: bool
    current: bool


class RulesBook(Protocol):
    """Keeps the versions. A version is never changed or deleted; the latest is in service."""

    async def current(self) -> RulesVersion | None:
        """The latest, if any."""

    async def version(self, version: int) -> RulesVersion:
        """A certain one; raises ``NotFound``."""

    async def versions(self, limit: int) -> list[RulesVersion]:
        """The latest ones, newest first."""

    async def publish(
        self, rules: str, by: UserId | None, note: str, *, from_file: bool, over: int | None = None
    ) -> RulesVersion:
        """Keep rules as the next version. ``over``: the version that they were made from (0: there was none);
        ``Conflict`` when another one is current meanwhile."""

    async def last_from_file(self) -> RulesVersion | None:
        """The last version that came from the settings."""

    async def last_at_start(self) -> RulesVersion | None:
        """The last version that a core published at its start."""


def text_of(rules: RoutingRules) -> str:
    """The rules as they are kept: the same text for the same rules. Raises ``BadInput`` for what can't be used."""
    read = from_json(to_json(rules))
    if read != rules:
        raise BadInput(
            "These routing rules can't be kept: they would not be the same when they are read again."
        )
    return json.dumps(plain(read), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest_of(text: str) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_rules(text: str, queues: Collection[QueueName] | None) -> RoutingRules:
    """Kept rules, if a core with these ``queues`` can serve with them (None: any). Raises ``BadInput``."""
    rules = from_json(text)
    if queues is not None and (unknown := sorted(set(rules.queues) - set(queues))):
        raise BadInput(
            f"These routing rules name a queue that the running call centre does not have: {', '.join(unknown)}. "
            "Add it to the settings and restart first, or take it out of the rules."
        )
    return rules


def rules_or_none(version: RulesVersion) -> RoutingRules | None:
    """A version's rules, to be looked at; None when this program can't read them."""
    try:
        return from_json(version.rules)
    except BadInput:
        return None


class PublishedRules:
    """``open`` it before the first caller, then ``attach`` who serves with the rules. ``queues``: those of the
    settings."""

    def __init__(self, book: RulesBook, queues: Collection[QueueName]) -> None:
        self._book = book
        self._queues = frozenset(queues)
        self._now: tuple[RulesVersion, RoutingRules] | None = None
        self._seen = 0
        self._apply: Apply = lambda _rules, _version: None
        self._changing = asyncio.Lock()

    @property
    def rules(self) -> RoutingRules:
        """The rules in service."""
        return self._in_service[1]

    @property
    def version(self) -> RulesVersion:
        """The version in service."""
        return self._in_service[0]

    @property
    def _in_service(self) -> tuple[RulesVersion, RoutingRules]:
        if self._now is None:
            raise RuntimeError("the published rules are not open yet")
        return self._now

    async def open(self, from_file: RoutingRules) -> RoutingRules:
        """Take up the settings' rules if they have changed, else the kept version; gives what is in service. Raises
        ``BadInput`` for settings that can't be used."""
        text = text_of(from_file)
        last = await self._book.last_from_file()
        if last is None or rules_or_none(last) != from_file:
            kept = await self._keep(text, NOTE_FROM_FILE)
        else:
            kept = await self._book.current() or last
        rules = self._usable(kept)
        if rules is None:
            log.error(
                "published rules can't be used: the settings' rules serve", alarm="routing_rules_invalid"
            )
            kept, rules = await self._keep(text, NOTE_UNUSABLE), from_file
        self._now, self._seen = (kept, rules), kept.version
        log.info("routing rules are in service", version=kept.version)
        return rules

    def attach(self, apply: Apply) -> None:
        """Who is told of each version that is put into service from now on."""
        self._apply = apply

    async def look_again(self) -> None:
        """For ever: take up what somebody else has published."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self.catch_up()
            except CallcenterError as error:
                log.warning("published rules not read", reason=error.message)

    async def catch_up(self) -> None:
        """Take up a newer version, if there is one that can be used."""
        async with self._changing:
            kept = await self._book.current()
            if kept is None or kept.version <= self._seen:
                return
            self._seen = kept.version
            rules = self._usable(kept)
            if rules is not None:
                self._take(kept, rules)

    async def versions(self, limit: int = 50) -> Sequence[RulesVersion]:
        """The latest ones, newest first."""
        return await self._book.versions(limit)

    async def roll_back(self, version: int, by: UserId) -> RulesVersion:
        """Publish an old version again, as a new one, and serve with it. Raises ``NotFound``, ``Conflict``, and
        ``BadInput`` when it can't be used any more."""
        async with self._changing:
            old = await self._book.version(version)
            rules = read_rules(old.rules, self._queues)
            current = await self._book.current()
            if current is not None and current.version == version:
                raise Conflict(f"Version {version} is in service already.")
            over = None if current is None else current.version
            kept = await self._book.publish(
                old.rules, by, f"version {version} again", from_file=False, over=over
            )
            self._seen = kept.version
            self._take(kept, rules)
        return kept

    async def _keep(self, text: str, note: str) -> RulesVersion:
        try:
            return await self._book.publish(text, None, note, from_file=True)
        except Conflict:  # another core starts with the same settings
            last = await self._book.last_from_file()
            if last is None or last.rules != text:
                raise
            return last

    def _usable(self, kept: RulesVersion) -> RoutingRules | None:
        try:
            return read_rules(kept.rules, self._queues)
        except BadInput as error:
            reason = error.message
        log.error(
            "published rules are ignored", alarm="routing_rules_invalid", version=kept.version, reason=reason
        )
        return None

    def _take(self, kept: RulesVersion, rules: RoutingRules) -> None:
        """One step: from here on the line is in the new order."""
        self._now = (kept, rules)
        self._apply(rules, kept.version)
        log.info("routing rules are in service", version=kept.version)


async def publish_rules(
    book: RulesBook, rules: RoutingRules, by: UserId, note: str, over: int | None = None
) -> RulesVersion:
    """Publish the settings' rules from outside the running core, which takes them up within ``LOOK_EVERY`` seconds.
    Raises ``BadInput`` for what can't be used there, or is in service already; ``Conflict``."""
    text = text_of(rules)
    await _known_there(book, text)
    current = await book.current()
    if current is not None and current.digest == digest_of(text):
        raise BadInput(f"These rules are in service already: they are version {current.version}.")
    return await book.publish(text, by, note, from_file=True, over=over)


async def publish_again(book: RulesBook, version: int, by: UserId) -> RulesVersion:
    """Publish an old version again from outside the running core. Raises ``NotFound``, ``BadInput``, ``Conflict``."""
    old = await book.version(version)
    if old.current:
        raise Conflict(f"Version {version} is in service already.")
    await _known_there(book, old.rules)
    return await book.publish(old.rules, by, f"version {version} again", from_file=False)


async def _known_there(book: RulesBook, text: str) -> None:
    """The rules that a core takes from its settings name all queues that it has."""
    started = await book.last_at_start()
    read_rules(text, None if started is None else from_json(started.rules).queues)
