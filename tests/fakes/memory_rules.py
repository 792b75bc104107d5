"""The published rules in memory, for tests of publishing."""

import dataclasses
import datetime as dt
from dataclasses import dataclass, field

from callcenter.errors import Conflict, NotFound
from callcenter.ids import UserId
from callcenter.routing.publishing import RulesVersion, digest_of

AT = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


@dataclass
class MemoryRules:
    """Implements ``routing.publishing.RulesBook``."""

    kept: list[RulesVersion] = field(default_factory=list)

    async def current(self) -> RulesVersion | None:
        return self._seen(self.kept[-1]) if self.kept else None

    async def version(self, version: int) -> RulesVersion:
        if not 1 <= version <= len(self.kept):
            raise NotFound(f"There is no version {version} of the routing rules.")
        return self._seen(self.kept[version - 1])

    async def versions(self, limit: int) -> list[RulesVersion]:
        return [self._seen(one) for one in self.kept[::-1][:limit]]

    async def publish(
        self, rules: str, by: UserId | None, note: str, *, from_file: bool, over: int | None = None
    ) -> RulesVersion:
        if over is not None and over != len(self.kept):
            raise Conflict("Routing rules were published meanwhile.")
        made = RulesVersion(
            len(self.kept) + 1, rules, digest_of(rules), AT, by, "", note, from_file, current=True
        )
        self.kept.append(made)
        return made

    async def last_from_file(self) -> RulesVersion | None:
        return next((self._seen(one) for one in reversed(self.kept) if one.from_file), None)

    async def last_at_start(self) -> RulesVersion | None:
        return next(
            (self._seen(one) for one in reversed(self.kept) if one.from_file and one.by is None), None
        )

    def _seen(self, one: RulesVersion) -> RulesVersion:
        return dataclasses.replace(one, current=one.version == len(self.kept))
