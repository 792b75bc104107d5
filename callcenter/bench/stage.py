"""Where the benches of calls play: a real Asterisk, the core, phones and screens, each a process of its own."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from argon2 import PasswordHasher

from callcenter.clock import SystemClock
from callcenter.demo.floor import Floor, FloorPlan, read_events
from callcenter.demo.prepare import agents
from callcenter.demo.story import known_numbers
from callcenter.errors import PartMissing
from callcenter.rig.asterisk_install import find_launcher
from callcenter.rig.callers import CallPlan
from callcenter.storage import sample
from callcenter.storage.database import Database, upgrade

LINE = "4001"
CONTEXT = "bench-callers"
DIALPLAN = f"""
; Callers of the bench: four digits beginning with 1 are a phone, dialled past our line; others are our lines.
[{CONTEXT}]
exten => _1XXX,1,Dial(PJSIP/${{EXTEN}},30)
 same => n,Hangup()
include => callcenter-inbound
"""
CUSTOMERS = 700
"""So that no two calls of a run have the same number."""
TALK = 1.0
"""Seconds on average."""
TALKS, ANSWERS = (0.8, 1.2), (0.03, 0.07)
"""Seconds, drawn evenly. Were they all the same, calls that come at even times would march in step: at 20 calls a
second each would ring in the very millisecond in which another is answered and a third one hung up."""
KEYS = (("1", 1.2), ("0", 2.6))
"""English, then a person: two keys that cut the announcements short. All agents serve that queue; no survey follows."""
PATIENCE = 60.0
READY = 180.0
"""Seconds until all screens must be ready; 500 of them take half a minute on a machine that does nothing else."""
PASSWORD = "bench-only-1"  # noqa: S105  of a private core on a free port of the loopback


@asynccontextmanager
async def stage(folder: Path, prompts: Path, screens: int) -> AsyncIterator[Floor]:
    """A floor with so many agents, all of them ready. Raises PartMissing."""
    people = agents(screens)
    floor = Floor(
        FloorPlan(
            folder=folder,
            launcher=find_launcher(),
            agents=people,
            password=PASSWORD,
            behaviour={
                "kind": "auto",
                "answer_after": ANSWERS,
                "talk": TALKS,
                "lines": 8,
            },
            screen={"finish_after": (0.0, 0.0), "ready_again_after": (0.2, 0.2)},
            # All screens log in at once, from one address.
            overrides={"routing": {"wrap_up_seconds": 0}, "web": {"login_tries": 1000}},
            rtp=False,
            prompts=prompts,
            extra_asterisk={"caller_context": CONTEXT, "extra_dialplan": DIALPLAN},
        )
    )
    await _fill(floor.database, screens)
    try:
        floor.write_settings()
        await floor.asterisk.start()
        await floor.start_phones()
        await floor.start_core()
        await floor.start_screens(READY)
        await all_ready(floor, screens)
        yield floor
    finally:
        await floor.stop()


async def _fill(path: Path, screens: int) -> None:
    """Customers with their history, and agents. Log-in is not what is measured: so its hash is a cheap one."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    url = f"sqlite+aiosqlite:///{path}"
    await upgrade(url)
    database = Database(url)
    try:
        await sample.fill(database, SystemClock(), lambda _name: cheap, agents=screens, customers=CUSTOMERS)
    finally:
        await database.close()


async def all_ready(floor: Floor, screens: int) -> None:
    """Wait until the agents of so many screens are ready; raises ``PartMissing``."""
    loop = asyncio.get_running_loop()
    limit = loop.time() + READY
    while len(ready := _ready(floor)) < screens:
        if loop.time() > limit:
            raise PartMissing(f"only {len(ready)} of {screens} agents got ready in {READY:.0f} s")
        await asyncio.sleep(0.2)


def _ready(floor: Floor) -> set[str]:
    return {
        event["extension"]
        for event in read_events(floor.screen_events)
        if event["event"] == "state" and event["state"]["state"] == "ready"
    }


def direct_calls(floor: Floor, count: int, chance: random.Random) -> list[CallPlan]:
    """Callers who dial phones past our line, one phone after the other."""
    extensions = itertools.cycle(agent.extension for agent in floor.plan.agents)
    return [
        CallPlan(number, dial=next(extensions), patience=PATIENCE)
        for number in _numbers(floor, count, chance)
    ]


def line_calls(floor: Floor, count: int, chance: random.Random) -> list[CallPlan]:
    """Callers who dial our line and press their way to a queue."""
    return [
        CallPlan(number, dial=LINE, keys=KEYS, patience=PATIENCE) for number in _numbers(floor, count, chance)
    ]


def _numbers(floor: Floor, count: int, chance: random.Random) -> list[str]:
    known = [each.number for each in known_numbers(floor.database)]
    if len(known) < count:
        raise PartMissing(f"{len(known)} numbers are not enough for {count} calls")
    return chance.sample(known, count)
