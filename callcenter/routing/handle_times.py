"""The mean handle time of each queue: how long a contact keeps an agent, learned from those that end.

A contact's handle time is its ring at the agent who took it, talk, hold and wrap-up. The mean begins at a prior that
weighs as much as ten contacts, is the plain mean while there are few, and forgets slowly afterwards (the latest hundred
or so count), so it follows the day.
"""

from dataclasses import dataclass

from callcenter.agents.events import WrapUpEnded, WrapUpStarted
from callcenter.calls.call import Call, Stage
from callcenter.calls.events import CallEnded
from callcenter.ids import CallId, QueueName

PRIOR_SECONDS = 240.0
"""Before anything is known; a usual handle time of service lines."""
PRIOR_WEIGHT = 10.0
"""Contacts that the prior counts as."""
LATEST = 100.0
"""Contacts that the mean remembers."""


@dataclass(slots=True)
class _Mean:
    seconds: float
    weight: float = PRIOR_WEIGHT

    def add(self, seconds: float) -> None:
        self.weight = min(self.weight + 1.0, LATEST)
        self.seconds += (seconds - self.seconds) / self.weight


@dataclass(slots=True)
class _WrapUp:
    """Of one call: when it began, what it took, and what the call before it took, as far as they are known."""

    began: float
    took: float | None = None
    queue: QueueName | None = None
    contact: float | None = None


class HandleTimes:
    """Handlers on the bus, for ``CallEnded``, ``WrapUpStarted`` and ``WrapUpEnded``. Seconds."""

    def __init__(self, prior: float = PRIOR_SECONDS) -> None:
        self._prior = prior
        self._means: dict[QueueName, _Mean] = {}
        self._wrap_ups: dict[CallId, _WrapUp] = {}

    def mean(self, queue: QueueName) -> float:
        """Seconds that a contact of this queue keeps an agent."""
        mean = self._means.get(queue)
        return self._prior if mean is None else mean.seconds

    def add(self, queue: QueueName, seconds: float) -> None:
        """One contact took so long."""
        self._means.setdefault(queue, _Mean(self._prior)).add(seconds)

    def wrap_up_started(self, event: WrapUpStarted) -> None:
        """The agent notes; the contact goes on."""
        self._wrap_ups[event.call_id] = _WrapUp(event.at)

    def wrap_up_ended(self, event: WrapUpEnded) -> None:
        """The agent is free again; the caller may still be in a survey."""
        wrap_up = self._wrap_ups.get(event.call_id)
        if wrap_up is None:
            return
        wrap_up.took = event.at - wrap_up.began
        if wrap_up.contact is not None:
            self._close(event.call_id, wrap_up)

    def call_ended(self, event: CallEnded) -> None:
        """The call is over; its wrap-up may go on."""
        call, wrap_up = event.call, self._wrap_ups.get(event.call.id)
        contact = _with_agent(call, event.at)
        if wrap_up is not None:
            wrap_up.queue, wrap_up.contact = call.queue, contact
            if wrap_up.took is not None:
                self._close(call.id, wrap_up)
        elif call.queue is not None and contact > 0:
            self.add(call.queue, contact)

    def _close(self, call_id: CallId, wrap_up: _WrapUp) -> None:
        del self._wrap_ups[call_id]
        if wrap_up.queue is not None and wrap_up.contact:
            self.add(wrap_up.queue, wrap_up.contact + (wrap_up.took or 0.0))


def _with_agent(call: Call, now: float) -> float:
    """Seconds with the agent who talked, from the first ring; 0 when nobody did."""
    talked = {s.agent_id for s in call.segments if s.stage in {Stage.TALKING, Stage.HELD}}
    with_agent = {Stage.RINGING, Stage.DIALLING, Stage.TALKING, Stage.HELD}
    return sum(s.seconds(now) for s in call.segments if s.stage in with_agent and s.agent_id in talked)
