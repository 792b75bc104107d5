"""A busy day in minutes, on a real Asterisk: callers of four tiers who need different skills, agents who sometimes miss
a call, people who give up and ring again, callbacks, and rules that are published in the middle of it.

Nothing is judged here: ``busy_record`` reads what is on record, ``busy_checks`` looks whether it is as it must be.
"""

import asyncio
import json
import random
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from callcenter.bench.stage import all_ready
from callcenter.clock import SystemClock
from callcenter.demo.floor import Floor, FloorAgent, FloorPlan, read_events, toml
from callcenter.demo.story import known_numbers
from callcenter.rig.asterisk_install import find_launcher
from callcenter.rig.callers import CallerResult, CallPlan, Outcome, run_calls
from callcenter.rig.customers import Customers
from callcenter.storage import sample
from callcenter.storage.database import Database, upgrade
from tests.live.ami_witness import Witness, let_in
from tests.live.conftest import PASSWORD, ROOT
from tests.live.watching import LINE, behave, rows, until

RING, MARGIN = 4, 3
"""Seconds that a phone rings, and that a reservation outlives it."""
OWNER_WAIT, LAST_AGENT_WAIT = 3, 2
MENU_AT, CALL_ME_AT = 1.2, 2.6
"""Seconds after the answer at which keys are pressed."""
PATIENCE = 100.0
ROUTING: Mapping[str, Any] = {
    "wrap_up_seconds": 30,
    "ring_seconds": RING,
    "reservation_margin": MARGIN,
    "owner_wait": OWNER_WAIT,
    "last_agent_wait": LAST_AGENT_WAIT,
    # The machine may have other work: how soon a screen answers is looked at elsewhere, here that it is waited for.
    "pop_ack_limit": 1.0,
}
PROMISES = {"vip": 10.0, "key": 20.0, "regular": 30.0, "small": 60.0}
OTHER_PROMISES = {"vip": 6.0, "key": 12.0, "regular": 30.0, "small": 90.0}
"""Those that are published in the middle."""
QUEUES: tuple[Mapping[str, Any], ...] = (
    {"name": "sales", "title_en": "Sales", "title_zh": "销售", "prefers": ["billing"], "strategy": "least_work"},
    {
        "name": "support", "title_en": "Support", "title_zh": "客户服务", "strategy": "most_proficient",
        "rings": [{"after": 6, "lower": 2}, {"after": 12, "lower": 2, "drop": ["cantonese"], "also": ["sales"]}],
    },
    {"name": "complaints", "title_en": "Complaints", "title_zh": "投诉", "hard": True, "rest": 3, "weight": 2},
)  # fmt: skip
FLOW = """
flow: main
language: en
default_queue: support
start: menu
prompts:
  choose: {en: "Sales, one. Technical, two. Billing, three. Complaints, four.", zh: "销售请按一。"}
nodes:
  menu:
    type: menu
    prompt: choose
    keys: {"1": sales, "2": technical, "3": billing, "4": complaints}
  sales: {type: queue, queue: sales}
  technical:
    type: queue
    queue: support
    skills: {technical: 4}
    waiting: {keys: {"9": call_me}}
  billing: {type: queue, queue: support, skills: {billing: 3, cantonese: 2}}
  complaints: {type: queue, queue: complaints}
  call_me: {type: callback, queue: support, next: bye}
  bye: {type: hangup, reason: callback}
"""


@dataclass(frozen=True)
class Need:
    """Where a key of the menu leads."""

    queue: str
    levels: Mapping[str, int] = field(default_factory=dict)


NEEDS = {
    "1": Need("sales"),
    "2": Need("support", {"technical": 4}),
    "3": Need("support", {"billing": 3, "cantonese": 2}),
    "4": Need("complaints"),
    "": Need("support"),
}
"""By the key; without one (it got lost: callers and Asterisk speak over UDP) the flow goes to its default queue."""
SHARES = {"1": 0.3, "2": 0.32, "3": 0.23, "4": 0.15}
PEOPLE: tuple[tuple[tuple[str, ...], Mapping[str, int]], ...] = (
    (("support",), {"technical": 5, "billing": 2}),
    (("complaints", "support"), {"technical": 4, "cantonese": 5, "billing": 3}),
    (("sales", "support"), {"technical": 2, "billing": 5, "cantonese": 2}),
    (("complaints", "sales"), {"billing": 2}),
    (("sales",), {"billing": 3}),
    (("support",), {"technical": 3, "cantonese": 3, "billing": 4}),
)
"""Queues and levels of the agents, in turn."""
TIERS = ("vip", "key", "key", "regular", "regular", "vip", "regular", "small", "small", "small")
MOODS = ("never", "reject", "never", "busy")


