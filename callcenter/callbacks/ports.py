"""What this stage needs of the storage, and what flows and pages need of this stage."""

import datetime as dt
from typing import Literal, Protocol

from callcenter.callbacks.callback import Callback
from callcenter.callbacks.redial import PastCall
from callcenter.calls.call import Call
from callcenter.ids import QueueName, UserId

Asked = Literal["kept", "merged", "refused"]
"""``kept``: it is in the line. ``merged``: this number had one already, which is kept at the better place.
``refused``: it is no number that can be called."""


class KeptCallbacks(Protocol):
    """The callbacks on record; they are written by the ``Recorder``."""

    async def open_callbacks(self) -> list[Callback]:
        """Those that are to be made, oldest first."""

    async def recent(self, queues: frozenset[QueueName] | None, limit: int = 200) -> list[Callback]:
        """The latest, open ones first; of these queues, or of all (None)."""


class CallbackDesk(Protocol):
    """Asks for callbacks and cancels them."""

    def ask(self, call: Call, queue: QueueName, number: str, arrived: float) -> Asked:
        """Keep this caller's place (``arrived``: monotonic, of the place in line). ``number`` is what
        the caller gave, or the key of the call's own number. One synchronous step."""

    def cancel(self, callback_id: str, by: UserId) -> bool:
        """Take it out of the line; False when it is not waiting any more."""


class PastCalls(Protocol):
    """The record, read back for the places that callers left."""

    async def past_calls(self, since: dt.datetime) -> list[PastCall]:
        """Those of known numbers that ended since then, and those that still go on, in the order of their arrival.
        Raises ``DatabaseAway``."""


class KeptPlaces(Protocol):
    """Places of callers who hung up to be called back, gave up, or were cut off."""

    def resume_place(self, call: Call, queue: QueueName) -> float | None:
        """The caller joins this queue: has the number a callback waiting there, it is over, and the caller takes its
        place; the same with the place that an earlier call of this number left; of several the earliest. Gives when
        it was taken (monotonic), None when there is none. The same again for the same call. One synchronous step."""
