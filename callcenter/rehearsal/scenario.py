"""Plans as people write them: the options of a one-liner, or a TOML file.

A file says who comes and who answers, by the half hour from ``begins`` on::

    begins = "08:00"
    talk = 180                      # mean seconds; also talk_kind, wrap_up, patience (0: nobody hangs up), tiers:
    wrap_up = 30                    # what an [[arrivals]] table does not say itself
    patience = 120
    tiers = { vip = 0.2, regular = 0.8 }

    [[agents]]
    count = [4, 6, 8]               # in each half hour; a single number: in all
    queues = ["support", "billing"]
    skills = "billing=4, cantonese"

    [[arrivals]]
    queue = "billing"
    calls = [20, 30, 40]            # in each half hour; a single number: in all
    talk = 240
    skills = "billing=3"            # what such a call needs

Without any list, and without ``half_hours = 20``, the load is steady and averages are taken.
"""

import datetime as dt
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from callcenter.calls.skills import parse_levels
from callcenter.customers.customer import Tier
from callcenter.errors import BadInput
from callcenter.ids import QueueName
from callcenter.rehearsal.plan import INTERVAL, Group, Plan, Stream, TalkKind
from callcenter.routing.rules import RoutingRules

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
MOST_HALF_HOURS = 48 * 31
MOST_BYTES = 1_000_000


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Agents(_Table):
    count: Count | tuple[Count, ...]
    queues: Annotated[tuple[Name, ...], Field(min_length=1)]
    skills: str = ""


class _Common(_Table):
    """Of all arrivals, or of one table of them."""

    talk: Number | None = None
    talk_kind: TalkKind | None = None
    wrap_up: Number | None = None
    patience: Number | None = None
    tiers: dict[Tier, Number] | None = None


class _Arrivals(_Common):
    queue: Name
    calls: Number | tuple[Number, ...]
    skills: str = ""


class _File(_Common):
    begins: dt.time = dt.time(0)
    half_hours: Annotated[int, Field(ge=1, le=MOST_HALF_HOURS)] | None = None
    agents: tuple[_Agents, ...] = ()
    arrivals: tuple[_Arrivals, ...] = ()


class Arrivals(NamedTuple):
    """Who comes: ``intervals`` half hours from the time of day ``begins`` on, or (0) always as many."""

    streams: tuple[Stream, ...]
    intervals: int
    begins: dt.time


def read(path: Path, rules: RoutingRules) -> Plan:
    """The plan of a file; raises ``BadInput`` that says what is wrong and where."""
    streams, intervals, begins = arrivals_of(path)
    return Plan(staff_of(path), streams, rules, intervals, begins=begins)


def arrivals_of(path: Path) -> Arrivals:
    """Only who comes. Raises ``BadInput``."""
    kept = _parsed(path)
    lengths = {len(one.calls) for one in kept.arrivals if isinstance(one.calls, tuple)}
    lengths |= {len(one.count) for one in kept.agents if isinstance(one.count, tuple)}
    lengths |= {kept.half_hours} if kept.half_hours is not None else set()
    if len(lengths) > 1:
        found = ", ".join(map(str, sorted(lengths)))
        raise BadInput(
            f"{path}: all lists must have one number for each half hour; their lengths are {found}."
        )
    intervals = lengths.pop() if lengths else 0
    if intervals > MOST_HALF_HOURS:
        raise BadInput(f"{path}: at most {MOST_HALF_HOURS} half hours, not {intervals}.")
    if not kept.arrivals:
        raise BadInput(f"{path}: nobody calls: write an [[arrivals]] table.")
    return Arrivals(tuple(_stream(one, kept) for one in kept.arrivals), intervals, kept.begins)


def staff_of(path: Path) -> tuple[Group, ...]:
    """Only who answers, for recorded calls. Raises ``BadInput``."""
    return _groups(path, _parsed(path))


def begins_of(path: Path) -> dt.time:
    """The time of day of the first half hour. Raises ``BadInput``."""
    return _parsed(path).begins


def stream(
    queue: QueueName,
    calls_per_hour: float,
    talk: float,
    tiers: Mapping[Tier, float],
    *,
    talk_kind: TalkKind = TalkKind.EXPONENTIAL,
    wrap_up: float = 0.0,
    patience: float = 0.0,
) -> Stream:
    """One queue's callers, always as many; ``patience`` 0: nobody hangs up. Raises ``BadInput``."""
    if not 0 < calls_per_hour < math.inf:
        raise BadInput(f"Calls per hour must be more than 0, not {calls_per_hour:g}.")
    return Stream(
        queue, tiers, (calls_per_hour / 3600,), talk, talk_kind, wrap_up, _patience(patience, queue)
    )


def parse_tiers(text: str) -> dict[Tier, float]:
    """``vip=0.2,regular=0.8``; raises ``BadInput``."""
    found: dict[Tier, float] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, share = (one.strip() for one in part.partition("="))
        if name not in set(Tier):
            known = ", ".join(tier.value for tier in Tier)
            raise BadInput(f"There is no tier “{name[:30]}”: the tiers are {known}.")
        if Tier(name) in found:
            raise BadInput(f"The tier {name} is named twice.")
        found[Tier(name)] = _share(name, share)
    if not found:
        raise BadInput("Name at least one tier with its share, such as vip=0.2,regular=0.8.")
    return found


def parse_agents(text: str) -> dict[QueueName, int]:
    """``support=12,billing=6``; raises ``BadInput``."""
    found: dict[QueueName, int] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, count = (one.strip() for one in part.partition("="))
        if not name or not count.isdecimal():
            raise BadInput(f"“{part[:40]}” is no number of agents: write for example support=12,billing=6.")
        found[QueueName(name)] = int(count)
    return found


def _parsed(path: Path) -> _File:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path}: is too large for a plan.")
        return _File.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: is no TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{path}: {place}: {first['msg']}") from error


def _groups(path: Path, kept: _File) -> tuple[Group, ...]:
    if not kept.agents:
        raise BadInput(f"{path}: nobody answers: write an [[agents]] table.")
    return tuple(
        Group(_counts(one.count), frozenset(map(QueueName, one.queues)), parse_levels(one.skills))
        for one in kept.agents
    )


def _counts(count: int | tuple[int, ...]) -> tuple[int, ...]:
    return count if isinstance(count, tuple) else (count,)


def _stream(one: _Arrivals, kept: _File) -> Stream:
    def said(name: str, otherwise: Any) -> Any:
        own, common = getattr(one, name), getattr(kept, name)
        return own if own is not None else common if common is not None else otherwise

    talk = said("talk", None)
    queue = QueueName(one.queue)
    if talk is None:
        raise BadInput(f"{queue}: say how long talks are: talk = 180")
    return Stream(
        queue=queue,
        tiers=said("tiers", {Tier.REGULAR: 1.0}),
        rates=tuple(
            calls / INTERVAL for calls in (one.calls if isinstance(one.calls, tuple) else (one.calls,))
        ),
        talk=talk,
        talk_kind=said("talk_kind", TalkKind.EXPONENTIAL),
        wrap_up=said("wrap_up", 0.0),
        patience=_patience(said("patience", 0.0), queue),
        needs=parse_levels(one.skills),
    )


def _patience(seconds: float, queue: QueueName) -> float:
    if not 0 <= seconds < math.inf:
        raise BadInput(f"{queue}: patience must be 0 (nobody hangs up) or more seconds, not {seconds:g}.")
    return seconds or math.inf


def _share(name: str, text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise BadInput(f"The share of {name} must be a number between 0 and 1, such as {name}=0.2.")
    return share
