"""A place in the line, with the offer that may come to it."""

import asyncio

from callcenter.calls.call import Call, Direction
from callcenter.errors import ReleasedToFallback
from callcenter.ids import AgentId, QueueName
from callcenter.routing.demand import ANYBODY, Wanted
from callcenter.routing.offer import Offer
from callcenter.routing.policy import Waiting


class Place:
    """Who has it awaits ``offer``. ``asked``: what was asked for at joining; ``waiting``: the place in line as it was
    taken last; ``tried``: who missed an offer of it."""

    def __init__(self, call: Call, queue: QueueName, wanted: Wanted = ANYBODY) -> None:
        self.call = call
        self.queue = queue
        self.wanted = wanted
        self.waiting: Waiting
        self.tried: frozenset[AgentId] = frozenset()
        self.missed = 0
        """Offers of it that came to nothing."""
        self._given: Offer | None = None
        self._released = False
        self._future: asyncio.Future[Offer] | None = None

    async def offer(self) -> Offer:
        """Wait for the next offer; raises ``ReleasedToFallback`` when the core lets go of its callers.

        May be cancelled and awaited again: the offer isn't lost."""
        if self._given is not None:
            return self._given
        if self._future is None:
            self._future = asyncio.get_running_loop().create_future()
            if self._released:
                self._let_go(self._future)
        return await asyncio.shield(self._future)

    @property
    def has_caller(self) -> bool:
        """Somebody holds the line and hears the music; not so for a callback."""
        return self.call.direction is not Direction.OUTBOUND

    @property
    def pending(self) -> bool:
        """No offer yet."""
        return self._given is None and not self._released

    def give(self, offer: Offer) -> None:
        """An agent is reserved."""
        if self.pending:
            self._given = offer
            if self._future is not None and not self._future.done():
                self._future.set_result(offer)

    def release(self) -> None:
        """Let go."""
        if self.pending:
            self._released = True
            if self._future is not None and not self._future.done():
                self._let_go(self._future)

    def taken(self) -> Offer | None:
        """The offer that came, if any."""
        return self._given

    def again(self) -> None:
        """Wait for another offer."""
        self._given, self._released, self._future = None, False, None

    def _let_go(self, future: "asyncio.Future[Offer]") -> None:
        future.set_exception(ReleasedToFallback("Asterisk's events are away"))
        future.exception()  # whoever awaits hears of it; nobody awaiting is no error
