"""Joins, offers, answers, misses, log-outs, cuts of the link in any order: no double offer, no caller lost."""

import asyncio
import datetime as dt

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from callcenter.agents.states import RoutingState
from callcenter.calls.call import Call, Direction
from callcenter.calls.events import OfferResult, PhoneState
from callcenter.calls.number import normalise
from callcenter.customers.customer import Tier
from callcenter.errors import CallcenterError
from callcenter.ids import AgentId, CallId, Extension, QueueName
from callcenter.routing.choose import choose
from callcenter.routing.decision import rerun
from callcenter.routing.demand import Wanted
from callcenter.routing.distributor import Place
from callcenter.routing.facts import facts_of
from callcenter.routing.offer import Offer
from callcenter.routing.rules import Order, QueueRules, Relationship, RingRule, RoutingRules, Strategy
from tests.fakes.floor import SALES, SUPPORT, Floor

pytestmark = pytest.mark.unit

agents = st.sampled_from([AgentId(n) for n in (1, 2, 3)])
picks = st.integers(0, 20)
RULES = [
    RoutingRules(relationship=Relationship(owner_wait=20, last_agent_wait=10)),
    RoutingRules(order=Order.STRICT),
    RoutingRules(
        queues={
            SALES: QueueRules(
                weight=2,
                strategy=Strategy.LEAST_WORK,
                hard=True,
                rest=15,
                rings=(RingRule(10, lower=2), RingRule(30, lower=4, also=frozenset({SUPPORT}))),
            ),
            SUPPORT: QueueRules(strategy=Strategy.MOST_PROFICIENT, prefers=("billing",)),
        },
        ceiling=120,
    ),
]


