"""What everything stands on: the clock, the bus, the tasks, and the database's side."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from callcenter.bus import Bus
from callcenter.clock import SystemClock
from callcenter.settings import Settings
from callcenter.storage.audit import Audit
from callcenter.storage.callbacks import StoredCallbacks
from callcenter.storage.calls import StoredCalls, StoredHistory
from callcenter.storage.cases import StoredCases
from callcenter.storage.complaints import StoredComplaints
from callcenter.storage.customers import StoredCustomers
from callcenter.storage.database import Database, upgrade
from callcenter.storage.decisions import StoredDecisions
from callcenter.storage.flows import StoredFlows
from callcenter.storage.follow_ups import StoredFollowUps
from callcenter.storage.pins import StoredPins
from callcenter.storage.recorder import DatabaseRecorder
from callcenter.storage.redials import StoredPastCalls
from callcenter.storage.routing_rules import StoredRules
from callcenter.storage.users import StoredUsers
from callcenter.storage.voicemails import StoredVoicemails
from callcenter.tasks import Tasks
from callcenter.timers import LoopTimers


class Ground:
    """What everything stands on."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.bus = Bus()
        self.tasks = Tasks("core")
        self.timers = LoopTimers(self.clock)

    async def close(self) -> None:
        """No timer fires any more, and every task has ended."""
        self.timers.close()
        await self.tasks.close()


@dataclass(frozen=True)
class Kept:
    """The database's side."""

    customers: StoredCustomers
    users: StoredUsers
    complaints: StoredComplaints
    follow_ups: StoredFollowUps
    calls: StoredCalls
    history: StoredHistory
    flows: StoredFlows
    callbacks: StoredCallbacks
    voicemails: StoredVoicemails
    pins: StoredPins
    cases: StoredCases
    rules: StoredRules
    decisions: StoredDecisions
    past_calls: StoredPastCalls
    audit: Audit
    recorder: DatabaseRecorder


@asynccontextmanager
async def storage(settings: Settings, ground: Ground) -> AsyncIterator[Kept]:
    """The database at this program's version, and the recorder running; raises ``PartMissing``, ``SettingsError``."""
    clock = ground.clock
    await upgrade(settings.database.url)
    database = Database(settings.database.url)
    recorder = DatabaseRecorder(database, settings.database.journal, clock, region=settings.region)
    await recorder.start()
    try:
        yield Kept(
            customers=StoredCustomers(database),
            users=StoredUsers(database, clock),
            complaints=StoredComplaints(database, clock),
            follow_ups=StoredFollowUps(database, clock),
            calls=StoredCalls(database, clock),
            history=StoredHistory(database, clock),
            flows=StoredFlows(database, clock),
            callbacks=StoredCallbacks(database),
            voicemails=StoredVoicemails(database, clock),
            pins=StoredPins(database, clock),
            cases=StoredCases(database, clock, ZoneInfo(settings.zone)),
            rules=StoredRules(database, clock),
            decisions=StoredDecisions(database),
            past_calls=StoredPastCalls(database),
            audit=Audit(recorder, clock),
            recorder=recorder,
        )
    finally:
        await recorder.close()
        await database.close()
