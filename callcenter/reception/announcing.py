"""What is said to who waits, and when. Pure: times are seconds of one clock, passed in."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from callcenter.reception.visit import Value, WaitMessage, WaitPlan

SHORT = 60.0
"""Seconds of an expected wait below which no minutes are named."""


@dataclass(frozen=True, slots=True)
class Position:
    """The announcement of the place in the line, and of the wait that is to be expected."""


Announcement = Position | WaitMessage


class Programme:
    """Each announcement's next time. One that came due while a phone rang is said once, not as often as it was due;
    and none is said again before its ``every`` is over, however often the caller comes back into the line."""

    def __init__(self, plan: WaitPlan, joined: float) -> None:
        self._next: list[tuple[float, Announcement]] = [
            (joined + message.after, message) for message in plan.messages
        ]
        self._position_every = plan.announce_every
        if plan.announce_every is not None:
            self._next.insert(0, (joined, Position()))

    def next_at(self) -> float | None:
        """When something is due; None when nothing will be."""
        return min((at for at, _ in self._next), default=None)

    def take(self, now: float) -> Announcement | None:
        """What is due now, the longest due first; its next time counts from now."""
        at = self.next_at()
        if at is None or at > now:
            return None
        index = next(i for i, (when, _) in enumerate(self._next) if when == at)
        _, announcement = self._next[index]
        every = self._position_every if isinstance(announcement, Position) else announcement.every
        if every is None:
            del self._next[index]
        else:
            self._next[index] = (now + every, announcement)
        return announcement


def position_prompts(
    plan: WaitPlan, position: int | None, expected: float | None
) -> list[tuple[str, Mapping[str, Value]]]:
    """The prompts of a place in the line and an expected wait; what is not known is not said."""
    said: list[tuple[str, Mapping[str, Value]]] = []
    if plan.position and position is not None:
        said.append(("next_in_line", {}) if position <= 1 else ("position", {"position": position}))
    if plan.expected_wait and expected is not None:
        minutes = math.ceil(expected / 60)
        said.append(("wait_short", {}) if expected < SHORT else ("wait_minutes", {"minutes": minutes}))
    return said
