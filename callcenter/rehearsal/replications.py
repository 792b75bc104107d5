"""Independent replications of one plan, spread over processes.

Each replication has its own seed, so the figures don't depend on how many processes there are. Steady plans measure the
same number of callers in each, after a warm-up (``warm_up`` says how long), and go on letting callers come until the
last one measured is served: whoever comes later may overtake. Days are measured whole.
"""

import math
import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from callcenter.errors import BadInput
from callcenter.ids import AgentId
from callcenter.rehearsal.draws import contacts
from callcenter.rehearsal.figures import Kind, Replication, Result, Sample
from callcenter.rehearsal.floor import Done, Floor
from callcenter.rehearsal.plan import INTERVAL, Contact, Plan
from callcenter.rehearsal.warm_up import cut_short, present_at_start, warm_up
from callcenter.routing.rules import RoutingRules

REPLICATIONS = 30
"""Fewer give no honest standard error."""
WORTH_A_PROCESS = 20_000
"""Calls; starting processes takes about a second."""


@dataclass(frozen=True, slots=True)
class Run:
    """``calls``: measured ones of a steady plan, all replications together; ``warm_up``: seconds."""

    plan: Plan
    calls: int = 0
    replications: int = REPLICATIONS
    seed: int = 1
    warm_up: float = 0.0

    def share(self, number: int) -> int:
        """Callers measured in one replication of a steady plan."""
        return self.calls // self.replications + (number < self.calls % self.replications)

    @property
    def unmeasured(self) -> int:
        """Callers of the warm-up: a number, not a time, so that the first one measured is like all others."""
        return math.ceil(self.warm_up * sum(stream.rate(0) for stream in self.plan.streams))

    @property
    def size(self) -> float:
        """About how many calls it takes, warm-up and all."""
        plan = self.plan
        if plan.days:
            return sum(len(day.contacts) for day in plan.days) / len(plan.days) * self.replications
        if plan.steady:
            return self.calls + self.replications * self.unmeasured
        each = sum(stream.rate(i) for stream in plan.streams for i in range(plan.intervals)) * INTERVAL
        return each * self.replications

    @property
    def doubts(self) -> Iterator[str]:
        """What whoever reads the figures should know."""
        plan = self.plan
        if plan.endless:
            yield (
                f"the load is {plan.load:.2f} and nobody hangs up: the line grows for ever, so the figures belong to "
                "this number of calls, from an empty line on, and to no other"
            )
        if cut_short(plan):
            yield f"the load is so near 1 that the warm-up of {self.warm_up:.0f} s is too short for a steady state"
        if 1 < self.replications < REPLICATIONS and not plan.days:
            yield f"{self.replications} replications give a poor standard error: take {REPLICATIONS} or more"


def planned(plan: Plan, calls: int, seed: int, replications: int = 0) -> Run:
    """The run of a plan; ``replications`` 0: the usual number, or each recorded day once (days are replayed equally
    often). Raises ``BadInput`` for numbers that make no run."""
    if replications < 0:
        raise BadInput(f"The number of replications must be 1 or more, not {replications}.")
    if plan.days:
        replications = math.ceil(max(replications, 1) / len(plan.days)) * len(plan.days)
    replications = replications or REPLICATIONS
    if plan.steady and calls < replications:
        raise BadInput(f"At least {replications} calls are needed, one for each replication, not {calls}.")
    return Run(plan, calls, replications, seed, warm_up(plan) if plan.steady else 0.0)


def together(runs: Mapping[str, Run]) -> dict[str, Run]:
    """Runs that are compared: with the longest of their warm-ups, so that the same callers are measured in all."""
    longest = max(run.warm_up for run in runs.values())
    return {name: run if run.plan.endless else replace(run, warm_up=longest) for name, run in runs.items()}


def replicate(
    run: Run, processes: int | None = None, progress: Callable[[int], None] | None = None
) -> Result:
    """Run them all. ``progress`` hears how many are done."""
    wanted = processes or (os.cpu_count() or 1 if run.size >= WORTH_A_PROCESS else 1)
    jobs = [(run, number) for number in range(run.replications)]
    done: list[Replication] = []
    with _mapped(min(wanted, run.replications)) as mapped:
        for one in mapped(jobs):
            done.append(one)
            if progress is not None:
                progress(len(done))
    return Result(done)


def replication(job: tuple[Run, int]) -> Replication:
    """One of them."""
    run, number = job
    return _steady(run, number) if run.plan.steady else _day(run, number)