class Traffic(RuleBasedStateMachine):
    """Each caller is waiting, offered, talking, released or gone; the test keeps its own books."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.floor = Floor(RULES[0])
        self.places: list[Place] = []
        self.talking: dict[CallId, AgentId] = {}
        self.count = 0
        self.link = True

    def teardown(self) -> None:
        """The futures are all that the loop held."""
        self.loop.close()

    def do(self, act: "object") -> None:
        """Run a synchronous step inside the loop, as the product does."""

        async def step() -> None:
            act()  # type: ignore[operator]

        self.loop.run_until_complete(step())

    def offered(self, pick: int) -> tuple[Place, Offer] | None:
        """One of the offers that stand."""
        standing = [
            (place, offer)
            for place in self.places
            if (offer := place.taken()) is not None and self.floor.d.offer_of(place.call.id) is offer
        ]
        return standing[pick % len(standing)] if standing else None

    @rule(
        tier=st.sampled_from(Tier),
        queue=st.sampled_from([SALES, SUPPORT]),
        waited=st.integers(0, 400),
        skills=st.sampled_from([{}, {}, {"billing": 2}, {"billing": 5}]),
        wanted=st.builds(Wanted, *[st.sampled_from([None, None, AgentId(1), AgentId(3)])] * 3, st.just(15)),
        kind=st.sampled_from(
            [("inbound", False), ("inbound", False), ("outbound", False), ("outbound", True)]
        ),
        boost=st.sampled_from([0, 0, 60]),
    )
    def joins(
        self,
        tier: Tier,
        queue: QueueName,
        waited: int,
        skills: dict[str, int],
        wanted: Wanted,
        kind: tuple[str, bool],
        boost: float,
    ) -> None:
        """A caller, a callback, a follow-up."""
        self.count += 1
        name = f"c{self.count}"
        direction, below = Direction(kind[0]), kind[1]
        self.do(
            lambda: self.places.append(
                self.floor.joins(
                    name,
                    queue,
                    tier=tier,
                    waited=waited,
                    skills=skills,
                    wanted=wanted,
                    direction=direction,
                    below=below,
                    boost=boost,
                )
            )
        )

    @rule(pick=picks)
    def joins_again(self, pick: int) -> None:
        """The same call once more, as when it comes back from elsewhere."""
        if self.places:
            place = self.places.pop(pick % len(self.places))
            call = place.call
            self.do(lambda: self.places.append(self.floor.d.join(call, place.queue, call.arrived)))

    @rule(agent=agents, answered=st.booleans())
    def claims(self, agent: AgentId, answered: bool) -> None:
        """Somebody is put through to just this agent; the talk is short."""
        self.count += 1
        call = Call(
            CallId(f"claimed{self.count}"),
            Direction.INBOUND,
            normalise("anonymous", "CN"),
            "",
            "",
            0.0,
            self.floor.clock.wall(),
        )

        def claim() -> None:
            offer = self.floor.d.claim(call, agent)
            if isinstance(offer, Offer):
                self.floor.d.end(offer, OfferResult.ANSWERED if answered else OfferResult.NO_ANSWER)
                if answered:
                    self.floor.roster.talk_begun(agent, call.id)
                    self.floor.roster.talk_ended(agent, call.id, 0)

        self.do(claim)

    @rule(rules=st.sampled_from(RULES))
    def rules_change(self, rules: RoutingRules) -> None:
        """Published while people wait."""
        self.do(lambda: self.floor.d.apply(rules, self.count))

    @rule(hours=st.sampled_from([-1, 1]))
    def wall_clock_jumps(self, hours: int) -> None:
        """Somebody sets the machine's clock (F38): the line counts on another one."""
        self.floor.clock.set_wall(self.floor.clock.wall() + dt.timedelta(hours=hours))

    @rule(pick=picks)
    def leaves(self, pick: int) -> None:
        """Gone, wherever they are."""
        if self.places:
            place = self.places.pop(pick % len(self.places))
            self.do(lambda: self.floor.d.leave(place))

    @rule(pick=picks)
    def answers(self, pick: int) -> None:
        """The agent has the call; the caller's coroutine leaves the line when the talk is over."""
        if found := self.offered(pick):
            place, offer = found

            def talk() -> None:
                self.floor.d.end(offer, OfferResult.ANSWERED)
                self.floor.roster.talk_begun(offer.agent_id, offer.call.id)
                self.floor.d.leave(place)

            self.do(talk)
            self.places.remove(place)
            self.talking[offer.call.id] = offer.agent_id

    @rule(pick=picks, result=st.sampled_from([OfferResult.NO_ANSWER, OfferResult.BUSY, OfferResult.FAILED]))
    def comes_back(self, pick: int, result: OfferResult) -> None:
        """The offer came to nothing."""
        if found := self.offered(pick):
            place, offer = found
            self.do(lambda: self.floor.d.end(offer, result))
            self.do(lambda: self.floor.d.back(place))

    @rule(wrap_up=st.sampled_from([0, 30]))
    def talk_ends(self, wrap_up: int) -> None:
        """The oldest."""
        if self.talking:
            call, agent = next(iter(self.talking.items()))
            del self.talking[call]
            self.do(lambda: self.floor.roster.talk_ended(agent, call, wrap_up))

    @rule(agent=agents)
    def logs_in(self, agent: AgentId) -> None:
        """Ready at once."""
        if self.floor.roster.find(agent) is None:
            skills = {1: {}, 2: {"billing": 3}, 3: {"billing": 5}}[agent]
            self.do(lambda: self.floor.agent(agent, SALES, *([SUPPORT] if agent > 1 else []), skills=skills))

    @rule(agent=agents)
    def logs_out(self, agent: AgentId) -> None:
        """Maybe refused."""

        def out() -> None:
            try:
                self.floor.roster.log_out(agent)
            except CallcenterError:
                return

        self.do(out)

    @rule(agent=agents, ready=st.booleans())
    def chooses(self, agent: AgentId, ready: bool) -> None:
        """Presence."""
        if self.floor.roster.find(agent) is not None:
            roster = self.floor.roster
            self.do(lambda: roster.ready(agent) if ready else roster.not_ready(agent, "BREAK"))

    @rule(agent=agents, free=st.booleans())
    def phone(self, agent: AgentId, free: bool) -> None:
        """A device state."""
        state = PhoneState.IDLE if free else PhoneState.BUSY
        self.do(lambda: self.floor.roster.phone_changed(Extension(str(1000 + agent)), state))

    @rule(seconds=st.sampled_from([1, 10, 26, 40]))
    def time(self, seconds: int) -> None:
        """Leases and wrap-ups end."""
        self.do(lambda: self.floor.pass_time(seconds))
        self._take_back()

    @rule(up=st.booleans(), release=st.booleans())
    def link_changes(self, up: bool, release: bool) -> None:
        """Asterisk's events go and come; the waiting may be released meanwhile."""
        self.link = up
        self.do(lambda: self.floor.d.telephony(up=up))
        if not up and release:
            self.do(self.floor.d.release_all)
            for place in [one for one in self.places if not one.pending and one.taken() is None]:
                self.places.remove(place)
                self.do(lambda place=place: self.floor.d.leave(place))

    def _take_back(self) -> None:
        """A lease ended: the caller's ring ends too, and the caller comes back."""
        for place in self.places:
            offer = place.taken()
            if offer is not None and self.floor.d.offer_of(place.call.id) is None:
                self.do(lambda place=place: self.floor.d.back(place))

    @invariant()
    def nobody_is_offered_twice(self) -> None:
        """One call one agent, one agent one call."""
        standing = list(self.floor.d._offers._offers.values())
        assert len({offer.call.id for offer in standing}) == len(standing)
        assert len({offer.agent_id for offer in standing}) == len(standing)
        for offer in standing:
            agent = self.floor.roster.get(offer.agent_id)
            assert (agent.offer_id, agent.offer_call) == (offer.id, offer.call.id)

    @invariant()
    def nobody_is_held_for_nothing(self) -> None:
        """A reserved agent has an offer that stands."""
        for agent in self.floor.roster:
            if agent.state is RoutingState.RESERVED:
                assert agent.offer_id in self.floor.d._offers._offers

    @invariant()
    def nobody_is_lost(self) -> None:
        """A caller with a place is in the line, or offered, or told to go."""
        in_line = {waiting.call_id for waiting in self.floor.line}
        for place in self.places:
            offered = self.floor.d.offer_of(place.call.id) is not None
            released = not place.pending and place.taken() is None
            assert (place.call.id in in_line) + offered + released == 1
        assert in_line <= {place.call.id for place in self.places}

    @invariant()
    def nobody_waits_while_an_agent_is_free(self) -> None:
        """Every offer that can be made has been made."""
        if not self.link:
            return
        now = self.floor.clock.now()
        for waiting in self.floor.line:
            assert choose(map(facts_of, self.floor.roster), waiting.demand, now) is None

    @invariant()
    def what_is_kept_is_what_is(self) -> None:
        """The agents kept in order are the agents there are, and each demand in line is asked by somebody in it."""
        d, now = self.floor.d, self.floor.clock.now()
        everybody = [facts_of(agent) for agent in self.floor.roster]
        assert {one.id: one for one in d._idle.everybody()} == {one.id: one for one in everybody}
        asked = {waiting.demand for waiting in self.floor.line}
        assert set(self.floor.line.demands()) == asked
        for demand in list(asked)[:3]:
            assert d._idle.best(demand, now) == choose(everybody, demand, now)

    @invariant()
    def counts_never_drift(self) -> None:
        """What is counted by class and by wanted agent is what is in line."""
        d, line = self.floor.d, list(self.floor.line)
        for queue in (SALES, SUPPORT):
            mine = [waiting for waiting in line if waiting.queue == queue]
            assert (d.waiting_in(queue), sum(d.line.counts(queue).values())) == (len(mine), len(mine))
        wanted = {(call, agent) for agent, calls in d._wanted.items() for call in calls}
        assert wanted == {(one.call_id, one.demand.only) for one in line if one.demand.only is not None}

    @invariant()
    def decisions_can_be_made_again(self) -> None:
        """The last one, from its record alone."""
        for event in self.floor.offered[-1:]:
            if event.decision is not None:
                assert rerun(event.decision.packed()) == event.agent_id


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
