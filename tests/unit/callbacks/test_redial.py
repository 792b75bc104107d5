"""Which calls leave a place in line: the rule, on segments written down."""

import pytest

from callcenter.callbacks.redial import SERVED, Came, Stretch, came_of, queue_of
from callcenter.calls.call import EndReason, Stage
from callcenter.ids import QueueName

pytestmark = pytest.mark.unit

R, S = EndReason, Stage
WAIT, RING, FALLBACK = (S.WAITING, 30.0), (S.RINGING, 5.0), (S.FALLBACK, 30.0)
START = ((S.ARRIVED, 0.0), (S.IVR, 10.0))


@pytest.mark.parametrize(
    ("reason", "stages", "came"),
    [
        (R.ABANDONED, (*START, WAIT), Came.LEFT),
        (R.ABANDONED, (*START, WAIT, RING), Came.LEFT),
        (R.ABANDONED, (*START, WAIT, RING, WAIT), Came.LEFT),
        (R.LOST_TRACK, (*START, WAIT), Came.LEFT),
        (R.LOST_TRACK, (*START, WAIT, FALLBACK), Came.LEFT),
        (R.FALLBACK_LOST, (FALLBACK,), Came.LEFT),
        (R.FAILED, (*START, WAIT), Came.LEFT),
        (R.CALLER_HANGUP, (*START,), Came.NOTHING),
        (R.ABANDONED, (*START,), Came.NOTHING),
        (None, (*START, WAIT), Came.NOTHING),
        # cut off in the talk
        (R.AGENT_HANGUP, (*START, WAIT, RING, (S.TALKING, SERVED - 0.1)), Came.LEFT),
        (R.CALLER_HANGUP, (*START, WAIT, RING, (S.TALKING, 4.0), (S.HELD, 3.0), (S.TALKING, 2.0)), Came.LEFT),
        (R.LOST_TRACK, (*START, WAIT, RING, (S.TALKING, 1.0)), Came.LEFT),
        (R.AGENT_HANGUP, (*START, WAIT, RING, (S.TALKING, SERVED)), Came.SERVED),
        (R.LOST_TRACK, (*START, WAIT, RING, (S.TALKING, 600.0)), Came.SERVED),
        (R.CALLER_HANGUP, (*START, WAIT, RING, (S.TALKING, 5.0), (S.HELD, 5.0)), Came.SERVED),
        (None, (*START, WAIT, RING, (S.TALKING, 1.0)), Came.NOTHING),
        # served by others
        (R.FALLBACK_SERVED, (FALLBACK,), Came.NOTHING),
        (R.FALLBACK_SERVED, (FALLBACK, (S.TALKING, 60.0)), Came.SERVED),
        (R.TRANSFERRED, (*START, WAIT, RING, (S.TALKING, 5.0)), Came.NOTHING),
        # put through by an agent, and back in line
        (R.ABANDONED, (*START, WAIT, RING, (S.TALKING, 90.0), WAIT), Came.LEFT),
        # led elsewhere by the flow
        (R.CALLER_HANGUP, (*START, WAIT, (S.IVR, 3.0)), Came.NOTHING),
        (R.IVR_END, (*START, WAIT, (S.IVR, 3.0)), Came.NOTHING),
        (R.CALLER_HANGUP, (*START, WAIT, (S.OUTSIDE, 3.0)), Came.NOTHING),
        (R.AGENT_HANGUP, (*START, WAIT, RING, (S.TALKING, 5.0), (S.SURVEY, 5.0)), Came.NOTHING),
        # never in line
        (R.CALLER_HANGUP, ((S.ARRIVED, 0.0), (S.TALKING, 60.0)), Came.SERVED),
        (R.LOST_TRACK, (), Came.NOTHING),
    ],
)
def test_what_a_call_came_to(
    reason: EndReason | None, stages: tuple[tuple[Stage, float], ...], came: Came
) -> None:
    """By its segments and its end alone, so that the record gives the same answer as we did."""
    assert came_of(reason, [Stretch(stage, seconds) for stage, seconds in stages]) is came


def test_the_queue_of_a_place() -> None:
    """That in which the call was in line last; the call's own where no segment names one."""
    sales, support = QueueName("sales"), QueueName("support")
    stretches = [Stretch(S.WAITING, 5, sales), Stretch(S.WAITING, 5, support), Stretch(S.TALKING, 5, sales)]
    assert queue_of(stretches, None) == support
    assert queue_of(stretches[:1], support) == sales
    assert queue_of([Stretch(S.FALLBACK, 5)], support) == support
