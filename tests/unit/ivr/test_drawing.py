"""A flow as a picture: what leads where, and why."""

import pytest

from callcenter.ivr.drawing import draw
from tests.fakes.fake_ivr import a_flow

pytestmark = pytest.mark.unit


def test_the_ways_out_of_a_line() -> None:
    """Each with the word that is on it; the unusual ones are marked as such."""
    flow = a_flow(
        """
        line:
          type: queue
          queue: support
          waiting:
            keys: {"5": key}
            timeout: {seconds: 60, next: late}
            full: {waiting: 9, next: full}
            closes: {hours: office, next: closed}
            nobody: nobody
            unanswered: unanswered
        key: {type: hangup}
        late: {type: hangup}
        full: {type: hangup}
        closed: {type: hangup}
        nobody: {type: hangup}
        unanswered: {type: hangup}
        """,
        hours={"office": {"zone": "UTC", "open": {"daily": ["09:00-18:00"]}}},
    )
    drawn = {(edge.target, edge.label, edge.usual) for edge in draw(flow).edges if edge.source == "line"}
    assert drawn == {
        ("key", "5", True),
        ("late", "60 s", False),
        ("full", "> 9", False),
        ("closed", "closes", False),
        ("nobody", "nobody", False),
        ("unanswered", "unanswered", False),
    }
