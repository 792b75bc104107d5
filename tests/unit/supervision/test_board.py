"""The supervisors' board: worked out from what is, when it is asked for."""

import asyncio
import json

import pytest

from callcenter.calls.events import TelephonyUp
from callcenter.customers.customer import Tier
from callcenter.ids import AgentId
from tests.calls.scene import Stage
from tests.fakes.centre import SALES, SUPPORT, Centre
from tests.fakes.fake_directory import customer
from tests.virtual_time import settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


async def test_the_board() -> None:
    """Queues by tier with the longest wait, ringing included; agents with state and call; calls with names."""
    vip = customer(1, "王芳", Tier.VIP, "+8613800138001")
    async with Centre(vip) as centre:
        await centre.agent(1, SUPPORT)
        await centre.agent(2, SALES, ready=False)
        first = await centre.waiting("13800138001")
        await Stage(centre).play([(2, "1001", "answers")])
        await asyncio.sleep(8)
        await centre.waiting("13800138002")
        await asyncio.sleep(5)
        await centre.agent(3, SUPPORT)
        await settle()
        last = await centre.waiting("13800138003")
        await asyncio.sleep(2)
        board = json.loads(json.dumps(centre.board.snapshot()))
        queues = {queue["name"]: queue for queue in board["queues"]}
        assert queues["support"]["waiting"] == {"vip": 0, "key": 0, "regular": 2, "small": 0}
        assert queues["support"]["longest_wait"] == 7
        assert (queues["support"]["agents_ready"], queues["support"]["agents_on_call"]) == (0, 1)
        assert queues["sales"]["waiting"]["regular"] == 0
        assert queues["sales"]["longest_wait"] == 0
        agents = {agent["id"]: agent for agent in board["agents"]}
        assert [agents[n]["state"] for n in (1, 2, 3)] == ["on_call", "not_ready", "reserved"]
        assert agents[1]["call_id"] == first.variables["CC_CALL"]
        calls = {call["id"]: call for call in board["calls"]}
        talk = calls[first.variables["CC_CALL"]]
        assert (talk["customer_name"], talk["agent"], talk["stage"]) == ("王芳", "Agent 1", "talking")
        assert calls[last.variables["CC_CALL"]]["stage"] == "waiting"
        assert board["telephony"] == "up"


async def test_places_in_the_line() -> None:
    """Who waits has a place in the own queue, the wait, the promise and how urgent that is; who talks or rings has
    none."""
    vip = customer(1, "王芳", Tier.VIP, "+8613800138001")
    async with Centre(vip) as centre:
        first = await centre.waiting("13800138002")
        await asyncio.sleep(12)
        second = await centre.waiting("13800138001")
        await asyncio.sleep(8)
        calls = {one["id"]: one for one in json.loads(json.dumps(centre.board.snapshot()))["calls"]}
        places = [calls[line.variables["CC_CALL"]]["place"] for line in (first, second)]
        rules = centre.distributor.line.rules
        regular, better = rules.promises[Tier.REGULAR].seconds, rules.promises[Tier.VIP].seconds
        assert [one["promise"] for one in places] == [regular, better] == [30, 10]
        assert [one["waited"] for one in places] == [20, 8]
        assert [one["urgency"] for one in places] == [0.67, 0.8]
        assert [one["position"] for one in places] == [2, 1]
        await centre.agent(1)
        await settle()
        calls = {one["id"]: one for one in centre.board.snapshot()["calls"]}
        ringing = [one for one in calls.values() if one["stage"] == "ringing"]
        assert [one["place"] for one in ringing] == [None]


async def test_the_version_grows_with_news() -> None:
    """Nothing happened: the same version; a change of call, agent or link: another."""
    async with Centre() as centre:
        await centre.agent(1)
        version = centre.board.version()
        centre.board.snapshot()
        assert centre.board.version() == version
        for change in (
            lambda: centre.desk.not_ready(AgentId(1), "BREAK"),
            centre.call,
            centre.down,
            centre.up,
        ):
            change()
            await settle()
            assert centre.board.version() > version
            version = centre.board.version()


async def test_gaps_are_on_the_board_for_an_hour() -> None:
    """A supervisor sees that figures may be incomplete, and it is forgotten after a while."""
    async with Centre() as centre:
        before = centre.board.version()
        centre.board.telephony_back(TelephonyUp(centre.clock.now(), False, frozenset(), 0.0))
        assert centre.board.snapshot()["gaps"] == []
        centre.board.telephony_back(TelephonyUp(centre.clock.now(), False, frozenset(), 12.34))
        await asyncio.sleep(60)
        assert centre.board.snapshot()["gaps"] == [{"seconds_ago": 60, "seconds": 12.3}]
        await asyncio.sleep(3600)
        assert centre.board.snapshot()["gaps"] == []
        assert centre.board.version() > before