@dataclass(frozen=True)
class Size:
    """How busy. ``waves``: calls and calls a second, one after the other; ``moody``: phones that don't take a call, for
    ``mood`` seconds, then others; shares are of the callers."""

    agents: int
    waves: tuple[tuple[int, float], ...]
    talk: tuple[float, float]
    moody: int
    mood: float = 12.0
    hasty: float = 0.14
    call_me: float = 0.06
    again: float = 0.7

    @property
    def calls(self) -> int:
        """First calls; who rings again is not counted."""
        return sum(count for count, _ in self.waves)


@dataclass
class Day:
    """One busy day: the floor while it goes on and what callers saw. ``offset``: seconds from the monotonic clock to
    1970; ``published``: when the other rules were (seconds since 1970)."""

    floor: Floor
    size: Size
    recording: Path
    chance: random.Random
    offset: float = 0.0
    published: float = 0.0
    core_pid: int | None = None
    results: list[CallerResult] = field(default_factory=list)
    gave_up: list[CallPlan] = field(default_factory=list)
    redialled: int = 0

    def answer(self, kind: str = "auto") -> dict[str, Any]:
        """What a phone does."""
        return {"kind": kind, "answer_after": (0.3, 0.9), "talk": self.size.talk}


@asynccontextmanager
async def busy_day(folder: Path, prompts: Path, size: Size, seed: int = 4) -> AsyncIterator[Day]:
    """The floor, everybody ready."""
    people = [
        FloorAgent(f"agent{1001 + i}", str(1001 + i), *PEOPLE[i % len(PEOPLE)]) for i in range(size.agents)
    ]
    flows = folder / "flows"
    flows.mkdir(parents=True)
    (flows / "main.yaml").write_text(FLOW, "utf-8")
    floor = Floor(
        FloorPlan(
            folder=folder,
            launcher=find_launcher(),
            agents=people,
            password=PASSWORD,
            behaviour={"kind": "auto", "answer_after": (0.3, 0.9), "talk": size.talk},
            screen={"finish_after": (0.3, 1.0), "ready_again_after": (3.0, 5.0)},
            overrides={
                "log": {"level": "INFO"},
                "routing": dict(ROUTING),
                "web": {"login_tries": 1000},
                "ivr": {"folder": str(flows)},
                "callbacks": {"opens": "00:00:00", "closes": "00:00:00", "tries": 2, "pause": 5},
            },
            skills=sample.SKILLS,
            queues=QUEUES,
            rtp=False,
            root=ROOT,
            prompts=prompts,
        )
    )
    await _fill(floor, size, people)
    day = Day(floor, size, folder / "ami.txt", random.Random(seed))
    secret = let_in(floor)
    try:
        floor.write_settings()
        await floor.asterisk.start()
        async with Witness(floor.asterisk_plan.ami_port, secret, day.recording):
            await floor.start_phones()
            await floor.start_core()
            await floor.start_screens(120)
            await all_ready(floor, size.agents)
            day.core_pid = floor.core_pid()
            async with Customers(folder / "customers", floor.asterisk_plan.trunk_port, talk=2.0):
                yield day
    finally:
        await floor.stop()