class _Watch:
    """Keeps what is measured of one replication: who comes, and what work is done, from ``begin`` to ``end``."""

    def __init__(self, rules: RoutingRules) -> None:
        self._rules = rules
        self._first, self._last = math.inf, math.inf
        self._at_work: dict[AgentId, tuple[Kind, float]] = {}
        self.open = False
        self.found = Replication()
        self.counted = 0

    def begin(self, floor: Floor, first: float, count: float) -> None:
        """From the caller with the number ``first`` on, who comes next, ``count`` callers are measured."""
        self._first, self._last, self.open = first, first + count - 1, True
        self._edge(floor, +1)

    def end(self, floor: Floor) -> None:
        """The last who is measured has come; some may still wait."""
        self.open = False
        self._edge(floor, -1)

    def done(self, one: Done) -> None:
        """A caller was served, or hung up."""
        contact, kind = one.contact, Kind(one.contact.queue, one.contact.tier)
        if one.agent_id is not None:
            handle = contact.talk + contact.wrap_up
            self._at_work[one.agent_id] = (kind, one.at + handle)
            if self.open:
                self.found.samples[kind].work += handle
        if self._first <= one.number <= self._last:
            self._count(one, self.found.samples[kind])

    def _count(self, one: Done, sample: Sample) -> None:
        waited = max(0.0, one.waited)
        sample.waits.append(waited)
        if one.agent_id is None:
            sample.abandoned += 1
        else:
            sample.in_time += waited <= self._rules.promises[one.contact.tier].seconds
        self.counted += 1

    def _edge(self, floor: Floor, sign: int) -> None:
        """Only what is done between the edges counts."""
        self.found.staffed -= sign * floor.staffed
        self.found.seconds -= sign * floor.now
        for kind, until in self._at_work.values():
            self.found.samples[kind].work += sign * max(0.0, until - floor.now)


def _steady(run: Run, number: int) -> Replication:
    plan, watch, share = run.plan, _Watch(run.plan.rules), run.share(number)
    floor = Floor(plan.groups, plan.rules, watch.done)
    before = 0
    for contact in present_at_start(plan, random.Random(f"{run.seed}/{number}/start")):
        before = floor.arrive(contact)
    before += run.unmeasured
    for contact in _from_now(contacts(plan, run.seed, number)):
        floor.until(contact.at)
        if floor.came == before:
            watch.begin(floor, before + 1, share)
        if floor.arrive(contact) == before + share:
            watch.end(floor)
        if watch.counted == share or (plan.endless and floor.came >= before + share):
            break
    while watch.counted < share and floor.step():
        pass  # the line that grew for ever is served to its end
    return watch.found


def _from_now(coming: Iterator[Contact]) -> Iterator[Contact]:
    """The first caller comes at the very beginning. Who comes at random finds the steady state; but the first to come
    after a given instant would find fewer, as all who were before left and none came (so would a measurement that
    begins at an instant, and the fewer callers it has, the more)."""
    first = next(coming)
    yield first._replace(at=0.0)
    for contact in coming:
        yield contact._replace(at=contact.at - first.at)


def _day(run: Run, number: int) -> Replication:
    plan, watch = run.plan, _Watch(run.plan.rules)
    coming = list(contacts(plan, run.seed, number))
    begins = math.floor(coming[0].at / INTERVAL) * INTERVAL if coming and plan.days else 0.0
    floor = Floor(plan.groups, plan.rules, watch.done, begins)
    watch.begin(floor, 1, math.inf)
    for contact in coming:
        floor.until(contact.at)
        floor.arrive(contact)
    if not plan.days:
        floor.until(max(floor.now, plan.intervals * INTERVAL))
    while floor.waiting + floor.talking and floor.step():
        pass  # nobody goes home before the last caller is served
    floor.close()
    watch.end(floor)
    return watch.found


Mapped: TypeAlias = Callable[[list[tuple[Run, int]]], Iterator[Replication]]


@contextmanager
def _mapped(processes: int) -> Iterator[Mapped]:
    """Runs jobs in their order, in processes of their own when there is more than one."""
    if processes <= 1:
        yield lambda jobs: map(replication, jobs)
        return
    others = multiprocessing.active_children()
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_end_at_once)
    try:
        yield partial(_through, pool)
    except BaseException:
        # Nobody wants what still runs, and it may run for long.
        for child in multiprocessing.active_children():
            if child not in others:
                child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _through(pool: ProcessPoolExecutor, jobs: list[tuple[Run, int]]) -> Iterator[Replication]:
    with _deaf():
        return pool.map(replication, jobs)


def _end_at_once() -> None:
    """In a process of the pool: Ctrl-C, which goes to all processes of a terminal, ends it without a word."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that are started in here ignore Ctrl-C until they say otherwise."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
