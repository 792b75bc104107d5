"""What the caller's coroutine works with, and what it needs that others implement."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callcenter.agents.roster import Roster
from callcenter.callbacks.ports import KeptPlaces
from callcenter.calls.live_calls import LiveCalls
from callcenter.calls.ports import PhoneBook, QueueSettings, Switch
from callcenter.clock import Clock
from callcenter.customers.identification import Identification
from callcenter.ids import CallId, QueueName
from callcenter.reception.blind_transfer import BlindTransfers
from callcenter.reception.ports import OutsideNumbers
from callcenter.reception.visit import Ivr
from callcenter.routing.distributor import Distributor
from callcenter.screen_pop.presenter import Presenter


@dataclass(frozen=True, slots=True)
class Parts:
    """``region``: where numbers without a country belong; ``recordings``: the folder Asterisk writes to."""

    calls: LiveCalls
    identification: Identification
    roster: Roster
    distributor: Distributor
    presenter: Presenter
    ivr: Ivr
    switch: Switch
    phone_book: PhoneBook
    queues: Mapping[QueueName, QueueSettings]
    clock: Clock
    region: str
    recordings: Path
    wrap_up_seconds: float
    in_dialogue: set[CallId]
    """Calls whose coroutine is running: it ends them."""
    notes_read: deque[str]
    """Keys of the fallback's notes that are on record and may be deleted."""
    left: set[CallId] = field(default_factory=set)
    """Calls in dialogue whose caller Asterisk says has left: the coroutine, too, will hear of it."""
    callbacks: KeptPlaces | None = None
    """Where callers who ring again find the place of their callback; None: nobody is called back."""
    outside: OutsideNumbers | None = None
    """Where agents may put callers through to outside; None: nowhere."""
    blind_transfers: BlindTransfers = field(init=False)

    def __post_init__(self) -> None:
        """Those who serve callers and the agents' desk share one."""
        transfers = BlindTransfers(self.calls, self.roster, self.queues, self.switch, self.outside)
        object.__setattr__(self, "blind_transfers", transfers)