async def _fill(floor: Floor, size: Size, people: Sequence[FloorAgent]) -> None:
    """Customers in four tiers, each VIP and key customer with an owner at work; log-in is not what is looked at here:
    so its hash is a cheap one."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    url = f"sqlite+aiosqlite:///{floor.database}"
    await upgrade(url)
    database = Database(url)
    try:
        customers = max(100, size.calls)
        await sample.fill(
            database, SystemClock(), lambda _name: cheap, agents=size.agents, customers=customers
        )
    finally:
        await database.close()
    with closing(sqlite3.connect(floor.database)) as connection, connection:
        for one in people:
            connection.execute(
                "UPDATE users SET queues = ?, skills = ? WHERE username = ?",
                [json.dumps(one.queues), json.dumps(one.skills), one.username],
            )
        staff = [key for (key,) in connection.execute("SELECT id FROM users WHERE role = 'agent'")]
        for (key,) in connection.execute("SELECT id FROM customers").fetchall():
            tier = TIERS[key % len(TIERS)]
            owner = staff[key % len(staff)] if tier in {"vip", "key"} else None
            connection.execute("UPDATE customers SET tier = ?, owner_id = ? WHERE id = ?", [tier, owner, key])


# ------------------------------------------------------------ who calls


def first_calls(day: Day) -> list[CallPlan]:
    """Everybody once, each from a number of their own."""
    size, chance = day.size, day.chance
    known: dict[str, list[str]] = {tier: [] for tier in dict.fromkeys(TIERS)}
    for each in known_numbers(day.floor.database):
        if len(each.customer_ids) == 1:
            known[each.tier].append(each.number)
    plans = []
    for index in range(size.calls):
        if chance.random() < size.call_me:
            # The customers of the rig know by the last two digits what to do: 01 is busy.
            number = f"+8613911{index:04d}{'01' if index % 3 == 0 else '10'}"
            keys: tuple[tuple[str, float], ...] = (("2", MENU_AT), ("9", CALL_ME_AT))
            plans.append(CallPlan(number, dial=LINE, keys=keys, patience=PATIENCE))
            continue
        key = chance.choices(list(SHARES), list(SHARES.values()))[0]
        hasty = chance.random() < size.hasty
        patience = MENU_AT + chance.uniform(1.5, 5.0) if hasty else PATIENCE
        # One in ten is a stranger.
        theirs = known[TIERS[index % len(TIERS)]] if chance.random() < 0.9 else []
        number = theirs.pop() if theirs else f"+861381110{index:04d}"
        plans.append(CallPlan(number, dial=LINE, keys=((key, MENU_AT),), patience=patience))
    return plans


async def callers(day: Day) -> None:
    """All waves; those who gave up in one come again in a later one, and stay this time. In the middle of the wave in
    the middle the rules change."""
    first, folder = first_calls(day), day.floor.plan.folder / "callers"
    middle = (len(day.size.waves) - 1) // 2
    async with asyncio.TaskGroup() as tasks:
        for number, (count, rate) in enumerate(day.size.waves):
            again, day.gave_up = day.gave_up, []
            again = [
                replace(plan, patience=PATIENCE) for plan in again if day.chance.random() < day.size.again
            ]
            day.redialled += len(again)
            plans, first = [*again, *first[:count]], first[count:]
            tasks.create_task(_wave(day, plans, rate, folder / str(number)))
            if number == middle:
                tasks.create_task(_publish(day))
            await asyncio.sleep(len(plans) / rate + 1.0)


async def _wave(day: Day, plans: list[CallPlan], rate: float, folder: Path) -> None:
    port = day.floor.asterisk_plan.sip_port
    await run_calls(plans, sip_port=port, rate=rate, folder=folder, on_result=lambda one: _over(day, one))


def _over(day: Day, result: CallerResult) -> None:
    day.results.append(result)
    if result.outcome is Outcome.PATIENCE and result.plan.patience < PATIENCE:
        day.gave_up.append(result.plan)


async def _publish(day: Day) -> None:
    """Other promises, while somebody waits, by the command line in a process of its own."""
    floor = day.floor
    other = floor.plan.folder / "other.toml"
    changed = {name: {"seconds": seconds} for name, seconds in OTHER_PROMISES.items()}
    text = floor.config.read_text("utf-8")
    tables = toml({f"routing.{name}": table for name, table in changed.items()})
    other.write_text(f"{text}\n{tables}", "utf-8")
    await until(lambda: len(_waiting(floor)) >= 2, 30, "some callers wait")
    command = [sys.executable, "-m", "callcenter", "routing", "publish", "--config", str(other), "--json"]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == 0, said
    day.published = time.time()


def _waiting(floor: Floor) -> list[dict[str, Any]]:
    return rows(floor, "SELECT id FROM calls WHERE stage = 'waiting' AND ended_at IS NULL")


async def moods(day: Day) -> None:
    """For ever: some phones don't take their calls for a while, then others don't."""
    extensions = [agent.extension for agent in day.floor.plan.agents]
    while True:
        chosen = day.chance.sample(extensions, day.size.moody)
        for place, extension in enumerate(chosen):
            await behave(day.floor, extension, **day.answer(MOODS[place % len(MOODS)]))
        await asyncio.sleep(day.size.mood)
        for extension in chosen:
            await behave(day.floor, extension, **day.answer())


# ------------------------------------------------------------ the day


async def live_through(day: Day) -> None:
    """All calls, until the last callback is over and everybody is free again; then the core is stopped, so that all is
    on record."""
    day.offset = time.time() - time.monotonic()
    moody = asyncio.create_task(moods(day), name="moods")
    try:
        await callers(day)
    finally:
        moody.cancel()
        await asyncio.gather(moody, return_exceptions=True)
    for agent in day.floor.plan.agents:
        await behave(day.floor, agent.extension, **day.answer())
    still = "SELECT id FROM callbacks WHERE state IN ('queued', 'reserved', 'dialling')"
    await until(lambda: not rows(day.floor, still), 90, "the callbacks are over")
    await until(
        lambda: not rows(day.floor, "SELECT id FROM calls WHERE ended_at IS NULL"), 20, "all has ended"
    )
    await until(lambda: all_free(day.floor), 30, "all agents are free")
    assert day.floor.core_pid() == day.core_pid, "it is still the same core"
    await asyncio.sleep(0.5)
    await day.floor.stop_process("screens")
    await day.floor.stop_process("core")


def all_free(floor: Floor) -> bool:
    """Was every screen told last that its agent is ready?"""
    last = {
        event["extension"]: event["state"]["state"]
        for event in read_events(floor.screen_events)
        if event.get("state")
    }
    return set(last.values()) == {"ready"}
