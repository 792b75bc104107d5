"""Orders to ring an agent's phone that wait for their outcome, ``OriginateResponse``.

It may come before the answer to the action itself, and before or after the phone's own Hangup: whichever comes
first, the outcome is told once.
"""

from collections import OrderedDict

from callcenter.asterisk.ami.messages import Event
from callcenter.calls.events import OutboundFailed
from callcenter.ids import CallId

_MOST = 1_000
_REASONS = {"1": "rejected", "3": "no_answer", "5": "busy", "8": "congestion"}
"""Asterisk's control frames as numbers; 0 is no such phone, 4 an answer."""


class Originates:
    """By the id of the action. Bounded: the oldest is forgotten first."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, CallId] = OrderedDict()
        self._early: OrderedDict[str, Event] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def ordered(self, action_id: str, call_id: CallId, now: float) -> OutboundFailed | None:
        """Asterisk has accepted the order; gives the outcome if it was faster."""
        self._waiting[action_id] = call_id
        if len(self._waiting) > _MOST:
            self._waiting.popitem(last=False)
        early = self._early.pop(action_id, None)
        return self.outcome(early, now) if early is not None else None

    def outcome(self, event: Event, now: float) -> OutboundFailed | None:
        """An OriginateResponse; None for success and for other people's orders."""
        call_id = self._waiting.pop(event.action_id, None)
        if call_id is None:
            if event.action_id:
                self._early[event.action_id] = event
                if len(self._early) > _MOST:
                    self._early.popitem(last=False)
            return None
        if event.get("Response") == "Success":
            return None
        return OutboundFailed(call_id, _REASONS.get(event.get("Reason"), "failed"), now)

    def forget(self) -> None:
        """The link is lost: no outcome will come."""
        self._waiting.clear()
        self._early.clear()
