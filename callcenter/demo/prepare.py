"""The demo's database: sample customers with their history, agents, and the seat of whoever watches."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from callcenter.clock import SystemClock
from callcenter.demo.floor import FloorAgent
from callcenter.ids import QueueName
from callcenter.storage import sample
from callcenter.storage.database import Database, upgrade
from callcenter.storage.users import StoredUsers

SEAT = FloorAgent("you", "1000", sample.QUEUES, {"billing": 3, "cantonese": 4})
"""The seat that is kept for whoever started the demo."""
SUPERVISOR = "supervisor"

ROUTING: Mapping[str, Any] = {"wrap_up_seconds": 30, "owner_wait": 6, "last_agent_wait": 4}
"""Routing as the demo shows it: customers wait a little for the people whom they know. Seconds."""
QUEUES: tuple[Mapping[str, Any], ...] = (
    {"name": "sales", "title_en": "Sales", "title_zh": "销售", "prefers": ["billing"], "strategy": "least_work"},
    {
        "name": "support", "title_en": "Support", "title_zh": "客户服务", "prefers": ["technical"],
        "strategy": "most_proficient", "rings": [{"after": 15, "also": ["sales"]}],
    },
    {
        "name": "complaints", "title_en": "Complaints", "title_zh": "投诉", "record": True, "hard": True, "rest": 5,
        "weight": 2, "rings": [{"after": 20, "also": ["support"]}],
    },
)  # fmt: skip
"""Each chooses in a way of its own, so that the reasons on the screens differ."""


def agents(count: int) -> list[FloorAgent]:
    """The sample's agents as simulated people: ``agent1001`` on phone 1001, and so on."""
    return [FloorAgent(f"agent{1001 + place}", str(1001 + place)) for place in range(count)]


async def prepare_database(
    path: Path, password: str, *, agents: int, customers: int = 300, seat: bool = False
) -> None:
    """Make and fill the database at an absolute path; everybody has the same password. A filled one stays as it is."""
    url = f"sqlite+aiosqlite:///{path}"
    clock = SystemClock()
    await upgrade(url)
    database = Database(url)
    # One hash for all: argon2 is slow on purpose, and this password is printed on the screen anyway.
    password_hash = PasswordHasher().hash(password)
    try:
        new = await sample.fill(
            database, clock, lambda _name: password_hash, agents=agents, customers=customers
        )
        if seat and new:
            await StoredUsers(database, clock).add(
                SEAT.username,
                "You 你",
                "agent",
                password_hash,
                extension=SEAT.extension,
                queues=[QueueName(queue) for queue in SEAT.queues],
                skills=SEAT.skills,
            )
    finally:
        await database.close()


def names(path: Path) -> dict[str, str]:
    """Who usually sits at which phone."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        rows = connection.execute(
            "SELECT extension, display_name FROM users WHERE extension != ''"
        ).fetchall()
    finally:
        connection.close()
    return dict(rows)
