"""A call floor without callers' coroutines: line, roster and distributor, on a clock that is moved by hand."""

from callcenter.agents.events import AgentChanged, AgentLoggedOut
from callcenter.agents.roster import Roster, RosterRules
from callcenter.agents.states import Agent
from callcenter.bus import Bus
from callcenter.calls.call import Call, Direction
from callcenter.calls.events import CallOffered, OfferEnded, PhoneState
from callcenter.calls.number import normalise
from callcenter.calls.skills import Levels
from callcenter.clock import ManualClock
from callcenter.customers.customer import Tier
from callcenter.ids import AgentId, CallId, Extension, QueueName
from callcenter.routing.demand import ANYBODY, Wanted
from callcenter.routing.distributor import Distributor, OfferTimes, Place
from callcenter.routing.line import Line
from callcenter.routing.rules import RoutingRules
from callcenter.timers import ManualTimers

SALES, SUPPORT = QueueName("sales"), QueueName("support")


class Floor:
    """A line, a roster and the distributor between, on a clock that is moved by hand."""

    def __init__(self, rules: RoutingRules | None = None) -> None:
        self.clock, self.timers, self.bus = ManualClock(), ManualTimers(), Bus()
        self.roster = Roster(self.bus, self.clock, self.timers, RosterRules())
        self.line = Line(rules or RoutingRules())
        times = OfferTimes({SALES: 20, SUPPORT: 30}, 5)
        self.d = Distributor(self.line, self.roster, self.bus, self.clock, self.timers, times)
        self.offered: list[CallOffered] = []
        self.ended: list[OfferEnded] = []
        self.bus.subscribe(CallOffered, self.offered.append)
        self.bus.subscribe(OfferEnded, self.ended.append)
        self.bus.subscribe(AgentChanged, self.d.agent_changed)
        self.bus.subscribe(AgentLoggedOut, self.d.agent_gone)

    def agent(
        self, number: int, *queues: QueueName, ready: bool = True, skills: Levels | None = None
    ) -> Agent:
        """With a screen and a free phone."""
        agent_id, extension = AgentId(number), Extension(str(1000 + number))
        agent = self.roster.log_in(
            agent_id, f"Agent {number}", extension, frozenset(queues or (SALES,)), skills
        )
        self.roster.phone_changed(extension, PhoneState.IDLE)
        self.roster.screen_opened(agent_id)
        if ready:
            self.roster.ready(agent_id)
        return agent

    def joins(
        self,
        name: str,
        queue: QueueName = SALES,
        *,
        tier: Tier = Tier.REGULAR,
        waited: float = 0,
        skills: Levels | None = None,
        wanted: Wanted = ANYBODY,
        boost: float = 0.0,
        below: bool = False,
        direction: Direction = Direction.INBOUND,
    ) -> Place:
        """A caller, or a callback (outbound)."""
        call = Call(
            CallId(name),
            direction,
            normalise("anonymous", "CN"),
            "",
            "4001",
            self.clock.now() - waited,
            self.clock.wall(),
            tier=tier.value,
            skills=skills or {},
        )
        return self.d.join(call, queue, call.arrived, wanted=wanted, boost=boost, below=below)

    def pass_time(self, seconds: float) -> None:
        """Timers fire."""
        self.clock.move(seconds)
        self.timers.fire(self.clock.now())

    def pairs(self) -> list[tuple[str, int]]:
        """All offers so far."""
        return [(event.call.id, event.agent_id) for event in self.offered]
