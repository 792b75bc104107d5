"""The outbound dialogue: the agent's own channel, after a click-to-call was answered, dials the customer."""

from callcenter.asterisk.agi.session import AgiSession
from callcenter.calls.ports import DialResult, PhoneBook
from callcenter.clock import Clock
from callcenter.ids import CallId
from callcenter.telephony import safe
from callcenter.telephony.caller_line import AgiCallerLine, AnsweredAt


class AgiOutboundLine(AgiCallerLine):
    """As a caller's line, but the one who holds it is the agent. ``did`` is the number to call."""

    stage = "outbound"

    def __init__(
        self, session: AgiSession, clock: Clock, answered_at: AnsweredAt, phone_book: PhoneBook
    ) -> None:
        super().__init__(session, clock, answered_at)
        self._book = phone_book

    async def dial_number(self, number: str, *, ring_seconds: int, call_id: CallId) -> DialResult:
        """Ring the customer and stay until the talk is over; ``caller_gone`` means that the agent hung up.

        Raises BadInput before anything is sent, ActionFailed, ReleasedToFallback.
        """
        phone = self._book.outbound.format(number=safe.number(number))
        return await self.dial(phone, ring_seconds=ring_seconds, call_id=call_id)

    async def _after_ring(self) -> None:
        """The agent's own channel never goes to the fallback queue."""
