"""The watchdog of the line: it sees what the line itself does not, says so, and mends it."""

import pytest
from structlog.testing import capture_logs

from callcenter.ids import AgentId
from callcenter.routing.watch import Watch
from tests.fakes.floor import Floor

pytestmark = pytest.mark.unit


def test_nothing_to_see() -> None:
    """A line that works gives no alarm, whoever waits."""
    floor = Floor()
    watch = Watch(floor.d, floor.roster, floor.clock)
    floor.agent(1)
    floor.joins("a")
    floor.joins("b")
    floor.agent(2, ready=False)
    for _ in range(5):
        assert not watch.look()
        floor.pass_time(1)
    assert watch.alarms == 0


def test_an_overlooked_agent_is_an_alarm_and_is_mended() -> None:
    """The line does not hear that an agent is ready: after 2 s it is said, and the caller is offered."""
    floor = Floor()
    watch = Watch(floor.d, floor.roster, floor.clock)
    agent = floor.agent(1, ready=False)
    floor.joins("a")
    floor.bus._handlers.clear()
    floor.roster.ready(agent.id)
    assert not watch.look()
    floor.pass_time(1)
    assert not watch.look()
    floor.pass_time(1)
    with capture_logs() as logs:
        assert watch.look()
    assert [one["event"] for one in logs] == ["a caller waits while an agent is free"]
    assert logs[0]["agent_id"] == AgentId(1)
    assert floor.d.offer_of("a") is not None  # type: ignore[arg-type]
    assert (watch.alarms, watch.look()) == (1, False)


def test_no_alarm_while_asterisk_is_away() -> None:
    """Then nobody is offered anything, and that is right."""
    floor = Floor()
    watch = Watch(floor.d, floor.roster, floor.clock)
    floor.d.telephony(up=False)
    floor.agent(1)
    floor.joins("a")
    for _ in range(4):
        assert not watch.look()
        floor.pass_time(1)
    floor.d.telephony(up=True)
    assert not watch.look()
