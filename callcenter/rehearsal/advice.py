"""The adviser asked about a plan: each half hour, each queue as if it had agents of its own."""

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rich.table import Table

from callcenter.customers.customer import Tier
from callcenter.ids import QueueName
from callcenter.rehearsal.plan import INTERVAL, Stream
from callcenter.rehearsal.scenario import Arrivals
from callcenter.rehearsal.staffing import Advice, Interval, Need, advise
from callcenter.routing.rules import RoutingRules


@dataclass(frozen=True, slots=True)
class Row:
    """``begins``: the half hour's time of day; None for a steady load. ``calls``: in half an hour."""

    begins: dt.time | None
    queue: QueueName
    calls: float
    advice: Advice

    def to_json(self) -> dict[str, Any]:
        """Plain data; times are seconds."""
        advice = self.advice
        return {
            "begins": self.begins.strftime("%H:%M") if self.begins is not None else None,
            "queue": self.queue,
            "calls": self.calls,
            "agents": advice.agents,
            "rostered": advice.rostered,
            "fewest": advice.fewest,
            "erlangs": advice.erlangs,
            "occupancy": advice.occupancy,
            "wait_probability": advice.wait_probability,
            "mean_wait": advice.mean_wait,
            "abandoned": advice.abandoned,
            "because": list(advice.because),
            "tiers": {
                tier.value: {
                    "promise": {"seconds": one.promise.seconds, "share": one.promise.share},
                    "within": one.within,
                    "mean_wait": one.mean_wait,
                }
                for tier, one in advice.tiers.items()
            },
        }


def rows(arrivals: Arrivals, rules: RoutingRules, need: Need) -> list[Row]:
    """What is advised, in the order of time. The patience of ``need`` is the streams' own. Raises ``BadInput``."""
    found = []
    by_queue: defaultdict[QueueName, list[Stream]] = defaultdict(list)
    for stream in arrivals.streams:
        by_queue[stream.queue].append(stream)
    for number in range(max(arrivals.intervals, 1)):
        begins = _time(arrivals.begins, number) if arrivals.intervals else None
        for queue, streams in by_queue.items():
            interval, patience = _joined(streams, number)
            (advice,) = advise([interval], rules, replace(need, patience=patience))
            found.append(Row(begins, queue, interval.calls, advice))
    return found


def table(found: Iterable[Row], tiers: Iterable[Tier]) -> Table:
    """For people."""
    tiers = list(tiers)
    shown = Table(title="Agents needed", title_justify="left", title_style="bold")
    shown.add_column("half hour")
    shown.add_column("queue")
    names = ("calls", "agents", "to roster", "occupancy", "mean wait", "hung up")
    for column in (*names, *(f"{tier.value} in time" for tier in tiers)):
        shown.add_column(column, justify="right")
    for row in found:
        advice = row.advice
        shown.add_row(
            row.begins.strftime("%H:%M") if row.begins is not None else "any",
            row.queue,
            f"{row.calls:g}",
            f"{advice.agents}",
            f"{advice.rostered}",
            f"{advice.occupancy:.1%}",
            f"{advice.mean_wait:.1f}",
            f"{advice.abandoned:.1%}",
            *(f"{advice.tiers[tier].within:.1%}" if tier in advice.tiers else "-" for tier in tiers),
        )
    return shown


def _joined(streams: Iterable[Stream], number: int) -> tuple[Interval, float | None]:
    """All that comes to one queue in a half hour, and the mean patience (None: some wait as long as it takes)."""
    streams = list(streams)
    rates = [stream.rate(number) for stream in streams]
    rate = math.fsum(rates)
    weights = [one / rate if rate else 1 / len(streams) for one in rates]
    handle = math.fsum(weight * stream.handle for weight, stream in zip(weights, streams, strict=True))
    mix: Mapping[Tier, float] = {
        tier: math.fsum(
            weight * one.tiers.get(tier, 0.0) for weight, one in zip(weights, streams, strict=True)
        )
        for tier in Tier
    }
    patience = math.fsum(
        weight * one.patience for weight, one in zip(weights, streams, strict=True) if weight
    )
    calls = round(rate * INTERVAL, 9)
    return Interval(calls, handle, {tier: share for tier, share in mix.items() if share}), (
        patience if math.isfinite(patience) else None
    )


def _time(begins: dt.time, number: int) -> dt.time:
    seconds = begins.hour * 3600 + begins.minute * 60 + begins.second + int(number * INTERVAL)
    hours, rest = divmod(seconds % 86400, 3600)
    return dt.time(hours, rest // 60, rest % 60)
