"""The look-ups that run while callers are greeted, and what each found, kept as long as the call lives."""

import asyncio

from callcenter.calls.call import Call
from callcenter.calls.live_calls import LiveCalls
from callcenter.customers.customer import Tier
from callcenter.customers.lookup import Match, MatchKind, identify, recall
from callcenter.customers.ports import CustomerDirectory
from callcenter.ids import CallId, CustomerId
from callcenter.tasks import Tasks

PENDING = Match(MatchKind.UNAVAILABLE)
"""What is said of a caller whose look-up has not ended."""

_BEST_FIRST = tuple(Tier)


class Identification:
    """Starts a look-up per call, writes tier and customer into the call, keeps the match for the pop."""

    def __init__(self, directory: CustomerDirectory, calls: LiveCalls, tasks: Tasks) -> None:
        self._directory = directory
        self._calls = calls
        self._tasks = tasks
        self._running: dict[CallId, asyncio.Task[Match]] = {}
        self._found: dict[CallId, Match] = {}

    def begin(self, call: Call) -> None:
        """Start the look-up, unless it was started."""
        if call.id not in self._running:
            self._running[call.id] = self._tasks.start(self._look_up(call), f"identify {call.id}")

    async def wait(self, call: Call, limit: float) -> Match:
        """The match, at the latest after ``limit`` seconds as far as it is known then."""
        self.begin(call)
        await asyncio.wait({self._running[call.id]}, timeout=limit)
        return self.of(call.id)

    def of(self, call_id: CallId) -> Match:
        """What is known of a caller now."""
        return self._found.get(call_id, PENDING)

    async def as_customer(self, call: Call, customer_id: CustomerId) -> Match:
        """For calls whose customer is known beforehand (a follow-up): fetch that record."""
        match = await recall(self._directory, customer_id)
        self._note(call, match)
        return match

    def forget(self, call_id: CallId) -> None:
        """The call is over."""
        self._found.pop(call_id, None)
        if (task := self._running.pop(call_id, None)) is not None:
            task.cancel()

    async def _look_up(self, call: Call) -> Match:
        match = await identify(self._directory, call.number)
        self._note(call, match)
        return match

    def _note(self, call: Call, match: Match) -> None:
        self._found[call.id] = match
        if match.record is not None:
            call.customer_id, call.tier = match.record.id, match.record.tier.value
        elif match.candidates:
            # Several share the number: the best tier among them sets the place, the agent asks who it is.
            call.tier = min((card.tier for card in match.candidates), key=_BEST_FIRST.index).value
        self._calls.touch(call)
