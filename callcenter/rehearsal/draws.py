"""Callers drawn at random: when they come, how long they talk, how long they wait before they hang up.

Each stream has a generator of its own, seeded by the run's seed, the replication and the stream, so what is drawn does
not depend on the rules, the staff or the number of processes: two plans with the same streams meet the same callers.
"""

import heapq
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import accumulate

from callcenter.rehearsal.plan import INTERVAL, Contact, Day, Plan, Stream, TalkKind

VARIATION = 0.75
"""Standard deviation over mean of log-normal talks: as measured talks are."""
SIGMA = math.sqrt(math.log(1 + VARIATION**2))
"""Of the logarithm of log-normal talks."""


def contacts(plan: Plan, seed: int, replication: int) -> Iterator[Contact]:
    """In the order of arrival; without an end when the plan is steady."""
    if plan.days:
        day = plan.days[replication % len(plan.days)]
        return iter(replayed(day, random.Random(f"{seed}/{replication}/recorded")))
    drawn = [
        _drawn(stream, plan.intervals, random.Random(f"{seed}/{replication}/{number}"))
        for number, stream in enumerate(plan.streams)
        if sum(stream.rates) > 0
    ]
    return drawn[0] if len(drawn) == 1 else heapq.merge(*drawn, key=lambda contact: contact.at)


def replayed(day: Day, source: random.Random) -> list[Contact]:
    """A recorded day. Who hung up has just that patience; who was served would have waited on, for an exponential time
    of the mean that the day shows. Who was not served talks as long as somebody of the same queue (of any, when nobody
    in it was served) who was."""
    served, wrap_ups = defaultdict[object, list[float]](list), defaultdict[object, list[float]](list)
    for one in day.contacts:
        if one.talk is not None:
            for key in (one.queue, None):
                served[key].append(one.talk)
                wrap_ups[key].append(one.wrap_up)
    found = []
    for one in day.contacts:
        if one.talk is not None:
            more = 0.0 if math.isinf(day.mean_patience) else source.expovariate(1.0) * day.mean_patience
            patience = math.inf if math.isinf(day.mean_patience) else one.waited + more
            found.append(Contact(one.at, one.queue, one.tier, one.talk, one.wrap_up, patience))
        else:
            key = one.queue if one.queue in served else None
            number = source.randrange(len(served[key])) if served[key] else None
            talk, wrap_up = (served[key][number], wrap_ups[key][number]) if number is not None else (1.0, 0.0)
            found.append(Contact(one.at, one.queue, one.tier, talk, wrap_up, one.waited))
    return found


def talk_of(stream: Stream, source: random.Random) -> float:
    """The length of one talk, seconds."""
    if stream.talk_kind is TalkKind.EXPONENTIAL:
        return source.expovariate(1.0) * stream.talk
    return source.lognormvariate(math.log(stream.talk) - SIGMA**2 / 2, SIGMA)


def rest_of_talk(stream: Stream, source: random.Random) -> float:
    """What is left of a talk that goes on at a random instant (the equilibrium residual). An exponential talk has no
    memory; of others, the one met is drawn in proportion to its length, and the instant lies anywhere in it."""
    if stream.talk_kind is TalkKind.EXPONENTIAL:
        return source.expovariate(1.0) * stream.talk
    return source.lognormvariate(math.log(stream.talk) + SIGMA**2 / 2, SIGMA) * source.random()


def maker(stream: Stream, source: random.Random) -> Callable[[float], Contact]:
    """Makes a stream's callers, given when they come."""
    tiers, limits = list(stream.tiers), list(accumulate(stream.tiers.values()))
    patient = math.isinf(stream.patience)
    needs = stream.needs or None

    def make(at: float) -> Contact:
        drawn = source.random()
        tier = next((tier for tier, limit in zip(tiers, limits, strict=True) if drawn < limit), tiers[-1])
        talk = talk_of(stream, source)
        patience = math.inf if patient else source.expovariate(1.0) * stream.patience
        return Contact(at, stream.queue, tier, talk, stream.wrap_up, patience, needs)

    return make


def _drawn(stream: Stream, intervals: int, source: random.Random) -> Iterator[Contact]:
    make = maker(stream, source)
    if intervals == 0:
        at, rate = 0.0, stream.rates[0]
        while True:
            at += source.expovariate(rate)
            yield make(at)
    for interval in range(intervals):
        rate = stream.rate(interval)
        at, end = interval * INTERVAL, (interval + 1) * INTERVAL
        # A Poisson process has no memory: each interval begins anew with its own rate.
        while rate > 0 and (at := at + source.expovariate(rate)) < end:
            yield make(at)
